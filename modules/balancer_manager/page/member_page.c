/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* member_page.c - see member_page.h. No tables: scripts count those of the page; nor links, which
 *                 they take for members.
 * Knows    the names that parameters have in the configuration.
 * Ignores  how a change is made (edit_form.c).
 * Memory   r->pool.   Threads: any, no state. */
#include "member_page.h"

#include "apr_strings.h"
#include "balancer_calls.h"
#include "chart.h"
#include "quantity.h"
#include "setting_value.h"
#include "state_sentence.h"
#include "tally.h"

enum { SHOWN_CHANGES = 20 };

/* ---- Rows: a name, and what it is now -------------------------------------------------------- */

static void open_group(mgr_html_t *html, const char *title)
{
    mgr_html_format(html, "<section><h3>%s</h3>\n<dl>\n", title);
}

static void close_group(mgr_html_t *html)
{
    mgr_html_raw(html, "</dl></section>\n");
}

/* parameter   of the configuration; NULL: there is none for it */
static void open_row(mgr_html_t *html, const char *name, const char *parameter)
{
    mgr_html_format(html, "<div><dt>%s", name);
    if (parameter) {
        mgr_html_format(html, " <code>%s</code>", parameter);
    }
    mgr_html_raw(html, "</dt><dd>");
}

static void close_row(mgr_html_t *html)
{
    mgr_html_raw(html, "</dd></div>\n");
}

static void count_row(mgr_html_t *html, const char *name, const char *parameter, uint64_t count)
{
    open_row(html, name, parameter);
    mgr_html_count(html, count);
    close_row(html);
}

static void rate_row(mgr_html_t *html, const char *name, double per_second)
{
    open_row(html, name, NULL);
    mgr_quantity_number(html, per_second);
    mgr_html_raw(html, "/s");
    close_row(html);
}

/* none   what 0 means */
static void duration_row(mgr_html_t *html, const char *name, const char *parameter,
                         apr_interval_time_t us, const char *none)
{
    open_row(html, name, parameter);
    if (us > 0) {
        mgr_quantity_duration(html, us);
    }
    else {
        mgr_html_raw(html, none);
    }
    close_row(html);
}

static void text_row(mgr_html_t *html, const char *name, const char *parameter, const char *text)
{
    if (text && *text) {
        open_row(html, name, parameter);
        mgr_html_text(html, text);
        close_row(html);
    }
}

static void size_row(mgr_html_t *html, const char *name, uint64_t bytes)
{
    char size[5];

    open_row(html, name, NULL);
    mgr_html_raw(html, apr_strfsize((apr_off_t)bytes, size));
    close_row(html);
}

static const char *value_text(apr_pool_t *p, lb_setting_id_t id, lb_value_t value)
{
    const char *text = fc_setting_value_text(p, &lb_settings[id], value);

    if (id == LB_SETTING_LIMIT && value.number == 0) {
        return "no limit";
    }
    return *text ? text : "none";
}

/* A setting that operators can change, beside the configured value if that is another one. */
static void setting_row(mgr_html_t *html, const char *name, const char *parameter,
                        const lb_member_view_t *member, lb_setting_id_t id)
{
    const lb_value_t value = member->settings.of[id], config = member->config.of[id];

    open_row(html, name, parameter);
    mgr_html_text(html, value_text(html->r->pool, id, value));
    if (!fc_setting_value_is(&lb_settings[id], config, value)) {
        mgr_html_raw(html, " <small>configured: ");
        mgr_html_text(html, value_text(html->r->pool, id, config));
        mgr_html_raw(html, "</small>");
    }
    close_row(html);
}

/* ---- Numbers --------------------------------------------------------------------------------- */

static void print_first_byte(mgr_html_t *html, const lb_recent_t *recent)
{
    if (recent->p50 < 0) {
        return;
    }
    open_row(html, "First byte", NULL);
    mgr_html_raw(html, "p50 ");
    mgr_quantity_duration(html, recent->p50);
    mgr_html_raw(html, ", p95 ");
    mgr_quantity_duration(html, recent->p95);
    mgr_html_raw(html, ", p99 ");
    mgr_quantity_duration(html, recent->p99);
    close_row(html);
}

