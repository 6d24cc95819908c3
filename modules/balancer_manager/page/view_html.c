/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* view_html.c - the frame of the page: head, overview, filter, notes, and the order of its parts.
 * Knows    what scripts look for in stock's page: "Server Version: ", and see balancer_section.c.
 * Ignores  what is told of a balancer, and how a change is made.
 * Memory   r->pool.   Threads: any, no state. */
#include "view.h"

#include "apr_strings.h"
#include "asset.h"
#include "balancer_section.h"
#include "change_dialog.h"
#include "confirmation.h"
#include "edit_form.h"
#include "escape.h"
#include "fastcgi_version.h"
#include "fleet_section.h"
#include "http_core.h"
#include "http_protocol.h"
#include "legend.h"
#include "member_page.h"
#include "overview.h"
#include "quantity.h"
#include "recent_changes.h"
#include "scoreboard.h"
#include "standing.h"
#include "start_time.h"
#include "state_sentence.h"
#include "undo.h"

enum {
    SOME_MEMBERS = 20,             /* more than one sees at a glance */
    MANY_MEMBERS = 100,            /* more on one page than somebody wants to scroll through */
    MOST_MEMBERS = 500,            /* more than a browser shows at once without delay */
};

/* ---- Head ------------------------------------------------------------------------------------ */

/* Not any more when it was done. */
static bool shows_form(const mgr_visit_t *visit)
{
    return visit->balancer && !visit->pending && !visit->is_of_button
           && (visit->r->method_number != M_POST || visit->status != HTTP_OK);
}

static bool is_about_a_form(const mgr_visit_t *visit)
{
    return visit->balancer
           && (visit->status == HTTP_BAD_REQUEST || visit->status == HTTP_PRECONDITION_FAILED);
}

/* A refusal that is not about the values of a form shows no cluster. */
static bool is_about_the_cluster(const mgr_visit_t *visit)
{
    return visit->status == HTTP_OK || is_about_a_form(visit);
}

/* All balancers, or is it about one thing? */
static bool shows_all(const mgr_visit_t *visit)
{
    return is_about_the_cluster(visit) && !visit->pending && !shows_form(visit);
}

/* Only the page itself is loaded again: a form that is being filled in is not. */
static void print_refresh(mgr_page_t *page)
{
    const mgr_visit_t *visit = page->visit;

    if (page->selection.refresh_seconds > 0 && !shows_form(visit) && !visit->pending
        && visit->status == HTTP_OK) {
        mgr_html_format(page->html, "<noscript><meta http-equiv=\"refresh\" content=\"%d;url=",
                        page->selection.refresh_seconds);
        mgr_html_raw(page->html, page->action);
        mgr_html_raw(page->html, "\"></noscript>\n");
    }
}

static void print_asset_url(mgr_page_t *page, const char *name)
{
    mgr_html_raw(page->html, page->path);
    mgr_html_text(page->html, mgr_asset_query(page->html->r->pool, name));
}

/* How many problems there are, where a tab's name or a glance finds it. */
static void print_title(mgr_page_t *page)
{
    mgr_html_raw(page->html, "<title>");
    if (page->problems) {
        mgr_html_format(page->html, "(%d) ", page->problems);
    }
    mgr_html_text(page->html, ap_get_server_name(page->html->r));
    mgr_html_raw(page->html, " - Balancer Manager</title>\n");
}

static void print_problems(mgr_page_t *page)
{
    if (page->problems) {
        mgr_html_format(page->html, "<b class=\"problems\" id=\"problems\">%d problem%s</b>",
                        page->problems, page->problems == 1 ? "" : "s");
    }
    else {
        mgr_html_raw(page->html, "<b class=\"problems none\" id=\"problems\">no problems</b>");
    }
}

static void print_top(mgr_page_t *page)
{
    mgr_html_t *html = page->html;

    mgr_html_raw(html, page->is_for_browser
                           ? "<header class=\"top\"><h1>Load balancers of "
                           : "<header class=\"top\"><h1>Load Balancer Manager for ");
    mgr_html_text(html, ap_get_server_name(html->r));
    mgr_html_raw(html, "</h1>\n");
    if (is_about_the_cluster(page->visit)) {
        print_problems(page);
    }
    mgr_html_raw(html, "<div class=\"live\" id=\"live\" hidden><span role=\"status\" "
                       "id=\"live-state\"></span><button type=\"button\" id=\"pause\" "
                       "aria-pressed=\"false\">Pause</button></div>\n");
    if (shows_all(page->visit) && page->is_for_browser && page->standings->nelts > 1) {
        mgr_overview_print_bar(page);
    }
    mgr_html_raw(html, "</header>\n");
}

