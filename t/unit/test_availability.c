/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_availability.c - no request is refused while there is a member that would serve it. By
 * enumeration: every state that two members can be in together, and that three can in the parts
 * that matter; what each backend is really like; what a request is like; how another request's
 * trial ends meanwhile. The code is the balancer's own, with the failover of mod_proxy_fastcgi. */
#include "gate.h"
#include "holding.h"
#include "shared_table.h"

#include "apr_hooks.h"
#include "balancer_alone.h"
#include "failover.h"

/* The balancer's clock. */
static apr_time_t now_us(void)
{
    return fc_now();
}

/* ---- One member ------------------------------------------------------------------------------ */

typedef enum {
    IN_SERVICE,
    BANNED,
    BAN_IS_OVER,
    ON_TRIAL,          /* of another request, just now */
    ON_LONG_TRIAL,
    HAS_ERROR_BIT,     /* status=+E, or mod_proxy's own */
    PHASES
} phase_t;

typedef enum {
    ORDINARY,
    SECOND_SET,
    STANDBY,
    DISABLED,    /* three members are looked at with these alone */
    SPARE,
    DRAINING,
    FAILS_CHECKS,
    KINDS
} kind_t;

typedef enum {
    WORKS,
    REFUSES,
    BREAKS,
    HAS_TOO_MUCH_TO_DO,
    TRUTHS
} truth_t;

typedef struct {
    phase_t phase;
    kind_t kind;
    truth_t truth;
    bool is_busy;      /* has just said so */
} member_case_t;

typedef struct {
    size_t count;
    member_case_t members[ALONE_MEMBERS_MAX];
    bool forces_recovery, overflows, is_safe;
} case_t;

static bool is_switched_off(const member_case_t *m)
{
    return m->kind == DISABLED || m->kind == DRAINING || m->kind == FAILS_CHECKS;
}

/* Without being the last one. */
static bool is_ready(const member_case_t *m)
{
    return !is_switched_off(m)
           && (m->phase == IN_SERVICE || m->phase == BAN_IS_OVER || m->phase == ON_LONG_TRIAL);
}

/* With BalancerOverflow Off nobody asks a spare that there is nobody to replace. */
static bool is_lone_spare(const case_t *c, size_t member)
{
    for (size_t i = 0; i < c->count; i++) {
        const kind_t kind = c->members[i].kind;
        if (kind != SPARE && kind != STANDBY && kind != SECOND_SET) {
            return false;
        }
    }
    return c->members[member].kind == SPARE;
}

static bool may_be_asked(const case_t *c, size_t i)
{
    const member_case_t *m = &c->members[i];
    return !is_switched_off(m) && (c->forces_recovery || is_ready(m))
           && (c->overflows || !is_lone_spare(c, i));
}

/* ---- Setting a case up ----------------------------------------------------------------------- */

static APR_OPTIONAL_FN_TYPE(lb_ticket_release) *release;
static request_rec *request, *other_request;
static conn_rec connection;

static unsigned int status_of(const member_case_t *m)
{
    static const unsigned int bits[KINDS] = {
        [STANDBY] = PROXY_WORKER_HOT_STANDBY,
        [SPARE] = PROXY_WORKER_HOT_SPARE,
        [DISABLED] = PROXY_WORKER_DISABLED,
        [DRAINING] = PROXY_WORKER_DRAIN,
        [FAILS_CHECKS] = PROXY_WORKER_HC_FAIL,
    };
    return PROXY_WORKER_INITIALIZED | bits[m->kind]
           | (m->phase == IN_SERVICE ? 0 : PROXY_WORKER_IN_ERROR);
}

