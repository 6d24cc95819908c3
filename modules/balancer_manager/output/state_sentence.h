/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* state_sentence.h - a member's state in words: which, since when, why, and what comes next. */
#ifndef MGR_STATE_SENTENCE_H
#define MGR_STATE_SENTENCE_H

#include <stdbool.h>

#include "html.h"
#include "mod_balancer_byrequests.h"

/** A state, for people: "hot standby". */
const char *mgr_state_sentence_word(lb_state_t state);

/** Does it stand by for others, or serve in their place? And does it serve so now? */
bool mgr_state_sentence_is_reserve(const lb_member_view_t *member);
bool mgr_state_sentence_stands_in(const lb_member_view_t *member);

/** Print the word as a pill, and the sentence behind it. */
void mgr_state_sentence_print(mgr_html_t *html, const lb_member_view_t *member, apr_time_t now);

#endif
