/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fleet_settings.h - BalancerFleet: which fleet this httpd is a front of, and where its fronts
 *                    meet; ProxySet fleet=: what of a balancer they share.
 * Knows    the words of both.   Ignores  what is shared, and how.
 * Memory   pconf; read-only at run time. */
#ifndef LB_FLEET_SETTINGS_H
#define LB_FLEET_SETTINGS_H

#include <stdbool.h>

#include "fleet_name.h"
#include "fleet_url.h"
#include "httpd.h"
#include "http_config.h"
#include "span.h"

typedef struct {
    const char *url_text;           /* as it was written */
    lb_fleet_url_t url;
    const char *name;               /* of the fleet */
    const char *front;              /* of this front */
    const char *user;               /* NULL: none */
    const char *password;           /* NULL: none */
    fc_span_t secret;               /* of the seals; no bytes: documents have none */
    apr_interval_time_t interval;   /* between two rounds */
    int fronts;                     /* how many found it together; 0: not given */
    apr_interval_time_t lease;      /* so long what a front was lent is its own without contact */
} lb_fleet_settings_t;

/* What of a balancer is shared: bits. */
enum {
    LB_FLEET_UNSET = 0,             /* nothing was written */
    LB_FLEET_NONE = 1,              /* fleet=none */
    LB_FLEET_INTENT = 2,
    LB_FLEET_VIEW = 4,
    LB_FLEET_HEALTH = 8,
    LB_FLEET_LIMITS = 16
};

/** Of this configuration; NULL without BalancerFleet. */
const lb_fleet_settings_t *lb_fleet_settings(void);

/** Is this part of a balancer shared? Never without BalancerFleet.
 *  written  of its ProxySet fleet= */
bool lb_fleet_settings_shares(unsigned int written, unsigned int part);

/** Hook body of pre_config: forget the configuration before. */
int lb_fleet_settings_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp);

/** Take the words of BalancerFleet.
 *  returns  NULL, or what is wrong, and the cure */
const char *lb_fleet_settings_read(cmd_parms *cmd, int count, char *const words[]);

/** Read the value of fleet=.
 *  returns  NULL, or what is wrong, and the cure: *parts is then untouched */
const char *lb_fleet_settings_parts(apr_pool_t *p, const char *value, unsigned int *parts);

#endif
