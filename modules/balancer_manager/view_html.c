/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* view_html.c - the page.
 * Knows    what scripts look for in stock's page: two tables for each balancer and no other, their
 *          header cells, no links but to edit, one text in a Status cell, "Server Version: ".
 * Ignores  how a change is made.
 * Memory   r->pool.   Threads: any, no state. */
#include "view.h"

#include <apr_strings.h>
#include <http_core.h>
#include <http_protocol.h>

#include "asset.h"
#include "balancers.h"
#include "edit_form.h"
#include "fastcgi_version.h"
#include "markup.h"
#include "wording.h"

static const char *escaped(request_rec *r, const char *text)
{
    return mgr_markup_text(r->pool, text);
}

static void print_head(const mgr_answer_t *answer)
{
    request_rec *r = answer->r;

    ap_rvputs(r,
              "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
              "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
              "<title>Balancer Manager</title>\n<link rel=\"stylesheet\" href=\"",
              escaped(r, mgr_asset_url(r, answer->base, "manager.css")), "\">\n</head>\n"
              "<body><h1>Load Balancer Manager for ",
              escaped(r, ap_get_server_name(r)), "</h1>\n", NULL);
}

static void print_notes(const mgr_answer_t *answer)
{
    if (answer->notes->nelts == 0) {
        return;
    }
    ap_rvputs(answer->r, "<div class=\"note", answer->status == HTTP_OK ? "" : " refused",
              "\" role=\"status\">\n", NULL);
    for (int i = 0; i < answer->notes->nelts; i++) {
        ap_rvputs(answer->r, "<p>",
                  escaped(answer->r, APR_ARRAY_IDX(answer->notes, i, const char *)), "</p>\n",
                  NULL);
    }
    ap_rputs("</div>\n", answer->r);
}

static void print_server(request_rec *r)
{
    ap_rvputs(r, "<dl><dt>Server Version: ", escaped(r, ap_get_server_description()),
              "</dt>\n<dt>Server Built: ", escaped(r, ap_get_server_built()), "</dt></dl>\n", NULL);
}

/* The start of a link to edit; scripts find "?b=" and, behind the member, "nonce=" at the end. */
static void open_link(const mgr_answer_t *answer, const lb_balancer_view_t *balancer,
                      const lb_member_view_t *member)
{
    request_rec *r = answer->r;

    ap_rvputs(r, "<a href=\"", escaped(r, ap_escape_uri(r->pool, r->uri)), "?", NULL);
    if (mgr_balancers_is_key_shared(answer->balancers, balancer)) {
        ap_rvputs(r, "vhost=", mgr_markup_query(r->pool, balancer->vhost), "&amp;", NULL);
    }
    ap_rvputs(r, "b=", mgr_markup_query(r->pool, balancer->key), NULL);
    if (member) {
        ap_rvputs(r, "&amp;w=", mgr_markup_query(r->pool, member->url), NULL);
    }
    ap_rvputs(r, "&amp;nonce=", mgr_markup_query(r->pool, answer->token), "\">", NULL);
}

static void print_balancer(const mgr_answer_t *answer, const lb_balancer_view_t *balancer)
{
    request_rec *r = answer->r;
    const int used = balancer->members->nelts;

    ap_rputs("<hr>\n<h3>LoadBalancer Status for ", r);
    open_link(answer, balancer, NULL);
    ap_rvputs(r, escaped(r, balancer->name), "</a> [", escaped(r, balancer->vhost), "]</h3>\n",
              NULL);
    ap_rputs("<div class=\"scroll\"><table><tr><th>MaxMembers</th><th>StickySession</th>"
             "<th>DisableFailover</th><th>Timeout</th><th>FailoverAttempts</th><th>Method</th>"
             "<th>VirtualHost</th></tr>\n",
             r);
    ap_rprintf(r, "<tr><td>%d [%d Used]</td><td>%s</td><td>%s</td><td>%" APR_TIME_T_FMT "</td>",
               used + balancer->free_slots, used,
               *balancer->sticky ? escaped(r, mgr_wording_sticky(r->pool, balancer)) : "(None)",
               balancer->nofailover ? "On" : "Off", apr_time_sec(balancer->timeout));
    ap_rvputs(r, "<td>",
              balancer->max_attempts < 0 ? "" : apr_itoa(r->pool, balancer->max_attempts),
              "</td><td>", escaped(r, balancer->lbmethod), "</td><td>", escaped(r, balancer->vhost),
              "</td></tr>\n</table></div>\n", NULL);
}

