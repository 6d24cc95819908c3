/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* asset.c - finds and sends the files that are part of the module.
 * Knows    how long a browser may keep them (RFC 9111, 5.2).
 * Ignores  what is in them, and which path leads here (router.c).
 * Memory   constants.   Threads: any, no state. */
#include "asset.h"

#include <string.h>

#include "apr_strings.h"
#include "http_protocol.h"

const mgr_asset_t *mgr_asset_find(const char *name)
{
    for (size_t i = 0; i < mgr_asset_count; i++) {
        if (strcmp(mgr_asset_all[i].name, name) == 0) {
            return &mgr_asset_all[i];
        }
    }
    return NULL;
}

const mgr_asset_t *mgr_asset_get(const char *name)
{
    const mgr_asset_t *asset = mgr_asset_find(name);

    ap_assert(asset != NULL);
    return asset;
}

static const char *query_of(apr_pool_t *p, const mgr_asset_t *asset)
{
    return apr_pstrcat(p, "?asset=", asset->name, "&v=", asset->hash, NULL);
}

const char *mgr_asset_query(apr_pool_t *p, const char *name)
{
    return query_of(p, mgr_asset_get(name));
}

/* What the URL names by its content never changes; anything else is asked for again. */
static const char *cache_control(const request_rec *r, const mgr_asset_t *asset)
{
    return r->args && strcmp(r->args, query_of(r->pool, asset) + 1) == 0
               ? "private, max-age=31536000, immutable"
               : "private, no-cache";
}

int mgr_asset_send(request_rec *r, const mgr_asset_t *asset)
{
    apr_table_setn(r->headers_out, "Cache-Control", cache_control(r, asset));
    apr_table_setn(r->headers_out, "ETag", apr_pstrcat(r->pool, "\"", asset->hash, "\"", NULL));
    ap_set_content_type(r, asset->content_type);
    ap_set_content_length(r, (apr_off_t)asset->length);

    const int status = ap_meets_conditions(r);
    if (status == OK) {
        ap_rwrite(asset->bytes, (int)asset->length, r);
    }
    return status;
}
