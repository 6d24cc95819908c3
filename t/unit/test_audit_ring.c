/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_audit_ring.c - the last 200 entries, newest first; what a killed writer leaves is none. */
#include <check.h>
#include <string.h>

#include "audit_ring.h"
#include "run_suite.h"

static mgr_audit_ring_t ring;

static void write_entries(int64_t first, int64_t last)
{
    for (int64_t at = first; at <= last; at++) {
        mgr_audit_ring_entry_t *entry = mgr_audit_ring_next(&ring);
        memset(entry, 'x', sizeof(*entry));
        entry->at = at;
        mgr_audit_ring_count(&ring);
    }
}

/* Those from newest down to oldest, and no other. */
static void check_entries(int64_t newest, int64_t oldest)
{
    const mgr_audit_ring_entry_t *entry;
    uint64_t n = 0;

    for (; (entry = mgr_audit_ring_newest(&ring, n)); n++) {
        ck_assert_int_eq(entry->at, newest - (int64_t)n);
        ck_assert_int_eq(entry->after[0], 'x');
    }
    ck_assert_int_eq((int64_t)n, newest - oldest + 1);
}

START_TEST(an_empty_ring_has_no_entries)
{
    memset(&ring, 0, sizeof(ring));
    ck_assert_ptr_null(mgr_audit_ring_newest(&ring, 0));
}
END_TEST

START_TEST(the_last_200_are_kept_newest_first)
{
    memset(&ring, 0, sizeof(ring));
    write_entries(1, 3);
    check_entries(3, 1);
    write_entries(4, 200);
    check_entries(200, 1);
    write_entries(201, 1000);
    check_entries(1000, 801);
}
END_TEST

START_TEST(what_a_killed_writer_has_begun_is_no_entry)
{
    for (int64_t before = 0; before < 450; before++) {
        memset(&ring, 0, sizeof(ring));
        write_entries(1, before);
        memset(mgr_audit_ring_next(&ring), '?', sizeof(mgr_audit_ring_entry_t) / 2);
        check_entries(before, before > 200 ? before - 199 : 1);
        write_entries(before + 1, before + 1);
        check_entries(before + 1, before >= 200 ? before - 198 : 1);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("audit_ring");
    TCase *tests = tcase_create("entries");

    tcase_add_test(tests, an_empty_ring_has_no_entries);
    tcase_add_test(tests, the_last_200_are_kept_newest_first);
    tcase_add_test(tests, what_a_killed_writer_has_begun_is_no_entry);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
