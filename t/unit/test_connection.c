/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_connection.c - which reads and writes wait, and which do not; when small packets leave at
 * once. */
#include <check.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "apr_errno.h"
#include "clock.h"
#include "connection.h"
#include "no_tls.h"
#include "run_suite.h"

static fcgi_connection_t ours;
static int theirs;

static void begin(void)
{
    int ends[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    ours = (fcgi_connection_t){ .fd = ends[0] };
    theirs = ends[1];
    fcgi_connection_let_wait(&ours);
    ck_assert(ours.can_wait);
}

static void end(void)
{
    close(ours.fd);
    close(theirs);
}

static unsigned char buffer[16];

/* returns  how long it took, us */
static apr_interval_time_t read_nothing(bool patiently)
{
    const apr_time_t began = fc_now();
    size_t got = 1;
    const apr_status_t rv =
        patiently ? fcgi_connection_read_patiently(&ours, buffer, sizeof(buffer), &got)
                  : fcgi_connection_read(&ours, buffer, sizeof(buffer), &got);

    ck_assert(APR_STATUS_IS_EAGAIN(rv));
    ck_assert_uint_eq(got, 0);
    return fc_now() - began;
}

START_TEST(a_patient_read_waits_for_a_moment_and_no_longer)
{
    const apr_interval_time_t took = read_nothing(true);

    ck_assert_int_ge(took, FCGI_MOMENT_US / 2);    /* the kernel counts in ticks */
    ck_assert_int_lt(took, 100 * FCGI_MOMENT_US);
}
END_TEST

START_TEST(a_patient_read_has_what_came_and_the_end)
{
    size_t got;

    ck_assert_int_eq(write(theirs, "abc", 3), 3);
    ck_assert_int_eq(fcgi_connection_read_patiently(&ours, buffer, sizeof(buffer), &got),
                     APR_SUCCESS);
    ck_assert_uint_eq(got, 3);
    ck_assert_int_eq(memcmp(buffer, "abc", 3), 0);
    shutdown(theirs, SHUT_WR);
    ck_assert(APR_STATUS_IS_EOF(
        fcgi_connection_read_patiently(&ours, buffer, sizeof(buffer), &got)));
}
END_TEST

/* Of many, the quickest: another process may have had the processor. */
START_TEST(any_other_read_does_not_wait)
{
    apr_interval_time_t quickest = read_nothing(false);

    for (int i = 0; i < 20; i++) {
        const apr_interval_time_t took = read_nothing(false);
        quickest = took < quickest ? took : quickest;
    }
    ck_assert_int_lt(quickest, FCGI_MOMENT_US);
    ck_assert(fcgi_connection_is_quiet(&ours));
}
END_TEST

/* Else the test would never end. */
START_TEST(a_write_does_not_wait)
{
    static const unsigned char much[65536];
    const fc_span_t span = fc_span(much, sizeof(much));
    apr_status_t rv = APR_SUCCESS;
    size_t written;

    while (rv == APR_SUCCESS) {
        rv = fcgi_connection_write(&ours, &span, 1, &written);
    }
    ck_assert(APR_STATUS_IS_EAGAIN(rv));
}
END_TEST

/* ---- TCP ------------------------------------------------------------------------------------- */

static void connect_over_tcp(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t bytes = sizeof(at);
    const int listener = socket(AF_INET, SOCK_STREAM, 0);

    ours = (fcgi_connection_t){ .fd = socket(AF_INET, SOCK_STREAM, 0) };
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, bytes), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&at, &bytes), 0);
    ck_assert_int_eq(connect(ours.fd, (struct sockaddr *)&at, bytes), 0);
    theirs = accept(listener, NULL, NULL);
    close(listener);
}

static void write_bytes(size_t count)
{
    static const unsigned char bytes[4096];
    const fc_span_t span = fc_span(bytes, count);
    size_t written;

    ck_assert_int_eq(fcgi_connection_write(&ours, &span, 1, &written), APR_SUCCESS);
}

static bool is_prompt(void)
{
    int value = -1;
    socklen_t bytes = sizeof(value);

    ck_assert_int_eq(getsockopt(ours.fd, IPPROTO_TCP, TCP_NODELAY, &value, &bytes), 0);
    return value != 0;
}

START_TEST(one_packet_needs_no_option_and_the_next_has_it)
{
    write_bytes(1000);
    ck_assert(!is_prompt());
    write_bytes(1);
    ck_assert(is_prompt());
}
END_TEST

START_TEST(what_may_take_two_packets_is_prompt_from_the_start)
{
    write_bytes(2000);
    ck_assert(is_prompt());
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("connection");
    TCase *tests = tcase_create("waiting");

    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, a_patient_read_waits_for_a_moment_and_no_longer);
    tcase_add_test(tests, a_patient_read_has_what_came_and_the_end);
    tcase_add_test(tests, any_other_read_does_not_wait);
    tcase_add_test(tests, a_write_does_not_wait);
    suite_add_tcase(suite, tests);

    tests = tcase_create("tcp");
    tcase_add_checked_fixture(tests, connect_over_tcp, end);
    tcase_add_test(tests, one_packet_needs_no_option_and_the_next_has_it);
    tcase_add_test(tests, what_may_take_two_packets_is_prompt_from_the_start);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
