/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_admission.c - limits, whose turn it is, and who is told. */
#include <pthread.h>
#include <string.h>

#include "admission.h"
#include "outlook.h"
#include "queue.h"
#include "serving.h"
#include "shared_table.h"

enum {
    BALANCERS = 2,
    MEMBERS = 3,
    PROCESSES = 4,
    WAITERS = 64
};

/* ---- A balancer of three members ------------------------------------------------------------- */

typedef struct {
    lb_table_t *table;
    lb_arena_t arena;
    lb_contender_t contenders[MEMBERS];
    lb_candidate_t candidates[MEMBERS];
    size_t contender_of[MEMBERS];
    size_t busy[MEMBERS];
    lb_ledger_t ledger;        /* for a thread */
} field_t;

static void set_limit(const field_t *field, uint32_t member, uint32_t limit)
{
    atomic_store(&lb_table_member(field->table, member)->limit, limit);
}

static void set_queue_limit(const field_t *field, uint32_t member, uint32_t limit)
{
    atomic_store(&lb_table_member(field->table, member)->queue_limit, limit);
}

static field_t *new_field(uint32_t first, uint32_t second, uint32_t third)
{
    static field_t field;
    const uint32_t limits[MEMBERS] = { first, second, third };

    memset(&field, 0, sizeof(field));
    field.table = shared_table((lb_table_size_t){ BALANCERS, MEMBERS, PROCESSES, WAITERS });
    field.arena = (lb_arena_t){ .contenders = field.contenders,
                                .count = MEMBERS,
                                .open = 1,
                                .candidates = field.candidates,
                                .contender_of = field.contender_of };
    for (uint32_t m = 0; m < MEMBERS; m++) {
        field.contenders[m] = (lb_contender_t){
            .member = m, .weight = 100, .is_usable = true, .busy = &field.busy[m]
        };
        set_limit(&field, m, limits[m]);
        set_queue_limit(&field, m, WAITERS);
    }
    return &field;
}

static void take_out(field_t *field, uint32_t member)
{
    field->contenders[member].is_usable = false;
    field->contenders[member].turn = LB_NO_TURN;
}

static lb_waiter_t request_for(uint32_t member)
{
    lb_waiter_t request = { .priority = 5, .member = member };
    for (int i = 0; i < LB_TRIED_MAX; i++) {
        request.tried[i] = LB_NOBODY;
    }
    return request;
}

static uint32_t queue(lb_ledger_t *ledger, const field_t *field, const lb_waiter_t *request)
{
    lb_outcome_t refusal;
    const uint32_t slot = lb_admission_queue(ledger, request, &field->arena, &refusal);
    MUST((slot == LB_NOBODY) == (refusal != LB_SERVED));
    return slot;
}

static uint32_t queue_for(lb_ledger_t *ledger, const field_t *field, uint32_t member)
{
    const lb_waiter_t request = request_for(member);
    return queue(ledger, field, &request);
}

static uint32_t queue_after(lb_ledger_t *ledger, const field_t *field, uint32_t tried)
{
    lb_waiter_t request = request_for(LB_NOBODY);
    request.tried[0] = tried;
    return queue(ledger, field, &request);
}

static uint32_t queue_urgently(lb_ledger_t *ledger, const field_t *field)
{
    lb_waiter_t request = request_for(LB_NOBODY);
    request.priority = 1;
    return queue(ledger, field, &request);
}

static bool give_back(lb_ledger_t *ledger, field_t *field, uint32_t member)
{
    return lb_admission_give_back(ledger, 0, member, &field->busy[member], NULL, 0);
}

/* Give a right back, and let in who waits for it.
 * returns  how many */
static size_t pass_on(lb_ledger_t *ledger, field_t *field, uint32_t member)
{
    return give_back(ledger, field, member) ? lb_serving_let_in(field->table, &field->arena, 0)
                                            : 0;
}

static void fill(lb_ledger_t *ledger, const field_t *field)
{
    while (lb_admission_elect(ledger, &field->arena) >= 0) {
        /* until none has room */
    }
}

#define ASSERT_IN_FLIGHT(field, first, second, third) \
    do { \
        assert_sums_agree((field)->table); \
        ck_assert_uint_eq(in_flight((field)->table, 0), first); \
        ck_assert_uint_eq(in_flight((field)->table, 1), second); \
        ck_assert_uint_eq(in_flight((field)->table, 2), third); \
    } while (0)

/* ---- Limits ---------------------------------------------------------------------------------- */

START_TEST(members_are_filled_to_their_limits_and_no_further)
{
    field_t *field = new_field(1, 2, 3);
    lb_ledger_t ledger;
    join(&ledger, field->table);
    fill(&ledger, field);
    ASSERT_IN_FLIGHT(field, 1, 2, 3);
    for (uint32_t m = 0; m < MEMBERS; m++) {
        ck_assert(!lb_admission_take(&ledger, 0, m, NULL));
        ck_assert_uint_eq(field->busy[m], m + 1);
    }
    ck_assert(!give_back(&ledger, field, 1));    /* nobody waits */
    ck_assert_int_eq(lb_admission_elect(&ledger, &field->arena), 1);
    ck_assert_int_eq(lb_admission_elect(&ledger, &field->arena), -1);
}
END_TEST

START_TEST(limit_of_zero_is_none)
{
    field_t *field = new_field(1, 0, 1);
    lb_ledger_t ledger;
    join(&ledger, field->table);
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_ge(lb_admission_elect(&ledger, &field->arena), 0);
    }
    ASSERT_IN_FLIGHT(field, 1, 998, 1);
    ck_assert(lb_admission_take(&ledger, 0, 1, NULL));
}
END_TEST

/* Of a limit of 5 over all fronts of a fleet. */
START_TEST(share_holds_until_its_time_and_the_floor_afterwards)
{
    field_t *field = new_field(5, 0, 0);
    lb_ledger_t ledger;
    lb_member_row_t *row = lb_table_member(field->table, 0);
    join(&ledger, field->table);

    ck_assert_uint_eq(lb_table_share_of(row), UINT32_MAX);
    atomic_store(&row->is_shared, 1);
    ck_assert(!lb_admission_take(&ledger, 0, 0, NULL));    /* it has no part yet */
    ck_assert_uint_eq(lb_ledger_set_part(field->table, 0, 3, 1, INT64_MAX), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert(lb_admission_take(&ledger, 0, 0, NULL));
    }
    ck_assert(!lb_admission_take(&ledger, 0, 0, NULL));
    ck_assert_uint_eq(lb_ledger_set_part(field->table, 0, 9, 4, 0), 3);
    ck_assert(lb_admission_take(&ledger, 0, 0, NULL));
    ck_assert(!lb_admission_take(&ledger, 0, 0, NULL));
    lb_ledger_set_part(field->table, 0, 9, 4, INT64_MAX);
    ck_assert(lb_admission_take(&ledger, 0, 0, NULL));
    ck_assert(!lb_admission_take(&ledger, 0, 0, NULL));    /* the limit itself */
    ck_assert_uint_eq(lb_table_floor_of(row), 4);
    set_limit(field, 0, 0);
    ck_assert(lb_admission_take(&ledger, 0, 0, NULL));     /* no limit: nothing to share */
    ck_assert_uint_eq(lb_table_floor_of(row), UINT32_MAX);
    for (int i = 0; i < 6; i++) {
        lb_admission_give_back(&ledger, 0, 0, NULL, NULL, 0);
    }
    lb_ledger_leave(&ledger);
}
END_TEST

