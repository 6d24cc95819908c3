/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_pool.c - connections that are kept, taken and closed; who may open one, in which order. */
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "apr_general.h"
#include "connection_counts.h"
#include "no_tls.h"
#include "pool.h"
#include "shared_table.h"

enum { PATIENCE_MS = 20000 };    /* of a test with what takes no time */

/* ---- What a test has ------------------------------------------------------------------------- */

static apr_pool_t *process, *child, *of_pool;
static int address;

static void begin(void)
{
    apr_initialize();
    apr_pool_create(&process, NULL);
    apr_pool_create(&child, process);
    apr_pool_create(&of_pool, child);
    ck_assert_int_eq(fcgi_connection_counts_open(process, 4), APR_SUCCESS);
    address = fcgi_connection_counts_find("/run/php.sock");
}

static void end(void)
{
    apr_pool_destroy(process);
    apr_terminate();
}

static void start_process(void)
{
    fcgi_connection_counts_join(child);
    ck_assert_int_eq(fcgi_pool_start_reaper(child), APR_SUCCESS);
}

/* With no limits but those that a test sets. */
static fcgi_pool_t *make(fcgi_pool_limits_t limits)
{
    fcgi_pool_t *pool = NULL;

    limits.keepidle = limits.keepidle ? limits.keepidle : 1000;
    limits.smax = limits.smax ? limits.smax : -1;
    limits.address = address;
    MUST(fcgi_pool_make(&pool, &limits, of_pool) == APR_SUCCESS);
    return pool;
}

