/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* quantity.h - durations, rates, shares and times of day on a page. */
#ifndef MGR_QUANTITY_H
#define MGR_QUANTITY_H

#include "html.h"

/** "850 us", "3.2 ms", "12 s", "4 min", "2 h", "3 d" */
void mgr_quantity_duration(mgr_html_t *html, apr_interval_time_t us);

/** "0.3", "12.5", "1234": at most one decimal. */
void mgr_quantity_number(mgr_html_t *html, double number);

/** "25.0 %"; a whole of 0 gives "0.0 %". */
void mgr_quantity_percent(mgr_html_t *html, double part, double whole);

/** "1,234,567" */
void mgr_quantity_count(mgr_html_t *html, uint64_t count);

/** A <time> element with the server's local time of day, and the date when it is not of the last
 *  24 hours. */
void mgr_quantity_time(mgr_html_t *html, apr_time_t at, apr_time_t now);

/** A <time> element with how long ago that was: "4 min"; the time of day is its tooltip. */
void mgr_quantity_age(mgr_html_t *html, apr_time_t at, apr_time_t now);

#endif
