/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* bell.c - see bell.h. */
#include "bell.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void fc_bell_ring(fc_bell_t *bell)
{
    atomic_fetch_add(bell, 1);
    syscall(SYS_futex, bell, FUTEX_WAKE, 1, NULL, NULL, 0);
}

void fc_bell_wait(fc_bell_t *bell, uint32_t heard, int64_t us)
{
    const struct timespec timeout = { .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000 };
    syscall(SYS_futex, bell, FUTEX_WAIT, heard, &timeout, NULL, 0);
}
