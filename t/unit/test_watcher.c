/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_watcher.c - whoever is parked is woken when its client has gone or its time is up, and
 * nobody else is. */
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "apr_general.h"
#include "shared_table.h"
#include "watcher.h"

enum {
    FAR_MS = 20000,
    MANY = 300
};

static const fcgi_wait_t for_nothing = { .fd = -1, .client_fd = -1 };
static apr_pool_t *child;
static int ends[2];    /* of the client: ours, and its own */

static void begin(void)
{
    apr_initialize();
    apr_pool_create(&child, NULL);
    fcgi_wait_set_start(child);
    ck_assert_int_eq(fcgi_watcher_start(child), APR_SUCCESS);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
}

static void end(void)
{
    apr_pool_destroy(child);
    apr_terminate();
}

static fcgi_wait_t for_client(unsigned wanted)
{
    return (fcgi_wait_t){ .fd = -1, .client_fd = ends[0], .wanted = wanted };
}

static bool is_ready(const fcgi_wait_set_t *set, int patience_ms)
{
    struct pollfd of_mpm = { .fd = fcgi_wait_set_fd(set), .events = POLLIN };
    return poll(&of_mpm, 1, patience_ms) == 1;
}

static fcgi_wait_set_t *park(fcgi_watched_t *client, const fcgi_wait_t *wait, apr_time_t at)
{
    fcgi_wait_set_t *set = fcgi_wait_set_arm(wait);

    ck_assert_ptr_nonnull(set);
    ck_assert(fcgi_watcher_arm(client, set, wait, at));
    return set;
}

/* returns  has the client gone? */
static bool take_up(fcgi_watched_t *client, fcgi_wait_set_t *set, const fcgi_wait_t *wait)
{
    const bool has_gone = fcgi_watcher_disarm(client);

    fcgi_wait_set_disarm(&set, wait);
    return has_gone;
}

/* What the thread had to do before this is done: it does all in its order. */
static void let_watcher_work(void)
{
    fcgi_watched_t other = { 0 };
    fcgi_wait_set_t *set = park(&other, &for_nothing, 1);

    ck_assert(is_ready(set, FAR_MS));
    take_up(&other, set, &for_nothing);
}

/* ---- Time ------------------------------------------------------------------------------------ */

START_TEST(time_is_up_in_time_and_not_before)
{
    fcgi_watched_t client = { 0 };

    for (int i = 0; i < 3; i++) {
        const apr_time_t at = fc_now() + 20000;
        fcgi_wait_set_t *set = park(&client, &for_nothing, at);
        ck_assert(is_ready(set, FAR_MS));
        ck_assert_int_ge(fc_now(), at);
        ck_assert(!take_up(&client, set, &for_nothing));
    }
}
END_TEST

START_TEST(a_sooner_time_is_not_held_up_by_a_later_one)
{
    fcgi_watched_t later = { 0 }, sooner = { 0 };
    fcgi_wait_set_t *far_off = park(&later, &for_nothing, fc_now() + apr_time_from_sec(3600));
    fcgi_wait_set_t *near = park(&sooner, &for_nothing, fc_now() + 10000);

    ck_assert(is_ready(near, FAR_MS));
    ck_assert(!is_ready(far_off, 0));
    take_up(&sooner, near, &for_nothing);
    take_up(&later, far_off, &for_nothing);
}
END_TEST

START_TEST(who_was_taken_up_is_not_woken_by_its_old_time)
{
    fcgi_watched_t client = { 0 };
    fcgi_wait_set_t *set = park(&client, &for_nothing, fc_now() + 1000);

    take_up(&client, set, &for_nothing);
    set = park(&client, &for_nothing, 0);
    const apr_time_t at = fc_now() + 2000;
    while (fc_now() < at) {
        let_watcher_work();
    }
    ck_assert(!is_ready(set, 0));
    take_up(&client, set, &for_nothing);
}
END_TEST

START_TEST(many_at_the_same_time_are_all_woken)
{
    static fcgi_watched_t clients[MANY];
    fcgi_wait_set_t *sets[MANY];
    const apr_time_t at = fc_now() + 20000;

    for (int i = 0; i < MANY; i++) {
        sets[i] = park(&clients[i], &for_nothing, at + i % 3);
    }
    for (int i = 0; i < MANY; i++) {
        ck_assert(is_ready(sets[i], FAR_MS));
        take_up(&clients[i], sets[i], &for_nothing);
    }
}
END_TEST

