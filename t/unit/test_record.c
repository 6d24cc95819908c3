/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_record.c - the record header, byte by byte. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "record.h"
#include "run_suite.h"

static const unsigned char stdout_header[] = { 1, 6, 0x12, 0x34, 0xab, 0xcd, 7, 0 };

START_TEST(whole_header_is_read)
{
    fcgi_record_t record;
    fcgi_result_t result = fcgi_record_decode(fc_span(stdout_header, 8), &record);
    ck_assert_int_eq(result, FCGI_OK);
    ck_assert_uint_eq(record.type, FCGI_STDOUT);
    ck_assert_uint_eq(record.request_id, 0x1234);
    ck_assert_uint_eq(record.content_bytes, 0xabcd);
    ck_assert_uint_eq(record.padding_bytes, 7);
}
END_TEST

START_TEST(header_split_after_any_byte_asks_for_more)
{
    for (size_t have = 0; have < 8; have++) {
        unsigned char *exact = malloc(have ? have : 1);   /* a sanitizer sees any byte too many */
        fcgi_record_t record = { 99, 99, 99, 99 };
        memcpy(exact, stdout_header, have);
        ck_assert_int_eq(fcgi_record_decode(fc_span(exact, have), &record), FCGI_MORE);
        ck_assert_uint_eq(record.type, 99);
        ck_assert_uint_eq(record.content_bytes, 99);
        free(exact);
    }
}
END_TEST

START_TEST(nothing_at_all_asks_for_more)
{
    fcgi_record_t record;
    ck_assert_int_eq(fcgi_record_decode(fc_span(NULL, 0), &record), FCGI_MORE);
}
END_TEST

START_TEST(bytes_behind_the_header_do_not_matter)
{
    unsigned char in[64];
    fcgi_record_t record;
    memset(in, 0xff, sizeof(in));
    memcpy(in, stdout_header, 8);
    ck_assert_int_eq(fcgi_record_decode(fc_span(in, sizeof(in)), &record), FCGI_OK);
    ck_assert_uint_eq(record.content_bytes, 0xabcd);
}
END_TEST

START_TEST(every_version_but_1_is_bad)
{
    for (unsigned version = 0; version < 256; version++) {
        unsigned char in[8];
        fcgi_record_t record = { 99, 99, 99, 99 };
        memcpy(in, stdout_header, 8);
        in[0] = (unsigned char)version;
        ck_assert_int_eq(fcgi_record_decode(fc_span(in, 8), &record),
                         version == 1 ? FCGI_OK : FCGI_BAD);
        ck_assert_uint_eq(record.type, version == 1 ? FCGI_STDOUT : 99);
    }
}
END_TEST

START_TEST(first_byte_is_enough_to_see_another_protocol)
{
    fcgi_record_t record;
    ck_assert_int_eq(fcgi_record_decode(fc_span("H", 1), &record), FCGI_BAD);
}
END_TEST

START_TEST(unknown_type_is_read_as_its_number)
{
    const unsigned char in[] = { 1, 200, 0, 1, 0, 0, 255, 0 };
    fcgi_record_t record;
    ck_assert_int_eq(fcgi_record_decode(fc_span(in, 8), &record), FCGI_OK);
    ck_assert_uint_eq(record.type, 200);
    ck_assert_uint_eq(record.padding_bytes, 255);
}
END_TEST

START_TEST(reserved_byte_is_ignored)
{
    const unsigned char in[] = { 1, 6, 0, 1, 0, 0, 0, 0xff };
    fcgi_record_t record;
    ck_assert_int_eq(fcgi_record_decode(fc_span(in, 8), &record), FCGI_OK);
}
END_TEST

START_TEST(header_is_written_big_endian_without_padding)
{
    const unsigned char expected[] = { 1, 5, 0x12, 0x34, 0xff, 0xfe, 0, 0 };
    unsigned char out[8];
    memset(out, 0xee, sizeof(out));
    fcgi_record_encode(out, FCGI_STDIN, 0x1234, 0xfffe);
    ck_assert_mem_eq(out, expected, 8);
}
END_TEST

START_TEST(what_is_written_can_be_read)
{
    for (unsigned type = 0; type < 256; type++) {
        uint16_t content = (uint16_t)(type * 257);
        unsigned char out[8];
        fcgi_record_t record;
        fcgi_record_encode(out, (uint8_t)type, 7, content);
        ck_assert_int_eq(fcgi_record_decode(fc_span(out, 8), &record), FCGI_OK);
        ck_assert_uint_eq(record.type, type);
        ck_assert_uint_eq(record.request_id, 7);
        ck_assert_uint_eq(record.content_bytes, content);
        ck_assert_uint_eq(record.padding_bytes, 0);
    }
}
END_TEST

START_TEST(begin_asks_for_a_responder_that_closes)
{
    const unsigned char expected[] = { 1, 1, 0, 1, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0 };
    unsigned char out[16];
    memset(out, 0xee, sizeof(out));
    fcgi_record_encode_begin(out, 1, 0);
    ck_assert_mem_eq(out, expected, 16);
}
END_TEST

START_TEST(begin_asks_for_a_responder_that_keeps_the_connection)
{
    const unsigned char expected[] = { 1, 1, 1, 2, 0, 8, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0 };
    unsigned char out[16];
    memset(out, 0xee, sizeof(out));
    fcgi_record_encode_begin(out, 0x0102, 42);
    ck_assert_mem_eq(out, expected, 16);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("record");
    TCase *tc = tcase_create("record");
    tcase_add_test(tc, whole_header_is_read);
    tcase_add_test(tc, header_split_after_any_byte_asks_for_more);
    tcase_add_test(tc, nothing_at_all_asks_for_more);
    tcase_add_test(tc, bytes_behind_the_header_do_not_matter);
    tcase_add_test(tc, every_version_but_1_is_bad);
    tcase_add_test(tc, first_byte_is_enough_to_see_another_protocol);
    tcase_add_test(tc, unknown_type_is_read_as_its_number);
    tcase_add_test(tc, reserved_byte_is_ignored);
    tcase_add_test(tc, header_is_written_big_endian_without_padding);
    tcase_add_test(tc, what_is_written_can_be_read);
    tcase_add_test(tc, begin_asks_for_a_responder_that_closes);
    tcase_add_test(tc, begin_asks_for_a_responder_that_keeps_the_connection);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
