/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* api.h - the JSON interface: everything below /v1/. */
#ifndef MGR_API_H
#define MGR_API_H

#include <stdbool.h>

#include "visit.h"

/** Answer a request.
 *  path          below the manager's own
 *  is_read_only  no method but GET, HEAD and OPTIONS
 *  returns       OK: the answer is sent; or an HTTP status */
int mgr_api_handle(mgr_visit_t *visit, const char *path, bool is_read_only);

#endif
