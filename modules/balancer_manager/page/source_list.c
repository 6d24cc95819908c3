/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* source_list.c - tells what DNS says about each name, so that nobody has to ask it.
 * Knows    what somebody who is on call wants to read of a source in each state.
 * Ignores  the members themselves, which are in the table as all others.
 * Memory   nothing of its own.   Threads: any, no state. */
#include "source_list.h"

#include "quantity.h"

static void print_state(mgr_page_t *page, const lb_source_view_t *source)
{
    mgr_html_t *html = page->html;

    const char *word = lb_source_state_word(source->state);

    mgr_html_format(html, "<b class=\"pill source-%s\">DNS %s</b> ", word, word);
    mgr_html_text(html, source->name);
    if (source->state == LB_SOURCE_OK) {
        return;
    }
    if (source->error) {
        mgr_html_raw(html, ": ");
        mgr_html_text(html, source->error);
    }
    if (source->state_since) {
        mgr_html_raw(html, " since ");
        mgr_quantity_time(html, source->state_since, page->now);
    }
}

static void print_addresses(mgr_html_t *html, const lb_source_view_t *source)
{
    mgr_html_format(html, "; <b>%d</b> member%s", source->members, source->members == 1 ? "" : "s");
    if (source->dropped > 0) {
        mgr_html_format(html, " of <b>%d</b> addresses (discovermax)", source->addresses);
    }
}

static void print_times(mgr_page_t *page, const lb_source_view_t *source)
{
    mgr_html_t *html = page->html;

    if (source->answered_at) {
        mgr_html_raw(html, "; last answer ");
        mgr_quantity_duration(html, page->now - source->answered_at);
        mgr_html_format(html, " ago, TTL %u s", source->ttl);
    }
    if (source->next_at > page->now) {
        mgr_html_raw(html, "; next query in ");
        mgr_quantity_duration(html, source->next_at - page->now);
    }
}

void mgr_source_list_print(mgr_page_t *page, const lb_balancer_view_t *balancer)
{
    const apr_array_header_t *sources = balancer->sources;

    if (sources->nelts == 0) {
        return;
    }
    mgr_html_raw(page->html, "<ul class=\"sources\" aria-label=\"Members from DNS\">");
    for (int i = 0; i < sources->nelts; i++) {
        const lb_source_view_t *source = &APR_ARRAY_IDX(sources, i, lb_source_view_t);
        mgr_html_raw(page->html, "<li>");
        print_state(page, source);
        print_addresses(page->html, source);
        print_times(page, source);
        mgr_html_raw(page->html, "</li>");
    }
    mgr_html_raw(page->html, "</ul>\n");
}
