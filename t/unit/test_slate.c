/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_slate.c - an election that looks at one member elects whom one would that looks at all of
 * them: in every state of few members, after every change of one, in long random sequences, with
 * threads, and while other processes elect and are killed. */
#define ALONE_MEMBERS_MAX   40
#define ALONE_PROCESSES_MAX 4
#include "shared_table.h"

#include "balancer_alone.h"
#include "contenders.h"
#include "gate.h"

#define SECOND INT64_C(1000000)

/* The clock of all that is tested here. */
static apr_time_t now_us;

apr_time_t fc_now(void) { return now_us; }
apr_time_t fc_now_roughly(void) { return now_us; }

static lb_ticket_t newcomer;

static void set_up(void)
{
    apr_pool_t *p;

    apr_initialize();
    apr_pool_create(&p, NULL);
    apr_hook_global_pool = p;
    now_us = 1000 * SECOND;
    alone_begin(p);
    alone.params.slowstart = 10 * SECOND;
    newcomer = (lb_ticket_t){ .balancer = &alone.balancer, .proxy = &alone.proxy };
}

static lb_member_t member(int i)
{
    return lb_member_of(&alone.balancer, &alone.workers[i]);
}

static void note_change(int i)
{
    const lb_member_t changed = member(i);
    lb_member_note_change(&changed);
}

/* ---- One election, twice --------------------------------------------------------------------- */

/* What an election reads and writes of all members. */
typedef struct {
    uint64_t clock;
    uint64_t pass[ALONE_MEMBERS_MAX];
    uint32_t in_flight[ALONE_MEMBERS_MAX];
} picture_t;

static picture_t picture(void)
{
    picture_t seen = { .clock = atomic_load(&alone.balancer.row->clock) };

    for (int i = 0; i < alone.members.nelts; i++) {
        seen.pass[i] = atomic_load(&alone.rows[i]->pass);
        seen.in_flight[i] = atomic_load(&alone.rows[i]->in_flight);
    }
    return seen;
}

static void restore(const picture_t *seen)
{
    atomic_store(&alone.balancer.row->clock, seen->clock);
    for (int i = 0; i < alone.members.nelts; i++) {
        atomic_store(&alone.rows[i]->pass, seen->pass[i]);
    }
}

/* i  -1: nothing */
static void give_back(int i)
{
    if (i >= 0) {
        const lb_member_t held = member(i);
        lb_gate_give_back(&held, NULL);
    }
}

/* As every election was made before there was a slate.
 * returns  -1: nobody */
static int elect_among_all(picture_t *after, bool *are_full)
{
    const picture_t before = picture();
    lb_contenders_t field;

    lb_contenders_gather(&field, &alone.balancer, NULL);
    const int contender = lb_admission_elect(&alone.ledger, &field.arena);
    const int winner = contender < 0 ? -1 : field.members[contender].worker->s->index;
    *are_full = winner < 0 && lb_contenders_may_wait(&field);
    lb_contenders_end(&field);
    *after = picture();
    if (winner >= 0) {
        lb_ledger_lock(alone.ledger.table);
        lb_ledger_give_back(&alone.ledger, (uint32_t)winner, NULL);
        lb_ledger_unlock(alone.ledger.table);
    }
    restore(&before);
    return winner;
}

/* Elect, and abort when all would have elected another one, or charged it otherwise.
 * returns  -1: nobody */
static int elect(const char *what)
{
    picture_t expected;
    bool were_full, are_full = false;

    const int by_all = elect_among_all(&expected, &were_full);
    const lb_member_t elected = lb_lbmethod_elect(&newcomer, &are_full);
    const int winner = elected.worker ? elected.worker->s->index : -1;
    const picture_t seen = picture();
    if (winner != by_all || are_full != were_full || memcmp(&seen, &expected, sizeof(seen)) != 0) {
        ck_abort_msg("%s: elected %d (full: %d) where all would have elected %d (full: %d)", what,
                     winner, are_full, by_all, were_full);
    }
    return winner;
}