static void print_head(mgr_page_t *page)
{
    mgr_html_t *html = page->html;

    mgr_html_raw(html, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                       "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                       "<meta name=\"color-scheme\" content=\"light dark\">\n");
    print_title(page);
    mgr_html_raw(html, "<link rel=\"stylesheet\" href=\"");
    print_asset_url(page, "manager.css");
    mgr_html_raw(html, "\">\n<link rel=\"icon\" type=\"image/svg+xml\" href=\"");
    print_asset_url(page, "icon.svg");
    mgr_html_raw(html, "\">\n<script src=\"");
    print_asset_url(page, "manager.js");
    mgr_html_raw(html, "\" defer></script>\n");
    print_refresh(page);
    /* a button: scripts take every link of the page for a member's */
    mgr_html_raw(html, "</head>\n<body>\n<form class=\"skip\" action=\"#main\">"
                       "<button>Skip to the balancers</button></form>\n");
    print_top(page);
}

/* ---- Filter ---------------------------------------------------------------------------------- */

static void print_option(mgr_html_t *html, const char *value, const char *label,
                         const char *present)
{
    mgr_html_format(html, "<option value=\"%s\"%s>%s</option>", value,
                    strcmp(value, present) ? "" : " selected", label);
}

static void print_state_select(mgr_html_t *html, const char *present)
{
    mgr_html_raw(html, "<label>State <select name=\"state\">");
    print_option(html, "", "any", present);
    print_option(html, "attention", "not ok", present);
    print_option(html, "failed", "failed", present);
    print_option(html, "off", "off on purpose", present);
    for (lb_state_t state = 0; state < LB_STATE_COUNT; state++) {
        print_option(html, lb_state_word(state), mgr_state_sentence_word(state), present);
    }
    mgr_html_raw(html, "</select></label>\n");
}

static void print_sort_select(mgr_html_t *html, const char *present)
{
    mgr_html_raw(html, "<label>Sort by <select name=\"sort\">");
    print_option(html, "", "problems", present);
    for (const mgr_sort_key_t *k = mgr_selection_sort_keys; k->key; k++) {
        print_option(html, k->key, k->label, present);
    }
    mgr_html_raw(html, "</select></label>\n");
}

static void print_refresh_select(mgr_html_t *html, int present)
{
    const char *seconds = apr_itoa(html->r->pool, present);

    mgr_html_raw(html, "<noscript><label>Reload <select name=\"refresh\">");
    print_option(html, "0", "never", seconds);
    print_option(html, "5", "every 5 s", seconds);
    print_option(html, "10", "every 10 s", seconds);
    print_option(html, "60", "every minute", seconds);
    mgr_html_raw(html, "</select></label> <button>Apply</button></noscript>\n");
}

static void print_filter(mgr_page_t *page)
{
    mgr_html_t *html = page->html;
    const mgr_selection_t *selection = &page->selection;

    mgr_html_raw(html, "<form class=\"filter\" id=\"filter\" role=\"search\" action=\"");
    mgr_html_raw(html, page->path);
    mgr_html_raw(html, "?\"><label>Filter <input type=\"search\" name=\"filter\" "
                       "placeholder=\"name, host or route\" value=\"");
    mgr_html_text(html, selection->filter);
    mgr_html_raw(html, "\"></label>\n");
    print_state_select(html, selection->state);
    print_sort_select(html, selection->sort);
    mgr_html_raw(html, "<label>Order <select name=\"order\">");
    print_option(html, "asc", "ascending", selection->is_descending ? "desc" : "asc");
    print_option(html, "desc", "descending", selection->is_descending ? "desc" : "asc");
    mgr_html_raw(html, "</select></label>\n");
    print_refresh_select(html, selection->refresh_seconds);
    mgr_balancer_section_print_opened(page);
    mgr_html_raw(html, "<label class=\"check\"><input type=\"checkbox\" id=\"stock\"> "
                       "mod_proxy's columns</label></form>\n");
}

/* ---- Body ------------------------------------------------------------------------------------ */

static void print_notes(mgr_page_t *page)
{
    const mgr_visit_t *visit = page->visit;
    mgr_html_t *html = page->html;
    const bool is_good = visit->status == HTTP_OK;

    mgr_html_format(html, "<div id=\"notes\" role=\"%s\" aria-live=\"polite\">\n",
                    is_good ? "status" : "alert");
    if (visit->notes->nelts > 0) {
        mgr_html_format(html, "<div class=\"note%s\">\n", is_good ? "" : " refused");
        for (int i = 0; i < visit->notes->nelts; i++) {
            mgr_html_raw(html, "<p>");
            mgr_html_text(html, APR_ARRAY_IDX(visit->notes, i, const char *));
            mgr_html_raw(html, "</p>\n");
        }
        mgr_undo_print(page);
        mgr_html_raw(html, "</div>\n");
    }
    mgr_html_raw(html, "</div>\n");
}