static fcgi_connection_t *connect_to(const char *socket, int *peer)
{
    fcgi_connection_t *c = calloc(1, sizeof(*c));
    int ends[2];

    MUST(c && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    c->fd = ends[0];
    c->uses = 1;
    snprintf(c->socket, sizeof(c->socket), "%s", socket);
    *peer = ends[1];
    return c;
}

/* One that is kept.
 * peer     the backend's end */
static fcgi_connection_t *keep_new(fcgi_pool_t *pool, int *peer)
{
    fcgi_connection_t *c = connect_to("", peer), *kept = c;
    fcgi_pool_keep(pool, &kept);
    MUST(kept == NULL);
    return c;
}

static bool is_closed(int peer, int patience_ms)
{
    struct pollfd backend = { .fd = peer, .events = POLLIN };
    char byte;

    if (poll(&backend, 1, patience_ms) != 1) {
        return false;
    }
    const ssize_t got = recv(peer, &byte, 1, MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno == ECONNRESET);    /* with something unread in it */
}

static int kept_in_all(void)
{
    return fcgi_connection_counts_total(address, FCGI_COUNT_KEPT);
}

static void take_and_close(fcgi_pool_t *pool, fcgi_connection_t *expected)
{
    fcgi_connection_t *c = fcgi_pool_take(pool, "", false);
    ck_assert_ptr_eq(c, expected);
    fcgi_connection_close(&c);
}

/* ---- Reuse ----------------------------------------------------------------------------------- */

START_TEST(who_was_kept_last_is_taken_first)
{
    int peers[3];
    start_process();
    fcgi_pool_t *pool = make((fcgi_pool_limits_t){ 0 });
    fcgi_connection_t *first = keep_new(pool, &peers[0]), *second = keep_new(pool, &peers[1]),
                      *third = keep_new(pool, &peers[2]);

    ck_assert_int_eq(kept_in_all(), 3);
    ck_assert(third->was_kept);
    take_and_close(pool, third);
    take_and_close(pool, second);
    take_and_close(pool, first);
    take_and_close(pool, NULL);
    ck_assert_int_eq(kept_in_all(), 0);
}
END_TEST

START_TEST(each_socket_has_its_own)
{
    int peers[2];
    start_process();
    fcgi_pool_t *pool = make((fcgi_pool_limits_t){ 0 });
    fcgi_connection_t *a = connect_to("/run/a", &peers[0]), *b = connect_to("/run/b", &peers[1]);
    fcgi_connection_t *of_a = a, *of_b = b;

    fcgi_pool_keep(pool, &a);
    fcgi_pool_keep(pool, &b);
    ck_assert_ptr_null(fcgi_pool_take(pool, "", false));
    ck_assert_ptr_null(fcgi_pool_take(pool, "/run", false));
    ck_assert_ptr_eq(fcgi_pool_take(pool, "/run/a", false), of_a);
    ck_assert_ptr_eq(fcgi_pool_take(pool, "/run/b", false), of_b);
    ck_assert_int_eq(kept_in_all(), 0);
    fcgi_connection_close(&of_a);
    fcgi_connection_close(&of_b);
}
END_TEST

/* What a backend may have done meanwhile: closed it, sent something, half closed it. */
static void go_away(int peer, int how)
{
    MUST(how == 0 ? close(peer) == 0 : how == 1 ? send(peer, "x", 1, 0) == 1
                                                : shutdown(peer, SHUT_WR) == 0);
}

/* All of what may have become of three: each is good or stale, in one of three ways. */
START_TEST(stale_ones_are_passed_over_and_closed)
{
    fcgi_connection_t *kept[3];
    int peers[3];
    start_process();
    fcgi_pool_t *pool = make((fcgi_pool_limits_t){ 0 });

    for (int i = 0, rest = _i; i < 3; i++, rest /= 4) {
        kept[i] = keep_new(pool, &peers[i]);
        if (rest % 4 < 3) {
            go_away(peers[i], rest % 4);
        }
    }
    for (int i = 2; i >= 0; i--) {
        const bool is_good = (_i >> (2 * i)) % 4 == 3;
        if (is_good) {
            take_and_close(pool, kept[i]);
        }
    }
    take_and_close(pool, NULL);
    ck_assert_int_eq(kept_in_all(), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert((_i >> (2 * i)) % 4 == 0 || is_closed(peers[i], 0));
    }
}
END_TEST

/* On a slow machine a moment may have passed: then it was looked at, and nothing is there. */
START_TEST(who_may_meet_a_stale_one_gets_it_without_a_look)
{
    int peer;
    start_process();
    fcgi_pool_t *pool = make((fcgi_pool_limits_t){ 0 });
    fcgi_connection_t *c = NULL;

    for (int i = 0; i < 100 && !c; i++) {
        keep_new(pool, &peer);
        close(peer);
        c = fcgi_pool_take(pool, "", true);
    }
    ck_assert_ptr_nonnull(c);
    ck_assert(c->is_unproven);
    fcgi_connection_close(&c);

    fcgi_pool_note_stale(pool);
    keep_new(pool, &peer);
    close(peer);
    ck_assert_ptr_null(fcgi_pool_take(pool, "", true));
    fcgi_connection_t *quiet = keep_new(pool, &peer);
    ck_assert_ptr_eq(fcgi_pool_take(pool, "", true), quiet);
    ck_assert(!quiet->is_unproven);
    fcgi_connection_close(&quiet);
}
END_TEST

START_TEST(after_maxuses_it_is_closed)
{
    int peer;
    start_process();
    fcgi_pool_t *pool = make((fcgi_pool_limits_t){ .maxuses = 3 });
    fcgi_connection_t *c = connect_to("", &peer);

    for (c->uses = 1; c && c->uses < 3; c->uses++) {
        fcgi_pool_keep(pool, &c);
        c = fcgi_pool_take(pool, "", false);
    }
    ck_assert_ptr_nonnull(c);
    fcgi_pool_keep(pool, &c);
    ck_assert_ptr_null(c);
    ck_assert(is_closed(peer, 0));
    ck_assert_int_eq(kept_in_all(), 0);
}
END_TEST

START_TEST(a_backend_that_has_no_count_is_kept_too)
{
    int peer;
    start_process();
    address = -1;
    fcgi_pool_t *pool = make((fcgi_pool_limits_t){ 0 });

    take_and_close(pool, keep_new(pool, &peer));
}
END_TEST

START_TEST(a_process_without_a_row_keeps_too)
{
    int peer;
    fcgi_pool_t *pool = make((fcgi_pool_limits_t){ 0 });

    take_and_close(pool, keep_new(pool, &peer));
    ck_assert_int_eq(kept_in_all(), 0);
}
END_TEST

/* ---- Somebody waits -------------------------------------------------------------------------- */

/* Another process, with so many requests that wait and connections that it keeps. */
static void wait_as_other(int waiting, int kept, _Atomic uint32_t *is_there)
{
    fcgi_connection_counts_join(child);
    fcgi_connection_counts_add(address, FCGI_COUNT_WAITING, waiting);
    fcgi_connection_counts_add(address, FCGI_COUNT_KEPT, kept);
    atomic_store(is_there, 1);
    for (;;) {
        pause();
    }
}

static pid_t start_other(int waiting, int kept)
{
    _Atomic uint32_t *is_there = shared_memory(sizeof(*is_there));
    const pid_t pid = start_child();

    if (pid == 0) {
        wait_as_other(waiting, kept, is_there);
    }
    wait_until_set(is_there);
    return pid;
}

START_TEST(while_one_waits_nothing_is_kept)
{
    int peer;
    start_process();
    fcgi_pool_t *pool = make((fcgi_pool_limits_t){ 0 });
    fcgi_connection_t *c = connect_to("", &peer);

    fcgi_pool_note_waiting(pool, 1);
    fcgi_pool_keep(pool, &c);
    ck_assert_ptr_null(c);
    ck_assert(is_closed(peer, 0));
    fcgi_pool_note_waiting(pool, -1);
    take_and_close(pool, keep_new(pool, &peer));
}
END_TEST

START_TEST(one_that_waits_in_another_process_gets_what_is_kept)
{
    int peer;
    _Atomic uint32_t *is_due = shared_memory(sizeof(*is_due)), *is_there = shared_memory(4);
    const pid_t other = start_child();

    if (other == 0) {
        wait_until_set(is_due);
        wait_as_other(1, 0, is_there);
    }
    start_process();
    keep_new(make((fcgi_pool_limits_t){ 0 }), &peer);
    ck_assert(!is_closed(peer, 0));
    atomic_store(is_due, 1);
    ck_assert(is_closed(peer, PATIENCE_MS));
    ck_assert_int_eq(kept_in_all(), 0);
    assert_is_killed(other);
}
END_TEST

/* ---- Idle for too long ----------------------------------------------------------------------- */

START_TEST(idletimeout_closes_but_not_before)
{
    int peer;
    start_process();
    fcgi_pool_t *pool = make((fcgi_pool_limits_t){ .idletimeout = 150000 });
    const apr_time_t began = fc_now();

    keep_new(pool, &peer);
    ck_assert(is_closed(peer, PATIENCE_MS));
    ck_assert_int_ge(fc_now() - began, 150000);
    ck_assert_int_eq(kept_in_all(), 0);
}
END_TEST

static bool is_true(const void *flag)
{
    return *(const bool *)flag;
}

START_TEST(what_nobody_asks_for_any_more_is_closed)
{
    bool is_removed = false;
    int peer;
    start_process();
    fcgi_pool_t *pool = make((fcgi_pool_limits_t){ .is_abandoned = is_true, .owner = &is_removed });

    keep_new(pool, &peer);
    ck_assert(!is_closed(peer, 200));
    __atomic_store_n(&is_removed, true, __ATOMIC_SEQ_CST);
    ck_assert(is_closed(peer, 10000));
    ck_assert_int_eq(kept_in_all(), 0);
}
END_TEST

START_TEST(ttl_closes_the_oldest_of_those_above_smax)
{
    int peers[3];
    start_process();
    fcgi_pool_t *pool = make((fcgi_pool_limits_t){ .smax = 1, .ttl = 100000 });
    const apr_time_t began = fc_now();

    keep_new(pool, &peers[0]);
    keep_new(pool, &peers[1]);
    fcgi_connection_t *last = keep_new(pool, &peers[2]);
    ck_assert(is_closed(peers[0], PATIENCE_MS));
    ck_assert(is_closed(peers[1], PATIENCE_MS));
    ck_assert_int_ge(fc_now() - began, 100000);
    ck_assert(!is_closed(peers[2], 0));
    take_and_close(pool, last);
}
END_TEST

START_TEST(keepidle_counts_over_all_processes)
{
    int peers[3];
    const pid_t other = start_other(0, 2);
    start_process();
    fcgi_pool_t *pool = make((fcgi_pool_limits_t){ .keepidle = 3 });

    for (int i = 0; i < 3; i++) {
        keep_new(pool, &peers[i]);
    }
    ck_assert_int_eq(kept_in_all(), 5);
    ck_assert(is_closed(peers[0], PATIENCE_MS));
    ck_assert(is_closed(peers[1], PATIENCE_MS));
    ck_assert(!is_closed(peers[2], 0));
    assert_is_killed(other);
    while (kept_in_all() > 1) {    /* until the dead one is noticed */
        sched_yield();
    }
    keep_new(pool, &peers[0]);
    keep_new(pool, &peers[1]);
    ck_assert(!is_closed(peers[2], 300));    /* the grace is 100 ms */
    ck_assert_int_eq(kept_in_all(), 3);
}
END_TEST

START_TEST(a_backend_that_is_removed_leaves_nothing)
{
    int peers[3];
    start_process();
    fcgi_pool_t *pool = make((fcgi_pool_limits_t){ 0 });
    keep_new(pool, &peers[0]);
    keep_new(pool, &peers[1]);
    apr_pool_destroy(of_pool);
    ck_assert(is_closed(peers[0], 0));
    ck_assert(is_closed(peers[1], 0));
    ck_assert_int_eq(kept_in_all(), 0);

    apr_pool_create(&of_pool, child);    /* the reaper goes on with the next one */
    pool = make((fcgi_pool_limits_t){ .idletimeout = 1000 });
    keep_new(pool, &peers[2]);
    ck_assert(is_closed(peers[2], PATIENCE_MS));
}
END_TEST

START_TEST(a_process_that_ends_closes_all_and_counts_nothing)
{
    int peers[2];
    start_process();
    fcgi_pool_t *pool = make((fcgi_pool_limits_t){ 0 });
    keep_new(pool, &peers[0]);
    keep_new(make((fcgi_pool_limits_t){ 0 }), &peers[1]);
    ck_assert_int_eq(kept_in_all(), 2);
    apr_pool_destroy(child);
    ck_assert(is_closed(peers[0], 0));
    ck_assert(is_closed(peers[1], 0));
    ck_assert_int_eq(kept_in_all(), 0);
}
END_TEST

/* ---- The right to a connection --------------------------------------------------------------- */

static bool rings(const fcgi_pool_place_t *place)
{
    struct pollfd bell = { .fd = place->bell, .events = POLLIN };
    return poll(&bell, 1, 0) == 1;
}

START_TEST(without_max_nobody_waits)
{
    fcgi_pool_t *pool = make((fcgi_pool_limits_t){ 0 });
    fcgi_pool_place_t place = { 0 };

    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(fcgi_pool_enter(pool, &place), APR_SUCCESS);
    }
    ck_assert(!fcgi_pool_end_waiting(pool, &place));
    fcgi_pool_leave(pool);
}
END_TEST

