/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_json.c - values as RFC 8259 and RFC 3339 write them, byte for byte. */
#include "json.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "apr_general.h"
#include "http_protocol.h"
#include "httpd_alone.h"
#include "run_suite.h"

static apr_pool_t *p;
static request_rec r;
static char sent[1 << 20];
static size_t used;

int ap_rwrite(const void *bytes, int count, request_rec *to)
{
    ck_assert_uint_lt(used + (size_t)count, sizeof(sent));
    memcpy(sent + used, bytes, (size_t)count);
    used += (size_t)count;
    sent[used] = '\0';
    return count;
}

static void begin(void)
{
    apr_initialize();
    apr_pool_create(&p, NULL);
    r.pool = p;
    used = 0;
}

static void end(void)
{
    apr_pool_destroy(p);
    apr_terminate();
}

START_TEST(values_have_their_names_and_commas)
{
    mgr_json_t *json = mgr_json_make(&r);

    mgr_json_open(json, "", '{');
    mgr_json_text(json, "text", "a\"b\\c\n\x01");
    mgr_json_text(json, "none", NULL);
    mgr_json_text(json, "empty", "");
    mgr_json_count(json, "count", UINT64_MAX);
    mgr_json_number(json, "number", -7);
    mgr_json_fraction(json, "fraction", 2500, 3);
    mgr_json_switch(json, "switch", true);
    mgr_json_number_from(json, "unset", 0, -1);
    mgr_json_open(json, "list", '[');
    mgr_json_number(json, "", 1);
    mgr_json_number(json, "", 2);
    mgr_json_close(json, ']');
    mgr_json_close(json, '}');
    mgr_sink_end(json->sink);
    ck_assert_str_eq(sent,
                     "{\"text\":\"a\\\"b\\\\c\\u000a\xEF\xBF\xBD\",\"none\":null,\"empty\":null,"
                     "\"count\":18446744073709551615,\"number\":-7,\"fraction\":2.5,"
                     "\"switch\":true,\"unset\":null,\"list\":[1,2]}");
}
END_TEST

/* More seconds than are kept, in an order in which some are found and others are not. */
START_TEST(times_are_right_in_any_order)
{
    mgr_json_t *json = mgr_json_make(&r);
    static char expected[1 << 20];
    size_t bytes = 0;

    for (int n = 0; n < 2000; n++) {
        const time_t second = n % 5 == 0 ? 1764281549 : 1764281549 + n * 7 % (3 * MGR_JSON_DATES);
        struct tm t;
        gmtime_r(&second, &t);
        bytes += strftime(expected + bytes, sizeof(expected) - bytes,
                          n ? ",\"%Y-%m-%dT%H:%M:%S" : "\"%Y-%m-%dT%H:%M:%S", &t);
        bytes += (size_t)snprintf(expected + bytes, sizeof(expected) - bytes, ".%03dZ\"", n % 1000);
        mgr_json_time(json, "", apr_time_from_sec(second) + n % 1000 * 1000 + 999);
    }
    mgr_json_time(json, "", 0);
    mgr_sink_end(json->sink);
    strcpy(expected + bytes, ",null");
    ck_assert(strcmp(sent, expected) == 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json");
    TCase *tc = tcase_create("values");

    tcase_add_checked_fixture(tc, begin, end);
    tcase_add_test(tc, values_have_their_names_and_commas);
    tcase_add_test(tc, times_are_right_in_any_order);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
