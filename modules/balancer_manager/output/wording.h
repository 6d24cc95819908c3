/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* wording.h - how a value is written, the same in pages, forms and log lines; not yet escaped. */
#ifndef MGR_WORDING_H
#define MGR_WORDING_H

#include "mod_balancer_byrequests.h"

/** "COOKIE", "COOKIE|parameter" or "", as the form parameter b_ss takes it. */
const char *mgr_wording_sticky(apr_pool_t *p, const lb_balancer_view_t *balancer);

#endif
