/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* engine.h - the store where the fronts of a fleet meet: what is asked of it, and what went wrong.
 * Knows    tables of field and value; scripts that the store runs in one atomic step.
 * Ignores  what is stored, who asks. The driver (redis_engine.c) alone knows which store it is and
 *          how it is reached.
 * Memory   an engine is its caller's; answers lie in the pool of the round.
 * Threads  one. It waits for the store for at most LB_ENGINE_TIMEOUT for each server that it tries,
 *          and no longer than until a byte, or the end, comes from stop_fd. */
#ifndef LB_ENGINE_H
#define LB_ENGINE_H

#include <stdbool.h>

#include "apr_tables.h"
#include "fleet_settings.h"
#include "span.h"

#define LB_ENGINE_TIMEOUT apr_time_from_sec(1)

/* What went wrong: name, word. */
#define LB_ENGINE_FAULTS(X)                                                                 \
    X(NONE,       "none")          /* nothing, or nothing was tried yet */                  \
    X(STOPPED,    "stopped")       /* this process ends */                                  \
    X(NAME,       "dns")           /* its name has no address */                            \
    X(REFUSED,    "refused")       /* no connection */                                      \
    X(TIMEOUT,    "timeout")       /* no answer in time */                                  \
    X(CLOSED,     "closed")        /* the connection has ended */                           \
    X(PROTOCOL,   "protocol")      /* what came is no answer, or is too big */              \
    X(AUTH,       "auth")          /* NOAUTH, WRONGPASS, NOPERM */                          \
    X(READONLY,   "readonly")      /* it is a replica */                                    \
    X(FULL,       "full")          /* OOM, MISCONF: it cannot take more, or cannot save */  \
    X(LOADING,    "loading")       /* it is starting, or busy with a script */              \
    X(NO_MASTER,  "no_master")     /* no sentinel knows the master */                       \
    X(NAME_TAKEN, "name_taken")    /* another httpd calls itself by the name of this one */ \
    X(ERROR,      "error")         /* any other error, as it says itself */

#define LB_ENGINE_FAULT_NAME(name, word) LB_FAULT_##name,
typedef enum {
    LB_ENGINE_FAULTS(LB_ENGINE_FAULT_NAME)
} lb_fault_t;
#undef LB_ENGINE_FAULT_NAME

/** Its word. */
const char *lb_engine_fault_word(lb_fault_t fault);

/* One thing that is asked. */
typedef enum {
    LB_ASK_PUT,       /* table[field] = value */
    LB_ASK_REMOVE,    /* table[field] is no more */
    LB_ASK_GET_ALL,   /* all of table: field, value, field, value, ... */
    LB_ASK_RUN        /* a script in Lua, with keys and args; it returns texts and numbers */
} lb_ask_kind_t;

typedef struct {
    lb_ask_kind_t kind;
    const char *table, *field;
    fc_span_t value;
    const char *script;
    const apr_array_header_t *keys, *args;    /* of const char * */
    /* the answer, once the round has gone well; behind each text is a NUL, which is not counted */
    apr_array_header_t *texts;                /* of fc_span_t; at is NULL: none (nil) */
} lb_ask_t;

typedef struct lb_engine_t lb_engine_t;

/** It is not connected yet.
 *  stop_fd  readable: this process ends */
lb_engine_t *lb_engine_create(apr_pool_t *p, const lb_fleet_settings_t *settings, int stop_fd);

/** Connect if it is not: to the one that takes writes, logged in.
 *  p        for what is needed meanwhile
 *  returns  false: see lb_engine_fault() */
bool lb_engine_connect(lb_engine_t *engine, apr_pool_t *p);

/** Send all that is asked at once and wait for all answers.
 *  asks     of lb_ask_t *; without connection nothing is sent
 *  p        for the answers
 *  returns  false: it is not connected any more; some may have been done, or be done later */
bool lb_engine_perform(lb_engine_t *engine, const apr_array_header_t *asks, apr_pool_t *p);

/** What went wrong at last, in a word and in words: "10.0.0.5:6379: Connection refused". */
lb_fault_t lb_engine_fault(const lb_engine_t *engine);
const char *lb_engine_reason(const lb_engine_t *engine);

/** The server that is used, "10.0.0.5:6379"; "" when it is not connected. */
const char *lb_engine_server(const lb_engine_t *engine);

void lb_engine_disconnect(lb_engine_t *engine);

#endif
