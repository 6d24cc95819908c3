/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* snapshot.c - see snapshot.h. */
#include "snapshot.h"

#include "apr_strings.h"
#include "change_apply.h"
#include "checks.h"
#include "clock.h"
#include "drain.h"
#include "gate.h"
#include "health.h"
#include "member_config.h"
#include "member_counters.h"
#include "member_state.h"
#include "membership.h"
#include "samples.h"
#include "lbmethod.h"
#include "panic.h"
#include "setting.h"
#include "wall_clock.h"

static const char *flush_word(const proxy_worker_shared *s)
{
    switch (s->flush_packets) {
    case flush_on:
        return "on";
    case flush_auto:
        return "auto";
    default:
        return "off";
    }
}

static void copy_settings(apr_pool_t *p, const proxy_worker_shared *s, lb_member_view_t *view)
{
    view->url = LB_SETTING_COPY(p, s->name_ex);
    view->scheme = LB_SETTING_COPY(p, s->scheme);
    view->hostname = LB_SETTING_COPY(p, s->hostname_ex);
    view->port = *s->uds_path ? 0 : s->port;
    view->retries = s->retries;
    view->retry = s->retry;
    view->pool_min = s->min;
    view->pool_smax = s->smax;
    view->pool_max = s->hmax;
    view->ttl = s->ttl;
    view->timeout = s->timeout_set ? s->timeout : 0;
    view->acquire = s->acquire_set ? s->acquire : 0;
    view->recv_buffer_bytes = s->recv_buffer_size_set ? s->recv_buffer_size : 0;
    view->io_buffer_bytes = s->io_buffer_size_set ? s->io_buffer_size : 0;
    view->keepalive = s->keepalive_set ? (int)s->keepalive : -1;
    view->flush_packets = flush_word(s);
    view->flush_wait = s->flush_wait;
}

static void take_counted(const lb_counted_t *counted, lb_member_view_t *view)
{
    view->elected = counted->elected;
    view->failures = counted->failures;
    view->bytes_sent = counted->bytes_sent;
    view->bytes_read = counted->bytes_read;
    memcpy(view->responses, counted->responses, sizeof(view->responses));
    memcpy(view->ends, counted->ends, sizeof(view->ends));
    view->state_changes = counted->state_changes;
    view->outages = counted->outages;
    view->downtime = counted->downtime;
    view->queue_times = counted->queue_times;
    view->connect_times = counted->connect_times;
    view->first_byte_times = counted->first_byte_times;
    view->whole_times = counted->whole_times;
}

static void copy_counted(apr_pool_t *p, const lb_member_t *member, apr_time_t now,
                         lb_member_view_t *view)
{
    lb_member_room_t *room = lb_member_counters_of(member);
    lb_counted_t before, counted;

    lb_counters_fold_downtime(room, now);
    const bool was_reset = lb_counters_copy_before(room, &before);
    view->forgotten = atomic_load(&room->forgotten);
    lb_counters_copy(room, atomic_load(&member->row->elected) - view->forgotten,
                     atomic_load(&member->row->failures), &counted);
    if (was_reset) {
        lb_counters_subtract(&counted, &before);
        view->before = apr_pmemdup(p, &before, sizeof(before));
    }
    take_counted(&counted, view);
    view->counted_since = lb_wall_clock_of(atomic_load(&room->counted_since));
    view->down_since = lb_wall_clock_of(atomic_load(&room->down_since));
    view->exemplars = atomic_load(&room->has_exemplars) ? &room->exemplars : NULL;
}

void lb_snapshot_copy_exemplars(const lb_exemplars_t *exemplars, lb_time_t time,
                                lb_exemplar_t of_buckets[LB_HISTOGRAM_BUCKETS])
{
    for (int i = 0; i < LB_HISTOGRAM_BUCKETS; i++) {
        of_buckets[i] = lb_exemplars_get(exemplars, time, i);
        of_buckets[i].at = lb_wall_clock_of(of_buckets[i].at);
    }
}

/* gain   of the balancer: what this member has had in the last minute is added
 * returns  how long that was, us */
