/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_worker_url.c - hosts, ports and paths that mod_proxy lets pass. */
#include <check.h>
#include <string.h>

#include "worker_url.h"
#include "run_suite.h"

static const char *const right[] = {
    "fcgi://h",
    "fcgi://h:9000",
    "fcgi://h:1/",
    "fcgi://h:65535/a:99999",
    "fcgi://h:/",
    "fcgi://[::1]",
    "fcgi://[::1]:9000/",
    "http://h/a@b",
    "unix:/run/a@b:0.sock|fcgi://php",
    "unix:/s|fcgi:",
    "balancer://b/",
    "http://h:$1/",
    "http://$1@h/",
    "fcgi://%{ENV:where}/a",
    "fcgi://h:%1/",
    "fcgi://h:00080",
    "/path",
    "",
};
static const char *const ports[] = {
    "fcgi://h:99999",
    "fcgi://h:65536/",
    "fcgi://h:-1",
    "fcgi://h:0",
    "fcgi://h:80x/",
    "fcgi://h:+80",
    "fcgi://h:4294967376",
    "fcgi://[::1]:0",
    "unix:/s|fcgi://php:70000",
    "fcgi://h: 80",
    "fcgi://a:b:99999",
};
static const char *const credentials[] = { "http://user:pass@h/", "fcgi://user@h:9000",
                                           "unix:/s|http://u:p@h/", "http://@h" };

START_TEST(what_is_right_passes)
{
    ck_assert_msg(fc_worker_url_mistake(right[_i]) == NULL, "%s", right[_i]);
}
END_TEST

START_TEST(a_port_is_a_number_from_1_to_65535)
{
    const char *mistake = fc_worker_url_mistake(ports[_i]);
    ck_assert_msg(mistake && strstr(mistake, "port"), "%s", ports[_i]);
}
END_TEST

START_TEST(without_a_host_there_must_be_a_socket)
{
    ck_assert_ptr_nonnull(fc_worker_url_mistake("fcgi://"));
    ck_assert_ptr_nonnull(fc_worker_url_mistake("fcgi:///path"));
    ck_assert_ptr_null(fc_worker_url_mistake("unix:/s|fcgi:///path"));
}
END_TEST

START_TEST(nobody_would_get_a_password)
{
    const char *mistake = fc_worker_url_mistake(credentials[_i]);
    ck_assert_msg(mistake && strstr(mistake, "password"), "%s", credentials[_i]);
}
END_TEST

START_TEST(the_end_of_the_host_may_be_the_end_of_the_url)
{
    ck_assert(fc_worker_url_ends_at_host("fcgi://h:9000"));
    ck_assert(fc_worker_url_ends_at_host("balancer://b"));
    ck_assert(fc_worker_url_ends_at_host("unix:/a/b|fcgi://b"));
    ck_assert(!fc_worker_url_ends_at_host("fcgi://h:9000/"));
    ck_assert(!fc_worker_url_ends_at_host("fcgi://h/a"));
    ck_assert(!fc_worker_url_ends_at_host("fcgi://"));
    ck_assert(!fc_worker_url_ends_at_host("/a"));
}
END_TEST

START_TEST(fastcgi_has_two_schemes)
{
    static const char *const fcgi[] = { "fcgi://h", "FCGI://h:9000/", "unix:/s|fcgi://h", "fcgi:" };
    static const char *const fcgis[] = { "fcgis://h", "Fcgis://h/", "UNIX:/s|fcgis://h" };
    static const char *const others[] = { "http://h", "fcgi", "fcgi2://h", "",
                                          "unix:/fcgi:|http://h", "balancer://fcgi:",
                                          "proxy:fcgi://h" };

    for (size_t i = 0; i < sizeof(fcgi) / sizeof(fcgi[0]); i++) {
        ck_assert_msg(fc_worker_url_is_fastcgi(fcgi[i]) && !fc_worker_url_is_fcgis(fcgi[i]),
                      "%s", fcgi[i]);
    }
    for (size_t i = 0; i < sizeof(fcgis) / sizeof(fcgis[0]); i++) {
        ck_assert_msg(fc_worker_url_is_fastcgi(fcgis[i]) && fc_worker_url_is_fcgis(fcgis[i]),
                      "%s", fcgis[i]);
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        ck_assert_msg(!fc_worker_url_is_fastcgi(others[i]), "%s", others[i]);
    }
}
END_TEST

static const char *const climbing[] = {
    "..",
    "/..",
    "/../",
    "/a/../b",
    "/a/..",
    "/%2e%2e/",
    "/.%2E/b",
    "/a%2f..%2Fb",
    "/a/..%2fb",
    "a/%2e.",
};
static const char *const level[] = {
    "",
    "/",
    "/a",
    "/a..",
    "/..a/",
    "/.../",
    "/./",
    "/a/.b",
    "/%252e%252e/",
    "/%2",
    "/%",
    "/..%2",
    "/..%5c",
    "/a.php/..b",
    "/%2x%2x/",
    "/..;/",
};

START_TEST(two_dots_alone_climb)
{
    ck_assert_msg(fc_worker_url_climbs(climbing[_i], strlen(climbing[_i])), "%s", climbing[_i]);
}
END_TEST

START_TEST(what_is_behind_the_path_is_not_looked_at)
{
    ck_assert(!fc_worker_url_climbs("/a?/../", 2));
    ck_assert(!fc_worker_url_climbs("/a/..", 4));
    ck_assert(!fc_worker_url_climbs("/.%2e", 4));
}
END_TEST

START_TEST(other_names_do_not_climb)
{
    ck_assert_msg(!fc_worker_url_climbs(level[_i], strlen(level[_i])), "%s", level[_i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("worker_url");
    TCase *urls = tcase_create("urls");

    tcase_add_loop_test(urls, what_is_right_passes, 0, COUNT(right));
    tcase_add_loop_test(urls, a_port_is_a_number_from_1_to_65535, 0, COUNT(ports));
    tcase_add_test(urls, without_a_host_there_must_be_a_socket);
    tcase_add_loop_test(urls, nobody_would_get_a_password, 0, COUNT(credentials));
    tcase_add_test(urls, the_end_of_the_host_may_be_the_end_of_the_url);
    tcase_add_test(urls, fastcgi_has_two_schemes);
    tcase_add_loop_test(urls, two_dots_alone_climb, 0, COUNT(climbing));
    tcase_add_test(urls, what_is_behind_the_path_is_not_looked_at);
    tcase_add_loop_test(urls, other_names_do_not_climb, 0, COUNT(level));
    suite_add_tcase(suite, urls);

    return run_suite(suite);
}
