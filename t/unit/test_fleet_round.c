/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_fleet_round.c - what a front tells a store and takes from it, with a store that is here: it can
 * forget, go back, and be written by others. */
#include <string.h>

#include "apr_general.h"
#include "apr_hash.h"
#include "apr_strings.h"
#include "clock.h"
#include "fleet_round.h"
#include "httpd.h"
#include "http_log.h"
#include "run_suite.h"
#include "seal.h"
#include "wall_clock.h"

/* ---- In the place of httpd ------------------------------------------------------------------- */

module balancer_byrequests_module;
server_rec *ap_server_conf;
static char logged[1024];

void ap_log_error_(const char *file, int line, int module_index, int level, apr_status_t status,
                   const server_rec *s, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    apr_vsnprintf(logged, sizeof(logged), format, args);
    va_end(args);
}

apr_time_t lb_wall_clock_of(apr_time_t moment)
{
    return 1000000 + moment;
}

/* ---- The store: fields of the only table ------------------------------------------------------ */

static apr_pool_t *pool;
static apr_hash_t *store;
static bool is_away;

bool lb_engine_perform(lb_engine_t *engine, const apr_array_header_t *asks, apr_pool_t *p)
{
    for (int i = 0; i < asks->nelts && !is_away; i++) {
        lb_ask_t *ask = APR_ARRAY_IDX(asks, i, lb_ask_t *);
        ask->texts = apr_array_make(p, 8, sizeof(fc_span_t));
        if (ask->kind == LB_ASK_PUT) {
            apr_hash_set(store, apr_pstrdup(pool, ask->field), APR_HASH_KEY_STRING,
                         apr_pstrmemdup(pool, (const char *)ask->value.at, ask->value.bytes));
        }
        for (apr_hash_index_t *at =
                 apr_hash_first(p, ask->kind == LB_ASK_GET_ALL ? store : apr_hash_make(p));
             at; at = apr_hash_next(at)) {
            const char *field = apr_hash_this_key(at), *value = apr_hash_this_val(at);
            APR_ARRAY_PUSH(ask->texts, fc_span_t) = fc_span_of(field);
            APR_ARRAY_PUSH(ask->texts, fc_span_t) = fc_span(apr_pstrdup(p, value), strlen(value));
        }
    }
    return !is_away;
}

/* ---- Fronts ---------------------------------------------------------------------------------- */

static lb_fleet_settings_t settings;

static void set_up(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
    store = apr_hash_make(pool);
    is_away = false;
    logged[0] = '\0';
    settings = (lb_fleet_settings_t){ .name = "shop",
                                      .front = "web1",
                                      .secret = fc_span("a secret", 8),
                                      .interval = 500000,
                                      .lease = INT64_C(300000000) };
    ck_assert_int_eq(lb_board_open(pool, &settings), APR_SUCCESS);
}

/* A round in which this front says `text`. */
static lb_fleet_round_t *round_saying(const char *text)
{
    lb_fleet_round_t *round = lb_round_begin(pool, &settings);

    lb_round_publish(round, LB_KIND_VIEW, text);
    lb_round_perform(round, NULL);
    return round;
}

static const char *stored(const char *front)
{
    return apr_hash_get(store, front, APR_HASH_KEY_STRING);
}

/* Somebody writes for a front, with the secret or another one. */
static void write_as(const char *front, uint64_t sequence, uint64_t incarnation, const char *text,
                     const char *secret)
{
    const lb_seal_t seal = { .secret = fc_span_of(secret),
                             .fleet = "shop",
                             .kind = "view",
                             .front = front };
    const lb_sealed_t sealed = { .sequence = sequence, .incarnation = incarnation, .text = text };

    apr_hash_set(store, front, APR_HASH_KEY_STRING, lb_seal_close(pool, &seal, &sealed));
}

static const lb_document_t *known(const char *front)
{
    return lb_board_document(pool, LB_KIND_VIEW, front);
}

START_TEST(a_text_is_sent_when_it_is_new_and_no_more_often)
{
    round_saying("one");
    const char *first = stored("web1");
    ck_assert_ptr_nonnull(strstr(first, " one"));
    round_saying("one");
    ck_assert_str_eq(stored("web1"), first);
    round_saying("two");
    ck_assert_ptr_nonnull(strstr(stored("web1"), " two"));
}
END_TEST

START_TEST(an_old_text_is_sent_again_as_a_sign_of_life)
{
    round_saying("one");
    const char *first = stored("web1");
    settings.lease = 0;
    round_saying("one");
    ck_assert_str_ne(stored("web1"), first);
}
END_TEST

