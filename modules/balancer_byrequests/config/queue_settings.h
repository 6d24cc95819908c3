/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* queue_settings.h - what is configured for the queue of a balancer.
 * Knows    queueorder, queuetarget, queuereserve.   Ignores  what they do at run time.
 * Memory   pconf; read-only at run time. */
#ifndef LB_QUEUE_SETTINGS_H
#define LB_QUEUE_SETTINGS_H

#include "apr_pools.h"
#include "apr_time.h"
#include "queue_order.h"

typedef struct {
    lb_queue_order_t order;
    apr_interval_time_t target;     /* us; 0: not set */
    int reserve;
    const char *patience_header;    /* BalancerPatienceHeader; NULL: none */
} lb_queue_settings_t;

/** Take a word of ProxySet.
 *  whose    begins the error
 *  err      what is wrong with it, and the cure; NULL: nothing
 *  returns  is it one of these? */
bool lb_queue_settings_take(apr_pool_t *p, lb_queue_settings_t *settings, const char *word,
                            const char *whose, const char **err);

/** The name of an order. */
const char *lb_queue_settings_order_word(lb_queue_order_t order);

#endif
