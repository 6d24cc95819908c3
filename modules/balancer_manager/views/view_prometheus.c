/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* view_prometheus.c - <manager>/metrics: which families there are, and what is in them.
 * Knows    that families stay together, and that counters never fall: a number is what was counted
 *          since an operator's reset, plus what was counted before; who wants which format, and
 *          histograms.
 * Ignores  how a sample is written (metrics.c).
 * Memory   r->pool.   Threads: any, no state. */
#include "view.h"

#include <string.h>

#include "accept.h"
#include "apr_strings.h"
#include "balancer_calls.h"
#include "fastcgi_version.h"
#include "form.h"
#include "fleet_metrics.h"
#include "http_protocol.h"
#include "metrics.h"
#include "start_time.h"
#include "state_sentence.h"
#include "tally.h"

/* ---- Members --------------------------------------------------------------------------------- */

/* What was counted before an operator's reset. */
static const lb_counted_t *before(const lb_member_view_t *member)
{
    static const lb_counted_t nothing;
    return member->before ? member->before : &nothing;
}

typedef void put_member_t(mgr_metrics_t *m, const char *labels, const lb_member_view_t *member);

static void put_elections(mgr_metrics_t *m, const char *labels, const lb_member_view_t *member)
{
    mgr_metrics_count(m, labels,
                      member->elected + member->forgotten + before(member)->elected);
}

static void put_failures(mgr_metrics_t *m, const char *labels, const lb_member_view_t *member)
{
    mgr_metrics_count(m, labels, member->failures + before(member)->failures);
}

static void put_sent(mgr_metrics_t *m, const char *labels, const lb_member_view_t *member)
{
    mgr_metrics_count(m, labels, member->bytes_sent + before(member)->bytes_sent);
}

static void put_received(mgr_metrics_t *m, const char *labels, const lb_member_view_t *member)
{
    mgr_metrics_count(m, labels, member->bytes_read + before(member)->bytes_read);
}

static void put_responses(mgr_metrics_t *m, const char *labels, const lb_member_view_t *member)
{
    for (int i = 0; i < MGR_TALLY_CLASSES; i++) {
        mgr_metrics_count_of(m, labels, "class", mgr_tally_classes[i],
                             member->responses[i] + before(member)->responses[i]);
    }
}

/* Words that never came would be most of all samples: they begin when they come. */
static void put_words(mgr_metrics_t *m, const char *labels, const char *key, const uint64_t *since,
                      const uint64_t *earlier)
{
    uint64_t ends[LB_OUTCOME_COUNT], count = 0;
    const char *word;
    int at = 0;

    for (int i = 0; i < LB_OUTCOME_COUNT; i++) {
        ends[i] = since[i] + earlier[i];
    }
    while ((word = mgr_tally_next(ends, &at, &count))) {
        mgr_metrics_count_of(m, labels, key, word, count);
    }
}

static void put_tries(mgr_metrics_t *m, const char *labels, const lb_member_view_t *member)
{
    put_words(m, labels, "end", member->ends, before(member)->ends);
}

static void put_histogram(mgr_metrics_t *m, const char *labels, const lb_member_view_t *member,
                          lb_time_t time, const lb_histogram_t *times,
                          const lb_histogram_t *earlier)
{
    lb_exemplar_t exemplars[LB_HISTOGRAM_BUCKETS];
    const bool has_exemplars = m->format == MGR_METRICS_OPEN && member->exemplars;

    if (has_exemplars) {
        mgr_balancer_calls_exemplars(member->exemplars, time, exemplars);
    }
    mgr_metrics_histogram(m, labels, times, earlier, has_exemplars ? exemplars : NULL);
}

static void put_queue_times(mgr_metrics_t *m, const char *labels, const lb_member_view_t *member)
{
    put_histogram(m, labels, member, LB_TIME_QUEUE, &member->queue_times,
                  &before(member)->queue_times);
}

static void put_connect_times(mgr_metrics_t *m, const char *labels, const lb_member_view_t *member)
{
    put_histogram(m, labels, member, LB_TIME_CONNECT, &member->connect_times,
                  &before(member)->connect_times);
}

static void put_first_byte_times(mgr_metrics_t *m, const char *labels,
                                 const lb_member_view_t *member)
{
    put_histogram(m, labels, member, LB_TIME_FIRST_BYTE, &member->first_byte_times,
                  &before(member)->first_byte_times);
}

