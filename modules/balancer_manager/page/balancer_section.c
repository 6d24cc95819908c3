/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* balancer_section.c - what the page tells of a balancer.
 * Knows    what scripts look for in stock's page: a heading with a link, two tables for each
 *          balancer and no other, header cells of plain text, no links but to edit.
 * Ignores  what stands in a member's row, and how a change is made.
 * Memory   r->pool.   Threads: any, no state. */
#include "balancer_section.h"

#include "apr_strings.h"
#include "balancer_calls.h"
#include "chart.h"
#include "edit_form.h"
#include "escape.h"
#include "hidden_field.h"
#include "member_row.h"
#include "quantity.h"
#include "source_list.h"
#include "standing.h"
#include "state_sentence.h"
#include "tally.h"
#include "wording.h"

enum { LONG_LIST = 6 };    /* more members in order are left out where there is much to show */

static const lb_member_view_t *member_at(const lb_balancer_view_t *balancer, int i)
{
    return &APR_ARRAY_IDX(balancer->members, i, lb_member_view_t);
}

/* ---- Links ----------------------------------------------------------------------------------- */

/* Scripts find "?b=" and, behind the member, "nonce=" at the end. */
static const char *link_to_balancer(const mgr_page_t *page, const lb_balancer_view_t *balancer)
{
    const mgr_visit_t *visit = page->visit;
    apr_pool_t *p = visit->r->pool;
    const char *vhost = mgr_balancer_calls_is_key_shared(visit->balancers, balancer)
                            ? apr_pstrcat(p, "vhost=", mgr_escape_query(p, balancer->vhost), "&",
                                          NULL)
                            : "";

    return apr_pstrcat(p, page->path, "?",
                       mgr_escape_text(p, apr_pstrcat(p, vhost, "b=",
                                                      mgr_escape_query(p, balancer->key), NULL)),
                       NULL);
}

static const char *link_end(const mgr_page_t *page)
{
    apr_pool_t *p = page->visit->r->pool;
    return apr_pstrcat(p, "&amp;nonce=", mgr_escape_query(p, page->visit->token), NULL);
}

/* ---- Above the members ----------------------------------------------------------------------- */

static void print_heading(mgr_page_t *page, const lb_balancer_view_t *balancer, const char *link)
{
    mgr_html_t *html = page->html;

    mgr_html_raw(html, page->is_for_browser ? "<h3><a href=\""
                                            : "<h3>LoadBalancer Status for <a href=\"");
    mgr_html_raw(html, link);
    mgr_html_raw(html, link_end(page));
    mgr_html_raw(html, "\">");
    mgr_html_text(html, balancer->name);
    mgr_html_raw(html, "</a> [");
    mgr_html_text(html, balancer->vhost);
    mgr_html_raw(html, "]</h3>\n");
}

static void print_state_count(mgr_html_t *html, const lb_balancer_view_t *balancer,
                              lb_state_t state, bool stand_in)
{
    unsigned int count = 0;

    for (int i = 0; i < balancer->members->nelts; i++) {
        const lb_member_view_t *member = member_at(balancer, i);
        count += member->state == state
                 && mgr_state_sentence_stands_in(member) == stand_in;
    }
    if (count) {
        mgr_html_format(html, "<li><b class=\"pill %s%s\">%u %s%s</b></li>", lb_state_word(state),
                        stand_in ? " serving" : "", count, mgr_state_sentence_word(state),
                        stand_in ? ", serving" : "");
    }
}

static void print_state_counts(mgr_html_t *html, const lb_balancer_view_t *balancer)
{
    for (lb_state_t state = 0; state < LB_STATE_COUNT; state++) {
        print_state_count(html, balancer, state, false);
        print_state_count(html, balancer, state, true);
    }
}

static void print_refusals(mgr_html_t *html, const lb_balancer_view_t *balancer)
{
    int at = 0;
    uint64_t count = 0;
    const char *word;

    while ((word = mgr_tally_next(balancer->refused, &at, &count))) {
        mgr_html_raw(html, "<li><b>");
        mgr_quantity_count(html, count);
        mgr_html_format(html, "</b> refused: %s</li>", word);
    }
}

