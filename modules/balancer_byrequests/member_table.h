/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* member_table.h - the shared table of balancers and members: a published memory format.
 * Knows    its layout, and how rows are claimed by key and given up.
 * Ignores  httpd, where the memory comes from (cluster.c maps it).
 * Memory   all of it is the caller's segment, shared by the parent and all children of all
 *          generations; fixed-width fields, no pointers inside.
 *
 * Invariants: rows never move while the segment lives. Only the parent claims and sweeps, between
 * generations; children only use the counters of the rows they were given. A row is claimed again
 * by its key in the next generation, so its counts go on over a graceful restart. */
#ifndef LB_MEMBER_TABLE_H
#define LB_MEMBER_TABLE_H

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "strikes.h"

#define LB_TABLE_MAGIC   UINT64_C(0x31454c4241544c42)   /* "BLTABLE1" in memory order */
#define LB_TABLE_VERSION 3u

/* One balancer. */
typedef struct {
    _Atomic uint64_t key;             /* 0 = free; writer: parent */
    _Atomic uint64_t clock;           /* see election.h; writer: any */
    _Atomic uint32_t generation;      /* the last that claimed it; writer: parent */
    uint8_t reserved[44];
} lb_balancer_row_t;
static_assert(sizeof(lb_balancer_row_t) == 64, "one cache line");

/* One member: a line for elections, one for admission, two for its health. */
typedef struct {
    _Atomic uint64_t key;             /* 0 = free; writer: parent */
    _Atomic uint64_t pass;            /* see election.h; writer: any */
    _Atomic uint64_t elected;         /* elections won or routed to it; writer: any, adds */
    _Atomic uint64_t failures;        /* tries that ended in its failure; writer: any, adds */
    _Atomic int64_t  last_error_at;   /* us since 1970, 0 = never; writer: any, relaxed */
    _Atomic uint32_t last_error;      /* lb_outcome_t; writer: any, relaxed */
    _Atomic uint32_t in_flight;       /* tickets held now; writer: any, adds and subtracts */
    _Atomic uint32_t generation;      /* the last that claimed it; writer: parent */
    uint32_t reserved;
    _Atomic int64_t  busy_until;      /* us since 1970: asked only when nobody else can be; any */

    uint8_t reserved_admission[64];
    lb_strikes_t strikes;             /* see strikes.h */
} lb_member_row_t;
static_assert(sizeof(lb_member_row_t) == 256, "four cache lines");

typedef struct {
    uint64_t magic;
    uint32_t version;
    uint32_t balancer_count;          /* rows of each kind; fixed at init */
    uint32_t member_count;
    uint8_t reserved[44];
    /* lb_balancer_row_t[balancer_count], then lb_member_row_t[member_count] */
} lb_table_t;
static_assert(sizeof(lb_table_t) == 64, "the rows behind it stay on cache lines");

/** Bytes that a table of so many rows needs. */
size_t lb_table_bytes(uint32_t balancers, uint32_t members);

/** Make an empty table.
 *  memory   lb_table_bytes() of it, aligned to 64 */
lb_table_t *lb_table_init(void *memory, uint32_t balancers, uint32_t members);

/** The row of this key: the one it had, else a free one with all counters 0.
 *  key      not 0
 *  returns  NULL when the table is full */
lb_balancer_row_t *lb_table_claim_balancer(lb_table_t *t, uint64_t key, uint32_t generation);
lb_member_row_t *lb_table_claim_member(lb_table_t *t, uint64_t key, uint32_t generation);

/** Free the rows that neither this generation nor the one before it claimed (children of the one
 *  before may still be finishing requests) and that have nothing in flight. */
void lb_table_sweep(lb_table_t *t, uint32_t generation);

/** Set all counters of a member's row to 0: its slot is given to another member. */
void lb_table_reset_member(lb_member_row_t *row);

#endif
