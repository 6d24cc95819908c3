/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* consequence.h - what would happen if members were drained, disabled, ..., before it is done. */
#ifndef MGR_CONSEQUENCE_H
#define MGR_CONSEQUENCE_H

#include <stdbool.h>

#include "visit.h"

/** Would it take the balancer's last usable member away?
 *  word     drain, disable, stop, remove, ...; "" for none
 *  members  of const lb_member_view_t *, whom it is for */
bool mgr_consequence_is_outage(const lb_balancer_view_t *balancer, const char *word,
                               const apr_array_header_t *members);

/** Say what would happen, in words for an operator; form is left to the caller. In p. */
mgr_pending_t *mgr_consequence_tell(apr_pool_t *p, const lb_balancer_view_t *balancer,
                                    const char *word, const apr_array_header_t *members);

#endif