/* ---- The client ------------------------------------------------------------------------------ */

START_TEST(client_that_goes_wakes_its_request)
{
    fcgi_watched_t client = { 0 };
    const fcgi_wait_t wait = for_client(0);
    fcgi_wait_set_t *set = park(&client, &wait, 0);

    ck_assert_int_eq(send(ends[1], "x", 1, 0), 1);    /* that is only the next request */
    let_watcher_work();
    ck_assert(!is_ready(set, 0));
    ck_assert_int_eq(shutdown(ends[1], SHUT_WR), 0);
    ck_assert(is_ready(set, FAR_MS));
    ck_assert(take_up(&client, set, &wait));
    fcgi_watcher_forget(&client);
}
END_TEST

/* _i: was it watched before? */
START_TEST(client_that_has_gone_before_the_wait_wakes_it_at_once)
{
    fcgi_watched_t client = { 0 };
    const fcgi_wait_t wait = for_client(0);

    if (_i) {
        take_up(&client, park(&client, &wait, 0), &wait);
    }
    ck_assert_int_eq(shutdown(ends[1], SHUT_RDWR), 0);
    let_watcher_work();
    for (int i = 0; i < 2; i++) {    /* each that minds */
        fcgi_wait_set_t *set = park(&client, &wait, 0);
        ck_assert(is_ready(set, FAR_MS));
        ck_assert(take_up(&client, set, &wait));
    }
    fcgi_watcher_forget(&client);
}
END_TEST

START_TEST(client_that_may_end_has_not_gone_but_by_a_reset)
{
    fcgi_watched_t client = { 0 };
    const fcgi_wait_t wait = for_client(FCGI_CLIENT_MAY_END), minds = for_client(0);
    fcgi_wait_set_t *set = park(&client, &wait, 0);

    ck_assert_int_eq(shutdown(ends[1], SHUT_WR), 0);
    let_watcher_work();
    ck_assert(!is_ready(set, 0));
    ck_assert(!take_up(&client, set, &wait));
    set = park(&client, &minds, 0);    /* the next request hears of it */
    ck_assert(is_ready(set, FAR_MS));
    ck_assert(take_up(&client, set, &minds));
    set = park(&client, &wait, 0);
    let_watcher_work();
    ck_assert(!is_ready(set, 0));
    ck_assert_int_eq(shutdown(ends[1], SHUT_RDWR), 0);
    ck_assert(is_ready(set, FAR_MS));
    ck_assert(take_up(&client, set, &wait));
    fcgi_watcher_forget(&client);
}
END_TEST

START_TEST(who_does_not_mind_its_client_is_not_woken)
{
    fcgi_watched_t client = { 0 };
    const fcgi_wait_t wait = for_client(0);

    take_up(&client, park(&client, &wait, 0), &wait);
    ck_assert_int_eq(shutdown(ends[1], SHUT_RDWR), 0);
    let_watcher_work();
    fcgi_wait_set_t *set = park(&client, &for_nothing, 0);
    let_watcher_work();
    ck_assert(!is_ready(set, 0));
    ck_assert(!take_up(&client, set, &for_nothing));
    fcgi_watcher_forget(&client);
}
END_TEST

/* The same memory may be the next client's. */
START_TEST(client_that_is_forgotten_is_not_heard_any_more)
{
    fcgi_watched_t client = { 0 };
    const fcgi_wait_t wait = for_client(0);

    take_up(&client, park(&client, &wait, 0), &wait);
    fcgi_watcher_forget(&client);
    fcgi_watcher_forget(&client);
    memset(&client, 0, sizeof(client));
    ck_assert_int_eq(shutdown(ends[1], SHUT_RDWR), 0);
    let_watcher_work();
    ck_assert_uint_eq(client.heard, 0);
}
END_TEST

/* ---- When something is missing --------------------------------------------------------------- */

START_TEST(client_that_is_closed_cannot_be_watched)
{
    fcgi_watched_t client = { 0 };
    const fcgi_wait_t wait = for_client(0);
    fcgi_wait_set_t *set = fcgi_wait_set_arm(&for_nothing);

    close(ends[0]);
    ck_assert(!fcgi_watcher_arm(&client, set, &wait, 0));
    fcgi_wait_set_disarm(&set, &for_nothing);
}
END_TEST

