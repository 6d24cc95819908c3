/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* balancer_settings.h - our directives inside <Proxy "balancer://...">: settings of one balancer.
 * Knows    their words.   Ignores  what they do at run time.
 * Memory   pconf; read-only at run time. */
#ifndef LB_BALANCER_SETTINGS_H
#define LB_BALANCER_SETTINGS_H

#include <stdbool.h>

#include "mod_proxy.h"
#include "queue_settings.h"
#include "span.h"

/* BalancerStickyCookie */
typedef struct {
    const char *name;
    const char *attributes;                 /* what stands behind the value: "; Path=/; Secure" */
    fc_span_t key;
} lb_sticky_cookie_settings_t;

typedef struct {
    apr_array_header_t *member_defaults;    /* of const char *, "key=value"; NULL: none */
    const lb_sticky_cookie_settings_t *sticky_cookie;    /* NULL: none */
    bool keeps_to_its_turn;                 /* BalancerOverflow Off */
    int hcpanic;                            /* percent; LB_HCPANIC_UNSET, see check_panic.h */
    unsigned int fleet;                     /* what is shared: bits, see fleet_settings.h */
    lb_queue_settings_t queue;
} lb_balancer_settings_t;

/** The settings of a balancer as this virtual host knows it: its own, else the main server's.
 *  Never NULL. */
const lb_balancer_settings_t *lb_balancer_settings_of(server_rec *s,
                                                      const proxy_balancer *balancer);

/** For the face: the directives, and what holds them for each server. */
extern const command_rec lb_balancer_settings_directives[];
void *lb_balancer_settings_create(apr_pool_t *p, server_rec *s);
void *lb_balancer_settings_merge(apr_pool_t *p, void *base, void *add);

#endif
