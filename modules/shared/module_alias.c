/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* module_alias.c - see module_alias.h. */
#include "module_alias.h"

#include <string.h>

#include "mod_so.h"

/* Of this shared object: each module has its own. */
static module *aliased;
static const char *const *aliases;
static APR_OPTIONAL_FN_TYPE(ap_find_loaded_module_symbol) *next_in_line;

/* The optional function has the name that httpd looks for. */
static module *ap_find_loaded_module_symbol(server_rec *s, const char *name)
{
    module *found = next_in_line ? next_in_line(s, name) : NULL;

    for (const char *const *alias = aliases; *alias && !found; alias++) {
        found = strcmp(name, *alias) == 0 ? aliased : NULL;
    }
    return found;
}

void fc_module_alias_register(module *self, const char *const *names)
{
    aliased = self;
    aliases = names;
    next_in_line = APR_RETRIEVE_OPTIONAL_FN(ap_find_loaded_module_symbol);
    APR_REGISTER_OPTIONAL_FN(ap_find_loaded_module_symbol);
}
