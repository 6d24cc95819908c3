/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_wait_set.c - a parked request hears of the same things as one that waits in its thread, and
 * nothing of it stays in the set but a connection that is open. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "apr_general.h"
#include "shared_table.h"
#include "watcher.h"

enum {
    FAR_MS = 20000,
    KEPT_MAX = 64
};

static apr_pool_t *child;

static void begin(void)
{
    apr_initialize();
    apr_pool_create(&child, NULL);
    fcgi_wait_set_start(child);
    ck_assert_int_eq(fcgi_watcher_start(child), APR_SUCCESS);
}

static void end(void)
{
    apr_pool_destroy(child);
    apr_terminate();
}

static int open_descriptors(void)
{
    DIR *all = opendir("/proc/self/fd");
    int count = 0;

    MUST(all);
    while (readdir(all)) {
        count++;
    }
    closedir(all);
    return count;
}

typedef struct {
    int ours, theirs;
} pair_t;

static pair_t connect_pair(void)
{
    int ends[2];
    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
    return (pair_t){ ends[0], ends[1] };
}

static void close_pair(const pair_t *pair)
{
    close(pair->ours);
    close(pair->theirs);
}

static fcgi_wait_set_t *arm(const fcgi_wait_t *wait)
{
    fcgi_wait_set_t *set = fcgi_wait_set_arm(wait);

    MUST(!wait->home || *wait->home == set);
    return set;
}

static void disarm(fcgi_wait_set_t *set, const fcgi_wait_t *wait)
{
    fcgi_wait_set_disarm(&set, wait);
    MUST(set == NULL);
}

static const fcgi_wait_t for_nothing = { .fd = -1, .client_fd = -1 };

static bool is_ready(const fcgi_wait_set_t *set, int patience_ms)
{
    struct pollfd of_mpm = { .fd = fcgi_wait_set_fd(set), .events = POLLIN };
    return poll(&of_mpm, 1, patience_ms) == 1;
}

/* ---- What comes ------------------------------------------------------------------------------ */

/* What a peer may have done before. */
enum {
    NOTHING,
    SENT,
    HALF_CLOSED,
    SENT_AND_HALF_CLOSED,
    CLOSED,
    FULL,
    DEEDS
};

static void act(const pair_t *pair, int deed)
{
    static const char junk[65536];

    if (deed == SENT || deed == SENT_AND_HALF_CLOSED) {
        MUST(send(pair->theirs, "x", 1, 0) == 1);
    }
    if (deed == HALF_CLOSED || deed == SENT_AND_HALF_CLOSED) {
        MUST(shutdown(pair->theirs, SHUT_WR) == 0);
    }
    if (deed == CLOSED) {
        MUST(shutdown(pair->theirs, SHUT_RDWR) == 0);
    }
    while (deed == FULL && send(pair->ours, junk, sizeof(junk), 0) > 0) {
    }
}

enum { ALL_WANTED = 32 };
static const unsigned bits[] = { FCGI_READABLE, FCGI_WRITABLE, FCGI_CLIENT_READABLE,
                                 FCGI_CLIENT_WRITABLE, FCGI_CLIENT_MAY_END };

/* As park.c does. What the watcher has not heard yet comes with the next look.
 * returns  is that all? */
static bool is_heard(fcgi_watched_t *client, const fcgi_wait_t *wait, unsigned came)
{
    fcgi_wait_set_t *set = arm(wait);

    MUST(fcgi_watcher_arm(client, set, wait, 0));
    MUST(is_ready(set, came ? FAR_MS
                            : 0)
         == (came != 0));
    unsigned heard = fcgi_watcher_disarm(client) ? FCGI_CLIENT_GONE
                                                 : 0;
    heard |= fcgi_wait_set_look(&set, wait);
    disarm(set, wait);
    MUST((heard & ~came) == 0);
    return heard == came;
}

static void parked_hears(const fcgi_wait_t *wait, unsigned came)
{
    fcgi_watched_t client = { 0 };

    while (!is_heard(&client, wait, came)) {
    }
    fcgi_watcher_forget(&client);
}

/* _i: what backend and client did, and which of them there is. For whatever is wanted, watcher and
 * set tell what poll() tells a thread. */
