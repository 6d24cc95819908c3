/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* invariant.h - invariants that run as code, in unit tests and under the sanitizers (FC_CHECKS); a
 *               release build compiles them and leaves them out.
 * Ignores  httpd: plain C11, a header alone.
 * Memory   none.   Threads: any, no state.
 *
 * X_check() looks over all of an X, with FC_INVARIANT for each sentence; the functions of X call it
 * where they are done. What may be a whole walk stands behind `if (FC_IS_CHECKED)`. */
#ifndef FC_INVARIANT_H
#define FC_INVARIANT_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef FC_CHECKS
#define FC_IS_CHECKED true
#else
#define FC_IS_CHECKED false
#endif

/** What always holds, with no side effects. Else the process aborts, and says what and where. */
#define FC_INVARIANT(condition)                                         \
    do {                                                                \
        if (FC_IS_CHECKED && !(condition)) {                            \
            fc_invariant_broken(__FILE__, __LINE__, #condition);        \
        }                                                               \
    } while (0)

static inline _Noreturn void fc_invariant_broken(const char *file, int line, const char *text)
{
    fprintf(stderr, "%s:%d: invariant broken: %s\n", file, line, text);
    abort();
}

#endif
