/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_redis_engine.c - whatever a server sends, cut at any byte, and whatever it does not send: a
 * round ends in time, with all of its answers or a fault. */
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "apr_general.h"
#include "apr_strings.h"
#include "engine.h"
#include "run_suite.h"

#define MASTER "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n"
#define GOOD   MASTER "*4\r\n$4\r\nweb1\r\n$3\r\nabc\r\n$4\r\nweb2\r\n$0\r\n\r\n" \
               ":1\r\n" \
               "*4\r\n$1\r\na\r\n:-42\r\n$-1\r\n+OK\r\n"

/* A server that says the same to each client, and listens to none. */
typedef struct {
    char folder[32], path[64];
    int fd;
    pthread_t thread;
    const char *says;
    size_t bytes;
    const char *says_next;    /* to the clients after the first one; NULL: the same */
    bool is_slow;         /* byte by byte */
    bool stays;           /* until the client has gone; else it closes behind the last byte */
} server_t;

static apr_pool_t *pool;
static server_t server;
static lb_fleet_settings_t settings;
static int stop_pipe[2];

static void talk(int client)
{
    char heard[4096];
    const size_t piece = server.is_slow ? 1 : server.bytes;
    const char *next = server.says_next;    /* by its end the test may be at another case */

    for (size_t sent = 0; sent < server.bytes; sent += piece) {
        if (send(client, server.says + sent, piece, MSG_NOSIGNAL) < 0) {
            break;
        }
    }
    if (!server.stays) {
        shutdown(client, SHUT_WR);
    }
    while (recv(client, heard, sizeof(heard), 0) > 0) {
    }
    close(client);
    if (next) {
        server.says = next;
        server.bytes = strlen(next);
    }
}

static void *serve(void *unused)
{
    for (int client; (client = accept(server.fd, NULL, NULL)) >= 0;) {
        talk(client);
    }
    return NULL;
}

static void listen_at(int family, const struct sockaddr *address, socklen_t bytes)
{
    server.fd = socket(family, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(server.fd, address, bytes), 0);
    ck_assert_int_eq(listen(server.fd, 10), 0);
    ck_assert_int_eq(pthread_create(&server.thread, NULL, serve, NULL), 0);
}

static void stop_listening(void)
{
    shutdown(server.fd, SHUT_RDWR);
    pthread_join(server.thread, NULL);
    close(server.fd);
}

static void set_up(void)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    apr_initialize();
    apr_pool_create(&pool, NULL);
    memset(&server, 0, sizeof(server));
    strcpy(server.folder, "/tmp/test_engine.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(server.folder));
    apr_snprintf(server.path, sizeof(server.path), "%s/socket", server.folder);
    apr_cpystrn(address.sun_path, server.path, sizeof(address.sun_path));
    listen_at(AF_UNIX, (struct sockaddr *)&address, sizeof(address));
    ck_assert_int_eq(pipe(stop_pipe), 0);
    settings = (lb_fleet_settings_t){ .url.socket = server.path };
}

static void tear_down(void)
{
    stop_listening();
    unlink(server.path);
    rmdir(server.folder);
    close(stop_pipe[0]);
    close(stop_pipe[1]);
    apr_pool_destroy(pool);
}

/* What a round asks. */
static lb_ask_t get_all = { .kind = LB_ASK_GET_ALL, .table = "t" };
static lb_ask_t put = { .kind = LB_ASK_PUT, .table = "t", .field = "f" };
static lb_ask_t run = { .kind = LB_ASK_RUN, .script = "return 1" };

/* A connection and a round, when the server says this.
 * returns  what went wrong; NONE: nothing */
