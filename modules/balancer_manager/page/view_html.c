/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* view_html.c - the frame of the page: head, overview, filter, notes, and the order of its parts.
 * Knows    what scripts look for in stock's page: "Server Version: ", and see balancer_section.c.
 * Ignores  what is told of a balancer, and how a change is made.
 * Memory   r->pool.   Threads: any, no state. */
#include "view.h"

#include "apr_strings.h"
#include "asset.h"
#include "balancer_section.h"
#include "confirmation.h"
#include "edit_form.h"
#include "escape.h"
#include "fastcgi_version.h"
#include "http_core.h"
#include "http_protocol.h"
#include "member_page.h"
#include "page.h"
#include "quantity.h"
#include "recent_changes.h"
#include "state_sentence.h"

enum {
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

static void print_head(mgr_page_t *page)
{
    mgr_html_t *html = page->html;

    mgr_html_raw(html, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                       "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                       "<meta name=\"color-scheme\" content=\"light dark\">\n"
                       "<title>Balancer Manager</title>\n<link rel=\"stylesheet\" href=\"");
    print_asset_url(page, "manager.css");
    mgr_html_raw(html, "\">\n<link rel=\"icon\" type=\"image/svg+xml\" href=\"");
    print_asset_url(page, "icon.svg");
    mgr_html_raw(html, "\">\n<script src=\"");
    print_asset_url(page, "manager.js");
    mgr_html_raw(html, "\" defer></script>\n");
    print_refresh(page);
    /* a button: scripts take every link of the page for a member's */
    mgr_html_raw(html, "</head>\n<body>\n<form class=\"skip\" action=\"#main\">"
                       "<button>Skip to the balancers</button></form>\n"
                       "<header class=\"top\"><h1>Load Balancer Manager for ");
    mgr_html_text(html, ap_get_server_name(html->r));
    mgr_html_raw(html, "</h1>\n<div class=\"live\" id=\"live\" hidden><span role=\"status\" "
                       "id=\"live-state\"></span><button type=\"button\" id=\"pause\" "
                       "aria-pressed=\"false\">Pause</button></div></header>\n");
}

/* ---- Overview -------------------------------------------------------------------------------- */

static void open_tile(mgr_html_t *html, const char *label, const char *class)
{
    mgr_html_format(html, "<div class=\"%s\"><dt>%s</dt><dd>", class, label);
}

static void close_tile(mgr_html_t *html)
{
    mgr_html_raw(html, "</dd></div>\n");
}

static void print_rate_tile(mgr_html_t *html, const char *label, const char *class, double rate)
{
    open_tile(html, label, class);
    mgr_quantity_number(html, rate);
    close_tile(html);
}

static void print_count_tile(mgr_html_t *html, const char *label, const char *class,
                             uint64_t count)
{
    open_tile(html, label, class);
    mgr_html_count(html, count);
    close_tile(html);
}

static void print_overview(mgr_page_t *page)
{
    const apr_array_header_t *balancers = page->visit->balancers;
    mgr_html_t *html = page->html;
    uint64_t owners = 0, members = 0, ok = 0, standing_by = 0, in_flight = 0, queued = 0;
    double requests = 0, failures = 0;

    for (int i = 0; i < balancers->nelts; i++) {
        const lb_balancer_view_t *balancer = &APR_ARRAY_IDX(balancers, i, lb_balancer_view_t);
        const mgr_totals_t totals = mgr_balancer_section_totals(balancer);
        owners += !balancer->inherited_from;
        members += (uint64_t)balancer->members->nelts;
        ok += (uint64_t)totals.ok;
        standing_by += (uint64_t)totals.standing_by;
        in_flight += totals.in_flight;
        queued += balancer->queued;
        requests += balancer->recent.requests;
        failures += balancer->recent.failures;
    }
    mgr_html_raw(html, "<dl class=\"tiles\" id=\"overview\">\n");
    print_count_tile(html, "Balancers", "", owners);
    print_count_tile(html, "Members", "", members);
    print_count_tile(html, "In service", "good", ok);
    if (standing_by) {
        print_count_tile(html, "Standing by", "", standing_by);
    }
    print_count_tile(html, "Not in service", members > ok + standing_by ? "warn" : "",
                     members - ok - standing_by);
    print_rate_tile(html, "Requests/s", "", requests);
    print_rate_tile(html, "Failed/s", failures > 0 ? "bad" : "", failures);
    print_count_tile(html, "In flight", "", in_flight);
    print_count_tile(html, "Waiting", queued ? "warn" : "", queued);
    mgr_html_raw(html, "</dl>\n");
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
    for (lb_state_t state = 0; state < LB_STATE_COUNT; state++) {
        print_option(html, lb_state_word(state), mgr_state_sentence_word(state), present);
    }
    mgr_html_raw(html, "</select></label>\n");
}

static void print_sort_select(mgr_html_t *html, const char *present)
{
    mgr_html_raw(html, "<label>Sort by <select name=\"sort\">");
    print_option(html, "", "configuration", present);
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
        shown += mgr_balancer_section_print(page, &APR_ARRAY_IDX(balancers, i, lb_balancer_view_t))
                 >= 0;
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
        print_overview(page);
        print_filter(page);
        print_balancers(page);
        mgr_recent_changes_print(page);
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
    mgr_html_format(html, "</dd></dl>\n<p>Times are the server's (UTC%+.2g h). ",
                    now.tm_gmtoff / 3600.0);
    mgr_html_raw(html, "For programs: <code>v1/status</code>, <code>?format=json</code>, "
                       "<code>?xml=1</code>. " FASTCGI_CLUSTER_COMPONENT "</p>\n</footer>\n"
                       "</body></html>\n");
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

/* Of a single balancer, which scripts look at, everything is shown. */
static void look_at_size(mgr_page_t *page)
{
    const apr_array_header_t *balancers = page->visit->balancers;
    int members = 0, selected = 0;

    if (balancers->nelts < 2 || shows_form(page->visit)) {
        return;
    }
    for (int i = 0; i < balancers->nelts; i++) {
        const lb_balancer_view_t *balancer = &APR_ARRAY_IDX(balancers, i, lb_balancer_view_t);
        members += balancer->members->nelts;
        selected += mgr_selection_count(&page->selection, balancer);
    }
    page->is_big = members > MANY_MEMBERS;
    page->is_huge = selected > MOST_MEMBERS;
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

    look_at_size(&page);
    page.path = mgr_visit_is_for_browser(visit)
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
