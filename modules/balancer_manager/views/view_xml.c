/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* view_xml.c - stock's ?xml=1: the same elements in the same order, since scripts parse them.
 * Knows    the names that stock gives to the numbers, and which ones stock leaves out when unset.
 * Ignores  forms.
 * Memory   r->pool.   Threads: any, no state. */
#include "view.h"

#include "apr_strings.h"
#include "escape.h"
#include "http_protocol.h"
#include "setting_value.h"

/* One element with text, indented as stock does: 6 blanks in a balancer, 10 in a worker. */
static void element(request_rec *r, int indent, const char *name, const char *text)
{
    ap_rprintf(r, "%*s<httpd:%s>%s</httpd:%s>\n", indent, "", name, mgr_escape_text(r->pool, text),
               name);
}

static void setting(request_rec *r, int indent, const char *name, const lb_values_t *values,
                    lb_setting_id_t id)
{
    element(r, indent, name, fc_setting_value_text(r->pool, &lb_settings[id], values->of[id]));
}

static void number(request_rec *r, int indent, const char *name, apr_int64_t value)
{
    element(r, indent, name, apr_psprintf(r->pool, "%" APR_INT64_T_FMT, value));
}

static void number_if_set(request_rec *r, int indent, const char *name, apr_int64_t value)
{
    if (value > 0) {
        number(r, indent, name, value);
    }
}

static const char *on_off(bool is_on)
{
    return is_on ? "On" : "Off";
}

static void member_settings(request_rec *r, const lb_member_view_t *member)
{
    element(r, 10, "name", member->name);
    element(r, 10, "scheme", member->scheme);
    element(r, 10, "hostname", member->hostname);
    setting(r, 10, "loadfactor", &member->settings, LB_SETTING_WEIGHT);
    number(r, 10, "port", member->port);
    number(r, 10, "min", member->pool_min);
    number(r, 10, "smax", member->pool_smax);
    number(r, 10, "max", member->pool_max);
    number(r, 10, "ttl", apr_time_sec(member->ttl));
    number_if_set(r, 10, "timeout", apr_time_sec(member->timeout));
    number_if_set(r, 10, "acquire", apr_time_as_msec(member->acquire));
    number_if_set(r, 10, "recv_buffer_size", (apr_int64_t)member->recv_buffer_bytes);
    number_if_set(r, 10, "io_buffer_size", (apr_int64_t)member->io_buffer_bytes);
    if (member->keepalive >= 0) {
        element(r, 10, "keepalive", on_off(member->keepalive));
    }
}

static void member_numbers(request_rec *r, const lb_member_view_t *member)
{
    char date[APR_RFC822_DATE_LEN];

    element(r, 10, "status", member->status);
    if (member->last_error_at > 0 && apr_rfc822_date(date, member->last_error_at) == APR_SUCCESS) {
        element(r, 10, "error_time", date);
    }
    number(r, 10, "retries", member->retries);
    number(r, 10, "lbstatus", member->lbstatus);
    /* stock has it twice */
    setting(r, 10, "loadfactor", &member->settings, LB_SETTING_WEIGHT);
    number(r, 10, "transferred", (apr_int64_t)member->bytes_sent);
    number(r, 10, "read", (apr_int64_t)member->bytes_read);
    number(r, 10, "elected", (apr_int64_t)member->elected);
    setting(r, 10, "route", &member->settings, LB_SETTING_ROUTE);
    setting(r, 10, "redirect", &member->settings, LB_SETTING_REDIRECT);
    number(r, 10, "busy", member->in_flight);
    setting(r, 10, "lbset", &member->settings, LB_SETTING_LBSET);
    if (member->flush_packets) {
        element(r, 10, "flushpackets", member->flush_packets);
        number_if_set(r, 10, "flushwait", member->flush_wait);
    }
    number_if_set(r, 10, "retry", apr_time_sec(member->retry));
}

static void balancer_settings(const mgr_visit_t *visit, const lb_balancer_view_t *balancer)
{
    request_rec *r = visit->r;

    element(r, 6, "name", balancer->name);
    element(r, 6, "nonce", visit->token);
    if (*balancer->sticky) {
        element(r, 6, "stickysession", balancer->sticky);
        element(r, 6, "nofailover", on_off(balancer->settings.of[LB_SETTING_NOFAILOVER].number));
    }
    setting(r, 6, "timeout", &balancer->settings, LB_SETTING_TIMEOUT);
    if (balancer->settings.of[LB_SETTING_MAX_ATTEMPTS].number >= 0) {
        setting(r, 6, "maxattempts", &balancer->settings, LB_SETTING_MAX_ATTEMPTS);
    }
    setting(r, 6, "lbmethod", &balancer->settings, LB_SETTING_LBMETHOD);
    if (*balancer->sticky) {
        element(r, 6, "scolonpathdelim", on_off(balancer->path_delimiter_is_semicolon));
    }
}

int mgr_view_xml_send(mgr_visit_t *visit)
{
    request_rec *r = visit->r;

    ap_set_content_type(r, "text/xml");
    ap_rputs("<?xml version='1.0' encoding='UTF-8' ?>\n"
             "<httpd:manager xmlns:httpd='http://httpd.apache.org'>\n"
             "  <httpd:balancers>\n",
             r);
    for (int i = 0; i < visit->balancers->nelts; i++) {
        const lb_balancer_view_t *balancer =
            &APR_ARRAY_IDX(visit->balancers, i, lb_balancer_view_t);

        ap_rputs("    <httpd:balancer>\n", r);
        balancer_settings(visit, balancer);
        ap_rputs("      <httpd:workers>\n", r);
        for (int n = 0; n < balancer->members->nelts; n++) {
            const lb_member_view_t *member = &APR_ARRAY_IDX(balancer->members, n, lb_member_view_t);
            ap_rputs("        <httpd:worker>\n", r);
            member_settings(r, member);
            member_numbers(r, member);
            ap_rputs("        </httpd:worker>\n", r);
        }
        ap_rputs("      </httpd:workers>\n"
                 "    </httpd:balancer>\n",
                 r);
    }
    ap_rputs("  </httpd:balancers>\n"
             "</httpd:manager>\n",
             r);
    return OK;
}