START_TEST(acquire_is_how_long_one_waits)
{
    ck_assert_int_eq(fcgi_pool_patience(make((fcgi_pool_limits_t){ .acquire = 7000 })), 7000);
    ck_assert_int_lt(fcgi_pool_patience(make((fcgi_pool_limits_t){ .acquire = 0 })), 0);
}
END_TEST

START_TEST(without_a_descriptor_nobody_takes_a_place)
{
    fcgi_pool_t *pool = make((fcgi_pool_limits_t){ .max = 1 });
    fcgi_pool_place_t first = { 0 }, second = { 0 };
    struct rlimit before, none = { 0 };

    ck_assert_int_eq(fcgi_pool_enter(pool, &first), APR_SUCCESS);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    none.rlim_max = before.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    const apr_status_t rv = fcgi_pool_enter(pool, &second);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert_int_eq(rv, EMFILE);
    ck_assert(!fcgi_pool_end_waiting(pool, &second));
    fcgi_pool_leave(pool);
    ck_assert_int_eq(fcgi_pool_enter(pool, &second), APR_SUCCESS);
}
END_TEST

/* Requests, a pool, and what should be: who has a right, and who waits in which order. */
enum {
    REQUESTS = 4,
    STEPS = 9
};
typedef enum {
    OUT,
    WAITING,
    HOLDING
} request_state_t;

