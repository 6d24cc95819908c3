/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* json_bytes.h - bytes as texts of JSON, which has characters: a byte is written as the character
 *                of its number (ISO 8859-1), so that whatever an operator typed comes back.
 * Knows    Jansson.   Ignores  what the bytes are.
 * Memory   what is read lies in the caller's pool.   Threads: any, no state. */
#ifndef LB_JSON_BYTES_H
#define LB_JSON_BYTES_H

#include <jansson.h>

#include "apr_pools.h"

/** NULL is null.
 *  returns  NULL: no memory */
json_t *lb_json_bytes_write(const char *bytes);

/** returns  NULL when it is no text, or no bytes in text */
const char *lb_json_bytes_read(apr_pool_t *p, const json_t *json);

#endif
