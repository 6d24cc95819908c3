/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* redis_link.h - one connection to a Redis, Valkey or sentinel: commands out, replies in, and never
 *                longer than it may take.
 * Knows    sockets, time limits, that a process may end meanwhile; hiredis, which writes commands
 *          and reads replies (RESP).
 * Ignores  what commands mean.
 * Memory   the caller's struct; buffers from malloc until it is closed.
 * Threads  one. */
#ifndef LB_REDIS_LINK_H
#define LB_REDIS_LINK_H

#include <hiredis/hiredis.h>

#include "engine.h"

typedef struct {
    int fd;                        /* -1: it is closed */
    int stop_fd;                   /* readable: this process ends */
    apr_time_t deadline;           /* for all that is done now; monotonic us */
    redisReader *reader;
    char *out;                     /* what is to be sent */
    size_t out_bytes, out_room;
    size_t in_bytes;               /* received since the last send */
    lb_fault_t fault;              /* what went wrong last, and in words */
    char reason[256];
    char name[LB_FLEET_NAME_MAX + 256];    /* of the server */
} lb_redis_link_t;

/** Closed. */
void lb_redis_link_init(lb_redis_link_t *link, int stop_fd);

/** From now on; all below fails when it is over. */
void lb_redis_link_set_limit(lb_redis_link_t *link, apr_interval_time_t us);

/** Connect to a socket of this machine, or to the first address of a host that answers.
 *  p        for what is needed meanwhile
 *  returns  as all below, false: it is closed, see fault and reason */
bool lb_redis_link_open_socket(lb_redis_link_t *link, const char *path);
bool lb_redis_link_open(lb_redis_link_t *link, const char *host, apr_port_t port, apr_pool_t *p);

/** Add a command to what will be sent.
 *  words    of fc_span_t */
bool lb_redis_link_add(lb_redis_link_t *link, const apr_array_header_t *words);

/** Send all that was added. */
bool lb_redis_link_send(lb_redis_link_t *link);

/** The next reply, also when it is an error.
 *  returns  NULL: it is closed. Else the caller frees it with freeReplyObject() */
redisReply *lb_redis_link_receive(lb_redis_link_t *link);

/** Something went wrong: close it.
 *  reason   behind the name of the server
 *  returns  false */
bool lb_redis_link_fail(lb_redis_link_t *link, lb_fault_t fault, const char *reason);

void lb_redis_link_close(lb_redis_link_t *link);

#endif
