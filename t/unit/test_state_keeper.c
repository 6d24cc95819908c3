/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_state_keeper.c - what has changed is saved, by a thread of its own if nobody waits for it:
 * state_keeper.h. The file is a number here: of the last change that it has. */
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "pool_fixture.h"
#include "run_suite.h"
#include "state_file.h"
#include "state_keeper.h"
#include "state_taking.h"
#include "unixd.h"

static _Atomic int changes, noted, saved, warnings;
static _Atomic int noted_saves;             /* by the thread of the keeper */
static _Thread_local bool is_operator;      /* who waits for the file */
static _Atomic bool is_disk_full, is_enough;
static apr_pool_t *pchild;

/* ---- Files that need httpd, and httpd -------------------------------------------------------- */

module proxy_module, balancer_byrequests_module;
server_rec *ap_server_conf;

const char *lb_state_file_make_folder(apr_pool_t *p, server_rec *s) { return "folder"; }
lb_saved_state_t *lb_state_file_load(apr_pool_t *p, const char *folder, server_rec *s)
{
    return NULL;
}
lb_saved_state_t *lb_state_taking_take(apr_pool_t *p, bool for_file)
{
    saved = changes;
    return NULL;
}
apr_status_t lb_state_file_save(apr_pool_t *p, const char *folder,
                                const lb_saved_state_t *(*take)(apr_pool_t *p))
{
    static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

    pthread_mutex_lock(&one_at_a_time);
    take(p);
    pthread_mutex_unlock(&one_at_a_time);
    noted_saves += !is_operator;
    return is_disk_full ? ENOSPC : APR_SUCCESS;
}
ap_unixd_mpm_retained_data *ap_unixd_mpm_get_retained_data(void) { return NULL; }
void ap_log_error_(const char *file, int line, int module_index, int level, apr_status_t status,
                   const server_rec *s, const char *format, ...)
{
    warnings++;
}

/* ---- A child of a httpd with BalancerPersist ------------------------------------------------- */

static const lb_balancer_t persistent = { .is_persistent = true };

static void begin(void)
{
    static proxy_server_conf conf;
    static void *configs[] = { &conf };
    static process_rec process;
    static server_rec server;

    set_up();
    conf.bal_persist = 1;
    conf.balancers = apr_array_make(pool, 1, sizeof(proxy_balancer));
    apr_array_push(conf.balancers);
    process.pool = pool;
    server.process = &process;
    server.module_config = (ap_conf_vector_t *)configs;
    lb_state_keeper_open(pool, &server);
    apr_pool_create(&pchild, pool);
    lb_state_keeper_child_init(pchild);
}

static void change(void)
{
    changes++;
    lb_state_keeper_note_change();
    noted++;
}

static void wait_until_saved(void)
{
    while (saved < changes) {
        usleep(1000);
    }
}

START_TEST(a_change_of_an_operator_is_saved_at_once)
{
    for (int i = 0; i < 3; i++) {
        changes++;
        lb_state_keeper_save(pool, &persistent);
        ck_assert_int_eq(saved, changes);
    }
}
END_TEST

START_TEST(a_change_that_nobody_waits_for_is_saved_soon)
{
    for (int i = 0; i < 3; i++) {
        change();
        wait_until_saved();
    }
}
END_TEST

START_TEST(what_changes_together_is_saved_together)
{
    for (int i = 0; i < 1000; i++) {
        change();
    }
    apr_pool_destroy(pchild);
    ck_assert_int_eq(saved, changes);
    ck_assert_int_lt(noted_saves, 1000);
}
END_TEST

START_TEST(a_full_disk_is_told_once)
{
    for (int time = 1; time <= 2; time++) {
        is_disk_full = true;
        lb_state_keeper_save(pool, &persistent);
        lb_state_keeper_save(pool, &persistent);
        ck_assert_int_eq(warnings, time);
        is_disk_full = false;
        lb_state_keeper_save(pool, &persistent);
        ck_assert_int_eq(warnings, time);
    }
}
END_TEST

/* ---- Threads, for ThreadSanitizer ------------------------------------------------------------ */

static void *change_often(void *unused)
{
    while (!is_enough) {
        change();
    }
    return NULL;
}

static void *operate_often(void *unused)
{
    apr_pool_t *p;

    is_operator = true;
    apr_pool_create(&p, NULL);
    while (!is_enough) {
        changes++;
        is_disk_full = !is_disk_full;
        lb_state_keeper_save(p, &persistent);
    }
    apr_pool_destroy(p);
    return NULL;
}

START_TEST(no_change_is_lost_and_none_is_saved_after_the_end)
{
    pthread_t threads[3];

    for (int i = 0; i < 3; i++) {    /* the thread of the keeper ends, or does not */
        change();
        wait_until_saved();
    }
    for (int i = 0; i < 3; i++) {
        pthread_create(&threads[i], NULL, i ? change_often : operate_often, NULL);
    }
    for (const int before = noted_saves; noted_saves < before + 3;) {
        usleep(1000);
    }
    const int before = noted;
    apr_pool_destroy(pchild);
    ck_assert_int_ge(saved, before);
    const int at_the_end = noted_saves;
    for (const int then = changes; changes < then + 1000;) {
        usleep(1000);
    }
    is_enough = true;
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
    }
    ck_assert_int_eq(noted_saves, at_the_end);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("state_keeper");
    TCase *keeper = tcase_create("keeper");
    TCase *threads = tcase_create("threads");

    tcase_add_checked_fixture(keeper, begin, tear_down);
    tcase_add_test(keeper, a_change_of_an_operator_is_saved_at_once);
    tcase_add_test(keeper, a_change_that_nobody_waits_for_is_saved_soon);
    tcase_add_test(keeper, what_changes_together_is_saved_together);
    tcase_add_test(keeper, a_full_disk_is_told_once);
    suite_add_tcase(suite, keeper);
    tcase_add_checked_fixture(threads, begin, tear_down);
    tcase_add_test(threads, no_change_is_lost_and_none_is_saved_after_the_end);
    suite_add_tcase(suite, threads);
    return run_suite(suite);
}
