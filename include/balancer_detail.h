/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* balancer_detail.h - what there is to say of one member beside its view: how its health is judged,
 *                     and its last minute. */
#ifndef BALANCER_DETAIL_H
#define BALANCER_DETAIL_H

#include "mod_proxy.h"

/* How it is checked. Durations are us. */
typedef struct {
    const char *method;        /* "GET", "CPING", ...; "connect": to connect is all */
    const char *uri;           /* NULL: none */
    const char *expr;          /* name of the ProxyHCExpr that decides; NULL: the status does */
    apr_interval_time_t interval;
    apr_interval_time_t timeout;   /* 0: none of its own */
    int passes, fails;         /* in a row, to come back and to go out */
} lb_check_detail_t;

typedef struct {
    int maxfails;
    apr_interval_time_t failwindow;
    apr_interval_time_t slowstart;     /* 0: none */
    apr_interval_time_t stickywait;    /* 0: as long as all wait */
    const lb_check_detail_t *check;    /* NULL: it has none */
    const char *status_uri;            /* of PHP-FPM's status page, hcstatus; NULL: none */
    int kept;                          /* idle connections, over all processes; -1: not known */
    apr_array_header_t *past;          /* of lb_sample_t without in_flight and queued, oldest first:
                                        * the last minute */
} lb_member_detail_t;

#endif