static int64_t copy_recent(const lb_member_t *member, apr_time_t now, lb_gain_t *gain,
                           lb_member_view_t *view)
{
    lb_gain_t own = { 0 };
    const int64_t took =
        lb_samples_gain_lately(lb_member_counters_of_balancer(member->balancer),
                               lb_member_counters_of(member), now, &own);
    view->recent = lb_samples_recent(&own, took);
    lb_samples_add_gain(gain, &own);
    return took;
}

static void copy_numbers(const lb_member_t *member, apr_time_t now, lb_member_view_t *view)
{
    const lb_member_row_t *row = member->row;
    lb_table_t *table = member->balancer->ledger->table;

    view->lbstatus = lb_lbmethod_lbstatus(member);
    view->in_flight = atomic_load(&row->in_flight);
    view->parked = lb_ledger_parked(table, lb_member_index(member));
    view->limit = lb_table_limit_of(row);
    view->queued = atomic_load(&row->waiting);
    view->last_error_at = lb_wall_clock_of(atomic_load(&row->last_error_at));
    view->last_error =
        view->last_error_at ? lb_outcome_word((lb_outcome_t)atomic_load(&row->last_error)) : NULL;
    view->next_trial_at = lb_health_next_trial(member);
    view->since = lb_wall_clock_of(atomic_load(&row->strikes.since));
    view->strikes = (int)lb_health_strikes(member, now);
    view->fleet_failing = (int)lb_health_fronts_failing(member);
    view->share_percent = 100 - (int)lb_member_state_held_back(member) / 100;
    view->drain_until = lb_drain_until(member);
}

static void copy_configured(apr_pool_t *p, const lb_member_t *member, lb_member_view_t *view)
{
    const lb_configured_t *configured = lb_member_configured(member);
    const lb_source_t *source = lb_member_source(member);

    view->origin = configured ? LB_ORIGIN_CONFIGURED
                   : source   ? LB_ORIGIN_DISCOVERED
                              : LB_ORIGIN_ADDED;
    view->source = source ? lb_source_name(source) : NULL;
    view->missing_since = lb_wall_clock_of(atomic_load(&lb_member_slot(member)->missing_since));
    view->config_url = configured ? configured->values->name_ex : view->url;
    if (!lb_member_config_settings(p, member->balancer, member->worker->s->index, &view->config)) {
        view->config = view->settings;
    }
}

static void copy_check(const lb_member_t *member, lb_member_view_t *view)
{
    const lb_check_row_t *row = &member->row->check;

    view->is_checked = lb_member_config_has_checks(member);
    view->checked_at = lb_wall_clock_of(lb_checks_last(member));
    view->check_outcome =
        view->checked_at ? lb_outcome_word((lb_outcome_t)atomic_load(&row->outcome)) : NULL;
    view->check_passes = atomic_load(&row->passes);
    view->check_fails = atomic_load(&row->fails);
    view->check_took = atomic_load(&row->took_us);
    view->check_busy = atomic_load(&row->busy);
    view->is_kept = lb_panic_keeps(member);
    view->fpm_is_current = lb_checks_fpm_is_current(member);
    view->fpm_numbers_at = lb_wall_clock_of(atomic_load(&row->fpm_at));
    view->fpm = (lb_fpm_numbers_t){
        .idle = atomic_load(&row->fpm_idle),
        .active = atomic_load(&row->fpm_active),
        .total = atomic_load(&row->fpm_total),
        .listen_queue = atomic_load(&row->fpm_listen_queue),
        .max_children_reached = atomic_load(&row->fpm_max_children_reached),
    };
}

/* ---- Ahead ----------------------------------------------------------------------------------- */

static void fetch(const void *memory, size_t bytes)
{
    for (size_t i = 0; i < bytes; i += 64) {
        __builtin_prefetch((const char *)memory + i);
    }
}

/* A status reads some 3 KB of each member, which no processor has at hand when members are many:
 * those of the next one arrive while this one is copied. */
