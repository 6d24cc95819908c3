/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_bearer.c - which file has a secret, and which request has sent one. */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bearer.h"
#include "httpd_alone.h"
#include "http_log.h"
#include "http_request.h"
#include "manager_config.h"
#include "run_suite.h"

#define SECRET "0123456789abcdef"

static apr_pool_t *p;
static request_rec r;
static server_rec server;
static cmd_parms cmd;
static mgr_manager_config_t config;
static void *configs[1];    /* of the request, by index of module */
static char path[] = "/tmp/test_bearer.XXXXXX";
static int warnings;

const mgr_manager_config_t *mgr_manager_config_of(const request_rec *of) { return &config; }
char *ap_server_root_relative(apr_pool_t *pool, const char *file)
{
    return *file ? apr_pstrdup(pool, file) : NULL;
}
void ap_log_error_(const char *file, int line, int module_index, int level, apr_status_t status,
                   const server_rec *s, const char *format, ...)
{
    warnings++;
}
void ap_log_rerror_(const char *file, int line, int module_index, int level, apr_status_t status,
                    const request_rec *of, const char *format, ...)
{
    warnings++;
}

static void begin(void)
{
    apr_initialize();
    apr_pool_create(&p, NULL);
    r.pool = cmd.pool = cmd.temp_pool = p;
    cmd.server = r.server = &server;
    r.headers_in = apr_table_make(p, 1);
    r.err_headers_out = apr_table_make(p, 1);
    r.request_config = (ap_conf_vector_t *)configs;
    config.secrets = apr_array_make(p, 1, sizeof(void *));
    const int file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    close(file);
}

static void end(void)
{
    unlink(path);
    apr_pool_destroy(p);
    apr_terminate();
}

/* What the directive says about a file with this text; NULL: it was taken. */
static const char *take(const char *text, size_t bytes)
{
    FILE *file = fopen(path, "wb");

    ck_assert(file && fwrite(text, 1, bytes, file) == bytes && fclose(file) == 0);
    return mgr_bearer_take(&cmd, config.secrets, path, NULL);
}

/* ---- The directive --------------------------------------------------------------------------- */

static const char *const right[] = {
    SECRET,
    SECRET "\n",
    SECRET "\r\n",
    SECRET " of the script\n",
    SECRET "\t\n",
    SECRET "\n\n\nx",
    "AZaz09-._~+/====",
    SECRET SECRET "\n",
};

START_TEST(the_first_word_of_the_file_is_the_secret)
{
    ck_assert_ptr_null(take(right[_i], strlen(right[_i])));
    ck_assert_int_eq(config.secrets->nelts, 1);
    apr_table_setn(r.headers_in, "Authorization",
                   apr_psprintf(p, "Bearer %.*s", (int)strcspn(right[_i], " \t\r\n"), right[_i]));
    ck_assert_int_eq(mgr_bearer_authenticate(&r), OK);
}
END_TEST

static const char *const wrong[] = {
    "",
    "\n",
    " " SECRET,
    "\n" SECRET,
    "0123456789abcde",
    "0123456789abcde\n",
    SECRET "!",
    SECRET ",x",
    SECRET "\"",
    SECRET "\xC3\xA4",
    "\xEF\xBB\xBF" SECRET,
};

START_TEST(what_no_client_could_send_is_refused)
{
    ck_assert_ptr_nonnull(take(wrong[_i], strlen(wrong[_i])));
    ck_assert_int_eq(config.secrets->nelts, 0);
}
END_TEST

START_TEST(a_secret_has_up_to_512_characters)
{
    char text[2000];

    memset(text, 'x', sizeof(text));
    ck_assert_ptr_null(take(text, 512));
    ck_assert_ptr_nonnull(take(text, 513));
    ck_assert_ptr_nonnull(take(text, 514));
    ck_assert_ptr_nonnull(take(text, sizeof(text)));
    text[512] = '\n';
    ck_assert_ptr_null(take(text, 513));
}
END_TEST

START_TEST(a_nul_ends_the_secret)
{
    ck_assert_ptr_nonnull(take("0123456789\0abcdef", 17));
    ck_assert_ptr_null(take(SECRET "\0x", 18));
}
END_TEST

