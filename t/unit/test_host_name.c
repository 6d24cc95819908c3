/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_host_name.c - by which names the manager may be reached, and which one was used. */
#include <check.h>
#include <string.h>

#include "host_name.h"
#include "httpd_alone.h"
#include "http_core.h"
#include "http_vhost.h"
#include "login.h"
#include "manager_config.h"
#include "run_suite.h"

static apr_pool_t *p;
static request_rec r;
static server_rec server;
static cmd_parms cmd;
static mgr_manager_config_t config;
static const char *canonical, *user;

const mgr_manager_config_t *mgr_manager_config_of(const request_rec *of) { return &config; }
const char *mgr_login_user(const request_rec *of) { return user; }
const char *ap_get_server_name(request_rec *of) { return canonical; }
int ap_matches_request_vhost(request_rec *of, const char *name, apr_port_t port)
{
    return strcasecmp(name, "lb.example.com") == 0;
}

static void begin(void)
{
    apr_initialize();
    apr_pool_create(&p, NULL);
    r.pool = cmd.pool = p;
    r.server = &server;
    r.headers_in = apr_table_make(p, 1);
    config.hosts = apr_array_make(p, 1, sizeof(const char *));
    canonical = "canonical.example.com";
    user = NULL;
}

static void end(void)
{
    apr_pool_destroy(p);
    apr_terminate();
}

static void send_to(const char *host, const char *forwarded)
{
    r.hostname = host;
    apr_table_unset(r.headers_in, "X-Forwarded-Host");
    if (forwarded) {
        apr_table_setn(r.headers_in, "X-Forwarded-Host", forwarded);
    }
}

/* ---- The directive --------------------------------------------------------------------------- */

static const char *const no_names[] = {
    "http://lb.example.com",
    "lb.example.com:80",
    "lb.example.com/",
    "user@lb.example.com",
    "[::1]",
    "::1",
    "/",
    ":",
    "@",
};

START_TEST(a_name_has_neither_scheme_nor_port)
{
    ck_assert_msg(mgr_host_name_take(&cmd, config.hosts, no_names[_i]) != NULL, "%s", no_names[_i]);
    ck_assert_int_eq(config.hosts->nelts, 0);
}
END_TEST

START_TEST(names_and_patterns_are_kept)
{
    ck_assert_ptr_null(mgr_host_name_take(&cmd, config.hosts, "a.example.com"));
    ck_assert_ptr_null(mgr_host_name_take(&cmd, config.hosts, "*.example.net"));
    ck_assert_int_eq(config.hosts->nelts, 2);
}
END_TEST

/* ---- Which name was used? -------------------------------------------------------------------- */

START_TEST(the_host_the_server_and_each_proxy_tell_names)
{
    send_to("a.example.com", "b.example.com, c.example.com:8443\t,d.example.com");
    ck_assert(mgr_host_name_was_used(&r, "a.example.com"));
    ck_assert(mgr_host_name_was_used(&r, "A.Example.COM"));
    ck_assert(mgr_host_name_was_used(&r, "canonical.example.com"));
    ck_assert(mgr_host_name_was_used(&r, "b.example.com"));
    ck_assert(mgr_host_name_was_used(&r, "c.example.com"));
    ck_assert(mgr_host_name_was_used(&r, "d.example.com"));
    ck_assert(!mgr_host_name_was_used(&r, "c.example.com:8443"));
    ck_assert(!mgr_host_name_was_used(&r, "example.com"));
    ck_assert(!mgr_host_name_was_used(&r, "a.example.com.evil.example"));
    ck_assert(!mgr_host_name_was_used(&r, "a.example.co"));
    ck_assert(!mgr_host_name_was_used(&r, ""));
}
END_TEST

START_TEST(an_address_may_have_its_brackets)
{
    send_to("[2001:db8::1]", "[2001:db8::2]:8443");
    ck_assert(mgr_host_name_was_used(&r, "2001:db8::1"));
    ck_assert(mgr_host_name_was_used(&r, "[2001:DB8::1]"));
    ck_assert(mgr_host_name_was_used(&r, "[2001:db8::2]"));
    ck_assert(!mgr_host_name_was_used(&r, "2001:db8::"));
    ck_assert(!mgr_host_name_was_used(&r, "2001:db8::11"));
}
END_TEST

