/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_resolver_settings.c - the words of BalancerResolver. */
#include "apr_general.h"
#include "apr_strings.h"
#include "resolver_settings.h"
#include "run_suite.h"

static apr_pool_t *pool;

static void set_up(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    lb_resolver_settings_pre_config(pool, pool, pool);
}

static const char *read_line(const char *line)
{
    char **words;
    int count = 0;

    apr_tokenize_to_argv(line, &words, pool);
    while (words[count]) {
        count++;
    }
    return lb_resolver_settings_read(pool, count, words);
}

static const char *servers_of(const lb_resolver_settings_t *settings)
{
    return settings->servers ? apr_array_pstrcat(pool, settings->servers, ' ') : "";
}

START_TEST(without_a_directive_resolv_conf_is_asked)
{
    const lb_resolver_settings_t *settings = lb_resolver_settings();

    ck_assert_ptr_null(settings->servers);
    ck_assert_str_eq(settings->resolv_conf, "/etc/resolv.conf");
    ck_assert_int_eq(settings->timeout, 1000000);
    ck_assert_int_eq(settings->retries, 2);
    ck_assert(settings->asks_inet && settings->asks_inet6);
}
END_TEST

START_TEST(servers_have_a_port_or_get_53)
{
    ck_assert_ptr_null(read_line("10.0.0.2 127.0.0.1:8600 ::1 [2001:db8::53] [2001:db8::53]:5353"));
    ck_assert_str_eq(servers_of(lb_resolver_settings()),
                     "10.0.0.2:53 127.0.0.1:8600 [::1]:53 [2001:db8::53]:53 [2001:db8::53]:5353");
}
END_TEST

START_TEST(parameters_stand_anywhere_and_in_either_case)
{
    ck_assert_ptr_null(read_line("Timeout=250ms 10.0.0.2 retries=0 IPv6=Off ipv4=on"));
    const lb_resolver_settings_t *settings = lb_resolver_settings();
    ck_assert_str_eq(servers_of(settings), "10.0.0.2:53");
    ck_assert_int_eq(settings->timeout, 250000);
    ck_assert_int_eq(settings->retries, 0);
    ck_assert(settings->asks_inet && !settings->asks_inet6);
}
END_TEST

START_TEST(the_next_configuration_begins_anew)
{
    ck_assert_ptr_null(read_line("10.0.0.2 retries=5"));
    lb_resolver_settings_pre_config(pool, pool, pool);
    ck_assert_ptr_null(lb_resolver_settings()->servers);
    ck_assert_int_eq(lb_resolver_settings()->retries, 2);
    ck_assert_ptr_null(read_line("10.0.0.3"));
}
END_TEST

START_TEST(a_second_directive_is_an_error)
{
    ck_assert_ptr_null(read_line("10.0.0.2"));
    ck_assert_str_eq(read_line("10.0.0.3"),
                     "BalancerResolver is there twice: name all servers in one");
}
END_TEST

#define NO_SERVER                                                            \
    " is no address of a name server; use an IP address, as in 10.0.0.2, " \
    "10.0.0.2:53 or [2001:db8::53]:53"

static const struct {
    const char *line, *error;
} mistakes[] = {
    { "dns.example", "BalancerResolver: dns.example" NO_SERVER },
    { "10.0.0.256", "BalancerResolver: 10.0.0.256" NO_SERVER },
    { "10.0.0.2:", "BalancerResolver: 10.0.0.2:" NO_SERVER },
    { "10.0.0.2:0", "BalancerResolver: 10.0.0.2:0" NO_SERVER },
    { "10.0.0.2:65536", "BalancerResolver: 10.0.0.2:65536" NO_SERVER },
    { "10.0.0.2:dns", "BalancerResolver: 10.0.0.2:dns" NO_SERVER },
    { "53", "BalancerResolver: 53" NO_SERVER },
    { ":53", "BalancerResolver: :53" NO_SERVER },
    { "[10.0.0.2]:53", "BalancerResolver: [10.0.0.2]:53" NO_SERVER },
    { "2001:db8::53:5353:::", "BalancerResolver: 2001:db8::53:5353:::" NO_SERVER },
    { "[2001:db8::53", "BalancerResolver: [2001:db8::53" NO_SERVER },
    { "fe80::1%eth0", "BalancerResolver: fe80::1%eth0" NO_SERVER },
    { "[fe80::1%eth0]:53", "BalancerResolver: [fe80::1%eth0]:53" NO_SERVER },
    { "/etc/resolv.conf", "BalancerResolver: /etc/resolv.conf" NO_SERVER },
    { "timeout=50ms", "BalancerResolver: timeout=50ms is not a duration from 100ms to 30s; use a "
                      "number of seconds, or of ms, s, m or h as in 500ms" },
    { "timeout=", "BalancerResolver: timeout= is not a duration from 100ms to 30s; use a number "
                  "of seconds, or of ms, s, m or h as in 500ms" },
    { "retries=6", "BalancerResolver: retries=6 is not a whole number from 0 to 5" },
    { "ipv6=no", "BalancerResolver: ipv6=no: use on or off" },
    { "ipv4=off ipv6=off", "BalancerResolver: ipv4=off ipv6=off leaves no addresses to ask for" },
    { "valid=10s", "BalancerResolver: valid=10s: use timeout=, retries=, ipv4= or ipv6=" },
    { "1.1.1.1 1.1.1.2 1.1.1.3 1.1.1.4 1.1.1.5 1.1.1.6 1.1.1.7 1.1.1.8 1.1.1.9",
      "BalancerResolver: 1.1.1.9: at most 8 name servers can be named" },
};

START_TEST(a_mistake_is_told_with_its_cure)
{
    ck_assert_str_eq(read_line(mistakes[_i].line), mistakes[_i].error);
}
END_TEST

static Suite *resolver_settings_suite(void)
{
    Suite *suite = suite_create("resolver_settings");
    TCase *tc = tcase_create("words");

    tcase_add_checked_fixture(tc, set_up, apr_terminate);
    tcase_add_test(tc, without_a_directive_resolv_conf_is_asked);
    tcase_add_test(tc, servers_have_a_port_or_get_53);
    tcase_add_test(tc, parameters_stand_anywhere_and_in_either_case);
    tcase_add_test(tc, the_next_configuration_begins_anew);
    tcase_add_test(tc, a_second_directive_is_an_error);
    tcase_add_loop_test(tc, a_mistake_is_told_with_its_cure, 0, COUNT(mistakes));
    suite_add_tcase(suite, tc);
    return suite;
}

int main(void)
{
    return run_suite(resolver_settings_suite());
}
