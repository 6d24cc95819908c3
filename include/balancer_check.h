/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* balancer_check.h - a check that is due, and how it ended: the balancer says when and judges,
 * mod_proxy_fastcgi asks the members. */
#ifndef BALANCER_CHECK_H
#define BALANCER_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "balancer_numbers.h"
#include "balancer_outcome.h"
#include "mod_proxy.h"

typedef struct {
    proxy_worker *worker;
    server_rec *server;
    const char *name;          /* of the member, for the log */
    const char *method;        /* GET, HEAD, OPTIONS; NULL: to connect is all */
    const char *uri;           /* script path and query of the request */
    const char *status_uri;    /* path of FPM's status page; NULL: it is not read */
    const char *status_address;    /* host:port or unix:/path of it; NULL: the member's */
    apr_interval_time_t timeout;   /* us, for the check; once more for the status page */
    int only_status;           /* nothing is checked: only the status page is read */
} lb_check_t;

/* PHP-FPM's own numbers, from its status page. */
typedef struct {
    uint32_t idle, active, total;      /* children */
    uint32_t listen_queue;             /* connections that wait for a child */
    uint32_t max_children_reached;     /* how often it had no child to spare, since its start */
    lb_pm_t process_manager;
    uint32_t max_active;               /* the most children that worked at a time; 0: not told */
    int64_t start_time;                /* s since 1970; 0: not told */
} lb_fpm_numbers_t;

typedef struct {
    lb_outcome_t outcome;      /* LB_SERVED: connected, and answered if there was a request */
    const char *why;           /* a sentence about a failure */
    int http_status;           /* of the answer; 0: there was none */
    apr_table_t *headers;      /* of the answer; NULL: there was none */
    const char *body;          /* its first bytes */
    apr_size_t body_bytes;
    apr_interval_time_t took;  /* us */
    apr_interval_time_t patience;  /* us: so long may a request to this member go unanswered */
    bool has_fpm_numbers;
    lb_fpm_numbers_t fpm;
} lb_check_result_t;

#endif
