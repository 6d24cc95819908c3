/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* predecessors.c - see predecessors.h. */
#include "predecessors.h"

#include <string.h>

#include "httpd.h"
#include "http_config.h"
#include "mod_so.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;

static const char *const names[] = { "proxy_balancer_module", "mod_proxy_balancer.c",
                                     "lbmethod_byrequests_module", "mod_lbmethod_byrequests.c" };

static APR_OPTIONAL_FN_TYPE(ap_find_loaded_module_symbol) *next_in_line;

/* The optional function has the name that httpd looks for. */
static module *ap_find_loaded_module_symbol(server_rec *s, const char *name)
{
    module *found = next_in_line ? next_in_line(s, name) : NULL;

    for (size_t i = 0; !found && i < sizeof(names) / sizeof(names[0]); i++) {
        found = strcmp(name, names[i]) == 0 ? &balancer_byrequests_module : NULL;
    }
    return found;
}

void lb_predecessors_register(void)
{
    next_in_line = APR_RETRIEVE_OPTIONAL_FN(ap_find_loaded_module_symbol);
    APR_REGISTER_OPTIONAL_FN(ap_find_loaded_module_symbol);
}
