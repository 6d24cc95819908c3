/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* member_state.c - see member_state.h. */
#include "member_state.h"

#include "apr_strings.h"
#include "check_params.h"
#include "clock.h"
#include "fastcgi_log.h"
#include "http_config.h"
#include "http_log.h"
#include "member_config.h"
#include "member_counters.h"
#include "slow_start.h"
#include "state_keeper.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;
APLOG_USE_MODULE(balancer_byrequests);

static bool our_handler_is_loaded;

/* As mod_proxy shows it. */
typedef struct {
    char text[sizeof("unix:|") + sizeof(((proxy_worker_shared *)0)->uds_path)
              + sizeof(((proxy_worker_shared *)0)->name_ex)];
} name_t;

static const char *name_of(const lb_member_t *member, name_t *room)
{
    const proxy_worker_shared *s = member->worker->s;

    if (!*s->uds_path) {
        return s->name_ex;
    }
    apr_snprintf(room->text, sizeof(room->text), "unix:%s|%s", s->uds_path, s->name_ex);
    return room->text;
}

static const char *balancer_of(const lb_member_t *member)
{
    return member->balancer->proxy->s->name;
}

/* ---- The state ------------------------------------------------------------------------------- */

lb_state_t lb_member_state_of(const lb_member_t *member)
{
    static const struct {
        unsigned int bit;
        lb_state_t state;
    } worst_first[] = {
        { PROXY_WORKER_STOPPED, LB_STATE_STOPPED },
        { PROXY_WORKER_DISABLED, LB_STATE_DISABLED },
        { PROXY_WORKER_IN_SHUTDOWN, LB_STATE_SHUTDOWN },
        { PROXY_WORKER_IN_ERROR, LB_STATE_ERROR },
        { PROXY_WORKER_HC_FAIL, LB_STATE_HEALTH_FAIL },
        { PROXY_WORKER_DRAIN, LB_STATE_DRAINING },
        { PROXY_WORKER_HOT_STANDBY, LB_STATE_STANDBY },
        { PROXY_WORKER_HOT_SPARE, LB_STATE_SPARE },
    };
    const lb_phase_t phase = lb_strikes_look(&member->row->strikes, 0).phase;
    const unsigned int status =
        member->worker->s->status | (phase == LB_IN_SERVICE ? 0 : PROXY_WORKER_IN_ERROR);

    if (lb_member_leaves(member)) {
        return lb_member_source(member) ? LB_STATE_GONE : LB_STATE_REMOVING;
    }
    for (size_t i = 0; i < sizeof(worst_first) / sizeof(worst_first[0]); i++) {
        if (status & worst_first[i].bit) {
            const lb_state_t state = worst_first[i].state;
            return state == LB_STATE_ERROR && phase == LB_ON_TRIAL ? LB_STATE_TRIAL : state;
        }
    }
    return LB_STATE_OK;
}

/* ---- The history ----------------------------------------------------------------------------- */

/* An hour of error has sixty trials, of which none changes anything. */
static lb_state_t without_trial(lb_state_t state)
{
    return state == LB_STATE_TRIAL ? LB_STATE_ERROR : state;
}

static void add_to_history(const lb_member_t *member, lb_state_t from, lb_state_t to,
                           lb_cause_t cause, const char *reason)
{
    const lb_balancer_t *balancer = member->balancer;
    const int64_t now = fc_now();
    lb_history_entry_t entry = {
        .at = now, .from = (uint8_t)from, .to = (uint8_t)to, .cause = (uint8_t)cause
    };
    name_t room;

    apr_cpystrn(entry.member, name_of(member, &room), sizeof(entry.member));
    apr_cpystrn(entry.reason, reason, sizeof(entry.reason));
    lb_history_add(lb_table_history(balancer->ledger->table, lb_balancer_index(balancer)), &entry);
    lb_counters_add_state(lb_member_counters_of(member), lb_state_is_failed(to), now);
}

