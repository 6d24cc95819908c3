/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* api_path.c - see api_path.h.
 * Knows    the shapes of the URLs.
 * Ignores  whether what they name is there.
 * Memory   the caller's pool.   Threads: any, no state. */
#include "api_path.h"

#include <string.h>
#include <strings.h>

#include "apr_strings.h"
#include "balancer_calls.h"
#include "escape.h"

static bool take_end(char *text, const char *end)
{
    const size_t bytes = strlen(text), end_bytes = strlen(end);

    if (bytes < end_bytes || strcmp(text + bytes - end_bytes, end) != 0) {
        return false;
    }
    text[bytes - end_bytes] = '\0';
    return true;
}

/* All else is decoded already; see mgr_router_pre_translate(). */
static void decode_slashes(char *text)
{
    char *to = text;

    while (*text) {
        if (strncasecmp(text, "%2f", 3) == 0) {
            *to++ = '/';
            text += 3;
        }
        else {
            *to++ = *text++;
        }
    }
    *to = '\0';
}

/* Those that name nothing. */
static mgr_resource_t find_fixed(const char *path)
{
    static const struct {
        const char *path;
        mgr_resource_t resource;
    } fixed[] = {
        { "/v1/status", MGR_STATUS },
        { "/v1/schema", MGR_SCHEMA },
        { "/v1/openapi.json", MGR_DESCRIPTION },
        { "/v1/audit", MGR_AUDIT },
        { "/v1/fleet", MGR_FLEET },
        { "/v1/fleet/forget", MGR_FORGET },
        { "/v1/members", MGR_ALL_MEMBERS },
    };
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
        if (strcmp(path, fixed[i].path) == 0) {
            return fixed[i].resource;
        }
    }
    return MGR_NO_RESOURCE;
}

mgr_api_path_t mgr_api_path_parse(apr_pool_t *p, const char *path)
{
    static const char balancers[] = "/v1/balancers/", members[] = "/members";
    mgr_api_path_t out = { find_fixed(path) };

    if (out.resource || strncmp(path, balancers, sizeof(balancers) - 1) != 0) {
        return out;
    }
    char *key = apr_pstrdup(p, path + sizeof(balancers) - 1);
    const bool is_reset = take_end(key, "/reset");
    char *rest = strchr(key, '/');
    if (rest && strncmp(rest, members, sizeof(members) - 1) == 0) {
        char *member = rest + sizeof(members) - 1;
        *rest = '\0';
        /* "members%2F" is no "members/": a <Location> would not take it for one, either */
        out.member = *member == '/' && member[1] ? member + 1 : NULL;
        out.resource = out.member ? MGR_MEMBER
                       : *member  ? MGR_NO_RESOURCE
                                  : MGR_MEMBERS;
        decode_slashes(member);
    }
    else if (!rest) {
        out.resource = MGR_BALANCER;
    }
    out.key = key;
    if (!*key || (is_reset && out.resource == MGR_MEMBERS)) {
        out.resource = MGR_NO_RESOURCE;
    }
    else if (is_reset && out.resource != MGR_NO_RESOURCE) {
        out.resource = MGR_RESET;
    }
    return out;
}

const char *mgr_api_path_of_member(const mgr_visit_t *visit, const lb_balancer_view_t *balancer,
                                   const char *member_url)
{
    apr_pool_t *p = visit->r->pool;
    const bool is_shared = mgr_balancer_calls_is_key_shared(visit->balancers, balancer);

    return apr_pstrcat(p, "/v1/balancers/", mgr_escape_segment(p, balancer->key), "/members/",
                       mgr_escape_segment(p, member_url), is_shared ? "?vhost=" : "",
                       is_shared ? mgr_escape_segment(p, balancer->vhost) : "", NULL);
}
