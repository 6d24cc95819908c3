/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* sticky_cookie.h - the value by which a cookie names a member of a balancer.
 * Knows    HMAC-SHA-256 (RFC 2104), base64url (RFC 4648, 5).
 * Ignores  httpd, where the key comes from (secret_file.c, cookie_key.c), the cookie's header.
 * Memory   the caller's.   Threads: any, no state. */
#ifndef LB_STICKY_COOKIE_H
#define LB_STICKY_COOKIE_H

#include <stdbool.h>

#include "span.h"

/* 128 bits of the keyed hash: without the key nobody makes one, or reads a name out of one. */
#define LB_STICKY_COOKIE_CHARS 22

typedef struct {
    char text[LB_STICKY_COOKIE_CHARS + 1];
} lb_sticky_cookie_t;

/** The value for a member: the same in all processes and on all servers with the same key.
 *  socket   path of its unix socket, "" for none
 *  url      its own URL, as in its configuration
 *  returns  false when OpenSSL has no memory for it; *value is then "" and is nobody's */
bool lb_sticky_cookie_make(fc_span_t key, const char *balancer, const char *socket,
                           const char *url, lb_sticky_cookie_t *value);

/** Is what a client sent this value? Takes the same time wherever the two differ. */
bool lb_sticky_cookie_is(fc_span_t given, const lb_sticky_cookie_t *value);

#endif
