/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_history.c - the last changes, newest first; what a killed writer leaves is none; many at
 * once. */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "history.h"
#include "processes.h"
#include "run_suite.h"

static void add(lb_history_t *history, int64_t first, int64_t last)
{
    lb_history_entry_t entry = { .from = 1, .to = 2, .cause = 3 };

    memset(entry.member, 'm', sizeof(entry.member) - 1);
    memset(entry.reason, 'r', sizeof(entry.reason) - 1);
    for (entry.at = first; entry.at <= last; entry.at++) {
        lb_history_add(history, &entry);
    }
}

/* Those from newest down to oldest, and no other. */
static void check_entries(const lb_history_t *history, int64_t newest, int64_t oldest)
{
    lb_history_entry_t entries[LB_HISTORY_PLACES];
    const int count = lb_history_copy(history, entries);

    ck_assert_int_eq(count, newest - oldest + 1);
    for (int i = 0; i < count; i++) {
        ck_assert_int_eq(entries[i].at, newest - i);
        ck_assert_uint_eq(strlen(entries[i].member), sizeof(entries[i].member) - 1);
        ck_assert_uint_eq(strlen(entries[i].reason), sizeof(entries[i].reason) - 1);
        ck_assert_int_eq(entries[i].from * 100 + entries[i].to * 10 + entries[i].cause, 123);
    }
}

START_TEST(the_last_256_are_kept_newest_first)
{
    lb_history_t *history = shared_memory(sizeof(*history));
    ck_assert(lb_history_is_empty(history));
    check_entries(history, 0, 1);
    add(history, 1, 3);
    ck_assert(!lb_history_is_empty(history));
    check_entries(history, 3, 1);
    add(history, 4, 256);
    check_entries(history, 256, 1);
    add(history, 257, 1000);
    check_entries(history, 1000, 745);
}
END_TEST

START_TEST(the_next_owner_of_a_row_has_no_past)
{
    lb_history_t *history = shared_memory(sizeof(*history));
    add(history, 1, 300);
    lb_history_begin(history);
    ck_assert(lb_history_is_empty(history));
    check_entries(history, 0, 1);
    add(history, 301, 305);
    check_entries(history, 305, 301);
}
END_TEST

START_TEST(what_a_killed_writer_has_begun_is_left_out)
{
    lb_history_t *history = shared_memory(sizeof(*history));
    lb_history_entry_t entries[LB_HISTORY_PLACES];
    add(history, 1, 300);
    const uint64_t begun = atomic_fetch_add(&history->count, 1);
    atomic_store(&history->places[begun % LB_HISTORY_PLACES].words[0], 77);
    ck_assert_int_eq(lb_history_copy(history, entries), LB_HISTORY_PLACES - 1);
    ck_assert_int_eq(entries[0].at, 300);
    add(history, 302, 302);
    ck_assert_int_eq(lb_history_copy(history, entries), LB_HISTORY_PLACES - 1);
    ck_assert_int_eq(entries[0].at, 302);
    ck_assert_int_eq(entries[1].at, 300);
}
END_TEST

/* ---- Many at once ---------------------------------------------------------------------------- */

enum {
    WRITERS = 4,
    EACH = 5000
};

static void *write_many(void *data)
{
    lb_history_t *history = data;

    for (int64_t i = 0; i < EACH; i++) {
        lb_history_entry_t entry = { .at = i };
        memset(entry.member, 'a' + (int)(i % 26), sizeof(entry.member) - 1);
        memset(entry.reason, 'a' + (int)(i % 26), sizeof(entry.reason) - 1);
        lb_history_add(history, &entry);
    }
    return NULL;
}

static bool is_whole(const lb_history_entry_t *entry)
{
    const char letter = (char)('a' + entry->at % 26);
    size_t same = strspn(entry->member, (char[]){ letter, '\0' });

    same += strspn(entry->reason, (char[]){ letter, '\0' });
    return same == sizeof(entry->member) + sizeof(entry->reason) - 2;
}

START_TEST(a_reader_sees_whole_entries_while_others_write)
{
    lb_history_t *history = shared_memory(sizeof(*history));
    lb_history_entry_t entries[LB_HISTORY_PLACES];
    pthread_t writers[WRITERS];
    for (int i = 0; i < WRITERS; i++) {
        ck_assert_int_eq(pthread_create(&writers[i], NULL, write_many, history), 0);
    }
    while (atomic_load(&history->count) < (uint64_t)WRITERS * EACH) {
        const int count = lb_history_copy(history, entries);
        for (int i = 0; i < count; i++) {
            ck_assert(is_whole(&entries[i]));
        }
    }
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(writers[i], NULL);
    }
    ck_assert_int_ge(lb_history_copy(history, entries), LB_HISTORY_PLACES - WRITERS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("history");
    TCase *entries = tcase_create("entries"), *threads = tcase_create("threads");

    tcase_add_test(entries, the_last_256_are_kept_newest_first);
    tcase_add_test(entries, the_next_owner_of_a_row_has_no_past);
    tcase_add_test(entries, what_a_killed_writer_has_begun_is_left_out);
    tcase_set_timeout(threads, 50);
    tcase_add_test(threads, a_reader_sees_whole_entries_while_others_write);
    suite_add_tcase(suite, entries);
    suite_add_tcase(suite, threads);
    return run_suite(suite);
}
