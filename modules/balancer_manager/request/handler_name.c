/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* handler_name.c - see handler_name.h. */
#include "handler_name.h"

#include <string.h>

#include "ap_expr.h"

#define HANDLER           "balancer-manager"
#define READ_ONLY_HANDLER "balancer-status"

const char *mgr_handler_name_in(request_rec *r, const core_dir_config *section)
{
    const char *error = NULL;
    const char *handler = section->expr_handler /* in 2.4 every SetHandler is an expression */
                              ? ap_expr_str_exec(r, section->expr_handler, &error)
                              : NULL;

    return handler && !error ? handler : "";
}

bool mgr_handler_name_is_ours(const char *handler)
{
    return strcmp(handler, HANDLER) == 0 || strcmp(handler, READ_ONLY_HANDLER) == 0;
}

bool mgr_handler_name_is_meant(request_rec *r)
{
    return mgr_handler_name_is_ours(
        mgr_handler_name_in(r, ap_get_core_module_config(r->per_dir_config)));
}

bool mgr_handler_name_is_read_only(const request_rec *r)
{
    return strcmp(r->handler, READ_ONLY_HANDLER) == 0;
}
