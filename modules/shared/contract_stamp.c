/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* contract_stamp.c - see contract_stamp.h. */
#include "contract_stamp.h"

#include <string.h>

#include "apr_optional.h"
#include "apr_strings.h"
#include "fastcgi_version.h"
#include "mod_balancer_byrequests.h"

/* As the balancer says it; of one that is too old to say it. */
static lb_contract_t balancers_contract(void)
{
    APR_OPTIONAL_FN_TYPE(lb_contract) *contract = APR_RETRIEVE_OPTIONAL_FN(lb_contract);
    return contract ? contract() : (lb_contract_t){ .version = "0.1.0", .stamp = "none" };
}

const char *fc_contract_refusal(apr_pool_t *p, const char *module)
{
    if (!APR_RETRIEVE_OPTIONAL_FN(lb_ticket_of)) {
        return NULL;
    }
    const lb_contract_t theirs = balancers_contract();
    if (strcmp(theirs.stamp, fc_contract_stamp) == 0) {
        return NULL;
    }
    return apr_psprintf(p, "%s (version %s, contract %s) and mod_balancer_byrequests (version %s, "
                           "contract %s) are not of the same release; install all modules from "
                           "one package or build, then restart httpd",
                        module, FASTCGI_CLUSTER_VERSION, fc_contract_stamp, theirs.version,
                        theirs.stamp);
}
