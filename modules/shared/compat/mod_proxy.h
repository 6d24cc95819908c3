/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* mod_proxy.h - see httpd.h of this folder. */
#ifndef FC_COMPAT_MOD_PROXY_H
#define FC_COMPAT_MOD_PROXY_H

#include_next "mod_proxy.h"

#include <string.h>

#include "httpd.h"

#if !FC_HTTPD_HAS(124, 0) || FC_HTTPD_IS_2_5    /* 2.4.53; elsewhere there is one name */
#define name_ex name
#endif

#ifndef PROXY_WORKER_IS_ERROR    /* 2.4.55 */
#define PROXY_WORKER_IS_ERROR(f) ((f)->s->status & PROXY_WORKER_IN_ERROR)
#endif

#if !FC_HTTPD_HAS(98, 0)    /* 2.4.47: ProxyErrorOverride with a list of codes */
#define ap_proxy_should_override(dconf, code) ((dconf)->error_override && ap_is_HTTP_ERROR(code))
#endif

#if !FC_HTTPD_HAS(127, 10)    /* 2.4.57 */
#undef PROXY_CANONENC_NOENCODEDSLASHENCODING
#define PROXY_CANONENC_NOENCODEDSLASHENCODING 0x02

static inline char *fc_proxy_canonenc_ex(apr_pool_t *p, const char *path, int length,
                                         enum enctype type, int flags, int proxyreq)
{
    char *encoded = ap_proxy_canonenc(p, path, length, type, 0, proxyreq);
    char *at = encoded && (flags & PROXY_CANONENC_NOENCODEDSLASHENCODING) ? encoded : NULL;

    while (at && (at = ap_strcasestr(at, "%252f"))) {    /* it was %2f before */
        memmove(at + 1, at + 3, strlen(at + 3) + 1);
    }
    return encoded;
}
#define ap_proxy_canonenc_ex fc_proxy_canonenc_ex
#endif

/* The parameters that are whole seconds, up to a NULL: mod_proxy reads the digits and ignores a
 * unit. */
static inline const char *const *fc_whole_seconds(void)
{
    static const char *const keys[] = {
        "ttl=",
#if !FC_HTTPD_IS_2_5
        "retry=",
        "timeout=",
#endif
        NULL
    };
    return keys;
}

/* addressttl= of a worker, in seconds; 0: none */
static inline apr_int32_t fc_worker_address_ttl(const proxy_worker_shared *shared)
{
#if FC_HTTPD_HAS(130, 16)    /* 2.4.59 */
    return shared->address_ttl;
#else
    return 0;
#endif
}

/* What mod_proxy knows of the worker's address is of no use any more. */
static inline void fc_worker_expire_address(proxy_worker_shared *shared)
{
#if FC_HTTPD_HAS(130, 16)    /* 2.4.59 */
    shared->address_expiry = 0;
#endif
}

#endif
