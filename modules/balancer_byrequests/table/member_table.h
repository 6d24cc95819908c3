/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* member_table.h - the shared table of balancers, members, processes and waiters: a published
 *                  memory format.
 * Knows    its layout, and how rows are claimed by key and given up.
 * Ignores  httpd, where the memory comes from (table_segments.c), what the counts mean (ledger.c,
 *          queue.c).
 * Memory   all of it is the caller's segment, shared by the parent and all children of all
 *          generations; fixed-width fields, no pointers inside.
 *
 * Invariants: rows never move while the segment lives. Only the parent claims and sweeps, between
 * generations; children only use the counters of the rows they were given. A row is claimed again
 * by its key in the next generation, so its counts go on over a graceful restart. */
#ifndef LB_MEMBER_TABLE_H
#define LB_MEMBER_TABLE_H

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auto_limit.h"
#include "bell.h"
#include "controlled_delay.h"
#include "counters.h"
#include "history.h"
#include "retry_budget.h"
#include "strikes.h"
#include "wait_estimate.h"

#define LB_TABLE_MAGIC   UINT64_C(0x31454c4241544c42)   /* "BLTABLE1" in memory order */
#define LB_TABLE_VERSION 9u

/* One balancer. */
typedef struct {
    _Atomic uint64_t key;             /* 0 = free; writer: parent */
    _Atomic uint64_t clock;           /* see election.h; writer: any */
    _Atomic uint32_t generation;      /* the last that claimed it; writer: parent */
    _Atomic uint32_t waiting;         /* who wait for any member; lock, any reads; see queue.h */
    fc_retry_budget_t retries;        /* lock */
    uint64_t resent, not_resent;      /* requests that failed: as the budget allowed; lock */
} lb_balancer_row_t;
static_assert(sizeof(lb_balancer_row_t) == 64, "one cache line");

/* The checks of one member (hcmethod). Writer: the one process that checks, but for the two times
 * of silence.h. */
typedef struct {
    _Atomic int64_t next_at;         /* monotonic us: when the next is due; 0 = at once */
    _Atomic int64_t checked_at;      /* monotonic us: the last result; 0 = none yet */
    _Atomic int64_t fpm_at;          /* monotonic us: when FPM's numbers were read; 0 = never */
    _Atomic uint32_t took_us;         /* of the last check */
    _Atomic uint32_t generation;      /* the configuration in which the last was judged */
    _Atomic uint16_t passes, fails;   /* in a row; one of them is 0 */
    _Atomic uint16_t outcome;         /* lb_outcome_t of the last */
    _Atomic uint16_t is_down;         /* 1: checks have put it out of service; any. See checks.c */
    _Atomic uint32_t fpm_idle, fpm_active, fpm_total, fpm_listen_queue, fpm_max_children_reached;
    _Atomic uint16_t fpm_is_current;  /* 1: the last check has read them */
    _Atomic uint16_t told; /* of another front's check, see told_at; the fleet's thread */

    _Atomic int64_t asked_since;      /* monotonic us; any, relaxed. See silence.h */
    _Atomic int64_t answered_at;      /* monotonic us; any, relaxed. See silence.h */
    _Atomic int64_t judged_at;        /* monotonic us: the last check that passed or failed */
    _Atomic uint16_t busy;            /* checks in a row, since then, that found it busy */
    _Atomic uint16_t is_kept;         /* 1: checks would have put it out; lock. See panic.h */
    _Atomic uint32_t is_new;          /* 1: it has never passed, and is out until then; any */
    lb_auto_limit_t pool;             /* what is known of FPM's; only who checks looks at it */
    _Atomic int64_t told_at;         /* monotonic us: another front's check passed, 0: none; any */
} lb_check_row_t;
static_assert(sizeof(lb_check_row_t) == 128, "two cache lines");

/* What this front may use of a limit over all fronts: see fleet_share.h. Writer: lock, any
 * reads. */
typedef struct {
    _Atomic uint32_t share, floor;    /* so many until then, and so many afterwards */
    _Atomic int64_t until;            /* monotonic us */
    _Atomic uint32_t is_new;          /* 1: since httpd was started, it was not told yet */
    uint32_t reserved;
    uint64_t reserved_line[5];
} lb_share_row_t;
static_assert(sizeof(lb_share_row_t) == 64, "one cache line");

