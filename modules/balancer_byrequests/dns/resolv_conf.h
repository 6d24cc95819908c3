/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* resolv_conf.h - what resolv.conf(5) says: whom to ask, and for which names.
 * Knows    nameserver, search, domain, options ndots.
 * Ignores  timeouts and other options: BalancerResolver has those.
 * Memory   the caller's pool.   Threads: any, no state. */
#ifndef LB_RESOLV_CONF_H
#define LB_RESOLV_CONF_H

#include "apr_tables.h"

typedef struct {
    apr_array_header_t *servers;    /* of const char *, "10.0.0.2:53", "[2001:db8::53]:53" */
    apr_array_header_t *search;     /* of const char *, without a dot at the end */
    int ndots;
} lb_resolv_conf_t;

/** Read the text of the file. Lines that cannot be used are skipped, as all resolvers do. */
lb_resolv_conf_t lb_resolv_conf_read(apr_pool_t *p, const char *text);

/** The names that `name` may stand for, without a dot at the end, in the order to ask for them.
 *  returns  const char *; never empty */
apr_array_header_t *lb_resolv_conf_names(apr_pool_t *p, const lb_resolv_conf_t *conf,
                                         const char *name);

#endif
