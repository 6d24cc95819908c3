/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* page.h - the HTML page that is being written: what all of its parts need. */
#ifndef MGR_PAGE_H
#define MGR_PAGE_H

#include <stdbool.h>

#include "html.h"
#include "selection.h"
#include "visit.h"

/* Of the members of one balancer. */
typedef struct {
    int ok;                    /* members that are in service */
    int standing_by;           /* spares and standbys whose turn it is not */
    int failed;                /* out of service because they failed */
    int off;                   /* out of service because somebody, or DNS, wants it so */
    const lb_member_view_t *worst;     /* the first that failed; NULL: there is none */
    uint64_t elected;
    double rate;               /* requests per second in the last minute */
    uint64_t in_flight;
    uint64_t weight;           /* of those in service, and now: see mgr_member_row_weight() */
} mgr_totals_t;

/* How a balancer stands: the worst comes first. */
typedef enum {
    MGR_IN_ORDER,
    MGR_HAS_TROUBLE,           /* panic, a standing queue, DNS, errors */
    MGR_HAS_FAILED,            /* members */
    MGR_IS_DOWN                /* none is in service */
} mgr_rank_t;

typedef struct {
    const lb_balancer_view_t *balancer;
    mgr_totals_t totals;
    mgr_rank_t rank;
} mgr_standing_t;

typedef struct {
    const mgr_visit_t *visit;
    mgr_html_t *html;
    mgr_selection_t selection;
    /* For attributes. A browser's links have no path, only a query, so that they lead to this page
     * by whatever path a proxy shows it. Scripts put stock's behind the name of the host. */
    const char *path;          /* of the page, up to "?"; "" in a browser */
    const char *action;        /* where forms go: the same page, with its filter and order */
    apr_time_t now;
    bool is_for_browser; /* scripts get the words, the order and all the rows of stock's page */
    bool is_long;              /* so many members that long lists show only the notable ones */
    bool is_big;               /* so many that balancers in order are shown folded up */
    bool is_huge;              /* so many that only those of opened balancers are on the page */
    const apr_array_header_t *standings;   /* of mgr_standing_t *, in the order of the page */
    int problems;              /* failed members, and balancers in another trouble */
} mgr_page_t;

#endif
