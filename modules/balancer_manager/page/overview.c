/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* overview.c - see overview.h.
 * Knows    which numbers of a balancer tell whether it is well.
 * Ignores  its members, its settings.
 * Memory   nothing of its own.   Threads: any, no state. */
#include "overview.h"

#include "hidden_field.h"
#include "quantity.h"
#include "standing.h"
#include "tally.h"

static const mgr_standing_t *standing_at(const mgr_page_t *page, int i)
{
    return APR_ARRAY_IDX(page->standings, i, const mgr_standing_t *);
}

/* ---- Tiles ----------------------------------------------------------------------------------- */

/* Of all balancers. */
typedef struct {
    uint64_t balancers, members, ok, standing_by, failed, off, in_flight, queued;
    lb_recent_t recent;        /* its rates only */
} sum_t;

static sum_t sum_of(const mgr_page_t *page)
{
    sum_t sum = { 0 };

    for (int i = 0; i < page->standings->nelts; i++) {
        const mgr_standing_t *standing = standing_at(page, i);
        const lb_balancer_view_t *balancer = standing->balancer;
        sum.balancers += !balancer->inherited_from;
        sum.members += (uint64_t)balancer->members->nelts;
        sum.ok += (uint64_t)standing->totals.ok;
        sum.standing_by += (uint64_t)standing->totals.standing_by;
        sum.failed += (uint64_t)standing->totals.failed;
        sum.off += (uint64_t)standing->totals.off;
        sum.in_flight += standing->totals.in_flight;
        sum.queued += balancer->queued;
        sum.recent.requests += balancer->recent.requests;
        sum.recent.failures += balancer->recent.failures;
        sum.recent.refused += balancer->recent.refused;
    }
    return sum;
}

static void open_tile(mgr_html_t *html, const char *label, const char *class)
{
    mgr_html_format(html, "<div class=\"%s\"><dt>%s</dt><dd>", class, label);
}

static void close_tile(mgr_html_t *html)
{
    mgr_html_raw(html, "</dd></div>\n");
}

static void print_tile(mgr_html_t *html, const char *label, const char *class, uint64_t count)
{
    open_tile(html, label, class);
    mgr_quantity_count(html, count);
    close_tile(html);
}

/* A button that shows those members only; pressed, it shows all again. */
static void print_choice(mgr_page_t *page, const char *label, const char *class, uint64_t count,
                         const char *state)
{
    mgr_html_t *html = page->html;
    const bool is_chosen = strcmp(page->selection.state, state) == 0;

    if (count == 0 && !is_chosen) {
        print_tile(html, label, "", count);
        return;
    }
    open_tile(html, label, class);
    mgr_html_format(html, "<button form=\"tiles\" name=\"state\" value=\"%s\" "
                          "aria-pressed=\"%s\" title=\"Show only these\">",
                    is_chosen ? "" : state, is_chosen ? "true" : "false");
    mgr_quantity_count(html, count);
    mgr_html_format(html, "<span class=\"unseen\"> %s</span></button>", label);
    close_tile(html);
}

static void print_errors_tile(mgr_html_t *html, const lb_recent_t *recent)
{
    const double percent = mgr_tally_error_percent(recent);

    open_tile(html, "Errors/s", percent >= 0.05 ? "bad" : "");
    mgr_quantity_number(html, recent->failures + recent->refused);
    if (percent >= 0.05) {
        mgr_html_raw(html, " <small>");
        mgr_html_tenths(html, (uint64_t)(10 * percent + 0.5));
        mgr_html_raw(html, " %</small>");
    }
    close_tile(html);
}

/* The tiles' form, with what else is chosen. */
static void print_tiles_form(mgr_page_t *page)
{
    mgr_html_t *html = page->html;
    const mgr_selection_t *selection = &page->selection;

    mgr_html_raw(html, "<form id=\"tiles\" action=\"");
    mgr_html_raw(html, page->path);
    mgr_html_raw(html, "?\">");
    mgr_hidden_field_print_kept(html, "filter", selection->filter);
    mgr_hidden_field_print_kept(html, "sort", selection->sort);
    mgr_hidden_field_print_kept(html, "order", selection->is_descending ? "desc" : "");
    mgr_html_raw(html, "</form>\n");
}

void mgr_overview_print_tiles(mgr_page_t *page)
{
    mgr_html_t *html = page->html;
    const sum_t sum = sum_of(page);

    print_tiles_form(page);
    mgr_html_raw(html, "<dl class=\"tiles\" id=\"overview\">\n");
    print_choice(page, "Failed", "bad", sum.failed, "failed");
    print_choice(page, "Off on purpose", "idle", sum.off, "off");
    print_choice(page, "In service", "good", sum.ok, "ok");
    if (sum.standing_by) {
        print_tile(html, "Standing by", "", sum.standing_by);
    }
    print_tile(html, "Members", "", sum.members);
    print_tile(html, "Balancers", "", sum.balancers);
    open_tile(html, "Requests/s", "");
    mgr_quantity_number(html, sum.recent.requests);
    close_tile(html);
    print_errors_tile(html, &sum.recent);
    print_tile(html, "In flight", "", sum.in_flight);
    print_tile(html, "Waiting", sum.queued ? "warn" : "", sum.queued);
    mgr_html_raw(html, "</dl>\n");
}