/* Charge, and abort when the clock does not follow all of the first turn. */
static void charge(int i)
{
    const lb_member_t chosen = member(i);
    const lb_candidate_t candidate = lb_contenders_candidate(&chosen);
    const picture_t before = picture();
    lb_contenders_t field;

    lb_contenders_gather(&field, &alone.balancer, NULL);
    const size_t n = lb_contenders_first_turn(&field);
    lb_election_charge(&alone.balancer.row->clock, &candidate);
    lb_election_follow(&alone.balancer.row->clock, field.arena.candidates, n);
    lb_contenders_end(&field);
    const picture_t expected = picture();
    restore(&before);

    lb_lbmethod_account(&newcomer, &chosen);
    const picture_t seen = picture();
    MUST(memcmp(&seen, &expected, sizeof(seen)) == 0);
}

/* ---- States of a member ---------------------------------------------------------------------- */

typedef enum {
    READY,
    FULL,
    HEAVY,
    CLIMBING,
    BUSY,
    SECOND_SET,
    SPARE,
    STANDBY,
    DRAINING,
    DISABLED,
    BANNED,
    BAN_IS_OVER,
    ON_TRIAL,
    ON_LONG_TRIAL,
    HAS_ERROR_BIT,
    STATES
} state_t;

static bool is_held[ALONE_MEMBERS_MAX];    /* to be full */

static void set_room(int i, state_t state)
{
    if (is_held[i]) {
        give_back(i);
    }
    atomic_store(&alone.rows[i]->limit, state == FULL);
    is_held[i] = state == FULL;
    if (is_held[i]) {
        MUST(lb_admission_take(&alone.ledger, 0, (uint32_t)i, NULL));
    }
}

static void set_strikes(int i, state_t state)
{
    static const lb_strike_rules_t rules = { 1, 10 * SECOND, 60 * SECOND, 60 * SECOND };
    lb_strikes_t *strikes = &alone.rows[i]->strikes;

    memset((void *)strikes, 0, sizeof(*strikes));
    if (state == CLIMBING) {
        atomic_store(&strikes->climbs_since, now_us - 5 * SECOND);
    }
    if (state >= BANNED && state <= ON_LONG_TRIAL) {
        lb_strikes_ban(strikes, &rules, now_us - (state == BANNED ? 0 : 90 * SECOND));
    }
    if (state == ON_TRIAL || state == ON_LONG_TRIAL) {
        const apr_time_t began = now_us - (state == ON_TRIAL ? 0 : 3 * SECOND);
        const lb_strikes_view_t seen = lb_strikes_look(strikes, began);
        MUST(lb_strikes_claim(strikes, &seen, (uint32_t)getpid(), began));
    }
}

static unsigned int status_of(state_t state)
{
    static const unsigned int bits[STATES] = {
        [SPARE] = PROXY_WORKER_HOT_SPARE,
        [STANDBY] = PROXY_WORKER_HOT_STANDBY,
        [DRAINING] = PROXY_WORKER_DRAIN,
        [DISABLED] = PROXY_WORKER_DISABLED,
    };
    return PROXY_WORKER_INITIALIZED | bits[state] | (state >= BANNED ? PROXY_WORKER_IN_ERROR : 0);
}

/* Its pass stays. That a place is taken or given back is told to nobody. */
static void set_state(int i, state_t state, bool is_told)
{
    proxy_worker_shared *s = &alone.shared[i];

    set_room(i, state);
    set_strikes(i, state);
    s->status = status_of(state);
    s->lbfactor = state == HEAVY ? 300 : 100;
    s->lbset = state == SECOND_SET;
    s->retry = apr_time_from_sec(3600);
    s->error_time = apr_time_now();
    atomic_store(&alone.rows[i]->busy_until, state == BUSY ? now_us + SECOND : 0);
    if (is_told) {
        note_change(i);
    }
}

/* ---- Every state of few ---------------------------------------------------------------------- */

