/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* history.h - the last changes of state of a balancer's members, in memory that processes share: a
 *             part of the shared table's format.
 * Knows    fixed-width entries, no pointers.
 * Ignores  what a state is and who changes it (member_state.c), the clock, httpd.
 * Memory   a ring in the shared table for each row of balancers, at its index.
 * Threads  any may write and read, in any number of processes, without a lock.
 *
 * Invariant: entry n stands in place n % LB_HISTORY_PLACES, sealed by its number and all its words.
 * A reader leaves out what does not fit its seal: an entry that is being written, or written over;
 * one whose writer was killed; one that two have written, of whom the first was very slow. */
#ifndef LB_HISTORY_H
#define LB_HISTORY_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    LB_HISTORY_PLACES = 256,
    LB_HISTORY_WORDS = 31
};

/* One change. Longer texts are cut. */
typedef struct {
    int64_t at;              /* monotonic us */
    uint8_t from, to;        /* lb_state_t */
    uint8_t cause;           /* lb_cause_t */
    uint8_t reserved[5];
    char member[176];        /* its name then: it may be gone */
    char reason[56];
} lb_history_entry_t;
static_assert(sizeof(lb_history_entry_t) == LB_HISTORY_WORDS * sizeof(uint64_t), "whole words");

typedef struct {
    _Atomic uint64_t seal;            /* written last */
    _Atomic uint64_t words[LB_HISTORY_WORDS];     /* of an entry */
} lb_history_place_t;
static_assert(sizeof(lb_history_place_t) == 256, "four cache lines");

typedef struct {
    _Atomic uint64_t count;           /* of all entries that were begun; any, adds */
    _Atomic uint64_t first;           /* those before it are another balancer's; writer: parent */
    uint64_t reserved[6];
    lb_history_place_t places[LB_HISTORY_PLACES];
} lb_history_t;
static_assert(sizeof(lb_history_t) % 64 == 0, "whole cache lines");

/** The row has another owner, who has no past. */
void lb_history_begin(lb_history_t *history);

/** Add an entry. */
void lb_history_add(lb_history_t *history, const lb_history_entry_t *entry);

/** Is there nothing to copy? */
bool lb_history_is_empty(const lb_history_t *history);

/** Copy what is kept, newest first.
 *  entries  room for LB_HISTORY_PLACES
 *  returns  how many there are */
int lb_history_copy(const lb_history_t *history, lb_history_entry_t *entries);

#endif