/* What there is to say of it only when somebody waits, or failed requests are sent again. */
static void print_queue(mgr_html_t *html, const lb_balancer_view_t *balancer)
{
    if (balancer->queue_stands) {
        mgr_html_raw(html, "<li><b class=\"pill standing\">standing queue</b></li>");
    }
    if (balancer->queue_oldest > 0) {
        mgr_html_raw(html, "<li>longest wait <b>");
        mgr_quantity_duration(html, balancer->queue_oldest);
        mgr_html_raw(html, "</b></li>");
    }
    if (balancer->queue_estimate > 0) {
        mgr_html_raw(html, "<li>estimated wait <b>");
        mgr_quantity_duration(html, balancer->queue_estimate);
        mgr_html_raw(html, "</b></li>");
    }
    if (balancer->not_resent > 0) {
        mgr_html_raw(html, "<li><b>");
        mgr_html_count(html, balancer->not_resent);
        mgr_html_raw(html, "</b> not retried (retry budget)</li>");
    }
}

/* Of the last minute: what failed, and what part of it were answers with 5xx. */
static void print_errors(mgr_html_t *html, const lb_recent_t *recent)
{
    const double percent = mgr_tally_error_percent(recent);

    if (percent < 0.05) {    /* it would be written as 0.0 */
        return;
    }
    mgr_html_raw(html, "<li class=\"bad\"><b>");
    mgr_html_tenths(html, (uint64_t)(10 * percent + 0.5));
    mgr_html_raw(html, " %</b> errors: <b>");
    mgr_quantity_number(html, recent->failures + recent->refused);
    mgr_html_raw(html, "</b>/s");
    if (recent->server_errors > 0) {
        mgr_html_raw(html, ", <b>");
        mgr_quantity_number(html, recent->server_errors);
        mgr_html_raw(html, "</b>/s answered with 5xx");
    }
    mgr_html_raw(html, "</li>");
}

/* One line: what an operator wants to know of a balancer that is folded up. */
static void print_facts(mgr_html_t *html, const lb_balancer_view_t *balancer,
                        const mgr_totals_t *totals)
{
    mgr_html_raw(html, "<ul class=\"facts\">");
    print_state_counts(html, balancer);
    if (balancer->is_panicking) {
        mgr_html_format(html, "<li><b class=\"pill error\">panic</b> more than %d %% fail their "
                              "checks: no more are put out</li>",
                        balancer->hcpanic);
    }
    mgr_html_raw(html, "<li><b>");
    mgr_quantity_number(html, balancer->recent.requests);
    mgr_html_raw(html, "</b> requests/s</li>");
    print_errors(html, &balancer->recent);
    mgr_html_raw(html, "<li><b>");
    mgr_quantity_count(html, totals->in_flight);
    mgr_html_raw(html, "</b> in flight</li><li><b>");
    mgr_quantity_count(html, balancer->queued);
    mgr_html_raw(html, "</b> waiting</li>");
    print_queue(html, balancer);
    if (balancer->recent.p50 >= 0) {
        mgr_html_raw(html, "<li>first byte p50 <b>");
        mgr_quantity_duration(html, balancer->recent.p50);
        mgr_html_raw(html, "</b>, p95 <b>");
        mgr_quantity_duration(html, balancer->recent.p95);
        mgr_html_raw(html, "</b>, p99 <b>");
        mgr_quantity_duration(html, balancer->recent.p99);
        mgr_html_raw(html, "</b></li>");
    }
    print_refusals(html, balancer);
    mgr_html_raw(html, balancer->is_persistent ? "<li>changes kept across restarts</li></ul>\n"
                                               : "<li>changes lost at a full restart</li></ul>\n");
}

/* The same cells in other words: scripts know stock's. */
static void print_settings_head(mgr_page_t *page)
{
    static const char *const words[][2] = {
        { "MaxMembers", "Members" },
        { "StickySession", "Session cookie" },
        { "DisableFailover", "Sessions stay with a failed member" },
        { "Timeout", "Wait for a usable member" },
        { "FailoverAttempts", "Tries with other members" },
        { "Method", "Load balancing method" },
        { "VirtualHost", "Virtual host" },
    };

    mgr_html_raw(page->html, "<thead><tr>");
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        mgr_html_format(page->html, "<th scope=\"col\">%s</th>", words[i][page->is_for_browser]);
    }
    mgr_html_raw(page->html, "</tr></thead>\n");
}