START_TEST(parked_or_not_the_same_comes)
{
    const pair_t backend = connect_pair(), client = connect_pair();
    const int has = _i / (DEEDS * DEEDS);
    fcgi_wait_set_t *of_connection = NULL;    /* the same for all waits */
    fcgi_wait_t wait = { .fd = has & 1 ? backend.ours
                                       : -1,
                         .client_fd = has & 2 ? client.ours
                                              : -1,
                         .timeout = 0 };

    act(&backend, _i % DEEDS);
    act(&client, _i / DEEDS % DEEDS);
    for (int all = 0; all < ALL_WANTED; all++) {
        wait.wanted = 0;
        for (int i = 0; i < 5; i++) {
            wait.wanted |= all >> i & 1 ? bits[i] : 0;
        }
        const unsigned came = fcgi_wait_in_thread(&wait) & ~FCGI_TIME_IS_UP;
        wait.home = NULL;
        parked_hears(&wait, came);
        wait.home = has & 1 ? &of_connection
                            : NULL;
        parked_hears(&wait, came);
    }
    close_pair(&backend);
    close_pair(&client);
    fcgi_wait_set_leave(&of_connection);
}
END_TEST

START_TEST(several_wait_for_one_backend)
{
    enum { WAITS = 20 };
    const pair_t backend = connect_pair();
    const fcgi_wait_t wait = { .fd = backend.ours, .client_fd = -1, .wanted = FCGI_READABLE };
    fcgi_wait_set_t *sets[WAITS];

    for (int i = 0; i < WAITS; i++) {
        sets[i] = arm(&wait);
        ck_assert(!is_ready(sets[i], 0));
    }
    ck_assert_int_eq(send(backend.theirs, "x", 1, 0), 1);
    for (int i = 0; i < WAITS; i++) {    /* each hears of it, whoever has gone before */
        ck_assert(is_ready(sets[i], 0));
        ck_assert_uint_eq(fcgi_wait_set_look(&sets[i], &wait), FCGI_READABLE);
        disarm(sets[i], &wait);
    }
    close_pair(&backend);
}
END_TEST

/* ---- From one wait to the next --------------------------------------------------------------- */

START_TEST(what_one_waited_for_does_not_wake_the_next)
{
    const pair_t backend = connect_pair(), client = connect_pair();
    const fcgi_wait_t first = { .fd = backend.ours,
                                .client_fd = client.ours,
                                .wanted = FCGI_READABLE | FCGI_CLIENT_READABLE };
    fcgi_wait_set_t *set = arm(&first);
    const int fd = fcgi_wait_set_fd(set);

    act(&backend, SENT);
    act(&client, SENT);
    ck_assert(is_ready(set, 0));
    disarm(set, &first);
    set = arm(&for_nothing);
    ck_assert_int_eq(fcgi_wait_set_fd(set), fd);    /* it was kept */
    ck_assert(!is_ready(set, 0));
    disarm(set, &for_nothing);
    close_pair(&backend);
    close_pair(&client);
}
END_TEST

START_TEST(set_stays_with_a_connection_until_that_is_closed)
{
    fcgi_wait_set_t *home = NULL;
    int fd = -1;

    for (int i = 0; i < 3; i++) {
        const pair_t backend = connect_pair();
        fcgi_wait_t wait = { .fd = backend.ours, .home = &home, .client_fd = -1 };
        for (int all = 1; all < 8; all++) {
            wait.wanted = all & (FCGI_READABLE | FCGI_WRITABLE);
            fcgi_wait_set_t *set = arm(&wait);
            fd = fd < 0 ? fcgi_wait_set_fd(set)
                        : fd;
            ck_assert_int_eq(fcgi_wait_set_fd(set), fd);    /* and so does the next connection */
            ck_assert_uint_eq(fcgi_wait_set_look(&set, &wait), wait.wanted & FCGI_WRITABLE);
            disarm(set, &wait);
            ck_assert_ptr_nonnull(home);
        }
        act(&backend, SENT);
        close_pair(&backend);
        fcgi_wait_set_leave(&home);
        ck_assert_ptr_null(home);
    }
}
END_TEST

