/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* sticky.h - finds the session route that a client sent, in a URL or in a cookie.
 * Knows    URL parameters ("?name=value", "&name=value", ";name=value"), the Cookie header
 *          (RFC 6265, 4.2.1) and the separator before the route.
 * Ignores  which member has the route (dispatch.c), httpd.
 * Memory   borrows; results are spans into the input.   Threads: any, no state. */
#ifndef LB_STICKY_H
#define LB_STICKY_H

#include <stdbool.h>

#include "span.h"

/** The value of the first URL parameter of this name.
 *  semicolon_ends_value   a ';' ends the value too (scolonpathdelim)
 *  returns  at == NULL when there is none or it is empty */
fc_span_t lb_sticky_in_url(const char *url, const char *name, bool semicolon_ends_value);

/** The value of the first cookie of this name.
 *  returns  at == NULL when there is none or it is empty */
fc_span_t lb_sticky_in_cookies(const char *cookies, const char *name);

/** The route in a session value: what follows the first separator.
 *  separator  0 when the whole value is the route (stickysessionsep=off)
 *  returns    at == NULL when there is no separator or nothing behind it */
fc_span_t lb_sticky_route(fc_span_t value, char separator);

#endif
