/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* page.h - the HTML page that is being written: what all of its parts need. */
#ifndef MGR_PAGE_H
#define MGR_PAGE_H

#include <stdbool.h>

#include "html.h"
#include "selection.h"
#include "visit.h"

typedef struct {
    const mgr_visit_t *visit;
    mgr_html_t *html;
    mgr_selection_t selection;
    /* For attributes. A browser's links have no path, only a query, so that they lead to this page
     * by whatever path a proxy shows it. Scripts put stock's behind the name of the host. */
    const char *path;          /* of the page, up to "?"; "" in a browser */
    const char *action;        /* where forms go: the same page, with its filter and order */
    apr_time_t now;
    bool is_big;               /* so many members that balancers are shown folded up */
    bool is_huge;              /* so many that only those of opened balancers are on the page */
} mgr_page_t;

/* Of the members of one balancer. */
typedef struct {
    int ok;                    /* members that are in service */
    int standing_by;           /* spares and standbys whose turn it is not */
    uint64_t elected;
    double rate;               /* requests per second in the last minute */
    uint64_t in_flight;
    uint64_t weight;           /* of those in service, and now: see mgr_member_row_weight() */
} mgr_totals_t;

#endif
