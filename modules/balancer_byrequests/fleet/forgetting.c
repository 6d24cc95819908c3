/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* forgetting.c - see forgetting.h. */
#include "forgetting.h"

#include <string.h>

#include "apr_strings.h"
#include "fleet_fronts.h"
#include "share_exchange.h"

/* ---- Whom to forget -------------------------------------------------------------------------- */

static const char *add(apr_pool_t *p, const char *draft, void *front)
{
    return apr_pstrcat(p, draft ? draft : "", (const char *)front, "\n", NULL);
}

/* What was asked for in this round, and is done; others may have been added meanwhile. */
static const char *remove_done(apr_pool_t *p, const char *draft, void *done)
{
    const size_t bytes = strlen(done);

    return draft && strncmp(draft, done, bytes) == 0 ? apr_pstrdup(p, draft + bytes) : NULL;
}

static const lb_fleet_front_t *find(const apr_array_header_t *fronts, const char *name)
{
    for (int i = 0; i < fronts->nelts; i++) {
        const lb_fleet_front_t *front = &APR_ARRAY_IDX(fronts, i, lb_fleet_front_t);
        if (strcmp(front->name, name) == 0) {
            return front;
        }
    }
    return NULL;
}

const char *lb_forgetting_begin(apr_pool_t *p, const char *name)
{
    const lb_fleet_settings_t *settings = lb_fleet_settings();

    if (!settings) {
        return "this httpd is no front of a fleet";
    }
    if (!lb_board_state().is_up) {
        return "this front is alone now, and can tell nobody";
    }
    const lb_fleet_front_t *front = find(lb_fleet_fronts(p, settings), name);
    if (!front) {
        return apr_psprintf(p, "no front is called %s", name);
    }
    if (front->is_fresh) {
        return apr_psprintf(p, "%s is in contact: stop it first", name);
    }
    return lb_board_edit(p, LB_KIND_VIEW, add, apr_pstrdup(p, name))
                   && lb_share_exchange_forget(p, name)
               ? NULL
               : "too many fronts are being forgotten: try again";
}

/* ---- In a round ------------------------------------------------------------------------------ */

static const char *asked_for = "";    /* in this round, in its pool */

static apr_array_header_t *names(lb_fleet_round_t *round)
{
    apr_array_header_t *array = apr_array_make(round->p, 2, sizeof(const char *));
    char *last, *name = apr_strtok(apr_pstrdup(round->p, asked_for), "\n", &last);

    for (; name; name = apr_strtok(NULL, "\n", &last)) {
        APR_ARRAY_PUSH(array, const char *) = name;
    }
    return array;
}

void lb_forgetting_ask(lb_fleet_round_t *round)
{
    const char *draft = lb_board_draft(round->p, LB_KIND_VIEW);

    asked_for = draft ? draft : "";
    const apr_array_header_t *fronts = names(round);
    for (int i = 0; i < fronts->nelts; i++) {
        lb_round_remove(round, APR_ARRAY_IDX(fronts, i, const char *));
    }
}

void lb_forgetting_end(lb_fleet_round_t *round)
{
    const apr_array_header_t *fronts = names(round);

    for (int i = 0; i < fronts->nelts; i++) {
        lb_board_forget(APR_ARRAY_IDX(fronts, i, const char *));
    }
    if (fronts->nelts > 0) {
        lb_board_edit(round->p, LB_KIND_VIEW, remove_done, apr_pstrdup(round->p, asked_for));
    }
}
