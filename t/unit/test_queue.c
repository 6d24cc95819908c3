/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_queue.c - the order of those who wait, and that it follows from the slots alone. */
#include <string.h>

#include "queue.h"
#include "shared_table.h"

enum {
    BALANCERS = 2,
    MEMBERS = 3,
    SLOTS = 12,
    MANY = 200
};

static lb_table_t *new_table(uint32_t slots)
{
    return shared_table((lb_table_size_t){ BALANCERS, MEMBERS, 1, slots });
}

/* ---- Who waits ------------------------------------------------------------------------------- */

static uint32_t add_of(lb_table_t *t, uint32_t process, uint32_t balancer, uint32_t member,
                       uint32_t priority)
{
    lb_waiter_t request = {
        .process = process, .balancer = balancer, .member = member, .priority = priority
    };
    for (int i = 0; i < LB_TRIED_MAX; i++) {
        request.tried[i] = LB_NOBODY;
    }
    return lb_queue_add(t, &request);
}

/* Of a flow, and when it came. */
static uint32_t add_at(lb_table_t *t, uint32_t priority, uint64_t flow, int64_t since)
{
    lb_waiter_t request = {
        .member = LB_NOBODY, .priority = priority, .flow = flow, .since = since
    };
    for (int i = 0; i < LB_TRIED_MAX; i++) {
        request.tried[i] = LB_NOBODY;
    }
    return lb_queue_add(t, &request);
}

static uint32_t add(lb_table_t *t, uint32_t priority)
{
    return add_of(t, 0, 0, LB_NOBODY, priority);
}

typedef struct {
    uint32_t slots[MANY];
    size_t count;
} line_t;

/* All who wait in a line, in the order in which they are asked. */
static line_t line_at(lb_table_t *t, uint32_t at, int64_t old_before, uint32_t waiting)
{
    line_t line = { .count = 0 };

    for (uint32_t slot = lb_queue_first(t, at, old_before); slot != LB_NOBODY;
         slot = lb_queue_after(t, slot, old_before)) {
        MUST(line.count < MANY);
        line.slots[line.count++] = slot;
    }
    MUST(waiting == line.count);
    return line;
}

static line_t line_of(lb_table_t *t, uint32_t balancer)
{
    return line_at(t, balancer, LB_NEVER_NEWEST,
                   atomic_load(&lb_table_balancer(t, balancer)->waiting));
}

static line_t line_of_member(lb_table_t *t, uint32_t member)
{
    return line_at(t, lb_table_line_of_member(t, member), LB_NEVER_NEWEST,
                   atomic_load(&lb_table_member(t, member)->waiting));
}

static void assert_line(line_t line, size_t count, const uint32_t *slots)
{
    ck_assert_uint_eq(line.count, count);
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_eq(line.slots[i], slots[i]);
    }
}

