/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* tls.c - see tls.h. */
#include "tls.h"

#include "apr_portable.h"
#include "apr_strings.h"
#include "http_connection.h"
#include "util_filter.h"

#define ASK_AGAIN 8

struct fcgi_tls_t {
    proxy_conn_rec *outer;       /* what mod_proxy needs to set a connection up */
    conn_rec *c;
    apr_bucket_brigade *out;     /* empty between two calls */
    apr_bucket_brigade *in;      /* what was decrypted and not yet read */
    bool may_hold_data;
};

/* A socket of APR's over our descriptor, which stays ours. */
static apr_status_t wrap_socket(apr_socket_t **sock, int fd, apr_interval_time_t timeout,
                                apr_pool_t *p)
{
    apr_os_sock_t os = fd;
    apr_status_t rv = apr_os_sock_put(sock, &os, p);
    return rv == APR_SUCCESS ? apr_socket_timeout_set(*sock, timeout) : rv;
}

static apr_status_t add_filters(proxy_conn_rec *outer, request_rec *r, server_rec *s)
{
    const int rc = r ? ap_proxy_connection_create_ex("FCGIS", outer, r)
                     : ap_proxy_connection_create("FCGIS", outer, NULL, s);
    return rc == OK ? APR_SUCCESS : APR_EGENERAL;
}

static apr_status_t flush(fcgi_tls_t *tls)
{
    APR_BRIGADE_INSERT_TAIL(tls->out, apr_bucket_flush_create(tls->c->bucket_alloc));
    const apr_status_t rv = ap_pass_brigade(tls->c->output_filters, tls->out);
    apr_brigade_cleanup(tls->out);
    return rv == APR_SUCCESS && tls->c->aborted ? APR_ECONNABORTED : rv;
}

/* The dot says that a name in DNS is complete; names in TLS have none (RFC 6066, 3). */
static const char *without_last_dot(apr_pool_t *p, const char *host)
{
    const apr_size_t bytes = strlen(host);
    return apr_pstrmemdup(p, host, bytes > 0 && host[bytes - 1] == '.' ? bytes - 1 : bytes);
}

apr_status_t fcgi_tls_start(fcgi_tls_t **started, int fd, proxy_worker *worker, request_rec *r,
                            server_rec *s, const char *host, apr_interval_time_t handshake_timeout,
                            apr_interval_time_t timeout)
{
    apr_pool_t *p;

    apr_pool_create(&p, worker->cp->pool);
    apr_pool_tag(p, "fcgi_tls");
    fcgi_tls_t *tls = apr_pcalloc(p, sizeof(*tls));
    tls->outer = apr_pcalloc(p, sizeof(*tls->outer));
    tls->outer->pool = tls->outer->scpool = p;
    tls->outer->worker = worker;
    tls->outer->is_ssl = 1;
    tls->outer->hostname = tls->outer->ssl_hostname = without_last_dot(p, host);
    apr_status_t rv = wrap_socket(&tls->outer->sock, fd, handshake_timeout, p);
    if (rv == APR_SUCCESS) {
        apr_socket_addr_get(&tls->outer->addr, APR_REMOTE, tls->outer->sock);    /* for its log */
        rv = add_filters(tls->outer, r, s);
    }
    if (rv == APR_SUCCESS) {
        tls->c = tls->outer->connection;
        apr_table_setn(tls->c->notes, "proxy-request-hostname", tls->outer->ssl_hostname);
        tls->out = apr_brigade_create(p, tls->c->bucket_alloc);
        tls->in = apr_brigade_create(p, tls->c->bucket_alloc);
        rv = flush(tls);    /* the first write shakes hands */
    }
    if (rv != APR_SUCCESS) {
        fcgi_tls_end(tls);
        return rv;
    }
    /* the handshake needed the request's settings; the connection outlives the request */
    ap_proxy_ssl_engine(tls->c, worker->section_config, 1);
    apr_socket_timeout_set(tls->outer->sock, timeout);
    *started = tls;
    return APR_SUCCESS;
}

apr_status_t fcgi_tls_write(fcgi_tls_t *tls, const fc_span_t *spans, size_t count,
                            size_t *written)
{
    size_t bytes = 0;

    for (size_t i = 0; i < count; i++) {
        APR_BRIGADE_INSERT_TAIL(tls->out,
                                apr_bucket_transient_create((const char *)spans[i].at,
                                                            spans[i].bytes,
                                                            tls->c->bucket_alloc));
        bytes += spans[i].bytes;
    }
    const apr_status_t rv = flush(tls);
    *written = rv == APR_SUCCESS ? bytes : 0;
    return rv;
}

/* mod_ssl says EAGAIN after each record without data (a session ticket of TLS 1.3), although the
 * next records may lie in the filter below it already, where no poll() sees them: ask again. */
static apr_status_t fetch(fcgi_tls_t *tls, size_t room)
{
    apr_status_t rv = APR_EAGAIN;

    for (int i = 0; i < ASK_AGAIN && APR_STATUS_IS_EAGAIN(rv); i++) {
        rv = ap_get_brigade(tls->c->input_filters, tls->in, AP_MODE_READBYTES, APR_NONBLOCK_READ,
                            (apr_off_t)room);
        if (rv == APR_SUCCESS && APR_BRIGADE_EMPTY(tls->in)) {
            rv = APR_EAGAIN;
        }
    }
    return rv;
}

apr_status_t fcgi_tls_read(fcgi_tls_t *tls, unsigned char *buffer, size_t room, size_t *got)
{
    apr_status_t rv = APR_SUCCESS;

    *got = 0;
    tls->may_hold_data = false;
    if (APR_BRIGADE_EMPTY(tls->in)) {
        rv = fetch(tls, room);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    apr_bucket *rest;
    apr_size_t bytes = room;
    rv = apr_brigade_partition(tls->in, (apr_off_t)room, &rest);
    if (rv == APR_INCOMPLETE) {
        rest = APR_BRIGADE_SENTINEL(tls->in);
    }
    apr_bucket_brigade *tail = apr_brigade_split_ex(tls->in, rest, NULL);
    rv = apr_brigade_flatten(tls->in, (char *)buffer, &bytes);
    apr_brigade_cleanup(tls->in);
    APR_BRIGADE_CONCAT(tls->in, tail);
    apr_brigade_destroy(tail);
    if (rv == APR_SUCCESS && bytes == 0) {
        return APR_EOF;    /* nothing but an end of stream */
    }
    *got = bytes;
    tls->may_hold_data = rv == APR_SUCCESS;
    return rv;
}

bool fcgi_tls_may_hold_data(const fcgi_tls_t *tls)
{
    return tls->may_hold_data;
}

void fcgi_tls_end(fcgi_tls_t *tls)
{
    apr_pool_destroy(tls->outer->pool);
}