START_TEST(client_is_in_no_set_after_the_wait)
{
    const pair_t backend = connect_pair(), client = connect_pair();
    fcgi_wait_set_t *home = NULL;
    const fcgi_wait_t for_client = { .fd = backend.ours,
                                     .home = &home,
                                     .client_fd = client.ours,
                                     .wanted = FCGI_READABLE | FCGI_CLIENT_WRITABLE };
    const fcgi_wait_t for_backend = { .fd = backend.ours,
                                      .home = &home,
                                      .client_fd = client.ours,
                                      .wanted = FCGI_READABLE };

    for (int i = 0; i < 3; i++) {
        fcgi_wait_set_t *set = arm(&for_client);
        ck_assert_uint_eq(fcgi_wait_set_look(&set, &for_client), FCGI_CLIENT_WRITABLE);
        disarm(set, &for_client);
        set = arm(&for_backend);
        ck_assert(!is_ready(set, 0));
        disarm(set, &for_backend);
    }
    close_pair(&backend);
    close_pair(&client);
    fcgi_wait_set_leave(&home);
}
END_TEST

START_TEST(pebble_wakes_once_and_says_nothing)
{
    const int before = open_descriptors();
    fcgi_wait_set_t *set = arm(&for_nothing);

    ck_assert(fcgi_wait_set_throw_pebble(set));
    ck_assert(fcgi_wait_set_throw_pebble(set));
    ck_assert(is_ready(set, 0));
    ck_assert_uint_eq(fcgi_wait_set_look(&set, &for_nothing), 0);
    ck_assert(!is_ready(set, 0));
    ck_assert(fcgi_wait_set_throw_pebble(set));
    ck_assert(is_ready(set, 0));
    disarm(set, &for_nothing);
    ck_assert_int_eq(open_descriptors(), before + 1);    /* the set, which is kept */
    set = arm(&for_nothing);
    ck_assert(!is_ready(set, 0));
    disarm(set, &for_nothing);
}
END_TEST

/* ---- What is kept ---------------------------------------------------------------------------- */

START_TEST(some_sets_are_kept_and_no_more)
{
    fcgi_wait_set_t *sets[KEPT_MAX + 10];
    const int before = open_descriptors();

    for (int i = 0; i < KEPT_MAX + 10; i++) {
        sets[i] = arm(&for_nothing);
        ck_assert_ptr_nonnull(sets[i]);
    }
    for (int i = 0; i < KEPT_MAX + 10; i++) {
        disarm(sets[i], &for_nothing);
    }
    ck_assert_int_eq(open_descriptors(), before + KEPT_MAX);
}
END_TEST

START_TEST(the_end_of_the_process_closes_what_is_kept_and_what_comes_later)
{
    const int before = open_descriptors() - 2;    /* those of the watcher */
    fcgi_wait_set_t *kept = arm(&for_nothing);
    fcgi_wait_set_t *parked = arm(&for_nothing);

    disarm(kept, &for_nothing);
    apr_pool_clear(child);
    disarm(parked, &for_nothing);
    ck_assert_int_eq(open_descriptors(), before);
}
END_TEST

/* ---- Descriptors that are closed under it ---------------------------------------------------- */

START_TEST(without_the_descriptor_there_is_no_set)
{
    const pair_t backend = connect_pair();
    fcgi_wait_set_t *home = NULL;
    const fcgi_wait_t wait = {
        .fd = backend.ours, .home = &home, .client_fd = -1, .wanted = FCGI_READABLE
    };

    close_pair(&backend);
    const int before = open_descriptors();
    ck_assert_ptr_null(arm(&wait));
    ck_assert_ptr_null(home);
    ck_assert_int_eq(open_descriptors(), before);
}
END_TEST

/* Closed, but a copy of it lives: the kernel keeps it in the set, and nobody can take it out. */
START_TEST(copy_of_a_closed_descriptor_wakes_nobody_else)
{
    const pair_t backend = connect_pair();
    const int before = open_descriptors();
    const fcgi_wait_t wait = { .fd = backend.ours, .client_fd = -1, .wanted = FCGI_READABLE };
    fcgi_wait_set_t *set = arm(&wait);

    const int copy = dup(backend.ours);
    close(backend.ours);
    ck_assert_int_eq(send(backend.theirs, "x", 1, 0), 1);
    ck_assert(is_ready(set, 0));
    disarm(set, &wait);
    close(copy);
    ck_assert_int_eq(open_descriptors(), before - 1);    /* the set is gone, not kept */
}
END_TEST

/* The same of a connection, which is closed without a look at its set: as when httpd has forked
 * another program that has not begun yet. */
