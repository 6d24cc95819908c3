/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* change_dialog.c - see change_dialog.h.
 * Knows    that assets/manager.js opens it for a row, with the values that stand there
 *          (member_row.c); without JavaScript the row's button leads to the form to edit.
 * Ignores  what becomes of the form.
 * Memory   r->pool.   Threads: any, no state. */
#include "change_dialog.h"

#include "balancer_calls.h"
#include "field.h"
#include "scope_field.h"
#include "setting_value.h"

static void field(mgr_html_t *html, lb_setting_id_t id, const char *label, const char *hint)
{
    const char *name = mgr_field_form_name(id);

    mgr_html_format(html, "<div class=\"field\"><label for=\"change-%s\">%s</label>"
                          "<input id=\"change-%s\" name=\"%s\" aria-describedby=\"change-%s-hint\">"
                          "<small id=\"change-%s-hint\">%s</small></div>\n",
                    name, label, name, name, name, name, hint);
}

static void print_fields(mgr_page_t *page)
{
    mgr_html_t *html = page->html;

    field(html, LB_SETTING_DRAIN_DEADLINE, "Drain, and disable after",
          "seconds; 0: no deadline; empty: do not drain");
    if (mgr_rights_have(page->visit->rights, MGR_EDIT)) {
        field(html, LB_SETTING_WEIGHT, "Weight",
              fc_setting_value_range(html->r->pool, &lb_settings[LB_SETTING_WEIGHT]));
        field(html, LB_SETTING_LIMIT, "In flight at most",
              "requests; 0: no limit; auto: by the numbers of PHP-FPM");
        field(html, LB_SETTING_QUEUE_LIMIT, "Waiting at most", "requests");
        field(html, LB_SETTING_QUEUE_TIMEOUT, "Waiting for", "such as 2s or 500ms");
    }
}

/* The script shows it for members of balancers whose changes go to other fronts. */
static void print_scope(mgr_page_t *page)
{
    const apr_array_header_t *balancers = page->visit->balancers;

    for (int i = 0; i < balancers->nelts; i++) {
        const lb_balancer_view_t *balancer = &APR_ARRAY_IDX(balancers, i, lb_balancer_view_t);
        if (mgr_balancer_calls_travels(balancer->key, balancer->vhost)) {
            mgr_scope_field_print(page->html, balancer);
            return;
        }
    }
}

void mgr_change_dialog_print(mgr_page_t *page)
{
    mgr_html_t *html = page->html;

    if (!page->is_for_browser || !mgr_rights_have(page->visit->rights, MGR_OPERATE)) {
        return;
    }
    mgr_html_raw(html, "<dialog id=\"change\" aria-labelledby=\"change-title\">"
                       "<form method=\"post\" action=\"");
    mgr_html_raw(html, page->action);
    mgr_html_raw(html, "\">\n<h2 id=\"change-title\">Change <span></span></h2>\n");
    print_fields(page);
    print_scope(page);
    mgr_html_raw(html, "<div class=\"buttons\"><button class=\"primary\">Apply</button>"
                       "<button type=\"button\" id=\"change-cancel\">Cancel</button>"
                       "<button type=\"button\" id=\"change-more\">All settings</button></div>\n"
                       "</form></dialog>\n");
}
