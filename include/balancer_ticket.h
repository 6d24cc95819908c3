/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* balancer_ticket.h - the right to one request in flight on one member, and whose turn it is. */
#ifndef BALANCER_TICKET_H
#define BALANCER_TICKET_H

#include "mod_proxy.h"

typedef struct lb_ticket_t lb_ticket_t;

/* Where a request stands. */
typedef enum {
    LB_TURN_HELD,        /* it holds a right on `worker` */
    LB_TURN_QUEUED,      /* it waits for one */
    LB_TURN_REFUSED      /* there is none for it; the log and the notes say why */
} lb_turn_kind_t;

typedef struct {
    lb_turn_kind_t kind;
    proxy_worker *worker;              /* HELD */
    char *url;                         /* HELD: the request's path on it, r->filename has followed;
                                        * NULL: as it was */
    int fd;                            /* QUEUED: readable when it is to be asked again; -1: none */
    apr_interval_time_t timeout;       /* QUEUED: ask again after so many us at the latest */
} lb_turn_t;

#endif
