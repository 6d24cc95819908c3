/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* bearer.h - the login of scripts: Authorization: Bearer, with a secret of BalancerManagerToken. */
#ifndef MGR_BEARER_H
#define MGR_BEARER_H

#include <stdbool.h>

#include "httpd.h"
#include "http_config.h"

/** For manager_config.c.
 *  user     NULL: "script" */
const char *mgr_bearer_take(cmd_parms *cmd, apr_array_header_t *secrets, const char *file,
                            const char *user);

/** Hooks: who sends a secret is asked for it even where httpd would let anybody in, and is then
 *  logged in, or gets 401. */
int mgr_bearer_force(request_rec *r);
int mgr_bearer_authenticate(request_rec *r);

/** Is the sender logged in by a secret? No browser adds that of itself. */
bool mgr_bearer_is_sender(const request_rec *r);

#endif