static void print_wait(mgr_page_t *page, const lb_balancer_view_t *balancer)
{
    const apr_interval_time_t timeout = balancer->settings.of[LB_SETTING_TIMEOUT].number;

    if (page->is_for_browser) {
        mgr_html_format(page->html, timeout ? "up to %d s" : "none", (int)apr_time_sec(timeout));
    }
    else {
        mgr_html_count(page->html, (uint64_t)apr_time_sec(timeout));
    }
}

static void print_settings(mgr_page_t *page, const lb_balancer_view_t *balancer)
{
    mgr_html_t *html = page->html;
    const int used = balancer->owner->members->nelts;
    const lb_value_t *set = balancer->settings.of;

    mgr_html_raw(html, "<details class=\"more\"><summary>Settings</summary>"
                       "<div class=\"scroll\" tabindex=\"0\" role=\"group\" "
                       "aria-label=\"Settings\"><table class=\"settings\"><caption>Settings of ");
    mgr_html_text(html, balancer->name);
    mgr_html_raw(html, "</caption>");
    print_settings_head(page);
    mgr_html_format(html,
                    page->is_for_browser ? "<tbody><tr><td>at most %d, now %d</td><td>"
                                         : "<tbody><tr><td>%d [%d Used]</td><td>",
                    used + balancer->free_slots, used);
    mgr_html_text(html, *balancer->sticky ? mgr_wording_sticky(html->r->pool, balancer) : "(None)");
    mgr_html_format(html, "</td><td>%s</td><td>",
                    set[LB_SETTING_NOFAILOVER].number ? "On" : "Off");
    print_wait(page, balancer);
    mgr_html_raw(html, "</td><td>");
    if (set[LB_SETTING_MAX_ATTEMPTS].number >= 0) {
        mgr_html_count(html, (uint64_t)set[LB_SETTING_MAX_ATTEMPTS].number);
    }
    mgr_html_raw(html, "</td><td>");
    mgr_html_text(html, set[LB_SETTING_LBMETHOD].text);
    mgr_html_raw(html, "</td><td>");
    mgr_html_text(html, balancer->vhost);
    mgr_html_raw(html, "</td></tr></tbody></table></div></details>\n");
}

/* ---- The members ----------------------------------------------------------------------------- */

static void print_action_bar(mgr_page_t *page, const lb_balancer_view_t *balancer)
{
    mgr_html_t *html = page->html;

    mgr_html_raw(html, "<div class=\"bar-of-actions\" role=\"group\" "
                       "aria-label=\"Selected members of ");
    mgr_html_text(html, balancer->name);
    mgr_html_format(html, "\"><label><input type=\"checkbox\" name=\"b_all\" value=\"1\"> all %d"
                          "</label> <span>or the selected members:</span>"
                          "<button name=\"action\" value=\"drain\">Drain</button>"
                          "<button name=\"action\" value=\"ready\">Ready</button>"
                          "<button name=\"action\" value=\"disable\">Disable</button></div>\n",
                    balancer->members->nelts);
}

static void open_form(mgr_page_t *page, const lb_balancer_view_t *balancer, const char *id)
{
    mgr_html_raw(page->html, "<form method=\"post\" action=\"");
    mgr_html_raw(page->html, page->action);
    mgr_html_format(page->html, "\"%s%s>", *id ? " id=" : "", id);
    mgr_edit_form_print_hidden(page, balancer);
}

/* The form to edit a member; with JavaScript, a dialog with the most wanted of its fields. */
static void print_change_form(mgr_page_t *page, const lb_balancer_view_t *balancer)
{
    mgr_html_raw(page->html, "<form action=\"");
    mgr_html_raw(page->html, page->path);
    mgr_html_format(page->html, "?\" id=change%d>", balancer->id);
    mgr_edit_form_print_hidden(page, balancer);
    mgr_html_raw(page->html, "</form>");
}

/* A form for each action, for the buttons in the rows: they name the member. */
static void print_row_forms(mgr_page_t *page, const lb_balancer_view_t *balancer)
{
    static const char *const actions[] = { "drain", "ready", "disable" };

    print_change_form(page, balancer);

    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        open_form(page, balancer,
                  apr_psprintf(page->html->r->pool, "%s%d", actions[i], balancer->id));
        mgr_hidden_field_print(page->html, "action", actions[i]);
        mgr_html_raw(page->html, "</form>");
    }
}