#define ASSERT_LINE(line, ...) \
    assert_line(line, sizeof((uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t), \
                (uint32_t[]){ __VA_ARGS__ })

/* ---- The order ------------------------------------------------------------------------------- */

START_TEST(nobody_waits_in_a_new_table)
{
    lb_table_t *t = new_table(SLOTS);
    ck_assert_uint_eq(line_of(t, 0).count, 0);
    ck_assert_uint_eq(line_of_member(t, 0).count, 0);
}
END_TEST

START_TEST(first_in_is_first_out)
{
    lb_table_t *t = new_table(SLOTS);
    const uint32_t a = add(t, 5), b = add(t, 5), c = add(t, 5);
    ASSERT_LINE(line_of(t, 0), a, b, c);
}
END_TEST

START_TEST(smaller_priorities_go_first_and_each_is_in_order)
{
    lb_table_t *t = new_table(SLOTS);
    const uint32_t a5 = add(t, 5), a9 = add(t, 9), a1 = add(t, 1), b5 = add(t, 5), b1 = add(t, 1),
                   b9 = add(t, 9);
    ASSERT_LINE(line_of(t, 0), a1, b1, a5, b5, a9, b9);
}
END_TEST

START_TEST(session_waits_in_the_list_of_its_member)
{
    lb_table_t *t = new_table(SLOTS);
    const uint32_t any = add(t, 5), second = add_of(t, 0, 0, 1, 5), third = add_of(t, 0, 0, 2, 5),
                   next = add_of(t, 0, 0, 1, 5);
    ASSERT_LINE(line_of(t, 0), any);
    ck_assert_uint_eq(line_of_member(t, 0).count, 0);
    ASSERT_LINE(line_of_member(t, 1), second, next);
    ASSERT_LINE(line_of_member(t, 2), third);
}
END_TEST

START_TEST(each_balancer_has_its_own_list)
{
    lb_table_t *t = new_table(SLOTS);
    const uint32_t a = add_of(t, 0, 0, LB_NOBODY, 5), b = add_of(t, 0, 1, LB_NOBODY, 5),
                   c = add_of(t, 0, 0, LB_NOBODY, 5);
    ASSERT_LINE(line_of(t, 0), a, c);
    ASSERT_LINE(line_of(t, 1), b);
}
END_TEST

START_TEST(earlier_sequence_is_before_a_later_one_only_within_a_priority)
{
    const lb_waiter_t early = { .sequence = 1, .priority = 5 };
    const lb_waiter_t late = { .sequence = 2, .priority = 5 };
    const lb_waiter_t urgent = { .sequence = 3, .priority = 4 };
    ck_assert(lb_queue_is_before(&early, &late));
    ck_assert(!lb_queue_is_before(&late, &early));
    ck_assert(lb_queue_is_before(&urgent, &early));
    ck_assert(!lb_queue_is_before(&early, &urgent));
    ck_assert(!lb_queue_is_before(&early, &early));
}
END_TEST

/* ---- Leaving the line ------------------------------------------------------------------------ */

START_TEST(granted_waiter_stands_in_no_list_and_keeps_its_slot)
{
    lb_table_t *t = new_table(SLOTS);
    const uint32_t a = add(t, 5), b = add(t, 5);
    lb_queue_grant(t, a, 2);
    ASSERT_LINE(line_of(t, 0), b);
    ck_assert_uint_eq(lb_table_waiter(t, a)->state, LB_SLOT_GRANTED);
    ck_assert_uint_eq(lb_table_waiter(t, a)->granted, 2);
    const uint32_t c = add(t, 5);
    ck_assert_uint_ne(c, a);
    lb_queue_remove(t, a);
    ASSERT_LINE(line_of(t, 0), b, c);
    ck_assert_uint_eq(add(t, 5), a);
}
END_TEST

/* All orders in which five can leave. */
START_TEST(waiter_is_removed_from_every_position)
{
    enum { N = 5 };
    lb_table_t *t = new_table(N);
    uint32_t left[N];
    size_t n = N, code = (size_t)_i;

    for (size_t i = 0; i < N; i++) {
        left[i] = add(t, 5);
    }
    for (; n > 0; n--) {
        const size_t at = code % n;
        code /= n;
        lb_queue_remove(t, left[at]);
        memmove(&left[at], &left[at + 1], (n - 1 - at) * sizeof(left[0]));
        assert_line(line_of(t, 0), n - 1, left);
    }
    for (size_t i = 0; i < N; i++) {
        ck_assert_uint_ne(add(t, 5), LB_NOBODY);    /* no slot was lost */
    }
}
END_TEST

START_TEST(full_table_takes_no_more_until_a_slot_is_free)
{
    lb_table_t *t = new_table(3);
    const uint32_t a = add(t, 5), b = add(t, 5), c = add(t, 5);
    ck_assert_uint_eq(add(t, 5), LB_NOBODY);
    ASSERT_LINE(line_of(t, 0), a, b, c);
    lb_queue_remove(t, b);
    ck_assert_uint_eq(add(t, 5), b);
    ck_assert_uint_eq(add(t, 5), LB_NOBODY);
    ASSERT_LINE(line_of(t, 0), a, c, b);
}
END_TEST

START_TEST(table_without_slots_takes_nobody)
{
    lb_table_t *t = new_table(0);
    ck_assert_uint_eq(add(t, 5), LB_NOBODY);
    lb_queue_rebuild(t);
    ck_assert_uint_eq(line_of(t, 0).count, 0);
}
END_TEST

START_TEST(all_of_a_process_go_and_the_others_stay_in_order)
{
    lb_table_t *t = new_table(SLOTS);
    const uint32_t ours = add_of(t, 1, 0, LB_NOBODY, 5), gone = add_of(t, 2, 0, LB_NOBODY, 5);
    const uint32_t granted = add_of(t, 2, 0, LB_NOBODY, 5), session = add_of(t, 2, 0, 1, 5);
    const uint32_t last = add_of(t, 1, 0, LB_NOBODY, 5);
    lb_queue_grant(t, granted, 0);
    lb_queue_remove_all_of(t, 2);
    ASSERT_LINE(line_of(t, 0), ours, last);
    ck_assert_uint_eq(line_of_member(t, 1).count, 0);
    ck_assert_uint_eq(lb_table_waiter(t, gone)->state, LB_SLOT_FREE);
    ck_assert_uint_eq(lb_table_waiter(t, granted)->state, LB_SLOT_FREE);
    ck_assert_uint_eq(lb_table_waiter(t, session)->state, LB_SLOT_FREE);
}
END_TEST

/* ---- Sessions that take any member ----------------------------------------------------------- */

/* The session is the _i-th of five. */
START_TEST(widened_session_keeps_its_place)
{
    lb_table_t *t = new_table(SLOTS);
    uint32_t slots[5];
    for (int i = 0; i < 5; i++) {
        slots[i] = add_of(t, 0, 0, i == _i ? 1 : LB_NOBODY, 5);
    }
    const uint32_t urgent = add(t, 1);
    lb_queue_widen(t, slots[_i]);
    ck_assert_uint_eq(line_of_member(t, 1).count, 0);
    ASSERT_LINE(line_of(t, 0), urgent, slots[0], slots[1], slots[2], slots[3], slots[4]);
}
END_TEST

START_TEST(widening_of_others_than_waiting_sessions_changes_nothing)
{
    lb_table_t *t = new_table(SLOTS);
    const uint32_t a = add(t, 5), b = add(t, 5), session = add_of(t, 0, 0, 1, 5);
    lb_queue_grant(t, session, 1);
    lb_queue_widen(t, a);
    lb_queue_widen(t, session);
    ASSERT_LINE(line_of(t, 0), a, b);
    ck_assert_uint_eq(lb_table_waiter(t, session)->state, LB_SLOT_GRANTED);
}
END_TEST

/* ---- The newest first ------------------------------------------------------------------------ */

static line_t line_newest(lb_table_t *t, int64_t old_before)
{
    return line_at(t, 0, old_before, atomic_load(&lb_table_balancer(t, 0)->waiting));
}

START_TEST(newest_first_within_each_priority)
{
    lb_table_t *t = new_table(SLOTS);
    const uint32_t a5 = add(t, 5), a1 = add(t, 1), b5 = add(t, 5), b1 = add(t, 1), c5 = add(t, 5);
    ASSERT_LINE(line_newest(t, LB_ALWAYS_NEWEST), b1, a1, c5, b5, a5);
    ASSERT_LINE(line_of(t, 0), a1, b1, a5, b5, c5);
}
END_TEST

START_TEST(newest_first_only_where_the_oldest_is_old)
{
    lb_table_t *t = new_table(SLOTS);
    const uint32_t a1 = add_at(t, 1, 0, 200), b1 = add_at(t, 1, 0, 300);
    const uint32_t a5 = add_at(t, 5, 0, 50), b5 = add_at(t, 5, 0, 300);
    ASSERT_LINE(line_newest(t, 100), a1, b1, b5, a5);
    ck_assert(lb_queue_is_newest_first(t, a5, 100));
    ck_assert(!lb_queue_is_newest_first(t, a1, 100));
}
END_TEST

/* ---- Flows ----------------------------------------------------------------------------------- */

/* Serve so many in turn, and say of which flows they were. */
static void serve(lb_table_t *t, int count, uint64_t *flows)
{
    for (int i = 0; i < count; i++) {
        const uint32_t slot = lb_queue_first(t, 0, LB_NEVER_NEWEST);
        flows[i] = lb_table_waiter(t, slot)->flow;
        lb_queue_grant(t, slot, 0);
        lb_queue_remove(t, slot);
        lb_queue_check(t);
    }
}

#define ASSERT_SERVED(t, ...) \
    do { \
        const uint64_t expected[] = { __VA_ARGS__ }; \
        uint64_t flows[sizeof(expected) / sizeof(uint64_t)]; \
        serve(t, (int)(sizeof(expected) / sizeof(uint64_t)), flows); \
        ck_assert_mem_eq(flows, expected, sizeof(expected)); \
    } while (0)

START_TEST(flows_take_turns)
{
    lb_table_t *t = new_table(SLOTS);
    for (int i = 0; i < 4; i++) {
        add_at(t, 5, 77, 0);
    }
    add_at(t, 5, 88, 0);
    add_at(t, 5, 99, 0);
    add_at(t, 5, 88, 0);
    ASSERT_SERVED(t, 77, 88, 99, 77, 88, 77, 77);
}
END_TEST

START_TEST(requests_without_a_flow_are_one_flow)
{
    lb_table_t *t = new_table(SLOTS);
    for (int i = 0; i < 3; i++) {
        add_at(t, 5, 0, 0);
    }
    add_at(t, 5, 88, 0);
    ASSERT_SERVED(t, 0, 88, 0, 0);
}
END_TEST

START_TEST(flow_that_comes_joins_the_round_unless_it_was_served_in_it)
{
    lb_table_t *t = new_table(SLOTS);
    for (int i = 0; i < 3; i++) {
        add_at(t, 5, 77, 0);
        add_at(t, 5, 88, 0);
    }
    ASSERT_SERVED(t, 77, 88);      /* round 0: and round 1 begins */
    ASSERT_SERVED(t, 77);
    add_at(t, 5, 99, 0);
    ASSERT_SERVED(t, 88, 99);      /* it comes before 77 has its next turn */
    add_at(t, 5, 99, 0);
    ASSERT_SERVED(t, 77, 88, 99);  /* but not twice in a round */
}
END_TEST

START_TEST(priorities_go_before_flows)
{
    lb_table_t *t = new_table(SLOTS);
    add_at(t, 5, 88, 0);
    for (int i = 0; i < 3; i++) {
        add_at(t, 1, 77, 0);
    }
    ASSERT_SERVED(t, 77, 77, 77, 88);
}
END_TEST

START_TEST(who_declines_has_the_next_turn_of_its_flow)
{
    lb_table_t *t = new_table(SLOTS);
    const uint32_t slot = add_at(t, 5, 77, 0);
    add_at(t, 5, 77, 0);
    add_at(t, 5, 88, 0);
    add_at(t, 5, 88, 0);
    lb_queue_grant(t, slot, 1);
    lb_queue_check(t);
    lb_queue_take_back(t, slot, true);
    lb_queue_check(t);
    ASSERT_SERVED(t, 88, 77, 88, 77);
}
END_TEST

START_TEST(who_leaves_costs_its_flow_nothing)
{
    lb_table_t *t = new_table(SLOTS);
    const uint32_t gone = add_at(t, 5, 77, 0);
    add_at(t, 5, 88, 0);
    add_at(t, 5, 77, 0);
    lb_queue_remove(t, gone);
    ASSERT_SERVED(t, 77, 88);
}
END_TEST

START_TEST(more_flows_than_lanes_wait_all_the_same)
{
    enum { FLOWS = 3000 };
    lb_table_t *t = new_table(FLOWS);
    for (uint64_t flow = 1; flow <= FLOWS; flow++) {
        MUST(add_at(t, 5, flow, 0) != LB_NOBODY);
    }
    lb_queue_check(t);
    for (int i = 0; i < FLOWS; i++) {
        const uint32_t slot = lb_queue_first(t, 0, LB_NEVER_NEWEST);
        MUST(slot != LB_NOBODY);
        lb_queue_remove(t, slot);
    }
    lb_queue_check(t);
    ck_assert_uint_eq(line_of(t, 0).count, 0);
}
END_TEST

START_TEST(rebuilding_keeps_flows_apart)
{
    lb_table_t *t = new_table(SLOTS);
    for (int i = 0; i < 3; i++) {
        add_at(t, 5, 77, 0);
    }
    add_at(t, 5, 88, 0);
    lb_queue_rebuild(t);
    lb_queue_check(t);
    ASSERT_SERVED(t, 77, 88, 77, 77);
}
END_TEST

/* ---- How many are before, and who goes ------------------------------------------------------- */

static uint64_t ahead(lb_table_t *t, uint32_t priority, uint64_t flow, bool newest_first)
{
    const lb_waiter_t request = { .member = LB_NOBODY, .priority = priority, .flow = flow };
    return lb_queue_ahead(t, &request, newest_first);
}

START_TEST(those_of_the_priority_and_before_it_are_ahead)
{
    lb_table_t *t = new_table(SLOTS);
    add(t, 1);
    add(t, 5);
    add(t, 5);
    add(t, 9);
    ck_assert_uint_eq(ahead(t, 0, 0, false), 0);
    ck_assert_uint_eq(ahead(t, 5, 0, false), 3);
    ck_assert_uint_eq(ahead(t, 9, 0, false), 4);
    ck_assert_uint_eq(ahead(t, 9, 0, true), 3);    /* the newest of 9 is next of 9 */
    ck_assert_uint_eq(lb_queue_count_up_to(t, 0, 4), 1);
    ck_assert_uint_eq(lb_queue_count_up_to(t, 0, 9), 4);
}
END_TEST

START_TEST(large_flow_is_not_ahead_of_a_small_one)
{
    lb_table_t *t = new_table(SLOTS);
    for (int i = 0; i < 6; i++) {
        add_at(t, 5, 77, 0);
    }
    ck_assert_uint_eq(ahead(t, 5, 88, false), 0);
    add_at(t, 5, 88, 0);
    ck_assert_uint_eq(ahead(t, 5, 88, false), 2);    /* a round of two flows */
    ck_assert_uint_eq(ahead(t, 5, 77, false), 7);
}
END_TEST

START_TEST(newest_of_the_least_important_gives_its_place)
{
    lb_table_t *t = new_table(SLOTS);
    add(t, 7);
    const uint32_t newest = add(t, 7);
    add(t, 5);
    ck_assert_uint_eq(lb_queue_least_below(t, 0, 5), newest);
    ck_assert_uint_eq(lb_queue_least_below(t, 0, 7), LB_NOBODY);
    ck_assert_uint_eq(lb_queue_least_below(t, 0, 9), LB_NOBODY);
    ck_assert_uint_eq(lb_queue_least_below(t, 1, 0), LB_NOBODY);
}
END_TEST

START_TEST(largest_flow_gives_a_place_before_smaller_ones)
{
    lb_table_t *t = new_table(SLOTS);
    add_at(t, 9, 88, 0);
    add_at(t, 9, 77, 0);
    const uint32_t newest = add_at(t, 9, 77, 0);
    add_at(t, 9, 99, 0);
    ck_assert_uint_eq(lb_queue_least_below(t, 0, 0), newest);
}
END_TEST

START_TEST(refused_waiter_stands_in_no_list_and_keeps_its_slot)
{
    lb_table_t *t = new_table(SLOTS);
    const uint32_t a = add(t, 5), b = add(t, 5);
    lb_queue_refuse(t, a, LB_SLOT_SHED);
    ASSERT_LINE(line_of(t, 0), b);
    lb_queue_widen(t, a);
    ck_assert_uint_eq(lb_table_waiter(t, a)->state, LB_SLOT_SHED);
    lb_queue_rebuild(t);
    lb_queue_check(t);
    ck_assert_uint_ne(add(t, 5), a);
    lb_queue_remove(t, a);
    ck_assert_uint_eq(add(t, 5), a);
}
END_TEST

/* ---- Rebuilding ------------------------------------------------------------------------------ */

/* A process may have died at any store: all that is not the truth may be anything. */
static void scramble(lb_table_t *t, unsigned seed)
{
    srand(seed);
    for (uint32_t i = 0; i < t->waiters_used; i++) {
        for (int list = 0; list < LB_LISTS; list++) {
            lb_table_waiter(t, i)->next[list] = (uint32_t)rand();
            lb_table_waiter(t, i)->prev[list] = (uint32_t)rand();
        }
        lb_table_waiter(t, i)->lane = (uint32_t)rand();
    }
    for (uint32_t i = 0; i < t->balancer_count; i++) {
        lb_balancer_row_t *row = lb_table_balancer(t, i);
        atomic_store(&row->waiting, (uint32_t)rand());
    }
    for (uint32_t i = 0; i < t->member_count; i++) {
        lb_member_row_t *row = lb_table_member(t, i);
        atomic_store(&row->waiting, (uint32_t)rand());
    }
    for (uint32_t i = 0; i < lb_table_lines(t) * LB_PRIORITIES + LB_FLOW_LANES; i++) {
        lb_lane_t *lane = lb_table_lane(t, i);
        lane->first = (uint32_t)rand();
        lane->last = (uint32_t)rand();
        lane->next = (uint32_t)rand();
        lane->prev = (uint32_t)rand();
        lane->waiting = (uint32_t)rand();
    }
    for (uint32_t i = 0; i < lb_table_lines(t); i++) {
        memset(lb_table_line(t, i)->priorities, rand(), sizeof(lb_table_line(t, i)->priorities));
        lb_table_line(t, i)->first = lb_table_line(t, i)->last = (uint32_t)rand();
    }
    t->free_waiter = (uint32_t)rand();
}

static void do_something(lb_table_t *t)
{
    const uint32_t slot = t->waiters_used ? (uint32_t)rand() % t->waiters_used : 0;
    const uint32_t state = t->waiters_used ? lb_table_waiter(t, slot)->state : LB_SLOT_FREE;
    const uint32_t member = (uint32_t)rand() % (MEMBERS + 1);

    switch (rand() % 8) {
    case 0:
        if (state == LB_SLOT_WAITING) {
            lb_queue_grant(t, slot, (uint32_t)rand() % MEMBERS);
        }
        break;
    case 1:
        lb_queue_widen(t, slot);
        break;
    case 2:
    case 3:
        if (state != LB_SLOT_FREE) {
            lb_queue_remove(t, slot);
        }
        break;
    default:
        add_of(t, 0, (uint32_t)rand() % BALANCERS, member < MEMBERS ? member : LB_NOBODY,
               (uint32_t)rand() % 3);
    }
}

static uint32_t slots_that_are(lb_table_t *t, uint32_t state)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->waiter_count; i++) {
        n += lb_table_waiter(t, i)->state == state;
    }
    return n;
}

