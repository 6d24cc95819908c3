/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* predecessor.c - see predecessor.h. */
#include "predecessor.h"

#include <string.h>

#include "httpd.h"
#include "http_config.h"
#include "mod_so.h"

extern module AP_MODULE_DECLARE_DATA proxy_fastcgi_module;

static APR_OPTIONAL_FN_TYPE(ap_find_loaded_module_symbol) *next_in_line;

/* The optional function has the name that httpd looks for. */
static module *ap_find_loaded_module_symbol(server_rec *s, const char *name)
{
    module *found = next_in_line ? next_in_line(s, name) : NULL;

    if (!found
        && (strcmp(name, "proxy_fcgi_module") == 0 || strcmp(name, "mod_proxy_fcgi.c") == 0)) {
        found = &proxy_fastcgi_module;
    }
    return found;
}

void fcgi_predecessor_register(void)
{
    next_in_line = APR_RETRIEVE_OPTIONAL_FN(ap_find_loaded_module_symbol);
    APR_REGISTER_OPTIONAL_FN(ap_find_loaded_module_symbol);
}
