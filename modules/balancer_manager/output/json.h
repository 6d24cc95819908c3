/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* json.h - writes JSON piece by piece, without building it first: a status of thousands of members
 *          costs a tenth of what a tree of values does.
 * Knows    JSON's syntax (RFC 8259), times (RFC 3339).
 * Ignores  what is written.
 * Memory   the sink's.   Threads: one request, one thread. */
#ifndef MGR_JSON_H
#define MGR_JSON_H

#include <stdbool.h>
#include <string.h>

#include "sink.h"

/* A second, and how it is written. */
typedef struct {
    apr_time_t second;
    char text[sizeof("\"2026-11-22T10:00:00")];
} mgr_json_date_t;

#define MGR_JSON_DATES 16    /* a power of 2 */

typedef struct {
    mgr_sink_t *sink;
    bool needs_comma;
    mgr_json_date_t dates[MGR_JSON_DATES];    /* that were written last, by their last bits */
} mgr_json_t;

/** A writer to the body of `r`, in r->pool. */
mgr_json_t *mgr_json_make(request_rec *r);

/** What stands before a value: the comma behind the last one, and its name.
 *  bytes   of the name; 0 in an array */
static inline void mgr_json_begin(mgr_json_t *json, const char *name, size_t bytes)
{
    char *const first = mgr_sink_room(json->sink, bytes + 4);
    char *out = first;

    if (json->needs_comma) {
        *out++ = ',';
    }
    json->needs_comma = true;
    if (bytes > 0) {
        *out++ = '"';
        memcpy(out, name, bytes);
        out += bytes;
        *out++ = '"';
        *out++ = ':';
    }
    json->sink->used += (apr_size_t)(out - first);
}

static inline void mgr_json_put_null(mgr_json_t *json)
{
    memcpy(mgr_sink_room(json->sink, 4), "null", 4);
    json->sink->used += 4;
}

/** Begin and end an object or an array.
 *  name   in the object around it; "" in an array
 *  bracket   one of { [ } ] */
static inline void mgr_json_close(mgr_json_t *json, char bracket)
{
    *mgr_sink_room(json->sink, 1) = bracket;
    json->sink->used++;
    json->needs_comma = true;
}

static inline void mgr_json_open(mgr_json_t *json, const char *name, char bracket)
{
    mgr_json_begin(json, name, strlen(name));
    mgr_json_close(json, bracket);
    json->needs_comma = false;
}

/** The next value stands on a new line. */
void mgr_json_break_line(mgr_json_t *json);

/* The values themselves: NULL and "" as text are null, as is the time 0. */
void mgr_json_put_text(mgr_json_t *json, const char *text);
void mgr_json_put_time(mgr_json_t *json, apr_time_t at);

/* Values with a name; "" in an array. Inline, so that the length of a name is known when this is
 * compiled: a status has hundreds of thousands of them. */
static inline void mgr_json_text(mgr_json_t *json, const char *name, const char *text)
{
    mgr_json_begin(json, name, strlen(name));
    mgr_json_put_text(json, text);
}

static inline void mgr_json_time(mgr_json_t *json, const char *name, apr_time_t at)
{
    mgr_json_begin(json, name, strlen(name));
    mgr_json_put_time(json, at);
}

static inline void mgr_json_count(mgr_json_t *json, const char *name, apr_uint64_t count)
{
    mgr_json_begin(json, name, strlen(name));
    mgr_sink_count(json->sink, count);
}

static inline void mgr_json_number(mgr_json_t *json, const char *name, apr_int64_t number)
{
    mgr_json_begin(json, name, strlen(name));
    mgr_sink_number(json->sink, number);
}

static inline void mgr_json_fraction(mgr_json_t *json, const char *name, apr_int64_t parts,
                                     int digits)
{
    mgr_json_begin(json, name, strlen(name));
    mgr_sink_fraction(json->sink, parts, digits);
}

static inline void mgr_json_switch(mgr_json_t *json, const char *name, bool is_on)
{
    mgr_json_begin(json, name, strlen(name));
    mgr_sink_text(json->sink, is_on ? "true" : "false");
}

static inline void mgr_json_null(mgr_json_t *json, const char *name)
{
    mgr_json_begin(json, name, strlen(name));
    mgr_json_put_null(json);
}

/** A number, or null when it is less than `least`. */
static inline void mgr_json_number_from(mgr_json_t *json, const char *name, apr_int64_t least,
                                        apr_int64_t number)
{
    if (number < least) {
        mgr_json_null(json, name);
    }
    else {
        mgr_json_number(json, name, number);
    }
}

#endif
