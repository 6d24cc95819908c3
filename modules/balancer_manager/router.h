/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* router.h - the URLs of the manager. */
#ifndef MGR_ROUTER_H
#define MGR_ROUTER_H

#include "httpd.h"

/** httpd's handler hook: answers requests for the handler "balancer-manager". */
int mgr_router_handle(request_rec *r);

/** httpd's pre_translate_name hook: names in paths of our handler may have slashes, as %2F. */
int mgr_router_pre_translate(request_rec *r);

#endif
