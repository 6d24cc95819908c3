/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* chart.h - pictures of numbers: inline SVG with attributes only, coloured by the style sheet. */
#ifndef MGR_CHART_H
#define MGR_CHART_H

#include "html.h"
#include "mod_balancer_byrequests.h"

/** Print the charts of a balancer's last minutes: requests, in flight, waiting, first byte. */
void mgr_chart_print_samples(mgr_html_t *html, const lb_balancer_view_t *balancer);

/** Print the charts of the last minute of one of its members: requests, first byte.
 *  samples  of lb_sample_t, oldest first */
void mgr_chart_print_member(mgr_html_t *html, const lb_balancer_view_t *balancer,
                            const char *name, const apr_array_header_t *samples);

/** Print a small bar; what it shows must stand beside it as text.
 *  part     of whole: the filled part
 *  mark     of whole: where a line stands; negative: nowhere */
void mgr_chart_print_bar(mgr_html_t *html, double part, double mark, double whole);

#endif
