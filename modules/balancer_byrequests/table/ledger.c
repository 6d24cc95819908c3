/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* ledger.c - see ledger.h. */
#include "ledger.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "invariant.h"
#include "queue.h"
#include "robust_lock.h"

static void set(_Atomic uint32_t *counter, uint32_t to)
{
    atomic_store_explicit(counter, to, memory_order_relaxed);    /* only the lock's owner writes */
}

static void change_sum(lb_table_t *t, uint32_t member, uint32_t by, size_t *busy)
{
    lb_member_row_t *row = lb_table_member(t, member);
    const uint32_t sum = atomic_load_explicit(&row->in_flight, memory_order_relaxed) + by;

    set(&row->in_flight, sum);
    if (busy) {
        __atomic_store_n(busy, sum, __ATOMIC_RELAXED);
    }
}

/* Make all sums again from what processes hold and waiters were granted. Rows of nobody hold
 * nothing: their counts are cleared before their pid. */
static void recount(lb_table_t *t)
{
    for (uint32_t m = 0; m < t->member_count; m++) {
        set(&lb_table_member(t, m)->in_flight, 0);
    }
    for (uint32_t p = 0; p < t->process_count; p++) {
        const uint32_t *held = lb_table_held_by(t, p);
        if (atomic_load(&lb_table_process(t, p)->pid) == 0) {
            continue;
        }
        for (uint32_t m = 0; m < t->member_count; m++) {
            if (held[m] > 0) {
                change_sum(t, m, held[m], NULL);
            }
        }
    }
    for (uint32_t i = 0; i < t->waiters_used; i++) {
        const lb_waiter_t *w = lb_table_waiter(t, i);
        if (atomic_load(&w->state) == LB_SLOT_GRANTED) {
            change_sum(t, w->granted, 1, NULL);
        }
    }
}

static uint32_t held_by_processes(lb_table_t *t, uint32_t member)
{
    uint32_t sum = 0;

    for (uint32_t p = 0; p < t->process_count; p++) {
        const uint32_t held = lb_table_held_by(t, p)[member];
        FC_INVARIANT(held == 0 || atomic_load(&lb_table_process(t, p)->pid) != 0);
        sum += held;
    }
    return sum;
}

static uint32_t granted_to_waiters(lb_table_t *t, uint32_t member)
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i < t->waiters_used; i++) {
        const lb_waiter_t *w = lb_table_waiter(t, i);
        sum += atomic_load(&w->state) == LB_SLOT_GRANTED && w->granted == member;
    }
    return sum;
}

void lb_ledger_check(lb_table_t *t)
{
    for (uint32_t m = 0; m < t->member_count; m++) {
        const lb_member_row_t *row = lb_table_member(t, m);
        if (atomic_load(&row->key) == 0) {
            FC_INVARIANT(atomic_load(&row->in_flight) == 0);
            continue;
        }
        FC_INVARIANT(atomic_load(&row->in_flight)
                     == held_by_processes(t, m) + granted_to_waiters(t, m));
    }
}

void lb_ledger_lock(lb_table_t *t)
{
    if (pthread_mutex_lock(&t->lock.mutex) == EOWNERDEAD) {
        recount(t);
        lb_queue_rebuild(t);
        pthread_mutex_consistent(&t->lock.mutex);
    }
}

void lb_ledger_unlock(lb_table_t *t)
{
    if (FC_IS_CHECKED) {
        lb_ledger_check(t);
        lb_queue_check(t);
    }
    pthread_mutex_unlock(&t->lock.mutex);
}

/* ---- Rows ------------------------------------------------------------------------------------ */

/* A process that one of ours has forked has its memory, but neither its thread nor its requests. */
static _Atomic uint32_t forks;

static void count_fork(void)
{
    atomic_fetch_add(&forks, 1);
}

static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, count_fork);
}

uint32_t lb_ledger_row(const lb_ledger_t *ledger)
{
    return ledger->forks == atomic_load_explicit(&forks, memory_order_relaxed)
               ? atomic_load(&ledger->row)
               : LB_NOBODY;
}

/* The owner of this row is dead or has left; its `life` is held by the caller. */
static void clear_row(lb_table_t *t, uint32_t process)
{
    uint32_t *held = lb_table_held_by(t, process);

    lb_ledger_lock(t);
    lb_queue_remove_all_of(t, process);
    for (uint32_t m = 0; m < t->member_count; m++) {
        held[m] = 0;
        atomic_store(&lb_table_parked_by(t, process)[m], 0);
    }
    recount(t);
    atomic_store(&lb_table_process(t, process)->pid, 0);
    lb_ledger_unlock(t);
}

