/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* sticky.c - see sticky.h. */
#include "sticky.h"

#include <string.h>

static const fc_span_t nothing = { NULL, 0 };

static fc_span_t some_or_nothing(const char *at, size_t bytes)
{
    return bytes > 0 ? fc_span(at, bytes) : nothing;
}

fc_span_t lb_sticky_in_url(const char *url, const char *name, bool semicolon_ends_value)
{
    const size_t name_bytes = strlen(name);
    if (name_bytes == 0) {
        return nothing;
    }
    for (const char *at = strstr(url, name); at; at = strstr(at + 1, name)) {
        const bool starts_parameter = at > url && strchr("?&;", at[-1]);
        if (starts_parameter && at[name_bytes] == '=') {
            const char *value = at + name_bytes + 1;
            return some_or_nothing(value, strcspn(value, semicolon_ends_value ? ";?&" : "?&"));
        }
    }
    return nothing;
}

fc_span_t lb_sticky_in_cookies(const char *cookies, const char *name)
{
    const size_t name_bytes = strlen(name);
    const char *at = cookies;

    while (name_bytes > 0 && *at) {
        at += strspn(at, " \t;,");
        const size_t pair_bytes = strcspn(at, ";,");
        if (pair_bytes > name_bytes && strncmp(at, name, name_bytes) == 0) {
            size_t equals = name_bytes + strspn(at + name_bytes, " \t");
            if (equals < pair_bytes && at[equals] == '=') {
                equals++;
                return some_or_nothing(at + equals, pair_bytes - equals);
            }
        }
        at += pair_bytes;
    }
    return nothing;
}

fc_span_t lb_sticky_route(fc_span_t value, char separator)
{
    if (separator == 0 || !value.at) {
        return value;
    }
    const unsigned char *found = memchr(value.at, separator, value.bytes);
    if (!found) {
        return nothing;
    }
    const fc_span_t route = fc_span_after(value, (size_t)(found + 1 - value.at));
    return route.bytes > 0 ? route : nothing;
}