START_TEST(limits_hold_over_processes)
{
    field_t *field = new_field(1, 1, 1);
    lb_ledger_t ours, theirs;
    join(&ours, field->table);
    join(&theirs, field->table);
    ck_assert(lb_admission_take(&theirs, 0, 1, NULL));
    ck_assert_int_eq(lb_admission_elect(&ours, &field->arena), 0);
    ck_assert_int_eq(lb_admission_elect(&theirs, &field->arena), 2);
    ck_assert_int_eq(lb_admission_elect(&ours, &field->arena), -1);
    ck_assert(!lb_admission_take(&ours, 0, 1, NULL));
}
END_TEST

START_TEST(only_those_who_may_be_elected_are)
{
    field_t *field = new_field(0, 0, 0);
    lb_ledger_t ledger;
    join(&ledger, field->table);
    field->contenders[0].turn = LB_NO_TURN;    /* draining, say */
    take_out(field, 2);
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(lb_admission_elect(&ledger, &field->arena), 1);
    }
    take_out(field, 1);
    ck_assert_int_eq(lb_admission_elect(&ledger, &field->arena), -1);
}
END_TEST

START_TEST(limit_raised_at_run_time_lets_in_who_waits)
{
    field_t *field = new_field(1, 1, 1);
    lb_ledger_t ledger;
    join(&ledger, field->table);
    fill(&ledger, field);
    const uint32_t a = queue_for(&ledger, field, LB_NOBODY);
    const uint32_t b = queue_for(&ledger, field, LB_NOBODY);
    ck_assert_uint_eq(lb_serving_let_in(field->table, &field->arena, 0), 0);
    set_limit(field, 1, 2);
    ck_assert_uint_eq(lb_serving_let_in(field->table, &field->arena, 0), 1);
    ck_assert_uint_eq(lb_admission_granted(&ledger, a), 1);
    ck_assert(!lb_admission_is_granted(&ledger, b));
    set_limit(field, 1, 0);
    ck_assert_uint_eq(lb_serving_let_in(field->table, &field->arena, 0), 1);
    ck_assert_uint_eq(lb_admission_granted(&ledger, b), 1);
    ASSERT_IN_FLIGHT(field, 1, 3, 1);
}
END_TEST

START_TEST(limit_lowered_at_run_time_lets_nobody_in_until_it_is_kept)
{
    field_t *field = new_field(3, 1, 1);
    lb_ledger_t ledger;
    join(&ledger, field->table);
    fill(&ledger, field);
    set_limit(field, 0, 1);
    queue_for(&ledger, field, LB_NOBODY);
    ck_assert_uint_eq(pass_on(&ledger, field, 0), 0);
    ck_assert_uint_eq(pass_on(&ledger, field, 0), 0);
    ck_assert_uint_eq(pass_on(&ledger, field, 0), 1);
    ASSERT_IN_FLIGHT(field, 1, 1, 1);
}
END_TEST

START_TEST(process_without_a_row_counts_nothing_and_cannot_wait)
{
    field_t *field = new_field(1, 1, 1);
    lb_ledger_t ledger;
    use(&ledger, field->table);
    for (int i = 0; i < 10; i++) {
        ck_assert_int_ge(lb_admission_elect(&ledger, &field->arena), 0);
    }
    ASSERT_IN_FLIGHT(field, 0, 0, 0);
    ck_assert(!give_back(&ledger, field, 0));
    ck_assert_uint_eq(queue_for(&ledger, field, LB_NOBODY), LB_NOBODY);
}
END_TEST

/* ---- Turns ----------------------------------------------------------------------------------- */

/* Each member has a turn of its own, and the first `open` of them are open. */
static field_t *new_field_of_turns(uint32_t open)
{
    field_t *field = new_field(1, 1, 1);
    for (uint32_t m = 0; m < MEMBERS; m++) {
        field->contenders[m].turn = MEMBERS - 1 - m;
    }
    field->arena.open = open;
    return field;
}

START_TEST(turn_without_room_overflows_into_the_next_open_one)
{
    field_t *field = new_field_of_turns(2);
    lb_ledger_t ledger;
    join(&ledger, field->table);
    ck_assert_int_eq(lb_admission_elect(&ledger, &field->arena), 2);
    ck_assert_int_eq(lb_admission_elect(&ledger, &field->arena), 1);
    ck_assert_int_eq(lb_admission_elect(&ledger, &field->arena), -1);
    give_back(&ledger, field, 2);
    give_back(&ledger, field, 1);
    ck_assert_int_eq(lb_admission_elect(&ledger, &field->arena), 2);
    field->arena.open = 1;
    ck_assert_int_eq(lb_admission_elect(&ledger, &field->arena), -1);
}
END_TEST

START_TEST(who_waits_gets_what_is_free_in_any_open_turn_the_first_before_the_others)
{
    field_t *field = new_field_of_turns(2);
    lb_ledger_t ledger;
    join(&ledger, field->table);
    fill(&ledger, field);
    ck_assert(lb_admission_take(&ledger, 0, 0, NULL));
    const uint32_t first = queue_for(&ledger, field, LB_NOBODY);
    const uint32_t second = queue_for(&ledger, field, LB_NOBODY);
    ck_assert_uint_eq(pass_on(&ledger, field, 0), 0);    /* its turn is not open */
    give_back(&ledger, field, 1);
    ck_assert_uint_eq(pass_on(&ledger, field, 2), 2);
    ck_assert_uint_eq(lb_admission_granted(&ledger, first), 2);
    ck_assert_uint_eq(lb_admission_granted(&ledger, second), 1);
}
END_TEST

START_TEST(who_has_tried_all_open_turns_goes_on_to_the_next_and_no_further)
{
    field_t *field = new_field_of_turns(1);
    lb_ledger_t ledger;
    join(&ledger, field->table);
    for (uint32_t m = 0; m < MEMBERS; m++) {
        ck_assert(lb_admission_take(&ledger, 0, m, NULL));
    }
    const uint32_t failed = queue_after(&ledger, field, 2);
    ck_assert_uint_eq(pass_on(&ledger, field, 0), 0);
    ck_assert_uint_eq(pass_on(&ledger, field, 1), 1);
    ck_assert_uint_eq(lb_admission_granted(&ledger, failed), 1);
}
END_TEST

