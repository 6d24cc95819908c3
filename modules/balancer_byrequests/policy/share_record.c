/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* share_record.c - see share_record.h. */
#include "share_record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define HEAD "shares 1"

size_t lb_share_record_write(const lb_share_record_t *record, char *text)
{
    char *at = text;

    at += sprintf(at, HEAD " %d %d\n", record->has_joined, record->settles);
    for (uint32_t i = 0; i < record->roster.count; i++) {
        const lb_roster_front_t *front = &record->roster.fronts[i];
        at += sprintf(at, "front %s %" PRIu32 " %d\n", front->name, front->counter,
                      front->is_forgotten);
    }
    for (size_t i = 0; i < record->count; i++) {
        const lb_share_told_t *told = &record->members[i];
        at += sprintf(
            at,
            "member %016" PRIx64 " %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu64 "\n",
            told->member, told->limit, told->floor, told->share, told->want, told->stands);
    }
    return (size_t)(at - text);
}

static bool read_front(const char *line, lb_share_roster_t *roster)
{
    lb_roster_front_t front = { 0 };
    int is_forgotten, name_ends = 0;
    bool changed = false;

    if (sscanf(line, "front %64s%n %" SCNu32 " %d", front.name, &name_ends, &front.counter,
               &is_forgotten)
            != 3
        || line[name_ends] != ' ') {
        return false;
    }
    front.is_forgotten = is_forgotten != 0;
    return lb_share_roster_is_name(front.name) && lb_share_roster_add(roster, &front, &changed);
}

static bool read_member(const char *line, lb_share_told_t *told)
{
    return sscanf(
               line, "member %" SCNx64 " %" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNu64,
               &told->member, &told->limit, &told->floor, &told->share, &told->want, &told->stands)
           == 6;
}

static const char *next_line(const char *line)
{
    const char *end = strchr(line, '\n');
    return end ? end + 1 : NULL;
}

bool lb_share_record_read(const char *text, lb_share_record_t *record, lb_share_told_t *members,
                          size_t at_most)
{
    int has_joined, settles;

    memset(record, 0, sizeof(*record));
    record->members = members;
    if (sscanf(text, HEAD " %d %d", &has_joined, &settles) != 2) {
        return false;
    }
    record->has_joined = has_joined != 0;
    record->settles = settles != 0;
    for (const char *line = next_line(text); line && *line; line = next_line(line)) {
        const bool is_read = *line == 'f' ? read_front(line, &record->roster)
                                          : record->count < at_most
                                                && read_member(line, &members[record->count++]);
        if (!is_read) {
            return false;
        }
    }
    return true;
}

const lb_share_told_t *lb_share_record_find(const lb_share_record_t *record, uint64_t member)
{
    for (size_t i = 0; i < record->count; i++) {
        if (record->members[i].member == member) {
            return &record->members[i];
        }
    }
    return NULL;
}