static void set_settings(unsigned bits)
{
    alone.balancer_shared.forcerecovery = bits & 1;
    alone.settings.keeps_to_its_turn = bits >> 1 & 1;
}

/* Three elections, the first with these passes. */
static void elect_some(const char *what, unsigned passes)
{
    int held[3], count = 0;

    atomic_store(&alone.balancer.row->clock, passes & 1 ? LB_STRIDE : 0);
    for (int i = 0; i < alone.members.nelts; i++) {
        atomic_store(&alone.rows[i]->pass, passes >> (i + 1) & 1 ? LB_STRIDE : 0);
    }
    note_change(0);    /* outside of tests no pass falls */
    for (int n = 0; n < 3; n++) {
        const int winner = elect(what);
        if (winner >= 0) {
            held[count++] = winner;
        }
    }
    while (count > 0) {
        give_back(held[--count]);
    }
}

START_TEST(three_members_in_every_state)
{
    unsigned long cases = 0;

    alone.members.nelts = 3;
    set_settings((unsigned)_i);
    for (int a = 0; a < STATES; a++) {
        set_state(0, (state_t)a, true);
        for (int b = 0; b < STATES; b++) {
            set_state(1, (state_t)b, true);
            for (int c = 0; c < STATES; c++, cases++) {
                set_state(2, (state_t)c, true);
                for (unsigned passes = 0; passes < 16; passes += 3) {
                    elect_some("three members", passes);
                }
            }
        }
    }
    ck_assert_uint_eq(cases, STATES * STATES * STATES);
}
END_TEST

/* Of each state there is a slate already. */
START_TEST(two_members_and_every_change_of_one)
{
    alone.members.nelts = 2;
    set_settings((unsigned)_i);
    for (int a = 0; a < STATES; a++) {
        for (int b = 0; b < STATES; b++) {
            for (int next = 0; next < STATES; next++) {
                const bool is_told = (a != READY && a != FULL) || (next != READY && next != FULL);
                for (int round = 0; round < 3; round++) {
                    set_state(0, (state_t)a, true);
                    set_state(1, (state_t)b, true);
                    for (int i = 0; i < round; i++) {
                        give_back(elect("before the change"));
                    }
                    set_state(0, (state_t)next, is_told);
                    elect_some("after the change", 0);
                }
            }
        }
    }
}
END_TEST

/* ---- What nobody tells ----------------------------------------------------------------------- */

START_TEST(time_that_passes_is_noticed)
{
    static const state_t wait[] = { CLIMBING, BUSY, BANNED, BAN_IS_OVER, ON_TRIAL, ON_LONG_TRIAL };

    alone.members.nelts = 3;
    set_settings(1);
    set_state(0, READY, true);
    set_state(1, SPARE, true);
    set_state(2, wait[_i], true);
    for (int n = 0; n < 700; n++) {    /* 70 s, and the slate is made anew each 100 ms */
        now_us += SECOND / 40;
        give_back(elect("as time passes"));
    }
}
END_TEST

/* mod_proxy_hcheck, or mod_proxy itself, or a process that is killed before it can tell. */
START_TEST(what_other_modules_change_is_noticed)
{
    alone.members.nelts = 3;
    for (int i = 0; i < 3; i++) {
        set_state(i, READY, true);
    }
    give_back(elect("all are ready"));
    alone.shared[1].status |= PROXY_WORKER_HC_FAIL;
    for (int n = 0; n < 6; n++) {
        give_back(elect("one is not ready"));
    }
    alone.shared[1].status &= ~(unsigned)PROXY_WORKER_HC_FAIL;
    now_us += LB_SLATE_LIFE;
    give_back(elect("all are ready again"));
}
END_TEST

/* ---- Long sequences -------------------------------------------------------------------------- */

static uint32_t random_state;

static uint32_t random_below(uint32_t limit)
{
    random_state = random_state * 1664525 + 1013904223;
    return (uint32_t)((uint64_t)random_state * limit >> 32);
}