START_TEST(queues_of_open_turns_add_up)
{
    field_t *field = new_field_of_turns(2);
    lb_ledger_t ledger;
    join(&ledger, field->table);
    fill(&ledger, field);
    for (uint32_t m = 0; m < MEMBERS; m++) {
        set_queue_limit(field, m, 2);
    }
    for (int i = 0; i < 4; i++) {
        ck_assert_uint_ne(queue_for(&ledger, field, LB_NOBODY), LB_NOBODY);
    }
    ck_assert_uint_eq(queue_for(&ledger, field, LB_NOBODY), LB_NOBODY);
}
END_TEST

/* ---- Order ----------------------------------------------------------------------------------- */

START_TEST(newcomer_does_not_overtake_who_waits)
{
    field_t *field = new_field(1, 1, 1);
    lb_ledger_t ledger, other;
    join(&ledger, field->table);
    join(&other, field->table);
    fill(&ledger, field);
    const uint32_t slot = queue_for(&ledger, field, LB_NOBODY);
    ck_assert(give_back(&ledger, field, 1));    /* somebody waits; not served yet */
    ck_assert_int_eq(lb_admission_elect(&other, &field->arena), -1);
    ck_assert(!lb_admission_take(&other, 0, 1, NULL));
    ck_assert_uint_eq(lb_serving_let_in(field->table, &field->arena, 0), 1);
    ck_assert_uint_eq(lb_admission_end(&ledger, slot, LB_CLIENT_ABORT, 0), 1);
    ASSERT_IN_FLIGHT(field, 1, 1, 1);
    give_back(&ledger, field, 1);
    ck_assert_int_eq(lb_admission_elect(&other, &field->arena), 1);
}
END_TEST

START_TEST(newcomer_does_not_overtake_a_session_that_waits_for_the_member)
{
    field_t *field = new_field(1, 1, 1);
    lb_ledger_t ledger;
    join(&ledger, field->table);
    fill(&ledger, field);
    queue_for(&ledger, field, 1);
    ck_assert(give_back(&ledger, field, 1));
    ck_assert_int_eq(lb_admission_elect(&ledger, &field->arena), -1);
    ck_assert(!give_back(&ledger, field, 2));    /* which the session does not want */
    ck_assert_int_eq(lb_admission_elect(&ledger, &field->arena), 2);
}
END_TEST

START_TEST(those_who_wait_are_served_in_their_order)
{
    field_t *field = new_field(1, 1, 1);
    lb_ledger_t ledger;
    uint32_t slots[6];
    join(&ledger, field->table);
    fill(&ledger, field);
    for (int i = 1; i < 6; i++) {
        slots[i] = queue_for(&ledger, field, LB_NOBODY);
    }
    slots[0] = queue_urgently(&ledger, field);
    for (int i = 0; i < 6; i++) {
        const uint32_t freed = (uint32_t)i % MEMBERS;
        ck_assert_uint_eq(pass_on(&ledger, field, freed), 1);
        for (int j = i + 1; j < 6; j++) {
            ck_assert(!lb_admission_is_granted(&ledger, slots[j]));
        }
        ck_assert_uint_eq(lb_admission_end(&ledger, slots[i], LB_CLIENT_ABORT, 0), freed);
    }
    ck_assert(!give_back(&ledger, field, 0));
}
END_TEST

START_TEST(session_that_waits_is_served_in_its_turn)
{
    field_t *field = new_field(1, 1, 1);
    lb_ledger_t ledger;
    join(&ledger, field->table);
    fill(&ledger, field);
    const uint32_t before = queue_for(&ledger, field, LB_NOBODY);
    const uint32_t session = queue_for(&ledger, field, 1);
    const uint32_t after = queue_for(&ledger, field, LB_NOBODY);
    ck_assert_uint_eq(pass_on(&ledger, field, 1), 1);
    ck_assert_uint_eq(lb_admission_end(&ledger, before, LB_CLIENT_ABORT, 0), 1);
    ck_assert_uint_eq(pass_on(&ledger, field, 1), 1);
    ck_assert_uint_eq(lb_admission_end(&ledger, session, LB_CLIENT_ABORT, 0), 1);
    ck_assert_uint_eq(pass_on(&ledger, field, 1), 1);
    ck_assert_uint_eq(lb_admission_end(&ledger, after, LB_CLIENT_ABORT, 0), 1);
}
END_TEST

START_TEST(session_does_not_hold_up_those_who_take_any_member)
{
    field_t *field = new_field(1, 1, 1);
    lb_ledger_t ledger;
    join(&ledger, field->table);
    fill(&ledger, field);
    const uint32_t session = queue_for(&ledger, field, 1);
    const uint32_t any = queue_for(&ledger, field, LB_NOBODY);
    ck_assert_uint_eq(pass_on(&ledger, field, 0), 1);
    ck_assert_uint_eq(lb_admission_granted(&ledger, any), 0);
    ck_assert(!lb_admission_is_granted(&ledger, session));
}
END_TEST

START_TEST(session_is_served_by_its_member_also_when_that_is_draining_but_not_when_it_is_down)
{
    field_t *field = new_field(1, 1, 1);
    lb_ledger_t ledger;
    join(&ledger, field->table);
    fill(&ledger, field);
    const uint32_t session = queue_for(&ledger, field, 1);
    take_out(field, 1);
    ck_assert_uint_eq(pass_on(&ledger, field, 1), 0);
    field->contenders[1].is_usable = true;
    ck_assert_uint_eq(lb_serving_let_in(field->table, &field->arena, 0), 1);
    ck_assert_uint_eq(lb_admission_granted(&ledger, session), 1);
}
END_TEST

START_TEST(widened_session_takes_any_member_and_keeps_its_place)
{
    field_t *field = new_field(1, 1, 1);
    lb_ledger_t ledger;
    join(&ledger, field->table);
    fill(&ledger, field);
    const uint32_t session = queue_for(&ledger, field, 1);
    const uint32_t any = queue_for(&ledger, field, LB_NOBODY);
    lb_admission_widen(&ledger, session);
    ck_assert_uint_eq(pass_on(&ledger, field, 2), 1);
    ck_assert_uint_eq(lb_admission_granted(&ledger, session), 2);
    ck_assert(!lb_admission_is_granted(&ledger, any));
}
END_TEST