/* One member: a line for elections, one for admission, two for its health, two for checks, one
 * for its part in a fleet. */
typedef struct {
    _Atomic uint64_t key;             /* 0 = free; writer: parent */
    _Atomic uint64_t pass;            /* see election.h; writer: any */
    _Atomic uint64_t elected;         /* elections won or routed to it; writer: any, adds */
    _Atomic uint64_t failures;        /* tries that ended in its failure; writer: any, adds */
    _Atomic int64_t last_error_at;   /* monotonic us, 0 = never; writer: any, relaxed */
    _Atomic uint32_t last_error;      /* lb_outcome_t; writer: any, relaxed */
    _Atomic uint32_t in_flight;       /* held by processes or granted; writer: lock, any reads */
    _Atomic uint32_t generation;      /* the last that claimed it; writer: parent */
    _Atomic uint32_t shown_state;     /* lb_state_t + 1, 0 = none yet; any. See member_state.h */
    _Atomic int64_t busy_until;      /* monotonic us: asked only when nobody else can be; any */

    _Atomic uint32_t limit;           /* of in_flight, 0 = none, or LB_LIMIT_AUTO; operator */
    _Atomic uint32_t queue_limit;     /* how many may wait for this member; writer: operator */
    _Atomic int64_t queue_timeout;   /* us; writer: operator */
    _Atomic int64_t sticky_wait;     /* us, 0 = queue_timeout; writer: operator */
    lb_service_t service;             /* how long requests are in flight; lock */
    _Atomic uint32_t waiting;         /* sessions that wait for it; lock, any reads */
    _Atomic uint32_t auto_limit;      /* of in_flight if limit says so; writer: who checks */
    _Atomic uint32_t evidence; /* of other fronts: see fleet_evidence.h; the fleet's thread */
    _Atomic uint32_t is_shared;       /* 1: the limit is one over all fronts of a fleet; any */
    _Atomic int64_t drain_until;     /* monotonic us, 0 = no deadline; writer: any. See drain.h */

    lb_strikes_t strikes;             /* see strikes.h */

    lb_check_row_t check;
    lb_share_row_t part;              /* of this front, if is_shared */
} lb_member_row_t;
static_assert(sizeof(lb_member_row_t) == 448, "seven cache lines");

/* Robust: the kernel says when its owner has died. */
typedef union {
    pthread_mutex_t mutex;
    uint8_t room[64];
} lb_shared_lock_t;
static_assert(sizeof(lb_shared_lock_t) == 64, "one cache line");

/* One process. */
typedef struct {
    lb_shared_lock_t life;            /* held by the process as long as it lives */
    _Atomic int32_t pid;             /* 0 = free; writer: lock */
    fc_bell_t bell;                   /* rings when one of its waiters was served */
    _Atomic uint32_t generation;      /* the one that it serves; writer: the process */
    uint8_t reserved[52];
    /* uint32_t in_flight[member_count]: what this process holds; writer: lock
     * _Atomic uint32_t parked[member_count]: of these, who hold no thread; writer: the process */
} lb_process_row_t;
static_assert(sizeof(lb_process_row_t) == 128, "two cache lines");

/* LB_SLOT_SHED and LB_SLOT_LATE: it was refused, and is to be told; see admission.h */
enum {
    LB_SLOT_FREE,
    LB_SLOT_WAITING,
    LB_SLOT_GRANTED,
    LB_SLOT_SHED,
    LB_SLOT_LATE
};
#define LB_NOBODY     UINT32_MAX      /* the end of a list; no member */
#define LB_TRIED_MAX  4

/* The two lists in which a waiter stands, both by arrival. */
enum {
    LB_IN_LANE,
    LB_IN_LINE,
    LB_LISTS
};

