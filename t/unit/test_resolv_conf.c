/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_resolv_conf.c - servers of resolv.conf, and the names that a name may stand for. */
#include "apr_general.h"
#include "apr_strings.h"
#include "resolv_conf.h"
#include "run_suite.h"

static apr_pool_t *pool;

static void set_up(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
}

static void assert_names(const char *text, const char *name, const char *expected)
{
    const lb_resolv_conf_t conf = lb_resolv_conf_read(pool, text);
    ck_assert_str_eq(apr_array_pstrcat(pool, lb_resolv_conf_names(pool, &conf, name), ' '),
                     expected);
}

static void assert_servers(const char *text, const char *expected)
{
    const lb_resolv_conf_t conf = lb_resolv_conf_read(pool, text);
    const char *servers = apr_array_pstrcat(pool, conf.servers, ' ');
    ck_assert_str_eq(servers, expected);
}

START_TEST(servers_are_there_in_their_order)
{
    assert_servers("# nameserver 1.1.1.1\n"
                   "; nameserver 1.1.1.2\n"
                   "nameserver\t10.0.0.2  # of the office\n"
                   "  nameserver 2001:db8::53\r\n"
                   "nameserver 127.0.0.11",
                   "10.0.0.2:53 [2001:db8::53]:53 127.0.0.11:53");
}
END_TEST

START_TEST(what_is_no_server_is_skipped)
{
    assert_servers("", "");
    assert_servers("\n\n", "");
    assert_servers("nameserver\nnameserver \nnameserver dns.example\nnameserver fe80::1%eth0\n",
                   "");
    assert_servers("nameservers 10.0.0.2\nserver 10.0.0.2\n", "");
}
END_TEST

START_TEST(a_name_with_dots_is_asked_for_as_it_is_first)
{
    assert_names("search a.example b.example", "php.svc",
                 "php.svc php.svc.a.example php.svc.b.example");
}
END_TEST

START_TEST(a_short_name_is_asked_for_in_the_domains_first)
{
    assert_names("search a.example b.example", "php", "php.a.example php.b.example php");
}
END_TEST

START_TEST(a_name_with_a_dot_at_the_end_is_absolute)
{
    assert_names("search a.example\noptions ndots:5", "php.", "php");
    assert_names("search a.example", "php.svc.", "php.svc");
}
END_TEST

START_TEST(names_of_kubernetes_are_looked_for_by_ndots)
{
    static const char conf[] = "search shop.svc.cluster.local svc.cluster.local cluster.local\n"
                               "nameserver 10.96.0.10\n"
                               "options ndots:5\n";

    assert_names(conf, "php.shop.svc", "php.shop.svc.shop.svc.cluster.local "
                                       "php.shop.svc.svc.cluster.local "
                                       "php.shop.svc.cluster.local "
                                       "php.shop.svc");
}
END_TEST

START_TEST(options_stand_anywhere)
{
    assert_names("options rotate ndots:0 timeout:1\nsearch a.example", "php", "php php.a.example");
    assert_names("options ndots:99\nsearch a.example", "1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16",
                 "1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16 "
                 "1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.a.example");
    assert_names("options ndots:-1\nsearch a.example", "php", "php php.a.example");
    assert_names("options ndots:\nsearch a.example", "php", "php php.a.example");
}
END_TEST

START_TEST(the_last_of_search_and_domain_counts)
{
    assert_names("search a.example\ndomain b.example.\n", "php", "php.b.example php");
    assert_names("domain b.example\nsearch a.example c.example", "php",
                 "php.a.example php.c.example php");
}
END_TEST

START_TEST(without_a_search_list_there_is_one_name)
{
    assert_names("", "php", "php");
    assert_names("search .", "php", "php");
    assert_names("", "php.", "php");
}
END_TEST

static Suite *resolv_conf_suite(void)
{
    Suite *suite = suite_create("resolv_conf");
    TCase *tc = tcase_create("texts");

    tcase_add_checked_fixture(tc, set_up, apr_terminate);
    tcase_add_test(tc, servers_are_there_in_their_order);
    tcase_add_test(tc, what_is_no_server_is_skipped);
    tcase_add_test(tc, a_name_with_dots_is_asked_for_as_it_is_first);
    tcase_add_test(tc, a_short_name_is_asked_for_in_the_domains_first);
    tcase_add_test(tc, a_name_with_a_dot_at_the_end_is_absolute);
    tcase_add_test(tc, names_of_kubernetes_are_looked_for_by_ndots);
    tcase_add_test(tc, options_stand_anywhere);
    tcase_add_test(tc, the_last_of_search_and_domain_counts);
    tcase_add_test(tc, without_a_search_list_there_is_one_name);
    suite_add_tcase(suite, tc);
    return suite;
}

int main(void)
{
    return run_suite(resolv_conf_suite());
}
