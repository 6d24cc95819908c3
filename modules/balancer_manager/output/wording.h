/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* wording.h - how a value is written, the same in pages, forms and log lines; not yet escaped. */
#ifndef MGR_WORDING_H
#define MGR_WORDING_H

#include <stdbool.h>

#include "mod_balancer_byrequests.h"

/** "1.00" */
const char *mgr_wording_weight(apr_pool_t *p, int hundredths);

/** "COOKIE", "COOKIE|parameter" or "", as the form parameter b_ss takes it. */
const char *mgr_wording_sticky(apr_pool_t *p, const lb_balancer_view_t *balancer);

/** A time as RFC 3339 has it, in UTC with milliseconds; NULL for 0. */
const char *mgr_wording_time(apr_pool_t *p, apr_time_t at);

/** Does another limit hold than the configuration says? And what does that say? */
bool mgr_wording_limit_is_changed(const lb_member_view_t *member);
const char *mgr_wording_config_limit(apr_pool_t *p, const lb_member_view_t *member);

#endif
