/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* asset.h - files that are part of the module: those of assets/, as they were when it was built. */
#ifndef MGR_ASSET_H
#define MGR_ASSET_H

#include "httpd.h"

typedef struct {
    const char *name;           /* of the file, without a folder */
    const unsigned char *bytes;
    apr_size_t length;          /* of bytes */
    const char *content_type;
    const char *hash;           /* of the bytes: the ETag, without its quotes, and `v` in URLs */
} mgr_asset_t;

/** In the generated asset_bytes.c. */
extern const mgr_asset_t mgr_asset_all[];
extern const size_t mgr_asset_count;

/** Find an asset by its name; NULL when there is none. */
const mgr_asset_t *mgr_asset_find(const char *name);

/** The same of a name that there is. */
const mgr_asset_t *mgr_asset_get(const char *name);

/** The query that asks the page's own path for an asset, in p: whatever that path is, behind
 *  whatever proxy. It is another one when the content is another.
 *  name     of an asset that exists */
const char *mgr_asset_query(apr_pool_t *p, const char *name);

/** Answer a GET or HEAD with the asset, or with 304 when the client has it.
 *  returns  OK or an HTTP status */
int mgr_asset_send(request_rec *r, const mgr_asset_t *asset);

#endif
