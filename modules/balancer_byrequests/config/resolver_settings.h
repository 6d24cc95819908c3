/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* resolver_settings.h - BalancerResolver: which name servers are asked, and how patiently.
 * Knows    the words of the directive.   Ignores  names, and what the servers say.
 * Memory   pconf; read-only at run time. */
#ifndef LB_RESOLVER_SETTINGS_H
#define LB_RESOLVER_SETTINGS_H

#include <stdbool.h>

#include "apr_tables.h"
#include "apr_time.h"

#define LB_RESOLVER_SERVERS_MAX 8

typedef struct {
    apr_array_header_t *servers;    /* of const char *, as of lb_resolver_settings_server();
                                       NULL: those of resolv.conf */
    const char *resolv_conf;        /* its path */
    apr_interval_time_t timeout;    /* us, of the first try; each further one has twice as long */
    int retries;                    /* further tries for each server */
    bool asks_inet, asks_inet6;     /* for A and for AAAA records */
} lb_resolver_settings_t;

/** Of this configuration. Never NULL. */
const lb_resolver_settings_t *lb_resolver_settings(void);

/** Hook body of pre_config: forget the configuration before. */
int lb_resolver_settings_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);

/** Take the words of the directive.
 *  returns  NULL, or what is wrong, and the cure */
const char *lb_resolver_settings_read(apr_pool_t *p, int count, char *const words[]);

/** An address of a name server, "10.0.0.2:53" or "[2001:db8::53]:53".
 *  word     the same, also without the port, then without brackets as well
 *  returns  NULL: it is none */
const char *lb_resolver_settings_server(apr_pool_t *p, const char *word);

#endif
