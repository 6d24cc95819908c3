/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_api_path.c - which resource a path names, and that the path of a member names it. */
#include <check.h>
#include <string.h>

#include "api_path.h"
#include "balancer_calls.h"
#include "httpd_alone.h"
#include "run_suite.h"

static apr_pool_t *p;
static bool is_shared;

bool mgr_balancer_calls_is_key_shared(const apr_array_header_t *snapshot,
                                      const lb_balancer_view_t *balancer)
{
    return is_shared;
}

static void begin(void)
{
    apr_initialize();
    apr_pool_create(&p, NULL);
    is_shared = false;
}

static void end(void)
{
    apr_pool_destroy(p);
    apr_terminate();
}

/* ---- From a path ----------------------------------------------------------------------------- */

static const struct {
    const char *path;
    mgr_resource_t resource;
    const char *key, *member;
} paths[] = {
    { "/v1/audit", MGR_AUDIT },
    { "/v1/fleet", MGR_FLEET },
    { "/v1/fleet/forget", MGR_FORGET },
    { "/v1/fleet/", MGR_NO_RESOURCE },
    { "/v1/members", MGR_ALL_MEMBERS },
    { "/v1/balancers/x", MGR_BALANCER, "x" },
    { "/v1/balancers/members", MGR_BALANCER, "members" },
    { "/v1/balancers/reset", MGR_BALANCER, "reset" },
    { "/v1/balancers/x/reset", MGR_RESET, "x" },
    { "/v1/balancers/x/members", MGR_MEMBERS, "x" },
    { "/v1/balancers/x/members/m", MGR_MEMBER, "x", "m" },
    { "/v1/balancers/x/members/m/reset", MGR_RESET, "x", "m" },
    { "/v1/balancers/x/members/reset/reset", MGR_RESET, "x", "reset" },
    /* %2F is decoded here; the other escapes are already */
    { "/v1/balancers/x/members/fcgi:%2F%2Fh:1", MGR_MEMBER, "x", "fcgi://h:1" },
    { "/v1/balancers/x/members/fcgi:%2f%2Fh:1%2Fp", MGR_MEMBER, "x", "fcgi://h:1/p" },
    { "/v1/balancers/x/members/fcgi://h:1", MGR_MEMBER, "x", "fcgi://h:1" },
    { "/v1/balancers/x/members/fcgi:%2F%2Fh:1/reset", MGR_RESET, "x", "fcgi://h:1" },
    { "/v1/balancers/x/members/fcgi:%2F%2Fh:1%2Freset", MGR_MEMBER, "x", "fcgi://h:1/reset" },
    { "/v1/balancers/x/members/%2F", MGR_MEMBER, "x", "/" },
    { "/v1/balancers/x/members/a%252Fb", MGR_MEMBER, "x", "a%252Fb" },
    { "/v1/balancers/x%2525", MGR_BALANCER, "x%2525" },
    { "/v1/balancers/x/members/a%", MGR_MEMBER, "x", "a%" },
    { "/v1/balancers/x/members/a%2", MGR_MEMBER, "x", "a%2" },
    { "/v1/balancers/x/members/%41", MGR_MEMBER, "x", "%41" },
    { "/v1/balancers/x/members/\xFF", MGR_MEMBER, "x", "\xFF" },
};

START_TEST(a_path_names_a_resource)
{
    const mgr_api_path_t path = mgr_api_path_parse(p, paths[_i].path);

    ck_assert_msg(path.resource == paths[_i].resource, "%s: %d", paths[_i].path,
                  (int)path.resource);
    ck_assert_pstr_eq(path.key, paths[_i].key);
    ck_assert_pstr_eq(path.member, paths[_i].member);
}
END_TEST

static const char *const strangers[] = {
    "",
    "/",
    "/v1",
    "/v1/",
    "/v1/audit/",
    "/v1/audit/x",
    "/v1/AUDIT",
    "/v1/members/",
    "/v1/members/m",
    "/v1/balancers",
    "/v1/balancers/",
    "/v1/balancers//",
    "/v1/balancers//members",
    "/v1/balancers//members/m",
    "/v1/balancers//reset",
    "/v1/balancers/x/",
    "/v1/balancers/x/y",
    "/v1/balancers/x/members/",
    "/v1/balancers/x/membership",
    "/v1/balancers/x/members%2F",
    "/v1/balancers/x/members%2Fm",
    "/v1/balancers/x/members//reset",
    "/v1/balancers/x/y/reset",
    "/v1/balancers/x/members/reset" /* all of them have none */,
    "/v2/balancers/x",
    "v1/balancers/x",
    "/v1/balancersx",
};

START_TEST(other_paths_name_nothing)
{
    ck_assert_msg(mgr_api_path_parse(p, strangers[_i]).resource == MGR_NO_RESOURCE, "%s",
                  strangers[_i]);
}
END_TEST

START_TEST(a_long_path_is_kept_whole)
{
    static const char before[] = "/v1/balancers/x/members/";
    enum { BYTES = 100000 };
    char *path = apr_palloc(p, sizeof(before) + BYTES);

    memcpy(path, before, sizeof(before) - 1);
    memset(path + sizeof(before) - 1, 'm', BYTES);
    path[sizeof(before) - 1 + BYTES] = '\0';
    ck_assert_uint_eq(strlen(mgr_api_path_parse(p, path).member), BYTES);
}
END_TEST

/* ---- To a path ------------------------------------------------------------------------------- */

static const char *path_of(const char *key, const char *member)
{
    request_rec r = { .pool = p };
    const mgr_visit_t visit = { .r = &r };
    const lb_balancer_view_t balancer = { .key = key, .vhost = "a b:80" };

    return mgr_api_path_of_member(&visit, &balancer, member);
}

START_TEST(all_that_may_mean_something_is_escaped)
{
    ck_assert_str_eq(path_of("x", "fcgi://h:1"), "/v1/balancers/x/members/fcgi%3A%2F%2Fh%3A1");
    ck_assert_str_eq(path_of("A-z.0_~", "a%2Fb"), "/v1/balancers/A-z.0_~/members/a%252Fb");
    ck_assert_str_eq(path_of("x", "\x01?#&\xFF"), "/v1/balancers/x/members/%01%3F%23%26%FF");
}
END_TEST

START_TEST(a_shared_key_needs_its_virtual_host)
{
    is_shared = true;
    ck_assert_str_eq(path_of("x", "m"), "/v1/balancers/x/members/m?vhost=a%20b%3A80");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("api_path");
    TCase *t = tcase_create("paths");

    tcase_add_checked_fixture(t, begin, end);
    tcase_add_loop_test(t, a_path_names_a_resource, 0, COUNT(paths));
    tcase_add_loop_test(t, other_paths_name_nothing, 0, COUNT(strangers));
    tcase_add_test(t, a_long_path_is_kept_whole);
    tcase_add_test(t, all_that_may_mean_something_is_escaped);
    tcase_add_test(t, a_shared_key_needs_its_virtual_host);
    suite_add_tcase(suite, t);
    return run_suite(suite);
}
