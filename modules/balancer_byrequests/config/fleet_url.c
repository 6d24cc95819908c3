/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fleet_url.c - see fleet_url.h. */
#include "fleet_url.h"

#include <stdbool.h>
#include <string.h>

#include "apr_strings.h"
#include "directive.h"
#include "worker_url.h"

#define REDIS_PORT    6379
#define SENTINEL_PORT 26379
#define DB_MAX        65535

static const char *read_db(apr_pool_t *p, const char *text, int *db)
{
    return fc_directive_count(text, 0, DB_MAX, db)
               ? NULL
               : apr_psprintf(p, "\"%s\" is no number of a database, 0 to %d", text, DB_MAX);
}

static const char *read_address(apr_pool_t *p, const char *text, apr_port_t default_port,
                                lb_fleet_address_t *address)
{
    char *host, *scope;
    apr_port_t port = 0;

    if (apr_parse_addr_port(&host, &scope, &port, text, p) != APR_SUCCESS || !host || scope
        || (strchr(host, ':') && *text != '[')) {
        return apr_psprintf(p, "\"%s\" is no host[:port]; an IPv6 address needs brackets", text);
    }
    *address = (lb_fleet_address_t){ .host = host, .port = port ? port : default_port };
    return NULL;
}

/* host[:port][,host[:port]...] */
static const char *read_addresses(apr_pool_t *p, char *list, apr_port_t default_port,
                                  lb_fleet_url_t *url)
{
    url->addresses = apr_array_make(p, 2, sizeof(lb_fleet_address_t));
    for (char *text = list, *next; text; text = next) {
        next = strchr(text, ',');
        if (next) {
            *next++ = '\0';
        }
        if (url->addresses->nelts == LB_FLEET_ADDRESSES_MAX) {
            return apr_psprintf(p, "at most %d addresses can be named", LB_FLEET_ADDRESSES_MAX);
        }
        const char *wrong = read_address(p, text, default_port, apr_array_push(url->addresses));
        if (wrong) {
            return wrong;
        }
    }
    return NULL;
}

/* Cut the text at its first `c`.
 * returns  what is behind it; NULL: there is none */
static char *cut_at(char *text, char c)
{
    char *found = strchr(text, c);

    if (found) {
        *found++ = '\0';
    }
    return found;
}

/* An empty database is the first one, as in redis://host/ */
static const char *read_db_if_any(apr_pool_t *p, const char *text, lb_fleet_url_t *url)
{
    return text && *text ? read_db(p, text, &url->db) : NULL;
}

static const char *read_redis(apr_pool_t *p, char *rest, lb_fleet_url_t *url)
{
    const char *db = cut_at(rest, '/');
    const char *wrong = read_addresses(p, rest, REDIS_PORT, url);

    return wrong ? wrong : read_db_if_any(p, db, url);
}

static const char *read_sentinel(apr_pool_t *p, char *rest, lb_fleet_url_t *url)
{
    char *master = cut_at(rest, '/');
    const char *db = master ? cut_at(master, '/') : NULL;

    if (!master || !*master) {
        return "the name of the master is missing: sentinel://host,host/name";
    }
    url->master = master;
    const char *wrong = read_addresses(p, rest, SENTINEL_PORT, url);
    return wrong ? wrong : read_db_if_any(p, db, url);
}

static const char *read_socket(apr_pool_t *p, char *rest, lb_fleet_url_t *url)
{
    static const char parameter[] = "db=";
    const char *query = cut_at(rest, '?');

    if (*rest != '/') {
        return "a unix socket needs an absolute path: unix:///run/redis/redis.sock";
    }
    if (strlen(rest) > FC_SOCKET_PATH_MAX) {
        return apr_psprintf(p, "the path of a unix socket has at most %d bytes",
                            FC_SOCKET_PATH_MAX);
    }
    url->socket = rest;
    if (!query) {
        return NULL;
    }
    return strncmp(query, parameter, sizeof(parameter) - 1) == 0
               ? read_db(p, query + sizeof(parameter) - 1, &url->db)
               : apr_psprintf(p, "\"?%s\" is unknown; use ?db=N", query);
}

const char *lb_fleet_url_read(apr_pool_t *p, const char *text, lb_fleet_url_t *url)
{
    static const struct {
        const char *scheme;
        const char *(*read)(apr_pool_t *p, char *rest, lb_fleet_url_t *url);
    } schemes[] = {
        { "redis://", read_redis },
        { "sentinel://", read_sentinel },
        { "unix://", read_socket },
    };

    *url = (lb_fleet_url_t){ 0 };
    if (strncmp(text, "rediss://", 9) == 0) {
        return "rediss://: there is no TLS to the store; use a tunnel (stunnel) on this machine";
    }
    if (strchr(text, '@')) {
        return "a URL is no place for a password; use user= and passwordfile=";
    }
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        const size_t bytes = strlen(schemes[i].scheme);
        if (strncmp(text, schemes[i].scheme, bytes) == 0) {
            return schemes[i].read(p, apr_pstrdup(p, text + bytes), url);
        }
    }
    return "use redis://host[:port][,host...][/db], unix:///path[?db=N] or "
           "sentinel://host[,host...]/master[/db]";
}