static void print_members(mgr_page_t *page, const lb_balancer_view_t *balancer,
                          const apr_array_header_t *members, int count,
                          const mgr_totals_t *totals, const char *link)
{
    mgr_html_t *html = page->html;
    const char *start = apr_pstrcat(html->r->pool, link, "&amp;w=", NULL);
    const char *end = link_end(page);

    mgr_html_raw(html, "<div class=\"scroll\" tabindex=\"0\" role=\"group\" "
                       "aria-label=\"Members\"><table class=\"members\"><caption>Members of ");
    mgr_html_text(html, balancer->name);
    mgr_html_raw(html, "</caption>");
    mgr_member_row_print_head(page);
    mgr_html_raw(html, "<tbody>\n");
    for (int i = 0; i < count; i++) {
        mgr_member_row_print(page, balancer,
                             APR_ARRAY_IDX(members, i, const lb_member_view_t *), totals, start,
                             end);
    }
    mgr_html_raw(html, "</tbody></table></div>\n");
}

static void print_how_many(mgr_html_t *html, int shown, int all)
{
    mgr_html_format(html, "%d", shown);
    if (shown < all) {
        mgr_html_format(html, " of %d", all);
    }
    mgr_html_raw(html, all == 1 ? " member" : " members");
}

static void print_fold(mgr_page_t *page, const lb_balancer_view_t *balancer, int shown)
{
    const bool is_open = !page->is_big || page->is_huge
                         || mgr_selection_is_partial(&page->selection)
                         || mgr_standing_of(page, balancer)->rank != MGR_IN_ORDER;

    mgr_html_raw(page->html, is_open ? "<details open" : "<details");
    if (page->is_huge) {
        mgr_html_raw(page->html, " data-key=\"");
        mgr_html_text(page->html, balancer->key);
        mgr_html_raw(page->html, "\"");
    }
    mgr_html_raw(page->html, "><summary>");
    print_how_many(page->html, shown, balancer->members->nelts);
    mgr_html_raw(page->html, "</summary>\n");
}

void mgr_balancer_section_print_opened(mgr_page_t *page)
{
    const apr_array_header_t *open = page->selection.open;

    for (int i = 0; i < open->nelts; i++) {
        mgr_hidden_field_print_kept(page->html, "open", APR_ARRAY_IDX(open, i, const char *));
    }
}

static void print_opened_but(mgr_page_t *page, const char *key)
{
    const apr_array_header_t *open = page->selection.open;

    for (int i = 0; i < open->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(open, i, const char *), key) != 0) {
            mgr_hidden_field_print_kept(page->html, "open", APR_ARRAY_IDX(open, i, const char *));
        }
    }
}

/* A form that asks for the page as it is, but for what is open. No link: see above. */
static void open_form_of_page(mgr_page_t *page, const lb_balancer_view_t *balancer,
                              const char *class)
{
    const mgr_selection_t *selection = &page->selection;
    mgr_html_t *html = page->html;

    mgr_html_format(html, "<form class=\"%s\" action=\"", class);
    mgr_html_raw(html, page->path);
    mgr_html_format(html, "?#b%d\">", balancer->id);
    mgr_hidden_field_print_kept(html, "filter", selection->filter);
    mgr_hidden_field_print_kept(html, "state", selection->state);
    mgr_hidden_field_print_kept(html, "sort", selection->sort);
    mgr_hidden_field_print_kept(html, "order", selection->is_descending ? "desc" : "");
    mgr_hidden_field_print_kept(html, "refresh",
                                apr_itoa(html->r->pool, selection->refresh_seconds));
    print_opened_but(page, balancer->key);
}

static void close_form_of_page(mgr_html_t *html, const lb_balancer_view_t *balancer)
{
    mgr_html_raw(html, "<span class=\"unseen\"> of ");
    mgr_html_text(html, balancer->name);
    mgr_html_raw(html, "</span></button></form>\n");
}

/* In the place of the members. */
static void print_opener(mgr_page_t *page, const lb_balancer_view_t *balancer, int selected)
{
    mgr_html_t *html = page->html;

    open_form_of_page(page, balancer, "opener");
    mgr_html_raw(html, "<button name=\"open\" value=\"");
    mgr_html_text(html, balancer->key);
    mgr_html_raw(html, "\"><span class=\"unseen\">Show "
                       "</span>");
    print_how_many(html, selected, balancer->members->nelts);
    close_form_of_page(html, balancer);
}

