/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* cookie_attributes.h - from the words of BalancerStickyCookie to the attributes of Set-Cookie.
 * Knows    RFC 6265, 4.1, SameSite and the name prefixes __Secure- and __Host- (RFC 6265bis, 4.1).
 * Ignores  the cookie's value, httpd.
 * Memory   borrows the words.   Threads: any, no state. */
#ifndef LB_COOKIE_ATTRIBUTES_H
#define LB_COOKIE_ATTRIBUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const char *name;
    const char *path;         /* NULL: "/" */
    const char *domain;       /* NULL: only the host that set it */
    const char *same_site;    /* "Lax", "Strict", "None"; NULL: as the browser does by default */
    int64_t max_age_s;        /* 0: until the browser ends */
    bool is_secure;
    bool is_http_only;
} lb_cookie_attributes_t;

/** Take one word: secure, httponly, samesite=, path=, domain=, maxage=.
 *  returns  NULL, or what is wrong with it */
const char *lb_cookie_attributes_take(lb_cookie_attributes_t *cookie, const char *word);

/** Do the name and the words go together?
 *  returns  NULL, or what is wrong and the cure */
const char *lb_cookie_attributes_check(const lb_cookie_attributes_t *cookie);

/** Write "; Path=/; HttpOnly" and so on, as it stands behind the value.
 *  returns  the bytes that it needs, as snprintf does */
int lb_cookie_attributes_write(const lb_cookie_attributes_t *cookie, char *out, size_t room);

#endif
