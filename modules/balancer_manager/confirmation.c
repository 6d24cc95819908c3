/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* confirmation.c - shows what is pending; the form that asked for it is sent again when confirmed.
 * Knows    the parameter confirm.
 * Ignores  which changes are to be confirmed (action.c).
 * Memory   nothing of its own.   Threads: any, no state. */
#include "confirmation.h"

static int print_parameter(void *data, const char *name, const char *value)
{
    mgr_html_t *html = data;

    mgr_html_raw(html, "<input type=\"hidden\" name=\"");
    mgr_html_text(html, name);
    mgr_html_raw(html, "\" value=\"");
    mgr_html_text(html, value);
    mgr_html_raw(html, "\">\n");
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

void mgr_confirmation_print(mgr_page_t *page)
{
    mgr_html_t *html = page->html;
    const mgr_pending_t *pending = page->answer->pending;

    mgr_html_raw(html, "<section class=\"confirm\" role=\"alertdialog\" "
                       "aria-labelledby=\"confirm-title\" aria-describedby=\"confirm-lines\">\n"
                       "<h2 id=\"confirm-title\">Do you mean it?</h2>\n<div id=\"confirm-lines\">"
                       "<p>Nothing is changed yet. In ");
    mgr_html_text(html, page->answer->balancer->name);
    mgr_html_raw(html, " this would be done:</p>\n");
    print_lines(html, pending->lines);
    mgr_html_raw(html, "</div>\n<div class=\"buttons\"><form method=\"post\" action=\"");
    mgr_html_raw(html, page->action);
    mgr_html_raw(html, "\">\n");
    apr_table_do(print_parameter, html, pending->form, NULL);
    mgr_html_raw(html, "<button class=\"danger\" name=\"confirm\" value=\"1\">"
                       "Yes, do it</button></form>\n<form action=\"");
    mgr_html_raw(html, page->action);
    mgr_html_raw(html, "\"><button autofocus>No, go back</button></form></div>\n</section>\n");
}
