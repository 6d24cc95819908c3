/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* module_alias.h - who asks for a module that this one takes the place of finds this one:
 *                  <IfModule proxy_fcgi_module>, <IfModule mod_proxy_fcgi.c>, LogLevel.
 * Knows    that httpd asks mod_so, by an optional function, for modules that it does not find
 *          itself, under whatever name the configuration has.
 * Ignores  who asks. A module of that name that is really loaded is found before.
 * Memory   none; for as long as this configuration is loaded. */
#ifndef FC_MODULE_ALIAS_H
#define FC_MODULE_ALIAS_H

#include "httpd.h"
#include "http_config.h"

/** In register_hooks: the rest of the configuration is then read with it.
 *  names    with and without ".c"; a NULL ends them */
void fc_module_alias_register(module *self, const char *const *names);

#endif
