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
#include "change_apply.h"
#include "change_plan.h"
#include "check_params.h"
#include "checks.h"
#include "clock.h"
#include "contract.h"
#include "dispatch.h"
#include "drain.h"
#include "fleet_view.h"
#include "forgetting.h"
#include "intent_exchange.h"
#include "intent_note.h"
#include "intent_target.h"
#include "health.h"
#include "member_config.h"
#include "member_detail.h"
#include "member_counters.h"
#include "member_params.h"
#include "lbmethod.h"
#include "session.h"
#include "slate.h"
#include "snapshot.h"
#include "other_method.h"
#include "state_keeper.h"
#include "blame.h"
#include "waiting.h"

/* For tests that need more. */
#ifndef ALONE_MEMBERS_MAX
#define ALONE_MEMBERS_MAX 3
#endif
#ifndef ALONE_PROCESSES_MAX
#define ALONE_PROCESSES_MAX 2
#endif

static struct {
    apr_pool_t *pool;
    lb_balancer_t balancer;
    lb_member_row_t *rows[ALONE_MEMBERS_MAX];
    lb_ledger_t ledger;
    lb_balancer_settings_t settings;
    lb_roster_t roster;
    proxy_balancer proxy;
    proxy_balancer_shared balancer_shared;
    apr_array_header_t members;
    proxy_worker *member_list[ALONE_MEMBERS_MAX];
    proxy_worker workers[ALONE_MEMBERS_MAX];
    proxy_worker_shared shared[ALONE_MEMBERS_MAX];
    lb_member_params_t params;
    void *request_config[1];         /* by index of module */
} alone;

/* ---- Files that need httpd ------------------------------------------------------------------- */

lb_balancer_t *lb_balancer_of(const proxy_balancer *proxy) { return &alone.balancer; }
apr_array_header_t *lb_balancer_all(void) { return NULL; }
uint32_t lb_balancer_index(const lb_balancer_t *balancer) { return 0; }
bool lb_balancer_sync(proxy_balancer *proxy, server_rec *s) { return false; }
const proxy_worker *lb_balancer_configured_worker(const lb_balancer_t *balancer, int slot)
{
    return &alone.workers[slot];
}

/* Nobody comes or goes. */
bool lb_roster_lists(const lb_roster_t *roster, const proxy_worker *worker) { return true; }
bool lb_roster_admits(const lb_roster_t *roster, const proxy_worker *worker) { return true; }
bool lb_roster_leaves(const lb_roster_t *roster, const proxy_worker *worker) { return false; }
const lb_configured_t *lb_roster_configured(const lb_roster_t *roster, int slot) { return NULL; }
const lb_source_t *lb_roster_source(const lb_roster_t *roster, int slot) { return NULL; }

const lb_member_params_t *lb_member_config_params(const lb_member_t *member)
{
    return &alone.params;
}
bool lb_check_params_is_fastcgi(const proxy_worker *worker) { return true; }
lb_queue_to_come_t lb_member_config_queue_to_come(const lb_balancer_t *balancer)
{
    return (lb_queue_to_come_t){ 0 };
}
bool lb_member_config_has_checks(const lb_member_t *member) { return false; }
bool lb_state_keeper_keeps(const lb_balancer_t *balancer) { return true; }
void lb_state_keeper_note_change(void) {}
void lb_drain_end_due(const lb_balancer_t *balancer, server_rec *s) {}

void lb_accounting_add_try(const lb_ticket_t *ticket, lb_outcome_t outcome,
                           const lb_measures_t *measures) {}
void lb_accounting_add_wait(lb_ticket_t *ticket) {}
void lb_accounting_add_refusal(const lb_ticket_t *ticket, lb_outcome_t outcome) {}
void lb_accounting_add_other_scheme(const lb_ticket_t *ticket, lb_outcome_t outcome,
                                    int http_status) {}
lb_member_room_t *lb_member_counters_of(const lb_member_t *member)
{
    return lb_table_member_room(alone.ledger.table, lb_member_index(member));
}

lb_session_t lb_session_of(const lb_ticket_t *ticket) { return (lb_session_t){ 0 }; }
lb_member_t lb_session_member(const lb_ticket_t *ticket, lb_session_t *session)
{
    return (lb_member_t){ 0 };
}
bool lb_session_is_bound(const lb_ticket_t *ticket) { return false; }
bool lb_session_is_at(const lb_session_t *session, const lb_member_t *member) { return false; }
bool lb_session_is_on(const lb_balancer_t *balancer) { return false; }
const char *lb_session_wording(const lb_ticket_t *ticket, const lb_session_t *session)
{
    return "";
}
void lb_session_tell(const lb_ticket_t *ticket, const lb_session_t *session) {}

/* Nobody may wait. */
lb_outcome_t lb_waiting_begin(lb_ticket_t *ticket, const lb_member_t *only)
{
    return LB_QUEUE_FULL;
}
bool lb_waiting_look(lb_ticket_t *ticket, lb_outcome_t *outcome, lb_member_t *member)
{
    ck_abort_msg("nobody waits");
}
apr_interval_time_t lb_waiting_patience(const lb_ticket_t *ticket) { return 0; }
void lb_waiting_leave(lb_ticket_t *ticket) {}

