/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* view_json.c - <manager>/v1/status. Names in it are an interface: they are added, never changed.
 * Knows    the names of the fields (README.md lists them, assets/status.schema.json defines them).
 * Ignores  forms; the nonce stays out, as monitors store what they read.
 * Memory   r->pool.   Threads: any, no state. */
#include "view.h"

#include <string.h>

#include "ap_mpm.h"
#include "apr_strings.h"
#include "balancer_calls.h"
#include "etag.h"
#include "http_protocol.h"
#include "json.h"
#include "scoreboard.h"
#include "tally.h"

enum { STATUS_VERSION = 1 };

/* ---- Numbers of members and balancers -------------------------------------------------------- */

static void put_responses(mgr_json_t *w, const uint64_t *responses)
{
    mgr_json_open(w, "responses", '{');
    for (int i = 0; i < MGR_TALLY_CLASSES; i++) {
        mgr_json_count(w, mgr_tally_classes[i], responses[i]);
    }
    mgr_json_close(w, '}');
}

/* Only those that came to pass. */
static void put_ends(mgr_json_t *w, const char *name, const uint64_t *ends)
{
    int at = LB_SERVED + 1;
    uint64_t count = 0;
    const char *word;

    mgr_json_open(w, name, '{');
    while ((word = mgr_tally_next(ends, &at, &count))) {
        mgr_json_count(w, word, count);
    }
    mgr_json_close(w, '}');
}

static void put_times_of(mgr_json_t *w, const char *name, const lb_histogram_t *times)
{
    uint64_t count = 0;

    for (int i = 0; i < LB_HISTOGRAM_BUCKETS; i++) {
        count += times->buckets[i];
    }
    mgr_json_open(w, name, '{');
    mgr_json_count(w, "count", count);
    mgr_json_count(w, "sum_us", times->sum);
    mgr_json_close(w, '}');
}

static void put_times(mgr_json_t *w, const lb_member_view_t *member)
{
    mgr_json_open(w, "times", '{');
    put_times_of(w, "queue", &member->queue_times);
    put_times_of(w, "connect", &member->connect_times);
    put_times_of(w, "first_byte", &member->first_byte_times);
    put_times_of(w, "whole", &member->whole_times);
    mgr_json_close(w, '}');
}

static void put_rate(mgr_json_t *w, const char *name, double per_second)
{
    mgr_json_fraction(w, name, (apr_int64_t)(per_second * 1000 + 0.5), 3);
}

static void put_recent(mgr_json_t *w, const lb_recent_t *recent)
{
    mgr_json_open(w, "recent", '{');
    put_rate(w, "requests_per_s", recent->requests);
    put_rate(w, "failures_per_s", recent->failures);
    put_rate(w, "server_errors_per_s", recent->server_errors);
    mgr_json_number_from(w, "p50_us", 0, recent->p50);
    mgr_json_number_from(w, "p95_us", 0, recent->p95);
    mgr_json_number_from(w, "p99_us", 0, recent->p99);
    mgr_json_number_from(w, "mean_us", 0, recent->mean);
    mgr_json_close(w, '}');
}

static void put_errors_percent(mgr_json_t *w, const lb_recent_t *recent)
{
    const double percent = mgr_tally_error_percent(recent);

    if (percent < 0) {
        mgr_json_null(w, "errors_percent");
    }
    else {
        mgr_json_fraction(w, "errors_percent", (apr_int64_t)(percent * 100 + 0.5), 2);
    }
}

/* An object, or null when there is none.
 * returns  is it open? */
static bool open_or_null(mgr_json_t *w, const char *name, bool is_there)
{
    if (is_there) {
        mgr_json_open(w, name, '{');
    }
    else {
        mgr_json_null(w, name);
    }
    return is_there;
}

/* ---- Settings -------------------------------------------------------------------------------- */

/* "queue_timeout_us"; a status has thousands of them: no printf. */
static void put_number_of_us(mgr_json_t *w, const char *name, apr_int64_t us)
{
    char name_us[32];
    char *end = apr_cpystrn(name_us, name, sizeof(name_us) - sizeof("_us"));

    memcpy(end, "_us", sizeof("_us"));
    mgr_json_number(w, name_us, us);
}

