/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* shared_table.h - a table that the processes of a test share; processes that end or are killed.
 * Needs    a test that includes check.h; all asserts are Check's.
 * Memory   the mapping and the processes are gone with the test, at the latest after an alarm. */
#ifndef SHARED_TABLE_H
#define SHARED_TABLE_H

#include <check.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ledger.h"
#include "member_table.h"
#include "run_suite.h"

/* For what is asked a million times, or in a forked process: Check writes each of its asserts to a
 * file. */
#define MUST(condition) \
    do { \
        if (!(condition)) { \
            ck_abort_msg("%s", #condition); \
        } \
    } while (0)

static inline void *shared_memory(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    MUST(memory != MAP_FAILED);
    return memory;
}

/* All of its rows are claimed. */
static inline lb_table_t *shared_table(lb_table_size_t size)
{
    lb_table_t *t = lb_table_init(shared_memory(lb_table_bytes(size)), size);
    for (uint32_t i = 0; i < size.balancers; i++) {
        lb_table_claim_balancer(t, 100 + i, 1);
    }
    for (uint32_t i = 0; i < size.members; i++) {
        lb_table_claim_member(t, 100 + i, 1);
    }
    return t;
}

static inline void use(lb_ledger_t *ledger, lb_table_t *t)
{
    ledger->table = t;
    atomic_store(&ledger->row, LB_NOBODY);
}

static inline void join(lb_ledger_t *ledger, lb_table_t *t)
{
    use(ledger, t);
    MUST(lb_ledger_join(ledger, (int32_t)getpid()));
}

static inline pid_t start_child(void)
{
    const pid_t pid = fork();
    MUST(pid >= 0);
    if (pid == 0) {
        alarm(100);    /* never outlives a test that was given up */
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

static inline uint32_t in_flight(lb_table_t *t, uint32_t member)
{
    return atomic_load(&lb_table_member(t, member)->in_flight);
}

/* The sums are those of what processes hold and waiters were granted. */
static inline void assert_sums_agree(lb_table_t *t)
{
    lb_ledger_lock(t);
    for (uint32_t m = 0; m < t->member_count; m++) {
        uint32_t sum = 0;
        for (uint32_t p = 0; p < t->process_count; p++) {
            sum += lb_table_held_by(t, p)[m];
        }
        for (uint32_t i = 0; i < t->waiters_used; i++) {
            const lb_waiter_t *w = lb_table_waiter(t, i);
            sum += atomic_load(&w->state) == LB_SLOT_GRANTED && w->granted == m;
        }
        MUST(in_flight(t, m) == sum);
    }
    lb_ledger_unlock(t);
}

#endif