static void print_now(mgr_html_t *html, const lb_member_view_t *member,
                      const lb_member_detail_t *detail)
{
    open_group(html, "Now");
    open_row(html, "Requests in flight", NULL);
    mgr_html_count(html, member->in_flight);
    if (member->limit) {
        mgr_html_raw(html, " of ");
        mgr_html_count(html, member->limit);
    }
    close_row(html);
    count_row(html, "Of these, parked", NULL, member->parked);
    count_row(html, "Requests waiting for it", NULL, member->queued);
    if (detail->kept >= 0) {
        count_row(html, "Connections kept idle", NULL, (uint64_t)detail->kept);
    }
    rate_row(html, "Requests, last minute", member->recent.requests);
    rate_row(html, "Failures, last minute", member->recent.failures);
    rate_row(html, "Of these, 5xx responses", member->recent.server_errors);
    print_first_byte(html, &member->recent);
    close_group(html);
}

static uint64_t count_of(const lb_histogram_t *times)
{
    uint64_t count = 0;

    for (int i = 0; i < LB_HISTOGRAM_BUCKETS; i++) {
        count += times->buckets[i];
    }
    return count;
}

static void print_ends(mgr_html_t *html, const lb_member_view_t *member)
{
    int at = LB_SERVED + 1;
    uint64_t count = 0;
    const char *word;

    while ((word = mgr_tally_next(member->ends, &at, &count))) {
        count_row(html, "Tries that ended in", word, count);
    }
}

static void print_responses(mgr_html_t *html, const lb_member_view_t *member)
{
    for (int class = 1; class < MGR_TALLY_CLASSES; class ++) {
        if (member->responses[class]) {
            count_row(html, "Responses", mgr_tally_classes[class], member->responses[class]);
        }
    }
}

static void print_counted(mgr_page_t *page, const lb_member_view_t *member)
{
    mgr_html_t *html = page->html;
    const uint64_t tries = count_of(&member->whole_times);
    const uint64_t connects = count_of(&member->connect_times);

    mgr_html_raw(html, "<section><h3>Since ");
    mgr_quantity_time(html, member->counted_since, page->now);
    mgr_html_raw(html, "</h3>\n<dl>\n");
    count_row(html, "Requests", NULL, member->elected);
    print_responses(html, member);
    count_row(html, "Failures", NULL, member->failures);
    print_ends(html, member);
    count_row(html, "New connections", NULL, connects);
    count_row(html, "Requests on kept connections", NULL, tries > connects ? tries - connects : 0);
    size_row(html, "Sent to it", member->bytes_sent);
    size_row(html, "Received from it", member->bytes_read);
    close_group(html);
}

static void print_outages(mgr_page_t *page, const lb_member_view_t *member)
{
    mgr_html_t *html = page->html;

    open_group(html, "Outages");
    count_row(html, "Outages", NULL, member->outages);
    duration_row(html, "Downtime", NULL, (apr_interval_time_t)member->downtime, "none");
    count_row(html, "Changes of state", NULL, member->state_changes);
    if (member->last_error_at) {
        open_row(html, "Last failure", NULL);
        mgr_html_text(html, member->last_error);
        mgr_html_raw(html, ", ");
        mgr_quantity_time(html, member->last_error_at, page->now);
        close_row(html);
    }
    close_group(html);
}

/* ---- Settings -------------------------------------------------------------------------------- */

static void print_limits(mgr_html_t *html, const lb_member_view_t *member)
{
    open_group(html, "Limits");
    setting_row(html, "Requests in flight", "maxinflight", member, LB_SETTING_LIMIT);
    setting_row(html, "Requests that may wait", "queue", member, LB_SETTING_QUEUE_LIMIT);
    setting_row(html, "Each waits at most", "queuetimeout", member, LB_SETTING_QUEUE_TIMEOUT);
    count_row(html, "Connections of a process", "max", (uint64_t)member->pool_max);
    count_row(html, "Of these, kept for long", "smax", (uint64_t)member->pool_smax);
    duration_row(html, "Idle at most", "ttl", member->ttl, "no limit");
    duration_row(html, "Waits for a response", "timeout", member->timeout, "as the server");
    duration_row(html, "Waits for a connection", "acquire", member->acquire, "no limit");
    close_group(html);
}

