/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* admission.c - see admission.h. */
#include "admission.h"

#include "outlook.h"
#include "queue.h"

bool lb_admission_is_awaited(lb_table_t *t, uint32_t balancer)
{
    return lb_table_waiting_for_any(t, balancer) > 0;
}

static bool is_free(const lb_member_row_t *row)
{
    return lb_table_has_place(row) && lb_table_waiting_for(row) == 0;
}

bool lb_admission_has_place(const lb_member_row_t *row)
{
    return is_free(row);
}

bool lb_admission_is_free(lb_table_t *t, uint32_t balancer, uint32_t member)
{
    return lb_table_waiting_for_any(t, balancer) == 0 && is_free(lb_table_member(t, member));
}

/* ---- Newcomers ------------------------------------------------------------------------------- */

/* The free ones of the first turn that has any. With a thousand members this loop is what an
 * election costs: no call in it, and the rows one after the other.
 * returns  how many candidates */
static size_t free_ones(lb_table_t *t, const lb_arena_t *arena)
{
    lb_member_row_t *rows = lb_table_member(t, 0);
    uint32_t turn = arena->open;
    size_t n = 0;

    if (lb_table_waiting_for_any(t, arena->balancer) > 0) {
        return 0;
    }
    for (size_t i = 0; i < arena->count; i++) {
        lb_member_row_t *row = &rows[arena->contenders[i].member];
        const uint32_t its_turn = arena->contenders[i].turn;
        if (its_turn < arena->open && its_turn <= turn && is_free(row)) {
            n = its_turn < turn ? 0 : n;
            turn = its_turn;
            lb_arena_add(arena, row, i, &n);
        }
    }
    return n;
}

int lb_admission_elect(lb_ledger_t *ledger, const lb_arena_t *arena)
{
    lb_table_t *t = ledger->table;
    int winner = -1;

    lb_ledger_lock(t);
    const size_t n = free_ones(t, arena);
    if (n > 0) {
        winner = (int)lb_arena_elect(t, arena, n);
        lb_ledger_take(ledger, arena->contenders[winner].member, arena->contenders[winner].busy);
    }
    lb_ledger_unlock(t);
    return winner;
}

/* returns  index of the contender */
static int elect_of(lb_table_t *t, const lb_arena_t *arena, const uint64_t *seen, size_t count)
{
    if (lb_table_waiting_for_any(t, arena->balancer) > 0) {
        return -1;
    }
    for (size_t i = 0; i < count; i++) {
        const lb_contender_t *contender = &arena->contenders[arena->contender_of[i]];
        if (!is_free(lb_table_member(t, contender->member))) {
            return -1;
        }
    }
    _Atomic uint64_t *clock = &lb_table_balancer(t, arena->balancer)->clock;
    const int elected = lb_election_try(clock, arena->candidates, seen, count);
    return elected < 0 ? -1 : (int)arena->contender_of[elected];
}

int lb_admission_elect_of(lb_ledger_t *ledger, const lb_arena_t *arena, const uint64_t *seen,
                          size_t count)
{
    lb_ledger_lock(ledger->table);
    const int winner = elect_of(ledger->table, arena, seen, count);
    if (winner >= 0) {
        lb_ledger_take(ledger, arena->contenders[winner].member, arena->contenders[winner].busy);
    }
    lb_ledger_unlock(ledger->table);
    return winner;
}

bool lb_admission_take(lb_ledger_t *ledger, uint32_t balancer, uint32_t member, size_t *busy)
{
    lb_ledger_lock(ledger->table);
    const bool is_ours = lb_admission_is_free(ledger->table, balancer, member);
    if (is_ours) {
        lb_ledger_take(ledger, member, busy);
    }
    lb_ledger_unlock(ledger->table);
    return is_ours;
}

/* Who had waited and then went has waited too long. */
static void count_gone(lb_table_t *t, uint32_t balancer, uint32_t member, int64_t waited,
                       int64_t held)
{
    if (waited > 0) {
        const uint32_t line = lb_table_waiting_for(lb_table_member(t, member)) > 0
                                  ? lb_table_line_of_member(t, member)
                                  : balancer;
        lb_delay_count_gone(&lb_table_line(t, line)->delay, waited + held);
    }
}

