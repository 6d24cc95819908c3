/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* worker_url.c - see worker_url.h. */
#include "worker_url.h"

#include <string.h>
#include <strings.h>

const char *fc_worker_url_behind_socket(const char *url)
{
    const char *bar = strncasecmp(url, "unix:", 5) == 0 ? strchr(url, '|') : NULL;
    return bar ? bar + 1 : url;
}

bool fc_worker_url_is_fcgis(const char *url)
{
    return strncasecmp(fc_worker_url_behind_socket(url), "fcgis:", 6) == 0;
}

bool fc_worker_url_is_fastcgi(const char *url)
{
    return strncasecmp(fc_worker_url_behind_socket(url), "fcgi:", 5) == 0
           || fc_worker_url_is_fcgis(url);
}

/* The host and its port; NULL when the URL has none. */
static const char *find_authority(const char *url, size_t *bytes)
{
    const char *mark = strstr(fc_worker_url_behind_socket(url), "://");

    *bytes = mark ? strcspn(mark + 3, "/?#") : 0;
    return mark ? mark + 3 : NULL;
}

/* The digits behind "host:" or "[address]:"; NULL when there is no colon. */
static const char *find_port(const char *authority, size_t bytes)
{
    for (size_t i = bytes; i > 0 && authority[i - 1] != ']'; i--) {
        if (authority[i - 1] == ':') {
            return authority + i;
        }
    }
    return NULL;
}

/* An empty one is that of the scheme. */
static bool is_port(const char *digits, size_t bytes)
{
    unsigned int port = 0;

    for (size_t i = 0; i < bytes; i++) {
        if (digits[i] < '0' || digits[i] > '9') {
            return false;
        }
        port = 10 * port + (unsigned int)(digits[i] - '0');
        if (port > 65535) {
            return false;
        }
    }
    return bytes == 0 || port > 0;
}

const char *fc_worker_url_mistake(const char *url)
{
    size_t bytes;
    const char *authority = find_authority(url, &bytes);

    if (!authority || memchr(authority, '$', bytes) || memchr(authority, '%', bytes)) {
        return NULL;
    }
    if (memchr(authority, '@', bytes)) {
        return "the URL has a user name or a password, which no backend gets; remove it";
    }
    if (bytes == 0 && fc_worker_url_behind_socket(url) == url) {
        return "the URL has no host";    /* httpd says so itself since 2.4.63 */
    }
    const char *port = find_port(authority, bytes);
    return !port || is_port(port, bytes - (size_t)(port - authority))
               ? NULL
               : "the URL's port is not a number from 1 to 65535";
}

bool fc_worker_url_ends_at_host(const char *url)
{
    size_t bytes;
    const char *authority = find_authority(url, &bytes);

    return authority && bytes > 0 && authority[bytes] == '\0';
}

/* ---- Paths ----------------------------------------------------------------------------------- */

/* The next character, decoded if it is a dot or a slash. */
static char next_decoded(const char **path, const char *end)
{
    const char *at = *path;
    const char last = end - at >= 3 && at[0] == '%' && at[1] == '2' ? at[2] : '\0';
    const char c = last == 'e' || last == 'E'   ? '.'
                   : last == 'f' || last == 'F' ? '/'
                                                : at[0];

    *path += c == at[0] ? 1 : 3;
    return c;
}

bool fc_worker_url_climbs(const char *path, size_t bytes)
{
    const char *end = path + bytes;
    size_t dots = 0, others = 0; /* of this segment */

    while (path < end) {
        const char c = next_decoded(&path, end);
        if (c != '/') {
            dots += c == '.';
            others += c != '.';
            continue;
        }
        if (dots == 2 && others == 0) {
            return true;
        }
        dots = others = 0;
    }
    return dots == 2 && others == 0;
}
