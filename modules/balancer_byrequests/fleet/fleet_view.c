/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fleet_view.c - see fleet_view.h. */
#include "fleet_view.h"

#include "apr_strings.h"
#include "board.h"
#include "clock.h"
#include "fleet_fronts.h"
#include "fleet_sum.h"
#include "intent_view.h"
#include "wall_clock.h"

static const char *checked_by(const apr_array_header_t *fronts)
{
    for (int i = 0; i < fronts->nelts; i++) {
        const lb_fleet_front_t *front = &APR_ARRAY_IDX(fronts, i, lb_fleet_front_t);
        if (front->is_fresh && front->view && front->view->makes_checks) {
            return front->name;
        }
    }
    return NULL;
}

static const char *error_of(apr_pool_t *p, const lb_board_state_t *state)
{
    return state->is_up                    ? NULL
           : state->fault == LB_FAULT_NONE ? "not yet tried"
                                           : apr_pstrdup(p, state->reason);
}

const lb_fleet_view_t *lb_fleet_view_take(apr_pool_t *p)
{
    const lb_fleet_settings_t *settings = lb_fleet_settings();

    if (!settings) {
        return NULL;
    }
    const lb_board_state_t state = lb_board_state();
    lb_fleet_view_t *view = apr_pcalloc(p, sizeof(*view));
    view->name = settings->name;
    view->front = settings->front;
    view->lease = settings->lease;
    view->is_up = state.is_up;
    view->since = lb_wall_clock_of(state.since);
    view->error = error_of(p, &state);
    view->age = state.contact_at ? fc_now() - state.contact_at : -1;
    view->fronts = lb_fleet_fronts(p, settings);
    view->checked_by = state.is_up ? checked_by(view->fronts) : NULL;
    view->members = lb_fleet_sum_members(lb_fleet_sum(p, view->fronts));
    view->changes = lb_intent_view_take(p);
    return view;
}