static const char *const nothing[] = { NULL, "", " ", ",", ", ,\t,", ":", ":80" };

START_TEST(a_list_without_names_names_nobody)
{
    send_to(NULL, nothing[_i]);
    ck_assert(!mgr_host_name_was_used(&r, "a.example.com"));
    ck_assert(mgr_host_name_was_used(&r, "canonical.example.com"));
}
END_TEST

/* ---- Is it ours? ----------------------------------------------------------------------------- */

static const char *const ours[] = {
    NULL,
    "",
    "lb.example.com",
    "LB.example.com",
    "localhost",
    "LocalHost",
    "127.0.0.1",
    "10.1.2.3",
    "::1",
    "2001:db8::1",
};

START_TEST(our_names_and_addresses_are_fine)
{
    send_to(ours[_i], NULL);
    ck_assert_msg(mgr_host_name_refusal(&r) == NULL, "%s", ours[_i] ? ours[_i] : "none");
}
END_TEST

static const char *const strange[] = {
    "evil.example",
    "lb.example.com.evil.example",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "127.1",
    "10.1.2.3.4",
    "localhos",
    "localhost.",
    "0x7f000001",
    "example.com",
};

START_TEST(other_names_are_refused)
{
    send_to(strange[_i], NULL);
    ck_assert_msg(mgr_host_name_refusal(&r) != NULL, "%s", strange[_i]);
}
END_TEST

START_TEST(each_proxys_name_must_be_ours_too)
{
    send_to("lb.example.com", "lb.example.com, localhost:8080, 10.0.0.1");
    ck_assert_ptr_null(mgr_host_name_refusal(&r));
    send_to("lb.example.com", "lb.example.com, evil.example");
    ck_assert_ptr_nonnull(strstr(mgr_host_name_refusal(&r), "X-Forwarded-Host"));
    send_to("lb.example.com", "evil.example:80");
    ck_assert_ptr_nonnull(strstr(mgr_host_name_refusal(&r), "\"evil.example\""));
    send_to(NULL, "evil.example");
    ck_assert_ptr_nonnull(mgr_host_name_refusal(&r));
}
END_TEST

START_TEST(what_the_directive_names_is_ours)
{
    mgr_host_name_take(&cmd, config.hosts, "*.example.net");
    send_to("a.example.net", "B.EXAMPLE.NET:444");
    ck_assert_ptr_null(mgr_host_name_refusal(&r));
    send_to("example.net", NULL);
    ck_assert_ptr_nonnull(mgr_host_name_refusal(&r));
    send_to("a.example.net.evil.example", NULL);
    ck_assert_ptr_nonnull(mgr_host_name_refusal(&r));
}
END_TEST

START_TEST(who_is_logged_in_may_use_any_name)
{
    send_to("evil.example", "evil.example");
    user = "alice";
    ck_assert_ptr_null(mgr_host_name_refusal(&r));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("host_name");
    TCase *t = tcase_create("names");

    tcase_add_checked_fixture(t, begin, end);
    tcase_add_loop_test(t, a_name_has_neither_scheme_nor_port, 0, COUNT(no_names));
    tcase_add_test(t, names_and_patterns_are_kept);
    tcase_add_test(t, the_host_the_server_and_each_proxy_tell_names);
    tcase_add_test(t, an_address_may_have_its_brackets);
    tcase_add_loop_test(t, a_list_without_names_names_nobody, 0, COUNT(nothing));
    tcase_add_loop_test(t, our_names_and_addresses_are_fine, 0, COUNT(ours));
    tcase_add_loop_test(t, other_names_are_refused, 0, COUNT(strange));
    tcase_add_test(t, each_proxys_name_must_be_ours_too);
    tcase_add_test(t, what_the_directive_names_is_ours);
    tcase_add_test(t, who_is_logged_in_may_use_any_name);
    suite_add_tcase(suite, t);
    return run_suite(suite);
}
