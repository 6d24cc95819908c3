/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* body.c - see body.h.
 * Knows    httpd's input filters.
 * Ignores  what is in the body (form.c, api_change.c).
 * Memory   r->pool; a brigade is empty again before it is read into.   Threads: any, no state. */
#include "body.h"

#include <string.h>

#include "http_protocol.h"
#include "util_filter.h"

typedef struct {
    apr_pool_t *p;
    char *text;
    apr_size_t used, room, limit;
    bool is_complete;
} gathered_t;

bool mgr_body_is(request_rec *r, const char *type)
{
    const char *given = apr_table_get(r->headers_in, "Content-Type");
    const size_t bytes = strlen(type);

    return given && ap_cstr_casecmpn(given, type, bytes) == 0 && strchr("; \t", given[bytes]);
}

/* Room for so many bytes more, and a NUL. */
static void make_room(gathered_t *g, apr_size_t bytes)
{
    if (bytes < g->room - g->used) {
        return;
    }
    g->room = 2 * (g->used + bytes + 1);
    char *larger = apr_palloc(g->p, g->room);
    memcpy(larger, g->text, g->used);
    g->text = larger;
}

static apr_status_t append(gathered_t *g, apr_bucket_brigade *in)
{
    for (apr_bucket *b = APR_BRIGADE_FIRST(in); b != APR_BRIGADE_SENTINEL(in);
         b = APR_BUCKET_NEXT(b)) {
        const char *data;
        apr_size_t bytes;

        if (APR_BUCKET_IS_EOS(b)) {
            g->is_complete = true;
            break;
        }
        if (APR_BUCKET_IS_METADATA(b)) {
            continue;
        }
        const apr_status_t rv = apr_bucket_read(b, &data, &bytes, APR_BLOCK_READ);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        if (bytes > g->limit - g->used) {
            return APR_ENOSPC;
        }
        make_room(g, bytes);
        memcpy(g->text + g->used, data, bytes);
        g->used += bytes;
    }
    return APR_SUCCESS;
}

int mgr_body_read(request_rec *r, apr_size_t limit, char **text, apr_size_t *bytes)
{
    apr_bucket_brigade *in = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    gathered_t g = { .p = r->pool, .text = apr_palloc(r->pool, 1), .room = 1, .limit = limit };

    while (!g.is_complete) {
        apr_status_t rv = ap_get_brigade(r->input_filters, in, AP_MODE_READBYTES, APR_BLOCK_READ,
                                         HUGE_STRING_LEN);
        if (rv != APR_SUCCESS) {
            return ap_map_http_request_error(rv, HTTP_BAD_REQUEST);
        }
        rv = append(&g, in);
        apr_brigade_cleanup(in);
        if (rv == APR_ENOSPC) {
            r->connection->keepalive = AP_CONN_CLOSE; /* or httpd reads the rest, however long */
            return HTTP_REQUEST_ENTITY_TOO_LARGE;
        }
        if (rv != APR_SUCCESS) {
            return HTTP_BAD_REQUEST;
        }
    }
    g.text[g.used] = '\0';
    *text = g.text;
    *bytes = g.used;
    return OK;
}
