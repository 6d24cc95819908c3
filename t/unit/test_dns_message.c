/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_dns_message.c - records of messages, whole, cut at every byte, and malformed. */
#include <stdlib.h>

#include "dns_text.h"
#include "run_suite.h"

static dns_text_t text;

/* ---- Reading all of a message ---------------------------------------------------------------- */

/* In memory of just its size, so that a sanitizer sees what reads behind it.
 * returns  how many records were read; *last says why there are no more */
static int read_records(const unsigned char *bytes, size_t count, lb_dns_next_t *last)
{
    unsigned char *copy = malloc(count ? count : 1);
    lb_dns_message_t message;
    lb_dns_record_t record;
    int records = 0;

    memcpy(copy, bytes, count);
    *last = LB_DNS_MALFORMED;
    if (lb_dns_message_open(&message, fc_span(copy, count))) {
        while ((*last = lb_dns_message_next(&message, &record)) == LB_DNS_RECORD) {
            char name[LB_DNS_NAME_ROOM];
            lb_dns_srv_t srv;
            lb_dns_message_name(&message, record.owner, name);
            if (record.type == LB_DNS_SRV) {
                lb_dns_message_srv(&message, &record, &srv);
            }
            records++;
        }
    }
    free(copy);
    return records;
}

/* Open the text, and read its first record. */
static lb_dns_record_t first_record(lb_dns_message_t *message)
{
    lb_dns_record_t record;

    ck_assert(lb_dns_message_open(message, dns_span(&text)));
    ck_assert_int_eq(lb_dns_message_next(message, &record), LB_DNS_RECORD);
    return record;
}

static void begin_example(void)
{
    dns_begin(&text, LB_DNS_NOERROR, "_php._tcp.example", LB_DNS_SRV);
    dns_add_srv(&text, "_php._tcp.example", 60, 1, 2, 9000, "Host-1.Example");
    dns_add_soa(&text, "example", 3600, 300);
    dns_add_address(&text, LB_DNS_ADDITIONAL, "host-1.example", 30, "10.0.0.1");
    dns_add_address(&text, LB_DNS_ADDITIONAL, "host-1.example", 30, "2001:db8::1");
}

START_TEST(records_come_in_the_order_of_the_message)
{
    static const struct {
        lb_dns_section_t section;
        uint16_t type;
        uint32_t ttl;
        size_t bytes;
        const char *owner;
    } expected[] = {
        { LB_DNS_ANSWER, LB_DNS_SRV, 60, 22, "_php._tcp.example" },
        { LB_DNS_AUTHORITY, LB_DNS_SOA, 3600, 47, "example" },
        { LB_DNS_ADDITIONAL, LB_DNS_A, 30, 4, "host-1.example" },
        { LB_DNS_ADDITIONAL, LB_DNS_AAAA, 30, 16, "host-1.example" },
    };
    lb_dns_message_t message;
    lb_dns_record_t record;
    char owner[LB_DNS_NAME_ROOM];

    begin_example();
    ck_assert(lb_dns_message_open(&message, dns_span(&text)));
    for (int i = 0; i < COUNT(expected); i++) {
        ck_assert_int_eq(lb_dns_message_next(&message, &record), LB_DNS_RECORD);
        ck_assert_int_eq(record.section, expected[i].section);
        ck_assert_uint_eq(record.type, expected[i].type);
        ck_assert_uint_eq(record.ttl, expected[i].ttl);
        ck_assert_uint_eq(record.data.bytes, expected[i].bytes);
        ck_assert(lb_dns_message_name(&message, record.owner, owner));
        ck_assert_str_eq(owner, expected[i].owner);
    }
    ck_assert_int_eq(lb_dns_message_next(&message, &record), LB_DNS_END);
    ck_assert_int_eq(lb_dns_message_next(&message, &record), LB_DNS_END);
}
END_TEST

START_TEST(a_service_has_its_numbers_and_a_target_in_lower_case)
{
    lb_dns_message_t message;
    lb_dns_srv_t srv;

    begin_example();
    const lb_dns_record_t record = first_record(&message);
    ck_assert(lb_dns_message_srv(&message, &record, &srv));
    ck_assert_uint_eq(srv.priority, 1);
    ck_assert_uint_eq(srv.weight, 2);
    ck_assert_uint_eq(srv.port, 9000);
    ck_assert_str_eq(srv.target, "host-1.example");
}
END_TEST

START_TEST(the_root_is_an_empty_name)
{
    lb_dns_message_t message;
    lb_dns_srv_t srv;

    dns_begin(&text, LB_DNS_NOERROR, "s", LB_DNS_SRV);
    dns_add_srv(&text, "s", 60, 0, 0, 0, "");
    const lb_dns_record_t record = first_record(&message);
    ck_assert(lb_dns_message_srv(&message, &record, &srv));
    ck_assert_str_eq(srv.target, "");
}
END_TEST

