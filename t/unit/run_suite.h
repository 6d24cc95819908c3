/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* run_suite.h - how each program of t/unit ends: return run_suite(suite). */
#ifndef RUN_SUITE_H
#define RUN_SUITE_H

#include <check.h>
#include <stdlib.h>

/* Tags of cases: what emulation (scripts/foreign) leaves out. */
#define NEEDS_ROBUST "robust"    /* that the kernel says that the owner of a mutex has died */
#define TAKES_LONG   "long"      /* minutes, if each instruction takes ten */

/** How many elements a list has that is looped over by tcase_add_loop_test(). */
#define COUNT(list) ((int)(sizeof(list) / sizeof((list)[0])))

/** Run it and say on stdout what failed.
 *  returns  the program's exit code */
static inline int run_suite(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
