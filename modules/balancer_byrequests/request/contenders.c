/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* contenders.c - see contenders.h. */
#include "contenders.h"

#include <stdlib.h>

#include "health.h"
#include "member_config.h"
#include "member_state.h"

lb_candidate_t lb_contenders_candidate(const lb_member_t *member)
{
    return (lb_candidate_t){ .pass = &member->row->pass,
                             .weight = (uint32_t)member->worker->s->lbfactor,
                             .held_back = lb_member_state_held_back(member) };
}

lb_standing_t lb_contenders_standing(const lb_member_t *member, const lb_ticket_t *ticket)
{
    const proxy_worker *worker = member->worker;

    return (lb_standing_t){
        .lbset = worker->s->lbset,
        .readiness = ticket && lb_ticket_has_tried(ticket, member)
                         ? LB_READY_NEVER
                         : lb_health_readiness(member),
        .is_draining = PROXY_WORKER_IS_DRAINING(worker) != 0,
        .is_spare = PROXY_WORKER_IS_SPARE(worker) != 0,
        .is_standby = PROXY_WORKER_IS_STANDBY(worker) != 0,
    };
}

/* returns  the contenders, to be filled in */
static lb_contender_t *make_room(lb_contenders_t *field, size_t count)
{
    // cppcheck-suppress ctuuninitvar ; the address of an array in it
    lb_contender_t *contenders = field->few_contenders;

    field->many = NULL;
    field->arena.candidates = field->few_candidates;
    field->arena.contender_of = field->few_indices;
    field->members = field->few_members;
    field->standings = field->few_standings;
    field->turns = field->few_turns;
    if (count > LB_FEW_CONTENDERS) {
        unsigned char *at =
            ap_malloc(count
                      * (sizeof(*contenders) + sizeof(lb_candidate_t) + sizeof(lb_member_t)
                         + sizeof(size_t) + sizeof(lb_standing_t) + sizeof(unsigned)));
        field->many = at;
        contenders = (void *)at;
        field->arena.candidates = (void *)(at += count * sizeof(*contenders));
        field->members = (void *)(at += count * sizeof(lb_candidate_t));
        field->arena.contender_of = (void *)(at += count * sizeof(lb_member_t));
        field->standings = (void *)(at += count * sizeof(size_t));
        field->turns = (void *)(at + count * sizeof(lb_standing_t));
    }
    return contenders;
}

/* What the order makes of each contender. */
static void set_turns(lb_contenders_t *field)
{
    const lb_readiness_t least =
        field->order.readiness == LB_READY_AT_LAST ? LB_READY_AT_LAST : LB_READY_LATE;

    for (size_t i = 0; i < field->arena.count; i++) {
        lb_contender_t *contender = &field->arena.contenders[i];
        const lb_readiness_t readiness = field->standings[i].readiness;
        // NOLINTNEXTLINE(clang-analyzer-core.*): lb_eligible() has filled in all of them
        contender->turn = field->turns[i];
        contender->is_usable = readiness >= least;
        contender->is_trial =
            readiness > LB_READY_AT_LAST
            && lb_health_phase(&field->members[i]) != LB_IN_SERVICE;
    }
}

/* The target that nobody has configured is a part of the longest time that a member lets wait. */
#define TARGET_PART 4

static lb_queue_rule_t queue_rule(const lb_queue_settings_t *settings, int64_t longest_wait)
{
    const bool is_given = settings->target > 0;

    return (lb_queue_rule_t){ .order = settings->order,
                              .target = is_given ? settings->target : longest_wait / TARGET_PART,
                              .target_is_promised = is_given,
                              .reserve = (uint32_t)settings->reserve };
}

void lb_contenders_gather(lb_contenders_t *field, const lb_balancer_t *balancer,
                          const lb_ticket_t *ticket)
{
    const size_t most = (size_t)balancer->proxy->workers->nelts;    /* it may grow meanwhile */
    lb_contender_t *contenders = make_room(field, most);
    int64_t longest_wait = 0;
    size_t count = 0;

    for (int i = 0; count < most && lb_member_next(balancer, &i, &field->members[count]);) {
        const lb_member_t *member = &field->members[count];
        const lb_candidate_t candidate = lb_contenders_candidate(member);
        const int64_t wait = atomic_load(&member->row->queue_timeout);
        longest_wait = wait > longest_wait ? wait : longest_wait;
        field->standings[count] = lb_contenders_standing(member, ticket);
        contenders[count++] = (lb_contender_t){
            .member = lb_member_index(member),
            .weight = candidate.weight,
            .held_back = candidate.held_back,
            .busy = &member->worker->s->busy,
        };
    }
    field->order = lb_eligible(field->standings, count, !balancer->settings->keeps_to_its_turn,
                               field->turns);
    field->arena.places = 0;
    if (field->order.turns == 0) {
        const lb_queue_to_come_t to_come = lb_member_config_queue_to_come(balancer);
        field->arena.places = to_come.places;
        longest_wait = to_come.timeout > longest_wait ? to_come.timeout : longest_wait;
    }
    field->arena.balancer = lb_balancer_index(balancer);
    field->arena.contenders = contenders;
    field->arena.count = count;
    field->arena.open = field->order.open;
    field->arena.queue = queue_rule(&balancer->settings->queue, longest_wait);
    set_turns(field);
}

size_t lb_contenders_first_turn(lb_contenders_t *field)
{
    size_t n = 0;

    for (size_t i = 0; i < field->arena.count; i++) {
        if (field->turns[i] == 0) {
            field->arena.candidates[n] = lb_contenders_candidate(&field->members[i]);
            field->arena.contender_of[n++] = i;
        }
    }
    return n;
}

void lb_contenders_end(lb_contenders_t *field)
{
    free(field->many);
}