static lb_fault_t perform(const char *says, size_t bytes)
{
    apr_pool_t *p;
    lb_ask_t *const asks[] = { &get_all, &put, &run };

    apr_pool_create(&p, pool);
    server.says = says;
    server.bytes = bytes;
    put.value = fc_span("value", 5);
    run.keys = run.args = apr_array_make(pool, 1, sizeof(const char *));
    apr_array_header_t *all = apr_array_make(p, 3, sizeof(lb_ask_t *));
    for (int i = 0; i < 3; i++) {
        APR_ARRAY_PUSH(all, lb_ask_t *) = asks[i];
    }
    lb_engine_t *engine = lb_engine_create(p, &settings, stop_pipe[0]);
    const bool is_done = lb_engine_connect(engine, p) && lb_engine_perform(engine, all, pool);
    const lb_fault_t fault = lb_engine_fault(engine);
    ck_assert(is_done == (fault == LB_FAULT_NONE));
    ck_assert(is_done == (*lb_engine_server(engine) != '\0'));
    lb_engine_disconnect(engine);
    apr_pool_destroy(p);
    return fault;
}

static const char *text_at(const lb_ask_t *ask, int i)
{
    return (const char *)APR_ARRAY_IDX(ask->texts, i, fc_span_t).at;
}

static void expect_good_answers(void)
{
    ck_assert_int_eq(get_all.texts->nelts, 4);
    ck_assert_str_eq(text_at(&get_all, 0), "web1");
    ck_assert_str_eq(text_at(&get_all, 1), "abc");
    ck_assert_str_eq(text_at(&get_all, 3), "");
    ck_assert_str_eq(text_at(&put, 0), "1");
    ck_assert_int_eq(run.texts->nelts, 4);
    ck_assert_str_eq(text_at(&run, 1), "-42");
    ck_assert_ptr_null(text_at(&run, 2));
    ck_assert_str_eq(text_at(&run, 3), "OK");
}

START_TEST(answers_arrive_whole_or_byte_by_byte)
{
    server.stays = true;
    for (int slow = 0; slow < 2; slow++) {
        server.is_slow = slow;
        ck_assert_int_eq(perform(GOOD, strlen(GOOD)), LB_FAULT_NONE);
        expect_good_answers();
    }
}
END_TEST

START_TEST(answers_cut_at_any_byte_are_none)
{
    for (size_t bytes = 0; bytes < strlen(GOOD); bytes++) {
        ck_assert_int_eq(perform(GOOD, bytes), LB_FAULT_CLOSED);
    }
}
END_TEST

START_TEST(one_wrong_byte_anywhere_ends_the_round_or_changes_a_text)
{
    static const char wrong[] = "*$+-:09\r\n\xff";
    char says[] = GOOD;

    for (size_t at = 0; at < strlen(GOOD); at++) {
        for (const char *c = wrong; *c; c++) {
            says[at] = *c;
            perform(says, strlen(GOOD)); /* it comes back, under the sanitizers without a finding */
        }
        says[at] = GOOD[at];
    }
}
END_TEST

START_TEST(hostile_answers_are_faults)
{
    static const char *const all[] = {
        "*2147483647\r\n",
        "*-5\r\n",
        "*99999999999999999999\r\n",
        "$2147483647\r\n",
        "$-2\r\nx",
        ":99999999999999999999\r\n",
        "+\r\n",
        "-\r\n",
        "\r\n",
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
        "*1\r\n*1\r\n:1\r\n",
        ":1\r\n",
        "$-1\r\n",
        "%1\r\n+a\r\n+b\r\n",
        "_\r\n",
        ">1\r\n+a\r\n"
    };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        const char *says = apr_pstrcat(pool, MASTER, all[i], NULL);
        ck_assert_msg(perform(says, strlen(says)) != LB_FAULT_NONE, "%s", all[i]);
    }
}
END_TEST

START_TEST(answers_without_end_are_given_up)
{
    const size_t bytes = 20 * 1024 * 1024;
    char *says = apr_palloc(pool, bytes);    /* the server may still send it */

    memset(says, 'x', bytes);
    memcpy(says, MASTER "+", sizeof(MASTER));
    server.stays = true;
    const lb_fault_t fault = perform(says, bytes);
    ck_assert(fault == LB_FAULT_PROTOCOL || fault == LB_FAULT_TIMEOUT);
}
END_TEST

START_TEST(a_server_that_says_nothing_is_given_up)
{
    server.stays = true;
    ck_assert_int_eq(perform("", 0), LB_FAULT_TIMEOUT);
    ck_assert_int_eq(perform(MASTER, strlen(MASTER)), LB_FAULT_TIMEOUT);
}
END_TEST