static void put_whole_times(mgr_metrics_t *m, const char *labels, const lb_member_view_t *member)
{
    put_histogram(m, labels, member, LB_TIME_WHOLE, &member->whole_times,
                  &before(member)->whole_times);
}

/* One series for each state, and one of them is 1. */
static void put_states(mgr_metrics_t *m, const char *labels, const lb_member_view_t *member)
{
    for (lb_state_t state = 0; state < LB_STATE_COUNT; state++) {
        mgr_metrics_count_of(m, labels, "state", lb_state_word(state), state == member->state);
    }
}

static void put_since(mgr_metrics_t *m, const char *labels, const lb_member_view_t *member)
{
    if (member->since) {
        mgr_metrics_fraction(m, labels, member->since, 6);
    }
}

static void put_state_changes(mgr_metrics_t *m, const char *labels,
                              const lb_member_view_t *member)
{
    mgr_metrics_count(m, labels, member->state_changes + before(member)->state_changes);
}

static void put_outages(mgr_metrics_t *m, const char *labels, const lb_member_view_t *member)
{
    mgr_metrics_count(m, labels, member->outages + before(member)->outages);
}

static void put_downtime(mgr_metrics_t *m, const char *labels, const lb_member_view_t *member)
{
    mgr_metrics_fraction(m, labels,
                         (apr_int64_t)(member->downtime + before(member)->downtime), 6);
}

static void put_serving(mgr_metrics_t *m, const char *labels, const lb_member_view_t *member)
{
    mgr_metrics_count(m, labels, member->is_serving != 0);
}

static void put_in_flight(mgr_metrics_t *m, const char *labels, const lb_member_view_t *member)
{
    mgr_metrics_count(m, labels, member->in_flight);
}

/* Without a limit there is no series: that nobody divides by 0. */
static void put_limit(mgr_metrics_t *m, const char *labels, const lb_member_view_t *member)
{
    if (member->limit > 0) {
        mgr_metrics_count(m, labels, member->limit);
    }
}

/* There from the start, also as long as PHP-FPM's numbers say nothing. */
static void put_limit_auto(mgr_metrics_t *m, const char *labels, const lb_member_view_t *member)
{
    const bool is_auto = lb_member_view_limit_is_auto(member);

    if (is_auto || member->limit > 0) {
        mgr_metrics_count(m, labels, is_auto);
    }
}

static void put_queued(mgr_metrics_t *m, const char *labels, const lb_member_view_t *member)
{
    mgr_metrics_count(m, labels, member->queued);
}

static void put_parked(mgr_metrics_t *m, const char *labels, const lb_member_view_t *member)
{
    mgr_metrics_count(m, labels, member->parked);
}

static void put_weight(mgr_metrics_t *m, const char *labels, const lb_member_view_t *member)
{
    mgr_metrics_fraction(m, labels, member->settings.of[LB_SETTING_WEIGHT].number, 2);
}

static void put_lbset(mgr_metrics_t *m, const char *labels, const lb_member_view_t *member)
{
    mgr_metrics_count(m, labels, (uint64_t)member->settings.of[LB_SETTING_LBSET].number);
}

static void put_check(mgr_metrics_t *m, const char *labels, const lb_member_view_t *member)
{
    if (member->is_checked && member->checked_at) {
        mgr_metrics_count(m, labels, !(member->status_bits & PROXY_WORKER_HC_FAIL));
    }
}

static void put_check_busy(mgr_metrics_t *m, const char *labels, const lb_member_view_t *member)
{
    if (member->is_checked && member->checked_at) {
        mgr_metrics_count(m, labels, member->check_busy > 0);
    }
}

static void put_check_time(mgr_metrics_t *m, const char *labels, const lb_member_view_t *member)
{
    if (member->is_checked && member->checked_at) {
        mgr_metrics_fraction(m, labels, member->check_took, 6);
    }
}

static void put_fpm(mgr_metrics_t *m, const char *labels, const lb_member_view_t *member)
{
    if (member->fpm_is_current) {
        mgr_metrics_count_of(m, labels, "state", "idle", member->fpm.idle);
        mgr_metrics_count_of(m, labels, "state", "active", member->fpm.active);
    }
}

static void put_fpm_total(mgr_metrics_t *m, const char *labels, const lb_member_view_t *member)
{
    if (member->fpm_is_current) {
        mgr_metrics_count(m, labels, member->fpm.total);
    }
}

