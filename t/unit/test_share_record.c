/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_share_record.c - a front's record as text, and the roster in it. */
#include "share_record.h"

#include <string.h>

#include "run_suite.h"

static lb_roster_front_t front(const char *name, uint32_t counter, bool is_forgotten)
{
    lb_roster_front_t made = { .counter = counter, .is_forgotten = is_forgotten };
    strncpy(made.name, name, sizeof(made.name) - 1);
    return made;
}

static bool add(lb_share_roster_t *roster, const char *name, uint32_t counter, bool is_forgotten)
{
    const lb_roster_front_t made = front(name, counter, is_forgotten);
    bool changed = false;
    ck_assert(lb_share_roster_add(roster, &made, &changed));
    return changed;
}

START_TEST(record_comes_back_as_it_was_told)
{
    lb_share_told_t told[] = { { 0xfedcba9876543210, 65535, 1, 2, 3, UINT64_MAX },
                               { 7, 40, 20, 0, 1, 0 } },
                    room[2];
    lb_share_record_t record = { .has_joined = true, .members = told, .count = 2 }, read;
    char text[LB_SHARE_RECORD_BYTES(2)];
    add(&record.roster, "web2", 3, true);
    add(&record.roster, "web1", 1, false);
    ck_assert_uint_lt(lb_share_record_write(&record, text), sizeof(text));
    ck_assert(lb_share_record_read(text, &read, room, 2));
    ck_assert(read.has_joined && !read.settles);
    ck_assert(lb_share_roster_is_equal(&read.roster, &record.roster));
    ck_assert_uint_eq(read.count, 2);
    ck_assert_mem_eq(room, told, sizeof(told));
    ck_assert_ptr_eq(lb_share_record_find(&read, 7), &room[1]);
    ck_assert_ptr_null(lb_share_record_find(&read, 8));
    ck_assert(!lb_share_record_read(text, &read, room, 1));
}
END_TEST

START_TEST(longest_record_has_room)
{
    lb_share_told_t told = {
        UINT64_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT64_MAX
    };
    static lb_share_record_t record = { .count = 1 };
    static char text[LB_SHARE_RECORD_BYTES(1)];
    record.members = &told;
    for (int i = 0; i < LB_SHARE_KNOWN; i++) {
        char name[LB_SHARE_NAME_MAX + 1];
        memset(name, 'a' + i % 26, LB_SHARE_NAME_MAX);
        name[0] = (char)('0' + i);
        name[LB_SHARE_NAME_MAX] = '\0';
        add(&record.roster, name, UINT32_MAX, true);
    }
    ck_assert_uint_lt(lb_share_record_write(&record, text), sizeof(text));
}
END_TEST

static const char *const wrong[] = {
    "",
    "shares",
    "shares 2 0 0\n",
    "shares 1 0 0\nfront web1\n",
    "shares 1 0 0\nfront \n",
    "shares 1 0 0\nmember 7 1 2 3 4\n",
    "shares 1 0 0\nmember 7 1 2 3 4 5\nother\n",
    "shares 1 0 0\nfront 0123456789012345678901234567890123456789012345678901234567890123456789 1 0\n",
};

START_TEST(other_text_is_none_of_ours)
{
    lb_share_record_t record;
    lb_share_told_t room[2];
    ck_assert(!lb_share_record_read(wrong[_i], &record, room, 2));
}
END_TEST

START_TEST(greater_counter_holds_in_any_order)
{
    lb_share_roster_t a = { 0 }, b = { 0 };
    bool changed = false;
    ck_assert(add(&a, "web1", 1, false) && add(&a, "web1", 2, true) && !add(&a, "web1", 1, false));
    ck_assert(add(&b, "web1", 2, true) && !add(&b, "web1", 1, false) && !add(&b, "web1", 2, false));
    ck_assert(lb_share_roster_is_equal(&a, &b));
    ck_assert(add(&a, "web3", 1, false) && add(&a, "web3", 1, true));
    ck_assert(add(&b, "web3", 1, true) && !add(&b, "web3", 1, false));
    ck_assert(lb_share_roster_is_equal(&a, &b));
    ck_assert(lb_share_roster_set(&a, "web1", false, &changed) && changed);
    ck_assert_uint_eq(lb_share_roster_find(&a, "web1")->counter, 3);
    ck_assert(!lb_share_roster_is_equal(&a, &b));
    ck_assert_ptr_null(lb_share_roster_find(&a, "web0"));
}
END_TEST

START_TEST(roster_that_is_full_says_so)
{
    static lb_share_roster_t roster;
    bool changed = false;
    for (int i = 0; i < LB_SHARE_KNOWN; i++) {
        char name[] = { (char)('0' + i), '\0' };
        ck_assert(add(&roster, name, 1, false));
    }
    ck_assert(!lb_share_roster_set(&roster, "web1", false, &changed));
}
END_TEST

START_TEST(names_have_no_blanks)
{
    ck_assert(lb_share_roster_is_name("web-1.example.org"));
    ck_assert(!lb_share_roster_is_name("") && !lb_share_roster_is_name("a b"));
    ck_assert(!lb_share_roster_is_name("a\n") && !lb_share_roster_is_name("\xc3\xa9"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("share record");
    TCase *tc = tcase_create("share record");
    tcase_add_test(tc, record_comes_back_as_it_was_told);
    tcase_add_test(tc, longest_record_has_room);
    tcase_add_loop_test(tc, other_text_is_none_of_ours, 0, COUNT(wrong));
    tcase_add_test(tc, greater_counter_holds_in_any_order);
    tcase_add_test(tc, roster_that_is_full_says_so);
    tcase_add_test(tc, names_have_no_blanks);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