START_TEST(a_process_that_ends_does_not_wait)
{
    server.stays = true;
    ck_assert_int_eq(write(stop_pipe[1], "", 1), 1);
    ck_assert_int_eq(perform("", 0), LB_FAULT_STOPPED);
}
END_TEST

START_TEST(errors_are_told_apart_by_their_first_word)
{
    static const struct {
        const char *says;
        lb_fault_t fault;
    } all[] = {
        { "-NOAUTH Authentication required.\r\n", LB_FAULT_AUTH },
        { "-LOADING Redis is loading the dataset in memory\r\n", LB_FAULT_LOADING },
        { "*5\r\n$5\r\nslave\r\n$1\r\nh\r\n:1\r\n$4\r\nsync\r\n:0\r\n", LB_FAULT_READONLY },
        { MASTER "-READONLY You can't write against a read only replica.\r\n", LB_FAULT_READONLY },
        { MASTER "*0\r\n-OOM command not allowed\r\n", LB_FAULT_FULL },
        { MASTER "*0\r\n-MISCONF Redis is configured to save RDB snapshots\r\n", LB_FAULT_FULL },
        { MASTER "*0\r\n:1\r\n-NOPERM this user has no permissions\r\n", LB_FAULT_AUTH },
        { MASTER "*0\r\n:1\r\n-BUSY Redis is busy running a script.\r\n", LB_FAULT_LOADING },
        { MASTER "-WRONGTYPE Operation against a key\r\n", LB_FAULT_ERROR },
        { MASTER "-OOMPH\r\n", LB_FAULT_ERROR },
    };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        ck_assert_int_eq(perform(all[i].says, strlen(all[i].says)), all[i].fault);
    }
}
END_TEST

START_TEST(who_may_not_ask_for_the_role_may_go_on)
{
    static const char *const roles[] = { "-NOPERM this user has no permissions\r\n",
                                         "-ERR unknown command 'ROLE'\r\n" };

    server.stays = true;
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        const char *says = apr_pstrcat(pool, roles[i], &GOOD[strlen(MASTER)], NULL);
        ck_assert_int_eq(perform(says, strlen(says)), LB_FAULT_NONE);
    }
}
END_TEST

START_TEST(nobody_there_is_refused)
{
    lb_engine_t *engine = lb_engine_create(pool, &settings, stop_pipe[0]);

    settings.url.socket = "/nonexistent/socket";
    ck_assert(!lb_engine_connect(engine, pool));
    ck_assert_int_eq(lb_engine_fault(engine), LB_FAULT_REFUSED);
    ck_assert_str_eq(lb_engine_reason(engine), "/nonexistent/socket: No such file or directory");
}
END_TEST

START_TEST(logging_in_comes_first)
{
    server.stays = true;
    settings.password = "secret";
    settings.user = "web";
    settings.url.db = 3;
    const char *says = "+OK\r\n+OK\r\n" GOOD;
    ck_assert_int_eq(perform(says, strlen(says)), LB_FAULT_NONE);
    expect_good_answers();
    says = "-ERR invalid password\r\n";
    ck_assert_int_eq(perform(says, strlen(says)), LB_FAULT_AUTH);
    says = "-LOADING\r\n";
    ck_assert_int_eq(perform(says, strlen(says)), LB_FAULT_LOADING);
    says = "+OK\r\n-ERR DB index is out of range\r\n";
    ck_assert_int_eq(perform(says, strlen(says)), LB_FAULT_ERROR);
}
END_TEST

/* ---- By address ------------------------------------------------------------------------------ */

/* Listens at a port of this machine instead. */
static apr_port_t listen_at_port(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t bytes = sizeof(address);

    stop_listening();
    listen_at(AF_INET, (struct sockaddr *)&address, bytes);
    getsockname(server.fd, (struct sockaddr *)&address, &bytes);
    return ntohs(address.sin_port);
}

