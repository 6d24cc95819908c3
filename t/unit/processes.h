/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* processes.h - memory that the processes of a test share; processes that end or are killed.
 * Memory   the mapping and the processes are gone with the test, at the latest after an alarm. */
#ifndef PROCESSES_H
#define PROCESSES_H

#include <check.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* For what is asked a million times, or in a forked process: Check writes each of its asserts to a
 * file. */
#define MUST(condition) \
    do { \
        if (!(condition)) { \
            ck_abort_msg("%s", #condition); \
        } \
    } while (0)

/* All zeroes. */
static inline void *shared_memory(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    MUST(memory != MAP_FAILED);
    return memory;
}

static inline pid_t start_child(void)
{
    const pid_t pid = fork();
    MUST(pid >= 0);
    if (pid == 0) {
        alarm(1000);    /* never outlives a test that was given up */
    }
    return pid;
}

static inline void assert_ends_well(pid_t pid)
{
    int status;
    MUST(waitpid(pid, &status, 0) == pid);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static inline void assert_is_killed(pid_t pid)
{
    int status;
    MUST(kill(pid, SIGKILL) == 0 && waitpid(pid, &status, 0) == pid);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static inline void wait_until_set(_Atomic uint32_t *flag)
{
    while (atomic_load(flag) == 0) {
        sched_yield();    /* Check's time limit, or the alarm, ends this */
    }
}

#endif
