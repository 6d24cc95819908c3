/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* recent_changes.c - shows the audit. A list, no table: scripts count those of the page.
 * Knows    which parts of an entry may be missing.
 * Ignores  how entries are kept (audit.c).
 * Memory   r->pool.   Threads: any, no state. */
#include "recent_changes.h"

#include <string.h>

#include "audit.h"
#include "quantity.h"

enum {
    SHOWN = 20,
    OPEN = 5
};

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
    if (strcmp(entry->scope, "front") == 0) {
        mgr_html_raw(html, " (this front only)");
    }
}

static void print_entry(mgr_page_t *page, const mgr_audit_entry_t *entry)
{
    mgr_html_t *html = page->html;

    mgr_html_raw(html, "<li>");
    mgr_quantity_time(html, entry->at, page->now);
    mgr_html_raw(html, " <span>");
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
    if (*entry->address) {
        mgr_html_raw(html, " from ");
        mgr_html_text(html, entry->address);
    }
    mgr_html_raw(html, "</small></li>\n");
}

static void print_list(mgr_page_t *page, const apr_array_header_t *entries, int begin, int end)
{
    mgr_html_raw(page->html, "<ol class=\"changes\">\n");
    for (int i = begin; i < end && i < entries->nelts; i++) {
        print_entry(page, &APR_ARRAY_IDX(entries, i, mgr_audit_entry_t));
    }
    mgr_html_raw(page->html, "</ol>\n");
}

void mgr_recent_changes_print(mgr_page_t *page)
{
    mgr_html_t *html = page->html;
    const apr_array_header_t *entries = mgr_audit_recent(html->r->pool);

    mgr_html_raw(html, "<section id=\"changes\" aria-labelledby=\"changes-title\">"
                       "<h2 id=\"changes-title\">Recent changes</h2>\n");
    if (entries->nelts == 0) {
        mgr_html_raw(html, "<p class=\"empty\">Nothing has been changed since httpd started."
                           "</p>\n");
    }
    else {
        print_list(page, entries, 0, OPEN);
    }
    if (entries->nelts > OPEN) {
        mgr_html_raw(html, "<details id=\"more-changes\"><summary>Earlier</summary>\n");
        print_list(page, entries, OPEN, SHOWN);
        mgr_html_raw(html, "</details>\n");
    }
    mgr_html_raw(html, "</section>\n");
}