static void put_fpm_queue(mgr_metrics_t *m, const char *labels, const lb_member_view_t *member)
{
    if (member->fpm_is_current) {
        mgr_metrics_count(m, labels, member->fpm.listen_queue);
    }
}

static void put_fpm_max(mgr_metrics_t *m, const char *labels, const lb_member_view_t *member)
{
    if (member->fpm_is_current) {
        mgr_metrics_count(m, labels, member->fpm.max_children_reached);
    }
}

static const struct {
    const char *name, *type, *help;
    put_member_t *put;
} member_families[] = {
    { "elections_total", "counter", "Elections of the member.", put_elections },
    { "responses_total", "counter",
      "Tries by the status class of the response; none: no response.", put_responses },
    { "tries_total", "counter", "Tries by outcome.", put_tries },
    { "failures_total", "counter", "Tries that ended in a failure of the member.", put_failures },
    { "sent_bytes_total", "counter", "Bytes sent to the member.", put_sent },
    { "received_bytes_total", "counter", "Bytes received from the member.", put_received },
    { "queue_duration_seconds", "histogram",
      "Time in the queue, for requests that waited and then got the member.",
      put_queue_times },
    { "connect_duration_seconds", "histogram",
      "Time to connect to the member, including TLS; new connections only.", put_connect_times },
    { "first_byte_duration_seconds", "histogram",
      "Time from the connection to the first byte of the response.", put_first_byte_times },
    { "try_duration_seconds", "histogram", "Duration of a complete try.", put_whole_times },
    { "member_state", "gauge", "1 for the state that the member is in, 0 for all others.",
      put_states },
    { "member_state_since_timestamp_seconds", "gauge",
      "When that state began, whether by an error, a check or an operator.", put_since },
    { "member_state_changes_total", "counter",
      "Changes from one state to another; the trials of a member in error are none.",
      put_state_changes },
    { "member_outages_total", "counter",
      "Times that the member went out of service because requests or checks failed.", put_outages },
    { "member_downtime_seconds_total", "counter",
      "Time out of service because requests or checks failed, the outage under way included.",
      put_downtime },
    { "member_serving", "gauge",
      "1: new requests go to the member now (spares and standbys: their turn).", put_serving },
    { "in_flight_requests", "gauge", "Requests in flight at the member now.", put_in_flight },
    { "in_flight_limit", "gauge", "Limit of requests in flight at the member, if there is one.",
      put_limit },
    { "in_flight_limit_auto", "gauge",
      "1: PHP-FPM's numbers set the limit of requests in flight (maxinflight=auto).",
      put_limit_auto },
    { "member_queued_requests", "gauge", "Sessions that wait for this member.", put_queued },
    { "parked_requests", "gauge", "Requests in flight at the member that hold no thread.",
      put_parked },
    { "weight", "gauge", "Load factor.", put_weight },
    { "lbset", "gauge", "Load balancer set of the member.", put_lbset },
    { "check_up", "gauge", "1: the checks pass; 0: they have taken the member out of service.",
      put_check },
    { "check_busy", "gauge",
      "1: the last check got no response because the member was busy, which is no failure.",
      put_check_busy },
    { "check_duration_seconds", "gauge", "Duration of the last check.", put_check_time },
    { "fpm_processes", "gauge", "Children of PHP-FPM by state.", put_fpm },
    { "fpm_processes_all", "gauge", "Children of PHP-FPM.", put_fpm_total },
    { "fpm_listen_queue_connections", "gauge", "Connections that wait for a child of PHP-FPM.",
      put_fpm_queue },
    { "fpm_max_children_reached_total", "counter",
      "Times that PHP-FPM reached its limit of children, since its start.", put_fpm_max },
};

/* ---- Balancers ------------------------------------------------------------------------------- */

typedef void put_balancer_t(mgr_metrics_t *m, const char *labels,
                            const lb_balancer_view_t *balancer);

/* Of what an alert is about a series is there from the start: so it sees the first one, too. */
static void put_refused(mgr_metrics_t *m, const char *labels, const lb_balancer_view_t *balancer)
{
    static const lb_outcome_t always[] = { LB_NO_MEMBER, LB_QUEUE_FULL, LB_QUEUE_TIMEOUT,
                                           LB_NO_TIME, LB_SHED };

    for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++) {
        if (balancer->refused[always[i]] + balancer->refused_before[always[i]] == 0) {
            mgr_metrics_count_of(m, labels, "reason", lb_outcome_word(always[i]), 0);
        }
    }
    put_words(m, labels, "reason", balancer->refused, balancer->refused_before);
}

