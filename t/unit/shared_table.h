/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* shared_table.h - a table that the processes of a test share. */
#ifndef SHARED_TABLE_H
#define SHARED_TABLE_H

#include <unistd.h>

#include "ledger.h"
#include "member_table.h"
#include "processes.h"
#include "run_suite.h"

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
    ledger->generation = 1;
}

static inline void join(lb_ledger_t *ledger, lb_table_t *t)
{
    use(ledger, t);
    MUST(lb_ledger_join(ledger, (int32_t)getpid()));
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