START_TEST(what_the_store_forgets_is_said_again)
{
    round_saying("one");
    apr_hash_clear(store);
    round_saying("one");    /* sees it */
    round_saying("one");
    ck_assert_ptr_nonnull(stored("web1"));
}
END_TEST

START_TEST(a_store_that_went_back_gets_what_it_lost)
{
    round_saying("one");
    const char *first = stored("web1");
    round_saying("two");
    apr_hash_set(store, "web1", APR_HASH_KEY_STRING, first);
    lb_fleet_round_t *round = round_saying("two");
    ck_assert(!round->has_twin);
    round_saying("two");
    ck_assert_ptr_nonnull(strstr(stored("web1"), " two"));
}
END_TEST

START_TEST(a_round_that_failed_counts_for_nothing)
{
    is_away = true;
    const lb_fleet_round_t *round = round_saying("one");
    ck_assert_int_eq(round->answered_at, 0);
    is_away = false;
    round_saying("one");    /* sees that it is not there */
    round_saying("one");
    ck_assert_ptr_nonnull(stored("web1"));
}
END_TEST

START_TEST(documents_of_others_are_taken_in_order)
{
    write_as("web2", 7, 1, "seven", "a secret");
    round_saying("one");
    ck_assert_str_eq(known("web2")->text, "seven");
    ck_assert(known("web2")->is_stored);
    const apr_time_t since = known("web2")->changed_at;
    round_saying("one");
    ck_assert_int_eq(known("web2")->changed_at, since);

    write_as("web2", 6, 1, "six", "a secret");
    round_saying("one");
    ck_assert_str_eq(known("web2")->text, "seven");
    ck_assert_uint_eq(known("web2")->sequence, 7);
    ck_assert(!known("web2")->is_stored);
    ck_assert_str_eq(logged, "");

    write_as("web2", 8, 2, "eight", "a secret");
    round_saying("one");
    ck_assert_str_eq(known("web2")->text, "eight");
    ck_assert_uint_eq(known("web2")->incarnation, 2);
}
END_TEST

START_TEST(a_front_that_is_gone_from_the_store_is_still_known)
{
    write_as("web2", 7, 1, "seven", "a secret");
    round_saying("one");
    apr_hash_set(store, "web2", APR_HASH_KEY_STRING, NULL);
    round_saying("one");
    ck_assert_str_eq(known("web2")->text, "seven");
    ck_assert(!known("web2")->is_stored);
    lb_board_forget("web2");
    ck_assert_ptr_null(known("web2"));
}
END_TEST

START_TEST(a_broken_seal_is_told_once_and_not_taken)
{
    write_as("web2", 7, 1, "seven", "a secret");
    round_saying("one");
    for (uint64_t i = 8; i < 11; i++) {
        write_as("web2", i, 1, "forged", "b secret");
        round_saying("one");
        ck_assert_str_eq(known("web2")->text, "seven");
        ck_assert_int_eq(known("web2")->flaw, LB_DOCUMENT_BROKEN);
        ck_assert_uint_eq(known("web2")->flaws, i - 7);
        ck_assert((strstr(logged, "FC0562") != NULL) == (i == 8));
        logged[0] = '\0';
    }
    write_as("web2", 8, 1, "eight", "a secret");
    round_saying("one");
    ck_assert_str_eq(known("web2")->text, "eight");
    ck_assert_int_eq(known("web2")->flaw, LB_DOCUMENT_GOOD);
    write_as("web3", 1, 1, "forged", "");
    round_saying("one");
    ck_assert_ptr_null(known("web3")->text);
    ck_assert_ptr_nonnull(strstr(logged, "web3"));
}
END_TEST

START_TEST(too_big_a_document_is_neither_sent_nor_taken)
{
    char *big = apr_palloc(pool, 32 * 1024 + 2);

    memset(big, 'x', 32 * 1024 + 1);
    big[32 * 1024 + 1] = '\0';
    write_as("web2", 7, 1, big, "a secret");
    round_saying(big);
    ck_assert_ptr_null(stored("web1"));
    ck_assert_int_eq(known("web2")->flaw, LB_DOCUMENT_TOO_BIG);
    big[32 * 1024] = '\0';
    write_as("web2", 8, 1, big, "a secret");
    round_saying(big);
    ck_assert_ptr_nonnull(stored("web1"));
    ck_assert_str_eq(known("web2")->text, big);
}
END_TEST

START_TEST(names_that_no_front_can_have_are_left_out)
{
    write_as("a b", 7, 1, "x", "a secret");
    write_as("", 7, 1, "x", "a secret");
    round_saying("one");
    ck_assert_int_eq(lb_board_documents(pool, LB_KIND_VIEW)->nelts, 0);
    round_saying("one");    /* its own */
    ck_assert_int_eq(lb_board_documents(pool, LB_KIND_VIEW)->nelts, 1);
}
END_TEST

