/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_resolver.c - names are asked for at servers that do what servers do: they answer, say no,
 * say nothing or too much, go on by TCP. */
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>

#include "apr_general.h"
#include "apr_strings.h"
#include "clock.h"
#include "name_server.h"
#include "resolver.h"
#include "run_suite.h"

static apr_pool_t *pool;
static lb_resolver_settings_t settings;
static lb_answer_t answers[8];

static const char *resolv_conf_with(const char *text)
{
    char *path = apr_psprintf(pool, "%s/resolv_conf.XXXXXX", P_tmpdir);
    const int fd = mkstemp(path);

    MUST(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    return path;
}

static void set_up(void)
{
    signal(SIGPIPE, SIG_IGN);    /* as httpd does */
    apr_initialize();
    apr_pool_create(&pool, NULL);
    settings = (lb_resolver_settings_t){
        .resolv_conf = "/dev/null",
        .timeout = apr_time_from_sec(20),    /* a machine may be slow: only silence takes so long */
        .asks_inet = true,
        .asks_inet6 = true,
    };
}

static void tear_down(void)
{
    if (strcmp(settings.resolv_conf, "/dev/null") != 0) {
        unlink(settings.resolv_conf);
    }
    apr_terminate();
}

static void add_server(const char *address)
{
    if (!settings.servers) {
        settings.servers = apr_array_make(pool, 2, sizeof(const char *));
    }
    APR_ARRAY_PUSH(settings.servers, const char *) = address;
}

static name_server_t *start_server(name_server_script_t script)
{
    static name_server_t servers[3];
    static int started;
    name_server_t *server = &servers[started++];

    name_server_start(server, script);
    add_server(server->address);
    return server;
}

static bool is_any_open(lb_resolution_t *const resolutions[], int count)
{
    bool is_open = false;
    for (int i = 0; i < count; i++) {
        is_open |= !lb_resolver_is_answered(resolutions[i]);
    }
    return is_open;
}

/* All at once, until each has its answer. */
static void ask_all(const lb_question_t *questions, int count)
{
    lb_resolution_t *resolutions[COUNT(answers)];

    for (int i = 0; i < count; i++) {
        resolutions[i] = lb_resolver_begin(pool, &settings, questions[i]);
    }
    while (is_any_open(resolutions, count)) {
        lb_resolver_wait(pool, resolutions, count, -1, apr_time_from_sec(60));
    }
    for (int i = 0; i < count; i++) {
        answers[i] = lb_resolver_answer(resolutions[i]);
    }
}

static const lb_answer_t *ask_for(lb_discover_t kind, const char *name)
{
    const lb_question_t question = { .kind = kind, .name = name, .port = 9000 };
    ask_all(&question, 1);
    return &answers[0];
}

static const lb_answer_t *ask_a(const char *name)
{
    return ask_for(LB_DISCOVER_A, name);
}

static const lb_answer_t *ask_srv(const char *name)
{
    return ask_for(LB_DISCOVER_SRV, name);
}

/* "10.0.0.1:9000 fd00::1:9000": with priority/weight where SRV has given them. */
static const char *text_of(const lb_answer_t *answer)
{
    const char *text = "";

    for (int i = 0; i < answer->addresses->nelts; i++) {
        const lb_address_t *address = &APR_ARRAY_IDX(answer->addresses, i, lb_address_t);
        text = apr_psprintf(pool, "%s%s%s:%u", text, i ? " " : "", address->address, address->port);
        if (address->target) {
            text = apr_psprintf(pool, "%s/%u/%u", text, address->priority, address->weight);
        }
    }
    return text;
}

static void assert_records(const lb_answer_t *answer, const char *addresses)
{
    ck_assert_int_eq(answer->kind, LB_ANSWER_RECORDS);
    ck_assert_str_eq(text_of(answer), addresses);
}

static void assert_none(const lb_answer_t *answer, lb_answer_kind_t kind, const char *error)
{
    ck_assert_str_eq(answer->error, error);
    ck_assert_int_eq(answer->kind, kind);
    ck_assert_int_eq(answer->addresses->nelts, 0);
}

/* ---- Scripts --------------------------------------------------------------------------------- */

static bool is(const char *name, const char *other)
{
    return strcmp(name, other) == 0;
}

static bool two_of_each(dns_text_t *reply, const char *name, unsigned type, bool is_tcp)
{
    dns_add_address(reply, LB_DNS_ANSWER, name, 30, type == LB_DNS_A ? "10.0.0.2" : "fd00::2");
    dns_add_address(reply, LB_DNS_ANSWER, name, 7, type == LB_DNS_A ? "10.0.0.1" : "fd00::1");
    return true;
}

static bool only_inet(dns_text_t *reply, const char *name, unsigned type, bool is_tcp)
{
    if (type == LB_DNS_A) {
        dns_add_address(reply, LB_DNS_ANSWER, name, 30, "10.0.0.1");
    }
    return true;
}

static bool nothing(dns_text_t *reply, const char *name, unsigned type, bool is_tcp)
{
    return false;
}

/* The name says it. */
static bool as_named(dns_text_t *reply, const char *name, unsigned type, bool is_tcp)
{
    static const struct {
        const char *name;
        unsigned rcode;
    } errors[] = { { "formerr", LB_DNS_FORMERR },   { "servfail", LB_DNS_SERVFAIL },
                   { "nxdomain", LB_DNS_NXDOMAIN }, { "notimp", LB_DNS_NOTIMP },
                   { "refused", LB_DNS_REFUSED },   { "notauth", 9 } };

    for (int i = 0; i < COUNT(errors); i++) {
        if (is(name, errors[i].name)) {
            set_rcode(reply, errors[i].rcode);
        }
    }
    if (is(name, "malformed")) {
        const size_t begin = dns_begin_record(reply, LB_DNS_ANSWER, name, type, 5);
        dns_put_8(reply, 1);
        dns_end_record(reply, begin);
    }
    if (is(name, "truncated")) {
        reply->bytes[2] |= 2;
    }
    if (is(name, "referral")) {
        dns_add_name(reply, LB_DNS_AUTHORITY, "example", LB_DNS_NS, 3600, "ns.example");
    }
    return !is(name, "timeout");
}

/* ---- A and AAAA ------------------------------------------------------------------------------ */

START_TEST(all_addresses_of_both_families_are_there_in_order_with_the_least_ttl)
{
    const name_server_t *server = start_server(two_of_each);
    const lb_answer_t *answer = ask_a("php.example");

    assert_records(answer, "10.0.0.1:9000 10.0.0.2:9000 fd00::1:9000 fd00::2:9000");
    ck_assert_uint_eq(answer->ttl, 7);
    ck_assert_str_eq(answer->name, "php.example");
    ck_assert_str_eq(answer->server, server->address);
    ck_assert_ptr_null(answer->error);
    ck_assert(!answer->inet_failed && !answer->inet6_failed);
}
END_TEST

START_TEST(a_family_that_is_off_is_not_asked_for)
{
    name_server_t *server = start_server(two_of_each);

    settings.asks_inet6 = false;
    assert_records(ask_a("php.example"), "10.0.0.1:9000 10.0.0.2:9000");
    ck_assert_uint_eq(server->udp_queries, 1);
    settings.asks_inet6 = true;
    settings.asks_inet = false;
    assert_records(ask_a("php.example"), "fd00::1:9000 fd00::2:9000");
    ck_assert_uint_eq(server->udp_queries, 2);
}
END_TEST

START_TEST(no_records_of_one_family_is_no_failure)
{
    start_server(only_inet);
    const lb_answer_t *answer = ask_a("php.example");

    assert_records(answer, "10.0.0.1:9000");
    ck_assert(!answer->inet_failed && !answer->inet6_failed);
}
END_TEST

static bool inet6_servfail(dns_text_t *reply, const char *name, unsigned type, bool is_tcp)
{
    if (type == LB_DNS_AAAA) {
        set_rcode(reply, LB_DNS_SERVFAIL);
        return true;
    }
    return two_of_each(reply, name, type, is_tcp);
}

START_TEST(a_family_that_fails_beside_records_of_the_other_is_named)
{
    start_server(inet6_servfail);
    const lb_answer_t *answer = ask_a("php.example");

    assert_records(answer, "10.0.0.1:9000 10.0.0.2:9000");
    ck_assert(!answer->inet_failed && answer->inet6_failed);
    ck_assert_str_eq(answer->error, "servfail");
}
END_TEST

static bool inet_servfail(dns_text_t *reply, const char *name, unsigned type, bool is_tcp)
{
    set_rcode(reply, type == LB_DNS_A ? LB_DNS_SERVFAIL : LB_DNS_NXDOMAIN);
    return true;
}

START_TEST(a_family_that_fails_beside_none_of_the_other_is_a_failure)
{
    start_server(inet_servfail);
    assert_none(ask_a("php.example"), LB_ANSWER_FAILED, "servfail");
}
END_TEST

START_TEST(the_same_address_twice_is_one)
{
    start_server(only_inet);
    const lb_question_t question = { .kind = LB_DISCOVER_A, .name = "php.example", .port = 1 };
    const lb_question_t both[] = { question, question };

    ask_all(both, 2);
    assert_records(&answers[0], "10.0.0.1:1");
    assert_records(&answers[1], "10.0.0.1:1");
}
END_TEST

/* ---- No records ------------------------------------------------------------------------------ */

static const struct {
    const char *error;
    lb_answer_kind_t kind;
} errors[] = {
    { "formerr", LB_ANSWER_FAILED },
    { "servfail", LB_ANSWER_FAILED },
    { "nxdomain", LB_ANSWER_EMPTY },
    { "notimp", LB_ANSWER_FAILED },
    { "refused", LB_ANSWER_FAILED },
    { "malformed", LB_ANSWER_FAILED },
    { "truncated", LB_ANSWER_FAILED },
    { "referral", LB_ANSWER_FAILED },
    { "no_data", LB_ANSWER_EMPTY },
};

START_TEST(what_a_server_says_instead_of_records_is_one_word)
{
    const name_server_t *server = start_server(as_named);
    const lb_answer_t *answer = ask_a(errors[_i].error);

    assert_none(answer, errors[_i].kind, errors[_i].error);
    ck_assert_str_eq(answer->server, server->address);
    assert_none(ask_srv(errors[_i].error), errors[_i].kind, errors[_i].error);
}
END_TEST

START_TEST(an_rcode_without_a_word_is_servfail)
{
    start_server(as_named);
    assert_none(ask_a("notauth"), LB_ANSWER_FAILED, "servfail");
}
END_TEST

START_TEST(silence_is_a_timeout)
{
    name_server_t *server = start_server(nothing);

    settings.timeout = 50000;
    settings.retries = 1;
    settings.asks_inet6 = false;
    const apr_time_t begin = fc_now();
    const lb_answer_t *answer = ask_a("php.example");
    ck_assert_int_ge(fc_now() - begin, 50000 + 100000);
    assert_none(answer, LB_ANSWER_FAILED, "timeout");
    ck_assert_str_eq(answer->server, server->address);
    ck_assert_uint_eq(server->udp_queries, 2);
}
END_TEST

START_TEST(nobody_at_the_address_is_unreachable)
{
    add_server("127.0.0.1:1");
    settings.asks_inet6 = false;    /* of two queries, one is told that nobody is there */
    assert_none(ask_a("php.example"), LB_ANSWER_FAILED, "unreachable");
}
END_TEST

START_TEST(a_name_that_is_none_is_a_failure)
{
    start_server(two_of_each);
    assert_none(ask_a("a..b"), LB_ANSWER_FAILED, "bad_name");
    assert_none(ask_a("an-0123456789-0123456789-0123456789-0123456789-0123456789-0123456789.b"),
                LB_ANSWER_FAILED, "bad_name");
}
END_TEST

/* ---- Several servers ------------------------------------------------------------------------- */

START_TEST(the_next_server_is_asked_after_silence)
{
    name_server_t *silent = start_server(nothing), *second = start_server(two_of_each);

    settings.timeout = 50000;
    settings.retries = 5;    /* the second one may be slow, on a busy machine */
    const lb_answer_t *answer = ask_a("php.example");
    assert_records(answer, "10.0.0.1:9000 10.0.0.2:9000 fd00::1:9000 fd00::2:9000");
    ck_assert_str_eq(answer->server, second->address);
    ck_assert_uint_ge(silent->udp_queries, 2);
}
END_TEST

START_TEST(the_next_server_is_asked_after_an_error)
{
    add_server("127.0.0.1:1");
    start_server(as_named);
    name_server_t *third = start_server(only_inet);

    settings.asks_inet6 = false;
    assert_records(ask_a("servfail"), "10.0.0.1:9000");
    assert_records(ask_a("refused"), "10.0.0.1:9000");
    assert_records(ask_a("malformed"), "10.0.0.1:9000");
    ck_assert_uint_eq(third->udp_queries, 3);
}
END_TEST

START_TEST(a_server_that_says_there_is_none_is_believed)
{
    start_server(as_named);
    name_server_t *second = start_server(two_of_each);

    assert_none(ask_a("nxdomain"), LB_ANSWER_EMPTY, "nxdomain");
    ck_assert_uint_eq(second->udp_queries, 0);
}
END_TEST

/* ---- TCP ------------------------------------------------------------------------------------- */

static bool five_hundred_by_tcp(dns_text_t *reply, const char *name, unsigned type, bool is_tcp)
{
    if (!is_tcp) {
        reply->bytes[2] |= 2;
        return true;
    }
    for (unsigned i = 0; i < 500 && type == LB_DNS_A; i++) {
        dns_add_address(reply, LB_DNS_ANSWER, name, 30,
                        apr_psprintf(pool, "10.1.%u.%u", i / 250, i % 250));
    }
    return true;
}

START_TEST(a_truncated_reply_is_asked_for_again_by_tcp)
{
    name_server_t *server = start_server(five_hundred_by_tcp);

    settings.asks_inet6 = false;    /* the pool of the script is ours */
    const lb_answer_t *answer = ask_a("php.example");
    ck_assert_int_eq(answer->kind, LB_ANSWER_RECORDS);
    ck_assert_int_eq(answer->addresses->nelts, 500);
    ck_assert_uint_eq(server->tcp_queries, 1);
}
END_TEST

/* ---- Search list ----------------------------------------------------------------------------- */

static bool only_in_second_domain(dns_text_t *reply, const char *name, unsigned type, bool is_tcp)
{
    if (is(name, "php.second.example")) {
        return two_of_each(reply, name, type, is_tcp);
    }
    set_rcode(reply, is(name, "php.servfail.example") ? LB_DNS_SERVFAIL : LB_DNS_NXDOMAIN);
    return true;
}

START_TEST(a_short_name_is_looked_for_in_the_domains_of_resolv_conf)
{
    start_server(only_in_second_domain);
    settings.resolv_conf = resolv_conf_with("search first.example second.example\n");

    const lb_answer_t *answer = ask_a("php");
    assert_records(answer, "10.0.0.1:9000 10.0.0.2:9000 fd00::1:9000 fd00::2:9000");
    ck_assert_str_eq(answer->name, "php.second.example");
    assert_none(ask_a("php."), LB_ANSWER_EMPTY, "nxdomain");
}
END_TEST

START_TEST(a_failure_ends_the_search)
{
    start_server(only_in_second_domain);
    settings.resolv_conf = resolv_conf_with("search servfail.example second.example\n");

    const lb_answer_t *answer = ask_a("php");
    assert_none(answer, LB_ANSWER_FAILED, "servfail");
    ck_assert_str_eq(answer->name, "php.servfail.example");
}
END_TEST

START_TEST(servers_are_those_of_resolv_conf_unless_they_are_named)
{
    name_server_t *server = start_server(only_inet);

    /* a port is no part of the real format; without one there is no server to be had here */
    settings.servers = NULL;
    settings.resolv_conf =
        resolv_conf_with(apr_psprintf(pool, "nameserver %s\n", server->address));
    assert_records(ask_a("php.example"), "10.0.0.1:9000");
    ck_assert_uint_eq(server->udp_queries, 2);
}
END_TEST

/* ---- SRV ------------------------------------------------------------------------------------- */

static bool service(dns_text_t *reply, const char *name, unsigned type, bool is_tcp)
{
    if (type == LB_DNS_SRV) {
        dns_add_srv(reply, name, 60, 1, 5, 9001, "b.example");
        dns_add_srv(reply, name, 60, 0, 10, 9000, "a.example");
        dns_add_srv(reply, name, 60, 2, 0, 9002, "c.example");
        dns_add_address(reply, LB_DNS_ADDITIONAL, "a.example", 50, "10.0.0.1");
        dns_add_address(reply, LB_DNS_ADDITIONAL, "a.example", 20, "fd00::1");
        return true;
    }
    if (is(name, "b.example")) {
        return only_inet(reply, name, type, is_tcp);
    }
    if (is(name, "c.example") && type == LB_DNS_AAAA) {
        dns_add_address(reply, LB_DNS_ANSWER, name, 40, "fd00::3");
    }
    return true;
}

START_TEST(hosts_of_a_service_count_by_inet_and_else_by_inet6)
{
    name_server_t *server = start_server(service);
    const lb_answer_t *answer = ask_srv("_php._tcp.example");

    assert_records(answer, "10.0.0.1:9000/0/10 10.0.0.1:9001/1/5 fd00::3:9002/2/0");
    ck_assert_uint_eq(answer->ttl, 20);
    ck_assert_str_eq(APR_ARRAY_IDX(answer->addresses, 2, lb_address_t).target, "c.example");
    ck_assert_str_eq(answer->name, "_php._tcp.example");
    ck_assert_uint_eq(server->udp_queries, 1 + 4);    /* a.example was in the additional section */
}
END_TEST

static bool odd_services(dns_text_t *reply, const char *name, unsigned type, bool is_tcp)
{
    if (type == LB_DNS_SRV && is(name, "twice")) {
        dns_add_srv(reply, name, 60, 3, 99, 9000, "a.example");
        dns_add_srv(reply, name, 60, 0, 1, 9000, "a.example");
        dns_add_srv(reply, name, 60, 0, 2, 9000, "same-as-a.example");
    }
    else if (type == LB_DNS_SRV && is(name, "closed")) {
        dns_add_srv(reply, name, 60, 0, 0, 0, "");
    }
    else if (type == LB_DNS_SRV) {
        dns_add_srv(reply, name, 60, 0, 1, 9000, "a.example");
        dns_add_srv(reply, name, 60, 0, 1, 9000, name);
    }
    else if (is(name, "failed-host")) {
        set_rcode(reply, LB_DNS_SERVFAIL);
    }
    else if (!is(name, "gone-host")) {
        return only_inet(reply, name, type, is_tcp);
    }
    return true;
}

START_TEST(a_host_without_addresses_is_left_out)
{
    start_server(odd_services);
    assert_records(ask_srv("gone-host"), "10.0.0.1:9000/0/1");
}
END_TEST

START_TEST(a_host_that_nobody_knows_about_is_a_failure)
{
    start_server(odd_services);
    const lb_answer_t *answer = ask_srv("failed-host");

    assert_none(answer, LB_ANSWER_FAILED, "servfail");
    ck_assert_str_eq(answer->name, "failed-host");
}
END_TEST

START_TEST(a_service_that_is_not_available_is_empty)
{
    start_server(odd_services);
    assert_none(ask_srv("closed"), LB_ANSWER_EMPTY, "no_data");
}
END_TEST

START_TEST(of_two_for_one_address_the_preferred_one_counts)
{
    start_server(odd_services);
    assert_records(ask_srv("twice"), "10.0.0.1:9000/0/2");
}
END_TEST

static bool many_hosts(dns_text_t *reply, const char *name, unsigned type, bool is_tcp)
{
    char text[40];
    unsigned number;

    if (type == LB_DNS_SRV && !is_tcp) {
        reply->bytes[2] |= 2;
        return true;
    }
    for (unsigned i = 0; i < 500 && type == LB_DNS_SRV; i++) {
        snprintf(text, sizeof(text), "host-%u.example", i);
        dns_add_srv(reply, name, 60, 0, 1, 9000, text);
    }
    if (type == LB_DNS_A) {
        MUST(sscanf(name, "host-%u", &number) == 1);
        snprintf(text, sizeof(text), "10.1.%u.%u", number / 250, number % 250);
        dns_add_address(reply, LB_DNS_ANSWER, name, 30, text);
    }
    return true;
}

START_TEST(five_hundred_hosts_are_looked_up)
{
    name_server_t *server = start_server(many_hosts);

    settings.retries = 1;
    const lb_answer_t *answer = ask_srv("_php._tcp.example");
    ck_assert_int_eq(answer->kind, LB_ANSWER_RECORDS);
    ck_assert_int_eq(answer->addresses->nelts, 500);
    ck_assert_uint_ge(server->udp_queries, 1 + 2 * 500);
}
END_TEST

static bool silent_hosts(dns_text_t *reply, const char *name, unsigned type, bool is_tcp)
{
    return type == LB_DNS_SRV && many_hosts(reply, name, type, is_tcp);
}

START_TEST(hosts_are_given_up_with_the_first_one_that_fails)
{
    name_server_t *server = start_server(silent_hosts);

    settings.timeout = 25000;
    do {    /* again if the machine was too busy to tell the hosts within that time */
        settings.timeout *= 2;
        ask_srv("_php._tcp.example");
    } while (is(answers[0].name, "_php._tcp.example"));
    assert_none(&answers[0], LB_ANSWER_FAILED, "timeout");
    ck_assert_uint_lt(server->udp_queries, 500);
}
END_TEST

/* ---- Many questions, and the end of waiting -------------------------------------------------- */

START_TEST(all_questions_are_asked_at_once)
{
    static const lb_question_t questions[] = {
        { LB_DISCOVER_A, "timeout", 1 },
        { LB_DISCOVER_A, "nxdomain", 2 },
        { LB_DISCOVER_SRV, "servfail", 3 },
        { LB_DISCOVER_SRV, "timeout", 4 },
    };
    start_server(as_named);
    settings.timeout = 500000;

    ask_all(questions, COUNT(questions));
    assert_none(&answers[0], LB_ANSWER_FAILED, "timeout");
    assert_none(&answers[1], LB_ANSWER_EMPTY, "nxdomain");
    assert_none(&answers[2], LB_ANSWER_FAILED, "servfail");
    assert_none(&answers[3], LB_ANSWER_FAILED, "timeout");
}
END_TEST

START_TEST(an_answer_is_there_while_others_are_waited_for)
{
    static const lb_question_t slow = { LB_DISCOVER_A, "timeout", 1 };
    static const lb_question_t fast = { LB_DISCOVER_A, "nxdomain", 2 };
    name_server_t *server = start_server(as_named);

    lb_resolution_t *open[] = { lb_resolver_begin(pool, &settings, slow),
                                lb_resolver_begin(pool, &settings, fast) };
    while (!lb_resolver_is_answered(open[1])) {
        lb_resolver_wait(pool, open, 2, -1, apr_time_from_sec(60));
    }
    const lb_answer_t answer = lb_resolver_answer(open[1]);
    assert_none(&answer, LB_ANSWER_EMPTY, "nxdomain");
    ck_assert(!lb_resolver_is_answered(open[0]));

    open[1] = lb_resolver_begin(pool, &settings, fast);    /* and it may be asked again */
    while (!lb_resolver_is_answered(open[1])) {
        lb_resolver_wait(pool, open, 2, -1, apr_time_from_sec(60));
    }
    ck_assert_uint_eq(server->udp_queries, 3 * 2);
}
END_TEST

static int stop_pipe[2];

static bool stops_us(dns_text_t *reply, const char *name, unsigned type, bool is_tcp)
{
    MUST(write(stop_pipe[1], "", 1) == 1);
    return false;
}

START_TEST(a_readable_stop_fd_ends_the_wait)
{
    static const lb_question_t question = { LB_DISCOVER_A, "php.example", 1 };
    struct pollfd stop;

    MUST(pipe(stop_pipe) == 0);
    start_server(stops_us);
    stop = (struct pollfd){ .fd = stop_pipe[0], .events = POLLIN };
    settings.timeout = apr_time_from_sec(30);
    settings.retries = 1;
    lb_resolution_t *resolution = lb_resolver_begin(pool, &settings, question);
    while (poll(&stop, 1, 0) == 0) {
        lb_resolver_wait(pool, &resolution, 1, stop_pipe[0], apr_time_from_sec(60));
    }
    ck_assert(!lb_resolver_is_answered(resolution));
    answers[0] = lb_resolver_answer(resolution);
    assert_none(&answers[0], LB_ANSWER_FAILED, "timeout");
}
END_TEST

START_TEST(a_wait_for_nothing_ends_with_its_time)
{
    const apr_time_t begin = fc_now();

    lb_resolver_wait(pool, NULL, 0, -1, 20000);
    ck_assert_int_ge(fc_now() - begin, 20000);
}
END_TEST

static int sockets_open(void)
{
    struct stat info;
    int count = 0;

    for (int fd = 0; fd < 1024; fd++) {
        count += fstat(fd, &info) == 0 && S_ISSOCK(info.st_mode);
    }
    return count;
}

START_TEST(what_is_asked_ends_with_its_pool)
{
    static const lb_question_t question = { LB_DISCOVER_A, "timeout", 1 };
    apr_pool_t *own;

    start_server(as_named);
    const int before = sockets_open();
    for (int i = 0; i < 10; i++) {
        apr_pool_create(&own, pool);
        lb_resolver_begin(own, &settings, question);
        ck_assert_int_eq(sockets_open(), before + 1);
        apr_pool_destroy(own);
        ck_assert_int_eq(sockets_open(), before);
    }
}
END_TEST

static Suite *resolver_suite(void)
{
    Suite *suite = suite_create("resolver");
    TCase *tc = tcase_create("names");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, all_addresses_of_both_families_are_there_in_order_with_the_least_ttl);
    tcase_add_test(tc, a_family_that_is_off_is_not_asked_for);
    tcase_add_test(tc, no_records_of_one_family_is_no_failure);
    tcase_add_test(tc, a_family_that_fails_beside_records_of_the_other_is_named);
    tcase_add_test(tc, a_family_that_fails_beside_none_of_the_other_is_a_failure);
    tcase_add_test(tc, the_same_address_twice_is_one);
    tcase_add_loop_test(tc, what_a_server_says_instead_of_records_is_one_word, 0, COUNT(errors));
    tcase_add_test(tc, an_rcode_without_a_word_is_servfail);
    tcase_add_test(tc, silence_is_a_timeout);
    tcase_add_test(tc, nobody_at_the_address_is_unreachable);
    tcase_add_test(tc, a_name_that_is_none_is_a_failure);
    tcase_add_test(tc, the_next_server_is_asked_after_silence);
    tcase_add_test(tc, the_next_server_is_asked_after_an_error);
    tcase_add_test(tc, a_server_that_says_there_is_none_is_believed);
    tcase_add_test(tc, a_truncated_reply_is_asked_for_again_by_tcp);
    tcase_add_test(tc, a_short_name_is_looked_for_in_the_domains_of_resolv_conf);
    tcase_add_test(tc, a_failure_ends_the_search);
    tcase_add_test(tc, servers_are_those_of_resolv_conf_unless_they_are_named);
    tcase_add_test(tc, hosts_of_a_service_count_by_inet_and_else_by_inet6);
    tcase_add_test(tc, a_host_without_addresses_is_left_out);
    tcase_add_test(tc, a_host_that_nobody_knows_about_is_a_failure);
    tcase_add_test(tc, a_service_that_is_not_available_is_empty);
    tcase_add_test(tc, of_two_for_one_address_the_preferred_one_counts);
    tcase_add_test(tc, five_hundred_hosts_are_looked_up);
    tcase_add_test(tc, hosts_are_given_up_with_the_first_one_that_fails);
    tcase_add_test(tc, all_questions_are_asked_at_once);
    tcase_add_test(tc, an_answer_is_there_while_others_are_waited_for);
    tcase_add_test(tc, a_readable_stop_fd_ends_the_wait);
    tcase_add_test(tc, a_wait_for_nothing_ends_with_its_time);
    tcase_add_test(tc, what_is_asked_ends_with_its_pool);
    suite_add_tcase(suite, tc);
    return suite;
}

int main(void)
{
    return run_suite(resolver_suite());
}