static void set_member(const member_case_t *m, int i, lb_ticket_t **others)
{
    static const lb_strike_rules_t rules = { 1, 10000000, 60000000, 60000000 };
    const apr_time_t now = now_us();
    proxy_worker_shared *s = &alone.shared[i];
    lb_member_row_t *row = lb_table_member(alone.ledger.table, (uint32_t)i);

    lb_table_reset_member(alone.ledger.table, row);
    s->status = status_of(m);
    s->lbfactor = 100;
    s->lbset = m->kind == SECOND_SET;
    s->retry = apr_time_from_sec(60);
    s->retry_set = 1;
    s->error_time = apr_time_now();    /* mod_proxy's: by the wall clock */
    atomic_store(&row->busy_until, m->is_busy ? now + apr_time_from_sec(1) : 0);
    if (m->phase == BANNED) {
        lb_strikes_ban(&row->strikes, &rules, now);
    }
    else if (m->phase != IN_SERVICE && m->phase != HAS_ERROR_BIT) {
        lb_strikes_ban(&row->strikes, &rules, now - apr_time_from_sec(90));
    }
    if (m->phase == ON_TRIAL || m->phase == ON_LONG_TRIAL) {
        const apr_time_t began = now - (m->phase == ON_TRIAL ? 0 : apr_time_from_sec(3));
        const lb_strikes_view_t seen = lb_strikes_look(&row->strikes, began);
        lb_ticket_t *other = lb_holding_begin(other_request, &alone.proxy, "balancer://b/x");
        other->member = other->trial.member = lb_member_of(&alone.balancer, &alone.workers[i]);
        other->trial.claim = lb_strikes_claim(&row->strikes, &seen, (uint32_t)getpid(), began);
        MUST(other->trial.claim);
        *others = other;
    }
}

static void set_case(const case_t *c, lb_ticket_t **others)
{
    apr_pool_clear(request->pool);
    request->notes = apr_table_make(request->pool, 4);
    request->subprocess_env = request->err_headers_out = request->notes;
    alone.members.nelts = (int)c->count;
    alone.balancer_shared.forcerecovery = c->forces_recovery;
    alone.settings.keeps_to_its_turn = !c->overflows;
    for (size_t i = 0; i < c->count; i++) {
        others[i] = NULL;
        set_member(&c->members[i], (int)i, &others[i]);
        const lb_member_t member = lb_member_of(&alone.balancer, &alone.workers[i]);
        lb_member_note_change(&member);
    }
}

/* ---- A request ------------------------------------------------------------------------------- */

typedef struct {
    bool is_served;
    bool broke;               /* it was lost in a backend that may have run it */
    size_t tries;
    size_t first;             /* member */
} run_t;

static lb_outcome_t outcome_of(truth_t truth)
{
    switch (truth) {
    case WORKS:
        return LB_SERVED;
    case REFUSES:
        return LB_CONNECT_REFUSED;
    case BREAKS:
        return LB_BACKEND_EOF;
    default:
        return LB_OVERLOADED;
    }
}

/* As the handler does it. */
static run_t run_request(const case_t *c)
{
    run_t run = { .tries = 0 };
    int deaths = 0;

    request->method_number = c->is_safe ? M_GET : M_POST;
    lb_ticket_t *ticket = lb_holding_begin(request, &alone.proxy, "balancer://b/x");
    lb_turn_t turn = lb_dispatch_turn(ticket, request);
    while (turn.kind == LB_TURN_HELD) {
        const size_t member = (size_t)turn.worker->s->index;
        const lb_outcome_t outcome = outcome_of(c->members[member].truth);
        run.first = run.tries++ == 0 ? member : run.first;
        MUST(run.tries <= c->count);
        release(ticket, outcome, NULL);
        MUST(!lb_health_is_trial(&ticket->trial) && !ticket->trial.claim);
        run.is_served = outcome == LB_SERVED;
        deaths += outcome == LB_BACKEND_EOF;
        const fcgi_try_t failed = { .outcome = outcome,
                                    .may_run_twice = c->is_safe,
                                    .is_replayable = true,
                                    .runs = deaths,
                                    .retry_on = fcgi_failover_set_of("default") };
        if (run.is_served || fcgi_failover_decide(&failed) != FCGI_NEXT_MEMBER) {
            const lb_member_t last = lb_member_of(&alone.balancer, turn.worker);
            MUST(!run.is_served
                 || (!PROXY_WORKER_IS_ERROR(turn.worker)
                     && lb_health_phase(&last) == LB_IN_SERVICE));
            run.broke = !run.is_served;
            break;
        }
        turn = lb_dispatch_next(ticket, request);
    }
    MUST(turn.kind != LB_TURN_QUEUED);
    return run;
}

