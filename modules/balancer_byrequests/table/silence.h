/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* silence.h - for how long a member has answered none of its requests.
 * Knows    two times in its row: asked_since, answered_at.
 * Ignores  how long is too long (check_verdict.h), httpd.
 * Memory   the shared table.   Threads: any, in any number of processes.
 *
 * Silence begins with the first request after the last answer. Requests that are given up, and
 * others that take their place, do not end it. Of two that come at once either may be the first. */
#ifndef LB_SILENCE_H
#define LB_SILENCE_H

#include "member_table.h"

/** A request was given to the member. */
void lb_silence_note_asked(lb_member_row_t *row, int64_t now);

/** It has answered one, or a check. */
void lb_silence_note_answered(lb_member_row_t *row, int64_t now);

/** Has it answered since then? */
bool lb_silence_was_broken(const lb_member_row_t *row, int64_t since);

/** How long it has been asked and has not answered; us, 0: it has answered last. */
int64_t lb_silence_length(const lb_member_row_t *row, int64_t now);

#endif