static void put_value(mgr_json_t *w, const lb_setting_t *setting, lb_value_t value)
{
    switch (setting->type) {
    case LB_WHOLE:
        mgr_json_number_from(w, setting->name, 0, value.number);
        break;
    case LB_LIMIT:
        if (value.number == LB_LIMIT_AUTO) {
            mgr_json_text(w, setting->name, "auto");
        }
        else {
            mgr_json_number(w, setting->name, value.number);
        }
        break;
    case LB_HUNDREDTHS:
        mgr_json_fraction(w, setting->name, value.number, 2);
        break;
    case LB_SECONDS:
    case LB_DURATION:
        put_number_of_us(w, setting->name, value.number);
        break;
    case LB_SWITCH:
        mgr_json_switch(w, setting->name, value.number);
        break;
    case LB_TEXT:
        mgr_json_text(w, setting->name, value.text);
        break;
    case LB_MOMENT:
        mgr_json_time(w, setting->name, value.number);
        break;
    }
}

/* Flags and the end of a drain are told with the state; a sticky session has two names here. */
static bool is_told_elsewhere(const lb_setting_t *setting)
{
    return setting->flag || setting->id == LB_SETTING_DRAIN_UNTIL
           || setting->id == LB_SETTING_STICKY;
}

static void put_values(mgr_json_t *w, const lb_values_t *values)
{
    for (int i = 0; i < LB_SETTING_COUNT; i++) {
        const lb_setting_t *setting = &lb_settings[i];
        if (lb_values_have(values, setting->id) && !is_told_elsewhere(setting)) {
            put_value(w, setting, values->of[i]);
        }
    }
}

/* ---- Members --------------------------------------------------------------------------------- */

/* What the configuration says: monitors compare it with the values above. */
static void put_member_config(mgr_json_t *w, const lb_member_view_t *member)
{
    if (!open_or_null(w, "config", member->origin != LB_ORIGIN_ADDED)) {
        return;
    }
    mgr_json_text(w, "url", member->config_url);
    put_values(w, &member->config);
    mgr_json_close(w, '}');
}

static void put_check(mgr_json_t *w, const lb_member_view_t *member)
{
    if (!open_or_null(w, "check", member->is_checked)) {
        return;
    }
    mgr_json_time(w, "at", member->checked_at);
    mgr_json_text(w, "outcome", member->check_outcome);
    mgr_json_count(w, "passes", member->check_passes);
    mgr_json_count(w, "fails", member->check_fails);
    mgr_json_count(w, "busy", member->check_busy);
    mgr_json_switch(w, "kept", member->is_kept);
    mgr_json_number(w, "took_us", member->check_took);
    mgr_json_close(w, '}');
}

/* Of a second; the clock may be set meanwhile. */
static apr_int64_t tenths_since(apr_time_t at)
{
    const apr_interval_time_t age = apr_time_now() - at;
    return age > 0 ? age / 100000 : 0;
}

static void put_fpm(mgr_json_t *w, const lb_member_view_t *member)
{
    if (!open_or_null(w, "fpm", member->fpm_numbers_at != 0)) {
        return;
    }
    mgr_json_time(w, "at", member->fpm_numbers_at);
    mgr_json_fraction(w, "age_s", tenths_since(member->fpm_numbers_at), 1);
    mgr_json_switch(w, "current", member->fpm_is_current);
    mgr_json_count(w, "idle", member->fpm.idle);
    mgr_json_count(w, "active", member->fpm.active);
    mgr_json_count(w, "total", member->fpm.total);
    mgr_json_count(w, "listen_queue", member->fpm.listen_queue);
    mgr_json_count(w, "max_children_reached", member->fpm.max_children_reached);
    mgr_json_close(w, '}');
}

/* Stock's words end with a blank each. */
static void put_status_words(mgr_json_t *w, const char *status)
{
    size_t bytes = status ? strlen(status) : 0;

    while (bytes > 0 && status[bytes - 1] == ' ') {
        bytes--;
    }
    mgr_json_text(w, "status", bytes ? apr_pstrmemdup(w->sink->r->pool, status, bytes) : NULL);
}

static void put_identity(mgr_json_t *w, const lb_member_view_t *member)
{
    mgr_json_text(w, "name", member->name);
    mgr_json_text(w, "url", member->url);
    mgr_json_text(w, "origin", lb_origin_word(member->origin));
    mgr_json_text(w, "source", member->source);
    mgr_json_text(w, "etag", mgr_etag_text(w->sink->r->pool, member->revision));
    mgr_json_text(w, "scheme", member->scheme);
    mgr_json_text(w, "hostname", member->hostname);
    mgr_json_number_from(w, "port", 1, member->port);
}

