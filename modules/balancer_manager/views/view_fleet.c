/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* view_fleet.c - <manager>/v1/fleet. Names in it are an interface: they are added, never changed.
 * Knows    the names of the fields (README.md lists them, assets/status.schema.json defines them).
 * Memory   r->pool.   Threads: any, no state. */
#include "view.h"

#include "balancer_calls.h"
#include "http_protocol.h"
#include "json.h"

enum { FLEET_VERSION = 1 };

static void put_age(mgr_json_t *w, apr_interval_time_t age)
{
    if (age < 0) {
        mgr_json_null(w, "age_seconds");
    }
    else {
        mgr_json_fraction(w, "age_seconds", apr_time_as_msec(age), 3);
    }
}

static void put_joined(mgr_json_t *w, lb_joined_t joined)
{
    if (joined == LB_NO_LIMITS) {
        mgr_json_null(w, "joined");
    }
    else {
        mgr_json_switch(w, "joined", joined == LB_JOINED);
    }
}

static void put_front(mgr_json_t *w, const lb_fleet_front_t *front)
{
    const lb_front_view_t *view = front->view;

    mgr_json_open(w, "", '{');
    mgr_json_text(w, "name", front->name);
    mgr_json_switch(w, "own", front->is_self);
    mgr_json_text(w, "software", view ? view->software : NULL);
    mgr_json_number_from(w, "generation", 0, view ? (apr_int64_t)view->generation : -1);
    put_age(w, front->age);
    mgr_json_switch(w, "fresh", front->is_fresh);
    mgr_json_count(w, "left_out", view ? view->left_out : 0);
    put_joined(w, front->joined);
    mgr_json_text(w, "problem", front->problem);
    mgr_json_close(w, '}');
}

static void put_part(mgr_json_t *w, const lb_fleet_view_t *fleet, const lb_fleet_part_t *part)
{
    const lb_front_member_t *said = part->said;

    mgr_json_open(w, "", '{');
    mgr_json_text(w, "front", APR_ARRAY_IDX(fleet->fronts, part->front, lb_fleet_front_t).name);
    mgr_json_text(w, "state", lb_state_word(said->state));
    mgr_json_switch(w, "failing", said->is_failing);
    mgr_json_count(w, "in_flight", said->in_flight);
    mgr_json_count(w, "queued", said->queued);
    mgr_json_count(w, "elected", said->elected);
    mgr_json_count(w, "failures", said->failures);
    mgr_json_number_from(w, "limit", 1, said->limit);
    mgr_json_number_from(w, "share", 0, said->is_shared ? (apr_int64_t)said->share : -1);
    mgr_json_number_from(w, "floor", 0, said->is_shared ? (apr_int64_t)said->floor : -1);
    mgr_json_close(w, '}');
}

static void put_member(mgr_json_t *w, const lb_fleet_view_t *fleet,
                       const lb_fleet_member_t *member)
{
    mgr_json_break_line(w);
    mgr_json_open(w, "", '{');
    mgr_json_text(w, "vhost", member->vhost);
    mgr_json_text(w, "balancer", member->key);
    mgr_json_text(w, "name", member->name);
    mgr_json_count(w, "in_flight", member->in_flight);
    mgr_json_count(w, "queued", member->queued);
    mgr_json_count(w, "failing", member->failing);
    mgr_json_number_from(w, "limit", 1, member->limit);
    mgr_json_open(w, "parts", '[');
    for (int i = 0; i < member->parts->nelts; i++) {
        put_part(w, fleet, &APR_ARRAY_IDX(member->parts, i, lb_fleet_part_t));
    }
    mgr_json_close(w, ']');
    mgr_json_close(w, '}');
}

static void put_change(mgr_json_t *w, const lb_fleet_change_t *change)
{
    mgr_json_break_line(w);
    mgr_json_open(w, "", '{');
    mgr_json_text(w, "vhost", *change->vhost ? change->vhost : NULL);
    mgr_json_text(w, "balancer", change->key);
    mgr_json_text(w, "member", change->member);
    mgr_json_text(w, "setting", change->setting);
    mgr_json_text(w, "value", change->value);
    mgr_json_text(w, "by", change->by);
    mgr_json_text(w, "front", change->front);
    mgr_json_time(w, "at", change->at);
    mgr_json_text(w, "here", change->here);
    mgr_json_close(w, '}');
}

static void put_head(mgr_json_t *w, const lb_fleet_view_t *fleet)
{
    mgr_json_number(w, "version", FLEET_VERSION);
    mgr_json_text(w, "fleet", fleet->name);
    mgr_json_text(w, "front", fleet->front);
    mgr_json_switch(w, "up", fleet->is_up);
    mgr_json_time(w, "since", fleet->since);
    mgr_json_text(w, "error", fleet->error);
    put_age(w, fleet->age);
    mgr_json_fraction(w, "lease_seconds", apr_time_as_msec(fleet->lease), 3);
    mgr_json_text(w, "checks_by", fleet->checked_by);
}

int mgr_view_fleet_json_send(mgr_visit_t *visit)
{
    const lb_fleet_view_t *fleet = mgr_balancer_calls_fleet(visit->r);
    mgr_json_t *w = mgr_json_make(visit->r);

    ap_set_content_type(visit->r, "application/json");
    mgr_json_open(w, "", '{');
    put_head(w, fleet);
    mgr_json_open(w, "fronts", '[');
    for (int i = 0; i < fleet->fronts->nelts; i++) {
        put_front(w, &APR_ARRAY_IDX(fleet->fronts, i, lb_fleet_front_t));
    }
    mgr_json_close(w, ']');
    mgr_json_open(w, "members", '[');
    for (int i = 0; i < fleet->members->nelts; i++) {
        put_member(w, fleet, &APR_ARRAY_IDX(fleet->members, i, lb_fleet_member_t));
    }
    mgr_json_close(w, ']');
    mgr_json_open(w, "changes", '[');
    for (int i = 0; i < fleet->changes->nelts; i++) {
        put_change(w, &APR_ARRAY_IDX(fleet->changes, i, lb_fleet_change_t));
    }
    mgr_json_close(w, ']');
    mgr_json_close(w, '}');
    mgr_sink_text(w->sink, "\n");
    mgr_sink_end(w->sink);
    return OK;
}
