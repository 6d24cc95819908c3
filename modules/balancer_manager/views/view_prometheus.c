/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* view_prometheus.c - <manager>/metrics: which families there are, and who wants which format.
 * Knows    that families stay together; those of balancers and of sources in DNS.
 * Ignores  those of members and fleets (member_metrics.c, fleet_metrics.c), how a sample is written
 *          (metrics.c).
 * Memory   r->pool.   Threads: any, no state. */
#include "view.h"

#include <string.h>

#include "accept.h"
#include "apr_strings.h"
#include "fastcgi_version.h"
#include "fleet_metrics.h"
#include "form.h"
#include "http_protocol.h"
#include "member_metrics.h"
#include "metrics.h"
#include "start_time.h"

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
    mgr_metrics_words(m, labels, "reason", balancer->refused, balancer->refused_before);
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

/* One series for each state, and one of them is 1. */
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

/* ---- All of it ------------------------------------------------------------------------------- */

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
    mgr_member_metrics_put(m, p, all, labels, has_histograms);
    mgr_metrics_end(m);
    return OK;
}
