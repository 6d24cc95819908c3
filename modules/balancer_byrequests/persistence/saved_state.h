/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* saved_state.h - what operators changed at run time, as plain values: between the shared memory
 * (state_taking.c), the file's text (state_json.c) and the next configuration.
 * Memory   whoever makes one says in which pool. */
#ifndef LB_SAVED_STATE_H
#define LB_SAVED_STATE_H

#include <stdbool.h>

#include "apr_tables.h"
#include "apr_time.h"
#include "source.h"
#include "srv_order.h"

/* One value that is not what the configuration says. */
typedef struct {
    const char *name;          /* of the setting, see setting.h */
    const char *value;
    const char *configured;    /* what it replaced; NULL: the member is not in the configuration */
} lb_saved_value_t;

typedef struct {
    const char *url;           /* as configured or added; "unix:/path|scheme://name" for sockets */
    bool is_added;             /* the configuration did not have it */
    bool is_removed;           /* the configuration had it */
    apr_array_header_t *values;         /* of lb_saved_value_t */
    const char *source;        /* of a discovered member: the name of its source; else NULL. In no
                                * file: who is there, DNS says */
    lb_srv_place_t place;      /* what its record says */
    apr_time_t banned_since;            /* 0: it is not banned */
    apr_interval_time_t ban;            /* how long */
} lb_saved_member_t;

/* What was known of a source. */
typedef struct {
    const char *name;
    lb_source_row_t row;
} lb_saved_source_t;

typedef struct {
    const char *name;          /* balancer://name */
    const char *vhost;
    apr_array_header_t *values;         /* of lb_saved_value_t */
    apr_array_header_t *members;        /* of lb_saved_member_t */
    apr_array_header_t *sources;        /* of lb_saved_source_t; in no file: NULL */
    bool is_taken;             /* a configured balancer has found it */
} lb_saved_balancer_t;

typedef struct {
    apr_time_t saved_at;
    apr_array_header_t *balancers;      /* of lb_saved_balancer_t */
} lb_saved_state_t;

#endif