/* One request that waits. */
typedef struct {
    uint64_t sequence;                /* counts up; writer: lock, as all here */
    int64_t since;                   /* monotonic us: when it came */
    uint64_t flow;                    /* hash of its name; 0: none */
    _Atomic uint32_t state;           /* LB_SLOT_*; any reads */
    uint32_t priority;                /* smaller ones go first */
    uint32_t process;                 /* row of the process that waits */
    uint32_t balancer;                /* its row */
    uint32_t member;                  /* the only one it wants, or LB_NOBODY */
    uint32_t granted;                 /* the one it got, when granted */
    uint32_t next[LB_LISTS], prev[LB_LISTS];    /* next[0] also of the free ones */

    uint32_t tried[LB_TRIED_MAX];     /* members that it does not want; LB_NOBODY fills up */
    int64_t patience;                /* us: refuse it at once if it will wait longer; 0: do not */
    uint32_t lane;                    /* where it stands, as long as it waits */
    uint8_t reserved[36];
} lb_waiter_t;
static_assert(sizeof(lb_waiter_t) == 128, "two cache lines");

/* Who waits in one line with one priority, of one flow: first in, first out or the other way round.
 * Each line has a lane for each priority; those with a flow of their own share LB_FLOW_LANES. */
typedef struct {
    uint64_t key;                     /* of line, priority, flow; 0: none; writer: lock, as all */
    uint32_t first, last;             /* waiters */
    uint32_t next, prev;              /* lanes of the same round */
    uint32_t turn;                    /* the round in which it is served next; see fair_turn.h */
    uint32_t waiting;
} lb_lane_t;
static_assert(sizeof(lb_lane_t) == 32, "half a cache line");

#define LB_FLOW_LANES 1024

/* Lanes whose turn is an even round, and an odd one. */
typedef struct {
    uint32_t first, last;
} lb_round_t;

/* Those of one priority in one line. Writer: lock. */
typedef struct {
    lb_round_t rounds[2];             /* by parity: the one that is served, and the next */
    uint32_t round;                   /* that is served */
    uint32_t waiting, lanes;          /* who wait, in so many lanes */
    uint32_t reserved;
} lb_priority_t;
static_assert(sizeof(lb_priority_t) == 32, "half a cache line");

/* All who wait for any member of a balancer, or sessions that wait for one member. Writer: lock. */
typedef struct {
    lb_priority_t priorities[LB_PRIORITIES];
    lb_delay_t delay;                 /* does it stand? */
    uint32_t first, last;             /* by arrival */
    uint8_t reserved[8];
} lb_line_t;
static_assert(sizeof(lb_line_t) == 384, "six cache lines");

typedef struct {
    uint64_t magic;
    uint32_t version;
    uint32_t balancer_count;          /* rows of each kind; fixed at init */
    uint32_t member_count;
    uint32_t process_count;
    uint32_t waiter_count;
    uint32_t waiters_used;            /* slots at and above were never used; lock */
    uint32_t free_waiter;             /* the first of the free ones below; lock */
    _Atomic uint32_t changes;         /* of members, see lb_member_note_change(); any, adds */
    uint64_t sequence;                /* of the next waiter; lock */
    uint64_t processes_at;            /* bytes from here to the process rows; fixed at init */
    uint64_t process_bytes;           /* of each, with its counts; fixed at init */
    lb_shared_lock_t lock;            /* guards all that says "lock"; taken for less than a us */
    /* lb_balancer_row_t[balancer_count], lb_member_row_t[member_count],
     * lb_waiter_t[waiter_count], lb_line_t[lb_table_lines()], lb_lane_t[LB_PRIORITIES for each
     * line, and LB_FLOW_LANES], lb_balancer_room_t[balancer_count],
     * lb_history_t[balancer_count], lb_member_room_t[member_count], then process_count times a
     * process row with its counts, each filled up to a cache line */
} lb_table_t;
static_assert(sizeof(lb_table_t) == 128, "the rows behind it stay on cache lines");

typedef struct {
    uint32_t balancers, members, processes, waiters;
} lb_table_size_t;

/** Bytes that a table of so many rows needs. */
size_t lb_table_bytes(lb_table_size_t size);

/** Make an empty table.
 *  memory   lb_table_bytes() of it, aligned to 64; histories, the rooms of members, which are most
 *           of it, and the slots of waiters are not touched before they are used */
lb_table_t *lb_table_init(void *memory, lb_table_size_t size);

/** Rows by index. */
lb_balancer_row_t *lb_table_balancer(lb_table_t *t, uint32_t i);
lb_member_row_t *lb_table_member(lb_table_t *t, uint32_t i);
lb_waiter_t *lb_table_waiter(lb_table_t *t, uint32_t i);
lb_process_row_t *lb_table_process(lb_table_t *t, uint32_t i);