START_TEST(a_file_that_is_not_there_is_told)
{
    const char *reason = mgr_bearer_take(&cmd, config.secrets, "/nowhere/x", NULL);

    ck_assert_ptr_nonnull(strstr(reason, "/nowhere/x"));
    ck_assert_ptr_nonnull(mgr_bearer_take(&cmd, config.secrets, "", NULL));
    ck_assert_ptr_nonnull(mgr_bearer_take(&cmd, config.secrets, "/", NULL));
}
END_TEST

START_TEST(a_file_that_everybody_may_read_is_warned_of)
{
    take(SECRET, strlen(SECRET));
    ck_assert_int_eq(warnings, 0);
    chmod(path, 0644);
    take(SECRET, strlen(SECRET));
    ck_assert_int_eq(warnings, 1);
}
END_TEST

/* ---- At run time ----------------------------------------------------------------------------- */

static int sent(const char *authorization)
{
    take(SECRET "x", strlen(SECRET) + 1);
    ck_assert_ptr_null(mgr_bearer_take(&cmd, config.secrets, path, "alice"));
    apr_table_setn(r.headers_in, "Authorization", authorization);
    return mgr_bearer_authenticate(&r);
}

START_TEST(who_sends_it_is_logged_in)
{
    ck_assert_int_eq(sent("bEARER    " SECRET "x"), OK);
    ck_assert_str_eq(r.user, "script");
    ck_assert(mgr_bearer_is_sender(&r));
    ck_assert_int_eq(mgr_bearer_force(&r), OK);
}
END_TEST

static const char *const foreign[] = {
    "Bearer ",
    "Bearer x",
    "Bearer " SECRET,
    "Bearer " SECRET "xx",
    "Bearer " SECRET "x ",
    "Bearer " SECRET "X",
    "Bearer \t" SECRET "x",
};

START_TEST(another_secret_is_refused)
{
    ck_assert_int_eq(sent(foreign[_i]), HTTP_UNAUTHORIZED);
    ck_assert_ptr_nonnull(apr_table_get(r.err_headers_out, "WWW-Authenticate"));
    ck_assert(!mgr_bearer_is_sender(&r));
}
END_TEST

static const char *const others[] = {
    "",
    "Bearer",
    "Bearer\t" SECRET "x",
    "Basic " SECRET "x",
    SECRET "x",
    " Bearer " SECRET "x",
};

START_TEST(another_scheme_is_somebody_elses)
{
    ck_assert_int_eq(sent(others[_i]), DECLINED);
    ck_assert_int_eq(mgr_bearer_force(&r), DECLINED);
}
END_TEST

START_TEST(without_the_directive_no_secret_is_ours)
{
    apr_table_setn(r.headers_in, "Authorization", "Bearer " SECRET);
    ck_assert_int_eq(mgr_bearer_authenticate(&r), DECLINED);
    apr_table_unset(r.headers_in, "Authorization");
    ck_assert_int_eq(mgr_bearer_authenticate(&r), DECLINED);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bearer");
    TCase *t = tcase_create("secrets");

    tcase_add_checked_fixture(t, begin, end);
    tcase_add_loop_test(t, the_first_word_of_the_file_is_the_secret, 0, COUNT(right));
    tcase_add_loop_test(t, what_no_client_could_send_is_refused, 0, COUNT(wrong));
    tcase_add_test(t, a_secret_has_up_to_512_characters);
    tcase_add_test(t, a_nul_ends_the_secret);
    tcase_add_test(t, a_file_that_is_not_there_is_told);
    tcase_add_test(t, a_file_that_everybody_may_read_is_warned_of);
    tcase_add_test(t, who_sends_it_is_logged_in);
    tcase_add_loop_test(t, another_secret_is_refused, 0, COUNT(foreign));
    tcase_add_loop_test(t, another_scheme_is_somebody_elses, 0, COUNT(others));
    tcase_add_test(t, without_the_directive_no_secret_is_ours);
    suite_add_tcase(suite, t);
    return run_suite(suite);
}
