/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* edit_form.c - forms with stock's parameter names. No tables: scripts count those of the page.
 * Knows    the parameters that action.c takes.
 * Ignores  what becomes of a form.
 * Memory   r->pool.   Threads: any, no state. */
#include "edit_form.h"

#include <string.h>

#include <ap_provider.h>
#include <apr_strings.h>
#include <http_protocol.h>

#include "csrf.h"
#include "markup.h"
#include "member_flag.h"
#include "wording.h"

static void text_field(request_rec *r, const char *name, const char *label, const char *value,
                       const char *hint)
{
    ap_rvputs(r, "<label for=\"", name, "\">", label, "</label>\n<span><input name=\"", name,
              "\" id=\"", name, "\" value=\"", mgr_markup_text(r->pool, value), "\">", NULL);
    if (*hint) {
        ap_rvputs(r, " <small>", hint, "</small>", NULL);
    }
    ap_rputs("</span>\n", r);
}

static void radio(request_rec *r, const char *name, const char *value, const char *label,
                  int is_checked)
{
    ap_rvputs(r, "<label><input type=\"radio\" name=\"", name, "\" id=\"", name, value,
              "\" value=\"", value, "\"", is_checked ? " checked" : "", "> ", label, "</label>\n",
              NULL);
}

static void on_off_field(request_rec *r, const char *name, const char *label, int is_on)
{
    ap_rvputs(r, "<span id=\"", name, "\">", label,
              "</span>\n<span role=\"radiogroup\" aria-labelledby=\"", name, "\">", NULL);
    radio(r, name, "1", "On", is_on);
    radio(r, name, "0", "Off", !is_on);
    ap_rputs("</span>\n", r);
}

static void hidden_field(request_rec *r, const char *name, const char *value)
{
    ap_rvputs(r, "<input type=\"hidden\" name=\"", name, "\" id=\"", name, "\" value=\"",
              mgr_markup_text(r->pool, value), "\">\n", NULL);
}

static void open_form(request_rec *r, const char *kind, const char *name)
{
    ap_rvputs(r, "<hr>\n<h2>Edit ", kind, " settings for ", mgr_markup_text(r->pool, name),
              "</h2>\n<form method=\"post\" action=\"",
              mgr_markup_text(r->pool, ap_escape_uri(r->pool, r->uri)), "\">\n", NULL);
}

static void close_form(request_rec *r, const lb_balancer_view_t *balancer)
{
    hidden_field(r, "b", balancer->key);
    hidden_field(r, "vhost", balancer->vhost);
    hidden_field(r, "nonce", mgr_csrf_token(r));
    ap_rputs("<span></span><span><button type=\"submit\">Apply</button></span>\n</form>\n", r);
}

static void member_form(request_rec *r, const lb_balancer_view_t *balancer,
                        const lb_member_view_t *member)
{
    open_form(r, "worker", member->name);
    text_field(r, "w_lf", "Load factor", mgr_wording_weight(r->pool, member), "1 to 100");
    text_field(r, "w_ls", "LB set", apr_itoa(r->pool, member->lbset), "0 to 99");
    text_field(r, "w_wr", "Route", member->route, "");
    text_field(r, "w_rr", "Route redirect", member->redirect, "");
    for (int i = 0; i < MGR_MEMBER_FLAG_COUNT; i++) {
        on_off_field(r, apr_psprintf(r->pool, "w_status_%c", mgr_member_flags[i].letter),
                     mgr_member_flags[i].label,
                     (member->status_bits & mgr_member_flags[i].bit) != 0);
    }
    hidden_field(r, "w", member->url);
    close_form(r, balancer);
}

static void option(request_rec *r, const char *name, int is_selected)
{
    const char *text = mgr_markup_text(r->pool, name);
    ap_rvputs(r, "<option value=\"", text, "\"", is_selected ? " selected" : "", ">", text,
              "</option>\n", NULL);
}

/* The present method first: what it is called need not be registered any more. */
static void lbmethod_field(request_rec *r, const char *present)
{
    const apr_array_header_t *methods = ap_list_provider_names(r->pool, PROXY_LBMETHOD, "0");

    ap_rputs("<label for=\"b_lbm\">LB method</label>\n<span><select name=\"b_lbm\" id=\"b_lbm\">\n",
             r);
    option(r, present, 1);
    for (int i = 0; methods && i < methods->nelts; i++) {
        const char *name = APR_ARRAY_IDX(methods, i, ap_list_provider_names_t).provider_name;
        if (strcmp(name, present)) {
            option(r, name, 0);
        }
    }
    ap_rputs("</select></span>\n", r);
}

static void balancer_form(request_rec *r, const lb_balancer_view_t *balancer)
{
    open_form(r, "balancer", balancer->name);
    lbmethod_field(r, balancer->lbmethod);
    text_field(r, "b_tmo", "Timeout",
               apr_psprintf(r->pool, "%" APR_TIME_T_FMT, apr_time_sec(balancer->timeout)),
               "seconds to wait for a usable worker");
    text_field(r, "b_max", "Failover attempts",
               balancer->max_attempts < 0 ? "" : apr_itoa(r->pool, balancer->max_attempts),
               "0 to 99");
    on_off_field(r, "b_sforce", "Disable failover", balancer->nofailover);
    text_field(r, "b_ss", "Sticky session", mgr_wording_sticky(r->pool, balancer),
               "COOKIE or COOKIE|parameter; - deletes");
    if (balancer->free_slots > 0) {
        text_field(r, "b_nwrkr", "Add new worker", "", "a URL such as fcgi://10.0.0.9:9000");
        ap_rputs("<label for=\"b_wyes\">Are you sure?</label>\n<span><input type=\"checkbox\" "
                 "name=\"b_wyes\" id=\"b_wyes\" value=\"1\"></span>\n",
                 r);
    }
    close_form(r, balancer);
}

void mgr_edit_form_print(mgr_answer_t *answer)
{
    if (answer->member) {
        member_form(answer->r, answer->balancer, answer->member);
    }
    else if (answer->balancer) {
        balancer_form(answer->r, answer->balancer);
    }
}
