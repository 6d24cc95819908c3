/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* confirmation.c - shows what is pending; the form that asked for it is sent again when confirmed.
 * Knows    the parameter confirm.
 * Ignores  which changes are to be confirmed (form_change.c).
 * Memory   nothing of its own.   Threads: any, no state. */
#include "confirmation.h"

#include "hidden_field.h"

static int print_parameter(void *html, const char *name, const char *value)
{
    mgr_hidden_field_print(html, name, value);
    return 1;
}

static void print_lines(mgr_html_t *html, const apr_array_header_t *lines)
{
    mgr_html_raw(html, "<ul>\n");
    for (int i = 0; i < lines->nelts; i++) {
        mgr_html_raw(html, "<li>");
        mgr_html_text(html, APR_ARRAY_IDX(lines, i, const char *));
        mgr_html_raw(html, "</li>\n");
    }
    mgr_html_raw(html, "</ul>\n");
}

static void print_text(mgr_html_t *html, const char *class, const char *text)
{
    mgr_html_format(html, "<p class=\"%s\">", class);
    mgr_html_text(html, text);
    mgr_html_raw(html, "</p>\n");
}

void mgr_confirmation_print(mgr_page_t *page)
{
    mgr_html_t *html = page->html;
    const mgr_pending_t *pending = page->visit->pending;

    mgr_html_raw(html, "<section class=\"confirm\" role=\"alertdialog\" "
                       "aria-labelledby=\"confirm-title\" aria-describedby=\"confirm-lines\">\n"
                       "<h2 id=\"confirm-title\">");
    mgr_html_text(html, pending->deed);
    if (page->visit->balancer) {
        mgr_html_raw(html, " of ");
        mgr_html_text(html, page->visit->balancer->name);
    }
    mgr_html_raw(html, "?</h2>\n<div id=\"confirm-lines\">");
    print_lines(html, pending->lines);
    print_text(html, "effect", pending->effect);
    if (pending->outcome) {
        print_text(html, pending->is_outage ? "outage" : "outcome", pending->outcome);
    }
    print_text(html, "hint", "Nothing has been changed yet.");
    mgr_html_raw(html, "</div>\n<div class=\"buttons\"><form method=\"post\" action=\"");
    mgr_html_raw(html, page->action);
    mgr_html_raw(html, "\">\n");
    apr_table_do(print_parameter, html, pending->form, NULL);
    mgr_html_raw(html, "<button class=\"danger\" name=\"confirm\" value=\"1\">");
    mgr_html_text(html, pending->deed);
    mgr_html_raw(html, "</button></form>\n<form action=\"");
    mgr_html_raw(html, page->action);
    mgr_html_raw(html, "\"><button autofocus>Cancel</button></form></div>\n</section>\n");
}
