/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* admission.c - see admission.h. */
#include "admission.h"

#include "queue.h"

static uint32_t waiting_for(const lb_member_row_t *row)
{
    return atomic_load_explicit(&row->waiting, memory_order_relaxed);
}

static uint32_t waiting_for_any(lb_table_t *t, uint32_t balancer)
{
    return atomic_load_explicit(&lb_table_balancer(t, balancer)->waiting, memory_order_relaxed);
}

bool lb_admission_is_awaited(lb_table_t *t, uint32_t balancer)
{
    return waiting_for_any(t, balancer) > 0;
}

static bool is_free(const lb_member_row_t *row)
{
    return lb_table_has_place(row) && waiting_for(row) == 0;
}

bool lb_admission_has_place(const lb_member_row_t *row)
{
    return is_free(row);
}

bool lb_admission_is_free(lb_table_t *t, uint32_t balancer, uint32_t member)
{
    return waiting_for_any(t, balancer) == 0 && is_free(lb_table_member(t, member));
}

static bool has_tried_any(const lb_waiter_t *w)
{
    return w->tried[0] != LB_NOBODY;
}

static bool wants(const lb_waiter_t *w, uint32_t member)
{
    for (int i = 0; i < LB_TRIED_MAX; i++) {
        if (w->tried[i] == member) {
            return false;
        }
    }
    return true;
}

/* Elect among the first n of the arena's candidates.
 * returns  index of the contender */
static size_t elect_from(lb_table_t *t, const lb_arena_t *arena, size_t n)
{
    _Atomic uint64_t *clock = &lb_table_balancer(t, arena->balancer)->clock;
    return arena->contender_of[lb_election_elect(clock, arena->candidates, n)];
}

