/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* server_status.c - a section of mod_status's page, lines in its ?auto.
 * Knows    mod_status's optional hook: without mod_status nobody calls it.
 * Ignores  rights: who may see mod_status's page may see this.
 * Memory   r->pool.   Threads: any, no state. */
#include "server_status.h"

#include "httpd.h"
#include "apr_optional_hooks.h"
#include "balancer_calls.h"
#include "escape.h"
#include "http_config.h"
#include "http_protocol.h"
#include "mod_status.h"
#include "utf8.h"

/* ---- ?auto ----------------------------------------------------------------------------------- */

/* The keys look like those of mod_proxy for its balancers. */
static void print_lines_of_member(request_rec *r, int balancer, int index,
                                  const lb_member_view_t *m)
{
    const char *key = apr_psprintf(r->pool, "Cluster[%d]Member[%d]", balancer, index);

    ap_rprintf(r, "%sName: %s\n%sState: %s\n%sInFlight: %u\n%sQueued: %u\n", key,
               mgr_utf8_line(r->pool, m->name), key, lb_state_word(m->state), key, m->in_flight,
               key, m->queued);
    ap_rprintf(r, "%sElected: %" APR_UINT64_T_FMT "\n%sFailures: %" APR_UINT64_T_FMT "\n"
                  "%sReqPerSec: %.3f\n",
               key, m->elected, key, m->failures, key,
               m->recent.requests);
}

static void print_lines(request_rec *r, int index, const lb_balancer_view_t *b)
{
    ap_rprintf(r, "Cluster[%d]Name: %s\nCluster[%d]Queued: %u\nCluster[%d]ReqPerSec: %.3f\n",
               index, mgr_utf8_line(r->pool, b->name), index, b->queued, index,
               b->recent.requests);
    for (int i = 0; i < b->members->nelts; i++) {
        print_lines_of_member(r, index, i, &APR_ARRAY_IDX(b->members, i, lb_member_view_t));
    }
}

/* ---- The page -------------------------------------------------------------------------------- */

static void print_row(request_rec *r, const lb_member_view_t *m)
{
    ap_rprintf(r,
               "<tr><td>%s</td><td>%s</td><td>%u</td><td>%u</td><td>%" APR_UINT64_T_FMT
               "</td><td>%" APR_UINT64_T_FMT "</td><td>%.1f</td><td>%s</td></tr>\n",
               mgr_escape_text(r->pool, m->name), lb_state_word(m->state), m->in_flight, m->queued,
               m->elected, m->failures, m->recent.requests, m->last_error ? m->last_error : "");
}

static void print_table(request_rec *r, const lb_balancer_view_t *b)
{
    ap_rprintf(r, "<h2>%s (%s)</h2>\n<p>%.1f requests/s, %u in the queue</p>\n"
                  "<table border=\"0\"><tr><th>Member</th><th>State</th><th>In flight</th>"
                  "<th>Queued</th><th>Elected</th><th>Failures</th><th>Requests/s</th>"
                  "<th>Last error</th></tr>\n",
               mgr_escape_text(r->pool, b->name), mgr_escape_text(r->pool, b->vhost),
               b->recent.requests, b->queued);
    for (int i = 0; i < b->members->nelts; i++) {
        print_row(r, &APR_ARRAY_IDX(b->members, i, lb_member_view_t));
    }
    ap_rputs("</table>\n", r);
}

static int print_status(request_rec *r, int flags)
{
    const apr_array_header_t *all = mgr_balancer_calls_snapshot(r);
    const bool is_short = (flags & AP_STATUS_SHORT) != 0;

    if (all->nelts > 0 && !is_short) {
        ap_rputs("<hr />\n<h1>Balancers</h1>\n", r);
    }
    for (int i = 0; i < all->nelts; i++) {
        const lb_balancer_view_t *b = &APR_ARRAY_IDX(all, i, lb_balancer_view_t);
        if (b->inherited_from) {
            continue;    /* its owner tells */
        }
        if (is_short) {
            print_lines(r, i, b);
        }
        else {
            print_table(r, b);
        }
    }
    return OK;
}

void mgr_server_status_register(apr_pool_t *p)
{
    APR_OPTIONAL_HOOK(ap, status_hook, print_status, NULL, NULL, APR_HOOK_MIDDLE);
}