/** How many requests may be in flight, here or on all fronts of the fleet; 0: no limit. */
static inline uint32_t lb_table_limit_of(const lb_member_row_t *row)
{
    const uint32_t limit = atomic_load_explicit(&row->limit, memory_order_relaxed);
    return limit == LB_LIMIT_AUTO ? atomic_load_explicit(&row->auto_limit, memory_order_relaxed)
                                  : limit;
}

/** What this front may use now of a limit over all fronts; UINT32_MAX: there is none. The share
 *  that it was lent ends by itself, whatever became of the process that had got it. */
uint32_t lb_table_share_of(const lb_member_row_t *row);

/** The same when nobody lends, or wants, anything. */
uint32_t lb_table_floor_of(const lb_member_row_t *row);

/** May one more request be in flight? */
static inline bool lb_table_has_place(const lb_member_row_t *row)
{
    const uint32_t limit = lb_table_limit_of(row);
    const uint32_t in_flight = atomic_load_explicit(&row->in_flight, memory_order_relaxed);

    return limit == 0
           || (in_flight < limit
               && (!atomic_load_explicit(&row->is_shared, memory_order_relaxed)
                   || in_flight < lb_table_share_of(row)));
}

/** How many sessions wait for this member; how many requests for any member of a balancer. */
static inline uint32_t lb_table_waiting_for(const lb_member_row_t *row)
{
    return atomic_load_explicit(&row->waiting, memory_order_relaxed);
}

static inline uint32_t lb_table_waiting_for_any(lb_table_t *t, uint32_t balancer)
{
    return atomic_load_explicit(&lb_table_balancer(t, balancer)->waiting, memory_order_relaxed);
}

/** Lines: one for each balancer, then one for each member. */
lb_line_t *lb_table_line(lb_table_t *t, uint32_t i);
uint32_t lb_table_lines(const lb_table_t *t);
uint32_t lb_table_line_of_member(const lb_table_t *t, uint32_t member);

/** Lanes: LB_PRIORITIES for each line, in its order, then those of flows. */
lb_lane_t *lb_table_lane(lb_table_t *t, uint32_t i);
uint32_t lb_table_flow_lane(const lb_table_t *t, uint32_t i);

/** Nobody waits in this line; does not touch waiters. */
void lb_table_clear_line(lb_table_t *t, uint32_t line);

/** What is counted of a balancer or a member, by the index of its row. */
lb_balancer_room_t *lb_table_balancer_room(lb_table_t *t, uint32_t i);
lb_member_room_t *lb_table_member_room(lb_table_t *t, uint32_t i);

/** What has become of a balancer's members, by the index of its row. */
lb_history_t *lb_table_history(lb_table_t *t, uint32_t i);

/** The counts of a process, by index of member. */
uint32_t *lb_table_held_by(lb_table_t *t, uint32_t process);
_Atomic uint32_t *lb_table_parked_by(lb_table_t *t, uint32_t process);

/** The index of a row. */
uint32_t lb_table_balancer_index(lb_table_t *t, const lb_balancer_row_t *row);
uint32_t lb_table_member_index(lb_table_t *t, const lb_member_row_t *row);

/** Does this balancer have a row here? */
bool lb_table_has_balancer(lb_table_t *t, uint64_t key);

/** Are there free rows for one more balancer with so many members? */
bool lb_table_has_room(lb_table_t *t, uint32_t members);

/** The row of this key: the one it had, else a free one with all counters 0.
 *  key      not 0
 *  returns  NULL when the table is full */
lb_balancer_row_t *lb_table_claim_balancer(lb_table_t *t, uint64_t key, uint32_t generation);
lb_member_row_t *lb_table_claim_member(lb_table_t *t, uint64_t key, uint32_t generation);

/** Free the rows that nothing is in flight or waits in, and that were claimed last by a generation
 *  before the one before this and before that of any process. */
void lb_table_sweep(lb_table_t *t, uint32_t generation);

/** Set all counters and limits of a member to 0: its slot is given to another member. */
void lb_table_reset_member(lb_table_t *t, lb_member_row_t *row);

#endif