static void print_share(mgr_html_t *html, const lb_member_view_t *member)
{
    open_group(html, "Share of the requests");
    setting_row(html, "Weight", "loadfactor", member, LB_SETTING_WEIGHT);
    setting_row(html, "Set", "lbset", member, LB_SETTING_LBSET);
    setting_row(html, "Route", "route", member, LB_SETTING_ROUTE);
    setting_row(html, "Takes over", "redirect", member, LB_SETTING_REDIRECT);
    text_row(html, "Comes from", "discover", member->source);
    if (member->origin == LB_ORIGIN_ADDED) {
        text_row(html, "Comes from", NULL, "an operator, at run time");
    }
    close_group(html);
}

static void print_health(mgr_html_t *html, const lb_member_view_t *member,
                         const lb_member_detail_t *detail)
{
    open_group(html, "Health");
    open_row(html, "Failures that put it out", "maxfails");
    mgr_html_format(html, "%d <small>now %d</small>", detail->maxfails, member->strikes);
    close_row(html);
    duration_row(html, "Counted for", "failwindow", detail->failwindow, "-");
    duration_row(html, "Out for", "retry", member->retry, "not at all");
    duration_row(html, "Slow start", "slowstart", detail->slowstart, "none");
    duration_row(html, "A session waits for it", "stickywait", detail->stickywait,
                 "as all requests");
    close_group(html);
}

static void print_last_check(mgr_page_t *page, const lb_member_view_t *member)
{
    mgr_html_t *html = page->html;

    if (!member->is_checked || !member->checked_at) {
        return;
    }
    open_row(html, "Last check", NULL);
    mgr_html_text(html, member->check_outcome ? member->check_outcome : "ok");
    mgr_html_raw(html, ", ");
    mgr_quantity_duration(html, member->check_took);
    mgr_html_raw(html, ", ");
    mgr_quantity_time(html, member->checked_at, page->now);
    close_row(html);
    open_row(html, "In a row", NULL);
    mgr_html_format(html, "%u passed, %u failed", (unsigned int)member->check_passes,
                    (unsigned int)member->check_fails);
    close_row(html);
}

static void print_check(mgr_page_t *page, const lb_member_view_t *member,
                        const lb_member_detail_t *detail)
{
    const lb_check_detail_t *check = detail->check;
    mgr_html_t *html = page->html;

    open_group(html, "Checks");
    if (check) {
        text_row(html, "Method", "hcmethod", check->method);
        text_row(html, "URI", "hcuri", check->uri);
        text_row(html, "Condition", "hcexpr", check->expr);
        duration_row(html, "Every", "hcinterval", check->interval, "-");
        duration_row(html, "Time limit", "hctimeout", check->timeout, "as requests");
        count_row(html, "Passed checks to come back", "hcpasses", (uint64_t)check->passes);
        count_row(html, "Failed checks to go out", "hcfails", (uint64_t)check->fails);
        print_last_check(page, member);
    }
    else {
        open_row(html, "Checks", "hcmethod");
        mgr_html_raw(html, "none");
        close_row(html);
    }
    text_row(html, "Status page of PHP-FPM", "hcstatus", detail->status_uri);
    if (member->fpm_numbers_at) {
        open_row(html, "Its children", NULL);
        mgr_html_format(html, "%u of %u active <small>queue %u</small>",
                        (unsigned int)member->fpm.active, (unsigned int)member->fpm.total,
                        (unsigned int)member->fpm.listen_queue);
        close_row(html);
    }
    close_group(html);
}

/* ---- How long it took ------------------------------------------------------------------------ */

static void print_bucket(mgr_html_t *html, const lb_histogram_t *times, int i, uint64_t count)
{
    const bool is_last = i == LB_HISTOGRAM_BUCKETS - 1;

    mgr_html_raw(html, is_last ? "<div><dt>over " : "<div><dt>up to ");
    mgr_quantity_duration(html, lb_histogram_bound(is_last ? i - 1 : i));
    mgr_html_raw(html, "</dt><dd>");
    mgr_chart_print_bar(html, (double)times->buckets[i], -1, (double)count);
    mgr_quantity_percent(html, (double)times->buckets[i], (double)count);
    close_row(html);
}

