/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* member_row.c - what the page tells of a member.
 * Knows    stock's eleven columns, which scripts look for: first, in stock's order, with one text
 *          in each. They are folded away until somebody asks for them; ours tell the same, and
 *          more.
 * Ignores  how a change is made.
 * Memory   r->pool for sizes and for values that are not UTF-8.   Threads: any, no state. */
#include "member_row.h"

#include <stdlib.h>

#include "apr_hash.h"
#include "apr_strings.h"
#include "chart.h"
#include "etag.h"
#include "field.h"
#include "quantity.h"
#include "setting_value.h"
#include "state_sentence.h"
#include "tally.h"

static const struct {
    const char *title;
    const char *sort;          /* key of mgr_selection_sort_keys; NULL: not sorted by it */
    const char *hint;
} columns[] = {
    { "Worker URL", "name", "The member, as mod_proxy names it" },
    { "Route", NULL, "Sessions with this route stay here" },
    { "RouteRedir", NULL, "Route that takes over its sessions" },
    { "Factor", NULL, "Weight" },
    { "Set", NULL, "Lower sets are used first" },
    { "Status", NULL, "In mod_proxy's words" },
    { "Elected", NULL, "Requests that it was chosen for" },
    { "Busy", NULL, "Requests in flight" },
    { "Load", NULL, "Hundredths of a request that it is owed" },
    { "To", NULL, "Bytes sent to it" },
    { "From", NULL, "Bytes received from it" },
    { "State", "state", "Its state, how long it has lasted, why, and what comes next" },
    { "Share", "weight",
      "Its part of the last minute's requests / the part that its weight gives" },
    { "Requests/s", "rate", "In the last minute" },
    { "Requests", "requests", "Since the counters were reset" },
    { "Errors", "errors", "Of the last minute's requests: failed, or answered with 5xx" },
    { "In flight", "in_flight", "Requests that it works on now, of how many at most" },
    { "First byte", "first_byte", "p50 / p95 / p99 of the last minute" },
    { "Failures", "failures", "Requests that failed, by cause, and answers with 4xx and 5xx" },
    { "Checks", "check", "The last health check, and the processes of PHP-FPM" },
    { "Outages", "downtime", "How often it was out because it failed, and for how long in all" },
    { "Actions", NULL, NULL },
};

void mgr_member_row_print_head(mgr_page_t *page)
{
    mgr_html_t *html = page->html;
    const mgr_selection_t *selection = &page->selection;

    mgr_html_raw(html, "<thead><tr>");
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
        const char *sort = columns[i].sort;
        mgr_html_raw(html, "<th scope=\"col\"");
        if (sort) {
            mgr_html_format(html, " data-sort=\"%s\"", sort);
        }
        if (sort && strcmp(sort, selection->sort) == 0) {
            mgr_html_format(html, " aria-sort=\"%sending\"",
                            selection->is_descending ? "desc" : "asc");
        }
        if (columns[i].hint) {
            mgr_html_format(html, " title=\"%s\"", columns[i].hint);
        }
        mgr_html_format(html, ">%s</th>", columns[i].title);
    }
    mgr_html_raw(html, "</tr></thead>\n");
}

uint64_t mgr_member_row_weight(const lb_member_view_t *member)
{
    if (!member->is_serving) {
        return 0;
    }
    const uint64_t weight = (uint64_t)member->settings.of[LB_SETTING_WEIGHT].number;
    return weight * (uint64_t)member->share_percent / 100;
}

static void print_weight(mgr_html_t *html, int64_t hundredths)
{
    const int rest = (int)(hundredths % 100);

    mgr_html_count(html, (uint64_t)hundredths / 100);
    if (rest) {
        mgr_html_format(html, ".%02d", rest);
    }
}

static void print_count_cell(mgr_html_t *html, uint64_t count)
{
    mgr_html_raw(html, "<td>");
    mgr_html_count(html, count);
    mgr_html_raw(html, "</td>");
}

static void print_size_cell(mgr_html_t *html, uint64_t bytes)
{
    char size[5];

    mgr_html_raw(html, "<td>");
    mgr_html_raw(html, apr_strfsize((apr_off_t)bytes, size));
    mgr_html_raw(html, "</td>");
}