/* ---- Lines ----------------------------------------------------------------------------------- */

static void print_link(mgr_html_t *html, const lb_balancer_view_t *balancer)
{
    mgr_html_format(html, "<a href=\"#b%d\">", balancer->id);
    mgr_html_text(html, balancer->key);
    mgr_html_raw(html, "</a>");
}

static void print_pill(mgr_html_t *html, const char *class, int count, const char *word)
{
    if (count) {
        mgr_html_format(html, " <b class=\"pill %s\">%d %s</b>", class, count, word);
    }
}

static void print_duration_cell(mgr_html_t *html, int64_t us)
{
    mgr_html_raw(html, "<td>");
    if (us >= 0) {
        mgr_quantity_duration(html, us);
    }
    mgr_html_raw(html, "</td>");
}

static void print_numbers(mgr_html_t *html, const mgr_standing_t *standing)
{
    const lb_recent_t *recent = &standing->balancer->recent;
    const double percent = mgr_tally_error_percent(recent);

    mgr_html_raw(html, "<td>");
    mgr_quantity_number(html, recent->requests);
    mgr_html_raw(html, percent >= 0.05 ? "</td><td class=\"bad\">" : "</td><td>");
    if (percent >= 0) {
        mgr_html_tenths(html, (uint64_t)(10 * percent + 0.5));
        mgr_html_raw(html, " %");
    }
    mgr_html_raw(html, "</td><td>");
    mgr_quantity_count(html, standing->totals.in_flight);
    mgr_html_raw(html, standing->balancer->queued ? "</td><td class=\"warn\">" : "</td><td>");
    mgr_quantity_count(html, standing->balancer->queued);
    mgr_html_raw(html, "</td>");
    print_duration_cell(html, recent->p95);
}

static void print_line(mgr_page_t *page, const mgr_standing_t *standing)
{
    mgr_html_t *html = page->html;
    const mgr_totals_t *totals = &standing->totals;

    mgr_html_format(html, "<tr id=\"l%d\"><th scope=\"row\">", standing->balancer->id);
    print_link(html, standing->balancer);
    mgr_html_raw(html, " <small>");
    mgr_html_text(html, standing->balancer->vhost);
    mgr_html_format(html, "</small></th><td>%d of %d", totals->ok,
                    standing->balancer->members->nelts);
    print_pill(html, "error", totals->failed, "failed");
    print_pill(html, "", totals->off, "off");
    mgr_html_raw(html, "</td>");
    print_numbers(html, standing);
    mgr_html_raw(html, "<td>");
    mgr_standing_print_trouble(page, standing);
    mgr_html_raw(html, "</td></tr>\n");
}

void mgr_overview_print_lines(mgr_page_t *page)
{
    mgr_html_t *html = page->html;

    mgr_html_raw(html, "<div class=\"scroll\" tabindex=\"0\" role=\"group\" "
                       "aria-label=\"All balancers\" id=\"lines\"><table class=\"lines\">"
                       "<caption>All balancers</caption><thead><tr><th scope=\"col\">Balancer"
                       "</th><th scope=\"col\">In service</th><th scope=\"col\">Requests/s</th>"
                       "<th scope=\"col\" title=\"Of the requests of the last minute: failed, "
                       "answered with 5xx, or without a member\">Errors</th>"
                       "<th scope=\"col\">In flight</th><th scope=\"col\">Waiting</th>"
                       "<th scope=\"col\" title=\"Time to the first byte, last minute\">p95</th>"
                       "<th scope=\"col\">What is wrong</th></tr></thead>\n<tbody>\n");
    for (int i = 0; i < page->standings->nelts; i++) {
        if (!standing_at(page, i)->balancer->inherited_from) {
            print_line(page, standing_at(page, i));
        }
    }
    mgr_html_raw(html, "</tbody></table></div>\n");
}

/* ---- The bar --------------------------------------------------------------------------------- */

void mgr_overview_print_bar(mgr_page_t *page)
{
    static const char *const classes[] = {
        [MGR_IN_ORDER] = "",
        [MGR_HAS_TROUBLE] = "warn",
        [MGR_HAS_FAILED] = "bad",
        [MGR_IS_DOWN] = "bad down",
    };
    mgr_html_t *html = page->html;

    mgr_html_raw(html, "<nav class=\"jumps\" id=\"jumps\" aria-label=\"Balancers\"><ul>");
    for (int i = 0; i < page->standings->nelts; i++) {
        const mgr_standing_t *standing = standing_at(page, i);
        mgr_html_format(html, "<li class=\"%s\">", classes[standing->rank]);
        print_link(html, standing->balancer);
        if (standing->totals.failed) {
            mgr_html_format(html, " <b>%d<span class=\"unseen\"> failed</span></b>",
                            standing->totals.failed);
        }
        mgr_html_raw(html, "</li>");
    }
    mgr_html_raw(html, "</ul></nav>\n");
}
