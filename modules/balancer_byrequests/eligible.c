/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* eligible.c - see eligible.h. */
#include "eligible.h"

#include <stdint.h>

typedef enum { ORDINARY, SPARE, STANDBY, KINDS } kind_t;

static kind_t kind_of(const lb_standing_t *m)
{
    return m->is_spare ? SPARE : m->is_standby ? STANDBY : ORDINARY;
}

/* What is being made. */
typedef struct {
    const lb_standing_t *members;
    size_t count;
    unsigned *turn;
    unsigned next;               /* turn */
    lb_readiness_t readiness;    /* that is asked for now */
} order_t;

static bool takes_part(const order_t *o, const lb_standing_t *m)
{
    return m->readiness >= o->readiness && !m->is_draining;
}

/* The lowest set above `floor`; floor itself when there is none. */
static int next_set(const order_t *o, int floor)
{
    int next = INT_MAX;
    for (size_t i = 0; i < o->count; i++) {
        if (o->members[i].lbset > floor && o->members[i].lbset < next) {
            next = o->members[i].lbset;
        }
    }
    return next == INT_MAX ? floor : next;
}

typedef struct {
    size_t without_turn[KINDS];    /* who takes part and has no turn yet */
    size_t ordinary, missing;      /* ordinary members, and who of them do not take part */
} set_t;

static set_t look_at_set(const order_t *o, int lbset)
{
    set_t set = { { 0 } };
    for (size_t i = 0; i < o->count; i++) {
        const lb_standing_t *m = &o->members[i];
        if (m->lbset == lbset) {
            const kind_t kind = kind_of(m);
            set.without_turn[kind] += takes_part(o, m) && o->turn[i] == LB_NO_TURN;
            set.ordinary += kind == ORDINARY;
            set.missing += kind == ORDINARY && !takes_part(o, m);
        }
    }
    return set;
}

/* The first so many of a kind, in order, who have no turn yet, are asked in the next one. */
static void enlist(order_t *o, int lbset, kind_t kind, size_t most)
{
    for (size_t i = 0; i < o->count && most > 0; i++) {
        const lb_standing_t *m = &o->members[i];
        if (m->lbset == lbset && kind_of(m) == kind && takes_part(o, m)
            && o->turn[i] == LB_NO_TURN) {
            o->turn[i] = o->next;
            most--;
        }
    }
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void order_set(order_t *o, int lbset)
{
    const set_t set = look_at_set(o, lbset);
    const size_t in_place = smaller(set.without_turn[SPARE], set.missing);

    enlist(o, lbset, ORDINARY, set.without_turn[ORDINARY]);
    enlist(o, lbset, SPARE, in_place);
    o->next += set.without_turn[ORDINARY] + in_place > 0;
    if (set.ordinary > 0 && set.without_turn[SPARE] > in_place) {
        enlist(o, lbset, SPARE, set.without_turn[SPARE] - in_place);
        o->next++;
    }
    if (set.without_turn[STANDBY] > 0) {
        enlist(o, lbset, STANDBY, set.without_turn[STANDBY]);
        o->next++;
    }
}

static void order_lone_spares(order_t *o, int lbset)
{
    const size_t spares = look_at_set(o, lbset).without_turn[SPARE];

    enlist(o, lbset, SPARE, spares);
    o->next += spares > 0;
}

static void order_sets(order_t *o, void (*order)(order_t *o, int lbset))
{
    int lbset = INT_MIN;
    for (int next; (next = next_set(o, lbset)) != lbset; lbset = next) {
        order(o, next);
    }
}

static size_t count_of(const order_t *o, lb_readiness_t readiness)
{
    size_t n = 0;
    for (size_t i = 0; i < o->count; i++) {
        n += o->members[i].readiness == readiness;
    }
    return n;
}

lb_order_t lb_eligible(const lb_standing_t *members, size_t count, bool overflows, unsigned *turn)
{
    order_t o = { .members = members, .count = count, .turn = turn };
    lb_order_t order = { 0 };

    for (size_t i = 0; i < count; i++) {
        turn[i] = LB_NO_TURN;
    }
    for (int readiness = LB_READY; readiness > LB_READY_NEVER; readiness--) {
        o.readiness = (lb_readiness_t)readiness;
        if (count_of(&o, o.readiness) == 0) {
            continue;
        }
        order_sets(&o, order_set);
        if (overflows) {
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
