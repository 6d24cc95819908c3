/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* dial.c - see dial.h. */
#include "dial.h"

#include "apr_strings.h"
#include "apr_uri.h"
#include "tls.h"
#include "worker_url.h"

static bool preserves_host(request_rec *r)
{
    const proxy_dir_conf *dconf = ap_get_module_config(r->per_dir_config, &proxy_module);
    return dconf->preserve_host && r->hostname;
}

/* The name that the backend's certificate must have. */
static const char *tls_name(request_rec *r, const proxy_worker *worker, const char *url)
{
    apr_uri_t uri;

    if (preserves_host(r)) {
        return r->hostname;
    }
    return !worker->balancer && apr_uri_parse(r->pool, url, &uri) == APR_SUCCESS && uri.hostname
               ? uri.hostname
               : fcgi_backend_tls_name(worker);
}

static apr_interval_time_t handshake_timeout(const fcgi_dial_t *dial)
{
    const apr_interval_time_t usual =
        fcgi_backend_connect_timeout(dial->worker, dial->r->server);
    const apr_interval_time_t left = dial->deadline - fc_now();

    return dial->deadline == 0 || usual < left ? usual
           : left > 0                          ? left
                                               : 0;
}

/* Waits for the backend in this thread, up to connectiontimeout: mod_ssl's filters know no other
 * way. */
static apr_status_t start_tls(fcgi_dial_t *dial)
{
    fcgi_lease_t *lease = &dial->lease;
    request_rec *r = dial->r;
    const char *name = tls_name(r, dial->worker, dial->url);
    const apr_status_t rv = fcgi_tls_start(
        &lease->connection->tls, lease->connection->fd, dial->worker, r, r->server, name,
        handshake_timeout(dial), fcgi_backend_timeout(dial->worker, r->server));
    if (rv != APR_SUCCESS) {
        lease->handshake_failed = true;
        dial->why = apr_psprintf(r->pool,
                                 "TLS to %s failed: see the message of mod_ssl "
                                 "(SSLProxyEngine, SSLProxyVerify, SSLProxyCACertificateFile, "
                                 "SSLProxyCheckPeerName)",
                                 name);
    }
    return rv;
}

static apr_status_t use(fcgi_dial_t *dial)
{
    fcgi_lease_t *lease = &dial->lease;

    lease->connection->uses++;
    if (lease->may_be_kept) {    /* the guard and the waiting rule look at it */
        fcgi_connection_show_progress(lease->connection);
    }
    return APR_SUCCESS;
}

static apr_status_t fail(fcgi_dial_t *dial, apr_status_t rv)
{
    fcgi_backend_give_back(&dial->lease, false);
    return rv;
}

static apr_status_t go_on_connecting(fcgi_dial_t *dial, unsigned came)
{
    apr_status_t rv = fcgi_connecting_step(&dial->connecting, came, &dial->lease.connection);

    dial->wait = dial->connecting.wait;
    if (rv == APR_EINPROGRESS) {
        return rv;
    }
    if (rv != APR_SUCCESS) {
        dial->why = apr_pstrcat(dial->r->pool, dial->shown, ": ",
                                fcgi_backend_cure_of(dial->r->pool, dial->shown, rv), NULL);
        fcgi_backend_forget_addresses(dial->worker);
    }
    else if (fc_worker_url_is_fcgis(dial->url)) {
        rv = start_tls(dial);
    }
    return rv == APR_SUCCESS ? use(dial) : fail(dial, rv);
}

static const char *why_not_found(const fcgi_dial_t *dial, apr_status_t rv)
{
    if (rv == APR_ENAMETOOLONG) {
        return "the path of a unix socket is limited to 107 bytes";
    }
    return dial->worker->s->is_address_reusable
               ? "cannot resolve its host name"
               : "cannot resolve its host name; does the URL in the configuration end with a "
                 "slash, like the path before it?";
}

static apr_status_t begin_connecting(fcgi_dial_t *dial)
{
    fcgi_endpoint_t to = { .watched_fd = dial->client_fd };
    const apr_status_t rv = fcgi_backend_find(&to, dial->r, dial->worker, dial->url, &dial->shown);

    if (rv != APR_SUCCESS) {
        dial->why = apr_psprintf(dial->r->pool, "%s: %s", dial->shown, why_not_found(dial, rv));
        return fail(dial, rv);
    }
    to.patience = dial->lease.params->connectwait;
    fcgi_connecting_begin(&dial->connecting, &to);
    return go_on_connecting(dial, 0);
}

/* The right to a connection is ours. */
static apr_status_t enter(fcgi_dial_t *dial)
{
    fcgi_lease_t *lease = &dial->lease;

    fcgi_backend_begin_lease(lease, dial->worker);
    /* a certificate that was verified for one host says nothing about the next */
    lease->may_be_kept = fcgi_backend_reuses(dial->worker)
                         && !(preserves_host(dial->r) && fc_worker_url_is_fcgis(dial->url));
    if (lease->may_be_kept && !dial->is_fresh) {
        const char *socket = fcgi_backend_socket(dial->r, dial->worker);
        lease->connection = fcgi_pool_take(lease->pool, socket ? socket : "",
                                           dial->may_be_stale);
    }
    return lease->connection ? use(dial) : begin_connecting(dial);
}

/* The wait for the right to a connection is over, one way or the other. */
static apr_status_t end_waiting_for_right(fcgi_dial_t *dial, unsigned came)
{
    if (fcgi_pool_end_waiting(fcgi_backend_pool(dial->worker), &dial->place)) {
        return enter(dial);
    }
    if (came & FCGI_CLIENT_GONE) {
        return APR_EINTR;
    }
    dial->why = came & FCGI_NO_THREAD
                    ? "all connections permitted by max= are in use, and no thread is left to wait"
                    : "all connections permitted by max= were in use for longer than acquire=";
    return came & FCGI_NO_THREAD ? APR_EAGAIN : APR_TIMEUP;
}

apr_status_t fcgi_dial_begin(fcgi_dial_t *dial)
{
    fcgi_pool_t *pool = fcgi_backend_pool(dial->worker);

    if (!pool) {
        dial->why = "no memory for its connection pool";
        return APR_ENOMEM;
    }
    const apr_status_t rv = fcgi_pool_enter(pool, &dial->place);
    if (rv == APR_SUCCESS) {
        return enter(dial);
    }
    dial->why = "no file descriptor is left to wait for a connection";
    dial->wait = (fcgi_wait_t){ .fd = dial->place.bell,
                                .client_fd = dial->client_fd,
                                .wanted = FCGI_READABLE,
                                .timeout = fcgi_pool_patience(pool) };
    return rv;
}

bool fcgi_dial_waits_for_right(const fcgi_dial_t *dial)
{
    return dial->place.is_taken;
}

apr_status_t fcgi_dial_step(fcgi_dial_t *dial, unsigned came)
{
    return dial->place.is_taken ? end_waiting_for_right(dial, came) : go_on_connecting(dial, came);
}

void fcgi_dial_hang_up(fcgi_dial_t *dial)
{
    fcgi_pool_t *pool = dial->place.is_taken ? fcgi_backend_pool(dial->worker) : NULL;

    if (pool && fcgi_pool_end_waiting(pool, &dial->place)) {
        fcgi_pool_leave(pool);
    }
    if (dial->lease.pool && !dial->lease.connection) {
        fcgi_connecting_stop(&dial->connecting);
    }
    fcgi_backend_give_back(&dial->lease, false);
}
