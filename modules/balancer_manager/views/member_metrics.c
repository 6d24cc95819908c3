/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* member_metrics.c - see member_metrics.h. */
#include "member_metrics.h"

#include <string.h>

#include "apr_strings.h"
#include "balancer_calls.h"
#include "mod_proxy.h"
#include "tally.h"

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

static void put_tries(mgr_metrics_t *m, const char *labels, const lb_member_view_t *member)
{
    mgr_metrics_words(m, labels, "end", member->ends, before(member)->ends);
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
} families[] = {
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

static void put_family(mgr_metrics_t *m, const apr_array_header_t *balancers,
                       const char *const *labels, put_member_t *put)
{
    for (int i = 0; i < balancers->nelts; i++) {
        const lb_balancer_view_t *b = &APR_ARRAY_IDX(balancers, i, lb_balancer_view_t);
        for (int k = 0; k < b->members->nelts; k++) {
            put(m, *labels++, &APR_ARRAY_IDX(b->members, k, lb_member_view_t));
        }
    }
}

void mgr_member_metrics_put(mgr_metrics_t *m, apr_pool_t *p, const apr_array_header_t *balancers,
                            const char *const *of_balancers, bool has_histograms)
{
    const char **labels = member_labels(p, balancers, of_balancers);

    for (size_t f = 0; f < sizeof(families) / sizeof(families[0]); f++) {
        if (has_histograms || strcmp(families[f].type, "histogram") != 0) {
            mgr_metrics_family(m, families[f].name, families[f].type, families[f].help);
            put_family(m, balancers, labels, families[f].put);
        }
    }
}