/* Columns 2 to 11. */
static void print_stock_cells(mgr_html_t *html, const lb_member_view_t *member)
{
    const lb_value_t *set = member->settings.of;

    mgr_html_raw(html, "<td>");
    mgr_html_text(html, set[LB_SETTING_ROUTE].text);
    mgr_html_raw(html, "</td><td>");
    mgr_html_text(html, set[LB_SETTING_REDIRECT].text);
    mgr_html_raw(html, "</td><td>");
    mgr_html_count(html, (uint64_t)set[LB_SETTING_WEIGHT].number / 100);
    const int rest = (int)(set[LB_SETTING_WEIGHT].number % 100);
    const char decimals[] = { '.', (char)('0' + rest / 10), (char)('0' + rest % 10) };
    mgr_sink_bytes(html->sink, decimals, sizeof(decimals));
    mgr_html_raw(html, "</td>");
    print_count_cell(html, (uint64_t)set[LB_SETTING_LBSET].number);
    mgr_html_raw(html, "<td>");
    mgr_html_text(html, member->status);
    mgr_html_raw(html, "</td>");
    print_count_cell(html, member->elected);
    print_count_cell(html, member->in_flight);
    mgr_html_raw(html, member->lbstatus < 0 ? "<td>-" : "<td>");
    mgr_html_count(html, (uint64_t)llabs(member->lbstatus));
    mgr_html_raw(html, "</td>");
    print_size_cell(html, member->bytes_sent);
    print_size_cell(html, member->bytes_read);
}

static void print_remark(mgr_html_t *html, const char *label, const char *value)
{
    if (value && *value) {
        mgr_html_raw(html, "<small>");
        mgr_html_raw(html, label);
        mgr_html_text(html, value);
        mgr_html_raw(html, "</small>");
    }
}

static void print_name_cell(mgr_page_t *page, const lb_member_view_t *member,
                            const char *link_start, const char *link_end)
{
    mgr_html_t *html = page->html;
    const lb_value_t *set = member->settings.of;

    mgr_html_raw(html, "<td>");
    if (mgr_rights_have(page->visit->rights, MGR_OPERATE)) {
        mgr_html_raw(html, "<input type=\"checkbox\" name=\"w\" value=\"");
        mgr_html_text(html, member->url);
        mgr_html_raw(html, "\" aria-label=\"Select ");
        mgr_html_text(html, member->name);
        mgr_html_raw(html, "\">");
    }
    mgr_html_raw(html, "<a href=\"");
    mgr_html_raw(html, link_start);
    mgr_html_query(html, member->url);
    mgr_html_raw(html, link_end);
    mgr_html_raw(html, "\">");
    mgr_html_text(html, member->name);
    mgr_html_raw(html, "</a>");
    print_remark(html, "route ", set[LB_SETTING_ROUTE].text);
    print_remark(html, "redirect ", set[LB_SETTING_REDIRECT].text);
    if (set[LB_SETTING_LBSET].number) {
        mgr_html_format(html, "<small>set %d</small>", (int)set[LB_SETTING_LBSET].number);
    }
    if (member->origin == LB_ORIGIN_ADDED) {
        mgr_html_raw(html, "<small>added at run time</small>");
    }
    else if (member->origin == LB_ORIGIN_DISCOVERED) {
        print_remark(html, "DNS: ", member->source);
    }
    else if (member->config_url && strcmp(member->config_url, member->url) != 0) {
        print_remark(html, "config: ", member->config_url);
    }
    mgr_html_raw(html, "</td>");
}

/* Of the last minute's requests, as weights are those of now; of all when there were none. */
static double share_of(const lb_member_view_t *member, const mgr_totals_t *totals)
{
    if (totals->rate > 0) {
        return member->recent.requests / totals->rate;
    }
    return totals->elected ? (double)member->elected / (double)totals->elected : 0;
}