START_TEST(member_that_was_tried_is_not_granted_and_goes_to_the_next_in_line)
{
    field_t *field = new_field(1, 1, 1);
    lb_ledger_t ledger;
    join(&ledger, field->table);
    fill(&ledger, field);
    const uint32_t choosy = queue_after(&ledger, field, 0);
    const uint32_t any = queue_for(&ledger, field, LB_NOBODY);
    ck_assert_uint_eq(pass_on(&ledger, field, 0), 1);
    ck_assert(!lb_admission_is_granted(&ledger, choosy));
    ck_assert_uint_eq(lb_admission_granted(&ledger, any), 0);
    ck_assert_uint_eq(pass_on(&ledger, field, 2), 1);
    ck_assert_uint_eq(lb_admission_granted(&ledger, choosy), 2);
}
END_TEST

START_TEST(who_has_tried_all_of_the_set_is_let_in_to_another_set_and_nobody_else_is)
{
    field_t *field = new_field(1, 1, 1);
    lb_ledger_t ledger;
    join(&ledger, field->table);
    fill(&ledger, field);
    field->contenders[1].turn = LB_NO_TURN;    /* draining, say */
    field->contenders[2].turn = 1;             /* a standby */
    const uint32_t any = queue_for(&ledger, field, LB_NOBODY);
    const uint32_t failed = queue_after(&ledger, field, 0);
    ck_assert_uint_eq(pass_on(&ledger, field, 1), 0);
    ck_assert_uint_eq(pass_on(&ledger, field, 2), 1);
    ck_assert_uint_eq(lb_admission_granted(&ledger, failed), 2);
    ck_assert(!lb_admission_is_granted(&ledger, any));
    ck_assert_uint_eq(pass_on(&ledger, field, 0), 1);
    ck_assert_uint_eq(lb_admission_granted(&ledger, any), 0);
}
END_TEST

START_TEST(who_waits_is_spread_by_weight)
{
    field_t *field = new_field(0, 0, 0);
    lb_ledger_t ledger;
    join(&ledger, field->table);
    for (int i = 0; i < 40; i++) {
        queue_for(&ledger, field, LB_NOBODY);
    }
    field->contenders[0].weight = 200;
    ck_assert_uint_eq(lb_serving_let_in(field->table, &field->arena, 0), 40);
    ASSERT_IN_FLIGHT(field, 20, 10, 10);
}
END_TEST

START_TEST(each_balancer_has_its_own_queue)
{
    field_t *field = new_field(1, 1, 1);
    lb_ledger_t ledger;
    join(&ledger, field->table);
    fill(&ledger, field);
    queue_for(&ledger, field, LB_NOBODY);
    ck_assert(!lb_admission_give_back(&ledger, 1, 0, NULL, NULL, 0));
    field->arena.balancer = 1;
    ck_assert_uint_eq(lb_serving_let_in(field->table, &field->arena, 0), 0);
}
END_TEST

/* ---- How many may wait ----------------------------------------------------------------------- */

START_TEST(as_many_wait_as_the_members_together_allow)
{
    field_t *field = new_field(1, 1, 1);
    lb_ledger_t ledger;
    join(&ledger, field->table);
    set_queue_limit(field, 0, 2);
    set_queue_limit(field, 1, 0);
    set_queue_limit(field, 2, 1);
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_ne(queue_for(&ledger, field, LB_NOBODY), LB_NOBODY);
    }
    ck_assert_uint_eq(queue_for(&ledger, field, LB_NOBODY), LB_NOBODY);
    ck_assert_uint_ne(queue_for(&ledger, field, 0), LB_NOBODY);    /* sessions count apart */
}
END_TEST

START_TEST(as_many_sessions_wait_as_their_member_allows)
{
    field_t *field = new_field(1, 1, 1);
    lb_ledger_t ledger;
    join(&ledger, field->table);
    set_queue_limit(field, 1, 2);
    const uint32_t first = queue_for(&ledger, field, 1);
    ck_assert_uint_ne(queue_for(&ledger, field, 1), LB_NOBODY);
    ck_assert_uint_eq(queue_for(&ledger, field, 1), LB_NOBODY);
    ck_assert_uint_ne(queue_for(&ledger, field, 2), LB_NOBODY);
    ck_assert_uint_eq(lb_admission_end(&ledger, first, LB_CLIENT_ABORT, 0), LB_NOBODY);
    ck_assert_uint_ne(queue_for(&ledger, field, 1), LB_NOBODY);
}
END_TEST

START_TEST(queue_of_a_member_that_may_not_be_elected_does_not_count)
{
    field_t *field = new_field(1, 1, 1);
    lb_ledger_t ledger;
    join(&ledger, field->table);
    take_out(field, 0);
    take_out(field, 1);
    set_queue_limit(field, 2, 1);
    ck_assert_uint_ne(queue_for(&ledger, field, LB_NOBODY), LB_NOBODY);
    ck_assert_uint_eq(queue_for(&ledger, field, LB_NOBODY), LB_NOBODY);
}
END_TEST

START_TEST(full_table_refuses_also_when_the_limits_would_not)
{
    field_t *field = new_field(1, 1, 1);
    lb_ledger_t ledger;
    join(&ledger, field->table);
    for (int i = 0; i < WAITERS; i++) {
        ck_assert_uint_ne(queue_for(&ledger, field, LB_NOBODY), LB_NOBODY);
    }
    ck_assert_uint_eq(queue_for(&ledger, field, LB_NOBODY), LB_NOBODY);
}
END_TEST

/* ---- The order of the queue ------------------------------------------------------------------ */

#define MS INT64_C(1000)

static const lb_queue_rule_t promised = { .order = LB_ORDER_ADAPTIVE,
                                          .target = 100 * MS,
                                          .target_is_promised = true };

static uint32_t queue_at(lb_ledger_t *ledger, const field_t *field, uint32_t priority, int64_t now)
{
    lb_waiter_t request = request_for(LB_NOBODY);
    request.priority = priority;
    request.since = now;
    return queue(ledger, field, &request);
}

static size_t pass_on_at(lb_ledger_t *ledger, field_t *field, uint32_t member, int64_t now)
{
    return lb_admission_give_back(ledger, 0, member, &field->busy[member], NULL, now)
               ? lb_serving_let_in(field->table, &field->arena, now)
               : 0;
}

START_TEST(newest_of_a_priority_is_served_first_when_so_configured)
{
    field_t *field = new_field(1, 1, 1);
    lb_ledger_t ledger;
    join(&ledger, field->table);
    field->arena.queue.order = LB_ORDER_LIFO;
    fill(&ledger, field);
    const uint32_t old = queue_at(&ledger, field, 5, 1), new = queue_at(&ledger, field, 5, 2);
    const uint32_t urgent = queue_at(&ledger, field, 1, 0);
    ck_assert_uint_eq(pass_on_at(&ledger, field, 0, 3), 1);
    ck_assert(lb_admission_is_granted(&ledger, urgent));
    ck_assert_uint_eq(pass_on_at(&ledger, field, 1, 3), 1);
    ck_assert(lb_admission_is_granted(&ledger, new));
    ck_assert_uint_eq(pass_on_at(&ledger, field, 2, 100000 * MS), 1);
    ck_assert(lb_admission_is_granted(&ledger, old));    /* nobody is refused */
}
END_TEST

