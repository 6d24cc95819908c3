/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* timer_heap.c - see timer_heap.h. */
#include "timer_heap.h"

#include <stdlib.h>

#include "invariant.h"

#define ROOM_FIRST 64

void fcgi_timer_heap_check(const fcgi_timer_heap_t *heap)
{
    if (!FC_IS_CHECKED) {
        return;
    }
    for (size_t place = 1; place <= heap->count; place++) {
        const fcgi_timer_t *timer = heap->timers[place - 1];
        FC_INVARIANT(timer->place == place);
        FC_INVARIANT(place == 1 || heap->timers[place / 2 - 1]->at <= timer->at);
    }
}

static void put(const fcgi_timer_heap_t *heap, fcgi_timer_t *timer, size_t place)
{
    heap->timers[place - 1] = timer;
    timer->place = place;
}

static int64_t due_at(const fcgi_timer_heap_t *heap, size_t place)
{
    return heap->timers[place - 1]->at;
}

/* From this place, which is free for it, the timer goes up while its parent is due later. */
static size_t go_up(const fcgi_timer_heap_t *heap, const fcgi_timer_t *timer, size_t place)
{
    while (place > 1 && due_at(heap, place / 2) > timer->at) {
        put(heap, heap->timers[place / 2 - 1], place);
        place /= 2;
    }
    return place;
}

/* And down while a child is due sooner. */
static size_t go_down(const fcgi_timer_heap_t *heap, const fcgi_timer_t *timer, size_t place)
{
    for (;;) {
        size_t child = 2 * place;
        if (child < heap->count && due_at(heap, child + 1) < due_at(heap, child)) {
            child++;
        }
        if (child > heap->count || due_at(heap, child) >= timer->at) {
            return place;
        }
        put(heap, heap->timers[child - 1], place);
        place = child;
    }
}

static void settle(const fcgi_timer_heap_t *heap, fcgi_timer_t *timer, size_t place)
{
    put(heap, timer, go_down(heap, timer, go_up(heap, timer, place)));
}

static bool make_room(fcgi_timer_heap_t *heap)
{
    if (heap->count < heap->room) {
        return true;
    }
    const size_t room = heap->room > 0 ? 2 * heap->room : ROOM_FIRST;
    fcgi_timer_t **timers = realloc(heap->timers, room * sizeof(fcgi_timer_t *));
    if (!timers) {
        return false;
    }
    heap->timers = timers;
    heap->room = room;
    return true;
}

bool fcgi_timer_heap_set(fcgi_timer_heap_t *heap, fcgi_timer_t *timer, int64_t at)
{
    size_t place = timer->place;

    if (place == 0) {
        if (!make_room(heap)) {
            return false;
        }
        place = ++heap->count;
        put(heap, timer, place);
    }
    timer->at = at;
    settle(heap, timer, place);
    fcgi_timer_heap_check(heap);
    return true;
}

void fcgi_timer_heap_remove(fcgi_timer_heap_t *heap, fcgi_timer_t *timer)
{
    const size_t place = timer->place;

    if (place == 0) {
        return;
    }
    fcgi_timer_t *last = heap->timers[--heap->count];
    timer->place = 0;
    if (last != timer) {
        settle(heap, last, place);
    }
    fcgi_timer_heap_check(heap);
}

fcgi_timer_t *fcgi_timer_heap_first(const fcgi_timer_heap_t *heap)
{
    return heap->count > 0 ? heap->timers[0] : NULL;
}

void fcgi_timer_heap_end(fcgi_timer_heap_t *heap)
{
    for (size_t i = 0; i < heap->count; i++) {
        heap->timers[i]->place = 0;
    }
    free(heap->timers);
    *heap = (fcgi_timer_heap_t){ 0 };
}
