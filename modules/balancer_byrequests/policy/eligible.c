/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* eligible.c - see eligible.h. */
#include "eligible.h"

typedef enum {
    ORDINARY,
    SPARE,
    STANDBY,
    KINDS
} kind_t;

static kind_t kind_of(const lb_standing_t *m)
{
    return m->is_spare     ? SPARE
           : m->is_standby ? STANDBY
                           : ORDINARY;
}

/* What is being made. An election waits for it: few passes, and none for what is not there. */
typedef struct {
    const lb_standing_t *members;
    size_t count;
    unsigned *turn;
    unsigned next;               /* turn */
    lb_readiness_t readiness;    /* that is asked for now */
    int lowest_set;
    bool has_lone_spares;        /* so ready, in sets without ordinary members */
} order_t;

/* One set. */
typedef struct {
    int lbset, next;               /* the set above it; itself: there is none */
    size_t without_turn[KINDS];    /* who takes part and has no turn yet */
    size_t ordinary, missing;      /* ordinary members, and who of them do not take part */
} set_t;

static bool takes_part(const order_t *o, const lb_standing_t *m)
{
    return m->readiness >= o->readiness && !m->is_draining;
}

static set_t look_at_set(const order_t *o, int lbset)
{
    set_t set = { .lbset = lbset, .next = lbset };

    for (size_t i = 0; i < o->count; i++) {
        const lb_standing_t *m = &o->members[i];
        if (m->lbset == lbset) {
            const kind_t kind = kind_of(m);
            const bool is_here = takes_part(o, m);
            set.without_turn[kind] += is_here && o->turn[i] == LB_NO_TURN;
            set.ordinary += kind == ORDINARY;
            set.missing += kind == ORDINARY && !is_here;
        }
        else if (m->lbset > lbset && (set.next == lbset || m->lbset < set.next)) {
            set.next = m->lbset;
        }
    }
    return set;
}

/* in_place   so many spares, in order, have the turn of the ordinary members
 * turns      of each kind who has no turn yet; the other spares have theirs */
static void enlist(order_t *o, const set_t *set, size_t in_place, const unsigned turns[KINDS])
{
    for (size_t i = 0; i < o->count; i++) {
        const lb_standing_t *m = &o->members[i];
        if (m->lbset == set->lbset && o->turn[i] == LB_NO_TURN && takes_part(o, m)) {
            const bool is_in_place = kind_of(m) == SPARE && in_place > 0;
            o->turn[i] = turns[is_in_place ? ORDINARY : kind_of(m)];
            in_place -= is_in_place;
        }
    }
}

/* returns  the next set; this one: there is none */
static int order_set(order_t *o, int lbset)
{
    const set_t set = look_at_set(o, lbset);
    const size_t spares = set.without_turn[SPARE];
    const size_t in_place = spares < set.missing ? spares : set.missing;
    const bool are_lone = set.ordinary == 0 && spares > 0;
    unsigned turns[KINDS];

    turns[ORDINARY] = o->next;
    turns[SPARE] = turns[ORDINARY] + (set.without_turn[ORDINARY] + in_place > 0);
    turns[STANDBY] = turns[SPARE] + (spares > in_place && !are_lone);
    o->next = turns[STANDBY] + (set.without_turn[STANDBY] > 0);
    if (are_lone) {
        o->has_lone_spares = true;
        turns[SPARE] = LB_NO_TURN;    /* later */
    }
    if (o->next > turns[ORDINARY]) {
        enlist(o, &set, in_place, turns);
    }
    return set.next;
}

/* returns  as order_set() */
static int order_lone_spares(order_t *o, int lbset)
{
    const set_t set = look_at_set(o, lbset);
    const unsigned turns[KINDS] = { o->next, o->next, o->next };

    if (set.without_turn[SPARE] > 0) {    /* all others have their turns */
        enlist(o, &set, 0, turns);
        o->next++;
    }
    return set.next;
}

static void order_sets(order_t *o, int (*order)(order_t *o, int lbset))
{
    int lbset = o->lowest_set, next = order(o, lbset);

    while (next != lbset) {
        lbset = next;
        next = order(o, lbset);
    }
}

/* returns  which readinesses there are, as bits */
static unsigned survey(order_t *o)
{
    unsigned there_is = 0;

    o->lowest_set = INT_MAX;
    for (size_t i = 0; i < o->count; i++) {
        const lb_standing_t *m = &o->members[i];
        o->turn[i] = LB_NO_TURN;
        there_is |= 1u << m->readiness;
        o->lowest_set = m->lbset < o->lowest_set ? m->lbset : o->lowest_set;
    }
    return there_is;
}

lb_order_t lb_eligible(const lb_standing_t *members, size_t count, bool overflows, unsigned *turn)
{
    order_t o = { .members = members, .count = count, .turn = turn };
    lb_order_t order = { 0 };
    const unsigned there_is = survey(&o);

    for (int readiness = LB_READY; readiness > LB_READY_NEVER; readiness--) {
        if (!(there_is & 1u << readiness)) {
            continue;
        }
        o.readiness = (lb_readiness_t)readiness;
        o.has_lone_spares = false;
        order_sets(&o, order_set);
        if (overflows && o.has_lone_spares) {
            order_sets(&o, order_lone_spares);
        }
        if (order.open == 0 && o.next > 0) {
            order.open = overflows ? o.next : 1;
            order.readiness = o.readiness;
        }
    }
    order.turns = o.next;
    return order;
}
