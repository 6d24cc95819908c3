/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* lanes.c - see lanes.h. */
#include "lanes.h"

#include "arrivals.h"
#include "fair_turn.h"
#include "invariant.h"

/* So many lanes are looked at for a free one; and for the longest, of those that come last. */
#define PROBES 8

static lb_priority_t *priority_of(lb_table_t *t, uint32_t line, uint32_t priority)
{
    return &lb_table_line(t, line)->priorities[priority];
}

static lb_arrivals_t waiters_of(lb_lane_t *lane)
{
    return (lb_arrivals_t){ &lane->first, &lane->last, LB_IN_LANE };
}

/* ---- Whose lane ------------------------------------------------------------------------------ */

static uint32_t common_lane(uint32_t line, uint32_t priority)
{
    return line * LB_PRIORITIES + priority;
}

/* Spreads what differs in few bits (the finalizer of MurmurHash3); never 0. */
static uint64_t key_of(uint64_t flow, uint32_t common)
{
    uint64_t key = flow ^ (uint64_t)(common + 1) << 32;

    key = (key ^ key >> 33) * UINT64_C(0xff51afd7ed558ccd);
    key = (key ^ key >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    key ^= key >> 33;
    return key ? key : 1;
}

uint32_t lb_lanes_of(lb_table_t *t, uint32_t line, const lb_waiter_t *w, bool claim)
{
    const uint32_t common = common_lane(line, w->priority);
    const uint64_t key = key_of(w->flow, common);
    uint32_t unused = LB_NOBODY;

    if (w->flow == 0) {
        return common;
    }
    for (uint32_t i = 0; i < PROBES; i++) {
        const uint32_t id = lb_table_flow_lane(t, (uint32_t)(key + i) % LB_FLOW_LANES);
        const lb_lane_t *lane = lb_table_lane(t, id);
        if (lane->key == key) {
            return id;
        }
        if (lane->waiting == 0 && unused == LB_NOBODY) {
            unused = id;
        }
    }
    if (!claim) {
        return LB_NOBODY;
    }
    if (unused == LB_NOBODY) {
        return common;
    }
    lb_table_lane(t, unused)->key = key;
    lb_table_lane(t, unused)->turn = priority_of(t, line, w->priority)->round;
    return unused;
}

/* ---- Rounds ---------------------------------------------------------------------------------- */

static lb_round_t *this_round(lb_priority_t *p)
{
    return &p->rounds[p->round & 1];
}

static lb_round_t *next_round(lb_priority_t *p)
{
    return &p->rounds[(p->round + 1) & 1];
}

/* A lane in which somebody waits has its turn in one of the two rounds. */
static void begin_to_wait(lb_table_t *t, lb_priority_t *p, uint32_t id)
{
    lb_lane_t *lane = lb_table_lane(t, id);

    lane->turn = lb_fair_turn(p->round, lane->turn);
    lb_round_t *round = &p->rounds[lane->turn & 1];
    lane->prev = round->last;
    lane->next = LB_NOBODY;
    *(round->last == LB_NOBODY ? &round->first : &lb_table_lane(t, round->last)->next) = id;
    round->last = id;
    p->lanes++;
}

static void end_waiting(lb_table_t *t, lb_priority_t *p, uint32_t id)
{
    const lb_lane_t *lane = lb_table_lane(t, id);
    lb_round_t *round = &p->rounds[lane->turn & 1];

    *(lane->prev == LB_NOBODY ? &round->first : &lb_table_lane(t, lane->prev)->next) = lane->next;
    *(lane->next == LB_NOBODY ? &round->last : &lb_table_lane(t, lane->next)->prev) = lane->prev;
    p->lanes--;
}

/* When all of a round have had their turn the next one begins. */
static void go_on(lb_priority_t *p)
{
    if (this_round(p)->first == LB_NOBODY && next_round(p)->first != LB_NOBODY) {
        p->round++;
    }
}

void lb_lanes_enter(lb_table_t *t, uint32_t line, uint32_t slot)
{
    const lb_waiter_t *w = lb_table_waiter(t, slot);
    lb_priority_t *p = priority_of(t, line, w->priority);
    lb_lane_t *lane = lb_table_lane(t, w->lane);

    lb_arrivals_add(t, waiters_of(lane), slot);
    p->waiting++;
    if (lane->waiting++ == 0) {
        begin_to_wait(t, p, w->lane);
        go_on(p);
    }
}

void lb_lanes_leave(lb_table_t *t, uint32_t line, uint32_t slot, bool was_served)
{
    const lb_waiter_t *w = lb_table_waiter(t, slot);
    lb_priority_t *p = priority_of(t, line, w->priority);
    lb_lane_t *lane = lb_table_lane(t, w->lane);

    lb_arrivals_remove(t, waiters_of(lane), slot);
    p->waiting--;
    lane->waiting--;
    if (was_served || lane->waiting == 0) {
        end_waiting(t, p, w->lane);
        lane->turn = was_served ? p->round + 1 : lane->turn;
        if (lane->waiting > 0) {
            begin_to_wait(t, p, w->lane);
        }
        go_on(p);
    }
}

void lb_lanes_give_turn_back(lb_table_t *t, uint32_t line, uint32_t priority, uint32_t lane)
{
    lb_priority_t *p = priority_of(t, line, priority);
    const bool waits = lb_table_lane(t, lane)->waiting > 0;

    if (waits) {
        end_waiting(t, p, lane);
    }
    lb_table_lane(t, lane)->turn = p->round;
    if (waits) {
        begin_to_wait(t, p, lane);
        go_on(p);
    }
}

/* ---- Whose turn ------------------------------------------------------------------------------ */

bool lb_lanes_is_newest_first(lb_table_t *t, uint32_t lane, int64_t old_before)
{
    return lb_table_waiter(t, lb_table_lane(t, lane)->first)->since < old_before;
}

static uint32_t front_of(lb_table_t *t, uint32_t lane, int64_t old_before)
{
    return lb_lanes_is_newest_first(t, lane, old_before) ? lb_table_lane(t, lane)->last
                                                         : lb_table_lane(t, lane)->first;
}

/* The first who waits with this priority or a greater one. */
static uint32_t first_from(lb_table_t *t, uint32_t line, uint32_t priority, int64_t old_before)
{
    for (uint32_t i = priority; i < LB_PRIORITIES; i++) {
        lb_priority_t *p = priority_of(t, line, i);
        if (p->waiting > 0) {
            return front_of(t, this_round(p)->first, old_before);
        }
    }
    return LB_NOBODY;
}

uint32_t lb_lanes_first(lb_table_t *t, uint32_t line, int64_t old_before)
{
    return first_from(t, line, 0, old_before);
}

uint32_t lb_lanes_after(lb_table_t *t, uint32_t line, uint32_t slot, int64_t old_before)
{
    const lb_waiter_t *w = lb_table_waiter(t, slot);
    const lb_lane_t *lane = lb_table_lane(t, w->lane);
    lb_priority_t *p = priority_of(t, line, w->priority);
    const uint32_t in_lane = lb_lanes_is_newest_first(t, w->lane, old_before)
                                 ? w->prev[LB_IN_LANE]
                                 : w->next[LB_IN_LANE];

    if (in_lane != LB_NOBODY) {
        return in_lane;
    }
    if (lane->next != LB_NOBODY) {
        return front_of(t, lane->next, old_before);
    }
    if (lane->turn == p->round && next_round(p)->first != LB_NOBODY) {
        return front_of(t, next_round(p)->first, old_before);
    }
    return first_from(t, line, w->priority + 1, old_before);
}

uint32_t lb_lanes_least_below(lb_table_t *t, uint32_t line, uint32_t priority)
{
    uint32_t least = LB_PRIORITIES - 1;

    while (least > priority && priority_of(t, line, least)->waiting == 0) {
        least--;
    }
    if (least <= priority) {
        return LB_NOBODY;
    }
    lb_priority_t *p = priority_of(t, line, least);
    uint32_t id = next_round(p)->last != LB_NOBODY ? next_round(p)->last : this_round(p)->last;
    const lb_lane_t *longest = lb_table_lane(t, id);

    for (int i = 0; i < PROBES && id != LB_NOBODY; i++) {
        const lb_lane_t *lane = lb_table_lane(t, id);
        longest = lane->waiting > longest->waiting ? lane : longest;
        id = lane->prev;
    }
    return longest->last;
}

/* ---- From the beginning, and invariants ------------------------------------------------------ */

void lb_lanes_clear_flows(lb_table_t *t)
{
    for (uint32_t i = 0; i < LB_FLOW_LANES; i++) {
        lb_lane_t *lane = lb_table_lane(t, lb_table_flow_lane(t, i));
        lane->first = lane->last = lane->next = lane->prev = LB_NOBODY;
        lane->waiting = 0;
    }
}

/* returns  how many wait in the lanes of this round */
static uint32_t check_round(lb_table_t *t, lb_priority_t *p, uint32_t turn, uint32_t *lanes)
{
    const lb_round_t *round = &p->rounds[turn & 1];
    uint32_t waiting = 0, before = LB_NOBODY;

    for (uint32_t id = round->first; id != LB_NOBODY; id = lb_table_lane(t, id)->next) {
        lb_lane_t *lane = lb_table_lane(t, id);
        FC_INVARIANT(++*lanes <= p->lanes && lane->prev == before && lane->turn == turn);
        FC_INVARIANT(lane->waiting > 0 && lb_arrivals_check(t, waiters_of(lane)) == lane->waiting);
        waiting += lane->waiting;
        before = id;
    }
    FC_INVARIANT(round->last == before);
    return waiting;
}

uint32_t lb_lanes_check(lb_table_t *t, uint32_t line)
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i < LB_PRIORITIES; i++) {
        lb_priority_t *p = priority_of(t, line, i);
        uint32_t lanes = 0;
        const uint32_t waiting =
            check_round(t, p, p->round, &lanes) + check_round(t, p, p->round + 1, &lanes);
        FC_INVARIANT(waiting == p->waiting && lanes == p->lanes);
        FC_INVARIANT(waiting == 0 || this_round(p)->first != LB_NOBODY);
        sum += waiting;
    }
    return sum;
}