static void put_state(mgr_json_t *w, const lb_member_view_t *member)
{
    mgr_json_text(w, "state", lb_state_word(member->state));
    put_status_words(w, member->status);
    mgr_json_time(w, "state_since", member->since);
    mgr_json_time(w, "down_since", member->down_since);
    mgr_json_text(w, "last_error", member->last_error);
    mgr_json_time(w, "last_error_at", member->last_error_at);
    mgr_json_time(w, "next_trial_at", member->next_trial_at);
    mgr_json_time(w, "drain_until", member->drain_until);
    mgr_json_time(w, "missing_since", member->missing_since);
    mgr_json_number(w, "strikes", member->strikes);
    mgr_json_number(w, "fleet_failing", member->fleet_failing);
    mgr_json_number(w, "share_percent", member->share_percent);
    mgr_json_switch(w, "serving", member->is_serving);
}

static void put_load(mgr_json_t *w, const lb_member_view_t *member)
{
    mgr_json_number(w, "lbstatus", member->lbstatus);
    mgr_json_count(w, "in_flight", member->in_flight);
    mgr_json_count(w, "parked", member->parked);
    mgr_json_count(w, "queued", member->queued);
}

static void put_counted(mgr_json_t *w, const lb_member_view_t *member)
{
    mgr_json_time(w, "counted_since", member->counted_since);
    mgr_json_count(w, "elected", member->elected);
    mgr_json_count(w, "failures", member->failures);
    mgr_json_number(w, "retries", member->retries);
    mgr_json_count(w, "state_changes", member->state_changes);
    mgr_json_count(w, "outages", member->outages);
    mgr_json_fraction(w, "downtime_s", (apr_int64_t)member->downtime / 1000, 3);
    mgr_json_count(w, "bytes_sent", member->bytes_sent);
    mgr_json_count(w, "bytes_read", member->bytes_read);
    put_responses(w, member->responses);
    put_ends(w, "errors", member->ends);
    put_times(w, member);
    put_recent(w, &member->recent);
}

/* A setting of 0 or less is not set. */
static void put_setting(mgr_json_t *w, const char *name, apr_int64_t number)
{
    mgr_json_number_from(w, name, 1, number);
}

static void put_settings(mgr_json_t *w, const lb_member_view_t *member)
{
    lb_values_t values = member->settings;

    lb_values_put_number(&values, LB_SETTING_LIMIT, member->limit);    /* also when it is auto */
    put_values(w, &values);
    mgr_json_switch(w, "limit_is_auto", lb_member_view_limit_is_auto(member));
    mgr_json_number(w, "retry_us", member->retry);
    mgr_json_number(w, "pool_min", member->pool_min);
    mgr_json_number(w, "pool_smax", member->pool_smax);
    mgr_json_number(w, "pool_max", member->pool_max);
    put_setting(w, "ttl_us", member->ttl);
    put_setting(w, "timeout_us", member->timeout);
    put_setting(w, "acquire_us", member->acquire);
    put_setting(w, "recv_buffer_bytes", (apr_int64_t)member->recv_buffer_bytes);
    put_setting(w, "io_buffer_bytes", (apr_int64_t)member->io_buffer_bytes);
    if (member->keepalive < 0) {
        mgr_json_null(w, "keepalive");
    }
    else {
        mgr_json_switch(w, "keepalive", member->keepalive);
    }
    mgr_json_text(w, "flush_packets", member->flush_packets);
    put_setting(w, "flush_wait_us", member->flush_wait);
}

static void put_member(mgr_json_t *w, const lb_member_view_t *member)
{
    mgr_json_break_line(w);
    mgr_json_open(w, "", '{');
    put_identity(w, member);
    put_state(w, member);
    put_load(w, member);
    put_counted(w, member);
    put_settings(w, member);
    put_check(w, member);
    put_fpm(w, member);
    put_member_config(w, member);
    mgr_json_close(w, '}');
}

/* ---- Balancers ------------------------------------------------------------------------------- */

static void put_balancer_config(mgr_json_t *w, const lb_balancer_view_t *balancer)
{
    mgr_json_open(w, "config", '{');
    put_values(w, &balancer->config);
    mgr_json_text(w, "sticky_cookie", balancer->config_sticky);
    mgr_json_text(w, "sticky_parameter", balancer->config_sticky_path);
    mgr_json_close(w, '}');
}