static void print_balancers(mgr_page_t *page)
{
    const apr_array_header_t *balancers = page->visit->balancers;
    int shown = 0;

    mgr_html_raw(page->html, "<div id=\"balancers\"><h2 class=\"unseen\">Balancers</h2>\n");
    if (page->is_huge) {
        mgr_html_format(page->html, "<p class=\"hint\">More than %d members: search all balancers "
                                    "with the filter, or show the members of one.</p>\n",
                        MOST_MEMBERS);
    }
    for (int i = 0; i < balancers->nelts; i++) {
        const mgr_standing_t *standing = APR_ARRAY_IDX(page->standings, i, mgr_standing_t *);
        shown += mgr_balancer_section_print(page, standing->balancer) >= 0;
    }
    if (balancers->nelts == 0) {
        mgr_html_raw(page->html, "<p class=\"empty\">No balancer is configured: see "
                                 "&lt;Proxy balancer://name&gt;.</p>\n");
    }
    else if (shown == 0) {
        mgr_html_raw(page->html, "<p class=\"empty\">No member matches the filter.</p>\n");
    }
    mgr_html_raw(page->html, "</div>\n");
}

/* Who follows a link to edit sees the form, and of the balancers the one that it is about. */
static void print_main(mgr_page_t *page)
{
    const mgr_visit_t *visit = page->visit;

    mgr_html_raw(page->html, "<main id=\"main\" tabindex=\"-1\">\n");
    print_notes(page);
    if (visit->pending) {
        mgr_confirmation_print(page);
    }
    else if (shows_form(visit)) {
        if (visit->member) {
            mgr_member_page_print(page);
        }
        mgr_edit_form_print(page);
        mgr_balancer_section_print(page, visit->balancer);
    }
    else {
        mgr_overview_print_tiles(page);
        if (page->is_for_browser && page->standings->nelts > 1) {
            mgr_overview_print_lines(page);
        }
        print_filter(page);
        print_balancers(page);
        mgr_fleet_section_print(page);
        mgr_legend_print(page);
        mgr_recent_changes_print(page);
        mgr_change_dialog_print(page);
    }
    mgr_html_raw(page->html, "</main>\n");
}

static void print_foot(mgr_page_t *page)
{
    mgr_html_t *html = page->html;
    apr_time_exp_t now;

    apr_time_exp_lt(&now, page->now);
    mgr_html_raw(html, "<footer>\n<dl><dt>Server Version: ");
    mgr_html_text(html, ap_get_server_description());
    mgr_html_raw(html, "</dt>\n<dd>Server Built: ");
    mgr_html_text(html, ap_get_server_built());
    mgr_html_raw(html, "</dd></dl>\n<p>");
    if (ap_exists_scoreboard_image()) {
        mgr_html_raw(html, "Up for ");
        mgr_quantity_age(html, fc_start_time(html->r->server->process->pool), page->now);
        mgr_html_raw(html, ", last restart ");
        mgr_quantity_age(html, ap_scoreboard_image->global->restart_time, page->now);
        mgr_html_raw(html, " ago. ");
    }
    mgr_html_format(html, "Times are the server's (UTC%+.2g h). ", now.tm_gmtoff / 3600.0);
    mgr_html_raw(html, "For programs: <code>v1/status</code>, <code>?format=json</code>, "
                       "<code>?xml=1</code>. " FASTCGI_CLUSTER_COMPONENT "</p>\n</footer>\n"
                       "</body></html>\n");
}

/* Of a single balancer scripts, which look at one at a time, get everything. */
static void look_at_size(mgr_page_t *page)
{
    const apr_array_header_t *balancers = page->visit->balancers;
    int members = 0, selected = 0;

    if (shows_form(page->visit)) {
        return;
    }
    for (int i = 0; i < balancers->nelts; i++) {
        const lb_balancer_view_t *balancer = &APR_ARRAY_IDX(balancers, i, lb_balancer_view_t);
        members += balancer->members->nelts;
        selected += mgr_selection_count(&page->selection, balancer);
    }
    page->is_long = page->is_for_browser && members > SOME_MEMBERS;
    page->is_big = balancers->nelts > 1 && members > MANY_MEMBERS;
    page->is_huge = balancers->nelts > 1 && selected > MOST_MEMBERS;
}

int mgr_view_html_send(mgr_visit_t *visit)
{
    request_rec *r = visit->r;
    mgr_html_t html;
    mgr_page_t page = {
        .visit = visit,
        .html = &html,
        .selection = mgr_selection_read(r),
        .now = apr_time_now(),
    };

    page.is_for_browser = mgr_visit_is_for_browser(visit);
    page.selection.puts_trouble_first = page.is_for_browser;
    mgr_standing_look(&page);
    look_at_size(&page);
    page.path = page.is_for_browser
                    ? ""
                    : mgr_escape_text(r->pool, ap_escape_uri(r->pool, r->uri));
    page.action = apr_pstrcat(r->pool, page.path,
                              mgr_escape_text(r->pool, mgr_selection_query(r->pool,
                                                                           &page.selection)),
                              NULL);
    ap_set_content_type(r, "text/html; charset=utf-8");
    mgr_html_begin(&html, r);
    print_head(&page);
    if (is_about_the_cluster(visit)) {
        print_main(&page);
    }
    else {
        mgr_html_raw(&html, "<main id=\"main\" tabindex=\"-1\">\n");
        print_notes(&page);
        mgr_html_raw(&html, "</main>\n");
    }
    print_foot(&page);
    mgr_html_end(&html);
    return OK;
}
