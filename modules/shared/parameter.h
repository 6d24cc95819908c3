/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* parameter.h - reads key=value parameters by a table: a row for each parameter.
 * Knows    counts and durations, their ranges, where a value goes, what to say about a wrong one.
 * Ignores  whose parameters they are, what they do.
 * Memory   the caller's struct; errors in the caller's pool.   Threads: any, no state. */
#ifndef FC_PARAMETER_H
#define FC_PARAMETER_H

#include <stddef.h>

#include "apr_pools.h"
#include "apr_time.h"

typedef enum {
    FC_COUNT,         /* a whole number; the field is an int */
    FC_DURATION       /* see directive.h; the field is an apr_interval_time_t, us */
} fc_parameter_type_t;

typedef struct {
    const char *key;                /* written in either case */
    fc_parameter_type_t type;
    size_t offset;                  /* of its field */
    apr_interval_time_t min, max;   /* a duration's in us */
} fc_parameter_t;

/** Its row; NULL: the key is none of these. */
const fc_parameter_t *fc_parameter_find(const fc_parameter_t *table, size_t count,
                                        const char *key);

/** Read a value into its field.
 *  params   the struct that has the fields
 *  whose    begins the error
 *  returns  NULL; else what is wrong, and the cure: the field is then untouched */
const char *fc_parameter_set(const fc_parameter_t *parameter, void *params, const char *val,
                             const char *whose, apr_pool_t *p);

/** A duration as it would be written: "0", "500ms", "90s", "24h".
 *  us       of whole milliseconds */
const char *fc_parameter_duration(apr_interval_time_t us, apr_pool_t *p);

#endif
