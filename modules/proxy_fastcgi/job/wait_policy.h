/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* wait_policy.h - whether a request that waits keeps its thread: the policy, ProxyFCGIPark.
 * Knows    how many threads of this process wait, what share of them may.
 * Ignores  what is waited for, and how a request is parked (park.h).
 * Memory   counters of the process; settings of the configuration.
 * Threads  any.
 *
 * Invariant: while requests are parked, at most three quarters of the threads wait for what other
 * requests hold. So there is always one to take up the request that everybody waits for. */
#ifndef FCGI_WAIT_POLICY_H
#define FCGI_WAIT_POLICY_H

#include <stdbool.h>

#include "httpd.h"
#include "http_config.h"
#include "wait.h"

typedef struct {
    fcgi_wait_t *wait;             /* its timeout shrinks by the time that was waited in vain */
    bool is_for_right;             /* waits for what other requests hold */
    apr_interval_time_t usual;     /* us that such a wait takes; 0: not known */
    unsigned (*read_ahead)(void *baton);    /* waits in the thread for a moment, and returns what
                                             * came; NULL: there is no such way */
    bool (*park)(void *baton);     /* returns false when the request cannot be parked */
    void *baton;
} fcgi_wait_policy_case_t;

/** Wait in this thread, or park.
 *  returns  what came (FCGI_NO_THREAD: it can neither be parked nor may it wait here); 0: it is
 *           parked */
unsigned fcgi_wait_policy_wait(const fcgi_wait_policy_case_t *waiting);

/** Are so many parked, and so many threads waiting, that a new request is to be refused? */
bool fcgi_wait_policy_is_crowded(void);

/** How many threads of this process wait in the handler. */
int fcgi_wait_policy_threads(void);

/** ProxyFCGIPark On|Off [share=percent] [max=count] [overflow=wait|refuse] */
const char *fcgi_wait_policy_set(cmd_parms *cmd, void *unused, const char *arg);

/** Hook bodies: forget the settings; look at those of httpd; have a child take part. */
int fcgi_wait_policy_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);
int fcgi_wait_policy_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                 server_rec *s);
void fcgi_wait_policy_child_init(apr_pool_t *pchild, server_rec *s);

#endif
