/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* edit_form.c - forms with stock's parameter names. No tables: scripts count those of the page.
 * Knows    the parameters that form_change.c takes.
 * Ignores  what becomes of a form.
 * Memory   r->pool.   Threads: any, no state. */
#include "edit_form.h"

#include "ap_provider.h"
#include "apr_strings.h"
#include "etag.h"
#include "hidden_field.h"
#include "setting_value.h"
#include "field.h"
#include "scope_field.h"
#include "wording.h"

/* ---- Fields ---------------------------------------------------------------------------------- */

/* The hint is part of the description that a screen reader tells. */
static void text_field(mgr_html_t *html, const char *name, const char *label, const char *value,
                       const char *hint)
{
    mgr_html_format(html, "<div class=\"field\"><label for=\"%s\">%s</label><input name=\"%s\" "
                          "id=\"%s\" aria-describedby=\"%s-hint\" value=\"",
                    name, label, name, name,
                    name);
    mgr_html_text(html, value);
    mgr_html_format(html, "\"><small id=\"%s-hint\">%s</small></div>\n", name, hint);
}

static void check_field(mgr_html_t *html, const char *name, const char *label)
{
    mgr_html_format(html, "<div class=\"field\"><label class=\"check\"><input type=\"checkbox\" "
                          "name=\"%s\" value=\"1\"> %s</label></div>\n",
                    name, label);
}

/* A field for a setting. */
static void setting_field(mgr_html_t *html, const lb_values_t *values, lb_setting_id_t id,
                          const char *label, const char *hint)
{
    const lb_setting_t *setting = &lb_settings[id];
    const bool is_set = setting->type != LB_WHOLE || values->of[id].number >= 0;

    text_field(html, mgr_field_form_name(id), label,
               is_set ? fc_setting_value_text(html->r->pool, setting, values->of[id]) : "", hint);
}

static void on_off_field(mgr_html_t *html, const lb_values_t *values, lb_setting_id_t id,
                         const char *label)
{
    const char *name = mgr_field_form_name(id);
    const bool is_on = values->of[id].number;

    mgr_html_format(html, "<div class=\"field\" role=\"radiogroup\" aria-label=\"%s\">"
                          "<span>%s</span><span class=\"choice\">"
                          "<label><input type=\"radio\" name=\"%s\" value=\"1\"%s> on</label>"
                          "<label><input type=\"radio\" name=\"%s\" value=\"0\"%s> off</label>"
                          "</span></div>\n",
                    label, label, name, is_on ? " checked" : "", name,
                    is_on ? "" : " checked");
}

static void open_group(mgr_html_t *html, const char *legend)
{
    mgr_html_format(html, "<fieldset><legend>%s</legend>\n", legend);
}

static void close_group(mgr_html_t *html)
{
    mgr_html_raw(html, "</fieldset>\n");
}

/* ---- Frame ----------------------------------------------------------------------------------- */

void mgr_edit_form_print_hidden(mgr_page_t *page, const lb_balancer_view_t *balancer)
{
    mgr_hidden_field_print(page->html, "b", balancer->key);
    mgr_hidden_field_print(page->html, "vhost", balancer->vhost);
    mgr_hidden_field_print(page->html, "nonce", page->visit->token);
}

static void open_form(mgr_page_t *page, const char *kind, const char *name)
{
    mgr_html_t *html = page->html;

    mgr_html_format(html, "<form class=\"edit\" method=\"post\" aria-labelledby=\"edit-title\" "
                          "action=\"");
    mgr_html_raw(html, page->action);
    mgr_html_format(html, "\">\n<h2 id=\"edit-title\">Edit %s settings for ", kind);
    mgr_html_text(html, name);
    mgr_html_raw(html, "</h2>\n");
}