typedef struct {
    fcgi_pool_t *pool;
    fcgi_pool_place_t place[REQUESTS];
    request_state_t state[REQUESTS];
    bool was_rung[REQUESTS];           /* it has a right and does not know */
    int line[REQUESTS], waiting;
    int held, max;
} model_t;

static void give_right(model_t *m)
{
    if (m->waiting == 0) {
        m->held--;
        return;
    }
    m->was_rung[m->line[0]] = true;
    memmove(m->line, m->line + 1, (size_t)--m->waiting * sizeof(m->line[0]));
}

static void leave_line(model_t *m, int who)
{
    int kept = 0;
    for (int i = 0; i < m->waiting; i++) {
        if (m->line[i] != who) {
            m->line[kept++] = m->line[i];
        }
    }
    m->waiting = kept;
}

static void enter(model_t *m, int who)
{
    const apr_status_t rv = fcgi_pool_enter(m->pool, &m->place[who]);

    if (m->held < m->max) {
        MUST(rv == APR_SUCCESS);
        m->held++;
        m->state[who] = HOLDING;
    }
    else {
        MUST(rv == APR_EINPROGRESS);
        m->line[m->waiting++] = who;
        m->state[who] = WAITING;
    }
}

/* Whether it was rung for or gives up. */
static void stop_waiting(model_t *m, int who)
{
    MUST(fcgi_pool_end_waiting(m->pool, &m->place[who]) == m->was_rung[who]);
    MUST(!fcgi_pool_end_waiting(m->pool, &m->place[who]));
    leave_line(m, who);
    m->state[who] = m->was_rung[who] ? HOLDING : OUT;
    m->was_rung[who] = false;
}

