/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_large_reads.c - the client's bytes come as they were sent, in pieces of either size, and a
 * piece is free as soon as it is used up. */
#include <check.h>
#include <dlfcn.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "apr_general.h"
#include "apr_portable.h"
#include "httpd.h"
#include "http_core.h"
#include "large_reads.h"
#include "shared_table.h"

enum {
    LARGE = 65536,
    MANY = 3 * LARGE,
    LONGEST_LINE = 8192
};

static apr_pool_t *pool;
static conn_rec c;
static apr_bucket_brigade *unread;    /* as the core has it */
static int client;                    /* its end of the connection */

/* In the place of httpd. */
static ap_HOOK_insert_network_bucket_t *insert;

void ap_hook_insert_network_bucket(ap_HOOK_insert_network_bucket_t *hook, const char *const *before,
                                   const char *const *behind, int order)
{
    insert = hook;
}

static int pieces;    /* taken */

/* Before APR's own. */
void *apr_bucket_alloc(apr_size_t bytes, apr_bucket_alloc_t *list)
{
    void *(*of_apr)(apr_size_t, apr_bucket_alloc_t *) = NULL;

    *(void **)&of_apr = dlsym(RTLD_NEXT, "apr_bucket_alloc");
    pieces += bytes >= APR_BUCKET_BUFF_SIZE;
    return of_apr(bytes, list);
}

static void begin(void)
{
    apr_socket_t *socket = NULL;
    int ends[2];

    apr_initialize();
    apr_pool_create(&pool, NULL);
    c = (conn_rec){ .pool = pool, .bucket_alloc = apr_bucket_alloc_create(pool) };
    unread = apr_brigade_create(pool, c.bucket_alloc);
    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    MUST(apr_os_sock_put(&socket, &ends[0], pool) == APR_SUCCESS);
    client = ends[1];
    fcgi_large_reads_register();
    MUST(insert(&c, unread, socket) == APR_SUCCESS);
}

static void end(void)
{
    apr_pool_destroy(pool);
    apr_terminate();
}

static void send_text(const char *text)
{
    ck_assert_int_eq(send(client, text, strlen(text), 0), (ssize_t)strlen(text));
}

/* As httpd reads a line of a request's head: what is left of the piece stays, be it nothing. */
static void read_line(const char *expected)
{
    apr_bucket_brigade *line = apr_brigade_create(pool, c.bucket_alloc);
    char text[LONGEST_LINE];
    apr_size_t bytes = sizeof(text);

    ck_assert_int_eq(apr_brigade_split_line(line, unread, APR_BLOCK_READ, LONGEST_LINE),
                     APR_SUCCESS);
    ck_assert_int_eq(apr_brigade_flatten(line, text, &bytes), APR_SUCCESS);
    ck_assert_uint_eq(bytes, strlen(expected));
    ck_assert(memcmp(text, expected, bytes) == 0);
    apr_brigade_destroy(line);
}

static int count_buckets(void)
{
    int count = 0;

    for (apr_bucket *b = APR_BRIGADE_FIRST(unread); b != APR_BRIGADE_SENTINEL(unread);
         b = APR_BUCKET_NEXT(b)) {
        count++;
    }
    return count;
}

START_TEST(a_piece_that_is_used_up_is_freed)
{
    send_text("GET / HTTP/1.1\n\n");
    read_line("GET / HTTP/1.1\n");
    read_line("\n");
    if (count_buckets() == 2) {    /* nothing, and the socket: APR-util before 1.6.4 */
        const void *piece = ((apr_bucket_heap *)APR_BRIGADE_FIRST(unread)->data)->base;
        fcgi_large_reads_free_used(&c);
        ck_assert_ptr_eq(apr_bucket_alloc(APR_BUCKET_BUFF_SIZE, c.bucket_alloc), piece);
    }
    ck_assert_int_eq(count_buckets(), 1);
    fcgi_large_reads_free_used(&c);
    ck_assert_int_eq(count_buckets(), 1);
    send_text("next\n");
    read_line("next\n");
}
END_TEST

START_TEST(the_next_request_stays_in_its_piece)
{
    send_text("first\nsecond\n");
    read_line("first\n");
    fcgi_large_reads_free_used(&c);
    read_line("second\n");
    fcgi_large_reads_free_used(&c);
    ck_assert_int_eq(count_buckets(), 1);
}
END_TEST

START_TEST(nothing_is_freed_where_there_is_no_socket)
{
    conn_rec stream = { .pool = pool, .master = &c }, other = { 0 };

    apr_pool_create(&other.pool, NULL);
    fcgi_large_reads_free_used(&stream);
    fcgi_large_reads_free_used(&other);    /* somebody else has put a bucket in */
    ck_assert_int_eq(count_buckets(), 1);
    apr_pool_destroy(other.pool);
}
END_TEST

START_TEST(who_only_looks_takes_no_piece)
{
    const char *at;
    apr_size_t bytes;
    apr_bucket *first = APR_BRIGADE_FIRST(unread);

    ck_assert(APR_STATUS_IS_EAGAIN(apr_bucket_read(first, &at, &bytes, APR_NONBLOCK_READ)));
    ck_assert_int_eq(count_buckets(), 1);
    send_text("next");
    ck_assert_int_eq(apr_bucket_read(first, &at, &bytes, APR_NONBLOCK_READ), APR_SUCCESS);
    ck_assert_uint_eq(bytes, 4);
    ck_assert(memcmp(at, "next", bytes) == 0);
    ck_assert_int_eq(count_buckets(), 2);
    ck_assert_int_eq(pieces, 0);
    close(client);
    first = APR_BUCKET_NEXT(first);
    ck_assert_int_eq(apr_bucket_read(first, &at, &bytes, APR_NONBLOCK_READ), APR_SUCCESS);
    ck_assert_uint_eq(bytes, 0);
}
END_TEST

START_TEST(pieces_are_large_between_begin_and_end)
{
    static char sent[MANY];
    const char *at;
    apr_size_t bytes, most = 0, all = 0;

    if (fork() == 0) {
        size_t left = sizeof(sent);
        while (left > 0) {
            const ssize_t n = send(client, sent, left, 0);
            left -= n > 0 ? (size_t)n : 0;
        }
        _exit(0);
    }
    fcgi_large_reads_begin(&c, LARGE);
    while (all < MANY) {
        apr_bucket *first = APR_BRIGADE_FIRST(unread);
        ck_assert_int_eq(apr_bucket_read(first, &at, &bytes, APR_BLOCK_READ), APR_SUCCESS);
        all += bytes;
        most = bytes > most ? bytes : most;
        if (all > MANY / 2) {
            fcgi_large_reads_end(&c);
            ck_assert(all < MANY / 2 + LARGE + 1 || bytes <= APR_BUCKET_BUFF_SIZE);
        }
        apr_bucket_delete(first);
    }
    ck_assert_uint_eq(all, MANY);
    ck_assert_uint_gt(most, APR_BUCKET_BUFF_SIZE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("large_reads");
    TCase *tc = tcase_create("reads");
    tcase_add_checked_fixture(tc, begin, end);
    tcase_add_test(tc, a_piece_that_is_used_up_is_freed);
    tcase_add_test(tc, the_next_request_stays_in_its_piece);
    tcase_add_test(tc, nothing_is_freed_where_there_is_no_socket);
    tcase_add_test(tc, who_only_looks_takes_no_piece);
    tcase_add_test(tc, pieces_are_large_between_begin_and_end);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
