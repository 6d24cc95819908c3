/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* directives.c - see directives.h. */
#include "directives.h"

#include "bearer.h"
#include "host_name.h"
#include "manager_config.h"
#include "rights.h"

static const char *take_rule(cmd_parms *cmd, void *directory, const char *line)
{
    return mgr_rights_take(cmd, ((mgr_manager_config_t *)directory)->rules, line);
}

static const char *take_host(cmd_parms *cmd, void *directory, const char *name)
{
    return mgr_host_name_take(cmd, ((mgr_manager_config_t *)directory)->hosts, name);
}

static const char *take_secret(cmd_parms *cmd, void *directory, const char *file,
                               const char *user)
{
    return mgr_bearer_take(cmd, ((mgr_manager_config_t *)directory)->secrets, file, user);
}

const command_rec mgr_directives[] = {
    AP_INIT_RAW_ARGS("BalancerManagerRequire", take_rule, NULL, ACCESS_CONF,
                     "view, operate or edit, then arguments of Require: who has the permission"),
    AP_INIT_ITERATE("BalancerManagerHost", take_host, NULL, ACCESS_CONF,
                    "host names by which the manager can be reached without a login"),
    AP_INIT_TAKE12("BalancerManagerToken", take_secret, NULL, ACCESS_CONF,
                   "file with a secret, and the user that it logs in"),
    { NULL }
};