START_TEST(rebuilding_after_links_were_scrambled_gives_the_same_order)
{
    lb_table_t *t = new_table(MANY);
    line_t lines[BALANCERS], of_members[MEMBERS];

    srand((unsigned)_i);
    for (int n = 0; n < 30 * _i; n++) {
        do_something(t);
    }
    for (uint32_t i = 0; i < BALANCERS; i++) {
        lines[i] = line_of(t, i);
    }
    for (uint32_t i = 0; i < MEMBERS; i++) {
        of_members[i] = line_of_member(t, i);
    }
    scramble(t, (unsigned)_i);
    lb_queue_rebuild(t);
    lb_queue_check(t);
    for (uint32_t i = 0; i < BALANCERS; i++) {
        assert_line(line_of(t, i), lines[i].count, lines[i].slots);
    }
    for (uint32_t i = 0; i < MEMBERS; i++) {
        assert_line(line_of_member(t, i), of_members[i].count, of_members[i].slots);
    }
    for (uint32_t n = slots_that_are(t, LB_SLOT_FREE); n > 0; n--) {
        MUST(add(t, 5) != LB_NOBODY);
    }
    ck_assert_uint_eq(add(t, 5), LB_NOBODY);
}
END_TEST

START_TEST(order_is_that_of_priority_and_arrival_whatever_happens)
{
    lb_table_t *t = new_table(MANY);
    srand((unsigned)_i);
    for (int n = 0; n < 3000; n++) {
        do_something(t);
        lb_queue_check(t);
        size_t waiting = 0;
        for (uint32_t i = 0; i < BALANCERS + MEMBERS; i++) {
            const line_t line = i < BALANCERS ? line_of(t, i) : line_of_member(t, i - BALANCERS);
            waiting += line.count;
            for (size_t w = 1; w < line.count; w++) {
                MUST(lb_queue_is_before(lb_table_waiter(t, line.slots[w - 1]),
                                        lb_table_waiter(t, line.slots[w])));
            }
        }
        MUST(waiting == slots_that_are(t, LB_SLOT_WAITING));
    }
}
END_TEST

