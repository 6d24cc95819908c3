/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* share_record.h - the text of a front's record: its roster, and what it tells of each member.
 * Knows    the format, which is of plain words and numbers, one statement a line.
 * Ignores  the stamp before it and the seal around it.
 * Memory   the caller's buffers.   Threads: any, no state. */
#ifndef LB_SHARE_RECORD_H
#define LB_SHARE_RECORD_H

#include "share_roster.h"

/* Bytes that suffice for a record with so many members. */
#define LB_SHARE_RECORD_BYTES(members) \
    (64 + LB_SHARE_KNOWN * (LB_SHARE_NAME_MAX + 32) + (members) * 112)

typedef struct {
    bool has_joined;          /* it knows the fleet, and the fleet knows it */
    bool settles;             /* it still keeps what it has told in another epoch */
    lb_share_roster_t roster;
    lb_share_told_t *members;
    size_t count;
} lb_share_record_t;

/** Write a record as text.
 *  returns  its bytes, without the 0 at its end */
size_t lb_share_record_write(const lb_share_record_t *record, char *text);

/** Read one.
 *  text      ends with 0
 *  members   room for at_most of them
 *  returns   false: it is none of ours, or has more members than that */
bool lb_share_record_read(const char *text, lb_share_record_t *record, lb_share_told_t *members,
                          size_t at_most);

/** What it tells of a member; NULL: nothing. */
const lb_share_told_t *lb_share_record_find(const lb_share_record_t *record, uint64_t member);

#endif
