/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fleet_url.h - where the engine of a fleet is, as BalancerFleet names it.
 * Knows    redis://, unix:// and sentinel:// URLs.   Ignores  how it is reached.
 * Memory   the caller's pool.   Threads: any, no state. */
#ifndef LB_FLEET_URL_H
#define LB_FLEET_URL_H

#include "apr_network_io.h"
#include "apr_tables.h"

#define LB_FLEET_ADDRESSES_MAX 16

typedef struct {
    const char *host;     /* a name or an address, without brackets */
    apr_port_t port;
} lb_fleet_address_t;

typedef struct {
    const char *socket;               /* the path of a unix socket; NULL: addresses */
    apr_array_header_t *addresses;    /* of lb_fleet_address_t, one or more */
    const char *master; /* the addresses are those of sentinels, which know this master;
                                         NULL: they are the servers */
    int db;
} lb_fleet_url_t;

/** Read it: redis://host[:port][,host[:port]...][/db], unix:///path[?db=N],
 *  sentinel://host[:port][,...]/master[/db].
 *  returns  NULL, or what is wrong, and the cure */
const char *lb_fleet_url_read(apr_pool_t *p, const char *text, lb_fleet_url_t *url);

#endif