START_TEST(whatever_happens_with_flows_the_invariants_hold)
{
    lb_table_t *t = new_table(MANY);
    srand((unsigned)_i);
    for (int n = 0; n < 3000; n++) {
        const uint32_t slot = t->waiters_used ? (uint32_t)rand() % t->waiters_used : 0;
        const uint32_t state = t->waiters_used ? lb_table_waiter(t, slot)->state : LB_SLOT_FREE;
        if (state == LB_SLOT_GRANTED && rand() % 2) {
            lb_queue_take_back(t, slot, false);
        }
        else if (state == LB_SLOT_WAITING && rand() % 4 == 0) {
            lb_queue_refuse(t, slot, rand() % 2 ? LB_SLOT_SHED : LB_SLOT_LATE);
        }
        else if (rand() % 2) {
            add_at(t, (uint32_t)rand() % 3, (uint64_t)rand() % 7, n);
        }
        else {
            do_something(t);
        }
        lb_queue_check(t);
        if (n % 100 == 0) {
            lb_queue_rebuild(t);
            lb_queue_check(t);
        }
    }
}
END_TEST

/* ---- Invariants ------------------------------------------------------------------------------ */

START_TEST(broken_link_ends_a_checked_build)
{
    lb_table_t *t = new_table(SLOTS);
    add(t, 5);
    lb_table_waiter(t, add(t, 5))->prev[LB_IN_LANE] = LB_NOBODY;
    lb_queue_check(t);
}
END_TEST

