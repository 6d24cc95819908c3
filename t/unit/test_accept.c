/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_accept.c - how much a client wants a type, as Prometheus and browsers say it. */
#include "accept.h"

#include "run_suite.h"

static const char prometheus[] =
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

static int open_metrics(const char *accept)
{
    return mgr_accept_quality(accept, "application/openmetrics-text", "1.0.0");
}

START_TEST(a_scraper_says_how_much_it_wants_each_version)
{
    ck_assert_int_eq(open_metrics(prometheus), 1000);
    ck_assert_int_eq(mgr_accept_quality(prometheus, "application/openmetrics-text", "0.0.1"), 750);
    ck_assert_int_eq(mgr_accept_quality(prometheus, "text/plain", "0.0.4"), 500);
    ck_assert_int_eq(mgr_accept_quality(prometheus, "text/plain", "1.0.0"), 0);
    ck_assert_int_eq(mgr_accept_quality(prometheus, "text/html", ""), 0);
}
END_TEST

START_TEST(what_is_not_named_is_not_wanted)
{
    static const char *const others[] = { NULL, "", "*/*", "application/*", "text/html,*/*;q=0.8",
                                          "application/openmetrics-text2", ",;,=;q", ";version",
                                          "application/openmetrics-text;version=2.0.0",
                                          "application/openmetrics-text;q=0" };

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        ck_assert_msg(open_metrics(others[i]) == 0, "%s", others[i] ? others[i] : "no header");
    }
}
END_TEST

START_TEST(the_header_is_read_as_it_may_be_written)
{
    ck_assert_int_eq(open_metrics("Application/OpenMetrics-Text"), 1000);
    ck_assert_int_eq(open_metrics("text/plain , application/openmetrics-text ; q = 0.25"), 250);
    ck_assert_int_eq(open_metrics("application/openmetrics-text;q=1.000"), 1000);
    ck_assert_int_eq(open_metrics("application/openmetrics-text;q=0.1234"), 123);
    ck_assert_int_eq(open_metrics("application/openmetrics-text;q=0.125;version=1.0.0"), 125);
    ck_assert_int_eq(open_metrics("application/openmetrics-text;escaping=allow-utf-8;Q=7"), 1000);
    ck_assert_int_eq(open_metrics("application/openmetrics-text;q=0.1,"
                                  "application/openmetrics-text;q=0.3"),
                     300);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("accept");
    TCase *tc = tcase_create("quality");

    tcase_add_test(tc, a_scraper_says_how_much_it_wants_each_version);
    tcase_add_test(tc, what_is_not_named_is_not_wanted);
    tcase_add_test(tc, the_header_is_read_as_it_may_be_written);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