START_TEST(a_message_cut_after_any_byte_is_malformed)
{
    lb_dns_next_t last;
    int records = 0;

    begin_example();
    for (size_t count = 0; count < text.count; count++) {
        const int read = read_records(text.bytes, count, &last);
        ck_assert_int_eq(last, LB_DNS_MALFORMED);
        ck_assert_int_ge(read, records);
        records = read;
    }
    ck_assert_int_eq(records, 3);
    ck_assert_int_eq(read_records(text.bytes, text.count, &last), 4);
    ck_assert_int_eq(last, LB_DNS_END);
}
END_TEST

START_TEST(any_byte_may_be_wrong)
{
    lb_dns_next_t last;

    begin_example();
    for (size_t at = 0; at < text.count; at++) {
        const unsigned char right = text.bytes[at];
        for (int wrong = 0; wrong < 256; wrong++) {
            text.bytes[at] = (unsigned char)wrong;
            read_records(text.bytes, text.count, &last);
        }
        text.bytes[at] = right;
    }
}
END_TEST

START_TEST(bytes_behind_the_last_record_are_ignored)
{
    lb_dns_next_t last;

    begin_example();
    dns_put(&text, "behind", 6);
    ck_assert_int_eq(read_records(text.bytes, text.count, &last), 4);
    ck_assert_int_eq(last, LB_DNS_END);
}
END_TEST

/* ---- The header ------------------------------------------------------------------------------ */

START_TEST(a_query_is_no_reply)
{
    lb_dns_message_t message;

    begin_example();
    text.bytes[2] &= 0x7f;
    ck_assert(!lb_dns_message_open(&message, dns_span(&text)));
}
END_TEST

START_TEST(the_header_tells_rcode_and_truncation)
{
    lb_dns_message_t message;

    dns_begin(&text, LB_DNS_NXDOMAIN, "a", LB_DNS_A);
    ck_assert(lb_dns_message_open(&message, dns_span(&text)));
    ck_assert_uint_eq(message.rcode, LB_DNS_NXDOMAIN);
    ck_assert(!message.is_truncated);
    text.bytes[2] |= 2;
    ck_assert(lb_dns_message_open(&message, dns_span(&text)));
    ck_assert(message.is_truncated);
}
END_TEST

START_TEST(a_message_may_have_no_question_or_two)
{
    lb_dns_next_t last;

    dns_begin(&text, LB_DNS_NOERROR, "a", LB_DNS_A);
    dns_put_name(&text, "b");
    dns_put(&text, "\0\1\0\1", 4);
    text.bytes[5] = 2;
    dns_add_address(&text, LB_DNS_ANSWER, "a", 1, "10.0.0.1");
    ck_assert_int_eq(read_records(text.bytes, text.count, &last), 1);
    ck_assert_int_eq(last, LB_DNS_END);

    text.count = 12;
    text.bytes[5] = text.bytes[7] = 0;
    ck_assert_int_eq(read_records(text.bytes, text.count, &last), 0);
    ck_assert_int_eq(last, LB_DNS_END);
}
END_TEST

/* ---- Fields of records ----------------------------------------------------------------------- */

static const struct {
    uint32_t written, read;
} ttls[] = { { 0, 0 },
             { 1, 1 },
             { 86400, 86400 },
             { INT32_MAX, INT32_MAX },
             { UINT32_C(0x80000000), 0 },
             { UINT32_MAX, 0 } };

START_TEST(a_ttl_with_its_first_bit_set_is_zero)
{
    lb_dns_message_t message;

    dns_begin(&text, LB_DNS_NOERROR, "a", LB_DNS_A);
    dns_add_address(&text, LB_DNS_ANSWER, "a", ttls[_i].written, "10.0.0.1");
    ck_assert_uint_eq(first_record(&message).ttl, ttls[_i].read);
}
END_TEST

START_TEST(records_of_another_class_have_no_type)
{
    lb_dns_message_t message;

    dns_begin(&text, LB_DNS_NOERROR, "a", LB_DNS_A);
    dns_add_address(&text, LB_DNS_ANSWER, "a", 1, "10.0.0.1");
    text.bytes[text.count - 4 - 7] = 3;    /* CH */
    ck_assert_uint_eq(first_record(&message).type, 0);
}
END_TEST

static const struct {
    unsigned type;
    size_t least, most;
} sizes[] = {
    { LB_DNS_A, 4, 4 },
    { LB_DNS_AAAA, 16, 16 },
    { LB_DNS_SRV, 7, 70 },
    { LB_DNS_SOA, 22, 70 },
    { LB_DNS_NS, 0, 70 },
    { DNS_TXT, 0, 70 },
};