static void put_waiting(mgr_metrics_t *m, const char *labels, const lb_balancer_view_t *balancer)
{
    mgr_metrics_count(m, labels, balancer->queued);
}

static void put_standing(mgr_metrics_t *m, const char *labels, const lb_balancer_view_t *balancer)
{
    mgr_metrics_count(m, labels, (uint64_t)balancer->queue_stands);
}

static void put_oldest(mgr_metrics_t *m, const char *labels, const lb_balancer_view_t *balancer)
{
    mgr_metrics_fraction(m, labels, balancer->queue_oldest, 6);
}

static void put_estimate(mgr_metrics_t *m, const char *labels, const lb_balancer_view_t *balancer)
{
    mgr_metrics_fraction(m, labels, balancer->queue_estimate, 6);
}

static void put_retries_left(mgr_metrics_t *m, const char *labels,
                             const lb_balancer_view_t *balancer)
{
    mgr_metrics_count(m, labels, balancer->retries_left);
}

static void put_retries(mgr_metrics_t *m, const char *labels, const lb_balancer_view_t *balancer)
{
    mgr_metrics_count_of(m, labels, "budget", "left", balancer->resent);
    mgr_metrics_count_of(m, labels, "budget", "exceeded", balancer->not_resent);
}

static void put_free_slots(mgr_metrics_t *m, const char *labels,
                           const lb_balancer_view_t *balancer)
{
    mgr_metrics_count(m, labels, (uint64_t)balancer->free_slots);
}

static void put_panic(mgr_metrics_t *m, const char *labels, const lb_balancer_view_t *balancer)
{
    mgr_metrics_count(m, labels, balancer->is_panicking != 0);
}

static const struct {
    const char *name, *type, *help;
    put_balancer_t *put;
} balancer_families[] = {
    { "refused_requests_total", "counter", "Requests that got no member, by reason.", put_refused },
    { "queued_requests", "gauge", "Requests that wait for any member.", put_waiting },
    { "queue_standing", "gauge", "1 while the queue gets more requests than it can serve in time.",
      put_standing },
    { "queue_oldest_seconds", "gauge", "How long the oldest request in the queue has waited.",
      put_oldest },
    { "queue_estimate_seconds", "gauge", "How long one more request would wait behind all others.",
      put_estimate },
    { "retry_budget_requests", "gauge", "Failed requests that may be sent again now.",
      put_retries_left },
    { "retries_total", "counter",
      "Failed requests that could be sent again; budget says whether the retry budget allowed it.",
      put_retries },
    { "check_panic", "gauge",
      "1: members that fail their checks stay in service because too many do (hcpanic).",
      put_panic },
    { "free_slots", "gauge", "Members that can still be added.", put_free_slots },
};

/* ---- Sources in DNS -------------------------------------------------------------------------- */

typedef void put_source_t(mgr_metrics_t *m, const char *labels, const lb_source_view_t *source);

/* As put_states(). */
static void put_source_states(mgr_metrics_t *m, const char *labels, const lb_source_view_t *source)
{
    for (lb_source_state_t state = 0; state < LB_SOURCE_STATE_COUNT; state++) {
        mgr_metrics_count_of(m, labels, "state", lb_source_state_word(state),
                             state == source->state);
    }
}

static void put_addresses(mgr_metrics_t *m, const char *labels, const lb_source_view_t *source)
{
    mgr_metrics_count(m, labels, (uint64_t)source->addresses);
}

static void put_dropped(mgr_metrics_t *m, const char *labels, const lb_source_view_t *source)
{
    mgr_metrics_count(m, labels, (uint64_t)source->dropped);
}

static void put_answered(mgr_metrics_t *m, const char *labels, const lb_source_view_t *source)
{
    if (source->answered_at) {
        mgr_metrics_fraction(m, labels, source->answered_at, 6);
    }
}

static void put_queries(mgr_metrics_t *m, const char *labels, const lb_source_view_t *source)
{
    mgr_metrics_count(m, labels, source->queries);
}

static void put_failed_queries(mgr_metrics_t *m, const char *labels,
                               const lb_source_view_t *source)
{
    mgr_metrics_count(m, labels, source->failures);
}

