/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* change_run.h - carries out what was asked for, and notes it. */
#ifndef MGR_CHANGE_RUN_H
#define MGR_CHANGE_RUN_H

#include "visit.h"

/** Have the balancer carry out actions, all or none; note each change in the audit, and look again:
 *  the visit then has what was done, and a new snapshot, its choices in it.
 *  actions  array of lb_action_t
 *  returns  what has changed, or what is wrong */
const lb_result_t *mgr_change_run_run(mgr_visit_t *visit, const apr_array_header_t *actions);

/** Add notes that tell these changes, or that there was nothing to change. */
void mgr_change_run_tell(mgr_visit_t *visit, mgr_done_t done);

/** The HTTP status for these errors. */
int mgr_change_run_status(const apr_array_header_t *errors);

/** Note in the audit that a request was refused.
 *  what     was asked for, such as "form" or "PATCH /v1/members"
 *  returns  a sentence for the user */
const char *mgr_change_run_refused(mgr_visit_t *visit, const char *what, const char *why);

#endif
