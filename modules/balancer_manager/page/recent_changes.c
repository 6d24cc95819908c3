/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* recent_changes.c - what has happened: changes of operators, from the audit, and of states, from
 *                    the balancers. A list, no table: scripts count those of the page.
 * Knows    which parts of an entry may be missing.
 * Ignores  how entries are kept (audit.c, the balancer).
 * Memory   r->pool.   Threads: any, no state. */
#include "recent_changes.h"

#include <stdlib.h>

#include "audit.h"
#include "quantity.h"
#include "state_sentence.h"

enum {
    SHOWN = 60,
    OPEN = 8
};

/* One thing that happened: one of the two. */
typedef struct {
    apr_time_t at;
    const mgr_audit_entry_t *entry;
    const lb_balancer_view_t *balancer;
    const lb_state_change_t *change;   /* in this balancer */
} event_t;

static void print_from_to(mgr_html_t *html, const mgr_audit_entry_t *entry)
{
    if (entry->is_refused) {
        mgr_html_raw(html, ": <b class=\"pill error\">refused</b> ");
        mgr_html_text(html, entry->after);
    }
    else if (*entry->before || *entry->after) {
        mgr_html_raw(html, ": ");
        mgr_html_text(html, *entry->before ? entry->before : "-");
        mgr_html_raw(html, " \xE2\x86\x92 <b>");
        mgr_html_text(html, *entry->after ? entry->after : "-");
        mgr_html_raw(html, "</b>");
    }
}

static void print_entry(mgr_page_t *page, const mgr_audit_entry_t *entry)
{
    mgr_html_t *html = page->html;

    mgr_html_raw(html, "<span>");
    if (*entry->member) {
        mgr_html_text(html, entry->member);
        mgr_html_raw(html, " of ");
    }
    mgr_html_text(html, entry->balancer);
    mgr_html_raw(html, " ");
    mgr_html_text(html, entry->what);
    print_from_to(html, entry);
    mgr_html_raw(html, "</span> <small>by ");
    mgr_html_text(html, entry->user);
    mgr_html_raw(html, " from ");
    mgr_html_text(html, entry->address);
    mgr_html_raw(html, "</small>");
}

static const char *cause_in_words(lb_cause_t cause)
{
    static const char *const words[LB_CAUSE_COUNT] = {
        [LB_CAUSE_FAILURES] = "requests failed",
        [LB_CAUSE_TRIAL] = "a request was served",
        [LB_CAUSE_CHECK] = "health checks",
        [LB_CAUSE_OPERATOR] = "by an operator",
        [LB_CAUSE_DEADLINE] = "its deadline has passed",
        [LB_CAUSE_DISCOVERY] = "DNS",
        [LB_CAUSE_CONFIGURATION] = "the configuration was read again",
        [LB_CAUSE_OTHER] = "told by nobody",
    };
    return words[cause];
}

static void print_change(mgr_page_t *page, const event_t *event)
{
    mgr_html_t *html = page->html;
    const lb_state_change_t *change = event->change;

    mgr_html_raw(html, "<span>");
    mgr_html_text(html, change->member);
    mgr_html_raw(html, " of ");
    mgr_html_text(html, event->balancer->name);
    mgr_html_format(html, ": %s \xE2\x86\x92 <b class=\"pill %s\">%s</b></span> <small>%s",
                    mgr_state_sentence_word(change->from), lb_state_word(change->to),
                    mgr_state_sentence_word(change->to), cause_in_words(change->cause));
    if (*change->reason && change->cause != LB_CAUSE_TRIAL) {
        mgr_html_raw(html, ": ");
        mgr_html_text(html, change->reason);
    }
    mgr_html_raw(html, "</small>");
}

static void print_event(mgr_page_t *page, const event_t *event)
{
    mgr_html_raw(page->html, "<li>");
    mgr_quantity_time(page->html, event->at, page->now);
    mgr_html_raw(page->html, " ");
    if (event->entry) {
        print_entry(page, event->entry);
    }
    else {
        print_change(page, event);
    }
    mgr_html_raw(page->html, "</li>\n");
}

static void print_list(mgr_page_t *page, const apr_array_header_t *events, int begin, int end)
{
    mgr_html_raw(page->html, "<ol class=\"changes\">\n");
    for (int i = begin; i < end && i < events->nelts; i++) {
        print_event(page, &APR_ARRAY_IDX(events, i, event_t));
    }
    mgr_html_raw(page->html, "</ol>\n");
}

static int newest_first(const void *a, const void *b)
{
    const apr_time_t one = ((const event_t *)a)->at, other = ((const event_t *)b)->at;
    return (one < other) - (one > other);
}

/* Of each balancer no more than are shown of all. */
static apr_array_header_t *events_of(const mgr_page_t *page)
{
    apr_pool_t *p = page->visit->r->pool;
    const apr_array_header_t *entries = mgr_audit_recent(p), *balancers = page->visit->balancers;
    apr_array_header_t *events = apr_array_make(p, SHOWN, sizeof(event_t));

    for (int i = 0; i < entries->nelts; i++) {
        const mgr_audit_entry_t *entry = &APR_ARRAY_IDX(entries, i, mgr_audit_entry_t);
        APR_ARRAY_PUSH(events, event_t) = (event_t){ .at = entry->at, .entry = entry };
    }
    for (int i = 0; i < balancers->nelts; i++) {
        const lb_balancer_view_t *balancer = &APR_ARRAY_IDX(balancers, i, lb_balancer_view_t);
        for (int k = 0; k < balancer->history->nelts && k < SHOWN; k++) {
            const lb_state_change_t *change =
                &APR_ARRAY_IDX(balancer->history, k, lb_state_change_t);
            APR_ARRAY_PUSH(events, event_t) =
                (event_t){ .at = change->at, .balancer = balancer, .change = change };
        }
    }
    qsort(events->elts, (size_t)events->nelts, sizeof(event_t), newest_first);
    return events;
}

void mgr_recent_changes_print(mgr_page_t *page)
{
    mgr_html_t *html = page->html;
    const apr_array_header_t *events = events_of(page);

    mgr_html_raw(html, "<section id=\"changes\" aria-labelledby=\"changes-title\">"
                       "<h2 id=\"changes-title\">Recent changes</h2>\n");
    if (events->nelts == 0) {
        mgr_html_raw(html, "<p class=\"empty\">Nothing has changed since httpd started.</p>\n");
    }
    else {
        print_list(page, events, 0, OPEN);
    }
    if (events->nelts > OPEN) {
        mgr_html_raw(html, "<details id=\"more-changes\"><summary>Earlier</summary>\n");
        print_list(page, events, OPEN, SHOWN);
        mgr_html_raw(html, "</details>\n");
    }
    mgr_html_raw(html, "</section>\n");
}
