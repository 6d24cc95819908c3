/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* hidden_field.c - see hidden_field.h. */
#include "hidden_field.h"

void mgr_hidden_field_print(mgr_html_t *html, const char *name, const char *value)
{
    mgr_html_raw(html, "<input type=\"hidden\" name=\"");
    mgr_html_text(html, name);
    mgr_html_raw(html, "\" value=\"");
    mgr_html_text(html, value);
    mgr_html_raw(html, "\">\n");
}

void mgr_hidden_field_print_kept(mgr_html_t *html, const char *name, const char *value)
{
    if (*value) {
        mgr_hidden_field_print(html, name, value);
    }
}
