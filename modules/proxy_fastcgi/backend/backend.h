/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* backend.h - what is configured for a worker, as the engine needs it: addresses, limits, the pool.
 * Knows    mod_proxy's worker parameters, name look-ups, the unix: forms.
 * Ignores  requests' contents, FastCGI.
 * Memory   one for each worker and process, on the worker's own pool, made at first use.
 * Threads  any. */
#ifndef FCGI_BACKEND_H
#define FCGI_BACKEND_H

#include "balancer_outcome.h"
#include "connecting.h"
#include "mod_proxy.h"
#include "pool.h"
#include "worker_params.h"

typedef struct {
    fcgi_connection_t *connection;
    const fcgi_worker_params_t *params;
    fcgi_pool_t *pool;        /* where a right was taken; NULL: none */
    bool may_be_kept;         /* the configuration allows reuse */
    bool handshake_failed;    /* of TLS: why the connection failed */
} fcgi_lease_t;

/** For the hook optional_fn_retrieve. */
void fcgi_backend_find_balancer(void);

/** The name that the certificate of this worker's host must have. */
const char *fcgi_backend_tls_name(const proxy_worker *worker);

/** Is reuse switched on for this worker? As in stock: only when it was asked for. */
bool fcgi_backend_reuses(const proxy_worker *worker);

/** Time limits: worker, then ProxyTimeout, then Timeout; us. */
apr_interval_time_t fcgi_backend_timeout(const proxy_worker *worker, server_rec *s);
apr_interval_time_t fcgi_backend_connect_timeout(const proxy_worker *worker, server_rec *s);

/** Its parameters, as this process has found them. */
const fcgi_worker_params_t *fcgi_backend_params(proxy_worker *worker);

/** A right to one of its connections was taken: the lease has it. */
void fcgi_backend_begin_lease(fcgi_lease_t *lease, proxy_worker *worker);

/** The pool of its connections; NULL when there is no memory for one. */
fcgi_pool_t *fcgi_backend_pool(proxy_worker *worker);

/** The unix socket that this request goes to: the worker's, else that of SetHandler and the like.
 *  returns  NULL: it goes to a host */
const char *fcgi_backend_socket(request_rec *r, const proxy_worker *worker);

/** Its name, in r->pool: the worker's; when that has no address of its own, socket or host and port
 *  of this request. */
const char *fcgi_backend_name(request_rec *r, proxy_worker *worker, const char *url);

/** The host and the port that this request goes to, when it is no unix socket.
 *  returns  NULL: the URL has none */
const char *fcgi_backend_host(request_rec *r, const proxy_worker *worker, const char *url,
                              apr_port_t *port);

/** Where it is.
 *  url      fcgi://host[:port]/path: for a worker without an address of its own
 *  to       address, options and time limit are set
 *  shown    the address in words, for the log
 *  returns  APR_ENAMETOOLONG: of the socket; else the error of the look-up */
apr_status_t fcgi_backend_find(fcgi_endpoint_t *to, request_rec *r, proxy_worker *worker,
                               const char *url, const char **shown);

/** Nobody answers there: look its name up again. */
void fcgi_backend_forget_addresses(proxy_worker *worker);

/** Why there is no connection.
 *  rv       as connecting failed; the lease knows whether TLS did */
lb_outcome_t fcgi_backend_outcome_of(const fcgi_lease_t *lease, apr_status_t rv);

/** What may help against a failure to connect, in words.
 *  address  as fcgi_backend_find() shows it */
const char *fcgi_backend_cure_of(apr_pool_t *p, const char *address, apr_status_t rv);

/** Why a connection ended in the middle, in words.
 *  address    NULL: not asked, as it was a kept connection
 *  rv         APR_EOF, or another error
 *  is_silent  nothing was received on it */
const char *fcgi_backend_loss_of(const char *address, apr_status_t rv, bool is_silent);

/** How long a first byte took, and what is usual of late in this process (0: not known), us. */
void fcgi_backend_note_first_byte(proxy_worker *worker, apr_interval_time_t took);
apr_interval_time_t fcgi_backend_usual_first_byte(proxy_worker *worker);

/* How somebody else ends a check: both at once, as TLS only looks at its own connection. */
typedef struct {
    int hangs_up;                   /* descriptor: nobody wants the check any more */
    _Atomic int connection;         /* descriptor in use, for shutdown(); -1: none */
} fcgi_check_stop_t;

/* Where a check goes. */
typedef struct {
    proxy_worker *worker;
    server_rec *server;
    const char *address;            /* host:port or unix:/path, in the clear; NULL: the worker's */
    apr_interval_time_t timeout;    /* us, to connect */
    fcgi_check_stop_t *stop;
} fcgi_check_target_t;

/** A new connection for a check; it is never kept, and none of the worker's rights is taken.
 *  shown    the address in words, in p; also on failure, once it is known
 *  why      on failure one sentence, in p
 *  returns  as fcgi_connecting_step() */
apr_status_t fcgi_backend_connect_for_check(fcgi_lease_t *lease, const fcgi_check_target_t *target,
                                            apr_pool_t *p, const char **shown, const char **why);

/** The retry budget of a worker without a balancer, in this process; see retry_budget.h. */
void fcgi_backend_count_try(proxy_worker *worker);
bool fcgi_backend_may_resend(proxy_worker *worker);

/** How long a kept connection may take for its first byte before its peer is thought to be busy
 *  with something else; us. */
apr_interval_time_t fcgi_backend_guard(proxy_worker *worker);

/** Was a new connection any quicker? When not, the member is just slow: the guard gets longer. */
void fcgi_backend_judge_guard(proxy_worker *worker, bool was_quicker);

/** Give it back: kept when it is clean and may be, else closed. Does nothing the second time. */
void fcgi_backend_give_back(fcgi_lease_t *lease, bool is_clean);

#endif