/* In the place of those that are in order, and back. */
static void print_rest(mgr_page_t *page, const lb_balancer_view_t *balancer, int left_out)
{
    mgr_html_t *html = page->html;

    open_form_of_page(page, balancer, left_out ? "opener rest" : "closer rest");
    if (left_out) {
        mgr_html_raw(html, "<button name=\"open\" value=\"");
        mgr_html_text(html, balancer->key);
        mgr_html_format(html, "\">Show %d more in order", left_out);
    }
    else {
        mgr_html_raw(html, "<button data-key=\"");
        mgr_html_text(html, balancer->key);
        mgr_html_raw(html, "\">Show only those that are not in order");
    }
    close_form_of_page(html, balancer);
}

/* Rows to be shown of a list: those in order are left out of long ones, they come last.
 * long_list   set: could any be left out? */
static int rows_of(const mgr_page_t *page, const lb_balancer_view_t *balancer,
                   const apr_array_header_t *members, bool *long_list)
{
    const mgr_selection_t *selection = &page->selection;
    int notable = 0;

    for (int i = 0; i < members->nelts; i++) {
        notable += mgr_selection_is_notable(APR_ARRAY_IDX(members, i, const lb_member_view_t *));
    }
    *long_list = page->is_long && !page->is_huge && members->nelts - notable > LONG_LIST
                 && !*selection->sort && !mgr_selection_is_partial(selection);
    return *long_list && !mgr_selection_is_open(selection, balancer) ? notable : members->nelts;
}

static void print_inside(mgr_page_t *page, const lb_balancer_view_t *balancer,
                         const mgr_totals_t *totals, const char *link)
{
    const apr_array_header_t *members =
        mgr_selection_members(page->html->r->pool, &page->selection, balancer);
    const bool may_operate = mgr_rights_have(page->visit->rights, MGR_OPERATE);
    bool long_list;
    const int rows = rows_of(page, balancer, members, &long_list);

    print_fold(page, balancer, members->nelts);
    mgr_chart_print_samples(page->html, balancer);
    print_settings(page, balancer);
    if (may_operate) {
        print_row_forms(page, balancer);
    }
    open_form(page, balancer, "");
    if (may_operate && rows > 0) {
        print_action_bar(page, balancer);
    }
    if (rows > 0 || members->nelts == 0) {
        print_members(page, balancer, members, rows, totals, link);
    }
    mgr_html_raw(page->html, "</form>");
    if (long_list) {
        print_rest(page, balancer, members->nelts - rows);
    }
    mgr_html_raw(page->html, "</details>");
}

/* An heir has nothing but settings. */
static void print_heir(mgr_page_t *page, const lb_balancer_view_t *balancer)
{
    mgr_html_t *html = page->html;

    mgr_html_raw(html, "<p class=\"hint\">It uses the members of ");
    mgr_html_text(html, balancer->name);
    mgr_html_raw(html, " of ");
    mgr_html_text(html, balancer->inherited_from);
    mgr_html_raw(html, "; its settings are separate.</p>\n");
    print_settings(page, balancer);
}

int mgr_balancer_section_print(mgr_page_t *page, const lb_balancer_view_t *balancer)
{
    mgr_html_t *html = page->html;
    const mgr_standing_t *standing = mgr_standing_of(page, balancer);
    const int selected = mgr_selection_count(&page->selection, balancer);

    if (selected == 0 && mgr_selection_is_partial(&page->selection)) {
        return -1;
    }
    const char *link = link_to_balancer(page, balancer);
    mgr_html_format(html, "<section class=\"balancer\" id=\"b%d\" aria-label=\"", balancer->id);
    mgr_html_text(html, balancer->name);
    mgr_html_raw(html, " of ");
    mgr_html_text(html, balancer->vhost);
    mgr_html_raw(html, "\">\n");
    print_heading(page, balancer, link);
    if (balancer->inherited_from) {
        print_heir(page, balancer);
        mgr_html_raw(html, "</section>\n");
        return selected;
    }
    print_facts(html, balancer, &standing->totals);
    mgr_source_list_print(page, balancer);
    if (page->is_huge && !mgr_selection_is_open(&page->selection, balancer)) {
        print_opener(page, balancer, selected);
    }
    else {
        print_inside(page, balancer, &standing->totals, link);
    }
    mgr_html_raw(html, "</section>\n");
    return selected;
}