static void fail_case(const case_t *c, const char *what)
{
    char text[400];
    size_t bytes = 0;
    for (size_t i = 0; i < c->count; i++) {
        const member_case_t *m = &c->members[i];
        bytes += (size_t)snprintf(text + bytes, sizeof(text) - bytes,
                                  " (phase %d, kind %d, truth %d, busy %d)", (int)m->phase,
                                  (int)m->kind, (int)m->truth, m->is_busy);
    }
    ck_abort_msg("%s:%s forcerecovery %d overflow %d safe %d", what, text, c->forces_recovery,
                 c->overflows, c->is_safe);
}

static void assert_is_served_if_anybody_would(const case_t *c)
{
    const run_t run = run_request(c);

    for (size_t i = 0; i < c->count; i++) {
        if (may_be_asked(c, i) && c->members[i].truth == WORKS && !run.is_served && !run.broke) {
            fail_case(c, "refused");
        }
        MUST(in_flight(alone.ledger.table, (uint32_t)i) == 0);
    }
}

/* The first choice of a request is no member in error while there is another one. */
static void assert_first_choice_is_ready(const case_t *c)
{
    const run_t run = run_request(c);
    bool any_is_ready = false;

    for (size_t i = 0; i < c->count; i++) {
        any_is_ready |= is_ready(&c->members[i]) && !is_lone_spare(c, i);
    }
    if (run.tries > 0 && any_is_ready && !is_ready(&c->members[run.first])) {
        fail_case(c, "a member in error was the first choice");
    }
}

/* ---- Enumeration ----------------------------------------------------------------------------- */

static unsigned long cases;    /* states of all members together */

typedef enum {
    GOES_ON,
    IS_SERVED,
    FAILS,
    PROVES_NOTHING,
    ENDS
} end_t;

static void end_trials(lb_ticket_t *const *others, size_t count, end_t end)
{
    for (size_t i = 0; i < count; i++) {
        if (!others[i] || end == GOES_ON) {
            continue;
        }
        lb_blame_of_try(others[i], end == IS_SERVED ? LB_SERVED
                                   : end == FAILS   ? LB_CONNECT_REFUSED
                                                    : LB_CLIENT_ABORT);
    }
}

/* With each end of the trials of other requests, before the request and between two of them. */
static void play(const case_t *c)
{
    lb_ticket_t *others[ALONE_MEMBERS_MAX];
    bool any_trial = false;

    set_case(c, others);
    for (size_t i = 0; i < c->count; i++) {
        any_trial |= others[i] != NULL;
    }
    assert_first_choice_is_ready(c);
    for (int end = GOES_ON; end < (any_trial ? ENDS : IS_SERVED); end++) {
        set_case(c, others);
        if (c->forces_recovery) {    /* else a failed trial is one more that may not be asked */
            end_trials(others, c->count, (end_t)end);
        }
        assert_is_served_if_anybody_would(c);
        if (!c->forces_recovery) {
            continue;
        }
        set_case(c, others);
        assert_is_served_if_anybody_would(c);
        end_trials(others, c->count, (end_t)end);
        assert_is_served_if_anybody_would(c);
        assert_is_served_if_anybody_would(c);
    }
}

/* Those that can make a difference. */
static void play_with_all_settings(case_t *c)
{
    bool any_spare = false, any_breaks = false;

    for (size_t i = 0; i < c->count; i++) {
        any_spare |= c->members[i].kind == SPARE;
        any_breaks |= c->members[i].truth == BREAKS;
    }
    for (int bits = 0; bits < 8; bits++) {
        c->forces_recovery = bits & 1;
        c->overflows = bits & 2;
        c->is_safe = bits & 4;
        if ((any_spare || c->overflows) && (any_breaks || c->is_safe)) {
            play(c);
        }
    }
    cases++;
}

/* members  whose states are still to be enumerated */
static void enumerate(case_t *c, size_t members, kind_t kinds, truth_t truths, bool may_be_busy)
{
    if (members == 0) {
        play_with_all_settings(c);
        return;
    }
    member_case_t *m = &c->members[members - 1];
    for (int phase = 0; phase < PHASES; phase++) {
        for (int kind = 0; kind < (int)kinds; kind++) {
            for (int truth = 0; truth < (int)truths; truth++) {
                for (int busy = 0; busy <= (int)may_be_busy; busy++) {
                    *m = (member_case_t){ (phase_t)phase, (kind_t)kind, (truth_t)truth, busy };
                    enumerate(c, members - 1, kinds, truths, may_be_busy);
                }
            }
        }
    }
}