/* One number of each sample. */
#define PUT_COLUMN(w, samples, name, put) \
    do { \
        mgr_json_open(w, name, '['); \
        for (int i = 0; i < (samples)->nelts; i++) { \
            const lb_sample_t *sample = &APR_ARRAY_IDX(samples, i, lb_sample_t); \
            put; \
        } \
        mgr_json_close(w, ']'); \
    } while (0)

static void put_samples(mgr_json_t *w, const apr_array_header_t *samples)
{
    const apr_time_t now = apr_time_now();

    mgr_json_open(w, "past", '{');
    PUT_COLUMN(w, samples, "age_s", mgr_json_fraction(w, "", (now - sample->at) / 100000, 1));
    PUT_COLUMN(w, samples, "requests_per_s", put_rate(w, "", sample->requests));
    PUT_COLUMN(w, samples, "failures_per_s", put_rate(w, "", sample->failures));
    PUT_COLUMN(w, samples, "server_errors_per_s", put_rate(w, "", sample->server_errors));
    PUT_COLUMN(w, samples, "refused_per_s", put_rate(w, "", sample->refused));
    PUT_COLUMN(w, samples, "in_flight", mgr_json_count(w, "", sample->in_flight));
    PUT_COLUMN(w, samples, "queued", mgr_json_count(w, "", sample->queued));
    PUT_COLUMN(w, samples, "p50_us", mgr_json_number_from(w, "", 0, sample->p50));
    PUT_COLUMN(w, samples, "p95_us", mgr_json_number_from(w, "", 0, sample->p95));
    mgr_json_close(w, '}');
}

enum { SHOWN_CHANGES = 50 };

static void put_history(mgr_json_t *w, const apr_array_header_t *history)
{
    mgr_json_open(w, "history", '[');
    for (int i = 0; i < history->nelts && i < SHOWN_CHANGES; i++) {
        const lb_state_change_t *change = &APR_ARRAY_IDX(history, i, lb_state_change_t);
        mgr_json_open(w, "", '{');
        mgr_json_time(w, "at", change->at);
        mgr_json_text(w, "member", change->member);
        mgr_json_text(w, "from", lb_state_word(change->from));
        mgr_json_text(w, "to", lb_state_word(change->to));
        mgr_json_text(w, "cause", lb_cause_word(change->cause));
        mgr_json_text(w, "reason", change->reason);
        mgr_json_close(w, '}');
    }
    mgr_json_close(w, ']');
}

static void put_balancer_settings(mgr_json_t *w, const lb_balancer_view_t *balancer)
{
    put_values(w, &balancer->settings);
    mgr_json_text(w, "sticky_cookie", balancer->sticky);
    mgr_json_text(w, "sticky_parameter", balancer->sticky_path);
    mgr_json_switch(w, "path_delimiter_is_semicolon", balancer->path_delimiter_is_semicolon);
    mgr_json_switch(w, "forcerecovery", balancer->forcerecovery);
    mgr_json_number(w, "hcpanic", balancer->hcpanic);
    mgr_json_switch(w, "panic", balancer->is_panicking);
    mgr_json_number(w, "free_slots", balancer->free_slots);
    mgr_json_switch(w, "persistent", balancer->is_persistent);
    put_balancer_config(w, balancer);
}

static void put_queue(mgr_json_t *w, const lb_balancer_view_t *balancer)
{
    mgr_json_open(w, "queue", '{');
    mgr_json_text(w, "order", balancer->queue_order);
    mgr_json_number(w, "target_us", balancer->queue_target);
    mgr_json_number(w, "reserve", balancer->queue_reserve);
    mgr_json_switch(w, "standing", balancer->queue_stands);
    mgr_json_number(w, "oldest_us", balancer->queue_oldest);
    mgr_json_number_from(w, "estimate_us", 1, balancer->queue_estimate);
    mgr_json_close(w, '}');
}

static void put_retries(mgr_json_t *w, const lb_balancer_view_t *balancer)
{
    mgr_json_open(w, "retries", '{');
    mgr_json_count(w, "left", balancer->retries_left);
    mgr_json_count(w, "resent", balancer->resent);
    mgr_json_count(w, "not_resent", balancer->not_resent);
    mgr_json_close(w, '}');
}