/* What the contract offers besides. */
int lb_checks_how_many(void) { return 0; }
const lb_check_t *lb_checks_begin_next(apr_interval_time_t *wait) { return NULL; }
void lb_checks_end(const lb_check_t *check, const lb_check_result_t *result, apr_pool_t *p) {}
apr_array_header_t *lb_snapshot_take(apr_pool_t *p, server_rec *any) { return NULL; }
void lb_snapshot_take_each(apr_pool_t *p, server_rec *any,
                           void (*take)(void *data, const lb_balancer_view_t *balancer),
                           void *data) {}
lb_change_result_t *lb_change_apply_all(apr_pool_t *p, server_rec *any,
                                        const apr_array_header_t *changes)
{
    return NULL;
}
apr_array_header_t *lb_change_apply_check(apr_pool_t *p, server_rec *any,
                                          const apr_array_header_t *changes)
{
    return NULL;
}

const lb_fleet_view_t *lb_fleet_view_take(apr_pool_t *p) { return NULL; }
const char *lb_forgetting_begin(apr_pool_t *p, const char *front) { return NULL; }
void lb_snapshot_copy_exemplars(const lb_exemplars_t *exemplars, lb_time_t time,
                                lb_exemplar_t of_buckets[LB_HISTOGRAM_BUCKETS]) {}
void lb_member_detail_ask_for_kept(int (*kept)(const proxy_worker *worker, apr_pool_t *p)) {}
lb_member_detail_t *lb_member_detail_take(apr_pool_t *p, int balancer, const char *url)
{
    return NULL;
}
lb_intent_note_t *lb_intent_note_begin(apr_pool_t *p, const apr_array_header_t *changes)
{
    return NULL;
}
void lb_intent_note_end(const lb_intent_note_t *note, const lb_change_result_t *result,
                        const char *by) {}
void lb_intent_exchange_listen(void (*hear)(const apr_array_header_t *heard)) {}
bool lb_intent_target_shares(const lb_balancer_t *balancer) { return false; }
lb_balancer_t *lb_change_plan_find_balancer(const char *key, const char *vhost) { return NULL; }

/* All is shared, with nobody, unless a test says otherwise in the rows. */
bool lb_fleet_settings_shares(unsigned int written, unsigned int part) { return true; }

lb_member_t lb_other_method_elect(const proxy_balancer *proxy, const lb_member_t *members,
                                  size_t count, request_rec *r)
{
    return members[0];
}

/* ---- httpd ----------------------------------------------------------------------------------- */

module balancer_byrequests_module;

void *ap_malloc(size_t bytes) { return malloc(bytes); }
void ap_random_insecure_bytes(void *bytes, apr_size_t count) { memset(bytes, 0, count); }
apr_status_t ap_register_provider(apr_pool_t *p, const char *group, const char *name,
                                  const char *version, const void *provider)
{
    /* mod_proxy's own pointer is no const */
    alone.proxy.lbmethod = (proxy_balancer_method *)(uintptr_t)provider;
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
    return &alone.proxy;
}
int proxy_run_canon_handler(request_rec *r, char *url) { return OK; }

/* ---- Setting it up --------------------------------------------------------------------------- */

/* p    is destroyed at the end */
static void alone_begin(apr_pool_t *p)
{
    alone.pool = p;
    lb_lbmethod_register(p);
    lb_contract_register();
    alone.ledger.table =
        shared_table((lb_table_size_t){ 1, ALONE_MEMBERS_MAX, ALONE_PROCESSES_MAX, 4 });
    MUST(lb_ledger_join(&alone.ledger, (int32_t)getpid()));
    alone.balancer = (lb_balancer_t){ .proxy = &alone.proxy,
                                      .settings = &alone.settings,
                                      .roster = &alone.roster,
                                      .ledger = &alone.ledger,
                                      .row = lb_table_balancer(alone.ledger.table, 0),
                                      .member_rows = alone.rows };
    lb_slate_child_init(&alone.balancer, p);
    alone.proxy.s = &alone.balancer_shared;
    alone.proxy.workers = &alone.members;
    alone.members = (apr_array_header_t){ .elts = (char *)alone.member_list };
    alone.params = (lb_member_params_t){ .maxfails = 1, .failwindow = apr_time_from_sec(10) };
    for (int i = 0; i < ALONE_MEMBERS_MAX; i++) {
        alone.member_list[i] = &alone.workers[i];
        alone.workers[i].s = &alone.shared[i];
        alone.workers[i].balancer = &alone.proxy;
        alone.shared[i].index = i;
        alone.rows[i] = lb_table_member(alone.ledger.table, (uint32_t)i);
        apr_snprintf(alone.shared[i].name_ex, sizeof(alone.shared[i].name_ex), "fcgi://%d", i);
        strcpy(alone.shared[i].scheme, "fcgi");
    }
}

static void alone_end(void)
{
    apr_pool_destroy(alone.pool);
}

#endif