START_TEST(queue_that_stands_is_served_newest_first_and_who_waited_too_long_is_told)
{
    field_t *field = new_field(1, 1, 1);
    lb_ledger_t ledger;
    join(&ledger, field->table);
    field->arena.queue = promised;
    fill(&ledger, field);
    const uint32_t late = queue_at(&ledger, field, 5, 1);
    const uint32_t old = queue_at(&ledger, field, 5, 150 * MS);
    const uint32_t new = queue_at(&ledger, field, 5, 155 * MS);
    ck_assert_uint_eq(lb_serving_let_in(field->table, &field->arena, 160 * MS), 0);
    ck_assert(!lb_admission_is_decided(&ledger, late));
    const uint32_t heard = *lb_ledger_bell(&ledger);
    ck_assert_uint_eq(lb_serving_let_in(field->table, &field->arena, 270 * MS), 0);
    ck_assert(lb_admission_is_decided(&ledger, late));
    ck_assert_int_eq(lb_admission_refusal(&ledger, late), LB_QUEUE_TIMEOUT);
    ck_assert_uint_ne(*lb_ledger_bell(&ledger), heard);
    ck_assert_uint_eq(lb_admission_end(&ledger, late, LB_SERVED, 270 * MS), LB_NOBODY);
    ck_assert(!lb_admission_is_decided(&ledger, old));
    ck_assert_uint_eq(pass_on_at(&ledger, field, 0, 271 * MS), 1);
    ck_assert(lb_admission_is_granted(&ledger, new));
    ck_assert_int_eq(lb_admission_refusal(&ledger, new), LB_SERVED);
    ck_assert_uint_eq(pass_on_at(&ledger, field, 1, 272 * MS), 1);
    ck_assert(lb_admission_is_granted(&ledger, old));
    ASSERT_IN_FLIGHT(field, 1, 1, 1);
    ck_assert_int_eq(lb_outlook_of(field->table, &field->arena, 273 * MS).oldest, 0);
}
END_TEST

START_TEST(queue_that_serves_everybody_is_in_turn_however_long_it_takes)
{
    field_t *field = new_field(1, 1, 1);
    lb_ledger_t ledger;
    uint32_t slots[10];
    join(&ledger, field->table);
    field->arena.queue = promised;
    field->arena.queue.target_is_promised = false;
    fill(&ledger, field);
    for (int i = 0; i < 10; i++) {
        slots[i] = queue_at(&ledger, field, 5, i + 1);
    }
    for (int i = 0; i < 10; i++) {
        const int64_t now = (i + 1) * 1000 * MS;
        ck_assert_uint_eq(pass_on_at(&ledger, field, (uint32_t)i % 3, now), 1);
        ck_assert_uint_eq(lb_admission_end(&ledger, slots[i], LB_SERVED, now), i % 3);
    }
}
END_TEST

START_TEST(sessions_that_wait_too_long_are_told_too)
{
    field_t *field = new_field(1, 1, 1);
    lb_ledger_t ledger;
    join(&ledger, field->table);
    field->arena.queue = promised;
    fill(&ledger, field);
    lb_waiter_t request = request_for(1);
    request.since = 1;
    const uint32_t session = queue(&ledger, field, &request);
    for (int64_t now = 1; now < 350 * MS; now += 10 * MS) {
        lb_serving_let_in(field->table, &field->arena, now);
    }
    ck_assert_int_eq(lb_admission_refusal(&ledger, session), LB_QUEUE_TIMEOUT);
    ck_assert_uint_eq(lb_table_member(field->table, 1)->waiting, 0);
}
END_TEST

/* ---- Who is refused at once ------------------------------------------------------------------ */

static lb_outcome_t refusal_of(lb_ledger_t *ledger, const field_t *field, int64_t patience,
                               int64_t now)
{
    lb_waiter_t request = request_for(LB_NOBODY);
    lb_outcome_t refusal;
    request.since = now;
    request.patience = patience;
    const uint32_t slot = lb_admission_queue(ledger, &request, &field->arena, &refusal);
    ck_assert((slot == LB_NOBODY) == (refusal != LB_SERVED));
    if (slot != LB_NOBODY) {
        lb_admission_end(ledger, slot, LB_SERVED, now);
    }
    return refusal;
}

START_TEST(request_that_would_wait_longer_than_it_may_is_refused_at_once)
{
    field_t *field = new_field(1, 1, 1);
    lb_ledger_t ledger;
    join(&ledger, field->table);
    fill(&ledger, field);
    for (uint32_t m = 0; m < MEMBERS; m++) {
        lb_admission_give_back(&ledger, 0, m, NULL, &(lb_use_t){ .took = 600 * MS }, 1);
    }
    fill(&ledger, field);
    for (int i = 0; i < 10; i++) {
        queue_at(&ledger, field, 5, 2);
    }
    ck_assert_int_eq(lb_outlook_of(field->table, &field->arena, 2).estimate, 2000 * MS);
    ck_assert_int_eq(refusal_of(&ledger, field, 2001 * MS, 2), LB_SERVED);
    ck_assert_int_eq(refusal_of(&ledger, field, 1999 * MS, 2), LB_NO_TIME);
    ck_assert_int_eq(refusal_of(&ledger, field, 0, 2), LB_SERVED);    /* nobody said how long */
    set_limit(field, 2, 0);
    ck_assert_int_eq(refusal_of(&ledger, field, 1, 2), LB_SERVED);
}
END_TEST

START_TEST(nobody_is_refused_for_a_guess)
{
    field_t *field = new_field(1, 1, 1);
    lb_ledger_t ledger;
    join(&ledger, field->table);
    fill(&ledger, field);
    for (int i = 0; i < 10; i++) {
        queue_at(&ledger, field, 5, 2);
    }
    ck_assert_int_eq(refusal_of(&ledger, field, 1, 2), LB_SERVED);
    ck_assert_int_eq(lb_outlook_of(field->table, &field->arena, 2).estimate, 0);
}
END_TEST

/* ---- Whose place it is ----------------------------------------------------------------------- */

static field_t *full_queue_of_three(lb_ledger_t *ledger, uint32_t *slots)
{
    field_t *field = new_field(1, 1, 1);
    join(ledger, field->table);
    field->arena.queue = promised;
    fill(ledger, field);
    for (uint32_t m = 0; m < MEMBERS; m++) {
        set_queue_limit(field, m, 1);
        slots[m] = queue_at(ledger, field, 5 + m, 1);
    }
    return field;
}

