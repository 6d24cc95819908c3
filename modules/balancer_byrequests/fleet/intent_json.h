/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* intent_json.h - all wishes that a front knows as a text: its document, and its file; version 1.
 * Knows    Jansson, the names in the text.
 * Ignores  seals, who reads it, what the settings mean.
 * Memory   the text is malloced, what is read lies in the caller's pool.   Threads: any, no state.
 *
 * Clocks of fronts may differ, so what is read of another front was written now: the times of its
 * wishes are moved by as much. What has become of a wish is this front's own affair. */
#ifndef LB_INTENT_JSON_H
#define LB_INTENT_JSON_H

#include <stddef.h>

#include "apr_pools.h"
#include "apr_time.h"
#include "fleet_intent.h"

/** now      us since 1970
 *  returns  text to free(); NULL: no memory */
char *lb_intent_json_write(const lb_intents_t *intents, apr_time_t now);

/** Our own text.
 *  room     for so many more
 *  why      on failure, in words
 *  returns  NULL when it is none of this version, whole and with all that belongs to it */
lb_intents_t *lb_intent_json_read_own(apr_pool_t *p, const char *text, size_t bytes, size_t room,
                                      const char **why);

/** That of another front; as above.
 *  now      us since 1970 */
lb_intents_t *lb_intent_json_read_other(apr_pool_t *p, const char *text, size_t bytes,
                                        apr_time_t now, const char **why);

/** The word for a standing. */
const char *lb_intent_json_standing(lb_intent_standing_t standing);

/** None yet. */
lb_intents_t *lb_intent_json_make(apr_pool_t *p, size_t room);

#endif