static void print_times(mgr_html_t *html, const char *title, const lb_histogram_t *times)
{
    const uint64_t count = count_of(times);
    int first = 0, last = LB_HISTOGRAM_BUCKETS - 1;

    if (count == 0) {
        return;
    }
    while (!times->buckets[first]) {
        first++;
    }
    while (!times->buckets[last]) {
        last--;
    }
    mgr_html_format(html, "<section class=\"times\"><h3>%s <small>mean ", title);
    mgr_quantity_duration(html, (apr_interval_time_t)(times->sum / count));
    mgr_html_raw(html, "</small></h3>\n<dl>\n");
    for (int i = first; i <= last; i++) {
        print_bucket(html, times, i, count);
    }
    close_group(html);
}

/* ---- History --------------------------------------------------------------------------------- */

static void print_change(mgr_page_t *page, const lb_state_change_t *change)
{
    mgr_html_t *html = page->html;

    mgr_html_raw(html, "<li>");
    mgr_quantity_time(html, change->at, page->now);
    mgr_html_format(html, " <span>%s \xE2\x86\x92 <b class=\"pill %s\">%s</b></span> <small>%s",
                    mgr_state_sentence_word(change->from), lb_state_word(change->to),
                    mgr_state_sentence_word(change->to), lb_cause_word(change->cause));
    if (*change->reason) {
        mgr_html_raw(html, ": ");
        mgr_html_text(html, change->reason);
    }
    mgr_html_raw(html, "</small></li>\n");
}

static void print_history(mgr_page_t *page, const lb_balancer_view_t *balancer,
                          const lb_member_view_t *member)
{
    const apr_array_header_t *history = balancer->owner->history;
    mgr_html_t *html = page->html;
    int shown = 0;

    mgr_html_raw(html, "<section><h3>Changes of state</h3>\n<ol class=\"changes\">\n");
    for (int i = 0; i < history->nelts && shown < SHOWN_CHANGES; i++) {
        const lb_state_change_t *change = &APR_ARRAY_IDX(history, i, lb_state_change_t);
        if (strcmp(change->member, member->name) == 0) {
            print_change(page, change);
            shown++;
        }
    }
    mgr_html_raw(html, shown ? "</ol></section>\n" : "<li>none so far</li></ol></section>\n");
}

/* ---- The page -------------------------------------------------------------------------------- */

/* The way back is a button: see above. */
static void print_head(mgr_page_t *page, const lb_balancer_view_t *balancer,
                       const lb_member_view_t *member)
{
    mgr_html_t *html = page->html;

    mgr_html_raw(html, "<header><h2 id=\"member-title\">");
    mgr_html_text(html, member->name);
    mgr_html_raw(html, " <small>of ");
    mgr_html_text(html, balancer->name);
    mgr_html_raw(html, " [");
    mgr_html_text(html, balancer->vhost);
    mgr_html_raw(html, "]</small></h2><form action=\"");
    mgr_html_raw(html, page->path);
    mgr_html_raw(html, "?\"><button>All balancers</button></form></header>\n<p>");
    mgr_state_sentence_print(html, member, page->now);
    mgr_html_raw(html, "</p>\n");
}

void mgr_member_page_print(mgr_page_t *page)
{
    const lb_balancer_view_t *balancer = page->visit->balancer;
    const lb_member_view_t *member = page->visit->member;
    const lb_member_detail_t *detail =
        mgr_balancer_calls_detail(page->html->r, balancer, member);
    mgr_html_t *html = page->html;

    if (!detail) {
        return;
    }
    mgr_html_raw(html,
                 "<section class=\"member\" id=\"member\" aria-labelledby=\"member-title\">\n");
    print_head(page, balancer, member);
    mgr_chart_print_member(html, balancer, member->name, detail->past);
    mgr_html_raw(html, "<div class=\"groups\">\n");
    print_now(html, member, detail);
    print_counted(page, member);
    print_outages(page, member);
    print_limits(html, member);
    print_health(html, member, detail);
    print_check(page, member, detail);
    print_share(html, member);
    print_times(html, "Connect", &member->connect_times);
    print_times(html, "First byte", &member->first_byte_times);
    print_times(html, "In the queue", &member->queue_times);
    mgr_html_raw(html, "</div>\n");
    print_history(page, balancer, member);
    mgr_html_raw(html, "</section>\n");
}