/* Back is a form of its own: what was filled in is not sent. */
static void close_form(mgr_page_t *page, const lb_balancer_view_t *balancer)
{
    mgr_html_t *html = page->html;

    mgr_edit_form_print_hidden(page, balancer);
    mgr_scope_field_print(html, balancer);
    mgr_html_raw(html, "<div class=\"buttons\"><button class=\"primary\">Apply</button>"
                       "<button form=\"back\">Back</button></div>\n</form>\n"
                       "<form id=\"back\" action=\"");
    mgr_html_raw(html, page->path);
    mgr_html_raw(html, "?\"></form>\n");
}

/* ---- Member ---------------------------------------------------------------------------------- */

static const char *range_of(apr_pool_t *p, lb_setting_id_t id)
{
    return fc_setting_value_range(p, &lb_settings[id]);
}

/* What the configuration says, where it says something else. */
static const char *with_config(apr_pool_t *p, const char *hint, const lb_member_view_t *member,
                               lb_setting_id_t id)
{
    const lb_setting_t *setting = &lb_settings[id];
    const lb_value_t config = member->config.of[id];

    return fc_setting_value_is(setting, config, member->settings.of[id])
               ? hint
               : apr_pstrcat(p, hint, "; config ", fc_setting_value_text(p, setting, config), NULL);
}

static void limits_group(mgr_html_t *html, const lb_member_view_t *member)
{
    apr_pool_t *p = html->r->pool;

    open_group(html, "Limits");
    setting_field(html, &member->settings, LB_SETTING_LIMIT, "In flight",
                  with_config(p, "requests in flight; 0: no limit; auto: by the numbers of PHP-FPM",
                              member, LB_SETTING_LIMIT));
    setting_field(html, &member->settings, LB_SETTING_QUEUE_LIMIT, "Queue",
                  with_config(p, "requests that may wait", member, LB_SETTING_QUEUE_LIMIT));
    setting_field(html, &member->settings, LB_SETTING_QUEUE_TIMEOUT, "Queue timeout",
                  "such as 2s or 500ms");
    close_group(html);
}

static void flag_fields(mgr_html_t *html, const lb_values_t *settings)
{
    static const struct {
        lb_setting_id_t id;
        const char *label;
    } flags[] = {
        { LB_SETTING_IGNORE_ERRORS, "Ignore errors" },
        { LB_SETTING_DRAINING, "Draining" },
        { LB_SETTING_DISABLED, "Disabled" },
        { LB_SETTING_STANDBY, "Hot standby" },
        { LB_SETTING_SPARE, "Hot spare" },
        { LB_SETTING_CHECK_FAILED, "Health check failed" },
        { LB_SETTING_STOPPED, "Stopped" },
    };
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        on_off_field(html, settings, flags[i].id, flags[i].label);
    }
}

static void membership_group(mgr_html_t *html, const lb_member_view_t *member)
{
    open_group(html, "Move or remove");
    if (member->origin == LB_ORIGIN_DISCOVERED) {
        mgr_html_raw(html, "<p class=\"hint\">It comes and goes with its address in DNS: ");
        mgr_html_text(html, member->source);
        mgr_html_raw(html, "</p>\n");
    }
    else {
        text_field(html, "w_newaddr", "New address", "", "host:port; empty: no change");
        check_field(html, "b_wdelete", "Remove the member after its last request");
    }
    close_group(html);
}