/* A script goes on when its client has gone: such a time says only that it takes no less. */
static void note_use(lb_table_t *t, uint32_t balancer, uint32_t member, const lb_use_t *use,
                     int64_t now)
{
    lb_member_row_t *row = lb_table_member(t, member);

    if (!use->is_abandoned || use->took > lb_service_mean(&row->service, now)) {
        lb_service_note(&row->service, use->took, now);
    }
    if (use->is_abandoned) {
        count_gone(t, balancer, member, use->waited, use->took);
    }
    fc_retry_budget_count(&lb_table_balancer(t, balancer)->retries, now);
}

bool lb_admission_give_back(lb_ledger_t *ledger, uint32_t balancer, uint32_t member, size_t *busy,
                            const lb_use_t *use, int64_t now)
{
    lb_table_t *t = ledger->table;

    lb_ledger_lock(t);
    if (lb_ledger_give_back(ledger, member, busy) && use) {
        note_use(t, balancer, member, use, now);
    }
    const bool somebody_waits = lb_table_waiting_for_any(t, balancer) > 0
                                || lb_table_waiting_for(lb_table_member(t, member)) > 0;
    lb_ledger_unlock(t);
    return somebody_waits;
}

void lb_admission_note_gone(lb_table_t *t, uint32_t balancer, uint32_t member, int64_t waited,
                            int64_t held)
{
    lb_ledger_lock(t);
    count_gone(t, balancer, member, waited, held);
    lb_ledger_unlock(t);
}

bool lb_admission_may_resend(lb_table_t *t, uint32_t balancer, int64_t now)
{
    lb_balancer_row_t *row = lb_table_balancer(t, balancer);

    lb_ledger_lock(t);
    const bool may = fc_retry_budget_take(&row->retries, now);
    ++*(may ? &row->resent : &row->not_resent);
    lb_ledger_unlock(t);
    return may;
}

/* ---- Waiting --------------------------------------------------------------------------------- */

static lb_delay_t *delay_of(lb_table_t *t, const lb_waiter_t *w)
{
    return &lb_table_line(t, lb_queue_line_of(t, w))->delay;
}

/* How many may wait: a session counts for its member, all others for the members together. */
static uint64_t queue_limit(lb_table_t *t, const lb_waiter_t *request, const lb_arena_t *arena)
{
    uint64_t limit = arena->places;

    if (request->member != LB_NOBODY) {
        return atomic_load(&lb_table_member(t, request->member)->queue_limit);
    }
    for (size_t i = 0; i < arena->count; i++) {
        if (arena->contenders[i].turn < arena->open) {
            limit += atomic_load(&lb_table_member(t, arena->contenders[i].member)->queue_limit);
        }
    }
    return limit;
}

/* May one more wait? Of the reserved places only the important ones get any. */
static bool has_queue_room(lb_table_t *t, const lb_waiter_t *request, uint64_t limit,
                           uint32_t reserve)
{
    const uint32_t line = lb_queue_line_of(t, request);
    const uint64_t all = lb_queue_count_up_to(t, line, LB_PRIORITIES - 1);
    const uint64_t important = lb_queue_count_up_to(t, line, LB_PRIORITY_RESERVED);

    return all < limit
           && (request->priority <= LB_PRIORITY_RESERVED || all - important + reserve < limit);
}

/* returns  the process of somebody less important, whose place is free now; LB_NOBODY: none */
static uint32_t shed_one_for(lb_table_t *t, const lb_waiter_t *request)
{
    const uint32_t line = lb_queue_line_of(t, request);
    const uint32_t slot = lb_queue_least_below(t, line, request->priority);

    if (slot == LB_NOBODY) {
        return LB_NOBODY;
    }
    lb_queue_refuse(t, slot, LB_SLOT_SHED);
    lb_delay_count_refused(&lb_table_line(t, line)->delay);
    return lb_table_waiter(t, slot)->process;
}

/* shed     the process of who lost its place, to be told; LB_NOBODY: none
 * returns  LB_SERVED: it waits, in *slot; else why not */
static lb_outcome_t queue_or_refuse(lb_table_t *t, const lb_waiter_t *request,
                                    const lb_arena_t *arena, uint32_t *slot, uint32_t *shed)
{
    const uint64_t limit = queue_limit(t, request, arena);

    if (lb_outlook_is_hopeless(t, request, arena)) {
        return LB_NO_TIME;
    }
    if (!has_queue_room(t, request, limit, arena->queue.reserve)) {
        *shed = arena->queue.order != LB_ORDER_FIFO && limit > 0 ? shed_one_for(t, request)
                                                                 : LB_NOBODY;
        if (*shed == LB_NOBODY) {
            return LB_QUEUE_FULL;
        }
    }
    *slot = lb_queue_add(t, request);
    return *slot == LB_NOBODY ? LB_QUEUE_FULL : LB_SERVED;
}