START_TEST(copy_of_a_closed_connection_is_heard_once)
{
    const pair_t backend = connect_pair(), next = connect_pair();
    fcgi_wait_set_t *home = NULL;
    fcgi_wait_t wait = {
        .fd = backend.ours, .home = &home, .client_fd = -1, .wanted = FCGI_READABLE
    };

    disarm(arm(&wait), &wait);
    const int copy = dup(backend.ours);
    close(backend.ours);
    fcgi_wait_set_leave(&home);
    act(&backend, SENT);
    wait.fd = next.ours;
    fcgi_wait_set_t *set = arm(&wait);
    ck_assert(is_ready(set, 0));
    ck_assert_uint_eq(fcgi_wait_set_look(&set, &wait), 0);
    ck_assert(!is_ready(set, 0));    /* it is another one */
    ck_assert_ptr_eq(set, home);
    act(&next, SENT);
    ck_assert_uint_eq(fcgi_wait_set_look(&set, &wait), FCGI_READABLE);
    disarm(set, &wait);
    close(copy);
    close(backend.theirs);
    close_pair(&next);
    fcgi_wait_set_leave(&home);
}
END_TEST

START_TEST(closed_client_takes_its_set_along)
{
    const pair_t client = connect_pair();
    const int before = open_descriptors();
    const fcgi_wait_t wait = { .fd = -1,
                               .client_fd = client.ours,
                               .wanted = FCGI_CLIENT_READABLE };
    fcgi_wait_set_t *set = arm(&wait);

    close(client.ours);
    disarm(set, &wait);
    ck_assert_int_eq(open_descriptors(), before - 1);
}
END_TEST

/* The MPM took the set for the client's socket and closed it; its number may be another's now. */
START_TEST(set_that_somebody_has_closed_is_not_closed_again)
{
    const pair_t client = connect_pair();
    const int before = open_descriptors();
    const fcgi_wait_t wait = { .fd = -1,
                               .client_fd = client.ours,
                               .wanted = FCGI_CLIENT_READABLE };
    fcgi_wait_set_t *set = arm(&wait);
    const int number = fcgi_wait_set_fd(set);

    close(number);
    ck_assert_int_eq(dup2(client.theirs, number), number);
    fcgi_wait_set_forget_fd(set);
    disarm(set, &wait);
    ck_assert_int_eq(send(number, "x", 1, 0), 1);
    ck_assert_int_eq(open_descriptors(), before + 1);
}
END_TEST

/* ---- The invariants bite --------------------------------------------------------------------- */

START_TEST(what_somebody_leaves_in_a_set_is_found)
{
    const pair_t stranger = connect_pair();
    struct epoll_event event = { .events = EPOLLIN };
    fcgi_wait_set_t *set = arm(&for_nothing);

    ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr));
    ck_assert_int_eq(epoll_ctl(fcgi_wait_set_fd(set), EPOLL_CTL_ADD, stranger.ours, &event), 0);
    disarm(set, &for_nothing);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wait_set");
    TCase *comes = tcase_create("what comes"), *next = tcase_create("the next wait");
    TCase *kept = tcase_create("kept"), *closed = tcase_create("closed");

    tcase_add_checked_fixture(comes, begin, end);
    tcase_add_loop_test(comes, parked_or_not_the_same_comes, 0, 4 * DEEDS * DEEDS);
    tcase_add_test(comes, several_wait_for_one_backend);
    suite_add_tcase(suite, comes);

    tcase_add_checked_fixture(next, begin, end);
    tcase_add_test(next, what_one_waited_for_does_not_wake_the_next);
    tcase_add_test(next, set_stays_with_a_connection_until_that_is_closed);
    tcase_add_test(next, client_is_in_no_set_after_the_wait);
    tcase_add_test(next, pebble_wakes_once_and_says_nothing);
    suite_add_tcase(suite, next);

    tcase_add_checked_fixture(kept, begin, end);
    tcase_add_test(kept, some_sets_are_kept_and_no_more);
    tcase_add_test(kept, the_end_of_the_process_closes_what_is_kept_and_what_comes_later);
    tcase_add_test_raise_signal(kept, what_somebody_leaves_in_a_set_is_found, SIGABRT);
    suite_add_tcase(suite, kept);

    tcase_add_checked_fixture(closed, begin, end);
    tcase_add_test(closed, without_the_descriptor_there_is_no_set);
    tcase_add_test(closed, copy_of_a_closed_descriptor_wakes_nobody_else);
    tcase_add_test(closed, copy_of_a_closed_connection_is_heard_once);
    tcase_add_test(closed, closed_client_takes_its_set_along);
    tcase_add_test(closed, set_that_somebody_has_closed_is_not_closed_again);
    suite_add_tcase(suite, closed);
    return run_suite(suite);
}
