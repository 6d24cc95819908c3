/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* server_status.h - the balancers on mod_status's page, and in its ?auto. */
#ifndef MGR_SERVER_STATUS_H
#define MGR_SERVER_STATUS_H

#include "apr_pools.h"

/** For the face, when hooks are registered; does nothing unless mod_status is loaded. */
void mgr_server_status_register(apr_pool_t *p);

#endif