/* Without a descriptor for the pebble it is tried again. */
START_TEST(who_cannot_be_woken_now_is_woken_later)
{
    fcgi_watched_t client = { 0 };
    const fcgi_wait_t wait = for_client(0);
    struct rlimit limit, none;

    take_up(&client, park(&client, &wait, 0), &wait);
    ck_assert_int_eq(shutdown(ends[1], SHUT_RDWR), 0);
    let_watcher_work();
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = (struct rlimit){ .rlim_cur = 0, .rlim_max = limit.rlim_max };
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    fcgi_wait_set_t *set = park(&client, &wait, 0);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert(is_ready(set, FAR_MS));
    ck_assert(take_up(&client, set, &wait));
    fcgi_watcher_forget(&client);
}
END_TEST

/* Connections live as long as httpd, and go after the process's own pool. */
START_TEST(who_is_parked_when_the_process_ends_goes_last)
{
    fcgi_watched_t client = { 0 };
    const fcgi_wait_t wait = for_client(0);
    fcgi_wait_set_t *set = park(&client, &wait, fc_now() + apr_time_from_sec(3600));

    apr_pool_clear(child);
    ck_assert(!take_up(&client, set, &wait));
    set = fcgi_wait_set_arm(&wait);
    ck_assert(!fcgi_watcher_arm(&client, set, &wait, 1));    /* and is not parked again */
    fcgi_wait_set_disarm(&set, &wait);
    fcgi_watcher_forget(&client);
}
END_TEST

/* ---- Threads --------------------------------------------------------------------------------- */

/* Half of the clients go; of the others the time is up. */
static void *park_often(void *unused)
{
    for (int i = 0; i < MANY; i++) {
        const bool goes = i % 2;
        fcgi_watched_t client = { 0 };
        int own[2];

        MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, own) == 0);
        const fcgi_wait_t wait = { .fd = -1, .client_fd = own[0] };
        fcgi_wait_set_t *set = fcgi_wait_set_arm(&wait);
        MUST(set
             && fcgi_watcher_arm(&client, set, &wait,
                                 fc_now() + (goes ? apr_time_from_sec(3600) : i % 5 * 100)));
        if (goes) {
            close(own[1]);
        }
        MUST(is_ready(set, FAR_MS));
        MUST(take_up(&client, set, &wait) == goes);
        fcgi_watcher_forget(&client);
        close(own[0]);
        if (!goes) {
            close(own[1]);
        }
    }
    return NULL;
}

START_TEST(each_of_many_threads_is_woken)
{
    pthread_t threads[4];

    for (int i = 0; i < COUNT(threads); i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, park_often, NULL), 0);
    }
    for (int i = 0; i < COUNT(threads); i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("watcher");
    TCase *time = tcase_create("time"), *client = tcase_create("client");
    TCase *missing = tcase_create("missing"), *threads = tcase_create("threads");

    tcase_add_checked_fixture(time, begin, end);
    tcase_add_test(time, time_is_up_in_time_and_not_before);
    tcase_add_test(time, a_sooner_time_is_not_held_up_by_a_later_one);
    tcase_add_test(time, who_was_taken_up_is_not_woken_by_its_old_time);
    tcase_add_test(time, many_at_the_same_time_are_all_woken);
    suite_add_tcase(suite, time);

    tcase_add_checked_fixture(client, begin, end);
    tcase_add_test(client, client_that_goes_wakes_its_request);
    tcase_add_loop_test(client, client_that_has_gone_before_the_wait_wakes_it_at_once, 0, 2);
    tcase_add_test(client, client_that_may_end_has_not_gone_but_by_a_reset);
    tcase_add_test(client, who_does_not_mind_its_client_is_not_woken);
    tcase_add_test(client, client_that_is_forgotten_is_not_heard_any_more);
    suite_add_tcase(suite, client);

    tcase_add_checked_fixture(missing, begin, end);
    tcase_add_test(missing, client_that_is_closed_cannot_be_watched);
    tcase_add_test(missing, who_cannot_be_woken_now_is_woken_later);
    tcase_add_test(missing, who_is_parked_when_the_process_ends_goes_last);
    suite_add_tcase(suite, missing);

    tcase_add_checked_fixture(threads, begin, end);
    tcase_add_test(threads, each_of_many_threads_is_woken);
    suite_add_tcase(suite, threads);
    return run_suite(suite);
}
