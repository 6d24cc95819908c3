/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_board.c - the board of a fleet under threads that all read and write; what its documents do to
 * each other is in test_fleet_round.c. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "apr_general.h"
#include "apr_strings.h"
#include "board.h"
#include "run_suite.h"

enum { EDITORS = 4,
       EDITS = 200,
       DOCUMENTS = 2000,
       TEXT = 1000 };

static apr_pool_t *process;

static void set_up(void)
{
    const lb_fleet_settings_t settings = { .name = "shop", .front = "web1" };

    apr_initialize();
    apr_pool_create(&process, NULL);
    ck_assert_int_eq(lb_board_open(process, &settings), APR_SUCCESS);
}

static void tear_down(void)
{
    apr_terminate();
}

static apr_pool_t *thread_pool(void)
{
    apr_pool_t *p;
    apr_pool_create_unmanaged_ex(&p, NULL, NULL);    /* a global parent would be shared */
    return p;
}

/* ---- Drafts ---------------------------------------------------------------------------------- */

static const char *append(apr_pool_t *p, const char *draft, void *letter)
{
    return apr_pstrcat(p, draft ? draft : "", letter, NULL);
}

static void *edit_often(void *letter)
{
    for (int i = 0; i < EDITS; i++) {
        apr_pool_t *p = thread_pool();
        ck_assert(lb_board_edit(p, LB_KIND_INTENT, append, letter));
        apr_pool_destroy(p);
    }
    return NULL;
}

static int count_of(const char *text, char letter)
{
    int count = 0;

    for (; *text; text++) {
        count += *text == letter;
    }
    return count;
}

START_TEST(no_edit_of_a_draft_is_lost)
{
    static char letters[EDITORS][2] = { "a", "b", "c", "d" };
    pthread_t threads[EDITORS];

    for (int i = 0; i < EDITORS; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, edit_often, letters[i]), 0);
    }
    for (int i = 0; i < EDITORS; i++) {
        pthread_join(threads[i], NULL);
    }
    const char *draft = lb_board_draft(process, LB_KIND_INTENT);
    for (int i = 0; i < EDITORS; i++) {
        ck_assert_int_eq(count_of(draft, *letters[i]), EDITS);
    }
    ck_assert_uint_eq(strlen(draft), EDITORS * EDITS);
}
END_TEST

/* ---- Documents ------------------------------------------------------------------------------- */

/* Each document is one letter, again and again; its number says which. */
static void *keep_often(void *done)
{
    char text[TEXT + 1] = "";

    for (uint64_t sequence = 1; sequence <= DOCUMENTS; sequence++) {
        memset(text, (int)('a' + sequence % 26), TEXT);
        const lb_document_t document = { .front = "web2", .text = text, .sequence = sequence };
        lb_board_keep(LB_KIND_FRONT, &document);
    }
    atomic_store((_Atomic int *)done, 1);
    return NULL;
}

static bool is_whole(const lb_document_t *document)
{
    const char letter = (char)('a' + document->sequence % 26);
    return count_of(document->text, letter) == TEXT && strlen(document->text) == TEXT;
}

START_TEST(a_document_is_read_whole)
{
    _Atomic int done = 0;
    uint64_t before = 0;
    pthread_t writer;

    ck_assert_int_eq(pthread_create(&writer, NULL, keep_often, &done), 0);
    while (before < DOCUMENTS || !atomic_load(&done)) {
        apr_pool_t *p = thread_pool();
        const lb_document_t *document = lb_board_document(p, LB_KIND_FRONT, "web2");
        if (document && !(is_whole(document) && document->sequence >= before)) {
            ck_abort_msg("%" APR_UINT64_T_FMT ": %s", document->sequence, document->text);
        }
        before = document ? document->sequence : 0;
        apr_pool_destroy(p);
    }
    pthread_join(writer, NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("board");
    TCase *threads = tcase_create("threads");

    tcase_add_checked_fixture(threads, set_up, tear_down);
    tcase_add_test(threads, no_edit_of_a_draft_is_lost);
    tcase_add_test(threads, a_document_is_read_whole);
    suite_add_tcase(suite, threads);
    return run_suite(suite);
}