static void fetch_ahead(const lb_member_t *member)
{
    const proxy_worker_shared *s = member->worker->s;
    const lb_member_room_t *room = lb_member_counters_of(member);
    const lb_mark_t *mark =
        lb_samples_minute_ago(lb_member_counters_of_balancer(member->balancer), room);
    const lb_configured_t *configured = lb_member_configured(member);

    fetch(s, sizeof(*s));
    fetch(member->row, sizeof(*member->row));
    fetch(room, offsetof(lb_member_room_t, before));
    fetch(&room->now, sizeof(room->now));
    fetch(mark, sizeof(*mark));
    if (configured) {
        fetch(configured->values, sizeof(*configured->values));
    }
}

/* another   member of the same balancer, NULL: most are in the same state */
static void view_member(apr_pool_t *p, const lb_member_t *member, apr_time_t now,
                        const lb_member_view_t *another, lb_member_view_t *view)
{
    proxy_worker *worker = member->worker;

    copy_settings(p, worker->s, view);
    view->name = *worker->s->uds_path ? ap_proxy_worker_name(p, worker) : view->url;
    view->state = lb_member_state_of(member);
    view->status_bits = worker->s->status;
    view->status = another && another->status_bits == view->status_bits
                       ? another->status
                       : ap_proxy_parse_wstatus(p, worker);
    view->settings = lb_setting_of_member(p, worker->s, member->row);
    view->revision = lb_setting_revision(&view->settings);
    copy_numbers(member, now, view);
    copy_configured(p, member, view);
    copy_check(member, view);
    copy_counted(p, member, now, view);
}

static void copy_balancer_settings(apr_pool_t *p, const lb_balancer_t *balancer,
                                   lb_balancer_view_t *view)
{
    const proxy_balancer *proxy = balancer->proxy;
    const proxy_balancer_shared *s = proxy->s;

    view->name = LB_SETTING_COPY(p, s->name);
    view->key = view->name + sizeof(BALANCER_PREFIX) - 1;
    view->sticky = LB_SETTING_COPY(p, s->sticky);
    view->sticky_path = LB_SETTING_COPY(p, s->sticky_path);
    view->forcerecovery = s->forcerecovery;
    view->path_delimiter_is_semicolon = s->scolonsep;
    view->nonce = LB_SETTING_COPY(p, s->nonce);
}

static void copy_balancer_configured(apr_pool_t *p, const proxy_balancer_shared *baseline,
                                     lb_balancer_view_t *view)
{
    view->config = lb_setting_of_balancer(p, baseline);
    view->config_sticky = baseline->sticky;
    view->config_sticky_path = baseline->sticky_path;
}

static apr_array_header_t *copy_past(apr_pool_t *p, const lb_balancer_room_t *room)
{
    apr_array_header_t *past = apr_array_make(p, LB_PAST_SAMPLES, sizeof(lb_sample_t));

    past->nelts = lb_samples_copy(room, (lb_sample_t *)(void *)past->elts);
    for (int i = 0; i < past->nelts; i++) {
        lb_sample_t *sample = &APR_ARRAY_IDX(past, i, lb_sample_t);
        sample->at = lb_wall_clock_of(sample->at);
    }
    return past;
}

/* The texts stay in the block that was copied. */
static apr_array_header_t *copy_history(apr_pool_t *p, const lb_balancer_t *balancer)
{
    lb_history_t *history = lb_table_history(balancer->ledger->table, lb_balancer_index(balancer));
    lb_history_entry_t *entries =
        lb_history_is_empty(history) ? NULL
                                     : apr_palloc(p, LB_HISTORY_PLACES * sizeof(*entries));
    const int count = entries ? lb_history_copy(history, entries) : 0;
    apr_array_header_t *changes = apr_array_make(p, count + 1, sizeof(lb_state_change_t));

    for (int i = 0; i < count; i++) {
        APR_ARRAY_PUSH(changes, lb_state_change_t) = (lb_state_change_t){
            .at = lb_wall_clock_of(entries[i].at),
            .member = entries[i].member,
            .from = (lb_state_t)entries[i].from,
            .to = (lb_state_t)entries[i].to,
            .cause = (lb_cause_t)entries[i].cause,
            .reason = entries[i].reason,
        };
    }
    return changes;
}