static void add_candidate(lb_member_row_t *row, const lb_arena_t *arena, size_t contender,
                          size_t *n)
{
    arena->candidates[*n] = (lb_candidate_t){
        .pass = &row->pass,
        .weight = arena->contenders[contender].weight,
        .held_back = arena->contenders[contender].held_back,
    };
    arena->contender_of[(*n)++] = contender;
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

    if (waiting_for_any(t, arena->balancer) > 0) {
        return 0;
    }
    for (size_t i = 0; i < arena->count; i++) {
        lb_member_row_t *row = &rows[arena->contenders[i].member];
        const uint32_t its_turn = arena->contenders[i].turn;
        if (its_turn < arena->open && its_turn <= turn && is_free(row)) {
            n = its_turn < turn ? 0 : n;
            turn = its_turn;
            add_candidate(row, arena, i, &n);
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
        winner = (int)elect_from(t, arena, n);
        lb_ledger_take(ledger, arena->contenders[winner].member, arena->contenders[winner].busy);
    }
    lb_ledger_unlock(t);
    return winner;
}

/* returns  index of the contender */
static int elect_of(lb_table_t *t, const lb_arena_t *arena, const uint64_t *seen, size_t count)
{
    if (waiting_for_any(t, arena->balancer) > 0) {
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
        const uint32_t line = waiting_for(lb_table_member(t, member)) > 0
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
    const bool somebody_waits = waiting_for_any(t, balancer) > 0
                                || waiting_for(lb_table_member(t, member)) > 0;
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

/* ---- How it stands --------------------------------------------------------------------------- */

static int64_t oldest_in(lb_table_t *t, uint32_t line, int64_t now)
{
    const uint32_t oldest = lb_table_line(t, line)->first;
    const int64_t waited = oldest == LB_NOBODY ? 0 : now - lb_table_waiter(t, oldest)->since;
    return waited > 0 ? waited : 0;
}

static void look_at(lb_table_t *t, uint32_t line, const lb_arena_t *arena, int64_t now)
{
    lb_delay_look(&lb_table_line(t, line)->delay, &arena->queue, oldest_in(t, line, now), now);
}

static int64_t old_before(lb_table_t *t, uint32_t line, const lb_arena_t *arena, int64_t now)
{
    return lb_delay_old_before(&lb_table_line(t, line)->delay, &arena->queue, now);
}

static lb_delay_t *delay_of(lb_table_t *t, const lb_waiter_t *w)
{
    return &lb_table_line(t, lb_queue_line_of(t, w))->delay;
}

static void add_capacity(lb_table_t *t, uint32_t member, int64_t now, lb_capacity_t *capacity)
{
    const lb_member_row_t *row = lb_table_member(t, member);
    const uint32_t limit = lb_table_limit_of(row), share = lb_table_share_of(row);

    if (share > 0) {
        lb_capacity_add(capacity, share < limit ? share : limit,
                        lb_service_mean(&row->service, now));
    }
}

/* Of the members that this request may get: a session's own, else all of the open turns. */
static lb_capacity_t capacity_for(lb_table_t *t, const lb_arena_t *arena, uint32_t only,
                                  int64_t now)
{
    lb_capacity_t capacity = { 0 };

    if (only != LB_NOBODY) {
        add_capacity(t, only, now, &capacity);
        return capacity;
    }
    for (size_t i = 0; i < arena->count; i++) {
        if (arena->contenders[i].turn < arena->open) {
            add_capacity(t, arena->contenders[i].member, now, &capacity);
        }
    }
    return capacity;
}

lb_outlook_t lb_admission_outlook(lb_table_t *t, const lb_arena_t *arena, int64_t now)
{
    const uint32_t line = arena->balancer;
    const lb_balancer_row_t *row = lb_table_balancer(t, line);

    lb_ledger_lock(t);
    const lb_capacity_t capacity = capacity_for(t, arena, LB_NOBODY, now);
    const lb_outlook_t outlook = {
        .estimate = capacity.is_unlimited
                        ? 0
                        : lb_wait_estimate(waiting_for_any(t, line), capacity.places,
                                           lb_capacity_mean(&capacity)),
        .oldest = oldest_in(t, line, now),
        .stands = lb_table_line(t, line)->delay.stands != 0,
        .retries_left = fc_retry_budget_left(&row->retries, now),
        .resent = row->resent,
        .not_resent = row->not_resent,
    };
    lb_ledger_unlock(t);
    return outlook;
}

/* ---- Waiting --------------------------------------------------------------------------------- */

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

static bool is_hopeless(lb_table_t *t, const lb_waiter_t *request, const lb_arena_t *arena)
{
    if (request->patience == 0) {
        return false;
    }
    const lb_capacity_t capacity = capacity_for(t, arena, request->member, request->since);
    const bool newest_first =
        old_before(t, lb_queue_line_of(t, request), arena, request->since) != LB_NEVER_NEWEST;
    return lb_wait_is_hopeless(lb_queue_ahead(t, request, newest_first), &capacity,
                               request->patience);
}

/* shed     the process of who lost its place, to be told; LB_NOBODY: none
 * returns  LB_SERVED: it waits, in *slot; else why not */
static lb_outcome_t queue_or_refuse(lb_table_t *t, const lb_waiter_t *request,
                                    const lb_arena_t *arena, uint32_t *slot, uint32_t *shed)
{
    const uint64_t limit = queue_limit(t, request, arena);

    if (is_hopeless(t, request, arena)) {
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
        look_at(t, line, arena, request->since);
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

/* ---- Serving --------------------------------------------------------------------------------- */

/* Whose turn it is of those at the heads of two lines: with one priority, who came first. Only when
 * the newest go first in both it is who came last. */
typedef struct {
    uint32_t slot;
    bool is_newest;
} lb_head_t;

static bool is_before(lb_table_t *t, lb_head_t a, lb_head_t b)
{
    const lb_waiter_t *first = lb_table_waiter(t, a.slot), *second = lb_table_waiter(t, b.slot);

    return a.is_newest && b.is_newest && first->priority == second->priority
               ? first->sequence > second->sequence
               : lb_queue_is_before(first, second);
}

static void consider(lb_table_t *t, lb_head_t head, lb_head_t *best)
{
    if (best->slot == LB_NOBODY || is_before(t, head, *best)) {
        *best = head;
    }
}

/* In how many turns may this one be served? In those that are open; who has tried all of these
 * goes on to the next. */
static uint32_t reach_of(const lb_arena_t *arena, const lb_waiter_t *w)
{
    uint32_t next = LB_NO_TURN;

    for (size_t i = 0; i < arena->count && has_tried_any(w); i++) {
        const lb_contender_t *c = &arena->contenders[i];
        if (c->turn < next && wants(w, c->member)) {
            next = c->turn;
        }
    }
    return next == LB_NO_TURN || next < arena->open ? arena->open : next + 1;
}

/* A session's own member. */
static size_t candidate_of_session(lb_table_t *t, const lb_arena_t *arena, const lb_waiter_t *w)
{
    lb_member_row_t *row = lb_table_member(t, w->member);
    size_t n = 0;

    for (size_t i = 0; i < arena->count && n == 0; i++) {
        const lb_contender_t *c = &arena->contenders[i];
        if (c->member == w->member && c->is_usable && lb_table_has_place(row)) {
            add_candidate(row, arena, i, &n);
        }
    }
    return n;
}

/* The contenders with room that this waiter may get, of the first turn that has any; sets the
 * arena's candidates.
 * returns  how many */
static size_t candidates_for(lb_table_t *t, const lb_arena_t *arena, const lb_waiter_t *w)
{
    if (w->member != LB_NOBODY) {
        return candidate_of_session(t, arena, w);
    }
    const uint32_t reach = reach_of(arena, w);
    uint32_t turn = reach;
    size_t n = 0;

    for (size_t i = 0; i < arena->count; i++) {
        const lb_contender_t *c = &arena->contenders[i];
        lb_member_row_t *row = lb_table_member(t, c->member);
        if (c->turn < reach && c->turn <= turn && wants(w, c->member) && lb_table_has_place(row)) {
            n = c->turn < turn ? 0 : n;
            turn = c->turn;
            add_candidate(row, arena, i, &n);
        }
    }
    return n;
}

/* The first of those who wait for any member and can get one. Nearly always it is the first of all:
 * the others are only asked when that one has tried all that is free.
 * only_triers   nothing is free but for who has tried some
 * old           see lb_queue_first()
 * returns  LB_NOBODY when there is none */
static uint32_t first_to_serve(lb_table_t *t, const lb_arena_t *arena, bool only_triers,
                               int64_t old)
{
    uint32_t slot = lb_queue_first(t, arena->balancer, old);

    while (slot != LB_NOBODY) {
        const lb_waiter_t *w = lb_table_waiter(t, slot);
        if ((!only_triers || has_tried_any(w)) && candidates_for(t, arena, w) > 0) {
            return slot;
        }
        slot = lb_queue_after(t, slot, old);
    }
    return LB_NOBODY;
}

/* Of the sessions that wait for this member. */
static lb_head_t head_of_sessions(lb_table_t *t, const lb_arena_t *arena, uint32_t member,
                                  int64_t now)
{
    const uint32_t line = lb_table_line_of_member(t, member);
    const int64_t old = old_before(t, line, arena, now);
    const uint32_t slot = lb_queue_first(t, line, old);
    return (lb_head_t){ slot, lb_queue_is_newest_first(t, slot, old) };
}

/* Whose turn is it?
 * returns  LB_NOBODY when nobody who waits can get anything */
static uint32_t next_in_turn(lb_table_t *t, const lb_arena_t *arena, int64_t now)
{
    const int64_t old = old_before(t, arena->balancer, arena, now);
    lb_head_t best = { LB_NOBODY, false };
    bool any_is_open = false, any_is_free = false;

    for (size_t i = 0; i < arena->count; i++) {
        const lb_contender_t *c = &arena->contenders[i];
        const lb_member_row_t *row = lb_table_member(t, c->member);
        if (lb_table_has_place(row)) {
            any_is_open |= c->turn < arena->open;
            any_is_free |= c->turn != LB_NO_TURN;
            if (c->is_usable && waiting_for(row) > 0) {
                consider(t, head_of_sessions(t, arena, c->member, now), &best);
            }
        }
    }
    if (any_is_free) {
        const uint32_t slot = first_to_serve(t, arena, !any_is_open, old);
        if (slot != LB_NOBODY) {
            consider(t, (lb_head_t){ slot, lb_queue_is_newest_first(t, slot, old) }, &best);
        }
    }
    return best.slot;
}

static void grant(lb_table_t *t, const lb_arena_t *arena, uint32_t slot)
{
    const lb_waiter_t *w = lb_table_waiter(t, slot);
    const size_t n = candidates_for(t, arena, w);
    lb_contender_t *winner = &arena->contenders[elect_from(t, arena, n)];

    lb_delay_count_served(delay_of(t, w));
    lb_queue_grant(t, slot, winner->member);
    lb_ledger_add_granted(t, winner->member, 1, winner->busy);
    if (winner->is_trial) {
        winner->is_usable = false;
        winner->turn = LB_NO_TURN;
    }
}

/* returns  who has waited too long in this line; LB_NOBODY: nobody */
static uint32_t too_late_in(lb_table_t *t, const lb_arena_t *arena, uint32_t line, int64_t now)
{
    look_at(t, line, arena, now);
    return lb_delay_is_too_late(&lb_table_line(t, line)->delay, &arena->queue,
                                oldest_in(t, line, now))
               ? lb_table_line(t, line)->first
               : LB_NOBODY;
}

static uint32_t too_late(lb_table_t *t, const lb_arena_t *arena, int64_t now)
{
    uint32_t slot = too_late_in(t, arena, arena->balancer, now);

    for (size_t i = 0; i < arena->count && slot == LB_NOBODY; i++) {
        const uint32_t member = arena->contenders[i].member;
        if (waiting_for(lb_table_member(t, member)) > 0) {
            slot = too_late_in(t, arena, lb_table_line_of_member(t, member), now);
        }
    }
    return slot;
}

/* Decide about one of those who wait.
 * served   counts those who were let in
 * returns  the process to tell; LB_NOBODY when there is nobody else to decide about */
static uint32_t decide_one(lb_table_t *t, const lb_arena_t *arena, int64_t now, size_t *served)
{
    uint32_t process = LB_NOBODY;

    lb_ledger_lock(t);
    const uint32_t late = too_late(t, arena, now);
    const uint32_t slot = late != LB_NOBODY ? late : next_in_turn(t, arena, now);
    if (slot != LB_NOBODY) {
        process = lb_table_waiter(t, slot)->process;
        if (late != LB_NOBODY) {
            lb_queue_refuse(t, slot, LB_SLOT_LATE);
        }
        else {
            grant(t, arena, slot);
            ++*served;
        }
    }
    lb_ledger_unlock(t);
    return process;
}

size_t lb_admission_serve(lb_table_t *t, const lb_arena_t *arena, int64_t now)
{
    size_t served = 0;

    for (;;) {
        const uint32_t process = decide_one(t, arena, now, &served);
        if (process == LB_NOBODY) {
            return served;
        }
        lb_ledger_ring(t, process);
    }
}