/* Children of the generation before look at a status word that nobody changes any more. */
static bool is_of_this_generation(const lb_balancer_t *balancer)
{
    return atomic_load(&balancer->row->generation) == balancer->generation;
}

/* Of several who see changes at the same time each tells one; whoever has written an old state over
 * a new one sees that, and tells the way back. */
void lb_member_state_note(const lb_member_t *member, lb_cause_t cause, const char *reason)
{
    lb_state_t state;

    if (!is_of_this_generation(member->balancer)) {
        return;
    }
    do {
        state = without_trial(lb_member_state_of(member));
        const uint32_t before = atomic_exchange(&member->row->shown_state, state + 1);
        if (before && before != state + 1) {
            add_to_history(member, before - 1, state, cause, reason);
        }
    } while (without_trial(lb_member_state_of(member)) != state);
}

/* Who has just changed it is about to say why. */
void lb_member_state_note_others(const lb_member_t *member)
{
    if (fc_now() - atomic_load(&member->row->strikes.since) > apr_time_from_sec(1)) {
        lb_member_state_note(member, LB_CAUSE_OTHER, "");
    }
}

/* ---- The error bit --------------------------------------------------------------------------- */

static void set_error_bit(const lb_member_t *member)
{
    lb_member_change_status(member, PROXY_WORKER_IN_ERROR, 0);
}

static void clear_error_bit(const lb_member_t *member)
{
    lb_member_change_status(member, 0, PROXY_WORKER_IN_ERROR);
}

/* Our own handler asks the ticket; mod_proxy's, which serve the other schemes, refuse a member that
 * has the bit. */
static bool handler_asks_tickets(const lb_member_t *member)
{
    return our_handler_is_loaded && lb_check_params_is_fastcgi(member->worker);
}

void lb_member_state_mend(const lb_member_t *member)
{
    if (!PROXY_WORKER_IS_ERROR(member->worker)) {
        return;
    }
    clear_error_bit(member);
    if (lb_strikes_look(&member->row->strikes, 0).phase == LB_BANNED) {
        set_error_bit(member);    /* put out meanwhile */
    }
}

/* ---- Slow start ------------------------------------------------------------------------------ */

static void begin_climb(const lb_member_t *member)
{
    if (lb_member_config_params(member)->slowstart > 0
        && !PROXY_WORKER_IS_STANDBY(member->worker)) {
        atomic_store(&member->row->strikes.climbs_since, fc_now());
        lb_member_note_change(member);
    }
}

uint32_t lb_member_state_held_back(const lb_member_t *member)
{
    lb_strikes_t *strikes = &member->row->strikes;
    int64_t began = atomic_load(&strikes->climbs_since);

    if (began == 0) {
        return 0;
    }
    const uint32_t held_back =
        lb_slow_start_held_back(began, lb_member_config_params(member)->slowstart, fc_now());
    if (held_back == 0) {
        atomic_compare_exchange_strong(&strikes->climbs_since, &began, 0);
    }
    return held_back;
}

static bool takes_part(unsigned int status)
{
    return (status & (PROXY_WORKER_NOT_USABLE_BITMAP | PROXY_WORKER_DRAIN)) == 0;
}

void lb_member_state_note_change(const lb_member_t *member, unsigned int before,
                                 unsigned int after)
{
    if (after == before) {
        return;
    }
    atomic_store(&member->row->strikes.since, fc_now());
    if (!takes_part(before) && takes_part(after)) {
        begin_climb(member);
    }
}

/* ---- One fixed form for the log -------------------------------------------------------------- */

void lb_member_state_show_error(const lb_member_t *member)
{
    member->worker->s->error_time = apr_time_now();
    set_error_bit(member);
}

