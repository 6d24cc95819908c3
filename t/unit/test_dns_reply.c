/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_dns_reply.c - which records of a reply count, and what it means when there are none. */
#include "apr_general.h"
#include "apr_strings.h"
#include "dns_reply.h"
#include "dns_text.h"
#include "run_suite.h"

static apr_pool_t *pool;
static dns_text_t text;

static void set_up(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    dns_begin(&text, LB_DNS_NOERROR, "php.example", LB_DNS_A);
}

static const lb_dns_reply_t *read_as(uint16_t type)
{
    return lb_dns_reply_read(pool, dns_span(&text), type);
}

static void assert_addresses(const lb_dns_reply_t *reply, const char *expected)
{
    ck_assert_int_eq(reply->kind, LB_ANSWER_RECORDS);
    ck_assert_ptr_null(reply->error);
    ck_assert_str_eq(apr_array_pstrcat(pool, reply->addresses, ' '), expected);
}

static void assert_none(const lb_dns_reply_t *reply, lb_answer_kind_t kind, const char *error)
{
    ck_assert_str_eq(reply->error, error);
    ck_assert_int_eq(reply->kind, kind);
}

START_TEST(addresses_of_the_type_count_and_the_least_ttl)
{
    dns_add_address(&text, LB_DNS_ANSWER, "php.example", 30, "10.0.0.2");
    dns_add_address(&text, LB_DNS_ANSWER, "php.example", 20, "10.0.0.1");
    dns_add_address(&text, LB_DNS_ANSWER, "php.example", 30, "2001:db8::1");
    assert_addresses(read_as(LB_DNS_A), "10.0.0.2 10.0.0.1");
    ck_assert_uint_eq(read_as(LB_DNS_A)->ttl, 20);
    assert_addresses(read_as(LB_DNS_AAAA), "2001:db8::1");
}
END_TEST

START_TEST(other_sections_do_not_count)
{
    dns_add_address(&text, LB_DNS_ANSWER, "php.example", 30, "10.0.0.1");
    dns_add_name(&text, LB_DNS_AUTHORITY, "example", LB_DNS_NS, 5, "ns.example");
    dns_add_address(&text, LB_DNS_ADDITIONAL, "ns.example", 5, "10.0.0.53");
    assert_addresses(read_as(LB_DNS_A), "10.0.0.1");
    ck_assert_uint_eq(read_as(LB_DNS_A)->ttl, 30);
}
END_TEST

START_TEST(names_that_stand_for_each_other_are_followed)
{
    dns_add_name(&text, LB_DNS_ANSWER, "php.example", DNS_CNAME, 10, "b.example");
    dns_add_name(&text, LB_DNS_ANSWER, "b.example", DNS_CNAME, 300, "c.example");
    dns_add_address(&text, LB_DNS_ANSWER, "c.example", 30, "10.0.0.1");
    assert_addresses(read_as(LB_DNS_A), "10.0.0.1");
    ck_assert_uint_eq(read_as(LB_DNS_A)->ttl, 10);
}
END_TEST

START_TEST(no_such_name_holds_as_long_as_the_soa_says)
{
    dns_begin(&text, LB_DNS_NXDOMAIN, "php.example", LB_DNS_A);
    assert_none(read_as(LB_DNS_A), LB_ANSWER_EMPTY, "nxdomain");
    ck_assert_uint_eq(read_as(LB_DNS_A)->ttl, 0);
    dns_add_soa(&text, "example", 3600, 15);
    assert_none(read_as(LB_DNS_A), LB_ANSWER_EMPTY, "nxdomain");
    ck_assert_uint_eq(read_as(LB_DNS_A)->ttl, 15);
}
END_TEST

START_TEST(no_such_name_at_the_end_of_a_chain_is_no_such_name)
{
    dns_begin(&text, LB_DNS_NXDOMAIN, "php.example", LB_DNS_A);
    dns_add_name(&text, LB_DNS_ANSWER, "php.example", DNS_CNAME, 10, "b.example");
    assert_none(read_as(LB_DNS_A), LB_ANSWER_EMPTY, "nxdomain");
}
END_TEST

START_TEST(no_record_of_the_type_is_no_data)
{
    assert_none(read_as(LB_DNS_A), LB_ANSWER_EMPTY, "no_data");
    dns_add_soa(&text, "example", 3600, 15);
    assert_none(read_as(LB_DNS_A), LB_ANSWER_EMPTY, "no_data");
    ck_assert_uint_eq(read_as(LB_DNS_A)->ttl, 15);
}
END_TEST

START_TEST(whom_to_ask_instead_is_no_answer)
{
    dns_add_name(&text, LB_DNS_AUTHORITY, "example", LB_DNS_NS, 5, "ns.example");
    assert_none(read_as(LB_DNS_A), LB_ANSWER_FAILED, "referral");
    dns_add_soa(&text, "example", 3600, 15);    /* its own zone: it knows */
    assert_none(read_as(LB_DNS_A), LB_ANSWER_EMPTY, "no_data");
}
END_TEST

START_TEST(a_name_that_it_stands_for_is_no_answer_either)
{
    dns_add_name(&text, LB_DNS_ANSWER, "php.example", DNS_CNAME, 10, "b.example");
    assert_none(read_as(LB_DNS_A), LB_ANSWER_FAILED, "referral");
    dns_add_soa(&text, "example", 3600, 15);
    assert_none(read_as(LB_DNS_A), LB_ANSWER_EMPTY, "no_data");
}
END_TEST