static void leave(model_t *m, int who)
{
    fcgi_pool_leave(m->pool);
    m->state[who] = OUT;
    give_right(m);
}

static void step(model_t *m, int who)
{
    static void (*const next[])(model_t *, int) = { enter, stop_waiting, leave };

    next[m->state[who]](m, who);
    fcgi_pool_check(m->pool);
    for (int i = 0; i < REQUESTS; i++) {
        MUST(m->state[i] != WAITING || rings(&m->place[i]) == m->was_rung[i]);
    }
}

static void empty(model_t *m)
{
    for (int i = 0; i < REQUESTS; i++) {
        if (m->state[i] == WAITING) {
            stop_waiting(m, i);
        }
        if (m->state[i] == HOLDING) {
            leave(m, i);
        }
    }
    MUST(m->held == 0 && m->waiting == 0);
}

/* Every order in which four requests can come, wait, give up and go, in nine steps; the first is
 * always the same, as they are alike. */
START_TEST(rights_are_given_in_order_whatever_happens)
{
    model_t m = { .pool = make((fcgi_pool_limits_t){ .max = _i }), .max = _i };
    const int orders = 1 << (2 * (STEPS - 1));

    for (int order = 0; order < orders; order++) {
        step(&m, 0);
        for (int i = 0, rest = order; i < STEPS - 1; i++, rest /= REQUESTS) {
            step(&m, rest % REQUESTS);
        }
        empty(&m);
    }
}
END_TEST

/* ---- Threads --------------------------------------------------------------------------------- */

enum {
    THREADS = 6,
    ROUNDS = 300,
    RIGHTS = 2
};
static _Atomic int inside, served, gave_up;

/* Take a right, wait for it if needed, for ever or just for a moment; reuse a connection. */
static void *hurry(void *data)
{
    fcgi_pool_t *pool = data;
    fcgi_pool_place_t place = { 0 };

    for (int i = 0; i < ROUNDS; i++) {
        int peer = -1;
        if (fcgi_pool_enter(pool, &place) == APR_EINPROGRESS) {
            struct pollfd bell = { .fd = place.bell, .events = POLLIN };
            (void)poll(&bell, 1, i % 3 ? -1 : 0);
            if (!fcgi_pool_end_waiting(pool, &place)) {
                atomic_fetch_add(&gave_up, 1);
                continue;
            }
        }
        MUST(atomic_fetch_add(&inside, 1) < RIGHTS);
        fcgi_connection_t *c = fcgi_pool_take(pool, "", false);
        c = c ? c : connect_to("", &peer);
        c->uses++;
        fcgi_pool_keep(pool, &c);
        atomic_fetch_sub(&inside, 1);
        atomic_fetch_add(&served, 1);
        fcgi_pool_leave(pool);
    }
    return NULL;
}

