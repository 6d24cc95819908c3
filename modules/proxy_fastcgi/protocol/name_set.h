/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* name_set.h - a small set of names of variables: does one stand twice?
 * Knows    that a name is the same in letters of either case.
 * Ignores  httpd, and what a variable means.
 * Memory   inside the struct; the names are borrowed.   Threads: one at a time, or readers. */
#ifndef FCGI_NAME_SET_H
#define FCGI_NAME_SET_H

#include <stdbool.h>

#include "span.h"

#define FCGI_NAME_SET_SLOTS 256    /* a power of two; a slot has room for a number up to 255 */
#define FCGI_NAME_SET_MAX   128

typedef struct {
    unsigned char slots[FCGI_NAME_SET_SLOTS];    /* which name is here, counted from 1; 0: none */
    unsigned count;
    fc_span_t names[FCGI_NAME_SET_MAX];
} fcgi_name_set_t;

void fcgi_name_set_init(fcgi_name_set_t *set);

bool fcgi_name_set_has(const fcgi_name_set_t *set, fc_span_t name);

/** returns  false when it is in already, or the set is full */
bool fcgi_name_set_add(fcgi_name_set_t *set, fc_span_t name);

#endif
