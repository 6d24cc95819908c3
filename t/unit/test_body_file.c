/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_body_file.c - what lies in a file reaches the peer behind what stands before it; whose fault
 * it is when it does not. */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "apr_errno.h"
#include "body_file.h"
#include "run_suite.h"

#define HEADER "eight by"

static unsigned char text[300000], got[sizeof(text) + 8];
static int sockets[2];    /* ours does not wait */
static FILE *disk;

static void begin(void)
{
    signal(SIGPIPE, SIG_IGN);    /* as httpd does */
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = (unsigned char)(i * 7 + i / 251);
    }
    disk = tmpfile();
    ck_assert_uint_eq(fwrite(text, 1, sizeof(text), disk), sizeof(text));
    ck_assert_int_eq(fflush(disk), 0);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sockets), 0);
}

static void end(void)
{
    fclose(disk);
    close(sockets[0]);
    close(sockets[1]);
}

static apr_status_t send_some(fcgi_body_file_t *file, const char *before, size_t bytes,
                              size_t *written)
{
    fcgi_connection_t connection = { .fd = sockets[0] };
    const fc_span_t span = fc_span_of(before);

    return fcgi_body_file_send(&connection, &span, *before != '\0', file, bytes, written);
}

START_TEST(all_of_it_arrives_in_order_whatever_room_there_is)
{
    fcgi_body_file_t file = { .fd = fileno(disk) };
    size_t sent = 0, arrived = 0, written;
    ssize_t n;

    while (sent < sizeof(HEADER) - 1 + sizeof(text)) {
        const size_t left = sizeof(text) - (size_t)file.offset;
        const apr_status_t rv = send_some(&file, sent == 0 ? HEADER : "", left, &written);
        ck_assert(rv == APR_SUCCESS || APR_STATUS_IS_EAGAIN(rv));
        sent += written;
        ck_assert(written > 0 || rv != APR_SUCCESS);
        while ((n = recv(sockets[1], got + arrived, 10007, 0)) > 0) {
            arrived += (size_t)n;
        }
    }
    ck_assert_uint_eq(arrived, sizeof(got));
    ck_assert_mem_eq(got, HEADER, 8);
    ck_assert(memcmp(got + 8, text, sizeof(text)) == 0);
    ck_assert(!file.has_failed);
}
END_TEST

START_TEST(file_that_ends_too_early_has_failed)
{
    fcgi_body_file_t file = { .fd = fileno(disk), .offset = sizeof(text) };
    size_t written;

    ck_assert_int_ne(send_some(&file, HEADER, 100, &written), APR_SUCCESS);
    ck_assert_uint_eq(written, 8);
    ck_assert(file.has_failed);
}
END_TEST

START_TEST(file_that_cannot_be_read_has_failed)
{
    fcgi_body_file_t file = { .fd = -1 };
    size_t written;

    ck_assert_int_eq(send_some(&file, "", 100, &written), EBADF);
    ck_assert_uint_eq(written, 0);
    ck_assert(file.has_failed);
}
END_TEST

START_TEST(peer_that_has_gone_is_no_fault_of_the_file)
{
    fcgi_body_file_t file = { .fd = fileno(disk) };
    size_t written;

    shutdown(sockets[1], SHUT_RD);
    ck_assert_int_eq(send_some(&file, "", 100, &written), EPIPE);
    ck_assert_int_eq(send_some(&file, HEADER, 100, &written), EPIPE);
    ck_assert_uint_eq(written, 0);
    ck_assert(!file.has_failed);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("body_file");
    TCase *tc = tcase_create("send");

    tcase_add_checked_fixture(tc, begin, end);
    tcase_add_test(tc, all_of_it_arrives_in_order_whatever_room_there_is);
    tcase_add_test(tc, file_that_ends_too_early_has_failed);
    tcase_add_test(tc, file_that_cannot_be_read_has_failed);
    tcase_add_test(tc, peer_that_has_gone_is_no_fault_of_the_file);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
