/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* view_text.c - the status for a terminal: a line for each member, in columns.
 * Knows    what fits into a line, and what somebody who is on call wants to read first.
 * Ignores  scripts: the columns may change, the JSON does not.
 * Memory   r->pool.   Threads: any, no state. */
#include "view.h"

#include <string.h>

#include "apr_strings.h"
#include "http_protocol.h"
#include "sink.h"
#include "utf8.h"

enum {
    MEMBER,
    STATE,
    SINCE,
    WEIGHT,
    IN_FLIGHT,
    QUEUED,
    ELECTED,
    FAILURES,
    RATE,
    P95,
    REASON,
    COLUMNS
};

typedef struct {
    const char *cells[COLUMNS];
} row_t;

/* ---- Cells ----------------------------------------------------------------------------------- */

/* "3 h": one unit says enough. */
static const char *duration(apr_pool_t *p, apr_interval_time_t us)
{
    static const struct {
        apr_interval_time_t us;
        const char *unit;
    } units[] = {
        { APR_INT64_C(86400000000), "d" },
        { APR_INT64_C(3600000000), "h" },
        { APR_INT64_C(60000000), "min" },
        { APR_INT64_C(1000000), "s" },
        { 1000, "ms" },
    };
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (us >= units[i].us) {
            return apr_psprintf(p, "%" APR_INT64_T_FMT " %s", us / units[i].us, units[i].unit);
        }
    }
    return us >= 0 ? "< 1 ms" : "-";
}

static const char *age(apr_pool_t *p, apr_time_t at)
{
    const apr_time_t now = apr_time_now();
    return at ? duration(p, now > at ? now - at : 0) : "-";
}

static const char *count(apr_pool_t *p, uint64_t number)
{
    return apr_psprintf(p, "%" APR_UINT64_T_FMT, number);
}

static const char *of_limit(apr_pool_t *p, uint32_t number, uint32_t limit)
{
    return limit ? apr_psprintf(p, "%u/%u", number, limit) : count(p, number);
}

/* Why a member is in its state, as far as the state does not say it. */
static const char *reason(apr_pool_t *p, const lb_member_view_t *m)
{
    const char *error =
        m->last_error ? apr_psprintf(p, "%s %s ago", m->last_error, age(p, m->last_error_at)) : "";
    const apr_time_t now = apr_time_now();

    if (m->next_trial_at) {
        return apr_psprintf(p, "%s, next trial in %s", error,
                            duration(p, m->next_trial_at > now ? m->next_trial_at - now : 0));
    }
    if (m->state == LB_STATE_HEALTH_FAIL) {
        return apr_psprintf(p, "%u failed checks in a row (%s)", m->check_fails,
                            m->check_outcome ? m->check_outcome : "-");
    }
    if (m->is_kept) {
        return apr_psprintf(p, "%u failed checks in a row (%s), kept by hcpanic", m->check_fails,
                            m->check_outcome ? m->check_outcome : "-");
    }
    if (m->drain_until) {
        return apr_psprintf(p, "disabled in %s",
                            duration(p, m->drain_until > now ? m->drain_until - now : 0));
    }
    if (m->share_percent < 100) {
        return apr_psprintf(p, "slow start: %d %% of its share", m->share_percent);
    }
    if (m->check_busy) {
        return apr_psprintf(p, "busy: %u checks unanswered", m->check_busy);
    }
    return error;
}

static row_t row_of(apr_pool_t *p, const lb_member_view_t *m)
{
    return (row_t){ {
        [MEMBER] = mgr_utf8_line(p, m->name),
        [STATE] = lb_state_word(m->state),
        [SINCE] = age(p, m->since),
        [WEIGHT] = apr_psprintf(p, "%.4g", m->settings.of[LB_SETTING_WEIGHT].number / 100.0),
        [IN_FLIGHT] = apr_pstrcat(p, of_limit(p, m->in_flight, m->limit),
                                  lb_member_view_limit_is_auto(m) ? " auto" : "", NULL),
        [QUEUED] = of_limit(p, m->queued, m->settings.of[LB_SETTING_QUEUE_LIMIT].number),
        [ELECTED] = count(p, m->elected),
        [FAILURES] = count(p, m->failures),
        [RATE] = apr_psprintf(p, "%.1f", m->recent.requests),
        [P95] = duration(p, m->recent.p95),
        [REASON] = reason(p, m),
    } };
}

/* ---- Lines ----------------------------------------------------------------------------------- */

