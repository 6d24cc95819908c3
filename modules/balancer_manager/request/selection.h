/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* selection.h - which members the page shows, and in which order: filter, state, sort, order,
 * open. */
#ifndef MGR_SELECTION_H
#define MGR_SELECTION_H

#include <stdbool.h>

#include "httpd.h"
#include "mod_balancer_byrequests.h"

typedef struct {
    const char *filter;        /* a piece of a name, a route, a host; "" for all */
    const char *state;         /* "", "attention", "failed", "off" or a member's state */
    const char *sort;          /* a sort key, or "" for none */
    bool is_descending;
    bool puts_trouble_first;   /* without a sort key; else they stay as they are configured */
    int refresh_seconds;       /* for browsers without JavaScript; 0: never */
    const apr_array_header_t *open;    /* of const char *: keys of balancers that were opened */
} mgr_selection_t;

/* As for qsort(). */
typedef int mgr_compare_t(const lb_member_view_t *a, const lb_member_view_t *b);

typedef struct {
    const char *key;           /* of the parameter `sort` */
    const char *label;
    mgr_compare_t *compare;
} mgr_sort_key_t;

/** All sort keys; the last has key NULL. */
extern const mgr_sort_key_t mgr_selection_sort_keys[];

/** Read the query of the request; what it holds that is not known is as if it were not there. */
mgr_selection_t mgr_selection_read(request_rec *r);

/** Does it leave anything out? */
bool mgr_selection_is_partial(const mgr_selection_t *selection);

/** Is the member out of service, though it did not fail: because somebody, or DNS, wants it so? */
bool mgr_selection_is_off(lb_state_t state);

/** Does anything about the member want to be looked at? */
bool mgr_selection_is_notable(const lb_member_view_t *member);

/** How many of the balancer's members are selected? */
int mgr_selection_count(const mgr_selection_t *selection, const lb_balancer_view_t *balancer);

/** Was it opened? Asked only when there are too many members to show them all. */
bool mgr_selection_is_open(const mgr_selection_t *selection, const lb_balancer_view_t *balancer);

/** The balancer's members that are selected, in their order.
 *  returns  array of const lb_member_view_t *, in p */
apr_array_header_t *mgr_selection_members(apr_pool_t *p, const mgr_selection_t *selection,
                                          const lb_balancer_view_t *balancer);

/** The query that gives this selection, in p: "?filter=...", or "?" for none. Not yet escaped for
 *  HTML. */
const char *mgr_selection_query(apr_pool_t *p, const mgr_selection_t *selection);

#endif
