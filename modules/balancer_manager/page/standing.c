/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* standing.c - see standing.h.
 * Knows    what an operator has to look at first.
 * Ignores  where it is shown.
 * Memory   r->pool.   Threads: any, no state. */
#include "standing.h"

#include "member_row.h"
#include "quantity.h"
#include "state_sentence.h"
#include "tally.h"

/* Of a hundred requests: more want to be looked at. */
#define NOTABLE_ERRORS 1

static mgr_totals_t totals_of(const lb_balancer_view_t *balancer)
{
    mgr_totals_t totals = { 0 };

    for (int i = 0; i < balancer->members->nelts; i++) {
        const lb_member_view_t *member = &APR_ARRAY_IDX(balancer->members, i, lb_member_view_t);
        const bool is_failed = lb_state_is_failed(member->state);
        totals.ok += member->state == LB_STATE_OK || member->is_serving;
        totals.standing_by += !member->is_serving && mgr_state_sentence_is_reserve(member);
        totals.failed += is_failed && !member->is_serving;
        totals.worst = totals.worst || !is_failed ? totals.worst : member;
        totals.elected += member->elected;
        totals.rate += member->recent.requests;
        totals.in_flight += member->in_flight;
        totals.weight += mgr_member_row_weight(member);
    }
    totals.off = balancer->members->nelts - totals.ok - totals.standing_by - totals.failed;
    return totals;
}

/* The first that does not answer. */
static const lb_source_view_t *stale_source(const lb_balancer_view_t *balancer)
{
    for (int i = 0; i < balancer->sources->nelts; i++) {
        const lb_source_view_t *source = &APR_ARRAY_IDX(balancer->sources, i, lb_source_view_t);
        if (source->state == LB_SOURCE_STALE || source->state == LB_SOURCE_EMPTY) {
            return source;
        }
    }
    return NULL;
}

static bool has_errors(const lb_balancer_view_t *balancer)
{
    return mgr_tally_error_percent(&balancer->recent) >= NOTABLE_ERRORS;
}

static mgr_rank_t rank_of(const lb_balancer_view_t *balancer, const mgr_totals_t *totals)
{
    if (balancer->members->nelts > 0 && totals->ok == 0) {
        return MGR_IS_DOWN;
    }
    if (totals->failed > 0) {
        return MGR_HAS_FAILED;
    }
    return balancer->is_panicking || balancer->queue_stands || has_errors(balancer)
                   || stale_source(balancer)
               ? MGR_HAS_TROUBLE
               : MGR_IN_ORDER;
}

/* Those of one rank stay as they are configured. */
static apr_array_header_t *by_rank(apr_pool_t *p, const apr_array_header_t *standings)
{
    apr_array_header_t *sorted = apr_array_make(p, standings->nelts, sizeof(mgr_standing_t *));

    for (int rank = MGR_IS_DOWN; rank >= MGR_IN_ORDER; rank--) {
        for (int i = 0; i < standings->nelts; i++) {
            mgr_standing_t *standing = APR_ARRAY_IDX(standings, i, mgr_standing_t *);
            if (standing->rank == (mgr_rank_t)rank) {
                APR_ARRAY_PUSH(sorted, mgr_standing_t *) = standing;
            }
        }
    }
    return sorted;
}

void mgr_standing_look(mgr_page_t *page)
{
    const apr_array_header_t *balancers = page->visit->balancers;
    apr_pool_t *p = page->visit->r->pool;
    apr_array_header_t *standings =
        apr_array_make(p, balancers->nelts, sizeof(mgr_standing_t *));

    page->problems = 0;
    for (int i = 0; i < balancers->nelts; i++) {
        mgr_standing_t *standing = apr_palloc(p, sizeof(*standing));
        standing->balancer = &APR_ARRAY_IDX(balancers, i, lb_balancer_view_t);
        standing->totals = totals_of(standing->balancer);
        standing->rank = rank_of(standing->balancer, &standing->totals);
        page->problems += standing->totals.failed > 0 ? standing->totals.failed
                                                      : standing->rank != MGR_IN_ORDER;
        APR_ARRAY_PUSH(standings, mgr_standing_t *) = standing;
    }
    page->standings = page->selection.puts_trouble_first ? by_rank(p, standings) : standings;
}

const mgr_standing_t *mgr_standing_of(const mgr_page_t *page, const lb_balancer_view_t *balancer)
{
    int i = 0;

    while (APR_ARRAY_IDX(page->standings, i, mgr_standing_t *)->balancer != balancer) {
        i++;
    }
    return APR_ARRAY_IDX(page->standings, i, mgr_standing_t *);
}

/* ---- In words -------------------------------------------------------------------------------- */

static void print_failed(mgr_page_t *page, const mgr_totals_t *totals)
{
    mgr_html_t *html = page->html;
    const lb_member_view_t *worst = totals->worst;
    const char *why = worst->state == LB_STATE_HEALTH_FAIL ? worst->check_outcome
                                                           : worst->last_error;

    mgr_html_text(html, worst->name);
    mgr_html_raw(html, " ");
    mgr_html_raw(html, mgr_state_sentence_word(worst->state));
    if (worst->since) {
        mgr_html_raw(html, " for ");
        mgr_quantity_age(html, worst->since, page->now);
    }
    if (why) {
        mgr_html_raw(html, ": ");
        mgr_html_text(html, why);
    }
    if (totals->failed > 1) {
        mgr_html_format(html, "; %d more failed", totals->failed - 1);
    }
}

void mgr_standing_print_trouble(mgr_page_t *page, const mgr_standing_t *standing)
{
    mgr_html_t *html = page->html;
    const lb_balancer_view_t *balancer = standing->balancer;
    const lb_source_view_t *stale = stale_source(balancer);

    if (standing->rank == MGR_IS_DOWN) {
        mgr_html_raw(html, standing->totals.worst ? "<b>no member in service</b>: "
                                                  : "<b>no member in service</b>");
    }
    if (standing->totals.worst) {
        print_failed(page, &standing->totals);
    }
    else if (balancer->is_panicking) {
        mgr_html_raw(html, "too many members fail their checks (hcpanic)");
    }
    else if (balancer->queue_stands) {
        mgr_html_raw(html, "the queue gets more than it can serve in time");
    }
    else if (stale) {
        mgr_html_raw(html, "DNS has no addresses: ");
        mgr_html_text(html, stale->name);
    }
    else if (has_errors(balancer)) {
        mgr_html_tenths(html, (uint64_t)(10 * mgr_tally_error_percent(&balancer->recent) + 0.5));
        mgr_html_raw(html, " % errors in the last minute");
    }
}
