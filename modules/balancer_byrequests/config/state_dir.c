/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* state_dir.c - see state_dir.h. */
#include "state_dir.h"

#include "apr_strings.h"

static const char *configured;    /* NULL: httpd's own */

int lb_state_dir_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    configured = NULL;
    return OK;
}

const char *lb_state_dir_read(const cmd_parms *cmd, const char *path)
{
    configured = ap_server_root_relative(cmd->pool, path);
    return configured ? NULL : apr_psprintf(cmd->pool, "BalancerStateDir: invalid path %s", path);
}

char *lb_state_dir_relative(apr_pool_t *p, const char *folder)
{
    return configured ? ap_make_full_path(p, configured, folder)
                      : ap_state_dir_relative(p, folder);
}