void lb_member_state_show_ban(const lb_member_t *member, bool was_trial, int64_t ban,
                              const char *reason, request_rec *r)
{
    const double seconds = (double)ban / APR_USEC_PER_SEC;
    name_t room;

    lb_member_state_show_error(member);
    lb_member_state_note(member, LB_CAUSE_FAILURES, reason);
    lb_state_keeper_note_change();
    if (was_trial) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, FCLOGNO(0413)
                      "%s: member %s: trial -> error (%s), next trial in %g s",
                      balancer_of(member), name_of(member, &room), reason, seconds);
    }
    else {
        ap_log_rerror(APLOG_MARK, APLOG_NOTICE, 0, r, FCLOGNO(0410)
                      "%s: member %s: ok -> error (%s), next trial in %g s",
                      balancer_of(member), name_of(member, &room), reason, seconds);
    }
}

void lb_member_state_show_trial(const lb_member_t *member, bool is_trial, request_rec *r)
{
    name_t room;

    __atomic_fetch_add(&member->worker->s->retries, 1, __ATOMIC_RELAXED);
    if (!handler_asks_tickets(member)) {
        clear_error_bit(member);
    }
    else if (is_trial) {    /* else it may be back by now */
        set_error_bit(member);
    }
    if (is_trial) {
        ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r, FCLOGNO(0412)
                      "%s: member %s: error -> trial", balancer_of(member), name_of(member, &room));
    }
    else {
        ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r, FCLOGNO(0520)
                      "%s: member %s: tried in error, as no other is left for this request",
                      balancer_of(member), name_of(member, &room));
    }
}

void lb_member_state_show_return(const lb_member_t *member, const char *why, server_rec *s)
{
    name_t room;

    member->worker->s->error_time = 0;
    member->worker->s->retries = 0;
    clear_error_bit(member);
    lb_member_state_note(member, LB_CAUSE_TRIAL, why);
    begin_climb(member);
    lb_state_keeper_note_change();
    ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s, FCLOGNO(0411)
                 "%s: member %s: error -> ok (%s)", balancer_of(member),
                 name_of(member, &room), why);
}

void lb_member_state_show_last(const lb_member_t *member, const char *reason, request_rec *r)
{
    name_t room;

    lb_member_state_mend(member);
    if (!atomic_exchange(&member->row->strikes.is_kept, 1)) {
        ap_log_rerror(APLOG_MARK, APLOG_NOTICE, 0, r, FCLOGNO(0414)
                      "%s: member %s: stays ok (%s), as it is the last usable member",
                      balancer_of(member), name_of(member, &room), reason);
    }
}

/* ---- At the start ---------------------------------------------------------------------------- */

/* mod_proxy's own memory is new after a restart; the row remembers. */
static void resume(const lb_member_t *member)
{
    lb_strikes_t *strikes = &member->row->strikes;
    int64_t unknown = 0;

    if (!lb_state_keeper_keeps(member->balancer)) {
        lb_strikes_recover(strikes, fc_now());
    }
    atomic_compare_exchange_strong(&strikes->since, &unknown, fc_now());
    if (lb_strikes_look(strikes, 0).phase != LB_IN_SERVICE) {
        lb_member_state_show_error(member);
    }
    if (atomic_load(&member->row->check.is_down) && lb_member_config_has_checks(member)) {
        lb_member_change_status(member, PROXY_WORKER_HC_FAIL, 0);
    }
    lb_member_state_note(member, LB_CAUSE_CONFIGURATION, "");
}

int lb_member_state_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                server_rec *s)
{
    lb_member_t member;

    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        return OK;
    }
    our_handler_is_loaded = ap_find_linked_module("mod_proxy_fastcgi.c") != NULL;
    const apr_array_header_t *all = lb_balancer_all();
    for (int i = 0; i < all->nelts; i++) {
        const lb_balancer_t *balancer = APR_ARRAY_IDX(all, i, lb_balancer_t *);
        for (int k = 0; lb_member_next(balancer, &k, &member);) {
            resume(&member);
        }
    }
    return OK;
}