uint32_t lb_admission_queue(lb_ledger_t *ledger, const lb_waiter_t *request,
                            const lb_arena_t *arena, lb_outcome_t *refusal)
{
    lb_table_t *t = ledger->table;
    lb_waiter_t complete = *request;
    uint32_t slot = LB_NOBODY, shed = LB_NOBODY;

    *refusal = LB_QUEUE_FULL;
    lb_ledger_lock(t);
    /* under the lock: who leaves in the meantime takes its waiters along */
    complete.process = lb_ledger_row(ledger);
    if (complete.process != LB_NOBODY) {
        const uint32_t line = lb_queue_line_of(t, request);
        lb_outlook_look(t, line, arena, request->since);
        *refusal = queue_or_refuse(t, &complete, arena, &slot, &shed);
        if (*refusal != LB_SERVED) {
            lb_delay_count_refused(&lb_table_line(t, line)->delay);
        }
    }
    lb_ledger_unlock(t);
    if (shed != LB_NOBODY) {
        lb_ledger_ring(t, shed);
    }
    return slot;
}

static uint32_t state_of(const lb_ledger_t *ledger, uint32_t slot)
{
    return atomic_load(&lb_table_waiter(ledger->table, slot)->state);
}

bool lb_admission_is_decided(const lb_ledger_t *ledger, uint32_t slot)
{
    return state_of(ledger, slot) != LB_SLOT_WAITING;
}

lb_outcome_t lb_admission_refusal(const lb_ledger_t *ledger, uint32_t slot)
{
    switch (state_of(ledger, slot)) {
    case LB_SLOT_SHED:
        return LB_SHED;
    case LB_SLOT_LATE:
        return LB_QUEUE_TIMEOUT;
    default:
        return LB_SERVED;
    }
}

bool lb_admission_is_granted(const lb_ledger_t *ledger, uint32_t slot)
{
    return state_of(ledger, slot) == LB_SLOT_GRANTED;
}

uint32_t lb_admission_granted(const lb_ledger_t *ledger, uint32_t slot)
{
    return lb_admission_is_granted(ledger, slot) ? lb_table_waiter(ledger->table, slot)->granted
                                                 : LB_NOBODY;
}

void lb_admission_decline(lb_ledger_t *ledger, uint32_t slot, bool for_good)
{
    lb_table_t *t = ledger->table;

    lb_ledger_lock(t);
    if (lb_ledger_row(ledger) != LB_NOBODY && lb_admission_is_granted(ledger, slot)) {
        lb_ledger_add_granted(t, lb_table_waiter(t, slot)->granted, -1, NULL);
        lb_queue_take_back(t, slot, for_good);
    }
    lb_ledger_unlock(t);
}

void lb_admission_widen(lb_ledger_t *ledger, uint32_t slot)
{
    lb_ledger_lock(ledger->table);
    if (lb_ledger_row(ledger) != LB_NOBODY) {
        lb_queue_widen(ledger->table, slot);
    }
    lb_ledger_unlock(ledger->table);
}

static void count_end(lb_table_t *t, const lb_waiter_t *w, lb_outcome_t why, int64_t now)
{
    if (why == LB_CLIENT_ABORT) {
        lb_delay_count_gone(delay_of(t, w), now - w->since);
    }
    else if (why != LB_SERVED) {
        lb_delay_count_refused(delay_of(t, w));
    }
}

uint32_t lb_admission_end(lb_ledger_t *ledger, uint32_t slot, lb_outcome_t why, int64_t now)
{
    lb_table_t *t = ledger->table;
    uint32_t member = LB_NOBODY;

    lb_ledger_lock(t);
    if (lb_ledger_row(ledger) != LB_NOBODY) {    /* else the slot was taken from us */
        if (lb_admission_is_granted(ledger, slot)) {
            /* the sum stays as it is: what was granted is now held */
            member = lb_table_waiter(t, slot)->granted;
            lb_ledger_add_granted(t, member, -1, NULL);
            lb_ledger_take(ledger, member, NULL);
        }
        else if (!lb_admission_is_decided(ledger, slot)) {
            count_end(t, lb_table_waiter(t, slot), why, now);
        }
        lb_queue_remove(t, slot);
    }
    lb_ledger_unlock(t);
    return member;
}
