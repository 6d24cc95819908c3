/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_wait_set.c - a parked request hears of the same things as one that waits in its thread, and
 * nothing of it stays in the set. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include "apr_general.h"
#include "shared_table.h"
#include "wait_set.h"

enum {
    FAR_MS = 20000,
    KEPT_MAX = 64
};

static apr_pool_t *child;

static void begin(void)
{
    apr_initialize();
    apr_pool_create(&child, NULL);
    ck_assert_int_eq(fcgi_wait_set_start(child), APR_SUCCESS);
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

static fcgi_wait_set_t *arm(const fcgi_wait_t *wait, apr_time_t at)
{
    fcgi_wait_set_t *set = NULL;

    MUST(fcgi_wait_set_arm(&set, wait, at) == (set != NULL));
    return set;
}

static void give_back(fcgi_wait_set_t *set, const fcgi_wait_t *wait)
{
    fcgi_wait_set_disarm(&set, wait);
    fcgi_wait_set_give_back(&set);
    MUST(set == NULL);
}

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

/* _i: what backend and client did, and which of them there is. For whatever is wanted, a set tells
 * what poll() tells a thread. */
START_TEST(parked_or_not_the_same_comes)
{
    const pair_t backend = connect_pair(), client = connect_pair();
    const int has = _i / (DEEDS * DEEDS);
    fcgi_wait_t wait = { .fd = has & 1 ? backend.ours
                                       : -1,
                         .client_fd = has & 2 ? client.ours
                                              : -1,
                         .timeout = 0 };

    act(&backend, _i % DEEDS);
    act(&client, _i / DEEDS % DEEDS);
    fcgi_wait_set_t *of_connection = NULL;    /* the same for all waits */
    for (int all = 0; all < ALL_WANTED; all++) {
        wait.wanted = 0;
        for (int i = 0; i < 5; i++) {
            wait.wanted |= all >> i & 1 ? bits[i] : 0;
        }
        const unsigned came = fcgi_wait_in_thread(&wait);
        fcgi_wait_set_t *set = arm(&wait, 0);
        MUST(is_ready(set, 0) == (came != FCGI_TIME_IS_UP));
        MUST(fcgi_wait_set_look(set, &wait) == (came & ~FCGI_TIME_IS_UP));
        give_back(set, &wait);
        MUST(fcgi_wait_set_arm(&of_connection, &wait, 0));
        MUST(fcgi_wait_set_look(of_connection, &wait) == (came & ~FCGI_TIME_IS_UP));
        fcgi_wait_set_disarm(&of_connection, &wait);
    }
    fcgi_wait_set_give_back(&of_connection);
    close_pair(&backend);
    close_pair(&client);
}
END_TEST

START_TEST(several_wait_for_one_backend)
{
    enum { WAITS = 20 };
    const pair_t backend = connect_pair();
    const fcgi_wait_t wait = { .fd = backend.ours, .client_fd = -1, .wanted = FCGI_READABLE };
    fcgi_wait_set_t *sets[WAITS];

    for (int i = 0; i < WAITS; i++) {
        sets[i] = arm(&wait, 0);
        ck_assert(!is_ready(sets[i], 0));
    }
    ck_assert_int_eq(send(backend.theirs, "x", 1, 0), 1);
    for (int i = 0; i < WAITS; i++) {    /* each hears of it, whoever has gone before */
        ck_assert(is_ready(sets[i], 0));
        ck_assert_uint_eq(fcgi_wait_set_look(sets[i], &wait), FCGI_READABLE);
        give_back(sets[i], &wait);
    }
    close_pair(&backend);
}
END_TEST

/* ---- From one wait to the next --------------------------------------------------------------- */

START_TEST(next_wait_may_be_without_a_client_or_for_another)
{
    const pair_t clients[] = { connect_pair(), connect_pair() };
    fcgi_wait_set_t *set = NULL;

    for (int i = 0; i < 2; i++) {
        act(&clients[i], CLOSED);
    }
    for (int i = 0; i < 6; i++) {
        const fcgi_wait_t wait = { .fd = -1, .client_fd = i % 3 < 2 ? clients[i % 3].ours : -1 };
        ck_assert(fcgi_wait_set_arm(&set, &wait, 0));
        ck_assert_uint_eq(fcgi_wait_set_look(set, &wait), i % 3 < 2 ? FCGI_CLIENT_GONE
                                                                    : 0);
        fcgi_wait_set_disarm(&set, &wait);
    }
    fcgi_wait_set_give_back(&set);
    close_pair(&clients[0]);
    close_pair(&clients[1]);
}
END_TEST

START_TEST(backend_of_one_wait_does_not_wake_the_next)
{
    const pair_t backend = connect_pair(), client = connect_pair();
    const fcgi_wait_t first = { .fd = backend.ours,
                                .client_fd = client.ours,
                                .wanted = FCGI_READABLE };
    const fcgi_wait_t second = { .fd = -1, .client_fd = client.ours };
    fcgi_wait_set_t *set = arm(&first, 0);

    act(&backend, SENT);
    ck_assert(is_ready(set, 0));
    fcgi_wait_set_disarm(&set, &first);
    ck_assert(fcgi_wait_set_arm(&set, &second, 0));
    ck_assert(!is_ready(set, 0));
    act(&client, HALF_CLOSED);
    ck_assert_uint_eq(fcgi_wait_set_look(set, &second), FCGI_CLIENT_GONE);
    give_back(set, &second);
    close_pair(&backend);
    close_pair(&client);
}
END_TEST

/* ---- The timer ------------------------------------------------------------------------------- */

static const fcgi_wait_t for_the_timer = { .fd = -1, .client_fd = -1 };

START_TEST(timer_is_ready_at_its_time_and_says_nothing_else)
{
    const apr_time_t at = fc_now() + 30000;
    fcgi_wait_set_t *set = arm(&for_the_timer, at);

    ck_assert(is_ready(set, FAR_MS));
    ck_assert_int_ge(fc_now(), at);
    ck_assert_uint_eq(fcgi_wait_set_look(set, &for_the_timer), 0);
    fcgi_wait_set_timer(set, 0);    /* and it is off again */
    ck_assert(!is_ready(set, 0));
    give_back(set, &for_the_timer);
}
END_TEST

START_TEST(timer_of_one_request_does_not_wake_the_next)
{
    fcgi_wait_set_t *set = arm(&for_the_timer, 1);    /* long ago */
    const int fd = fcgi_wait_set_fd(set);

    ck_assert(is_ready(set, 0));
    give_back(set, &for_the_timer);
    set = arm(&for_the_timer, 0);
    ck_assert_int_eq(fcgi_wait_set_fd(set), fd);
    ck_assert(!is_ready(set, 0));
    give_back(set, &for_the_timer);
}
END_TEST

/* What the timer of the one set there is has left. */
static apr_interval_time_t timer_left_us(void)
{
    struct itimerspec left;

    for (int fd = 0; fd < 1024; fd++) {
        if (timerfd_gettime(fd, &left) == 0) {
            return apr_time_from_sec(left.it_value.tv_sec) + left.it_value.tv_nsec / 1000;
        }
    }
    return -1;
}

/* A timer that is far off is left alone, and one that is near is not. */
START_TEST(timer_is_in_time_whatever_it_was_set_to_before)
{
    const apr_time_t now = fc_now(), soon = now + 20000;
    const apr_time_t before[] = { 0, 1, now + 10000, soon, now + apr_time_from_sec(20),
                                  now + apr_time_from_sec(3600) };
    fcgi_wait_set_t *set = arm(&for_the_timer, before[_i]);

    fcgi_wait_set_disarm(&set, &for_the_timer);
    ck_assert(fcgi_wait_set_arm(&set, &for_the_timer, soon));
    ck_assert(is_ready(set, FAR_MS));
    ck_assert_int_ge(fc_now(), soon);
    give_back(set, &for_the_timer);
}
END_TEST

START_TEST(timer_that_is_far_off_may_be_early_but_not_late)
{
    const apr_time_t now = fc_now();
    const apr_time_t first = now + apr_time_from_sec(30), second = now + apr_time_from_sec(40);
    fcgi_wait_set_t *set = arm(&for_the_timer, first);

    fcgi_wait_set_timer(set, second);
    ck_assert(!is_ready(set, 0));
    ck_assert_int_le(timer_left_us(), first - now);
    fcgi_wait_set_timer(set, now + apr_time_from_sec(20));
    ck_assert_int_le(timer_left_us(), apr_time_from_sec(20));
    give_back(set, &for_the_timer);
}
END_TEST

/* ---- What is kept ---------------------------------------------------------------------------- */

START_TEST(some_sets_are_kept_and_no_more)
{
    fcgi_wait_set_t *sets[KEPT_MAX + 10];
    const int before = open_descriptors();

    for (int i = 0; i < KEPT_MAX + 10; i++) {
        sets[i] = arm(&for_the_timer, 0);
        ck_assert_ptr_nonnull(sets[i]);
    }
    for (int i = 0; i < KEPT_MAX + 10; i++) {
        give_back(sets[i], &for_the_timer);
    }
    ck_assert_int_eq(open_descriptors(), before + 2 * KEPT_MAX);
}
END_TEST

START_TEST(the_end_of_the_process_closes_what_is_kept_and_what_comes_later)
{
    const int before = open_descriptors();
    fcgi_wait_set_t *kept = arm(&for_the_timer, 0);
    fcgi_wait_set_t *parked = arm(&for_the_timer, 0);

    give_back(kept, &for_the_timer);
    apr_pool_clear(child);
    give_back(parked, &for_the_timer);
    ck_assert_int_eq(open_descriptors(), before);
}
END_TEST

/* ---- Descriptors that are closed under it ---------------------------------------------------- */

START_TEST(without_the_descriptor_there_is_no_set)
{
    const pair_t backend = connect_pair();
    const fcgi_wait_t wait = { .fd = backend.ours, .client_fd = -1, .wanted = FCGI_READABLE };

    close_pair(&backend);
    const int before = open_descriptors();
    ck_assert_ptr_null(arm(&wait, 0));
    ck_assert_int_eq(open_descriptors(), before);
}
END_TEST

/* Closed, but a copy of it lives: the kernel keeps it in the set, and nobody can take it out. */
START_TEST(copy_of_a_closed_descriptor_wakes_nobody_else)
{
    const pair_t backend = connect_pair();
    const int before = open_descriptors();
    const fcgi_wait_t wait = { .fd = backend.ours, .client_fd = -1, .wanted = FCGI_READABLE };
    fcgi_wait_set_t *set = arm(&wait, 0);

    const int copy = dup(backend.ours);
    close(backend.ours);
    ck_assert_int_eq(send(backend.theirs, "x", 1, 0), 1);
    ck_assert(is_ready(set, 0));
    give_back(set, &wait);
    close(copy);
    ck_assert_int_eq(open_descriptors(), before - 1);    /* the set is gone, not kept */
}
END_TEST

START_TEST(closed_client_takes_its_set_along)
{
    const pair_t client = connect_pair();
    const int before = open_descriptors();
    const fcgi_wait_t wait = { .fd = -1, .client_fd = client.ours };
    fcgi_wait_set_t *set = arm(&wait, 0);

    close(client.ours);
    give_back(set, &wait);
    ck_assert_int_eq(open_descriptors(), before - 1);
}
END_TEST

/* The MPM took the set for the client's socket and closed it; its number may be another's now. */
START_TEST(set_that_somebody_has_closed_is_not_closed_again)
{
    const pair_t client = connect_pair();
    const int before = open_descriptors();
    const fcgi_wait_t wait = { .fd = -1, .client_fd = client.ours };
    fcgi_wait_set_t *set = arm(&wait, 0);
    const int number = fcgi_wait_set_fd(set);

    close(number);
    ck_assert_int_eq(dup2(client.theirs, number), number);
    fcgi_wait_set_forget_fd(set);
    give_back(set, &wait);
    ck_assert_int_eq(send(number, "x", 1, 0), 1);
    ck_assert_int_eq(open_descriptors(), before + 1);
}
END_TEST

/* ---- The invariants bite --------------------------------------------------------------------- */

START_TEST(what_somebody_leaves_in_a_set_is_found)
{
    const pair_t stranger = connect_pair();
    struct epoll_event event = { .events = EPOLLIN };
    fcgi_wait_set_t *set = arm(&for_the_timer, 0);

    ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr));
    ck_assert_int_eq(epoll_ctl(fcgi_wait_set_fd(set), EPOLL_CTL_ADD, stranger.ours, &event), 0);
    give_back(set, &for_the_timer);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wait_set");
    TCase *comes = tcase_create("what comes"), *timer = tcase_create("timer");
    TCase *kept = tcase_create("kept"), *closed = tcase_create("closed");

    tcase_add_checked_fixture(comes, begin, end);
    tcase_add_loop_test(comes, parked_or_not_the_same_comes, 0, 4 * DEEDS * DEEDS);
    tcase_add_test(comes, several_wait_for_one_backend);
    tcase_add_test(comes, next_wait_may_be_without_a_client_or_for_another);
    tcase_add_test(comes, backend_of_one_wait_does_not_wake_the_next);
    suite_add_tcase(suite, comes);

    tcase_add_checked_fixture(timer, begin, end);
    tcase_add_test(timer, timer_is_ready_at_its_time_and_says_nothing_else);
    tcase_add_test(timer, timer_of_one_request_does_not_wake_the_next);
    tcase_add_loop_test(timer, timer_is_in_time_whatever_it_was_set_to_before, 0, 6);
    tcase_add_test(timer, timer_that_is_far_off_may_be_early_but_not_late);
    suite_add_tcase(suite, timer);

    tcase_add_checked_fixture(kept, begin, end);
    tcase_add_test(kept, some_sets_are_kept_and_no_more);
    tcase_add_test(kept, the_end_of_the_process_closes_what_is_kept_and_what_comes_later);
    tcase_add_test_raise_signal(kept, what_somebody_leaves_in_a_set_is_found, SIGABRT);
    suite_add_tcase(suite, kept);

    tcase_add_checked_fixture(closed, begin, end);
    tcase_add_test(closed, without_the_descriptor_there_is_no_set);
    tcase_add_test(closed, copy_of_a_closed_descriptor_wakes_nobody_else);
    tcase_add_test(closed, closed_client_takes_its_set_along);
    tcase_add_test(closed, set_that_somebody_has_closed_is_not_closed_again);
    suite_add_tcase(suite, closed);
    return run_suite(suite);
}