static void put_source(mgr_json_t *w, const lb_source_view_t *source)
{
    mgr_json_open(w, "", '{');
    mgr_json_text(w, "name", source->name);
    mgr_json_text(w, "kind", source->kind);
    mgr_json_text(w, "state", lb_source_state_word(source->state));
    mgr_json_time(w, "state_since", source->state_since);
    mgr_json_text(w, "error", source->error);
    mgr_json_number(w, "addresses", source->addresses);
    mgr_json_number(w, "dropped", source->dropped);
    mgr_json_number(w, "members", source->members);
    mgr_json_count(w, "ttl_s", source->ttl);
    mgr_json_time(w, "answered_at", source->answered_at);
    if (source->answered_at) {
        mgr_json_fraction(w, "age_s", tenths_since(source->answered_at), 1);
    }
    else {
        mgr_json_null(w, "age_s");
    }
    mgr_json_time(w, "next_at", source->next_at);
    mgr_json_count(w, "queries", source->queries);
    mgr_json_count(w, "failures", source->failures);
    mgr_json_count(w, "changes", source->changes);
    mgr_json_close(w, '}');
}

static void put_sources(mgr_json_t *w, const apr_array_header_t *sources)
{
    mgr_json_open(w, "sources", '[');
    for (int i = 0; i < sources->nelts; i++) {
        put_source(w, &APR_ARRAY_IDX(sources, i, lb_source_view_t));
    }
    mgr_json_close(w, ']');
}

static void put_balancer(void *json, const lb_balancer_view_t *balancer)
{
    mgr_json_t *w = json;

    mgr_json_break_line(w);
    mgr_json_open(w, "", '{');
    mgr_json_text(w, "name", balancer->name);
    mgr_json_text(w, "key", balancer->key);
    mgr_json_text(w, "vhost", balancer->vhost);
    mgr_json_number(w, "id", balancer->id);
    mgr_json_text(w, "inherited_from", balancer->inherited_from);
    mgr_json_text(w, "etag", mgr_etag_text(w->sink->r->pool, balancer->revision));
    put_balancer_settings(w, balancer);
    mgr_json_count(w, "queued", balancer->queued);
    put_queue(w, balancer);
    put_retries(w, balancer);
    put_sources(w, balancer->sources);
    mgr_json_time(w, "counted_since", balancer->counted_since);
    put_ends(w, "refused", balancer->refused);
    put_recent(w, &balancer->recent);
    put_rate(w, "refused_per_s", balancer->recent.refused);
    put_errors_percent(w, &balancer->recent);
    put_samples(w, balancer->past);
    put_history(w, balancer->history);
    mgr_json_open(w, "members", '[');
    for (int i = 0; i < balancer->members->nelts; i++) {
        put_member(w, &APR_ARRAY_IDX(balancer->members, i, lb_member_view_t));
    }
    mgr_json_close(w, ']');
    mgr_json_close(w, '}');
}

static void put_server(mgr_json_t *w)
{
    int generation = 0;

    ap_mpm_query(AP_MPMQ_GENERATION, &generation);
    mgr_json_open(w, "server", '{');
    mgr_json_text(w, "software", ap_get_server_description());
    mgr_json_time(w, "restart_time",
                  ap_exists_scoreboard_image() ? ap_scoreboard_image->global->restart_time : 0);
    mgr_json_number(w, "generation", generation);
    mgr_json_time(w, "now", apr_time_now());
    mgr_json_close(w, '}');
}

static mgr_json_t *begin(request_rec *r)
{
    ap_set_content_type(r, "application/json");
    return mgr_json_make(r);
}

static int end(const mgr_json_t *w)
{
    mgr_sink_text(w->sink, "\n");
    mgr_sink_end(w->sink);
    return OK;
}

int mgr_view_balancer_json_send(mgr_visit_t *visit)
{
    mgr_json_t *w = begin(visit->r);

    put_balancer(w, visit->balancer);
    return end(w);
}

int mgr_view_member_json_send(mgr_visit_t *visit)
{
    mgr_json_t *w = begin(visit->r);

    put_member(w, visit->member);
    return end(w);
}

int mgr_view_json_send(mgr_visit_t *visit)
{
    mgr_json_t *w = begin(visit->r);

    mgr_json_open(w, "", '{');
    mgr_json_number(w, "version", STATUS_VERSION);
    put_server(w);
    mgr_json_open(w, "balancers", '[');
    mgr_balancer_calls_each(visit->r, put_balancer, w);
    mgr_json_close(w, ']');
    mgr_json_close(w, '}');
    return end(w);
}
