/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_selection.c - what a query chooses and sorts; what is not known does nothing. */
#include <check.h>
#include <string.h>

#include "body.h"
#include "httpd_alone.h"
#include "run_suite.h"
#include "selection.h"

static apr_pool_t *p;
static request_rec r;
static lb_balancer_view_t balancer;

bool mgr_body_is(request_rec *of, const char *type) { return false; }
int mgr_body_read(request_rec *of, apr_size_t limit, char **text, apr_size_t *bytes)
{
    return HTTP_INTERNAL_SERVER_ERROR;
}

static void add(const char *name, lb_state_t state, const char *route, uint64_t elected)
{
    APR_ARRAY_PUSH(balancer.members, lb_member_view_t) = (lb_member_view_t){
        .name = name,
        .state = state,
        .settings.of[LB_SETTING_ROUTE].text = route,
        .elected = elected,
        .share_percent = 100
    };
}

static void begin(void)
{
    apr_initialize();
    apr_pool_create(&p, NULL);
    r.pool = p;
    balancer = (lb_balancer_view_t){ .name = "balancer://Cluster",
                                     .key = "cluster",
                                     .vhost = "www.example.com:443" };
    balancer.members = apr_array_make(p, 4, sizeof(lb_member_view_t));
    add("fcgi://10.0.0.10:9000", LB_STATE_OK, "alpha", 5);
    add("fcgi://10.0.0.9:9000", LB_STATE_ERROR, "beta", 7);
    add("fcgi://10.0.0.1:9000", LB_STATE_OK, "gamma", 5);
    add("fcgi://10.0.0.2:9000", LB_STATE_DISABLED, NULL, UINT64_MAX);
}

static void end(void)
{
    apr_pool_destroy(p);
    apr_terminate();
}

static mgr_selection_t selected(const char *query)
{
    r.args = query ? apr_pstrdup(p, query) : NULL;
    return mgr_selection_read(&r);
}

/* The last numbers of the addresses that are selected: "10 9 1 2 ". */
static const char *members(const char *query)
{
    const mgr_selection_t selection = selected(query);
    const apr_array_header_t *list = mgr_selection_members(p, &selection, &balancer);
    const char *text = "";

    ck_assert_int_eq(mgr_selection_count(&selection, &balancer), list->nelts);
    for (int i = 0; i < list->nelts; i++) {
        const char *name = APR_ARRAY_IDX(list, i, const lb_member_view_t *)->name;
        text = apr_psprintf(p, "%s%d ", text, atoi(name + strlen("fcgi://10.0.0.")));
    }
    return text;
}

/* ---- Choosing -------------------------------------------------------------------------------- */

static const char *const all[] = {
    NULL,
    "",
    "?",
    "filter=",
    "state=",
    "filter=&state=&sort=",
    "x=1",
    "filter",
    "sort=",
    "sort=x",
    "sort=name%20",
    "sort=NAME",
    "filter=10.0.0",
    "filter=FCGI",
    "filter=cluster",
    "filter=example.com:4",
    "filter=%",
    "filter=%zz&state=error",
    "filter=%00",
};

START_TEST(without_a_choice_all_are_there_as_configured)
{
    ck_assert_msg(strcmp(members(all[_i]), "10 9 1 2 ") == 0, "%s: %s", all[_i] ? all[_i] : "none",
                  members(all[_i]));
}
END_TEST

static const struct {
    const char *query, *members;
} choices[] = {
    { "filter=0.10:", "10 " },
    { "filter=BETA", "9 " },
    { "filter=10.0.0.1", "10 1 " },
    { "filter=nowhere", "" },
    { "filter=fcgi%3A%2F%2F10.0.0.2", "2 " },
    { "filter=+", "" },
    { "filter=a&filter=beta", "9 " },
    { "filter=fcgi:%2F%2F10.0.0.10:90000", "" },
    { "state=ok", "10 1 " },
    { "state=attention", "9 2 " },
    { "state=error", "9 " },
    { "state=failed", "9 " },
    { "state=off", "2 " },
    { "state=OK", "" },
    { "state=nonsense", "" },
    { "state=ok&filter=gamma", "1 " },
    { "state=error&filter=cluster", "9 " },
};

START_TEST(filter_and_state_choose)
{
    ck_assert_str_eq(members(choices[_i].query), choices[_i].members);
}
END_TEST

