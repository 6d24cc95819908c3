/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* handler_name.h - the words of SetHandler that mean us: balancer-manager, and balancer-status,
 *                  which shows the same and changes nothing.
 * Memory   none.   Threads: any, no state. */
#ifndef MGR_HANDLER_NAME_H
#define MGR_HANDLER_NAME_H

#include <stdbool.h>

#include "httpd.h"
#include "http_core.h"

/** What SetHandler says in this section; "" when it does not say anything. */
const char *mgr_handler_name_in(request_rec *r, const core_dir_config *section);

bool mgr_handler_name_is_ours(const char *handler);

/** Does the section around this request set our handler? */
bool mgr_handler_name_is_meant(request_rec *r);

/** Is the request's handler the one that changes nothing? */
bool mgr_handler_name_is_read_only(const request_rec *r);

#endif