START_TEST(data_of_another_size_than_its_type_has_is_malformed)
{
    for (size_t bytes = 0; bytes <= 70; bytes++) {
        lb_dns_next_t last;
        dns_begin(&text, LB_DNS_NOERROR, "a", sizes[_i].type);
        const size_t begin = dns_begin_record(&text, LB_DNS_ANSWER, "a", sizes[_i].type, 1);
        for (size_t i = 0; i < bytes; i++) {
            dns_put_8(&text, 0);
        }
        dns_end_record(&text, begin);
        const bool fits = bytes >= sizes[_i].least && bytes <= sizes[_i].most;
        ck_assert_int_eq(read_records(text.bytes, text.count, &last), fits);
        ck_assert_int_eq(last, fits ? LB_DNS_END : LB_DNS_MALFORMED);
    }
}
END_TEST

START_TEST(a_target_that_does_not_end_with_its_record_is_none)
{
    lb_dns_message_t message;
    lb_dns_srv_t srv;

    for (int more = -1; more <= 1; more += 2) {
        begin_example();
        const lb_dns_record_t whole = first_record(&message);
        const lb_dns_record_t record = { .type = LB_DNS_SRV,
                                         .data = fc_span(whole.data.at,
                                                         whole.data.bytes + (size_t)more) };
        ck_assert(!lb_dns_message_srv(&message, &record, &srv));
    }
}
END_TEST

START_TEST(none_holds_for_the_lesser_of_minimum_and_ttl)
{
    lb_dns_message_t message;
    lb_dns_record_t record;

    dns_begin(&text, LB_DNS_NXDOMAIN, "a", LB_DNS_A);
    dns_add_soa(&text, "example", 3600, 300);
    record = first_record(&message);
    ck_assert_uint_eq(lb_dns_message_negative_ttl(&record), 300);
    dns_begin(&text, LB_DNS_NXDOMAIN, "a", LB_DNS_A);
    dns_add_soa(&text, "example", 5, 300);
    record = first_record(&message);
    ck_assert_uint_eq(lb_dns_message_negative_ttl(&record), 5);
}
END_TEST

/* ---- Names ----------------------------------------------------------------------------------- */

/* A message of nothing but a name at `at`.
 * returns  NULL: it is none */
static const char *name_in(const void *bytes, size_t count, size_t at)
{
    static char name[LB_DNS_NAME_ROOM];
    unsigned char *copy = malloc(count);
    const lb_dns_message_t message = { .bytes = fc_span(copy, count) };

    memcpy(copy, bytes, count);
    const bool is_name = lb_dns_message_name(&message, at, name);
    free(copy);
    return is_name ? name : NULL;
}

#define NAME_IN(bytes, at) name_in(bytes, sizeof(bytes) - 1, at)

START_TEST(a_pointer_leads_to_the_rest_of_a_name)
{
    ck_assert_str_eq(NAME_IN("\7example\0\1a\xc0\0", 9), "a.example");
    ck_assert_str_eq(NAME_IN("\7example\0\1a\xc0\0\1b\xc0\x9\xc0\xd", 17), "b.a.example");
    ck_assert_str_eq(NAME_IN("\0\xc0\0", 1), "");
}
END_TEST

START_TEST(a_pointer_that_does_not_lead_backwards_is_malformed)
{
    ck_assert_ptr_null(NAME_IN("\xc0\0", 0));             /* to itself */
    ck_assert_ptr_null(NAME_IN("\xc0\2\0", 0));           /* forwards */
    ck_assert_ptr_null(NAME_IN("\xff\xff", 0));           /* out of the message */
    ck_assert_ptr_null(NAME_IN("\xc0", 0));               /* half of one */
    ck_assert_ptr_null(NAME_IN("\1a\xc0\0", 0));          /* a circle, with a label in it */
    ck_assert_ptr_null(NAME_IN("\1a\xc0\0\1b\xc0\0", 4));
}
END_TEST

START_TEST(a_chain_of_pointers_is_followed_as_far_as_a_name_has_labels)
{
    unsigned char bytes[1 + 2 * 128] = { 0 };

    for (unsigned i = 0; i < 128; i++) {
        const unsigned to = i ? 2 * i - 1 : 0;
        bytes[1 + 2 * i] = (unsigned char)(0xc0 | to >> 8);
        bytes[2 + 2 * i] = (unsigned char)to;
    }
    ck_assert_str_eq(name_in(bytes, sizeof(bytes), 1 + 2 * 126), "");
    ck_assert_ptr_null(name_in(bytes, sizeof(bytes), 1 + 2 * 127));
}
END_TEST