static void set_up(void)
{
    apr_pool_t *p;

    apr_initialize();
    apr_pool_create(&p, NULL);
    apr_hook_global_pool = p;    /* of optional functions */
    alone_begin(p);
    release = APR_RETRIEVE_OPTIONAL_FN(lb_ticket_release);
    request = apr_pcalloc(p, sizeof(*request));
    other_request = apr_pcalloc(p, sizeof(*other_request));
    apr_pool_create(&request->pool, p);
    other_request->pool = request->pool;
    request->connection = other_request->connection = &connection;
    request->request_config = (ap_conf_vector_t *)alone.request_config;
    other_request->request_config = request->request_config;
    request->status = HTTP_OK;
    other_request->status = HTTP_OK;
    static server_rec server;
    request->server = other_request->server = &server;
}

START_TEST(one_member_in_every_state)
{
    case_t c = { .count = 1 };
    enumerate(&c, 1, KINDS, TRUTHS, true);
    ck_assert_uint_eq(cases, 6 * 7 * 4 * 2);
}
END_TEST

START_TEST(two_members_in_every_pair_of_states)
{
    case_t c = { .count = 2 };
    enumerate(&c, 2, KINDS, TRUTHS, true);
    ck_assert_uint_eq(cases, 336 * 336);
}
END_TEST

START_TEST(three_members_up_and_down_in_sets_standing_by_and_disabled)
{
    case_t c = { .count = 3 };
    enumerate(&c, 3, SPARE, BREAKS, false);
    ck_assert_uint_eq(cases, 48 * 48 * 48);
}
END_TEST

/* ---- Who waits ------------------------------------------------------------------------------- */

START_TEST(who_waits_does_not_get_the_member_that_has_just_failed)
{
    const case_t c = { .count = 2, .forces_recovery = true, .overflows = true };
    lb_ticket_t *others[ALONE_MEMBERS_MAX], *tickets[2];
    lb_waiter_t waiter = { .priority = 5,
                           .member = LB_NOBODY,
                           .tried = { LB_NOBODY, LB_NOBODY, LB_NOBODY, LB_NOBODY } };

    set_case(&c, others);
    for (uint32_t m = 0; m < 2; m++) {
        lb_member_row_t *row = lb_table_member(alone.ledger.table, m);
        atomic_store(&row->limit, 1);
        atomic_store(&row->queue_limit, 1);
    }
    for (int i = 0; i < 2; i++) {
        tickets[i] = lb_holding_begin(request, &alone.proxy, "balancer://b/x");
        ck_assert_int_eq(lb_dispatch_turn(tickets[i], request).kind, LB_TURN_HELD);
    }
    lb_ticket_t *third = lb_holding_begin(request, &alone.proxy, "balancer://b/x");
    lb_outcome_t refusal;
    const uint32_t slot = lb_gate_queue(third, &waiter, &refusal);
    ck_assert_uint_ne(slot, LB_NOBODY);
    release(tickets[0], LB_CONNECT_REFUSED, NULL);
    ck_assert_uint_eq(lb_admission_granted(&alone.ledger, slot), LB_NOBODY);
    release(tickets[1], LB_SERVED, NULL);
    ck_assert_uint_eq(lb_admission_granted(&alone.ledger, slot),
                      lb_member_index(&tickets[1]->member));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("availability");
    TCase *one = tcase_create("one member, and who waits"), *more = tcase_create("more members");
    tcase_add_checked_fixture(one, set_up, alone_end);
    tcase_add_test(one, one_member_in_every_state);
    tcase_add_test(one, who_waits_does_not_get_the_member_that_has_just_failed);
    suite_add_tcase(suite, one);
    tcase_set_timeout(more, 300);
    tcase_set_tags(more, TAKES_LONG);
    tcase_add_checked_fixture(more, set_up, alone_end);
    tcase_add_test(more, two_members_in_every_pair_of_states);
    tcase_add_test(more, three_members_up_and_down_in_sets_standing_by_and_disabled);
    suite_add_tcase(suite, more);
    return run_suite(suite);
}
