/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* contenders.h - who of a balancer's members can serve now, and in which order they are asked.
 * Knows    mod_proxy's structs on one side, eligible.h and arena.h on the other.
 * Ignores  which of them is elected.
 * Memory   the caller's; from malloc() when there are many.
 * Threads  any: what it gathers is a copy. */
#ifndef LB_CONTENDERS_H
#define LB_CONTENDERS_H

#include "arena.h"
#include "eligible.h"
#include "ticket.h"

/* Who can serve now. Up to LB_FEW_CONTENDERS it needs no allocation. */
#define LB_FEW_CONTENDERS 16
typedef struct {
    lb_arena_t arena;
    lb_order_t order;
    lb_member_t *members;           /* by contender */
    lb_standing_t *standings;
    unsigned *turns;
    void *many;                     /* from malloc(), when there are more than few */
    lb_contender_t few_contenders[LB_FEW_CONTENDERS];
    lb_candidate_t few_candidates[LB_FEW_CONTENDERS];
    lb_standing_t few_standings[LB_FEW_CONTENDERS];
    lb_member_t few_members[LB_FEW_CONTENDERS];
    size_t few_indices[LB_FEW_CONTENDERS];
    unsigned few_turns[LB_FEW_CONTENDERS];
} lb_contenders_t;

/** Gather the contenders of a balancer; to be ended.
 *  ticket   whose members already tried are left out; NULL: none */
void lb_contenders_gather(lb_contenders_t *field, const lb_balancer_t *balancer,
                          const lb_ticket_t *ticket);

/** Make candidates of all of the first turn, with room or without.
 *  returns  how many they are */
size_t lb_contenders_first_turn(lb_contenders_t *field);

void lb_contenders_end(lb_contenders_t *field);

/** A member as the election sees it, and as eligible.h does.
 *  ticket   see lb_contenders_gather() */
lb_candidate_t lb_contenders_candidate(const lb_member_t *member);
lb_standing_t lb_contenders_standing(const lb_member_t *member, const lb_ticket_t *ticket);

/** Can anybody be waited for? */
static inline bool lb_contenders_may_wait(const lb_contenders_t *field)
{
    return field->order.turns > 0 || field->arena.places > 0;
}

#endif
