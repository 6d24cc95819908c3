/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* name_set.c - see name_set.h. */
#include "name_set.h"

#include <string.h>

/* Where to begin to look: by what names of CGI variables differ in, whatever their case. */
static size_t first_slot(fc_span_t name)
{
    if (name.bytes == 0) {
        return 0;
    }
    const size_t last = name.at[name.bytes - 1] | 0x20, middle = name.at[name.bytes / 2] | 0x20;
    return (name.bytes * 7 + last * 13 + middle * 61) % FCGI_NAME_SET_SLOTS;
}

/* returns  the slot that it has, or would have */
static inline size_t slot_of(const fcgi_name_set_t *set, fc_span_t name)
{
    size_t slot = first_slot(name);

    while (set->slots[slot] != 0 && !fc_span_is(set->names[set->slots[slot] - 1], name)) {
        slot = (slot + 1) % FCGI_NAME_SET_SLOTS;
    }
    return slot;
}

void fcgi_name_set_init(fcgi_name_set_t *set)
{
    memset(set->slots, 0, sizeof(set->slots));
    set->count = 0;
}

bool fcgi_name_set_has(const fcgi_name_set_t *set, fc_span_t name)
{
    return set->slots[slot_of(set, name)] != 0;
}

bool fcgi_name_set_add(fcgi_name_set_t *set, fc_span_t name)
{
    const size_t slot = slot_of(set, name);

    if (set->slots[slot] != 0 || set->count == FCGI_NAME_SET_MAX) {
        return false;
    }
    set->names[set->count++] = name;
    set->slots[slot] = (unsigned char)set->count;
    return true;
}
