/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* status_word.c - see status_word.h. */
#include "status_word.h"

unsigned int lb_status_word_change(unsigned int *word, unsigned int set, unsigned int cleared)
{
    unsigned int before = __atomic_load_n(word, __ATOMIC_SEQ_CST);

    while (!__atomic_compare_exchange_n(word, &before, (before & ~cleared) | set, 1,
                                        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
        /* before was read again by the failed exchange */
    }
    return before;
}