static void put_changes(mgr_metrics_t *m, const char *labels, const lb_source_view_t *source)
{
    mgr_metrics_count(m, labels, source->changes);
}

static const struct {
    const char *name, *type, *help;
    put_source_t *put;
} source_families[] = {
    { "discovery_state", "gauge", "1 for the state that the name in DNS is in, 0 for all others.",
      put_source_states },
    { "discovery_addresses", "gauge", "Addresses in the last answer that had any.", put_addresses },
    { "discovery_dropped_addresses", "gauge",
      "Addresses that are no members because there are more than discovermax.", put_dropped },
    { "discovery_answer_timestamp_seconds", "gauge", "When DNS gave the last answer.",
      put_answered },
    { "discovery_queries_total", "counter", "Queries for the name.", put_queries },
    { "discovery_failures_total", "counter", "Queries that failed.", put_failed_queries },
    { "discovery_changes_total", "counter",
      "Members that were added, vanished or returned.", put_changes },
};

/* ---- Labels ---------------------------------------------------------------------------------- */

/* Two virtual hosts of one name may both have a balancer of one name. */
static bool has_namesake(const apr_array_header_t *balancers, const lb_balancer_view_t *own)
{
    for (int i = 0; i < balancers->nelts; i++) {
        const lb_balancer_view_t *other = &APR_ARRAY_IDX(balancers, i, lb_balancer_view_t);
        if (other->id < own->id && strcmp(own->key, other->key) == 0
            && strcmp(own->vhost, other->vhost) == 0) {
            return true;
        }
    }
    return false;
}

static const char *balancer_labels(apr_pool_t *p, const apr_array_header_t *balancers,
                                   const lb_balancer_view_t *b)
{
    const char *vhost = has_namesake(balancers, b) ? apr_psprintf(p, "%s#%d", b->vhost, b->id)
                                                   : b->vhost;
    return apr_pstrcat(p, "vhost=\"", mgr_metrics_quoted(p, vhost), "\",balancer=\"",
                       mgr_metrics_quoted(p, b->key), "\"", NULL);
}

/* The labels of all members, one balancer after the other. */
static const char **member_labels(apr_pool_t *p, const apr_array_header_t *balancers,
                                  const char *const *of_balancers)
{
    apr_array_header_t *labels = apr_array_make(p, 64, sizeof(const char *));

    for (int i = 0; i < balancers->nelts; i++) {
        const lb_balancer_view_t *b = &APR_ARRAY_IDX(balancers, i, lb_balancer_view_t);
        for (int k = 0; k < b->members->nelts; k++) {
            const char *name = APR_ARRAY_IDX(b->members, k, lb_member_view_t).name;
            APR_ARRAY_PUSH(labels, const char *) = apr_pstrcat(
                p, of_balancers[i], ",member=\"", mgr_metrics_quoted(p, name), "\"", NULL);
        }
    }
    return (const char **)labels->elts;
}

/* ---- All of it ------------------------------------------------------------------------------- */

static void put_member_family(mgr_metrics_t *m, const apr_array_header_t *balancers,
                              const char *const *labels, put_member_t *put)
{
    for (int i = 0; i < balancers->nelts; i++) {
        const lb_balancer_view_t *b = &APR_ARRAY_IDX(balancers, i, lb_balancer_view_t);
        for (int k = 0; k < b->members->nelts; k++) {
            put(m, *labels++, &APR_ARRAY_IDX(b->members, k, lb_member_view_t));
        }
    }
}

static void put_source_family(mgr_metrics_t *m, apr_pool_t *p, const lb_balancer_view_t *balancer,
                              const char *labels, put_source_t *put)
{
    for (int i = 0; i < balancer->sources->nelts; i++) {
        const lb_source_view_t *source = &APR_ARRAY_IDX(balancer->sources, i, lb_source_view_t);
        put(m,
            apr_pstrcat(p, labels, ",source=\"", mgr_metrics_quoted(p, source->name), "\"", NULL),
            source);
    }
}

static void put_server(mgr_metrics_t *m, const server_rec *s, apr_pool_t *p)
{
    mgr_metrics_family(m, "process_start_time_seconds", "gauge",
                       "When httpd was started; counters count from then on.");
    mgr_metrics_fraction(m, "", fc_start_time(s->process->pool), 6);
    mgr_metrics_family(m, "build_info", "gauge", "Always 1; the labels are the versions.");
    mgr_metrics_count(m,
                      apr_pstrcat(p, "version=\"" FASTCGI_CLUSTER_VERSION "\",httpd=\"",
                                  mgr_metrics_quoted(p, ap_get_server_description()), "\"", NULL),
                      1);
}