static void copy_balancer_numbers(apr_pool_t *p, const lb_balancer_t *balancer,
                                  lb_balancer_view_t *view)
{
    const lb_balancer_room_t *room = lb_member_counters_of_balancer(balancer);

    view->queued = atomic_load(&balancer->row->waiting);
    view->hcpanic = lb_panic_percent(balancer);
    view->is_panicking = lb_panic_is_on(balancer);
    view->counted_since = lb_wall_clock_of(atomic_load(&room->counted_since));
    for (int i = 0; i < LB_OUTCOME_COUNT; i++) {
        view->refused_before[i] = atomic_load(&room->refused_before[i]);
        view->refused[i] = atomic_load(&room->refused[i]) - view->refused_before[i];
    }
    view->past = copy_past(p, room);
    view->history = copy_history(p, balancer);
}

static void copy_queue(const lb_balancer_t *balancer, lb_balancer_view_t *view)
{
    lb_queue_rule_t rule;
    const lb_outlook_t outlook = lb_gate_outlook(balancer, &rule);

    view->queue_order = lb_queue_settings_order_word(rule.order);
    view->queue_target = rule.target;
    view->queue_reserve = (int)rule.reserve;
    view->queue_stands = outlook.stands;
    view->queue_oldest = outlook.oldest;
    view->queue_estimate = outlook.estimate;
    view->retries_left = outlook.retries_left;
    view->resent = outlook.resent;
    view->not_resent = outlook.not_resent;
}

static void view_members(apr_pool_t *p, const lb_balancer_t *balancer, server_rec *any,
                         lb_balancer_view_t *view)
{
    const apr_time_t now = fc_now();
    const lb_member_view_t *another = NULL;
    lb_member_t member, next;
    lb_gain_t gain = { 0 };
    int64_t took = 0;
    int at = 0;

    bool *serves = apr_pcalloc(p, (apr_size_t)balancer->slots * sizeof(*serves));

    lb_drain_end_due(balancer, any);
    lb_lbmethod_mark_serving(balancer, serves);
    view->members = apr_array_make(p, balancer->proxy->workers->nelts, sizeof(lb_member_view_t));
    bool is_more = lb_member_next(balancer, &at, &next);
    while (is_more) {
        lb_member_view_t *member_view = apr_array_push(view->members);
        member = next;
        is_more = lb_member_next(balancer, &at, &next);
        if (is_more) {
            fetch_ahead(&next);
        }
        lb_member_counters_fold_member(&member);
        view_member(p, &member, now, another, member_view);
        member_view->is_serving = serves[member.worker->s->index];
        another = member_view;
        took = copy_recent(&member, now, &gain, member_view);
    }
    view->recent = lb_samples_recent(&gain, took);
    view->recent.refused = lb_samples_per_second(
        lb_samples_refused_lately(lb_member_counters_of_balancer(balancer)), took);
}

/* ---- Sources --------------------------------------------------------------------------------- */

static lb_source_view_t view_of(apr_pool_t *p, const lb_source_t *source,
                                const apr_array_header_t *members)
{
    const lb_source_row_t *row = source->row;
    lb_source_view_t view = {
        .name = lb_source_name(source),
        .kind = lb_discover_params_word(source->params->kind),
        .state = (lb_source_state_t)atomic_load(&row->state),
        .state_since = lb_wall_clock_of(atomic_load(&row->state_since)),
        .error = *row->error ? LB_SETTING_COPY(p, row->error) : NULL,
        .addresses = (int)atomic_load(&row->addresses),
        .dropped = (int)atomic_load(&row->dropped),
        .ttl = atomic_load(&row->ttl),
        .answered_at = lb_wall_clock_of(atomic_load(&row->answered_at)),
        .next_at = lb_wall_clock_of(atomic_load(&row->next_at)),
        .queries = atomic_load(&row->queries),
        .failures = atomic_load(&row->failures),
        .changes = atomic_load(&row->changes),
    };

    for (int i = 0; i < members->nelts; i++) {
        const lb_member_view_t *member = &APR_ARRAY_IDX(members, i, lb_member_view_t);
        view.members += member->source == view.name && !lb_member_view_leaves(member);
    }
    return view;
}

