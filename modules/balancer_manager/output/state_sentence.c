/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* state_sentence.c - tells a state so that nobody has to look it up.
 * Knows    the states of the contract, and what each of them goes with.
 * Ignores  how a state is changed.
 * Memory   nothing of its own.   Threads: any, no state. */
#include "state_sentence.h"

#include "quantity.h"

const mgr_state_word_t mgr_state_sentence_words[] = {
    { "ok", "ok" },
    { "error", "error" },
    { "trial", "on trial" },
    { "health_fail", "check failed" },
    { "draining", "draining" },
    { "disabled", "disabled" },
    { "stopped", "stopped" },
    { "standby", "hot standby" },
    { "spare", "hot spare" },
    { "shutdown", "shutting down" },
    { "removing", "being removed" },
    { NULL, NULL },
};

/* A state that is not in the list is its own word. */
static const char *word_of(const char *state)
{
    for (const mgr_state_word_t *w = mgr_state_sentence_words; w->state; w++) {
        if (strcmp(w->state, state) == 0) {
            return w->word;
        }
    }
    return state;
}

static bool is(const lb_member_view_t *member, const char *state)
{
    return strcmp(member->state, state) == 0;
}

bool mgr_state_sentence_is_reserve(const lb_member_view_t *member)
{
    return is(member, "spare") || is(member, "standby");
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
        mgr_html_raw(html, ", disabled at ");
        mgr_quantity_time(html, member->drain_until, now);
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
static void print_remarks(mgr_html_t *html, const lb_member_view_t *member)
{
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
    mgr_html_text(html, member->state);
    mgr_html_raw(html, stands_in ? " serving\">" : "\">");
    mgr_html_text(html, word_of(member->state));
    mgr_html_raw(html, stands_in ? ", serving</b><small>" : "</b><small>");
    if (member->since) {
        mgr_html_raw(html, "since ");
        mgr_quantity_time(html, member->since, now);
    }
    if (is(member, "error")) {
        print_error(html, member, now);
    }
    else if (is(member, "trial")) {
        mgr_html_raw(html, "; one request is trying it");
    }
    else if (is(member, "draining") || is(member, "removing")) {
        print_drain(html, member, now);
    }
    else if (is(member, "health_fail")) {
        print_failed_checks(html, member);
    }
    mgr_html_raw(html, "</small>");
    print_remarks(html, member);
}
