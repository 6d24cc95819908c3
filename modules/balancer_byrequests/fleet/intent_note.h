/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* intent_note.h - what an operator changes on this front becomes a wish for all of them.
 * Knows    which parts of a change travel.
 * Ignores  how a change is made, how the others hear of it.
 * Memory   the caller's pool.   Threads: any, in any process. */
#ifndef LB_INTENT_NOTE_H
#define LB_INTENT_NOTE_H

#include "mod_balancer_byrequests.h"

typedef struct lb_intent_note_t lb_intent_note_t;

/** Before changes are made, which may rename or remove who is named in them.
 *  changes  of lb_change_t; they stay until the end
 *  returns  NULL: there is no fleet */
lb_intent_note_t *lb_intent_note_begin(apr_pool_t *p, const apr_array_header_t *changes);

/** They were made: note what is wanted now, keep it, and have the others hear of it.
 *  note     NULL: nothing is done
 *  by       the operator */
void lb_intent_note_end(const lb_intent_note_t *note, const lb_change_result_t *result,
                        const char *by);

#endif