#define HELD_MAX 60

static struct {
    int of[HELD_MAX];
    int count;
} held;

static void give_one_back(void)
{
    if (held.count > 0) {
        const int i = (int)random_below((uint32_t)held.count);
        give_back(held.of[i]);
        held.of[i] = held.of[--held.count];
    }
}

static void elect_and_hold(const char *what)
{
    if (held.count == HELD_MAX) {
        give_one_back();
    }
    const int winner = elect(what);
    if (winner >= 0) {
        held.of[held.count++] = winner;
    }
}

static uint32_t waiting_slot = LB_NOBODY;

/* A session for this member; -1: somebody for any. */
static void begin_or_end_waiting(int i)
{
    lb_waiter_t waiter = { .since = now_us,
                           .priority = 5,
                           .member = i < 0 ? LB_NOBODY : (uint32_t)i,
                           .tried = { LB_NOBODY, LB_NOBODY, LB_NOBODY, LB_NOBODY } };
    lb_outcome_t refusal;

    if (waiting_slot == LB_NOBODY) {
        waiting_slot = lb_gate_queue(&newcomer, &waiter, &refusal);
        return;
    }
    const uint32_t granted = lb_admission_end(&alone.ledger, waiting_slot, LB_SERVED, now_us);
    waiting_slot = LB_NOBODY;
    if (granted != LB_NOBODY) {
        lb_gate_give_back_unknown(&alone.balancer, granted);
    }
}

static void change_something(int i)
{
    lb_member_row_t *row = alone.rows[i];
    const lb_member_t changed = member(i);

    switch (random_below(9)) {
    case 0:
        lb_member_change_status(&changed, status_of((state_t)random_below(BANNED)),
                                status_of(SPARE) | status_of(STANDBY) | status_of(DRAINING)
                                    | status_of(DISABLED) | PROXY_WORKER_IN_ERROR);
        break;
    case 1:
        set_strikes(i, (state_t)random_below(STATES));
        note_change(i);
        break;
    case 2:
        alone.shared[i].lbfactor = 100 * (int)(1 + random_below(5));
        alone.shared[i].lbset = random_below(8) == 0;
        note_change(i);
        break;
    case 3:
        lb_health_note_busy(&changed);
        break;
    case 4:
        set_strikes(i, READY);
        lb_member_change_status(&changed, 0, ~(unsigned)PROXY_WORKER_INITIALIZED);
        break;
    case 5:
        begin_or_end_waiting(random_below(3) == 0 ? -1 : i);
        break;
    case 6:
        now_us += random_below((uint32_t)SECOND);
        break;
    default:
        atomic_store(&row->limit, random_below(4));
        atomic_store(&row->queue_limit, 1);
    }
}

START_TEST(long_random_sequences)
{
    random_state = (uint32_t)_i + 1;
    alone.members.nelts = (int)random_below(ALONE_MEMBERS_MAX) + 1;
    for (int i = 0; i < alone.members.nelts; i++) {
        set_state(i, READY, true);
    }
    for (int n = 0; n < 10000; n++) {
        const int any = (int)random_below((uint32_t)alone.members.nelts);
        switch (random_below(20)) {
        case 0:
            change_something(any);
            break;
        case 1:
            charge(any);
            break;
        case 2:
            set_settings(random_below(4));
            note_change(0);
            break;
        case 3:
        case 4:
        case 5:
        case 6:
        case 7:
            give_one_back();
            break;
        default:
            elect_and_hold("a random sequence");
        }
    }
}
END_TEST

/* ---- Threads --------------------------------------------------------------------------------- */

enum {
    THREADS = 4,
    ELECTIONS_EACH = 5000
};

static _Atomic uint32_t won[ALONE_MEMBERS_MAX];