START_TEST(a_fleet_has_so_many_fronts)
{
    for (int i = 0; i < 2 * LB_FLEET_FRONTS_MAX; i++) {
        write_as(apr_psprintf(pool, "front%d", i), 7, 1, "x", "a secret");
    }
    round_saying("one");
    ck_assert_int_eq(lb_board_documents(pool, LB_KIND_VIEW)->nelts, LB_FLEET_FRONTS_MAX);
    ck_assert_ptr_nonnull(strstr(logged, "FC0569"));
}
END_TEST

START_TEST(a_former_life_is_no_twin_and_is_outdone)
{
    write_as("web1", UINT64_C(1) << 62, 1, "before", "a secret");
    ck_assert(!round_saying("one")->has_twin);
    ck_assert(!round_saying("one")->has_twin);
    round_saying("one");
    ck_assert_ptr_nonnull(strstr(stored("web1"), " one"));
    ck_assert_uint_gt(known("web1")->sequence, UINT64_C(1) << 62);
    ck_assert_uint_eq(known("web1")->incarnation, lb_board_incarnation());
}
END_TEST

START_TEST(another_httpd_of_this_name_is_seen)
{
    round_saying("one");
    round_saying("one");
    write_as("web1", known("web1")->sequence + 1, 1, "twin", "a secret");
    ck_assert(round_saying("one")->has_twin);
    ck_assert(round_saying("one")->has_twin);    /* it may write seldom */
}
END_TEST

/* ---- Drafts ---------------------------------------------------------------------------------- */

static const char *append(apr_pool_t *p, const char *draft, void *data)
{
    return data ? apr_pstrcat(p, draft ? draft : "", data, NULL) : NULL;
}

START_TEST(drafts_are_changed_and_kept)
{
    char *big = apr_palloc(pool, 32 * 1024 + 2);

    memset(big, 'x', 32 * 1024 + 1);
    big[32 * 1024 + 1] = '\0';
    ck_assert_ptr_null(lb_board_draft(pool, LB_KIND_VIEW));
    ck_assert(lb_board_edit(pool, LB_KIND_VIEW, append, NULL));
    ck_assert_ptr_null(lb_board_draft(pool, LB_KIND_VIEW));
    ck_assert(lb_board_edit(pool, LB_KIND_VIEW, append, apr_pstrdup(pool, "one")));
    ck_assert(lb_board_edit(pool, LB_KIND_VIEW, append, apr_pstrdup(pool, " two")));
    ck_assert(!lb_board_edit(pool, LB_KIND_VIEW, append, big));
    ck_assert_str_eq(lb_board_draft(pool, LB_KIND_VIEW), "one two");
    ck_assert_ptr_null(lb_board_draft(pool, LB_KIND_INTENT));
    ck_assert_int_eq(lb_board_open(pool, &settings), APR_SUCCESS);
    ck_assert_str_eq(lb_board_draft(pool, LB_KIND_VIEW), "one two");
    settings.name = "another";
    ck_assert_int_eq(lb_board_open(pool, &settings), APR_SUCCESS);
    ck_assert_ptr_null(lb_board_draft(pool, LB_KIND_VIEW));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fleet_round");
    TCase *tc = tcase_create("rounds");

    tcase_add_checked_fixture(tc, set_up, NULL);
    tcase_add_test(tc, a_text_is_sent_when_it_is_new_and_no_more_often);
    tcase_add_test(tc, an_old_text_is_sent_again_as_a_sign_of_life);
    tcase_add_test(tc, what_the_store_forgets_is_said_again);
    tcase_add_test(tc, a_store_that_went_back_gets_what_it_lost);
    tcase_add_test(tc, a_round_that_failed_counts_for_nothing);
    tcase_add_test(tc, documents_of_others_are_taken_in_order);
    tcase_add_test(tc, a_front_that_is_gone_from_the_store_is_still_known);
    tcase_add_test(tc, a_broken_seal_is_told_once_and_not_taken);
    tcase_add_test(tc, too_big_a_document_is_neither_sent_nor_taken);
    tcase_add_test(tc, names_that_no_front_can_have_are_left_out);
    tcase_add_test(tc, a_fleet_has_so_many_fronts);
    tcase_add_test(tc, a_former_life_is_no_twin_and_is_outdone);
    tcase_add_test(tc, another_httpd_of_this_name_is_seen);
    tcase_add_test(tc, drafts_are_changed_and_kept);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
