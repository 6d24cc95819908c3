/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* timer_heap.h - which of many timers is due first: a binary heap.
 * Knows    numbers.
 * Ignores  clocks, threads, who waits. Plain C11.
 * Memory   the timers are their owners'; the heap has an array of pointers to them.
 * Threads  one at a time.
 *
 * Invariants (fcgi_timer_heap_check): no timer is due before its parent; each knows its place. */
#ifndef FCGI_TIMER_HEAP_H
#define FCGI_TIMER_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    int64_t at;
    size_t place;    /* in the heap, from 1 on; 0: it is not in it */
} fcgi_timer_t;

typedef struct {
    fcgi_timer_t **timers;
    size_t count, room;
} fcgi_timer_heap_t;

/** Put a timer in, or move one that is in it.
 *  returns  false when there is no memory: it is not in it. A timer that is in it can be moved */
bool fcgi_timer_heap_set(fcgi_timer_heap_t *heap, fcgi_timer_t *timer, int64_t at);

/** Take it out; one that is not in it may be named, too. */
void fcgi_timer_heap_remove(fcgi_timer_heap_t *heap, fcgi_timer_t *timer);

/** The one that is due first; NULL: there is none. */
fcgi_timer_t *fcgi_timer_heap_first(const fcgi_timer_heap_t *heap);

/** Take all out, and free the array. */
void fcgi_timer_heap_end(fcgi_timer_heap_t *heap);

/** Do the invariants hold? See invariant.h. */
void fcgi_timer_heap_check(const fcgi_timer_heap_t *heap);

#endif