START_TEST(full_queue_gives_the_place_of_the_least_important_to_a_more_important_one)
{
    lb_ledger_t ledger;
    uint32_t slots[MEMBERS];
    field_t *field = full_queue_of_three(&ledger, slots);
    ck_assert_uint_eq(queue_at(&ledger, field, 7, 2), LB_NOBODY);    /* not more important */
    const uint32_t heard = *lb_ledger_bell(&ledger);
    const uint32_t checkout = queue_at(&ledger, field, 0, 2);
    ck_assert_uint_ne(checkout, LB_NOBODY);
    ck_assert_uint_ne(*lb_ledger_bell(&ledger), heard);
    ck_assert_int_eq(lb_admission_refusal(&ledger, slots[2]), LB_SHED);
    ck_assert_uint_eq(lb_table_balancer(field->table, 0)->waiting, 3);
    ck_assert_uint_eq(lb_admission_end(&ledger, slots[2], LB_SERVED, 3), LB_NOBODY);
    ck_assert_uint_eq(pass_on_at(&ledger, field, 1, 3), 1);
    ck_assert(lb_admission_is_granted(&ledger, checkout));
}
END_TEST

START_TEST(first_in_first_out_sheds_nobody)
{
    lb_ledger_t ledger;
    uint32_t slots[MEMBERS];
    field_t *field = full_queue_of_three(&ledger, slots);
    field->arena.queue.order = LB_ORDER_FIFO;
    ck_assert_uint_eq(queue_at(&ledger, field, 0, 2), LB_NOBODY);
    ck_assert(!lb_admission_is_decided(&ledger, slots[2]));
}
END_TEST

START_TEST(reserved_places_are_for_the_important)
{
    field_t *field = new_field(1, 1, 1);
    lb_ledger_t ledger;
    join(&ledger, field->table);
    field->arena.queue.reserve = 2;
    fill(&ledger, field);
    set_queue_limit(field, 0, 4);
    set_queue_limit(field, 1, 0);
    set_queue_limit(field, 2, 0);
    ck_assert_uint_ne(queue_at(&ledger, field, 5, 1), LB_NOBODY);
    ck_assert_uint_ne(queue_at(&ledger, field, 3, 1), LB_NOBODY);
    ck_assert_uint_eq(queue_at(&ledger, field, 3, 1), LB_NOBODY);
    ck_assert_uint_ne(queue_at(&ledger, field, 2, 1), LB_NOBODY);
    ck_assert_uint_eq(queue_at(&ledger, field, 5, 1), LB_NOBODY);
    ck_assert_uint_ne(queue_at(&ledger, field, 0, 1), LB_NOBODY);
    ck_assert_uint_eq(queue_at(&ledger, field, 0, 1), LB_NOBODY);
}
END_TEST

START_TEST(more_reserved_than_there_are_places_leaves_none_for_others)
{
    field_t *field = new_field(1, 1, 1);
    lb_ledger_t ledger;
    join(&ledger, field->table);
    field->arena.queue.reserve = UINT32_MAX;
    fill(&ledger, field);
    ck_assert_uint_eq(queue_at(&ledger, field, 5, 1), LB_NOBODY);
    ck_assert_uint_ne(queue_at(&ledger, field, 1, 1), LB_NOBODY);
}
END_TEST

START_TEST(budget_of_retries_is_one_for_all_processes)
{
    field_t *field = new_field(0, 0, 0);
    lb_ledger_t ours, theirs;
    join(&ours, field->table);
    join(&theirs, field->table);
    for (int i = 0; i < 50; i++) {
        lb_ledger_t *one = i % 2 ? &ours : &theirs;
        ck_assert(lb_admission_take(one, 0, 0, NULL));
        lb_admission_give_back(one, 0, 0, NULL, &(lb_use_t){ .took = 1 }, 100);
    }
    ck_assert_uint_eq(lb_outlook_of(field->table, &field->arena, 100).retries_left, 20);
    for (int i = 0; i < 20; i++) {
        ck_assert(lb_admission_may_resend(field->table, 0, 100));
    }
    ck_assert(!lb_admission_may_resend(field->table, 0, 100));
    ck_assert_uint_eq(lb_outlook_of(field->table, &field->arena, 100).resent, 20);
    ck_assert_uint_eq(lb_outlook_of(field->table, &field->arena, 100).not_resent, 1);
    ck_assert(lb_admission_may_resend(field->table, 1, 100));    /* another balancer's */
}
END_TEST

START_TEST(client_that_leaves_a_right_that_is_kept_is_lost_if_it_had_waited)
{
    field_t *field = new_field(1, 1, 1);
    lb_ledger_t ledger;
    join(&ledger, field->table);
    fill(&ledger, field);
    const lb_delay_t *delay = &lb_table_line(field->table, 0)->delay;
    lb_admission_note_gone(field->table, 0, 1, 0, 300);
    ck_assert_uint_eq(delay->lost, 0);
    lb_admission_note_gone(field->table, 0, 1, 500, 300);
    ck_assert_uint_eq(delay->lost, 1);
    ck_assert_uint_eq(delay->patience_us, 800);
    ASSERT_IN_FLIGHT(field, 1, 1, 1);
    lb_admission_give_back(&ledger, 0, 1, NULL, &(lb_use_t){ .took = 900, .waited = 500 }, 1000);
    ck_assert_uint_eq(delay->lost, 1);
    ck_assert_uint_eq(lb_service_mean(&lb_table_member(field->table, 1)->service, 1000), 900);
}
END_TEST

/* ---- Ending ---------------------------------------------------------------------------------- */

START_TEST(who_ends_before_it_is_served_holds_nothing_and_stands_in_nobodys_way)
{
    field_t *field = new_field(1, 1, 1);
    lb_ledger_t ledger;
    join(&ledger, field->table);
    fill(&ledger, field);
    const uint32_t a = queue_for(&ledger, field, LB_NOBODY);
    const uint32_t b = queue_for(&ledger, field, LB_NOBODY);
    ck_assert_uint_eq(lb_admission_end(&ledger, a, LB_CLIENT_ABORT, 0), LB_NOBODY);
    ck_assert_uint_eq(pass_on(&ledger, field, 2), 1);
    ck_assert_uint_eq(lb_admission_end(&ledger, b, LB_CLIENT_ABORT, 0), 2);
    ASSERT_IN_FLIGHT(field, 1, 1, 1);
}
END_TEST

