/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* balancer_alone.h - a balancer without httpd: what the code that chooses, judges and takes back
 * members asks of httpd and of files that need it, as little as a test of it takes.
 * Needs    a test that includes shared_table.h first; it sets up `alone`.
 * Memory   static.   Threads: one. */
#ifndef BALANCER_ALONE_H
#define BALANCER_ALONE_H

#include "apr_strings.h"
#include "ap_provider.h"
#include "accounting.h"
#include "check_params.h"
#include "checks.h"
#include "clock.h"
#include "cluster.h"
#include "contract.h"
#include "dispatch.h"
#include "drain.h"
#include "health.h"
#include "member_config.h"
#include "member_counters.h"
#include "member_params.h"
#include "action_run.h"
#include "lbmethod.h"
#include "session.h"
#include "snapshot.h"
#include "other_method.h"
#include "state_keeper.h"
#include "blame.h"
#include "waiting.h"

#define ALONE_MEMBERS_MAX 3

static struct {
    lb_cluster_t cluster;
    lb_ledger_t ledger;
    lb_balancer_settings_t settings;
    proxy_balancer balancer;
    proxy_balancer_shared balancer_shared;
    apr_array_header_t members;
    proxy_worker *member_list[ALONE_MEMBERS_MAX];
    proxy_worker workers[ALONE_MEMBERS_MAX];
    proxy_worker_shared shared[ALONE_MEMBERS_MAX];
    lb_member_params_t params;
    void *request_config[1];         /* by index of module */
} alone;

/* ---- Files that need httpd ------------------------------------------------------------------- */

lb_cluster_t *lb_cluster_of(const proxy_balancer *balancer) { return &alone.cluster; }
apr_array_header_t *lb_cluster_all(void) { return NULL; }
proxy_worker *lb_cluster_member(const proxy_balancer *balancer, int i)
{
    return alone.member_list[i];
}
uint32_t lb_cluster_index(const proxy_balancer *balancer, const proxy_worker *member)
{
    return (uint32_t)(member - alone.workers);
}
uint32_t lb_cluster_balancer_index(const proxy_balancer *balancer) { return 0; }
lb_member_row_t *lb_cluster_row(const proxy_balancer *balancer, const proxy_worker *member)
{
    return lb_table_member(alone.ledger.table, lb_cluster_index(balancer, member));
}
bool lb_cluster_admits(const proxy_balancer *balancer, const proxy_worker *member) { return true; }
bool lb_cluster_lists(const proxy_balancer *balancer, const proxy_worker *member) { return true; }
bool lb_cluster_sync(proxy_balancer *balancer, server_rec *s) { return false; }

const lb_member_params_t *lb_member_config_params(const proxy_worker *member)
{
    return &alone.params;
}
bool lb_check_params_is_fastcgi(const proxy_worker *worker) { return true; }
int lb_member_config_has_checks(const proxy_worker *member) { return 0; }
bool lb_state_keeper_keeps(const lb_cluster_t *cluster) { return true; }
void lb_state_keeper_note_change(void) {}
void lb_drain_end_due(const proxy_balancer *b, server_rec *s) {}

void lb_accounting_add_try(const lb_ticket_t *ticket, lb_outcome_t outcome,
                           const lb_measures_t *measures) {}
void lb_accounting_add_wait(lb_ticket_t *ticket) {}
void lb_accounting_add_refusal(const lb_ticket_t *ticket, lb_outcome_t outcome) {}
void lb_accounting_add_other_scheme(const lb_ticket_t *ticket, lb_outcome_t outcome,
                                    int http_status) {}
lb_member_room_t *lb_member_counters_of_slot(const lb_cluster_t *cluster, int slot)
{
    return lb_table_member_room(alone.ledger.table, (uint32_t)slot);
}

lb_session_t lb_session_of(const lb_ticket_t *ticket) { return (lb_session_t){ 0 }; }
proxy_worker *lb_session_member(const lb_ticket_t *ticket, lb_session_t *session) { return NULL; }
bool lb_session_is_bound(const lb_ticket_t *ticket) { return false; }
bool lb_session_is_at(const lb_session_t *session, const proxy_worker *member) { return false; }
bool lb_session_is_on(const proxy_balancer *balancer) { return false; }
const char *lb_session_wording(const lb_ticket_t *ticket, const lb_session_t *session)
{
    return "";
}
void lb_session_tell(const lb_ticket_t *ticket, const lb_session_t *session) {}

