/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* share_front.h - one front of a fleet that shares limits: what it tells, and what it makes of the
 *                 answers.
 * Knows    its epoch, its record, those of the others, which writes need which condition.
 * Ignores  the connection, the table, files: the caller carries texts and numbers.
 * Memory   the caller's.   Threads: one at a time.
 *
 * Invariants:
 * 1. fleet_share.h's.
 * 2. An epoch is a life of the engine's data: nothing that was written in it is lost. A front goes
 *    from epoch to epoch, each with a higher number, and never back; what it lent or borrowed in
 *    the one before it keeps until that is over, and then begins to lend anew.
 * 3. A floor rises only when every front of the roster has told its own in this epoch, with the
 *    same roster, and all of them together are no more than the limit. So whoever could raise
 *    another in a later epoch knows of it.
 * 4. What is kept over restarts (epoch, roster, floors) is saved before it is told.
 * 5. Only an operator forgets a front: one that is cut off uses its floor, however long it is.
 * 6. A front of a fleet that has none who knows it takes floors when as many as are expected have
 *    met: no two parts of the fleet can found it.
 *
 * A turn is some calls of the script. Each: plan, apply to the table what each member may use,
 * tell, save if `is_changed`, send; then take the answer and apply again. */
#ifndef LB_SHARE_FRONT_H
#define LB_SHARE_FRONT_H

#include "fleet_stamps.h"
#include "share_record.h"

#define LB_SHARE_EPOCH_MAX 40

/* One member, for this front. */
typedef struct {
    uint64_t key;             /* the same with all fronts */
    uint32_t limit;
    uint32_t in_flight;       /* read after what it may use was applied */
    uint32_t want;            /* in flight, waiting, and one more */

    uint32_t floor, share;    /* what it may use: the share until then, the floor afterwards */
    int64_t until;            /* monotonic us */

    bool is_new;              /* httpd has just started: nobody knows what it had lent */
    bool settles;             /* what it may use is left as it is until then */
    lb_share_told_t told;     /* what its record says */
    lb_share_told_t next;     /* what it is to say */
} lb_share_member_t;

/* How a record is written. */
typedef enum {
    LB_SHARE_READ,            /* not at all: what the others say is not known yet */
    LB_SHARE_PLAIN,           /* whatever the others have written meanwhile */
    LB_SHARE_RAISE,           /* only if they have written nothing */
    LB_SHARE_DONE             /* until the next turn */
} lb_share_kind_t;

/* Another front's record, as the last answer had it. */
typedef struct {
    char name[LB_SHARE_NAME_MAX + 1];
    uint64_t stamp;
    lb_share_record_t record;
} lb_share_other_t;

typedef struct {
    char name[LB_SHARE_NAME_MAX + 1];
    int64_t lease, margin;    /* us */
    uint32_t expected;        /* fronts that found a fleet together; 0: not known */

    char epoch[LB_SHARE_EPOCH_MAX + 1];    /* kept; "0": none yet */
    bool has_joined;          /* kept */
    lb_share_roster_t roster; /* kept */
    bool is_changed;          /* what is kept is to be saved before anything is told */

    lb_share_kind_t kind;     /* of the call under way */
    uint32_t calls;           /* in this turn */
    bool is_eager;            /* something is about to move: the next turn should come soon */
    bool knows;               /* has it an answer of this epoch? */
    int64_t epoch_since;      /* monotonic us: when it first heard of it */
    uint64_t stamp;           /* the last of all that it has seen */
    uint64_t own_stamp;       /* of its record; 0: it has none */
    int64_t answered_at;      /* monotonic us: when the last answer came */
    int64_t vouched_until;    /* monotonic us: how long it keeps its word for what it tells now */
    lb_stamps_t stamps;

    lb_share_member_t *members;
    lb_share_told_t *telling; /* room for as many */
    size_t count;
    lb_share_other_t others[LB_SHARE_FRONTS];    /* with its own record */
    size_t other_count;
    bool is_unclear; /* more fronts than that, or one that cannot be read: it raises nothing */
} lb_share_front_t;

/* Fronts that have met nobody who knows the fleet, and do not know how many to expect, wait for so
 * long, and for a lease and its margin at least: fronts that were alone are back sooner than that.
 * They cannot know of one that is cut off for longer. */
#define LB_SHARE_FOUNDING_US (INT64_C(10) * 1000 * 1000)

/* An answer of share_script.lua. */
typedef struct {
    bool is_written;
    const char *epoch;
    uint64_t stamp;
    int64_t sent, received;   /* monotonic us */
} lb_share_answer_t;

/** What has to be known before anything is told: of the engine, not of the members, which stay. */
void lb_share_front_forget_state(lb_share_front_t *front);

/** Begin a turn; in_flight and want of the members are as they are now. */
void lb_share_front_begin(lb_share_front_t *front);

/** Decide what each member may use from now on, and what to tell.
 *  returns  false: there is nothing more to do in this turn */
bool lb_share_front_plan(lb_share_front_t *front, int64_t now);

/** The record, after what was planned was applied and in_flight read.
 *  text     LB_SHARE_RECORD_BYTES() of it
 *  returns  its bytes; 0: there is nothing to write */
size_t lb_share_front_tell(lb_share_front_t *front, char *text);

/** Take an answer; others[] has the records that came with it, its own among them. Then plan
 *  again. */
void lb_share_front_take(lb_share_front_t *front, const lb_share_answer_t *answer);

/** Forget a front: its floor is for the others. If it comes back, it joins anew.
 *  returns  false: it is not known, or this one */
bool lb_share_front_forget(lb_share_front_t *front, const char *name);

/** A forgotten front whose record may go, as long as it is this one; NULL: none. */
const lb_share_other_t *lb_share_front_gone(const lb_share_front_t *front, int64_t now);

/** Does it take part, that is, has it a right to floors? */
bool lb_share_front_is_agreed(const lb_share_front_t *front);

/** How many fronts does it know, with itself? */
uint32_t lb_share_front_met(const lb_share_front_t *front);

/** What a member may use at a time. */
static inline uint32_t lb_share_now(const lb_share_member_t *member, int64_t now)
{
    return now < member->until ? member->share : member->floor;
}

#endif