START_TEST(only_filter_and_state_leave_something_out)
{
    static const char *const partial[] = { "filter=x", "state=ok" };
    static const char *const whole[] = { "", "sort=name", "order=desc", "open=x", "refresh=0" };

    for (int i = 0; i < COUNT(partial); i++) {
        const mgr_selection_t selection = selected(partial[i]);
        ck_assert(mgr_selection_is_partial(&selection));
    }
    for (int i = 0; i < COUNT(whole); i++) {
        const mgr_selection_t selection = selected(whole[i]);
        ck_assert(!mgr_selection_is_partial(&selection));
    }
}
END_TEST

START_TEST(no_members_are_none)
{
    balancer.members = apr_array_make(p, 0, sizeof(lb_member_view_t));
    ck_assert_str_eq(members("sort=name"), "");
}
END_TEST

/* ---- Sorting --------------------------------------------------------------------------------- */

static const struct {
    const char *query, *members;
} orders[] = {
    { "sort=name", "1 2 9 10 " },
    { "sort=name&order=desc", "10 9 2 1 " },
    { "sort=name&order=DESC", "1 2 9 10 " },
    { "sort=name&order=asc", "1 2 9 10 " },
    { "order=desc", "10 9 1 2 " },
    { "sort=state", "2 9 10 1 " },
    /* equal ones stay as they are configured, in both directions */
    { "sort=requests", "10 1 9 2 " },
    { "sort=requests&order=desc", "2 9 10 1 " },
    { "sort=weight", "10 9 1 2 " },
    { "sort=check&order=desc", "10 9 1 2 " },
    { "sort=config&order=desc", "10 9 1 2 " },
    { "sort=requests&sort=name", "1 2 9 10 " },
    { "sort=name&state=ok", "1 10 " },
};

START_TEST(members_are_sorted_by_a_key)
{
    ck_assert_str_eq(members(orders[_i].query), orders[_i].members);
}
END_TEST

START_TEST(trouble_comes_first_where_the_page_wants_it)
{
    static const struct {
        const char *query;
        int first[4];
    } orders_of_trouble[] = {
        { "", { 9, 1, 2, 10 } },    /* failed, with a failure that counts, off, in order */
        { "order=desc", { 9, 1, 2, 10 } },
        { "sort=config", { 10, 9, 1, 2 } },
        { "sort=name", { 1, 2, 9, 10 } },
    };
    APR_ARRAY_IDX(balancer.members, 2, lb_member_view_t).strikes = 1;
    for (size_t i = 0; i < sizeof(orders_of_trouble) / sizeof(orders_of_trouble[0]); i++) {
        mgr_selection_t selection = selected(orders_of_trouble[i].query);
        selection.puts_trouble_first = true;
        const apr_array_header_t *list = mgr_selection_members(p, &selection, &balancer);
        for (int k = 0; k < list->nelts; k++) {
            const char *name = APR_ARRAY_IDX(list, k, const lb_member_view_t *)->name;
            ck_assert_int_eq(atoi(name + strlen("fcgi://10.0.0.")), orders_of_trouble[i].first[k]);
        }
    }
}
END_TEST

START_TEST(what_is_notable)
{
    lb_member_view_t *member = &APR_ARRAY_IDX(balancer.members, 0, lb_member_view_t);
    ck_assert(!mgr_selection_is_notable(member));
    member->recent = (lb_recent_t){ .requests = 1000, .failures = 9 };
    ck_assert(!mgr_selection_is_notable(member));
    member->recent.failures = 10;
    ck_assert(mgr_selection_is_notable(member));
    member->recent.failures = 0;
    member->share_percent = 99;
    ck_assert(mgr_selection_is_notable(member));
    for (lb_state_t state = 0; state < LB_STATE_COUNT; state++) {
        const bool stands_by = state == LB_STATE_STANDBY || state == LB_STATE_SPARE;
        ck_assert_int_eq(mgr_selection_is_off(state) + lb_state_is_failed(state),
                         state != LB_STATE_OK && !stands_by);
    }
}
END_TEST