/* The share it has of the requests, beside the one that its weight gives it. */
static void print_share_cell(mgr_html_t *html, const lb_member_view_t *member,
                             const mgr_totals_t *totals)
{
    const uint64_t weight = mgr_member_row_weight(member);
    const int64_t hundredths = member->settings.of[LB_SETTING_WEIGHT].number;
    const int64_t config = member->config.of[LB_SETTING_WEIGHT].number;
    const double share = share_of(member, totals);
    const double due = totals->weight ? (double)weight / (double)totals->weight : 0;

    mgr_html_raw(html, "<td>");
    mgr_chart_print_bar(html, share, due, 1);
    mgr_html_tenths(html, (uint64_t)(share * 1000 + 0.5));
    mgr_html_raw(html, " / ");
    mgr_quantity_percent(html, due, 1);
    if (hundredths != 100 || config != hundredths) {
        mgr_html_raw(html, "<small>weight ");
        print_weight(html, hundredths);
        if (config != hundredths) {
            mgr_html_raw(html, " (config ");
            print_weight(html, config);
            mgr_html_raw(html, ")");
        }
        mgr_html_raw(html, "</small>");
    }
    mgr_html_raw(html, "</td>");
}

static void print_request_cells(mgr_html_t *html, const lb_member_view_t *member)
{
    const double percent = mgr_tally_error_percent(&member->recent);

    mgr_html_raw(html, "<td>");
    mgr_quantity_number(html, member->recent.requests);
    mgr_html_raw(html, "</td><td>");
    mgr_quantity_count(html, member->elected);
    mgr_html_raw(html, percent >= 0.05 ? "</td><td class=\"bad\">" : "</td><td>");
    if (percent >= 0) {
        mgr_html_tenths(html, (uint64_t)(10 * percent + 0.5));
        mgr_html_raw(html, " %");
    }
    mgr_html_raw(html, "</td>");
}

static void print_of(mgr_html_t *html, uint64_t count, uint64_t limit)
{
    mgr_quantity_count(html, count);
    if (limit) {
        mgr_html_raw(html, " of ");
        mgr_quantity_count(html, limit);
    }
}

static void print_in_flight_cell(mgr_html_t *html, const lb_member_view_t *member)
{
    const int64_t limit = member->settings.of[LB_SETTING_LIMIT].number;
    const int64_t config = member->config.of[LB_SETTING_LIMIT].number;

    mgr_html_raw(html, member->limit && member->in_flight >= member->limit
                           ? "<td class=\"warn\">"
                           : "<td>");
    print_of(html, member->in_flight, member->limit);
    if (lb_member_view_limit_is_auto(member)) {
        mgr_html_raw(html, member->limit ? " (auto)" : " (auto: no limit yet)");
    }
    if (config != limit) {
        mgr_html_raw(html, " (config ");
        mgr_html_text(html, fc_setting_value_text(html->r->pool, &lb_settings[LB_SETTING_LIMIT],
                                                  member->config.of[LB_SETTING_LIMIT]));
        mgr_html_raw(html, ")");
    }
    if (member->queued) {
        mgr_html_raw(html, "<small>");
        print_of(html, member->queued,
                 (uint64_t)member->settings.of[LB_SETTING_QUEUE_LIMIT].number);
        mgr_html_raw(html, " waiting</small>");
    }
    if (member->parked) {
        mgr_html_raw(html, "<small title=\"They hold no thread of httpd\">");
        mgr_quantity_count(html, member->parked);
        mgr_html_raw(html, " parked</small>");
    }
    mgr_html_raw(html, "</td>");
}

static void print_first_byte_cell(mgr_html_t *html, const lb_recent_t *recent)
{
    const int64_t ms = 1000, second = 1000 * ms;

    mgr_html_raw(html, "<td>");
    if (recent->p50 >= ms && recent->p99 < second) {    /* nearly always: the unit once */
        mgr_html_count(html, (uint64_t)((recent->p50 + ms / 2) / ms));
        mgr_html_raw(html, " / ");
        mgr_html_count(html, (uint64_t)((recent->p95 + ms / 2) / ms));
        mgr_html_raw(html, " / ");
        mgr_quantity_duration(html, (recent->p99 + ms / 2) / ms * ms);
    }
    else if (recent->p50 >= 0) {
        mgr_quantity_duration(html, recent->p50);
        mgr_html_raw(html, " / ");
        mgr_quantity_duration(html, recent->p95);
        mgr_html_raw(html, " / ");
        mgr_quantity_duration(html, recent->p99);
    }
    mgr_html_raw(html, "</td>");
}

