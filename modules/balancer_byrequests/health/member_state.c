/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* member_state.c - see member_state.h. */
#include "member_state.h"

#include "check_params.h"
#include "clock.h"
#include "cluster.h"
#include "fastcgi_log.h"
#include "http_config.h"
#include "http_log.h"
#include "member_config.h"
#include "slow_start.h"
#include "state_keeper.h"
#include "status_word.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;
APLOG_USE_MODULE(balancer_byrequests);

static bool our_handler_is_loaded;

lb_strikes_t *lb_member_state_row(const proxy_balancer *b, const proxy_worker *member)
{
    return &lb_cluster_row(b, member)->strikes;
}

/* As mod_proxy shows it. */
typedef struct {
    char text[sizeof("unix:|") + sizeof(((proxy_worker_shared *)0)->uds_path)
              + sizeof(((proxy_worker_shared *)0)->name_ex)];
} name_t;

static const char *name_of(const proxy_worker *member, name_t *room)
{
    if (!*member->s->uds_path) {
        return member->s->name_ex;
    }
    apr_snprintf(room->text, sizeof(room->text), "unix:%s|%s", member->s->uds_path,
                 member->s->name_ex);
    return room->text;
}

/* ---- The error bit --------------------------------------------------------------------------- */

static void set_error_bit(proxy_worker *member)
{
    lb_status_word_change(&member->s->status, PROXY_WORKER_IN_ERROR, 0);
}

static void clear_error_bit(proxy_worker *member)
{
    lb_status_word_change(&member->s->status, 0, PROXY_WORKER_IN_ERROR);
}

/* Our own handler asks the ticket; mod_proxy's, which serve the other schemes, refuse a member that
 * has the bit. */
static bool handler_asks_tickets(const proxy_worker *member)
{
    return our_handler_is_loaded && lb_check_params_is_fastcgi(member);
}

void lb_member_state_mend(const proxy_balancer *b, proxy_worker *member)
{
    if (!PROXY_WORKER_IS_ERROR(member)) {
        return;
    }
    clear_error_bit(member);
    if (lb_strikes_look(lb_member_state_row(b, member), 0).phase == LB_BANNED) {
        set_error_bit(member);    /* put out meanwhile */
    }
}

/* ---- Slow start ------------------------------------------------------------------------------ */

static void begin_climb(const proxy_balancer *b, const proxy_worker *member)
{
    if (lb_member_config_params(member)->slowstart > 0 && !PROXY_WORKER_IS_STANDBY(member)) {
        atomic_store(&lb_member_state_row(b, member)->climbs_since, fcgi_now());
    }
}

uint32_t lb_member_state_held_back(const proxy_balancer *b, const proxy_worker *member)
{
    lb_strikes_t *row = lb_member_state_row(b, member);
    int64_t began = atomic_load(&row->climbs_since);

    if (began == 0) {
        return 0;
    }
    const uint32_t held_back =
        lb_slow_start_held_back(began, lb_member_config_params(member)->slowstart, fcgi_now());
    if (held_back == 0) {
        atomic_compare_exchange_strong(&row->climbs_since, &began, 0);
    }
    return held_back;
}

static bool takes_part(unsigned int status)
{
    return (status & (PROXY_WORKER_NOT_USABLE_BITMAP | PROXY_WORKER_DRAIN)) == 0;
}

void lb_member_state_note_operation(const proxy_balancer *b, const proxy_worker *member,
                                    unsigned int before, unsigned int after)
{
    if (after == before) {
        return;
    }
    atomic_store(&lb_member_state_row(b, member)->since, fcgi_now());
    if (!takes_part(before) && takes_part(after)) {
        begin_climb(b, member);
    }
}

/* ---- One fixed form for the log -------------------------------------------------------------- */

void lb_member_state_show_error(proxy_worker *member)
{
    member->s->error_time = apr_time_now();
    set_error_bit(member);
}