START_TEST(right_granted_is_held_after_the_end_and_counted_once_all_the_time)
{
    field_t *field = new_field(1, 1, 1);
    lb_ledger_t ledger;
    join(&ledger, field->table);
    const uint32_t slot = queue_for(&ledger, field, 1);
    ASSERT_IN_FLIGHT(field, 0, 0, 0);
    lb_serving_let_in(field->table, &field->arena, 0);
    ASSERT_IN_FLIGHT(field, 0, 1, 0);
    ck_assert_uint_eq(field->busy[1], 1);
    ck_assert(!lb_admission_take(&ledger, 0, 1, NULL));
    ck_assert_uint_eq(lb_admission_end(&ledger, slot, LB_CLIENT_ABORT, 0), 1);
    ASSERT_IN_FLIGHT(field, 0, 1, 0);
    ck_assert_uint_eq(lb_table_held_by(field->table, ledger.row)[1], 1);
    ck_assert(!give_back(&ledger, field, 1));
    ASSERT_IN_FLIGHT(field, 0, 0, 0);
    ck_assert_uint_eq(field->busy[1], 0);
}
END_TEST

START_TEST(declined_right_is_free_again_and_who_declined_keeps_its_place)
{
    field_t *field = new_field(1, 1, 1);
    lb_ledger_t ledger;
    join(&ledger, field->table);
    fill(&ledger, field);
    const uint32_t a = queue_for(&ledger, field, LB_NOBODY);
    const uint32_t b = queue_for(&ledger, field, LB_NOBODY);
    ck_assert_uint_eq(lb_admission_granted(&ledger, a), LB_NOBODY);
    ck_assert_uint_eq(pass_on(&ledger, field, 2), 1);
    ck_assert_uint_eq(lb_admission_granted(&ledger, a), 2);
    lb_admission_decline(&ledger, a, true);
    ck_assert_uint_eq(lb_admission_granted(&ledger, a), LB_NOBODY);
    ASSERT_IN_FLIGHT(field, 1, 1, 0);
    ck_assert_uint_eq(lb_serving_let_in(field->table, &field->arena, 0), 1);
    ck_assert_uint_eq(lb_admission_granted(&ledger, b), 2);    /* a does not want it */
    const uint32_t c = queue_for(&ledger, field, LB_NOBODY);
    ck_assert_uint_eq(pass_on(&ledger, field, 0), 1);
    ck_assert_uint_eq(lb_admission_granted(&ledger, a), 0);    /* and goes before c */
    ck_assert(!lb_admission_is_granted(&ledger, c));
    lb_admission_decline(&ledger, c, true);    /* waits: nothing to decline */
    ASSERT_IN_FLIGHT(field, 1, 1, 1);
}
END_TEST

START_TEST(who_declines_for_now_may_get_the_same_later)
{
    field_t *field = new_field(1, 1, 1);
    lb_ledger_t ledger;
    join(&ledger, field->table);
    fill(&ledger, field);
    const uint32_t slot = queue_for(&ledger, field, LB_NOBODY);
    ck_assert_uint_eq(pass_on(&ledger, field, 1), 1);
    lb_admission_decline(&ledger, slot, false);    /* another request has its trial */
    ASSERT_IN_FLIGHT(field, 1, 0, 1);
    ck_assert_uint_eq(lb_serving_let_in(field->table, &field->arena, 0), 1);
    ck_assert_uint_eq(lb_admission_granted(&ledger, slot), 1);
}
END_TEST

START_TEST(who_declines_often_is_still_counted_once)
{
    field_t *field = new_field(0, 0, 0);
    lb_ledger_t ledger;
    join(&ledger, field->table);
    const uint32_t slot = queue_for(&ledger, field, LB_NOBODY);
    for (int i = 0; i < MEMBERS; i++) {
        ck_assert_uint_eq(lb_serving_let_in(field->table, &field->arena, 0), 1);
        lb_admission_decline(&ledger, slot, true);
    }
    ck_assert_uint_eq(lb_serving_let_in(field->table, &field->arena, 0), 0);
    ASSERT_IN_FLIGHT(field, 0, 0, 0);
    ck_assert_uint_eq(lb_admission_end(&ledger, slot, LB_CLIENT_ABORT, 0), LB_NOBODY);
}
END_TEST

START_TEST(process_that_has_left_takes_its_waiters_along)
{
    field_t *field = new_field(1, 1, 1);
    lb_ledger_t ledger, other;
    join(&ledger, field->table);
    join(&other, field->table);
    fill(&other, field);
    const uint32_t slot = queue_for(&ledger, field, LB_NOBODY);
    pass_on(&other, field, 0);
    ck_assert(lb_admission_is_granted(&ledger, slot));
    lb_ledger_leave(&ledger);
    ASSERT_IN_FLIGHT(field, 0, 1, 1);
    const uint32_t reused = queue_for(&other, field, LB_NOBODY);
    ck_assert_uint_eq(reused, slot);
    lb_admission_widen(&ledger, slot);
    lb_admission_decline(&ledger, slot, true);
    /* it is not its own any more */
    ck_assert_uint_eq(lb_admission_end(&ledger, slot, LB_CLIENT_ABORT, 0), LB_NOBODY);
    ck_assert_uint_eq(lb_serving_let_in(field->table, &field->arena, 0), 1);
    ck_assert_uint_eq(lb_admission_end(&other, reused, LB_CLIENT_ABORT, 0), 0);
}
END_TEST

/* ---- Who is told ----------------------------------------------------------------------------- */

START_TEST(bell_of_the_process_that_waits_rings)
{
    field_t *field = new_field(1, 1, 1);
    lb_ledger_t ledger, second, third;
    join(&ledger, field->table);
    join(&second, field->table);
    join(&third, field->table);
    fill(&ledger, field);
    queue_for(&third, field, LB_NOBODY);
    queue_for(&second, field, LB_NOBODY);
    ck_assert_uint_eq(pass_on(&ledger, field, 1), 1);
    ck_assert_uint_eq(*lb_ledger_bell(&ledger), 0);
    ck_assert_uint_eq(*lb_ledger_bell(&second), 0);
    ck_assert_uint_eq(*lb_ledger_bell(&third), 1);
    ck_assert_uint_eq(pass_on(&ledger, field, 0), 1);
    ck_assert_uint_eq(*lb_ledger_bell(&second), 1);
    ck_assert_uint_eq(*lb_ledger_bell(&third), 1);
}
END_TEST

/* ---- Processes that are killed --------------------------------------------------------------- */

START_TEST(right_granted_to_a_process_that_dies_goes_to_the_next)
{
    field_t *field = new_field(1, 1, 1);
    _Atomic uint32_t *is_ready = shared_memory(sizeof(*is_ready));
    lb_ledger_t ledger;
    join(&ledger, field->table);
    fill(&ledger, field);
    const pid_t victim = start_child();
    if (victim == 0) {
        lb_ledger_t own;
        join(&own, field->table);
        queue_for(&own, field, LB_NOBODY);
        queue_for(&own, field, LB_NOBODY);
        atomic_store(is_ready, 1);
        for (;;) {
            pause();
        }
    }
    wait_until_set(is_ready);
    const uint32_t next = queue_for(&ledger, field, LB_NOBODY);
    ck_assert_uint_eq(pass_on(&ledger, field, 1), 1);
    assert_is_killed(victim);
    ck_assert(!lb_admission_is_granted(&ledger, next));
    ck_assert(lb_ledger_bury_the_dead(field->table));
    ASSERT_IN_FLIGHT(field, 1, 0, 1);
    ck_assert_uint_eq(lb_serving_let_in(field->table, &field->arena, 0), 1);
    ck_assert_uint_eq(lb_admission_end(&ledger, next, LB_CLIENT_ABORT, 0), 1);
    ASSERT_IN_FLIGHT(field, 1, 1, 1);
}
END_TEST

