/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* text_input.h - for parsers of texts: an input as a text, and a pool that is empty for each input.
 * Memory   the text is the caller's to free; the pool is one for all inputs.   Threads: one. */
#ifndef FUZZ_TEXT_INPUT_H
#define FUZZ_TEXT_INPUT_H

#include "apr_general.h"
#include "apr_pools.h"
#include "turns.h"

static inline apr_pool_t *fuzz_pool(void)
{
    static apr_pool_t *pool;
    if (pool == NULL) {
        apr_initialize();
        apr_pool_create(&pool, NULL);
    }
    apr_pool_clear(pool);
    return pool;
}

/** The input up to its first NUL, in memory of just its size: a sanitizer sees what reads behind
 *  it. */
static inline char *fuzz_text(fc_span_t in)
{
    const unsigned char *nul = in.bytes > 0 ? memchr(in.at, '\0', in.bytes) : NULL;
    const size_t bytes = nul == NULL ? in.bytes : (size_t)(nul - in.at);
    char *text = malloc(bytes + 1);
    assert(text != NULL);
    if (bytes > 0) {
        memcpy(text, in.at, bytes);
    }
    text[bytes] = '\0';
    return text;
}

#endif
