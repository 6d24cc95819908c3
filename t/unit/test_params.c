/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_params.c - name/value pairs in, PARAMS records out, and back through a naive reader. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "params.h"
#include "run_suite.h"
#include "transcript.h"

#define REQUEST_ID 0x0203

static unsigned char text[200000];   /* the names and values of all tests are parts of it */

static fcgi_pair_t pair_of(size_t name_bytes, size_t value_bytes)
{
    return (fcgi_pair_t){ fc_span(text, name_bytes), fc_span(text + 1, value_bytes) };
}

/* Measures, writes into a buffer of just that size; the caller frees it. */
static fc_span_t encoded(const fcgi_pair_t *pairs, size_t count)
{
    size_t bytes = 0, too_big = 4711;
    ck_assert_int_eq(fcgi_params_measure(pairs, count, &bytes, &too_big), FCGI_OK);
    ck_assert_uint_eq(too_big, 4711);
    unsigned char *out = malloc(bytes);
    ck_assert_uint_eq(fcgi_params_encode(pairs, count, REQUEST_ID, out), bytes);
    return fc_span(out, bytes);
}

static void give_back(fc_span_t out)
{
    free((void *)(uintptr_t)out.at);
}

static size_t naive_length(fc_span_t *in)
{
    ck_assert_uint_ge(in->bytes, 1);
    size_t length = in->at[0];
    size_t took = 1;
    if (length & 0x80) {
        ck_assert_uint_ge(in->bytes, 4);
        length = (length & 0x7f) << 24 | (size_t)in->at[1] << 16 | (size_t)in->at[2] << 8
                 | in->at[3];
        ck_assert_uint_gt(length, 127);
        took = 4;
    }
    *in = fc_span_after(*in, took);
    return length;
}

static void naive_text(fc_span_t *in, size_t bytes, fc_span_t expected)
{
    ck_assert_uint_eq(bytes, expected.bytes);
    ck_assert_uint_ge(in->bytes, bytes);
    ck_assert(bytes == 0 || memcmp(in->at, expected.at, bytes) == 0);
    *in = fc_span_after(*in, bytes);
}

/* Reads the pairs of each record by itself: a pair over a border would not be found whole.
 * Returns the number of records, the empty one included. */
static size_t check_records(fc_span_t in, const fcgi_pair_t *pairs, size_t count)
{
    size_t seen = 0, records = 0;
    for (;;) {
        fcgi_record_t record;
        ck_assert_int_eq(fcgi_record_decode(in, &record), FCGI_OK);
        ck_assert_uint_eq(record.type, FCGI_PARAMS);
        ck_assert_uint_eq(record.request_id, REQUEST_ID);
        ck_assert_uint_eq(record.padding_bytes, 0);
        in = fc_span_after(in, 8);
        records++;
        ck_assert_uint_ge(in.bytes, record.content_bytes);
        if (record.content_bytes == 0) {
            break;
        }
        fc_span_t content = fc_span(in.at, record.content_bytes);
        in = fc_span_after(in, record.content_bytes);
        for (; content.bytes > 0; seen++) {
            ck_assert_uint_lt(seen, count);
            size_t name = naive_length(&content);
            size_t value = naive_length(&content);
            naive_text(&content, name, pairs[seen].name);
            naive_text(&content, value, pairs[seen].value);
        }
    }
    ck_assert_uint_eq(seen, count);
    ck_assert_uint_eq(in.bytes, 0);
    return records;
}

START_TEST(no_pairs_give_only_the_empty_record)
{
    const unsigned char expected[] = { 1, 4, 2, 3, 0, 0, 0, 0 };
    fc_span_t out = encoded(NULL, 0);
    ck_assert_uint_eq(out.bytes, 8);
    ck_assert_mem_eq(out.at, expected, 8);
    give_back(out);
}
END_TEST

START_TEST(short_pair_is_written_byte_for_byte)
{
    const unsigned char expected[] = {
        1, 4, 2, 3, 0, 9, 0, 0, 4, 3, 'N', 'A', 'M', 'E', 'v', 'a', 'l', 1, 4, 2, 3, 0, 0, 0, 0
    };
    const fcgi_pair_t pair = { fc_span("NAME", 4), fc_span("val", 3) };
    fc_span_t out = encoded(&pair, 1);
    ck_assert_uint_eq(out.bytes, sizeof(expected));
    ck_assert_mem_eq(out.at, expected, sizeof(expected));
    give_back(out);
}
END_TEST

START_TEST(lengths_up_to_127_take_one_byte)
{
    const fcgi_pair_t pair = pair_of(127, 127);
    fc_span_t out = encoded(&pair, 1);
    ck_assert_uint_eq(out.bytes, 8 + 2 + 254 + 8);
    ck_assert_uint_eq(out.at[8], 127);
    ck_assert_uint_eq(out.at[9], 127);
    give_back(out);
}
END_TEST

START_TEST(lengths_from_128_take_four_bytes_with_the_high_bit)
{
    const unsigned char lengths[] = { 0x80, 0, 0, 128, 0x80, 0, 1, 0x2c };
    const fcgi_pair_t pair = pair_of(128, 300);
    fc_span_t out = encoded(&pair, 1);
    ck_assert_uint_eq(out.bytes, 8 + 8 + 428 + 8);
    ck_assert_mem_eq(out.at + 8, lengths, 8);
    give_back(out);
}
END_TEST

