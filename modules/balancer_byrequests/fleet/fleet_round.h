/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fleet_round.h - one round of the fleet's thread: all exchanges say what they want, it is sent at
 *                 once, and they look at what came.
 * Knows    the keys, how documents are sealed and numbered, what of them is not taken.
 * Ignores  what documents and scripts are about; when there is a round.
 * Memory   a pool for each round.   Threads  the one that talks to the engine. */
#ifndef LB_FLEET_ROUND_H
#define LB_FLEET_ROUND_H

#include "board.h"
#include "engine.h"

typedef struct {
    apr_pool_t *p;                    /* ends with the round */
    const lb_fleet_settings_t *settings;
    apr_time_t sent_at;               /* before anything was sent; monotonic us, as all times */
    apr_time_t answered_at;           /* all answers are there; 0: not yet */
    apr_array_header_t *asks;         /* of lb_ask_t *: see below */
    lb_ask_t *fetches[LB_KIND_COUNT];
    lb_board_sent_t sent[LB_KIND_COUNT];     /* before this round */
    bool is_sent[LB_KIND_COUNT];             /* in this round */
    bool has_twin;                    /* another httpd writes documents in the name of this one */
} lb_fleet_round_t;

/* ---- For an exchange, before the round is sent ----------------------------------------------- */

/** What this front says now. To be called in each round: it is sent when it is another text than
 *  last time, when the engine has lost it, and from time to time, so that others see this front
 *  live.
 *  text     without NUL; too long a one is not sent (logged once) */
void lb_round_publish(lb_fleet_round_t *round, lb_fleet_kind_t kind, const char *text);

/** Ask for the documents of all fronts: see lb_round_documents(). */
void lb_round_fetch(lb_fleet_round_t *round, lb_fleet_kind_t kind);

/** A front is gone for good: remove its documents. */
void lb_round_remove(lb_fleet_round_t *round, const char *front);

/** Run a script, in one atomic step.
 *  script   Lua as Redis has it (EVAL); it must return one flat array of texts and numbers
 *  keys     all that it touches, made by lb_round_key(); of const char *
 *  args     of const char *
 *  returns  where the answer is after the round: see lb_ask_t.texts */
const lb_ask_t *lb_round_run(lb_fleet_round_t *round, const char *script,
                             const apr_array_header_t *keys, const apr_array_header_t *args);

/** "fc:{shop}:NAME": all keys of a fleet lie in one slot. */
const char *lb_round_key(const lb_fleet_round_t *round, const char *name);

/* ---- For an exchange, after it went well ----------------------------------------------------- */

/** The last good documents of all fronts, also of those that the engine has lost; if the kind was
 *  fetched. By name.
 *  returns  of lb_document_t */
const apr_array_header_t *lb_round_documents(const lb_fleet_round_t *round, lb_fleet_kind_t kind);

/* ---- For the thread -------------------------------------------------------------------------- */

lb_fleet_round_t *lb_round_begin(apr_pool_t *p, const lb_fleet_settings_t *settings);

/** Send it and take the answers: documents go to the board.
 *  returns  false: nothing of it counts, see lb_engine_fault() */
bool lb_round_perform(lb_fleet_round_t *round, lb_engine_t *engine);

#endif