START_TEST(each_key_can_be_sorted_by)
{
    for (const mgr_sort_key_t *key = mgr_selection_sort_keys; key->key; key++) {
        const char *query = apr_pstrcat(p, "sort=", key->key, NULL);
        const mgr_selection_t selection = selected(query);
        ck_assert_str_eq(selection.sort, key->key);
        ck_assert_int_eq(mgr_selection_members(p, &selection, &balancer)->nelts, 4);
    }
}
END_TEST

/* ---- Reloading, opening ---------------------------------------------------------------------- */

static const struct {
    const char *value;
    int seconds;
} refreshes[] = {
    { "0", 0 },
    { "1", 1 },
    { "5", 5 },
    { "3600", 3600 },
    { "3601", 0 },
    { "-1", 0 },
    { "", 0 },
    { "x", 0 },
    { "5x", 0 },
    { "%205", 0 },
    { "1e3", 0 },
    { "2147483648", 0 },
    { "4294967301", 0 },
    { "99999999999999999999999", 0 },
    { "-99999999999999999999999", 0 },
    { "0x10", 0 },
    { "+5", 0 },
    { "%2B5", 0 },
    { "007", 7 },
};

START_TEST(a_page_is_reloaded_every_1_to_3600_seconds_or_never)
{
    const mgr_selection_t selection =
        selected(apr_pstrcat(p, "refresh=", refreshes[_i].value, NULL));

    ck_assert_msg(selection.refresh_seconds == refreshes[_i].seconds, "%s: %d", refreshes[_i].value,
                  selection.refresh_seconds);
}
END_TEST

START_TEST(it_is_reloaded_every_ten_seconds_unless_somebody_chooses)
{
    ck_assert_int_eq(selected(NULL).refresh_seconds, 10);
    ck_assert_int_eq(selected("refresh=5&refresh=60").refresh_seconds, 60);
}
END_TEST

START_TEST(balancers_are_opened_by_their_keys)
{
    mgr_selection_t selection = selected("open=other&open=cluster");

    ck_assert(mgr_selection_is_open(&selection, &balancer));
    selection = selected("open=other&open=Cluster&open=clusters&open=");
    ck_assert(!mgr_selection_is_open(&selection, &balancer));
    selection = selected(NULL);
    ck_assert(!mgr_selection_is_open(&selection, &balancer));
}
END_TEST

/* ---- Back to a query ------------------------------------------------------------------------- */

static const struct {
    const char *query, *again;
} queries[] = {
    { NULL, "?" },
    { "x=1&refresh=10&order=asc", "?" },
    { "filter=a%26b%3Dc", "?filter=a%26b%3Dc" },
    { "filter=a+b%2Bc", "?filter=a%20b%2Bc" },
    { "filter=%C3%A4%22%3C", "?filter=%c3%a4%22%3c" },
    { "state=ok&sort=name&order=desc&open=b&open=a&refresh=0",
      "?state=ok&sort=name&order=desc&open=b&open=a&refresh=0" },
    { "open=&open=a", "?open=a" },
    { "sort=nonsense", "?" },
};

START_TEST(a_selection_is_a_query_again)
{
    const mgr_selection_t selection = selected(queries[_i].query);

    ck_assert_str_eq(mgr_selection_query(p, &selection), queries[_i].again);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("selection");
    TCase *t = tcase_create("selections");

    tcase_add_checked_fixture(t, begin, end);
    tcase_add_loop_test(t, without_a_choice_all_are_there_as_configured, 0, COUNT(all));
    tcase_add_loop_test(t, filter_and_state_choose, 0, COUNT(choices));
    tcase_add_test(t, only_filter_and_state_leave_something_out);
    tcase_add_test(t, no_members_are_none);
    tcase_add_loop_test(t, members_are_sorted_by_a_key, 0, COUNT(orders));
    tcase_add_test(t, trouble_comes_first_where_the_page_wants_it);
    tcase_add_test(t, what_is_notable);
    tcase_add_test(t, each_key_can_be_sorted_by);
    tcase_add_loop_test(t, a_page_is_reloaded_every_1_to_3600_seconds_or_never, 0,
                        COUNT(refreshes));
    tcase_add_test(t, it_is_reloaded_every_ten_seconds_unless_somebody_chooses);
    tcase_add_test(t, balancers_are_opened_by_their_keys);
    tcase_add_loop_test(t, a_selection_is_a_query_again, 0, COUNT(queries));
    suite_add_tcase(suite, t);
    return run_suite(suite);
}