/* OpenMetrics for who names it and wants nothing else more, as Prometheus does. */
static mgr_metrics_format_t wanted_format(const request_rec *r)
{
    const char *accept = apr_table_get(r->headers_in, "Accept");
    const int open = mgr_accept_quality(accept, "application/openmetrics-text", "1.0.0");

    return open > 0 && open >= mgr_accept_quality(accept, "text/plain", "0.0.4")
               ? MGR_METRICS_OPEN
               : MGR_METRICS_TEXT;
}

/* ?histograms=off: of thousands of members they are most of it.
 * returns  OK; else the visit is refused */
static int choose_histograms(mgr_visit_t *visit, bool *has_histograms)
{
    apr_table_t *query;

    if (mgr_form_parse(visit->r->pool, visit->r->args, &query) != OK) {
        return mgr_visit_refuse(visit, HTTP_BAD_REQUEST, "The query is not properly encoded.");
    }
    const char *histograms = apr_table_get(query, "histograms");
    *has_histograms = !histograms || strcmp(histograms, "off") != 0;
    if (histograms && strcmp(histograms, "on") != 0 && *has_histograms) {
        return mgr_visit_refuse(visit, HTTP_BAD_REQUEST,
                                "histograms must be on or off, not \"%s\".", histograms);
    }
    return OK;
}

static void put_balancers(mgr_metrics_t *m, const apr_array_header_t *all,
                          const char *const *labels)
{
    for (size_t f = 0; f < sizeof(balancer_families) / sizeof(balancer_families[0]); f++) {
        mgr_metrics_family(m, balancer_families[f].name, balancer_families[f].type,
                           balancer_families[f].help);
        for (int i = 0; i < all->nelts; i++) {
            const lb_balancer_view_t *balancer = &APR_ARRAY_IDX(all, i, lb_balancer_view_t);
            if (!balancer->inherited_from) {
                balancer_families[f].put(m, labels[i], balancer);
            }
        }
    }
}

static void put_sources(mgr_metrics_t *m, apr_pool_t *p, const apr_array_header_t *all,
                        const char *const *labels)
{
    for (size_t f = 0; f < sizeof(source_families) / sizeof(source_families[0]); f++) {
        mgr_metrics_family(m, source_families[f].name, source_families[f].type,
                           source_families[f].help);
        for (int i = 0; i < all->nelts; i++) {
            put_source_family(m, p, &APR_ARRAY_IDX(all, i, lb_balancer_view_t), labels[i],
                              source_families[f].put);
        }
    }
}

static void put_members(mgr_metrics_t *m, const apr_array_header_t *all, const char *const *labels,
                        bool has_histograms)
{
    for (size_t f = 0; f < sizeof(member_families) / sizeof(member_families[0]); f++) {
        if (has_histograms || strcmp(member_families[f].type, "histogram") != 0) {
            mgr_metrics_family(m, member_families[f].name, member_families[f].type,
                               member_families[f].help);
            put_member_family(m, all, labels, member_families[f].put);
        }
    }
}

int mgr_view_prometheus_send(mgr_visit_t *visit)
{
    const apr_array_header_t *all = visit->balancers;
    const mgr_metrics_format_t format = wanted_format(visit->r);
    apr_pool_t *p = visit->r->pool;
    const char **labels = apr_palloc(p, sizeof(char *) * (apr_size_t)(all->nelts + 1));
    bool has_histograms;

    if (choose_histograms(visit, &has_histograms) != OK) {
        visit->r->status = visit->status;
        return mgr_view_html_send(visit);
    }
    mgr_metrics_t *m = mgr_metrics_make(visit->r, format);
    ap_set_content_type(visit->r, mgr_metrics_content_type(format));
    put_server(m, visit->r->server, p);
    for (int i = 0; i < all->nelts; i++) {
        labels[i] = balancer_labels(p, all, &APR_ARRAY_IDX(all, i, lb_balancer_view_t));
    }
    put_balancers(m, all, labels);
    put_sources(m, p, all, labels);
    mgr_fleet_metrics_put(m, visit->r);
    put_members(m, all, member_labels(p, all, labels), has_histograms);
    mgr_metrics_end(m);
    return OK;
}
