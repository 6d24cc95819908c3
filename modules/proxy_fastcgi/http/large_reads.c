/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* large_reads.c - see large_reads.h. */
#include "large_reads.h"

#include <stdbool.h>
#include <string.h>

#include "apr_buckets.h"
#include "http_core.h"

static const char client_key[] = "fcgi_client";    /* in the connection's pool */

typedef struct {
    apr_socket_t *socket;
    apr_bucket_brigade *unread;    /* the core's: what was read and not yet used, and our bucket */
    apr_size_t piece_bytes;        /* read at once, at most */
} client_t;

static const apr_bucket_type_t bucket_type;

static apr_bucket *make_bucket(client_t *client, apr_bucket_alloc_t *buckets)
{
    apr_bucket *bucket = apr_bucket_alloc(sizeof(*bucket), buckets);

    APR_BUCKET_INIT(bucket);
    bucket->free = apr_bucket_free;
    bucket->list = buckets;
    bucket->type = &bucket_type;
    bucket->data = client;
    bucket->length = (apr_size_t)-1;
    bucket->start = -1;
    return bucket;
}

static apr_status_t receive(apr_socket_t *socket, apr_read_type_e block, char *to,
                            apr_size_t *bytes)
{
    apr_interval_time_t timeout;

    if (block == APR_BLOCK_READ) {
        return apr_socket_recv(socket, to, bytes);
    }
    apr_socket_timeout_get(socket, &timeout);
    apr_socket_timeout_set(socket, 0);
    const apr_status_t rv = apr_socket_recv(socket, to, bytes);
    apr_socket_timeout_set(socket, timeout);
    return rv;
}

/* returns  the piece; NULL: nothing came, and *rv says why */
static char *read_into_piece(const client_t *client, apr_bucket_alloc_t *buckets,
                             apr_read_type_e block, apr_size_t *bytes, apr_status_t *rv)
{
    char *piece = apr_bucket_alloc(client->piece_bytes, buckets);

    *bytes = client->piece_bytes;
    *rv = receive(client->socket, block, piece, bytes);
    if (*rv == APR_SUCCESS && *bytes > 0) {
        return piece;
    }
    apr_bucket_free(piece);
    return NULL;
}

/* Mostly there is nothing: httpd looks for the next request behind each response, before that is
 * written. A piece taken for it would be 8 KB more that each connection holds from then on. */
static char *read_what_is_there(const client_t *client, apr_bucket_alloc_t *buckets,
                                apr_size_t *bytes, apr_status_t *rv)
{
    char there[APR_BUCKET_BUFF_SIZE];

    *bytes = sizeof(there);
    *rv = receive(client->socket, APR_NONBLOCK_READ, there, bytes);
    return *rv == APR_SUCCESS && *bytes > 0
               ? memcpy(apr_bucket_alloc(*bytes, buckets), there, *bytes)
               : NULL;
}

/* As APR's own bucket of a socket: it becomes what was read, with the next one behind it; at the
 * end, an empty one. */
static apr_status_t read_bucket(apr_bucket *bucket, const char **data, apr_size_t *bytes,
                                apr_read_type_e block)
{
    client_t *client = bucket->data;
    const bool only_looks =
        block == APR_NONBLOCK_READ && client->piece_bytes == APR_BUCKET_BUFF_SIZE;
    apr_status_t rv;
    char *piece = only_looks ? read_what_is_there(client, bucket->list, bytes, &rv)
                             : read_into_piece(client, bucket->list, block, bytes, &rv);

    *data = piece;
    if (piece) {
        APR_BUCKET_INSERT_AFTER(bucket, make_bucket(client, bucket->list));
        (void)apr_bucket_heap_make(bucket, piece, *bytes, apr_bucket_free);
        return APR_SUCCESS;
    }
    *bytes = 0;
    if (rv != APR_SUCCESS && !APR_STATUS_IS_EOF(rv)) {
        return rv;
    }
    *data = apr_bucket_immortal_make(bucket, "", 0)->data;
    return APR_SUCCESS;
}

static const apr_bucket_type_t bucket_type = {
    "FCGI_CLIENT", 5, APR_BUCKET_DATA, apr_bucket_destroy_noop, read_bucket,
    apr_bucket_setaside_notimpl, apr_bucket_split_notimpl, apr_bucket_copy_notimpl
};

static apr_status_t insert_bucket(conn_rec *c, apr_bucket_brigade *bb, apr_socket_t *socket)
{
    client_t *client = apr_palloc(c->pool, sizeof(*client));

    *client =
        (client_t){ .socket = socket, .unread = bb, .piece_bytes = APR_BUCKET_BUFF_SIZE };
    apr_pool_userdata_setn(client, client_key, NULL, c->pool);
    APR_BRIGADE_INSERT_TAIL(bb, make_bucket(client, c->bucket_alloc));
    return APR_SUCCESS;
}

/* returns  NULL: it has another bucket */
static client_t *client_of(conn_rec *c)
{
    void *client = NULL;

    if (!c->master) {
        apr_pool_userdata_get(&client, client_key, c->pool);
    }
    return client;
}

void fcgi_large_reads_begin(conn_rec *c, apr_size_t bytes)
{
    client_t *client = client_of(c);

    if (client) {
        client->piece_bytes = bytes;
    }
}

void fcgi_large_reads_end(conn_rec *c)
{
    fcgi_large_reads_begin(c, APR_BUCKET_BUFF_SIZE);
}

void fcgi_large_reads_free_used(conn_rec *c)
{
    const client_t *client = client_of(c);
    apr_bucket *first;

    while (client && (first = APR_BRIGADE_FIRST(client->unread))
           && first != APR_BRIGADE_SENTINEL(client->unread) && APR_BUCKET_IS_HEAP(first)
           && first->length == 0) {
        apr_bucket_delete(first);
    }
}

void fcgi_large_reads_register(void)
{
    ap_hook_insert_network_bucket(insert_bucket, NULL, NULL, APR_HOOK_MIDDLE);
}