static const struct {
    unsigned rcode;
    const char *error;
} rcodes[] = { { 1, "formerr" },   { 2, "servfail" }, { 4, "notimp" },   { 5, "refused" },
               { 6, "servfail" },  { 7, "servfail" }, { 8, "servfail" }, { 9, "servfail" },
               { 10, "servfail" }, { 15, "servfail" } };

START_TEST(an_error_is_an_error_whatever_stands_beside_it)
{
    dns_begin(&text, rcodes[_i].rcode, "php.example", LB_DNS_A);
    assert_none(read_as(LB_DNS_A), LB_ANSWER_FAILED, rcodes[_i].error);
    dns_add_address(&text, LB_DNS_ANSWER, "php.example", 30, "10.0.0.1");
    assert_none(read_as(LB_DNS_A), LB_ANSWER_FAILED, rcodes[_i].error);
}
END_TEST

START_TEST(a_truncated_reply_is_none_though_it_has_records)
{
    dns_add_address(&text, LB_DNS_ANSWER, "php.example", 30, "10.0.0.1");
    text.bytes[2] |= 2;
    assert_none(read_as(LB_DNS_A), LB_ANSWER_FAILED, "truncated");
}
END_TEST

START_TEST(a_malformed_record_makes_all_of_it_malformed)
{
    dns_add_address(&text, LB_DNS_ANSWER, "php.example", 30, "10.0.0.1");
    for (size_t count = text.count - 1; count > 0; count--) {
        assert_none(lb_dns_reply_read(pool, fc_span(text.bytes, count), LB_DNS_A),
                    LB_ANSWER_FAILED, "malformed");
    }
    assert_none(lb_dns_reply_read(pool, fc_span(text.bytes, 0), LB_DNS_A), LB_ANSWER_FAILED,
                "malformed");
}
END_TEST

START_TEST(a_service_with_a_target_that_is_no_name_is_malformed)
{
    dns_add_srv(&text, "php.example", 60, 0, 0, 9000, "a b.example");
    assert_none(read_as(LB_DNS_SRV), LB_ANSWER_FAILED, "malformed");
}
END_TEST

START_TEST(hosts_of_services_have_the_addresses_of_the_additional_section)
{
    dns_add_srv(&text, "php.example", 60, 0, 0, 9000, "a.example");
    dns_add_srv(&text, "php.example", 60, 0, 0, 9000, "B.example");
    dns_add_address(&text, LB_DNS_ADDITIONAL, "A.example", 20, "10.0.0.1");
    dns_add_address(&text, LB_DNS_ADDITIONAL, "a.example", 10, "10.0.0.2");
    dns_add_address(&text, LB_DNS_ADDITIONAL, "a.example", 5, "2001:db8::1");
    dns_add_address(&text, LB_DNS_ADDITIONAL, "a b.example", 5, "10.0.0.9");
    const lb_dns_reply_t *reply = read_as(LB_DNS_SRV);

    ck_assert_int_eq(reply->kind, LB_ANSWER_RECORDS);
    ck_assert_uint_eq(reply->ttl, 60);
    ck_assert_int_eq(reply->services->nelts, 2);
    ck_assert_str_eq(APR_ARRAY_IDX(reply->services, 1, lb_dns_srv_t).target, "b.example");
    const lb_host_t *host = apr_hash_get(reply->hosts, "a.example", APR_HASH_KEY_STRING);
    ck_assert_str_eq(apr_array_pstrcat(pool, host->inet, ' '), "10.0.0.1 10.0.0.2");
    ck_assert_str_eq(apr_array_pstrcat(pool, host->inet6, ' '), "2001:db8::1");
    ck_assert_uint_eq(host->ttl, 5);
    ck_assert_uint_eq(apr_hash_count(reply->hosts), 1);
}
END_TEST

START_TEST(five_hundred_records_are_there)
{
    for (unsigned i = 0; i < 500; i++) {
        dns_add_address(&text, LB_DNS_ANSWER, "php.example", 30,
                        apr_psprintf(pool, "10.1.%u.%u", i / 250, i % 250));
    }
    ck_assert_int_eq(read_as(LB_DNS_A)->addresses->nelts, 500);
}
END_TEST

static Suite *dns_reply_suite(void)
{
    Suite *suite = suite_create("dns_reply");
    TCase *tc = tcase_create("replies");

    tcase_add_checked_fixture(tc, set_up, apr_terminate);
    tcase_add_test(tc, addresses_of_the_type_count_and_the_least_ttl);
    tcase_add_test(tc, other_sections_do_not_count);
    tcase_add_test(tc, names_that_stand_for_each_other_are_followed);
    tcase_add_test(tc, no_such_name_holds_as_long_as_the_soa_says);
    tcase_add_test(tc, no_such_name_at_the_end_of_a_chain_is_no_such_name);
    tcase_add_test(tc, no_record_of_the_type_is_no_data);
    tcase_add_test(tc, whom_to_ask_instead_is_no_answer);
    tcase_add_test(tc, a_name_that_it_stands_for_is_no_answer_either);
    tcase_add_loop_test(tc, an_error_is_an_error_whatever_stands_beside_it, 0, COUNT(rcodes));
    tcase_add_test(tc, a_truncated_reply_is_none_though_it_has_records);
    tcase_add_test(tc, a_malformed_record_makes_all_of_it_malformed);
    tcase_add_test(tc, a_service_with_a_target_that_is_no_name_is_malformed);
    tcase_add_test(tc, hosts_of_services_have_the_addresses_of_the_additional_section);
    tcase_add_test(tc, five_hundred_records_are_there);
    suite_add_tcase(suite, tc);
    return suite;
}

int main(void)
{
    return run_suite(dns_reply_suite());
}