START_TEST(empty_names_and_values_are_kept)
{
    const fcgi_pair_t pairs[] = {
        { fc_span(NULL, 0), fc_span(NULL, 0) },
        { fc_span("A", 1), fc_span(NULL, 0) },
        { fc_span("", 0), fc_span("b", 1) },
    };
    fc_span_t out = encoded(pairs, 3);
    ck_assert_uint_eq(check_records(out, pairs, 3), 2);
    give_back(out);
}
END_TEST

START_TEST(all_lengths_around_the_limits_come_back)
{
    static const size_t lengths[] = { 0, 1, 126, 127, 128, 129, 255, 256, 65519, 65520 };
    const size_t n = sizeof(lengths) / sizeof(lengths[0]);
    for (size_t i = 0; i < n * n; i++) {
        const fcgi_pair_t pair = pair_of(lengths[i / n], lengths[i % n]);
        if (lengths[i / n] + lengths[i % n] > 65520) {
            continue;
        }
        fc_span_t out = encoded(&pair, 1);
        ck_assert_uint_eq(check_records(out, &pair, 1), 2);
        give_back(out);
    }
}
END_TEST

START_TEST(pair_of_exactly_a_record_fits)
{
    const fcgi_pair_t pair = pair_of(100, 65535 - 1 - 4 - 100);
    fc_span_t out = encoded(&pair, 1);
    ck_assert_uint_eq(out.bytes, 8 + 65535 + 8);
    ck_assert_uint_eq(check_records(out, &pair, 1), 2);
    give_back(out);
}
END_TEST

START_TEST(pair_one_byte_over_a_record_is_bad_with_its_index)
{
    const fcgi_pair_t pairs[] = {
        pair_of(1, 1), pair_of(3, 40000), pair_of(100, 65535 - 1 - 4 - 100 + 1), pair_of(9, 99999)
    };
    size_t bytes = 4711, too_big = 0;
    ck_assert_int_eq(fcgi_params_measure(pairs, 4, &bytes, &too_big), FCGI_BAD);
    ck_assert_uint_eq(too_big, 2);
    ck_assert_uint_eq(bytes, 4711);
}
END_TEST

START_TEST(absurd_lengths_do_not_wrap_around)
{
    const fcgi_pair_t pairs[] = { pair_of(SIZE_MAX, 9), pair_of(9, SIZE_MAX),
                                  pair_of(SIZE_MAX, SIZE_MAX),
                                  pair_of(SIZE_MAX / 2 + 1, SIZE_MAX / 2) };
    for (size_t i = 0; i < 4; i++) {
        size_t bytes, too_big = 4711;
        ck_assert_int_eq(fcgi_params_measure(&pairs[i], 1, &bytes, &too_big), FCGI_BAD);
        ck_assert_uint_eq(too_big, 0);
    }
}
END_TEST

START_TEST(pairs_fill_a_record_to_its_last_byte)
{
    /* 2 + 30000 with a four-byte length, then what is left of 65535 in one pair, then one more */
    const fcgi_pair_t pairs[] = { pair_of(2, 30000), pair_of(2, 65535 - 30007 - 7), pair_of(1, 1) };
    fc_span_t out = encoded(pairs, 3);
    ck_assert_uint_eq(out.at[4] << 8 | out.at[5], 65535);
    ck_assert_uint_eq(check_records(out, pairs, 3), 3);
    give_back(out);
}
END_TEST

START_TEST(pair_that_would_cross_a_border_starts_a_new_record)
{
    const fcgi_pair_t pairs[] = { pair_of(2, 30000), pair_of(2, 65535 - 30007 - 6), pair_of(1, 1) };
    fc_span_t out = encoded(pairs, 3);
    ck_assert_uint_eq(out.at[4] << 8 | out.at[5], 30007);
    ck_assert_uint_eq(check_records(out, pairs, 3), 3);
    give_back(out);
}
END_TEST

START_TEST(random_pairs_come_back)
{
    unsigned seed = 20240607;
    for (int round = 0; round < 300; round++) {
        fcgi_pair_t pairs[60];
        size_t count = transcript_dice(&seed, 61);
        for (size_t i = 0; i < count; i++) {
            unsigned most = transcript_dice(&seed, 8) == 0 ? 60000 : 300;
            pairs[i] = pair_of(transcript_dice(&seed, 200), transcript_dice(&seed, most));
        }
        fc_span_t out = encoded(pairs, count);
        check_records(out, pairs, count);
        give_back(out);
    }
}
END_TEST

int main(void)
{
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = (unsigned char)(i * 31 + i / 251);
    }
    Suite *suite = suite_create("params");
    TCase *tc = tcase_create("params");
    tcase_set_timeout(tc, 120);   /* valgrind is slow */
    tcase_add_test(tc, no_pairs_give_only_the_empty_record);
    tcase_add_test(tc, short_pair_is_written_byte_for_byte);
    tcase_add_test(tc, lengths_up_to_127_take_one_byte);
    tcase_add_test(tc, lengths_from_128_take_four_bytes_with_the_high_bit);
    tcase_add_test(tc, empty_names_and_values_are_kept);
    tcase_add_test(tc, all_lengths_around_the_limits_come_back);
    tcase_add_test(tc, pair_of_exactly_a_record_fits);
    tcase_add_test(tc, pair_one_byte_over_a_record_is_bad_with_its_index);
    tcase_add_test(tc, absurd_lengths_do_not_wrap_around);
    tcase_add_test(tc, pairs_fill_a_record_to_its_last_byte);
    tcase_add_test(tc, pair_that_would_cross_a_border_starts_a_new_record);
    tcase_add_test(tc, random_pairs_come_back);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
