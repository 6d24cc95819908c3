/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_fpm_status.c - PHP-FPM's status page: whole, cut, and something else. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "fpm_status.h"
#include "run_suite.h"

static const char page[] =
    "{\"pool\":\"www\",\"process manager\":\"dynamic\",\"start time\":1700000000,"
    "\"start since\":12,\"accepted conn\":345,\"listen queue\":6,\"max listen queue\":7,"
    "\"listen queue len\":511,\"idle processes\":1,\"active processes\":3,\"total processes\":4,"
    "\"max active processes\":4,\"max children reached\":2,\"slow requests\":0}";

START_TEST(page_of_fpm_gives_its_numbers)
{
    lb_fpm_numbers_t n;
    ck_assert(fcgi_fpm_status_read(page, strlen(page), &n));
    ck_assert_uint_eq(n.idle, 1);
    ck_assert_uint_eq(n.active, 3);
    ck_assert_uint_eq(n.total, 4);
    ck_assert_uint_eq(n.listen_queue, 6);
    ck_assert_uint_eq(n.max_children_reached, 2);
    ck_assert_int_eq(n.process_manager, LB_PM_DYNAMIC);
    ck_assert_uint_eq(n.max_active, 4);
    ck_assert_int_eq(n.start_time, 1700000000);
}
END_TEST

START_TEST(page_without_the_numbers_of_the_pool_is_one)
{
    static const char bare[] =
        "{\"process manager\":\"other\",\"listen queue\":0,\"idle processes\":1,"
        "\"active processes\":1,\"total processes\":2,\"max children reached\":0}";
    lb_fpm_numbers_t n;
    ck_assert(fcgi_fpm_status_read(bare, strlen(bare), &n));
    ck_assert_int_eq(n.process_manager, LB_PM_UNKNOWN);
    ck_assert_uint_eq(n.max_active, 0);
    ck_assert_int_eq(n.start_time, 0);
}
END_TEST

START_TEST(page_cut_after_any_byte_is_no_page_and_changes_nothing)
{
    for (size_t bytes = 0; bytes < strlen(page); bytes++) {
        lb_fpm_numbers_t n = { .idle = 77 };
        char *copy = malloc(bytes + 1); /* of just its size: a sanitizer sees any byte too many */
        memcpy(copy, page, bytes);
        ck_assert(!fcgi_fpm_status_read(copy, bytes, &n));
        ck_assert_uint_eq(n.idle, 77);
        free(copy);
    }
}
END_TEST

START_TEST(something_else_is_no_page)
{
    static const char *const others[] = {
        "pong",
        "[]",
        "{}",
        "null",
        "",
        "<html></html>",
        "{\"idle processes\":1}",
        "{\"idle processes\":-1,\"active processes\":3,\"total processes\":4,\"listen queue\":0,"
        "\"max children reached\":0}",
        "{\"idle processes\":\"1\",\"active processes\":3,\"total processes\":4,"
        "\"listen queue\":0,\"max children reached\":0}",
        "{\"idle processes\":4294967296,\"active processes\":3,\"total processes\":4,"
        "\"listen queue\":0,\"max children reached\":0}",
    };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        lb_fpm_numbers_t n = { .active = 77 };
        ck_assert_msg(!fcgi_fpm_status_read(others[i], strlen(others[i]), &n), "%s", others[i]);
        ck_assert_uint_eq(n.active, 77);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fpm_status");
    TCase *tc = tcase_create("page");
    tcase_add_test(tc, page_of_fpm_gives_its_numbers);
    tcase_add_test(tc, page_without_the_numbers_of_the_pool_is_one);
    tcase_add_test(tc, page_cut_after_any_byte_is_no_page_and_changes_nothing);
    tcase_add_test(tc, something_else_is_no_page);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