static void *elect_many(void *unused)
{
    lb_member_t elected;
    bool may_wait;

    for (int n = 0; n < ELECTIONS_EACH; n++) {
        MUST(lb_slate_elect(&alone.balancer, &elected, &may_wait));
        atomic_fetch_add(&won[elected.worker->s->index], 1);
        lb_gate_give_back(&elected, NULL);
        if (n % 100 == 0) {
            lb_member_note_change(&elected);    /* others are in the midst of it */
        }
    }
    return unused;
}

START_TEST(threads_share_a_slate_and_shares_are_exact)
{
    pthread_t threads[THREADS];

    alone.members.nelts = 16;
    for (int i = 0; i < alone.members.nelts; i++) {
        set_state(i, READY, true);
    }
    for (int i = 0; i < THREADS; i++) {
        MUST(pthread_create(&threads[i], NULL, elect_many, NULL) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        MUST(pthread_join(threads[i], NULL) == 0);
    }
    for (int i = 0; i < alone.members.nelts; i++) {
        ck_assert_uint_eq(atomic_load(&won[i]), THREADS * ELECTIONS_EACH / 16);
    }
}
END_TEST

/* ---- Processes ------------------------------------------------------------------------------- */

static void elect_for_ever(uint32_t seed)
{
    const lb_member_t of_session = member(0);
    bool are_full;

    join(&alone.ledger, alone.ledger.table);
    random_state = seed;
    for (;;) {
        const lb_member_t elected = lb_lbmethod_elect(&newcomer, &are_full);
        if (random_below(4) == 0) {
            lb_lbmethod_account(&newcomer, &of_session);
        }
        if (elected.worker && random_below(8) > 0) {
            lb_gate_give_back(&elected, NULL);
        }
    }
}

/* The one that remains elects as if it looked at all, whatever the others have left behind. */
START_TEST(killed_processes_leave_no_wrong_slate)
{
    alone.members.nelts = 20;
    for (int i = 0; i < alone.members.nelts; i++) {
        set_state(i, i % 3 == 0 ? HEAVY : READY, true);
        atomic_store(&alone.rows[i]->limit, 50);
    }
    for (uint32_t round = 0; round < 60; round++) {
        pid_t pids[2];
        for (uint32_t i = 0; i < 2; i++) {
            pids[i] = start_child();
            if (pids[i] == 0) {
                elect_for_ever(2 * round + i);
            }
        }
        const uint64_t before = atomic_load(&alone.balancer.row->clock);
        while (atomic_load(&alone.balancer.row->clock) < before + (1 + round % 7) * LB_STRIDE) {
            bool are_full;
            const lb_member_t elected = lb_lbmethod_elect(&newcomer, &are_full);
            if (elected.worker) {
                lb_gate_give_back(&elected, NULL);
            }
        }
        assert_is_killed(pids[0]);
        assert_is_killed(pids[1]);
        lb_ledger_bury_the_dead(alone.ledger.table);
        for (int n = 0; n < 100; n++) {
            give_back(elect("after others were killed"));
        }
        assert_sums_agree(alone.ledger.table);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("slate");
    TCase *tc = tcase_create("as if all were looked at");

    tcase_set_timeout(tc, 300);
    tcase_add_checked_fixture(tc, set_up, alone_end);
    tcase_add_loop_test(tc, three_members_in_every_state, 0, 4);
    tcase_add_loop_test(tc, two_members_and_every_change_of_one, 0, 4);
    tcase_add_loop_test(tc, time_that_passes_is_noticed, 0, 6);
    tcase_add_test(tc, what_other_modules_change_is_noticed);
    tcase_add_loop_test(tc, long_random_sequences, 0, 30);
    suite_add_tcase(suite, tc);

    tc = tcase_create("killed processes");
    tcase_set_timeout(tc, 300);
    tcase_set_tags(tc, NEEDS_ROBUST);
    tcase_add_checked_fixture(tc, set_up, alone_end);
    tcase_add_test(tc, killed_processes_leave_no_wrong_slate);
    suite_add_tcase(suite, tc);

    tc = tcase_create("threads");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, set_up, alone_end);
    tcase_add_test(tc, threads_share_a_slate_and_shares_are_exact);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