static void print_named_count(mgr_html_t *html, const char *name, uint64_t count)
{
    mgr_html_raw(html, "<small>");
    mgr_html_raw(html, name);
    mgr_html_raw(html, " ");
    mgr_quantity_count(html, count);
    mgr_html_raw(html, "</small>");
}

static void print_failures_cell(mgr_html_t *html, const lb_member_view_t *member, apr_time_t now)
{
    int kinds = 0, at = LB_SERVED + 1;
    uint64_t count = 0;
    const char *word;

    mgr_html_raw(html, "<td>");
    mgr_quantity_count(html, member->failures);
    while ((word = mgr_tally_next(member->ends, &at, &count))) {
        kinds++;
        print_named_count(html, word, count);
    }
    for (int class = 4; class <= 5; class ++) {
        if (member->responses[class]) {
            print_named_count(html, mgr_tally_classes[class], member->responses[class]);
        }
    }
    if (member->last_error && member->last_error_at) {
        mgr_html_raw(html, "<small>last ");
        if (kinds > 1) {
            mgr_html_text(html, member->last_error);
            mgr_html_raw(html, " ");
        }
        mgr_quantity_age(html, member->last_error_at, now);
        mgr_html_raw(html, " ago</small>");
    }
    mgr_html_raw(html, "</td>");
}

static void print_fpm_numbers(mgr_html_t *html, const lb_member_view_t *member, apr_time_t now)
{
    const lb_fpm_numbers_t *fpm = &member->fpm;
    const apr_interval_time_t age = now - member->fpm_numbers_at;

    mgr_html_raw(html, "<small>FPM");
    if (!member->fpm_is_current) {
        mgr_html_raw(html, " ");
        mgr_quantity_duration(html, age > 0 ? age : 0);
        mgr_html_raw(html, " ago");
    }
    mgr_html_format(html, ": %u of %u active</small>", (unsigned int)fpm->active,
                    (unsigned int)fpm->total);
    if (fpm->listen_queue) {
        mgr_html_format(html, "<small>FPM queue %u</small>", (unsigned int)fpm->listen_queue);
    }
    if (fpm->max_children_reached) {
        mgr_html_format(html, "<small>full %u times</small>",
                        (unsigned int)fpm->max_children_reached);
    }
}

static void print_checks_cell(mgr_html_t *html, const lb_member_view_t *member, apr_time_t now)
{
    mgr_html_raw(html, "<td>");
    if (member->is_checked && !member->checked_at) {
        mgr_html_raw(html, "<small>not checked yet</small>");
    }
    else if (member->is_checked) {
        if (member->check_busy) {
            mgr_html_raw(html, "busy<small>");
        }
        mgr_html_text(html, member->check_outcome ? member->check_outcome : "ok");
        mgr_html_raw(html, member->check_busy ? ", " : "<small>");
        mgr_quantity_duration(html, member->check_took);
        mgr_html_raw(html, ", ");
        mgr_quantity_age(html, member->checked_at, now);
        mgr_html_raw(html, " ago</small>");
    }
    if (member->fpm_numbers_at) {
        print_fpm_numbers(html, member, now);
    }
    mgr_html_raw(html, "</td>");
}

static void print_outages_cell(mgr_html_t *html, const lb_member_view_t *member)
{
    mgr_html_raw(html, "<td>");
    if (member->outages) {
        mgr_quantity_count(html, member->outages);
        mgr_html_raw(html, "<small>");
        mgr_quantity_duration(html, (apr_interval_time_t)member->downtime);
        mgr_html_raw(html, "</small>");
    }
    mgr_html_raw(html, "</td>");
}

