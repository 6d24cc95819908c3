/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_check_thread.c - each check that is due is made in a thread of its own, and all end with
 * the child: check_thread.h. The checks are scripted, and so is the balancer. */
#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "apr_hooks.h"
#include "apr_optional.h"
#include "check_thread.h"
#include "pool_fixture.h"
#include "probe.h"
#include "run_suite.h"

enum { MANY = 100,
       AT_ONCE = 64,
       FAR_US = 3600 * 1000000u };

/* What becomes of a check. */
typedef enum {
    ENDS,        /* with a result */
    HANGS,       /* until it is told to end */
    READS,       /* from a connection on which nothing comes */
    WAITS        /* until it may end */
} script_t;

static lb_check_t checks[MANY];
static script_t scripts[MANY];
static _Atomic bool is_due[MANY];
static _Atomic int count, begun, running, peak, hanging, reports;
static _Atomic int may_end;
static apr_pool_t *pchild;

/* ---- The balancer ---------------------------------------------------------------------------- */

static int lb_checks_count(void) { return count; }

static const lb_check_t *lb_checks_next(apr_interval_time_t *wait)
{
    for (int i = 0; i < count; i++) {
        if (atomic_exchange(&is_due[i], false)) {
            begun++;
            return &checks[i];
        }
    }
    *wait = FAR_US;
    return NULL;
}

static void lb_checks_report(const lb_check_t *check, const lb_check_result_t *result,
                             apr_pool_t *p)
{
    reports++;
    is_due[check - checks] = true;
}

/* ---- A check --------------------------------------------------------------------------------- */

static void hang(const fcgi_check_stop_t *stop)
{
    struct pollfd end = { .fd = stop->hangs_up };

    hanging++;
    ck_assert_int_eq(poll(&end, 1, -1), 1);
}

static void read_nothing(fcgi_check_stop_t *stop)
{
    int ends[2];
    char byte;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    stop->connection = ends[0];
    hanging++;
    ck_assert_int_eq(read(ends[0], &byte, 1), 0);
    stop->connection = -1;
    close(ends[0]);
    close(ends[1]);
}

/* returns  may it? */
static bool may_one_end(void)
{
    int left = may_end;
    return left > 0 && atomic_compare_exchange_strong(&may_end, &left, left - 1);
}

bool fcgi_probe_run(const lb_check_t *check, fcgi_check_stop_t *stop, apr_pool_t *p,
                    lb_check_result_t *result)
{
    const script_t script = scripts[check - checks];
    const int now = ++running;
    int most = peak;

    while (most < now && !atomic_compare_exchange_weak(&peak, &most, now)) {
    }
    switch (script) {
    case ENDS:
        break;
    case HANGS:
        hang(stop);
        break;
    case READS:
        read_nothing(stop);
        break;
    case WAITS:
        while (!may_one_end()) {
            usleep(1000);
        }
        break;
    }
    running--;
    return script == ENDS || script == WAITS;
}

void ap_log_error_(const char *file, int line, int module_index, int level, apr_status_t status,
                   const server_rec *s, const char *format, ...) {}
module proxy_fastcgi_module;

/* ---- A child --------------------------------------------------------------------------------- */

static void begin(void)
{
    set_up();
    apr_hook_global_pool = pool;    /* of optional functions */
    APR_REGISTER_OPTIONAL_FN(lb_checks_count);
    APR_REGISTER_OPTIONAL_FN(lb_checks_next);
    APR_REGISTER_OPTIONAL_FN(lb_checks_report);
    fcgi_check_thread_find_balancer();
    ck_assert_int_eq(fcgi_check_thread_open(pool), APR_SUCCESS);
    apr_pool_create(&pchild, pool);
}

/* So many more checks that are due. */
static void add(int more, script_t script)
{
    for (int i = count; i < count + more; i++) {
        scripts[i] = script;
        is_due[i] = true;
    }
    count += more;
}

static void wait_for(const _Atomic int *number, int at_least)
{
    while (*number < at_least) {
        usleep(1000);
    }
}

static int lowest_free_descriptor(void)
{
    const int lowest = dup(STDIN_FILENO);
    close(lowest);
    return lowest;
}

START_TEST(a_check_that_is_due_is_made_and_reported)
{
    add(1, ENDS);
    fcgi_check_thread_start(pchild, NULL);
    wait_for(&reports, 10);
    ck_assert_int_eq(peak, 1);
    apr_pool_destroy(pchild);
}
END_TEST

START_TEST(those_that_hang_delay_no_other)
{
    add(AT_ONCE - 1, HANGS);
    add(1, ENDS);
    fcgi_check_thread_start(pchild, NULL);
    wait_for(&hanging, AT_ONCE - 1);
    wait_for(&reports, reports + 10);
    apr_pool_destroy(pchild);
}
END_TEST

START_TEST(with_many_at_once_the_others_wait_for_one_to_end)
{
    add(MANY, WAITS);
    fcgi_check_thread_start(pchild, NULL);
    wait_for(&running, AT_ONCE);
    ck_assert_int_eq(begun, AT_ONCE);
    for (int i = 1; i <= 10; i++) {
        may_end = 1;
        wait_for(&begun, AT_ONCE + i);
        ck_assert_int_eq(begun, AT_ONCE + i);
    }
    may_end = INT32_MAX;
    wait_for(&begun, MANY);
    apr_pool_destroy(pchild);
    ck_assert_int_eq(peak, AT_ONCE);
}
END_TEST

/* ---- Threads, for ThreadSanitizer ------------------------------------------------------------ */

START_TEST(all_end_with_the_child)
{
    const int descriptors = lowest_free_descriptor();

    add(20, HANGS);
    add(20, READS);
    add(MANY - 40, ENDS);
    fcgi_check_thread_start(pchild, NULL);
    wait_for(&hanging, 40);
    wait_for(&reports, 500);
    apr_pool_destroy(pchild);
    ck_assert_int_eq(running, 0);
    ck_assert_int_eq(begun, 40 + reports);
    ck_assert_int_eq(lowest_free_descriptor(), descriptors);
    ck_assert_int_le(peak, AT_ONCE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("check_thread");
    TCase *checked = tcase_create("checks");
    TCase *threads = tcase_create("threads");

    tcase_add_checked_fixture(checked, begin, tear_down);
    tcase_add_test(checked, a_check_that_is_due_is_made_and_reported);
    tcase_add_test(checked, those_that_hang_delay_no_other);
    tcase_add_test(checked, with_many_at_once_the_others_wait_for_one_to_end);
    suite_add_tcase(suite, checked);
    tcase_add_checked_fixture(threads, begin, tear_down);
    tcase_add_test(threads, all_end_with_the_child);
    suite_add_tcase(suite, threads);
    return run_suite(suite);
}
