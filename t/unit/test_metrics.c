/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_metrics.c - each sample as Prometheus reads it, byte for byte, wherever the sink's buffer
 * ends in it. */
#include "metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "apr_general.h"
#include "run_suite.h"

static apr_pool_t *p;
static request_rec r;

/* What was sent, and what should have been. */
static struct {
    char bytes[4 << 20];
    size_t used;
} sent, expected;

int ap_rwrite(const void *bytes, int count, request_rec *to)
{
    ck_assert_ptr_eq(to, &r);
    ck_assert_uint_le(sent.used + (size_t)count, sizeof(sent.bytes));
    memcpy(sent.bytes + sent.used, bytes, (size_t)count);
    sent.used += (size_t)count;
    return count;
}

static void expect(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void expect(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    const int bytes = vsnprintf(expected.bytes + expected.used,
                                sizeof(expected.bytes) - expected.used, format, args);
    va_end(args);
    expected.used += (size_t)bytes;
    ck_assert_uint_lt(expected.used, sizeof(expected.bytes));
}

static void assert_all_was_sent(mgr_metrics_t *m)
{
    mgr_sink_end(m->sink);
    ck_assert_uint_eq(sent.used, expected.used);
    ck_assert(memcmp(sent.bytes, expected.bytes, expected.used) == 0);
}

static void begin(void)
{
    apr_initialize();
    apr_pool_create(&p, NULL);
    r.pool = p;
    sent.used = expected.used = 0;
}

static void end(void)
{
    apr_pool_destroy(p);
    apr_terminate();
}

static void put_family(mgr_metrics_t *m)
{
    mgr_metrics_family(m, "things", "counter", "How many.");
    expect("# HELP fastcgi_cluster_things How many.\n# TYPE fastcgi_cluster_things counter\n");
}

START_TEST(a_sample_has_its_labels_and_its_number)
{
    mgr_metrics_t *m = mgr_metrics_make(&r, MGR_METRICS_TEXT);

    put_family(m);
    mgr_metrics_count(m, "a=\"1\"", 0);
    mgr_metrics_count(m, "a=\"1\",b=\"2\"", UINT64_MAX);
    mgr_metrics_count_of(m, "a=\"1\"", "state", "ok", 12);
    mgr_metrics_fraction(m, "a=\"1\"", 1500000, 6);
    mgr_metrics_fraction(m, "a=\"1\"", -25, 2);
    expect("fastcgi_cluster_things{a=\"1\"} 0\n"
           "fastcgi_cluster_things{a=\"1\",b=\"2\"} 18446744073709551615\n"
           "fastcgi_cluster_things{a=\"1\",state=\"ok\"} 12\n"
           "fastcgi_cluster_things{a=\"1\"} 1.5\n"
           "fastcgi_cluster_things{a=\"1\"} -0.25\n");
    assert_all_was_sent(m);
}
END_TEST

static void put_histogram(mgr_metrics_t *m, const char *labels, uint64_t seed)
{
    lb_histogram_t times = { .sum = seed * 1000000 + 250000 }, before = { .sum = 500000 };
    uint64_t count = 0;

    for (int i = 0; i < LB_HISTOGRAM_BUCKETS; i++) {
        times.buckets[i] = seed * (uint64_t)i;
        before.buckets[i] = i % 3 == 0;
    }
    mgr_metrics_histogram(m, labels, &times, &before, NULL);
    for (int i = 0; i < LB_HISTOGRAM_BUCKETS; i++) {
        char bound[32] = "+Inf";
        if (i < LB_HISTOGRAM_BUCKETS - 1) {
            const double seconds = (double)lb_histogram_bound(i) / 1e6;
            snprintf(bound, sizeof(bound), seconds < 1 ? "%g" : "%.1f", seconds);
        }
        count += times.buckets[i] + before.buckets[i];
        expect("fastcgi_cluster_things_bucket{%s,le=\"%s\"} %" PRIu64 "\n", labels, bound, count);
    }
    expect("fastcgi_cluster_things_sum{%s} %" PRIu64 ".75\n", labels, seed);
    expect("fastcgi_cluster_things_count{%s} %" PRIu64 "\n", labels, count);
}

START_TEST(histograms_are_whole_wherever_the_buffer_ends)
{
    mgr_metrics_t *m = mgr_metrics_make(&r, MGR_METRICS_TEXT);
    char labels[300] = "m=\"";

    put_family(m);
    for (size_t n = 0; n < 250; n++) { /* three times the buffer and more, at ever other places */
        memset(labels + 3, 'x', n);
        strcpy(labels + 3 + n, "\"");
        put_histogram(m, labels, n * n);
    }
    ck_assert_uint_gt(sent.used, 3 * MGR_SINK_BYTES);
    assert_all_was_sent(m);
}
END_TEST

START_TEST(labels_may_be_longer_than_the_buffer)
{
    static char labels[2 * MGR_SINK_BYTES + 10];
    mgr_metrics_t *m = mgr_metrics_make(&r, MGR_METRICS_TEXT);

    memset(labels, 'x', sizeof(labels) - 1);
    put_family(m);
    put_histogram(m, labels, 7);
    assert_all_was_sent(m);
}
END_TEST

START_TEST(openmetrics_has_exemplars_and_an_end)
{
    mgr_metrics_t *m = mgr_metrics_make(&r, MGR_METRICS_OPEN);
    const lb_histogram_t times = { .buckets = { [2] = 1 }, .sum = 450 }, before = { 0 };
    const lb_exemplar_t exemplars[LB_HISTOGRAM_BUCKETS] = {
        [2] = { .at = 1700000000500000, .took = 450, .trace = { 0x0af7, UINT64_MAX } }
    };

    mgr_metrics_family(m, "tries_total", "counter", "How many.");
    mgr_metrics_count(m, "a=\"1\"", 5);
    mgr_metrics_family(m, "took", "histogram", "How long.");
    mgr_metrics_histogram(m, "a=\"1\"", &times, &before, exemplars);
    mgr_metrics_end(m);
    sent.bytes[sent.used] = '\0';
    ck_assert_ptr_nonnull(strstr(sent.bytes, "# TYPE fastcgi_cluster_tries counter\n"
                                             "fastcgi_cluster_tries_total{a=\"1\"} 5\n"));
    ck_assert_ptr_nonnull(
        strstr(sent.bytes, "fastcgi_cluster_took_bucket{a=\"1\",le=\"0.0005\"} 1 # "
                           "{trace_id=\"0000000000000af7ffffffffffffffff\"} 0.00045 1700000000.5\n"
                           "fastcgi_cluster_took_bucket{a=\"1\",le=\"0.001\"} 1\n"));
    ck_assert_str_eq(sent.bytes + sent.used - 6, "# EOF\n");
}
END_TEST

START_TEST(a_label_is_quoted)
{
    ck_assert_str_eq(mgr_metrics_quoted(p, "a\\b\"c\nd"), "a\\\\b\\\"c\\nd");
    ck_assert_str_eq(mgr_metrics_quoted(p, "plain"), "plain");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("metrics");
    TCase *tc = tcase_create("samples");

    tcase_add_checked_fixture(tc, begin, end);
    tcase_add_test(tc, a_sample_has_its_labels_and_its_number);
    tcase_add_test(tc, histograms_are_whole_wherever_the_buffer_ends);
    tcase_add_test(tc, labels_may_be_longer_than_the_buffer);
    tcase_add_test(tc, openmetrics_has_exemplars_and_an_end);
    tcase_add_test(tc, a_label_is_quoted);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
