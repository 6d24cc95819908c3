/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* state_sentence.c - tells a state so that nobody has to look it up.
 * Knows    the states of the contract, and what each of them goes with.
 * Ignores  how a state is changed.
 * Memory   nothing of its own.   Threads: any, no state. */
#include "state_sentence.h"

#include "quantity.h"

const char *mgr_state_sentence_word(lb_state_t state)
{
    static const char *const words[LB_STATE_COUNT] = {
        [LB_STATE_OK] = "ok",
        [LB_STATE_ERROR] = "error",
        [LB_STATE_TRIAL] = "on trial",
        [LB_STATE_HEALTH_FAIL] = "check failed",
        [LB_STATE_DRAINING] = "draining",
        [LB_STATE_DISABLED] = "disabled",
        [LB_STATE_STOPPED] = "stopped",
        [LB_STATE_STANDBY] = "hot standby",
        [LB_STATE_SPARE] = "hot spare",
        [LB_STATE_SHUTDOWN] = "shutting down",
        [LB_STATE_REMOVING] = "being removed",
        [LB_STATE_GONE] = "gone",
    };
    return words[state];
}

bool mgr_state_sentence_is_reserve(const lb_member_view_t *member)
{
    return member->state == LB_STATE_SPARE || member->state == LB_STATE_STANDBY;
}

bool mgr_state_sentence_stands_in(const lb_member_view_t *member)
{
    return member->is_serving && mgr_state_sentence_is_reserve(member);
}

static void print_error(mgr_html_t *html, const lb_member_view_t *member, apr_time_t now)
{
    if (member->last_error) {
        mgr_html_raw(html, ": ");
        mgr_html_text(html, member->last_error);
    }
    if (member->next_trial_at > now) {
        mgr_html_raw(html, "; next trial in ");
        mgr_quantity_duration(html, member->next_trial_at - now);
    }
    else if (member->next_trial_at) {
        mgr_html_raw(html, "; the next request will try it");
    }
}

static void print_drain(mgr_html_t *html, const lb_member_view_t *member, apr_time_t now)
{
    mgr_html_raw(html, ", ");
    mgr_html_count(html, member->in_flight);
    mgr_html_raw(html, " in flight");
    if (member->drain_until) {
        mgr_html_raw(html, ", disabled in ");
        mgr_quantity_duration(html, member->drain_until - now);
    }
}

static void print_failed_checks(mgr_html_t *html, const lb_member_view_t *member)
{
    if (member->check_outcome) {
        mgr_html_raw(html, ": ");
        mgr_html_text(html, member->check_outcome);
    }
    if (member->check_fails) {
        mgr_html_raw(html, ", ");
        mgr_html_count(html, member->check_fails);
        mgr_html_raw(html, member->check_fails == 1 ? " failed check" : " failed checks in a row");
    }
}

/* Holds in any state. */
static void print_remarks(mgr_html_t *html, const lb_member_view_t *member, apr_time_t now)
{
    if (member->missing_since) {
        mgr_html_raw(html, "<small>not in DNS for ");
        mgr_quantity_age(html, member->missing_since, now);
        mgr_html_raw(html, "</small>");
    }
    if (member->share_percent < 100) {
        mgr_html_format(html, "<small>slow start: %d %% of its share</small>",
                        member->share_percent);
    }
    if (member->is_kept) {
        mgr_html_raw(html, "<small>kept by hcpanic");
        print_failed_checks(html, member);
        mgr_html_raw(html, "</small>");
    }
    if (member->strikes > 0) {
        mgr_html_format(html, "<small>%d recent %s</small>", member->strikes,
                        member->strikes == 1 ? "failure" : "failures");
    }
}

void mgr_state_sentence_print(mgr_html_t *html, const lb_member_view_t *member, apr_time_t now)
{
    const bool stands_in = mgr_state_sentence_stands_in(member);

    mgr_html_raw(html, "<b class=\"pill ");
    mgr_html_text(html, lb_state_word(member->state));
    mgr_html_raw(html, stands_in ? " serving\">" : "\">");
    mgr_html_text(html, mgr_state_sentence_word(member->state));
    mgr_html_raw(html, stands_in ? ", serving</b><small>" : "</b><small>");
    if (member->since) {
        mgr_quantity_age(html, member->since, now);
    }
    switch (member->state) {
    case LB_STATE_ERROR:
        print_error(html, member, now);
        break;
    case LB_STATE_TRIAL:
        mgr_html_raw(html, "; one request is trying it");
        break;
    case LB_STATE_DRAINING:
    case LB_STATE_REMOVING:
    case LB_STATE_GONE:
        print_drain(html, member, now);
        break;
    case LB_STATE_HEALTH_FAIL:
        print_failed_checks(html, member);
        break;
    default:
        break;
    }
    mgr_html_raw(html, "</small>");
    print_remarks(html, member, now);
}
