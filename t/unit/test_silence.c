/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_silence.c - for how long a member has answered none of its requests. */
#include "run_suite.h"
#include "silence.h"

START_TEST(member_that_was_never_asked_is_not_silent)
{
    const lb_member_row_t row = { 0 };
    ck_assert_int_eq(lb_silence_length(&row, 1000), 0);
    ck_assert(!lb_silence_was_broken(&row, 1));
}
END_TEST

START_TEST(silence_begins_with_the_first_request_after_the_last_answer)
{
    lb_member_row_t row = { 0 };
    lb_silence_note_asked(&row, 100);
    lb_silence_note_asked(&row, 150);
    ck_assert_int_eq(lb_silence_length(&row, 200), 100);
    lb_silence_note_answered(&row, 210);
    ck_assert_int_eq(lb_silence_length(&row, 220), 0);
    lb_silence_note_asked(&row, 230);
    lb_silence_note_asked(&row, 240);
    ck_assert_int_eq(lb_silence_length(&row, 250), 20);
}
END_TEST

START_TEST(answer_breaks_it_from_that_time_on)
{
    lb_member_row_t row = { 0 };
    lb_silence_note_answered(&row, 100);
    ck_assert(lb_silence_was_broken(&row, 90));
    ck_assert(lb_silence_was_broken(&row, 100));
    ck_assert(!lb_silence_was_broken(&row, 101));
}
END_TEST

START_TEST(answer_while_others_wait_ends_it)
{
    lb_member_row_t row = { 0 };
    lb_silence_note_asked(&row, 100);
    lb_silence_note_asked(&row, 110);
    lb_silence_note_answered(&row, 120);
    ck_assert_int_eq(lb_silence_length(&row, 500), 0);    /* and nobody was asked since */
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("silence");

    tcase_add_test(tc, member_that_was_never_asked_is_not_silent);
    tcase_add_test(tc, silence_begins_with_the_first_request_after_the_last_answer);
    tcase_add_test(tc, answer_breaks_it_from_that_time_on);
    tcase_add_test(tc, answer_while_others_wait_ends_it);
    Suite *suite = suite_create("silence");
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
