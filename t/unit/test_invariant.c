/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_invariant.c - an invariant that does not hold ends the process, and says which it was. */
#include <check.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "invariant.h"
#include "run_suite.h"

START_TEST(what_holds_goes_on)
{
    int asked = 0;

    FC_INVARIANT(++asked == 1);
    ck_assert_int_eq(asked, 1);
}
END_TEST

START_TEST(what_does_not_hold_aborts)
{
    ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr));
    FC_INVARIANT(1 + 1 == 3);
}
END_TEST

START_TEST(it_says_where_and_what)
{
    int ends[2];
    char said[200] = "";

    ck_assert_int_eq(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        FC_INVARIANT(1 + 1 == 3);
        _exit(0);
    }
    close(ends[1]);
    ck_assert_int_gt(read(ends[0], said, sizeof(said) - 1), 0);
    ck_assert_msg(strstr(said, "test_invariant.c:") && strstr(said, "1 + 1 == 3\n"), "%s", said);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("invariant");
    TCase *tc = tcase_create("invariant");

    tcase_add_test(tc, what_holds_goes_on);
    tcase_add_test_raise_signal(tc, what_does_not_hold_aborts, SIGABRT);
    tcase_add_test(tc, it_says_where_and_what);
    suite_add_tcase(suite, tc);

    return run_suite(suite);
}