START_TEST(a_name_has_253_characters_at_most)
{
    unsigned char bytes[300];
    size_t count = 0;

    for (int label = 0; label < 4; label++) {    /* 3 * 64 + 61 + 1 = 254 bytes, and the end */
        const unsigned char length = label < 3 ? 63 : 61;
        bytes[count++] = length;
        memset(bytes + count, 'x', length);
        count += length;
    }
    bytes[count] = 0;
    const char *name = name_in(bytes, count + 1, 0);
    ck_assert_ptr_nonnull(name);
    ck_assert_uint_eq(strlen(name), 253);

    bytes[3 * 64] = 62;
    bytes[count++] = 'x';
    bytes[count] = 0;
    ck_assert_ptr_null(name_in(bytes, count + 1, 0));
    bytes[3 * 64] = 61;    /* one more label, of one character */
    bytes[count - 1] = 1;
    bytes[count++] = 'x';
    bytes[count] = 0;
    ck_assert_ptr_null(name_in(bytes, count + 1, 0));
}
END_TEST

START_TEST(only_characters_of_hosts_and_services_make_a_name)
{
    for (int c = 0; c < 256; c++) {
        const char bytes[] = { 1, (char)c, 0 };
        const bool is_fine = c && strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                         "0123456789-_",
                                         c);
        ck_assert_int_eq(name_in(bytes, sizeof(bytes), 0) != NULL, is_fine);
    }
}
END_TEST

START_TEST(a_label_of_a_type_that_is_none_is_malformed)
{
    for (unsigned length = 64; length < 192; length++) {
        unsigned char bytes[300] = { (unsigned char)length };
        lb_dns_message_t message;

        memset(bytes + 1, 'a', 200);
        ck_assert_ptr_null(name_in(bytes, sizeof(bytes), 0));
        dns_begin(&text, LB_DNS_NOERROR, "", LB_DNS_A);
        text.bytes[12] = (unsigned char)length;
        ck_assert(!lb_dns_message_open(&message, dns_span(&text)));
    }
}
END_TEST

/* ---- Sizes ----------------------------------------------------------------------------------- */

START_TEST(a_message_of_64_kilobytes_has_thousands_of_records)
{
    lb_dns_next_t last;
    int records = 0;

    dns_begin(&text, LB_DNS_NOERROR, "a", LB_DNS_A);
    while (sizeof(text.bytes) - text.count >= 17) {
        dns_add_address(&text, LB_DNS_ANSWER, "a", 1, "10.0.0.1");
        records++;
    }
    ck_assert_int_eq(read_records(text.bytes, text.count, &last), records);
    ck_assert_int_eq(last, LB_DNS_END);
}
END_TEST

static Suite *dns_message_suite(void)
{
    Suite *suite = suite_create("dns_message");
    TCase *tc = tcase_create("messages");

    tcase_add_test(tc, records_come_in_the_order_of_the_message);
    tcase_add_test(tc, a_service_has_its_numbers_and_a_target_in_lower_case);
    tcase_add_test(tc, the_root_is_an_empty_name);
    tcase_add_test(tc, a_message_cut_after_any_byte_is_malformed);
    tcase_add_test(tc, any_byte_may_be_wrong);
    tcase_add_test(tc, bytes_behind_the_last_record_are_ignored);
    tcase_add_test(tc, a_query_is_no_reply);
    tcase_add_test(tc, the_header_tells_rcode_and_truncation);
    tcase_add_test(tc, a_message_may_have_no_question_or_two);
    tcase_add_loop_test(tc, a_ttl_with_its_first_bit_set_is_zero, 0, COUNT(ttls));
    tcase_add_test(tc, records_of_another_class_have_no_type);
    tcase_add_loop_test(tc, data_of_another_size_than_its_type_has_is_malformed, 0, COUNT(sizes));
    tcase_add_test(tc, a_target_that_does_not_end_with_its_record_is_none);
    tcase_add_test(tc, none_holds_for_the_lesser_of_minimum_and_ttl);
    tcase_add_test(tc, a_pointer_leads_to_the_rest_of_a_name);
    tcase_add_test(tc, a_pointer_that_does_not_lead_backwards_is_malformed);
    tcase_add_test(tc, a_chain_of_pointers_is_followed_as_far_as_a_name_has_labels);
    tcase_add_test(tc, a_name_has_253_characters_at_most);
    tcase_add_test(tc, only_characters_of_hosts_and_services_make_a_name);
    tcase_add_test(tc, a_label_of_a_type_that_is_none_is_malformed);
    tcase_add_test(tc, a_message_of_64_kilobytes_has_thousands_of_records);
    suite_add_tcase(suite, tc);
    return suite;
}

int main(void)
{
    return run_suite(dns_message_suite());
}