/* returns  true with its `life` held, when nobody lives in this row */
static bool enter_row(lb_table_t *t, uint32_t process, bool *was_dead)
{
    const fc_lock_t lock = fc_robust_lock_try(&lb_table_process(t, process)->life.mutex);

    *was_dead = lock == FC_LOCK_OURS_OF_DEAD;
    if (*was_dead) {
        clear_row(t, process);
    }
    return lock != FC_LOCK_HELD;
}

bool lb_ledger_join(lb_ledger_t *ledger, int32_t pid)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    lb_table_t *t = ledger->table;
    bool was_dead;

    pthread_once(&once, watch_forks);
    for (uint32_t p = 0; p < t->process_count; p++) {
        if (enter_row(t, p, &was_dead)) {
            atomic_store(&lb_table_process(t, p)->generation, ledger->generation);
            atomic_store(&lb_table_process(t, p)->pid, pid);
            ledger->forks = atomic_load(&forks);
            atomic_store(&ledger->row, p);
            return true;
        }
    }
    return false;
}

void lb_ledger_leave(lb_ledger_t *ledger)
{
    const uint32_t p = lb_ledger_row(ledger);

    if (p != LB_NOBODY) {
        atomic_store(&ledger->row, LB_NOBODY);    /* before the row is cleared: see take */
        clear_row(ledger->table, p);
        pthread_mutex_unlock(&lb_table_process(ledger->table, p)->life.mutex);
    }
}

bool lb_ledger_bury_the_dead(lb_table_t *t)
{
    bool any = false, was_dead;

    for (uint32_t p = 0; p < t->process_count; p++) {
        if (atomic_load(&lb_table_process(t, p)->pid) != 0 && enter_row(t, p, &was_dead)) {
            any |= was_dead;
            pthread_mutex_unlock(&lb_table_process(t, p)->life.mutex);
        }
    }
    return any;
}

bool lb_ledger_has_process(lb_table_t *t, int32_t pid)
{
    for (uint32_t p = 0; p < t->process_count; p++) {
        if (atomic_load(&lb_table_process(t, p)->pid) == pid) {
            return true;
        }
    }
    return false;
}

bool lb_ledger_take(lb_ledger_t *ledger, uint32_t member, size_t *busy)
{
    const uint32_t p = lb_ledger_row(ledger);

    if (p == LB_NOBODY) {
        return false;
    }
    lb_table_held_by(ledger->table, p)[member]++;
    change_sum(ledger->table, member, 1, busy);
    return true;
}

bool lb_ledger_give_back(lb_ledger_t *ledger, uint32_t member, size_t *busy)
{
    const uint32_t p = lb_ledger_row(ledger);

    if (p == LB_NOBODY || lb_table_held_by(ledger->table, p)[member] == 0) {
        return false;
    }
    lb_table_held_by(ledger->table, p)[member]--;
    change_sum(ledger->table, member, UINT32_MAX, busy);
    return true;
}

void lb_ledger_add_granted(lb_table_t *t, uint32_t member, int by, size_t *busy)
{
    change_sum(t, member, (uint32_t)by, busy);
}

void lb_ledger_mirror(lb_table_t *t, uint32_t member, size_t *busy)
{
    lb_ledger_lock(t);
    change_sum(t, member, 0, busy);
    lb_ledger_unlock(t);
}

void lb_ledger_add_parked(const lb_ledger_t *ledger, uint32_t member, int by)
{
    const uint32_t p = lb_ledger_row(ledger);

    if (p != LB_NOBODY) {
        atomic_fetch_add(&lb_table_parked_by(ledger->table, p)[member], (uint32_t)by);
    }
}

uint32_t lb_ledger_parked(lb_table_t *t, uint32_t member)
{
    uint32_t sum = 0;

    for (uint32_t p = 0; p < t->process_count; p++) {
        sum += atomic_load(&lb_table_parked_by(t, p)[member]);
    }
    return sum;
}

/* ---- The bell -------------------------------------------------------------------------------- */

uint32_t lb_ledger_set_part(lb_table_t *t, uint32_t member, uint32_t share, uint32_t floor,
                            int64_t until)
{
    lb_member_row_t *row = lb_table_member(t, member);

    lb_ledger_lock(t);
    atomic_store(&row->part.share, share);
    atomic_store(&row->part.floor, floor);
    atomic_store(&row->part.until, until);
    const uint32_t in_flight = atomic_load(&row->in_flight);
    lb_ledger_unlock(t);
    return in_flight;
}

void lb_ledger_ring(lb_table_t *t, uint32_t process)
{
    fc_bell_ring(&lb_table_process(t, process)->bell);
}

fc_bell_t *lb_ledger_bell(const lb_ledger_t *ledger)
{
    const uint32_t p = lb_ledger_row(ledger);
    return p == LB_NOBODY ? NULL : &lb_table_process(ledger->table, p)->bell;
}