/* The form that it belongs to says what is to be done: see balancer_section.c. */
static void print_button(mgr_html_t *html, const lb_balancer_view_t *balancer,
                         const lb_member_view_t *member, const char *action, const char *label)
{
    mgr_html_raw(html, "<button form=\"");
    mgr_html_raw(html, action);
    mgr_html_count(html, (uint64_t)balancer->id);
    mgr_html_raw(html, "\" name=\"w\" aria-label=\"");
    mgr_html_raw(html, label);
    mgr_html_raw(html, " ");
    mgr_html_text(html, member->name);
    mgr_html_raw(html, "\" value=\"");
    mgr_html_text(html, member->url);
    mgr_html_raw(html, "\">");
    mgr_html_raw(html, label);
    mgr_html_raw(html, "</button>");
}

static void print_actions_cell(mgr_page_t *page, const lb_balancer_view_t *balancer,
                               const lb_member_view_t *member)
{
    static const unsigned int off =
        PROXY_WORKER_DRAIN | PROXY_WORKER_DISABLED | PROXY_WORKER_STOPPED;

    mgr_html_raw(page->html, "<td>");
    if (mgr_rights_have(page->visit->rights, MGR_OPERATE)) {
        if (member->status_bits & off) {
            print_button(page->html, balancer, member, "ready", "Ready");
        }
        if (!(member->status_bits & (off & ~PROXY_WORKER_STOPPED))) {
            print_button(page->html, balancer, member, "drain", "Drain");
        }
        if (!(member->status_bits & PROXY_WORKER_DISABLED)) {
            print_button(page->html, balancer, member, "disable", "Disable");
        }
        print_button(page->html, balancer, member, "change", "Change");
    }
    mgr_html_raw(page->html, "</td>");
}

/* What the dialog for changes begins with: see change_dialog.h. */
static void print_values(mgr_html_t *html, const lb_member_view_t *member)
{
    static const lb_setting_id_t ids[] = { LB_SETTING_WEIGHT, LB_SETTING_LIMIT,
                                           LB_SETTING_QUEUE_LIMIT, LB_SETTING_QUEUE_TIMEOUT };

    mgr_html_raw(html, " data-etag=\"");
    mgr_html_text(html, mgr_etag_text(html->r->pool, member->revision));
    mgr_html_raw(html, "\"");
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        mgr_html_raw(html, " data-");
        mgr_html_raw(html, mgr_field_form_name(ids[i]));
        mgr_html_raw(html, "=\"");
        mgr_html_text(html, fc_setting_value_text(html->r->pool, &lb_settings[ids[i]],
                                                  member->settings.of[ids[i]]));
        mgr_html_raw(html, "\"");
    }
}

static const char *class_of(const lb_member_view_t *member)
{
    return lb_state_is_failed(member->state)     ? " class=\"failed\""
           : mgr_selection_is_off(member->state) ? " class=\"off\""
                                                 : "";
}

void mgr_member_row_print(mgr_page_t *page, const lb_balancer_view_t *balancer,
                          const lb_member_view_t *member, const mgr_totals_t *totals,
                          const char *link_start, const char *link_end)
{
    mgr_html_t *html = page->html;
    apr_ssize_t url_bytes = APR_HASH_KEY_STRING;

    mgr_html_raw(html, "<tr id=\"m");
    mgr_html_count(html, (uint64_t)balancer->id);
    mgr_html_raw(html, "-");
    mgr_html_count(html, apr_hashfunc_default(member->url, &url_bytes));
    mgr_html_raw(html, "\"");
    mgr_html_raw(html, class_of(member));
    if (page->is_for_browser && mgr_rights_have(page->visit->rights, MGR_OPERATE)) {
        print_values(html, member);
    }
    mgr_html_raw(html, ">");
    print_name_cell(page, member, link_start, link_end);
    print_stock_cells(html, member);
    mgr_html_raw(html, "<td>");
    mgr_state_sentence_print(html, member, page->now);
    mgr_html_raw(html, "</td>");
    print_share_cell(html, member, totals);
    print_request_cells(html, member);
    print_in_flight_cell(html, member);
    print_first_byte_cell(html, &member->recent);
    print_failures_cell(html, member, page->now);
    print_checks_cell(html, member, page->now);
    print_outages_cell(html, member);
    print_actions_cell(page, balancer, member);
    mgr_html_raw(html, "</tr>\n");
}
