/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* share_rows.h - the members whose limits are shared, and what each may use, in its row.
 * Knows    who they are now; that whoever writes a row may be in another process the next time.
 * Ignores  how much that is (share_front.h), files, the engine.
 * Memory   a pool of its own for each listing, as members come and go; the shared table.
 * Threads  one at a time: the fleet's.
 *
 * What a member may use lies in its row, and only there. What this process remembers holds as long
 * as the rows are as it left them. */
#ifndef LB_SHARE_ROWS_H
#define LB_SHARE_ROWS_H

#include "member.h"
#include "share_front.h"

/* Where a member of the front stands. */
typedef struct {
    lb_member_t member;
    uint32_t written_share, written_floor;    /* its row, as this process has left it */
    int64_t written_until;
} lb_share_place_t;

/* Zeroed at first. */
typedef struct {
    apr_pool_t *p;                /* of the last listing */
    lb_share_place_t *places;     /* as many as the front has members */
} lb_share_rows_t;

/** Slots of all balancers that share limits; 0: none does. */
size_t lb_share_rows_slots(void);

/** List the members that are there now, with what is known of them and what they want.
 *  kept     floors from the file: of lb_share_told_t
 *  returns  false: another process has written rows, so what this one remembers is of long ago */
bool lb_share_rows_list(lb_share_rows_t *rows, lb_share_front_t *front,
                        const apr_array_header_t *kept);

/** Write what each member may use, read what it has in flight then, and serve those who wait where
 *  it is more. */
void lb_share_rows_write(const lb_share_rows_t *rows, lb_share_front_t *front);

#endif