static void member_form(mgr_page_t *page, const lb_balancer_view_t *balancer,
                        const lb_member_view_t *member)
{
    mgr_html_t *html = page->html;
    apr_pool_t *p = html->r->pool;
    const lb_values_t *settings = &member->settings;

    open_form(page, "worker", member->name);
    open_group(html, "Share of the requests");
    setting_field(html, settings, LB_SETTING_WEIGHT, "Load factor",
                  with_config(p, range_of(p, LB_SETTING_WEIGHT), member, LB_SETTING_WEIGHT));
    setting_field(html, settings, LB_SETTING_LBSET, "LB set",
                  apr_pstrcat(p, range_of(p, LB_SETTING_LBSET), "; lower sets come first", NULL));
    setting_field(html, settings, LB_SETTING_ROUTE, "Route", "for sticky sessions");
    setting_field(html, settings, LB_SETTING_REDIRECT, "Route redirect",
                  "route that takes over its sessions");
    close_group(html);
    limits_group(html, member);
    open_group(html, "State");
    flag_fields(html, settings);
    text_field(html, mgr_field_form_name(LB_SETTING_DRAIN_DEADLINE), "Drain, and disable after", "",
               "seconds; 0: no deadline; empty: no change");
    close_group(html);
    membership_group(html, member);
    mgr_hidden_field_print(html, "w", member->url);
    mgr_hidden_field_print(html, "etag", mgr_etag_text(p, member->revision));
    close_form(page, balancer);
}

/* ---- Balancer -------------------------------------------------------------------------------- */

static void option(mgr_html_t *html, const char *name, bool is_selected)
{
    mgr_html_raw(html, "<option value=\"");
    mgr_html_text(html, name);
    mgr_html_raw(html, is_selected ? "\" selected>" : "\">");
    mgr_html_text(html, name);
    mgr_html_raw(html, "</option>");
}

/* The present method first: what it is called need not be registered any more. */
static void lbmethod_field(mgr_html_t *html, const char *present)
{
    const apr_array_header_t *methods =
        ap_list_provider_names(html->r->pool, PROXY_LBMETHOD, "0");

    mgr_html_raw(html, "<div class=\"field\"><label for=\"b_lbm\">LB method</label>"
                       "<select name=\"b_lbm\" id=\"b_lbm\">");
    option(html, present, true);
    for (int i = 0; methods && i < methods->nelts; i++) {
        const char *name = APR_ARRAY_IDX(methods, i, ap_list_provider_names_t).provider_name;
        if (strcmp(name, present) != 0) {
            option(html, name, false);
        }
    }
    mgr_html_raw(html, "</select><small>from the loaded modules</small></div>\n");
}

static void balancer_form(mgr_page_t *page, const lb_balancer_view_t *balancer)
{
    mgr_html_t *html = page->html;
    apr_pool_t *p = html->r->pool;
    const lb_values_t *settings = &balancer->settings;

    open_form(page, "balancer", balancer->name);
    open_group(html, "Election");
    lbmethod_field(html, settings->of[LB_SETTING_LBMETHOD].text);
    setting_field(html, settings, LB_SETTING_TIMEOUT, "Timeout",
                  "seconds to wait for a usable member");
    setting_field(html, settings, LB_SETTING_MAX_ATTEMPTS, "Failover attempts",
                  range_of(p, LB_SETTING_MAX_ATTEMPTS));
    close_group(html);
    open_group(html, "Sessions");
    text_field(html, mgr_field_form_name(LB_SETTING_STICKY), "Sticky session",
               mgr_wording_sticky(p, balancer), "COOKIE or COOKIE|parameter; - turns it off");
    on_off_field(html, settings, LB_SETTING_NOFAILOVER, "Disable failover");
    close_group(html);
    if (balancer->free_slots > 0) {
        open_group(html, "Add a member");
        text_field(html, "b_nwrkr", "URL", "",
                   "such as fcgi://10.0.0.9:9000; disabled until you make it ready");
        check_field(html, "b_wyes", "Add the member");
        close_group(html);
    }
    mgr_hidden_field_print(html, "etag", mgr_etag_text(p, balancer->revision));
    close_form(page, balancer);
}

void mgr_edit_form_print(mgr_page_t *page)
{
    const mgr_visit_t *visit = page->visit;

    if (!mgr_rights_have(visit->rights, MGR_EDIT)) {
        return;
    }
    if (visit->member) {
        member_form(page, visit->balancer, visit->member);
    }
    else if (visit->balancer) {
        balancer_form(page, visit->balancer);
    }
}
