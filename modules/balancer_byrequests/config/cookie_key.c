/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* cookie_key.c - see cookie_key.h. */
#include "cookie_key.h"

#include "apr_strings.h"
#include "kept_key.h"

#define RANDOM_BYTES 32

static const char random_key[] = "balancer_byrequests.cookie_key";

const char *lb_cookie_key_random(apr_pool_t *process, fc_span_t *key)
{
    const unsigned char *bytes;
    const apr_status_t rv = fc_kept_key(process, random_key, RANDOM_BYTES, &bytes);

    if (rv != APR_SUCCESS) {
        char text[120];
        return apr_psprintf(process, "cannot get random bytes for a key: %s",
                            apr_strerror(rv, text, sizeof(text)));
    }
    *key = fc_span(bytes, RANDOM_BYTES);
    return NULL;
}
