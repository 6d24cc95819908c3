/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* queue_order.h - what a balancer's configuration says about the order of those who wait.
 * Ignores  httpd: plain C11, a header alone. */
#ifndef LB_QUEUE_ORDER_H
#define LB_QUEUE_ORDER_H

#include <stdbool.h>
#include <stdint.h>

/* Within a priority, and among the requests of one flow. */
typedef enum {
    LB_ORDER_FIFO,
    LB_ORDER_LIFO,
    LB_ORDER_ADAPTIVE        /* the newest first while the queue stands: controlled_delay.h */
} lb_queue_order_t;

typedef struct {
    lb_queue_order_t order;
    int64_t target;          /* us: in a queue that does not stand nobody waits longer for long */
    bool target_is_promised; /* it was configured: a longer wait alone says that the queue stands */
    uint32_t reserve;        /* places of the queue for LB_PRIORITY_RESERVED and before it */
} lb_queue_rule_t;

#define LB_PRIORITIES        10
#define LB_PRIORITY_RESERVED 2

#endif
