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
#include "member_flag.h"
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

static void on_off_field(mgr_html_t *html, const char *name, const char *label, bool is_on)
{
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
    mgr_html_raw(html, "<div class=\"buttons\"><button class=\"primary\">Apply</button>"
                       "<button form=\"back\">Back</button></div>\n</form>\n"
                       "<form id=\"back\" action=\"");
    mgr_html_raw(html, page->path);
    mgr_html_raw(html, "?\"></form>\n");
}

/* ---- Member ---------------------------------------------------------------------------------- */

static const char *weight_hint(apr_pool_t *p, const lb_member_view_t *member)
{
    if (member->is_added || member->config_weight_hundredths == member->weight_hundredths) {
        return "1 to 100";
    }
    return apr_pstrcat(p, "1 to 100; config ",
                       mgr_wording_weight(p, member->config_weight_hundredths), NULL);
}

/* "500ms", "2s", as the field takes it. */
static const char *short_time(apr_pool_t *p, apr_interval_time_t us)
{
    return us % APR_USEC_PER_SEC
               ? apr_psprintf(p, "%" APR_TIME_T_FMT "ms", apr_time_as_msec(us))
               : apr_psprintf(p, "%" APR_TIME_T_FMT "s", apr_time_sec(us));
}

static const char *limit_hint(apr_pool_t *p, const char *hint, bool is_added, uint32_t config,
                              uint32_t present)
{
    return is_added || config == present ? hint
                                         : apr_psprintf(p, "%s; config %u", hint,
                                                        (unsigned int)config);
}

static const char *in_flight_hint(apr_pool_t *p, const lb_member_view_t *member)
{
    const char *hint = "requests in flight; 0: no limit; auto: by the numbers of PHP-FPM";

    return member->is_added || !mgr_wording_limit_is_changed(member)
               ? hint
               : apr_pstrcat(p, hint, "; config ", mgr_wording_config_limit(p, member), NULL);
}

static void limits_group(mgr_html_t *html, const lb_member_view_t *member)
{
    apr_pool_t *p = html->r->pool;

    open_group(html, "Limits");
    text_field(html, "w_limit", "In flight",
               member->limit_is_auto ? "auto" : apr_psprintf(p, "%u", (unsigned int)member->limit),
               in_flight_hint(p, member));
    text_field(html, "w_queue_limit", "Queue",
               apr_psprintf(p, "%u", (unsigned int)member->queue_limit),
               limit_hint(p, "requests that may wait", member->is_added,
                          member->config_queue_limit, member->queue_limit));
    text_field(html, "w_queue_timeout", "Queue timeout", short_time(p, member->queue_timeout),
               "such as 2s or 500ms");
    close_group(html);
}

static void member_form(mgr_page_t *page, const lb_balancer_view_t *balancer,
                        const lb_member_view_t *member)
{
    mgr_html_t *html = page->html;
    apr_pool_t *p = html->r->pool;

    open_form(page, "worker", member->name);
    open_group(html, "Share of the requests");
    text_field(html, "w_lf", "Load factor", mgr_wording_weight(p, member->weight_hundredths),
               weight_hint(p, member));
    text_field(html, "w_ls", "LB set", apr_itoa(p, member->lbset),
               "0 to 99; lower sets come first");
    text_field(html, "w_wr", "Route", member->route, "for sticky sessions");
    text_field(html, "w_rr", "Route redirect", member->redirect,
               "route that takes over its sessions");
    close_group(html);
    limits_group(html, member);
    open_group(html, "State");
    for (int i = 0; i < MGR_MEMBER_FLAG_COUNT; i++) {
        on_off_field(html, apr_psprintf(p, "w_status_%c", mgr_member_flags[i].letter),
                     mgr_member_flags[i].label,
                     (member->status_bits & mgr_member_flags[i].bit) != 0);
    }
    text_field(html, "w_drain_deadline", "Drain, and disable after", "",
               "seconds; 0: no deadline; empty: no change");
    close_group(html);
    open_group(html, "Move or remove");
    text_field(html, "w_newaddr", "New address", "",
               "host:port; empty: no change");
    check_field(html, "b_wdelete", "Remove the member after its last request");
    close_group(html);
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

    open_form(page, "balancer", balancer->name);
    open_group(html, "Election");
    lbmethod_field(html, balancer->lbmethod);
    text_field(html, "b_tmo", "Timeout",
               apr_psprintf(p, "%" APR_TIME_T_FMT, apr_time_sec(balancer->timeout)),
               "seconds to wait for a usable member");
    text_field(html, "b_max", "Failover attempts",
               balancer->max_attempts < 0 ? "" : apr_itoa(p, balancer->max_attempts), "0 to 99");
    close_group(html);
    open_group(html, "Sessions");
    text_field(html, "b_ss", "Sticky session", mgr_wording_sticky(p, balancer),
               "COOKIE or COOKIE|parameter; - turns it off");
    on_off_field(html, "b_sforce", "Disable failover", balancer->nofailover);
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