void lb_member_state_show_ban(const proxy_balancer *b, proxy_worker *member, bool was_trial,
                              int64_t ban, const char *reason, request_rec *r)
{
    const double seconds = (double)ban / APR_USEC_PER_SEC;
    name_t room;

    lb_member_state_show_error(member);
    lb_state_keeper_note_change();
    if (was_trial) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, FCLOGNO(0413)
                      "%s: member %s: trial -> error (%s), next trial in %g s", b->s->name,
                      name_of(member, &room), reason, seconds);
    }
    else {
        ap_log_rerror(APLOG_MARK, APLOG_NOTICE, 0, r, FCLOGNO(0410)
                      "%s: member %s: ok -> error (%s), next trial in %g s", b->s->name,
                      name_of(member, &room), reason, seconds);
    }
}

void lb_member_state_show_trial(const proxy_balancer *b, proxy_worker *member, bool is_trial,
                                request_rec *r)
{
    name_t room;

    __atomic_fetch_add(&member->s->retries, 1, __ATOMIC_RELAXED);
    if (!handler_asks_tickets(member)) {
        clear_error_bit(member);
    }
    else if (is_trial) {    /* else it may be back by now */
        set_error_bit(member);
    }
    if (is_trial) {
        ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r, FCLOGNO(0412)
                      "%s: member %s: error -> trial", b->s->name, name_of(member, &room));
    }
    else {
        ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r, FCLOGNO(0520)
                      "%s: member %s: tried in error, as no other is left for this request",
                      b->s->name, name_of(member, &room));
    }
}

void lb_member_state_show_return(const proxy_balancer *b, proxy_worker *member, const char *why,
                                 server_rec *s)
{
    name_t room;

    member->s->error_time = 0;
    member->s->retries = 0;
    clear_error_bit(member);
    begin_climb(b, member);
    lb_state_keeper_note_change();
    ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s, FCLOGNO(0411)
                 "%s: member %s: error -> ok (%s)", b->s->name, name_of(member, &room), why);
}

void lb_member_state_show_last(const proxy_balancer *b, proxy_worker *member, const char *reason,
                               request_rec *r)
{
    name_t room;

    lb_member_state_mend(b, member);
    if (!atomic_exchange(&lb_member_state_row(b, member)->is_kept, 1)) {
        ap_log_rerror(APLOG_MARK, APLOG_NOTICE, 0, r, FCLOGNO(0414)
                      "%s: member %s: stays ok (%s), as it is the last usable member", b->s->name,
                      name_of(member, &room), reason);
    }
}

/* ---- At the start ---------------------------------------------------------------------------- */

/* mod_proxy's own memory is new after a restart; the row remembers. */
static void resume(const lb_cluster_t *cluster, proxy_worker *member)
{
    lb_strikes_t *row = lb_member_state_row(cluster->balancer, member);
    int64_t unknown = 0;

    if (!lb_state_keeper_keeps(cluster)) {
        lb_strikes_recover(row, fcgi_now());
    }
    atomic_compare_exchange_strong(&row->since, &unknown, fcgi_now());
    if (lb_strikes_look(row, 0).phase != LB_IN_SERVICE) {
        lb_member_state_show_error(member);
    }
}

int lb_member_state_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                server_rec *s)
{
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        return OK;
    }
    our_handler_is_loaded = ap_find_linked_module("mod_proxy_fastcgi.c") != NULL;
    const apr_array_header_t *all = lb_cluster_all();
    for (int i = 0; i < all->nelts; i++) {
        const lb_cluster_t *cluster = APR_ARRAY_IDX(all, i, lb_cluster_t *);
        for (int k = 0; k < cluster->balancer->workers->nelts; k++) {
            proxy_worker *member = lb_cluster_member(cluster->balancer, k);
            if (member) {
                resume(cluster, member);
            }
        }
    }
    return OK;
}