/* A port where nobody listens, then the one of the server. */
static apr_port_t use_two_addresses(void)
{
    const apr_port_t port = listen_at_port();

    server.stays = true;
    settings.url.socket = NULL;
    settings.url.addresses = apr_array_make(pool, 2, sizeof(lb_fleet_address_t));
    APR_ARRAY_PUSH(settings.url.addresses, lb_fleet_address_t) =
        (lb_fleet_address_t){ .host = "127.0.0.1", .port = 1 };
    APR_ARRAY_PUSH(settings.url.addresses, lb_fleet_address_t) =
        (lb_fleet_address_t){ .host = "127.0.0.1", .port = port };
    return port;
}

static lb_fault_t fault_of_connecting(const char *says, const char *says_next)
{
    lb_engine_t *engine = lb_engine_create(pool, &settings, stop_pipe[0]);

    server.says = says;
    server.bytes = strlen(says);
    server.says_next = says_next;
    ck_assert(lb_engine_connect(engine, pool)
              == (lb_engine_fault(engine) == LB_FAULT_NONE || *lb_engine_server(engine) != '\0'));
    const lb_fault_t fault = *lb_engine_server(engine) ? LB_FAULT_NONE : lb_engine_fault(engine);
    lb_engine_disconnect(engine);
    return fault;
}

START_TEST(the_first_address_that_is_a_master_is_used)
{
    static const char slave[] = "*5\r\n$5\r\nslave\r\n$1\r\nh\r\n:1\r\n$4\r\nsync\r\n:0\r\n";

    use_two_addresses();
    ck_assert_int_eq(fault_of_connecting(MASTER, NULL), LB_FAULT_NONE);
    ck_assert_int_eq(fault_of_connecting(slave, NULL), LB_FAULT_READONLY);
}
END_TEST

START_TEST(a_sentinel_names_the_master)
{
    const char *port = apr_itoa(pool, use_two_addresses());
    const char *knows = apr_psprintf(pool, "*2\r\n$9\r\n127.0.0.1\r\n$%d\r\n%s\r\n",
                                     (int)strlen(port), port);

    settings.url.master = "fleet";
    ck_assert_int_eq(fault_of_connecting(knows, MASTER), LB_FAULT_NONE);
    ck_assert_int_eq(fault_of_connecting("*-1\r\n", NULL), LB_FAULT_NO_MASTER);
    ck_assert_int_eq(fault_of_connecting("-NOAUTH\r\n", NULL), LB_FAULT_AUTH);
    settings.password = "secret";
    ck_assert_int_eq(
        fault_of_connecting(apr_pstrcat(pool, "-ERR no password is set\r\n", knows, NULL),
                            "+OK\r\n" MASTER),
        LB_FAULT_NONE);
}
END_TEST

START_TEST(a_name_without_an_address_is_told)
{
    use_two_addresses();
    APR_ARRAY_IDX(settings.url.addresses, 1, lb_fleet_address_t).host = "no.such.name.invalid";
    ck_assert_int_eq(fault_of_connecting("", NULL), LB_FAULT_NAME);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("redis_engine");
    TCase *tc = tcase_create("rounds");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, answers_arrive_whole_or_byte_by_byte);
    tcase_add_test(tc, answers_cut_at_any_byte_are_none);
    tcase_add_test(tc, one_wrong_byte_anywhere_ends_the_round_or_changes_a_text);
    tcase_add_test(tc, hostile_answers_are_faults);
    tcase_add_test(tc, answers_without_end_are_given_up);
    tcase_add_test(tc, a_server_that_says_nothing_is_given_up);
    tcase_add_test(tc, a_process_that_ends_does_not_wait);
    tcase_add_test(tc, errors_are_told_apart_by_their_first_word);
    tcase_add_test(tc, who_may_not_ask_for_the_role_may_go_on);
    tcase_add_test(tc, nobody_there_is_refused);
    tcase_add_test(tc, logging_in_comes_first);
    tcase_add_test(tc, the_first_address_that_is_a_master_is_used);
    tcase_add_test(tc, a_sentinel_names_the_master);
    tcase_add_test(tc, a_name_without_an_address_is_told);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
