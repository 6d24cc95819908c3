/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* predecessors.h - who asks for mod_proxy_balancer or mod_lbmethod_byrequests finds us: <IfModule>,
 *                  LogLevel.
 * Knows    that httpd asks mod_so, by an optional function, for modules that it does not find
 *          itself, under whatever name the configuration has.
 * Ignores  who asks. Neither of them can be loaded beside us (configtest.h).
 * Memory   none; for as long as this configuration is loaded. */
#ifndef LB_PREDECESSORS_H
#define LB_PREDECESSORS_H

/** In register_hooks: the rest of the configuration is then read with it. */
void lb_predecessors_register(void);

#endif
