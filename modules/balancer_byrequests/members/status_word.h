/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* status_word.h - the one way in which we change mod_proxy's status word of a member.
 * Knows    that operators, checks, drains and requests of all processes change it at the same time:
 *          each changes its own bits and no other.
 * Ignores  what the bits mean.
 * Memory   mod_proxy's shared struct, or a struct that is not shared yet.
 * Threads  any, in any number of processes, without a lock. */
#ifndef LB_STATUS_WORD_H
#define LB_STATUS_WORD_H

/** Clear some bits and set others, all in one step; a bit of both is set.
 *  returns  the word as it was before */
unsigned int lb_status_word_change(unsigned int *word, unsigned int set, unsigned int cleared);

#endif
