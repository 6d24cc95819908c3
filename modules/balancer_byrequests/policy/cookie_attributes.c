/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* cookie_attributes.c - see cookie_attributes.h. */
#include "cookie_attributes.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "directive.h"

/* ---- One word ------------------------------------------------------------------------------- */

static const char *take_same_site(lb_cookie_attributes_t *cookie, const char *value)
{
    static const char *const known[] = { "Lax", "Strict", "None" };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcasecmp(value, known[i]) == 0) {
            cookie->same_site = known[i];
            return NULL;
        }
    }
    return "samesite must be Lax, Strict or None";
}

/* RFC 6265, 4.1.1: path-value is any character but control characters and ';'. */
static const char *take_path(lb_cookie_attributes_t *cookie, const char *value)
{
    for (const char *c = value; *c; c++) {
        if (*c == ';' || (unsigned char)*c < 0x20 || *c == 0x7f) {
            return "the path has a character that cannot be in a cookie's path";
        }
    }
    cookie->path = value;
    return *value == '/' ? NULL : "the path must start with /";
}

static const char *take_domain(lb_cookie_attributes_t *cookie, const char *value)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789.-";

    cookie->domain = value;
    return *value && !value[strspn(value, allowed)] ? NULL : "the domain is not a host name";
}

static const char *take_max_age(lb_cookie_attributes_t *cookie, const char *value)
{
    int64_t us;

    if (!fc_directive_duration(value, &us) || us < 1000000) {
        return "maxage must be a duration of at least a second, such as 3600, 90s, 30m or 12h";
    }
    cookie->max_age_s = us / 1000000;
    return NULL;
}

static const struct {
    const char *key;    /* with its '=' */
    const char *(*take)(lb_cookie_attributes_t *cookie, const char *value);
} settings[] = {
    { "samesite=", take_same_site },
    { "path=", take_path },
    { "domain=", take_domain },
    { "maxage=", take_max_age },
};

const char *lb_cookie_attributes_take(lb_cookie_attributes_t *cookie, const char *word)
{
    if (strcasecmp(word, "secure") == 0) {
        cookie->is_secure = true;
        return NULL;
    }
    if (strcasecmp(word, "httponly") == 0) {
        cookie->is_http_only = true;
        return NULL;
    }
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        const size_t key_bytes = strlen(settings[i].key);
        if (strncasecmp(word, settings[i].key, key_bytes) == 0) {
            return settings[i].take(cookie, word + key_bytes);
        }
    }
    return "use secure, httponly, samesite=, path=, domain=, maxage= or keyfile=";
}

/* ---- All words together --------------------------------------------------------------------- */

/* A token (RFC 9110, 5.6.2). */
static bool is_token(const char *text)
{
    static const char no_token[] = "()<>@,;:\\\"/[]?={} \t";

    for (const char *c = text; *c; c++) {
        if ((unsigned char)*c <= 0x20 || (unsigned char)*c >= 0x7f || strchr(no_token, *c)) {
            return false;
        }
    }
    return *text != '\0';
}

const char *lb_cookie_attributes_check(const lb_cookie_attributes_t *cookie)
{
    if (!is_token(cookie->name)) {
        return "the name has a character that cannot be in a cookie's name";
    }
    if (cookie->same_site && strcmp(cookie->same_site, "None") == 0 && !cookie->is_secure) {
        return "browsers reject samesite=None without secure. Fix: add secure";
    }
    if (strncasecmp(cookie->name, "__Secure-", 9) == 0 && !cookie->is_secure) {
        return "browsers reject a name with __Secure- without secure. Fix: add secure";
    }
    if (strncasecmp(cookie->name, "__Host-", 7) == 0
        && (!cookie->is_secure || cookie->domain
            || (cookie->path && strcmp(cookie->path, "/") != 0))) {
        return "browsers reject a name with __Host- without secure, with a domain, or with a path "
               "other than /";
    }
    return NULL;
}

int lb_cookie_attributes_write(const lb_cookie_attributes_t *cookie, char *out, size_t room)
{
    char max_age[sizeof("; Max-Age=") + 20] = "";

    if (cookie->max_age_s > 0) {
        snprintf(max_age, sizeof(max_age), "; Max-Age=%" PRId64, cookie->max_age_s);
    }
    // cppcheck-suppress ctunullpointer ; with room 0 it only measures
    return snprintf(out, room, "; Path=%s%s%s%s%s%s%s%s", cookie->path ? cookie->path : "/",
                    cookie->domain ? "; Domain=" : "", cookie->domain ? cookie->domain : "",
                    max_age, cookie->is_secure ? "; Secure" : "",
                    cookie->is_http_only ? "; HttpOnly" : "",
                    cookie->same_site ? "; SameSite=" : "",
                    cookie->same_site ? cookie->same_site : "");
}