START_TEST(threads_share_rights_and_connections)
{
    pthread_t threads[THREADS];
    start_process();
    fcgi_pool_t *pool = make((fcgi_pool_limits_t){ .max = RIGHTS });

    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, hurry, pool), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    }
    ck_assert_int_eq(atomic_load(&served) + atomic_load(&gave_up), THREADS * ROUNDS);
    ck_assert_int_gt(kept_in_all(), 0);
    ck_assert_int_le(kept_in_all(), RIGHTS);
    fcgi_pool_check(pool);
}
END_TEST

/* ---- The invariants bite --------------------------------------------------------------------- */

START_TEST(who_gives_back_what_was_not_taken_is_found)
{
    fcgi_pool_t *pool = make((fcgi_pool_limits_t){ .max = 1 });

    ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr));
    fcgi_pool_leave(pool);
}
END_TEST

START_TEST(who_keeps_a_connection_twice_is_found)
{
    int peer;
    fcgi_pool_t *pool = make((fcgi_pool_limits_t){ 0 });
    fcgi_connection_t *c = keep_new(pool, &peer);

    ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr));
    fcgi_pool_keep(pool, &c);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pool");
    TCase *keeping = tcase_create("keeping"), *idle = tcase_create("idle");
    TCase *rights = tcase_create("rights"), *threads = tcase_create("threads");
    TCase *invariants = tcase_create("invariants"), *killed = tcase_create("killed processes");

    tcase_add_checked_fixture(keeping, begin, end);
    tcase_add_test(keeping, who_was_kept_last_is_taken_first);
    tcase_add_test(keeping, each_socket_has_its_own);
    tcase_add_loop_test(keeping, stale_ones_are_passed_over_and_closed, 0, 64);
    tcase_add_test(keeping, who_may_meet_a_stale_one_gets_it_without_a_look);
    tcase_add_test(keeping, after_maxuses_it_is_closed);
    tcase_add_test(keeping, a_backend_that_has_no_count_is_kept_too);
    tcase_add_test(keeping, a_process_without_a_row_keeps_too);
    tcase_add_test(keeping, while_one_waits_nothing_is_kept);
    suite_add_tcase(suite, keeping);

    tcase_add_checked_fixture(idle, begin, end);
    tcase_set_timeout(idle, 40);
    tcase_add_test(idle, one_that_waits_in_another_process_gets_what_is_kept);
    tcase_add_test(idle, idletimeout_closes_but_not_before);
    tcase_add_test(idle, what_nobody_asks_for_any_more_is_closed);
    tcase_add_test(idle, ttl_closes_the_oldest_of_those_above_smax);
    tcase_add_test(idle, a_backend_that_is_removed_leaves_nothing);
    tcase_add_test(idle, a_process_that_ends_closes_all_and_counts_nothing);
    suite_add_tcase(suite, idle);

    tcase_add_checked_fixture(killed, begin, end);
    tcase_set_timeout(killed, 40);
    tcase_set_tags(killed, NEEDS_ROBUST);
    tcase_add_test(killed, keepidle_counts_over_all_processes);
    suite_add_tcase(suite, killed);

    tcase_add_checked_fixture(rights, begin, end);
    tcase_set_timeout(rights, 60);
    tcase_add_test(rights, without_max_nobody_waits);
    tcase_add_test(rights, acquire_is_how_long_one_waits);
    tcase_add_test(rights, without_a_descriptor_nobody_takes_a_place);
    tcase_add_loop_test(rights, rights_are_given_in_order_whatever_happens, 1, 4);
    suite_add_tcase(suite, rights);

    tcase_add_checked_fixture(threads, begin, end);
    tcase_set_timeout(threads, 40);
    tcase_add_test(threads, threads_share_rights_and_connections);
    suite_add_tcase(suite, threads);

    tcase_add_checked_fixture(invariants, begin, end);
    tcase_add_test_raise_signal(invariants, who_gives_back_what_was_not_taken_is_found, SIGABRT);
    tcase_add_test_raise_signal(invariants, who_keeps_a_connection_twice_is_found, SIGABRT);
    suite_add_tcase(suite, invariants);
    return run_suite(suite);
}
