/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* rights.h - what the sender of a request may do: BalancerManagerRequire. */
#ifndef MGR_RIGHTS_H
#define MGR_RIGHTS_H

#include <stdbool.h>

#include "httpd.h"
#include "http_config.h"

/* Each includes those before it. */
typedef enum {
    MGR_VIEW,       /* look */
    MGR_OPERATE,    /* drain, ready, disable, stop, hot standby and spare; reset counters */
    MGR_EDIT        /* settings of members and balancers; add, move, remove */
} mgr_right_t;

/** For manager_config.c. */
const char *mgr_rights_take(cmd_parms *cmd, apr_array_header_t *rules, const char *line);

/** The rights of this request, as bits: 1 << mgr_right_t; none when it was sent to a name that is
 *  not ours. Asks the providers of Require, so once for a request; mgr_visit_t keeps them. */
unsigned int mgr_rights_of(request_rec *r);

static inline bool mgr_rights_have(unsigned int rights, mgr_right_t right)
{
    return (rights >> right & 1) != 0;
}

/** A sentence that says which right is missing and how to get it, in r->pool. */
const char *mgr_rights_refusal(request_rec *r, mgr_right_t right);

#endif