/* ---- Threads --------------------------------------------------------------------------------- */

static void *queue_and_end(void *data)
{
    field_t *field = data;
    uint32_t slot;

    while ((slot = queue_for(&field->ledger, field, LB_NOBODY)) != LB_NOBODY) {
        lb_admission_end(&field->ledger, slot, LB_CLIENT_ABORT, 0);
    }
    return NULL;    /* the process has left */
}

START_TEST(process_that_leaves_while_its_requests_begin_to_wait_leaves_nobody_behind)
{
    field_t *field = new_field(1, 1, 1);
    lb_table_t *t = field->table;
    for (uint32_t round = 0; round < 200; round++) {
        pthread_t thread;
        join(&field->ledger, t);
        const uint32_t heard = *lb_ledger_bell(&field->ledger);
        pthread_create(&thread, NULL, queue_and_end, field);
        fc_bell_wait(lb_ledger_bell(&field->ledger), heard, 1 + round % 100);
        lb_ledger_leave(&field->ledger);
        pthread_join(thread, NULL);
        MUST(atomic_load(&lb_table_balancer(t, 0)->waiting) == 0);
    }
}
END_TEST

static TCase *one_process(void)
{
    TCase *tc = tcase_create("one process");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, members_are_filled_to_their_limits_and_no_further);
    tcase_add_test(tc, limit_of_zero_is_none);
    tcase_add_test(tc, share_holds_until_its_time_and_the_floor_afterwards);
    tcase_add_test(tc, limits_hold_over_processes);
    tcase_add_test(tc, only_those_who_may_be_elected_are);
    tcase_add_test(tc, turn_without_room_overflows_into_the_next_open_one);
    tcase_add_test(tc, who_waits_gets_what_is_free_in_any_open_turn_the_first_before_the_others);
    tcase_add_test(tc, who_has_tried_all_open_turns_goes_on_to_the_next_and_no_further);
    tcase_add_test(tc, queues_of_open_turns_add_up);
    tcase_add_test(tc, limit_raised_at_run_time_lets_in_who_waits);
    tcase_add_test(tc, limit_lowered_at_run_time_lets_nobody_in_until_it_is_kept);
    tcase_add_test(tc, process_without_a_row_counts_nothing_and_cannot_wait);
    tcase_add_test(tc, newcomer_does_not_overtake_who_waits);
    tcase_add_test(tc, newcomer_does_not_overtake_a_session_that_waits_for_the_member);
    tcase_add_test(tc, those_who_wait_are_served_in_their_order);
    tcase_add_test(tc, session_that_waits_is_served_in_its_turn);
    tcase_add_test(tc, session_does_not_hold_up_those_who_take_any_member);
    tcase_add_test(
        tc, session_is_served_by_its_member_also_when_that_is_draining_but_not_when_it_is_down);
    tcase_add_test(tc, widened_session_takes_any_member_and_keeps_its_place);
    tcase_add_test(tc, member_that_was_tried_is_not_granted_and_goes_to_the_next_in_line);
    tcase_add_test(tc, who_has_tried_all_of_the_set_is_let_in_to_another_set_and_nobody_else_is);
    tcase_add_test(tc, who_waits_is_spread_by_weight);
    tcase_add_test(tc, each_balancer_has_its_own_queue);
    tcase_add_test(tc, as_many_wait_as_the_members_together_allow);
    tcase_add_test(tc, as_many_sessions_wait_as_their_member_allows);
    tcase_add_test(tc, queue_of_a_member_that_may_not_be_elected_does_not_count);
    tcase_add_test(tc, full_table_refuses_also_when_the_limits_would_not);
    tcase_add_test(tc, who_ends_before_it_is_served_holds_nothing_and_stands_in_nobodys_way);
    tcase_add_test(tc, right_granted_is_held_after_the_end_and_counted_once_all_the_time);
    tcase_add_test(tc, declined_right_is_free_again_and_who_declined_keeps_its_place);
    tcase_add_test(tc, who_declines_for_now_may_get_the_same_later);
    tcase_add_test(tc, who_declines_often_is_still_counted_once);
    tcase_add_test(tc, process_that_has_left_takes_its_waiters_along);
    tcase_add_test(tc, bell_of_the_process_that_waits_rings);
    tcase_add_test(tc, newest_of_a_priority_is_served_first_when_so_configured);
    tcase_add_test(tc, queue_that_stands_is_served_newest_first_and_who_waited_too_long_is_told);
    tcase_add_test(tc, queue_that_serves_everybody_is_in_turn_however_long_it_takes);
    tcase_add_test(tc, sessions_that_wait_too_long_are_told_too);
    tcase_add_test(tc, request_that_would_wait_longer_than_it_may_is_refused_at_once);
    tcase_add_test(tc, nobody_is_refused_for_a_guess);
    tcase_add_test(tc, full_queue_gives_the_place_of_the_least_important_to_a_more_important_one);
    tcase_add_test(tc, first_in_first_out_sheds_nobody);
    tcase_add_test(tc, reserved_places_are_for_the_important);
    tcase_add_test(tc, more_reserved_than_there_are_places_leaves_none_for_others);
    tcase_add_test(tc, budget_of_retries_is_one_for_all_processes);
    tcase_add_test(tc, client_that_leaves_a_right_that_is_kept_is_lost_if_it_had_waited);
    return tc;
}

static TCase *threads(void)
{
    TCase *tc = tcase_create("threads");
    tcase_set_timeout(tc, 100);
    tcase_add_test(
        tc, process_that_leaves_while_its_requests_begin_to_wait_leaves_nobody_behind);
    return tc;
}

static TCase *processes(void)
{
    TCase *tc = tcase_create("processes");
    tcase_set_timeout(tc, 100);
    tcase_set_tags(tc, NEEDS_ROBUST);
    tcase_add_test(tc, right_granted_to_a_process_that_dies_goes_to_the_next);
    return tc;
}

int main(void)
{
    Suite *suite = suite_create("admission");
    suite_add_tcase(suite, one_process());
    suite_add_tcase(suite, threads());
    suite_add_tcase(suite, processes());
    return run_suite(suite);
}