/* Characters, not bytes: continuation bytes of UTF-8 take no place. */
static size_t width_of(const char *text)
{
    size_t width = 0;

    for (; *text; text++) {
        width += ((unsigned char)*text & 0xC0) != 0x80;
    }
    return width;
}

static void put_row(mgr_sink_t *sink, const row_t *row, const size_t *widths)
{
    mgr_sink_text(sink, " ");
    for (int c = 0; c < COLUMNS; c++) {
        mgr_sink_text(sink, " ");
        mgr_sink_text(sink, row->cells[c]);
        for (size_t n = width_of(row->cells[c]); c < REASON && n <= widths[c]; n++) {
            mgr_sink_text(sink, " ");
        }
    }
    mgr_sink_text(sink, "\n");
}

static void put_members(mgr_sink_t *sink, const apr_array_header_t *members)
{
    static const row_t head = { { "MEMBER", "STATE", "SINCE", "WEIGHT", "IN FLIGHT", "QUEUED",
                                  "ELECTED", "FAILURES", "PER S", "P95", "REASON" } };
    apr_pool_t *p = sink->r->pool;
    row_t *rows = apr_palloc(p, sizeof(*rows) * (apr_size_t)(members->nelts + 1));
    size_t widths[COLUMNS] = { 0 };

    rows[0] = head;
    for (int i = 0; i < members->nelts; i++) {
        rows[i + 1] = row_of(p, &APR_ARRAY_IDX(members, i, lb_member_view_t));
    }
    for (int i = 0; i <= members->nelts; i++) {
        for (int c = 0; c < COLUMNS; c++) {
            const size_t width = width_of(rows[i].cells[c]);
            widths[c] = width > widths[c] ? width : widths[c];
        }
    }
    for (int i = 0; i <= members->nelts; i++) {
        put_row(sink, &rows[i], widths);
    }
}

/* A name in DNS that members come from. */
static void put_source(mgr_sink_t *sink, const lb_source_view_t *source)
{
    apr_pool_t *p = sink->r->pool;

    mgr_sink_text(sink, apr_psprintf(p, "  DNS %s: %s for %s", mgr_utf8_line(p, source->name),
                                     lb_source_state_word(source->state),
                                     age(p, source->state_since)));
    if (source->error) {
        mgr_sink_text(sink, apr_psprintf(p, " (%s)", source->error));
    }
    mgr_sink_text(sink, apr_psprintf(p, ", %d members of %d addresses", source->members,
                                     source->addresses));
    if (source->answered_at) {
        mgr_sink_text(sink,
                      apr_psprintf(p, ", last answer %s ago", age(p, source->answered_at)));
    }
    mgr_sink_text(sink, "\n");
}

static void put_balancer(mgr_sink_t *sink, const lb_balancer_view_t *b)
{
    apr_pool_t *p = sink->r->pool;
    const lb_recent_t *recent = &b->recent;

    if (b->inherited_from) {
        mgr_sink_text(sink, apr_psprintf(p, "%s (%s), %s: members: see %s\n\n",
                                         mgr_utf8_line(p, b->name), mgr_utf8_line(p, b->vhost),
                                         b->settings.of[LB_SETTING_LBMETHOD].text,
                                         mgr_utf8_line(p, b->inherited_from)));
        return;
    }
    mgr_sink_text(sink, apr_psprintf(p, "%s (%s), %s: %.1f requests/s, %.1f failures/s, ",
                                     mgr_utf8_line(p, b->name), mgr_utf8_line(p, b->vhost),
                                     b->settings.of[LB_SETTING_LBMETHOD].text, recent->requests,
                                     recent->failures));
    mgr_sink_text(sink, apr_psprintf(p, "first byte p50 %s, p95 %s, %u in the queue\n",
                                     duration(p, recent->p50), duration(p, recent->p95),
                                     b->queued));
    for (int i = 0; i < b->sources->nelts; i++) {
        put_source(sink, &APR_ARRAY_IDX(b->sources, i, lb_source_view_t));
    }
    put_members(sink, b->members);
    mgr_sink_text(sink, "\n");
}

int mgr_view_text_send(mgr_visit_t *visit)
{
    mgr_sink_t *sink = mgr_sink_make(visit->r);

    ap_set_content_type(visit->r, "text/plain; charset=utf-8");
    for (int i = 0; i < visit->balancers->nelts; i++) {
        put_balancer(sink, &APR_ARRAY_IDX(visit->balancers, i, lb_balancer_view_t));
    }
    mgr_sink_end(sink);
    return OK;
}