START_TEST(waiter_in_no_list_ends_a_checked_build)
{
    lb_table_t *t = new_table(SLOTS);
    const uint32_t slot = add(t, 5);
    lb_queue_grant(t, slot, 0);
    lb_table_waiter(t, slot)->state = LB_SLOT_WAITING;
    lb_queue_check(t);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("queue");
    TCase *tc = tcase_create("queue");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, nobody_waits_in_a_new_table);
    tcase_add_test(tc, first_in_is_first_out);
    tcase_add_test(tc, smaller_priorities_go_first_and_each_is_in_order);
    tcase_add_test(tc, session_waits_in_the_list_of_its_member);
    tcase_add_test(tc, each_balancer_has_its_own_list);
    tcase_add_test(tc, earlier_sequence_is_before_a_later_one_only_within_a_priority);
    tcase_add_test(tc, granted_waiter_stands_in_no_list_and_keeps_its_slot);
    tcase_add_loop_test(tc, waiter_is_removed_from_every_position, 0, 120);
    tcase_add_test(tc, full_table_takes_no_more_until_a_slot_is_free);
    tcase_add_test(tc, table_without_slots_takes_nobody);
    tcase_add_test(tc, all_of_a_process_go_and_the_others_stay_in_order);
    tcase_add_loop_test(tc, widened_session_keeps_its_place, 0, 5);
    tcase_add_test(tc, widening_of_others_than_waiting_sessions_changes_nothing);
    tcase_add_test(tc, newest_first_within_each_priority);
    tcase_add_test(tc, newest_first_only_where_the_oldest_is_old);
    tcase_add_test(tc, flows_take_turns);
    tcase_add_test(tc, requests_without_a_flow_are_one_flow);
    tcase_add_test(tc, flow_that_comes_joins_the_round_unless_it_was_served_in_it);
    tcase_add_test(tc, priorities_go_before_flows);
    tcase_add_test(tc, who_declines_has_the_next_turn_of_its_flow);
    tcase_add_test(tc, who_leaves_costs_its_flow_nothing);
    tcase_add_test(tc, more_flows_than_lanes_wait_all_the_same);
    tcase_add_test(tc, rebuilding_keeps_flows_apart);
    tcase_add_test(tc, those_of_the_priority_and_before_it_are_ahead);
    tcase_add_test(tc, large_flow_is_not_ahead_of_a_small_one);
    tcase_add_test(tc, newest_of_the_least_important_gives_its_place);
    tcase_add_test(tc, largest_flow_gives_a_place_before_smaller_ones);
    tcase_add_test(tc, refused_waiter_stands_in_no_list_and_keeps_its_slot);
    tcase_add_loop_test(tc, rebuilding_after_links_were_scrambled_gives_the_same_order, 0, 50);
    tcase_add_loop_test(tc, order_is_that_of_priority_and_arrival_whatever_happens, 0, 5);
    tcase_add_loop_test(tc, whatever_happens_with_flows_the_invariants_hold, 0, 5);
    tcase_add_test_raise_signal(tc, broken_link_ends_a_checked_build, SIGABRT);
    tcase_add_test_raise_signal(tc, waiter_in_no_list_ends_a_checked_build, SIGABRT);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
