/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* wait.h - what a request waits for, and waiting for it in its thread: the blocking driver.
 * Knows    two descriptors and a time.
 * Ignores  why somebody waits; waiting without a thread (park.h).
 * Memory   none.   Threads: any, no state. */
#ifndef FCGI_WAIT_H
#define FCGI_WAIT_H

#include "clock.h"

/* What to wait for, and what came. */
#define FCGI_READABLE        1u    /* the descriptor, or its end */
#define FCGI_WRITABLE        2u
#define FCGI_CLIENT_READABLE 4u
#define FCGI_CLIENT_WRITABLE 8u
#define FCGI_CLIENT_GONE     16u   /* it has closed its side; watched when there is a client */
#define FCGI_TIME_IS_UP      32u
#define FCGI_NO_THREAD       64u   /* there is no thread to spare to wait in, see wait_policy.h */
#define FCGI_CLIENT_MAY_END  128u  /* only wanted: but for a reset it has not gone */
#define FCGI_READ_TELLS      256u  /* only wanted: readable may come by mistake, who waits reads */

typedef struct {
    int fd;                        /* -1: none */
    struct fcgi_wait_set_t **home; /* of the wait set that watches it from one wait to the next, as
                                    * long as it is open; NULL: none */
    int client_fd;                 /* -1: none */
    unsigned wanted;               /* of the first four, and the last two */
    apr_interval_time_t timeout;   /* us from now; 0 only looks; negative: no limit */
} fcgi_wait_t;

/** Wait in this thread.
 *  returns  what came, never 0 */
unsigned fcgi_wait_in_thread(const fcgi_wait_t *wait);

#endif
