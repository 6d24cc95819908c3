/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* host_name.c - see host_name.h.
 * Knows    which headers tell the name that a browser used: Host, and X-Forwarded-Host of a proxy.
 * Ignores  what the sender may do (rights.c), and where a page came from (csrf.c).
 * Memory   r->pool.   Threads: any, no state. */
#include "host_name.h"

#include <arpa/inet.h>
#include <string.h>

#include "apr_network_io.h"
#include "apr_strings.h"
#include "http_core.h"
#include "http_vhost.h"
#include "login.h"
#include "manager_config.h"

const char *mgr_host_name_take(cmd_parms *cmd, apr_array_header_t *hosts, const char *name)
{
    if (strpbrk(name, "/:@")) {
        return apr_psprintf(cmd->pool, "BalancerManagerHost takes names such as lb.example.com or "
                                       "*.example.com, without a scheme and a port, not \"%s\"",
                            name);
    }
    APR_ARRAY_PUSH(hosts, const char *) = name;
    return NULL;
}

/* ---- The names that a request was sent to ---------------------------------------------------- */

typedef bool test_t(request_rec *r, const char *name, const void *data);

/* Each proxy on the way adds one, with its port if that is unusual.
 * returns  the first for which `test` says so; NULL: there is none */
static const char *find_forwarded(request_rec *r, test_t *test, const void *data)
{
    char *list = apr_pstrdup(r->pool, apr_table_get(r->headers_in, "X-Forwarded-Host")), *rest;
    char *name, *scope;
    apr_port_t port;

    for (const char *given = list ? apr_strtok(list, ", \t", &rest) : NULL; given;
         given = apr_strtok(NULL, ", \t", &rest)) {
        if (apr_parse_addr_port(&name, &scope, &port, given, r->pool) != APR_SUCCESS || !name) {
            name = apr_pstrdup(r->pool, given);
        }
        if (test(r, name, data)) {
            return name;
        }
    }
    return NULL;
}

static bool is_same(request_rec *r, const char *name, const void *wanted)
{
    const char *other = wanted;
    const size_t open = *name == '[', other_open = *other == '[';
    const size_t bytes = strcspn(name + open, "]");

    return bytes == strcspn(other + other_open, "]")
           && ap_cstr_casecmpn(name + open, other + other_open, bytes) == 0;
}

bool mgr_host_name_was_used(request_rec *r, const char *name)
{
    return (r->hostname && is_same(r, r->hostname, name))
           || is_same(r, ap_get_server_name(r), name) || find_forwarded(r, is_same, name);
}

/* ---- Are they ours? -------------------------------------------------------------------------- */

/* Nobody else decides where these lead. */
static bool is_fixed(const char *name)
{
    unsigned char address[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1
           || ap_cstr_casecmp(name, "localhost") == 0;
}

static bool is_strange(request_rec *r, const char *name, const void *data)
{
    const apr_array_header_t *hosts = mgr_manager_config_of(r)->hosts;

    /* the server's own port: a name is as good at any */
    if (is_fixed(name) || ap_matches_request_vhost(r, name, r->server->port)) {
        return false;
    }
    for (int i = 0; i < hosts->nelts; i++) {
        if (ap_strcasecmp_match(name, APR_ARRAY_IDX(hosts, i, const char *)) == 0) {
            return false;
        }
    }
    return true;
}

const char *mgr_host_name_refusal(request_rec *r)
{
    const char *header = "Host", *name = r->hostname;

    if (mgr_login_user(r)) {
        return NULL;
    }
    /* HTTP/1.0 needs no Host, and no browser is like that */
    if (!name || !*name || !is_strange(r, name, NULL)) {
        header = "X-Forwarded-Host";
        name = find_forwarded(r, is_strange, NULL);
    }
    return name ? apr_psprintf(r->pool,
                               "the %s header names \"%s\", which is not a name of this "
                               "server; if it should be, add \"BalancerManagerHost %s\"; or log in",
                               header, name, name)
                : NULL;
}