static apr_array_header_t *view_sources(apr_pool_t *p, const lb_balancer_t *balancer,
                                        const apr_array_header_t *members)
{
    apr_array_header_t *views =
        apr_array_make(p, balancer->sources->nelts + 1, sizeof(lb_source_view_t));

    for (int i = 0; i < balancer->sources->nelts; i++) {
        const lb_source_t *source = &APR_ARRAY_IDX(balancer->sources, i, lb_source_t);
        APR_ARRAY_PUSH(views, lb_source_view_t) = view_of(p, source, members);
    }
    return views;
}

static void view_balancer(apr_pool_t *p, const lb_balancer_t *balancer, lb_balancer_view_t *view)
{
    const proxy_balancer *proxy = balancer->proxy;

    view->id = balancer->id;
    view->owner_id = balancer->owner->id;
    view->vhost = balancer->vhost;
    view->inherited_from = balancer->owner != balancer ? balancer->owner->vhost : NULL;
    view->is_persistent = balancer->is_persistent;
    copy_balancer_settings(p, balancer, view);
    view->free_slots = lb_membership_free_slots(balancer, NULL);
    copy_balancer_configured(p, balancer->baseline, view);
    view->settings = lb_setting_of_balancer(p, proxy->s);
    view->revision = lb_setting_revision(&view->settings);
}

/* Of an heir: its owner tells. */
static void view_nothing(apr_pool_t *p, lb_balancer_view_t *view)
{
    view->members = apr_array_make(p, 1, sizeof(lb_member_view_t));
    view->sources = apr_array_make(p, 1, sizeof(lb_source_view_t));
    view->past = apr_array_make(p, 1, sizeof(lb_sample_t));
    view->history = apr_array_make(p, 1, sizeof(lb_state_change_t));
    view->recent = lb_samples_recent(&(lb_gain_t){ 0 }, 0);
}

static void look(apr_pool_t *p, lb_balancer_t *balancer, server_rec *any, lb_balancer_view_t *view)
{
    lb_change_apply_tidy(balancer, any);
    view_balancer(p, balancer, view);
    copy_queue(balancer, view);
    if (balancer->owner == balancer) {
        copy_balancer_numbers(p, balancer, view);
        view_members(p, balancer, any, view);
        view->sources = view_sources(p, balancer, view->members);
    }
    else {
        view_nothing(p, view);
    }
}

/* Heirs come behind their owner. */
static const lb_balancer_view_t *owner_of(const apr_array_header_t *views,
                                          const lb_balancer_view_t *view)
{
    int i = 0;

    while (APR_ARRAY_IDX(views, i, lb_balancer_view_t).id != view->owner_id) {
        i++;
    }
    return &APR_ARRAY_IDX(views, i, lb_balancer_view_t);
}

apr_array_header_t *lb_snapshot_take(apr_pool_t *p, server_rec *any)
{
    const apr_array_header_t *all = lb_balancer_all();
    apr_array_header_t *views = apr_array_make(p, all->nelts, sizeof(lb_balancer_view_t));

    for (int i = 0; i < all->nelts; i++) {
        lb_balancer_view_t *view = apr_array_push(views);
        look(p, APR_ARRAY_IDX(all, i, lb_balancer_t *), any, view);
        view->owner = owner_of(views, view);
    }
    return views;
}

void lb_snapshot_take_each(apr_pool_t *p, server_rec *any,
                           void (*take)(void *data, const lb_balancer_view_t *balancer),
                           void *data)
{
    const apr_array_header_t *all = lb_balancer_all();
    apr_pool_t *one;

    apr_pool_create(&one, p);
    for (int i = 0; i < all->nelts; i++) {
        lb_balancer_view_t view = { 0 };
        look(one, APR_ARRAY_IDX(all, i, lb_balancer_t *), any, &view);
        take(data, &view);
        apr_pool_clear(one);
    }
    apr_pool_destroy(one);
}