/* Stock's columns first, in stock's order; ours behind them. */
static void print_member(const mgr_answer_t *answer, const lb_balancer_view_t *balancer,
                         const lb_member_view_t *member)
{
    request_rec *r = answer->r;
    char sent[5], received[5];
    const char *last_error_at = mgr_wording_time(r->pool, member->last_error_at);

    ap_rputs("<tr>\n<td>", r);
    open_link(answer, balancer, member);
    ap_rvputs(r, escaped(r, member->name), "</a></td><td>", escaped(r, member->route), "</td><td>",
              escaped(r, member->redirect), "</td><td>", mgr_wording_weight(r->pool, member),
              "</td>", NULL);
    ap_rprintf(r,
               "<td>%d</td><td class=\"%s\">%s</td><td>%" APR_UINT64_T_FMT "</td><td>%u</td>"
               "<td>%d</td><td>%s</td><td>%s</td>",
               member->lbset, escaped(r, member->state), escaped(r, member->status),
               member->elected, (unsigned int)member->in_flight, member->lbstatus,
               apr_strfsize((apr_off_t)member->bytes_sent, sent),
               apr_strfsize((apr_off_t)member->bytes_read, received));
    ap_rprintf(r, "<td>%s</td><td>%" APR_UINT64_T_FMT "</td><td>%s</td><td>%s</td></tr>\n",
               escaped(r, member->state), member->failures,
               escaped(r, apr_pstrcat(r->pool, member->last_error ? member->last_error : "",
                                      last_error_at ? " " : "", last_error_at, NULL)),
               escaped(r, mgr_wording_time(r->pool, member->next_trial_at)));
}

static void print_members(const mgr_answer_t *answer, const lb_balancer_view_t *balancer)
{
    ap_rputs("<div class=\"scroll\"><table><tr><th>Worker URL</th><th>Route</th><th>RouteRedir</th>"
             "<th>Factor</th><th>Set</th><th>Status</th><th>Elected</th><th>Busy</th><th>Load</th>"
             "<th>To</th><th>From</th><th>State</th><th>Failures</th><th>Last error</th>"
             "<th>Next trial</th></tr>\n",
             answer->r);
    for (int i = 0; i < balancer->members->nelts; i++) {
        print_member(answer, balancer, &APR_ARRAY_IDX(balancer->members, i, lb_member_view_t));
    }
    ap_rputs("</table></div>\n", answer->r);
}

static void print_foot(request_rec *r)
{
    ap_rputs("<footer><hr>The same for programs: <code>v1/status</code> or "
             "<code>?format=json</code>, <code>?xml=1</code>. " FASTCGI_CLUSTER_COMPONENT
             "</footer>\n</body></html>\n",
             r);
}

/* A refusal that is not about the values of a form shows no cluster. */
static int is_about_the_cluster(const mgr_answer_t *answer)
{
    return answer->status == HTTP_OK || (answer->status == HTTP_BAD_REQUEST && answer->balancer);
}

int mgr_view_html_send(mgr_answer_t *answer)
{
    request_rec *r = answer->r;

    ap_set_content_type(r, "text/html; charset=utf-8");
    print_head(answer);
    print_notes(answer);
    if (is_about_the_cluster(answer)) {
        print_server(r);
        mgr_edit_form_print(answer); /* first: who follows a link sees it without scrolling */
        if (answer->balancers->nelts == 0) {
            ap_rputs("<p>No balancer is configured: see &lt;Proxy balancer://name&gt;.</p>\n", r);
        }
        for (int i = 0; i < answer->balancers->nelts; i++) {
            const lb_balancer_view_t *balancer =
                &APR_ARRAY_IDX(answer->balancers, i, lb_balancer_view_t);
            print_balancer(answer, balancer);
            print_members(answer, balancer);
        }
    }
    print_foot(r);
    return OK;
}
