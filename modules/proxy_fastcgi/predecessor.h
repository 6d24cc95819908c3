/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* predecessor.h - who asks for mod_proxy_fcgi finds us: <IfModule proxy_fcgi_module>,
 *                 <IfModule mod_proxy_fcgi.c>, LogLevel proxy_fcgi:debug.
 * Knows    that httpd asks mod_so, by an optional function, for modules that it does not find
 *          itself, under whatever name the configuration has.
 * Ignores  who asks. A mod_proxy_fcgi that is really loaded is found before us.
 * Memory   none; for as long as this configuration is loaded. */
#ifndef FCGI_PREDECESSOR_H
#define FCGI_PREDECESSOR_H

/** In register_hooks: the rest of the configuration is then read with it. */
void fcgi_predecessor_register(void);

#endif