/* Nobody may wait. */
lb_outcome_t lb_waiting_begin(lb_ticket_t *ticket, proxy_worker *only) { return LB_QUEUE_FULL; }
bool lb_waiting_look(lb_ticket_t *ticket, lb_outcome_t *outcome, proxy_worker **member)
{
    ck_abort_msg("nobody waits");
}
apr_interval_time_t lb_waiting_patience(const lb_ticket_t *ticket) { return 0; }
void lb_waiting_leave(lb_ticket_t *ticket) {}

/* What the contract offers besides. */
int lb_checks_how_many(void) { return 0; }
const lb_check_t *lb_checks_begin_next(apr_interval_time_t *wait) { return NULL; }
void lb_checks_end(const lb_check_t *check, const lb_check_result_t *result, apr_pool_t *p) {}
const proxy_worker *lb_cluster_configured(const proxy_worker *member) { return member; }
apr_array_header_t *lb_snapshot_take(apr_pool_t *p, server_rec *any) { return NULL; }
void lb_snapshot_take_each(apr_pool_t *p, server_rec *any,
                           void (*take)(void *data, const lb_balancer_view_t *balancer),
                           void *data) {}
lb_result_t *lb_action_run_apply(apr_pool_t *p, server_rec *any, const apr_array_header_t *actions)
{
    return NULL;
}
apr_array_header_t *lb_action_run_check(apr_pool_t *p, server_rec *any,
                                     const apr_array_header_t *actions)
{
    return NULL;
}

proxy_worker *lb_other_method_elect(const proxy_balancer *balancer, proxy_worker *const *members,
                                size_t count, request_rec *r)
{
    return members[0];
}

/* ---- httpd ----------------------------------------------------------------------------------- */

module balancer_byrequests_module;

void *ap_malloc(size_t bytes) { return malloc(bytes); }
apr_status_t ap_register_provider(apr_pool_t *p, const char *group, const char *name,
                                  const char *version, const void *provider)
{
    /* mod_proxy's own pointer is no const */
    alone.balancer.lbmethod = (proxy_balancer_method *)(uintptr_t)provider;
    return APR_SUCCESS;
}
module *ap_find_linked_module(const char *name) { return &balancer_byrequests_module; }
int ap_state_query(int query) { return 0; }
int ap_cstr_casecmp(const char *a, const char *b) { return strcasecmp(a, b); }
int ap_cstr_casecmpn(const char *a, const char *b, apr_size_t n) { return strncasecmp(a, b, n); }
apr_socket_t *ap_get_conn_socket(conn_rec *c) { return NULL; }
void ap_log_error_(const char *file, int line, int module_index, int level, apr_status_t status,
                   const server_rec *s, const char *format, ...) {}
void ap_log_rerror_(const char *file, int line, int module_index, int level, apr_status_t status,
                    const request_rec *r, const char *format, ...) {}
char *ap_proxy_canon_netloc(apr_pool_t *p, char **const urlp, char **userp, char **passwordp,
                            char **hostp, apr_port_t *port)
{
    return NULL;
}
proxy_balancer *ap_proxy_get_balancer(apr_pool_t *p, proxy_server_conf *conf, const char *url,
                                      int careactive)
{
    return &alone.balancer;
}
int proxy_run_canon_handler(request_rec *r, char *url) { return OK; }

/* ---- Setting it up --------------------------------------------------------------------------- */

static void alone_begin(apr_pool_t *p)
{
    lb_lbmethod_register(p);
    lb_contract_register();
    alone.ledger.table = shared_table((lb_table_size_t){ 1, ALONE_MEMBERS_MAX, 2, 4 });
    ck_assert(lb_ledger_join(&alone.ledger, (int32_t)getpid()));
    alone.cluster = (lb_cluster_t){ .balancer = &alone.balancer, .settings = &alone.settings,
                                    .ledger = &alone.ledger,
                                    .row = lb_table_balancer(alone.ledger.table, 0) };
    alone.balancer.s = &alone.balancer_shared;
    alone.balancer.workers = &alone.members;
    alone.members = (apr_array_header_t){ .elts = (char *)alone.member_list };
    alone.params = (lb_member_params_t){ .maxfails = 1, .failwindow = apr_time_from_sec(10) };
    for (int i = 0; i < ALONE_MEMBERS_MAX; i++) {
        alone.member_list[i] = &alone.workers[i];
        alone.workers[i].s = &alone.shared[i];
        alone.workers[i].balancer = &alone.balancer;
        apr_snprintf(alone.shared[i].name_ex, sizeof(alone.shared[i].name_ex), "fcgi://%d", i);
        strcpy(alone.shared[i].scheme, "fcgi");
    }
}

#endif
