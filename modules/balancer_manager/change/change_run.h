/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* change_run.h - has changes made, and notes them. */
#ifndef MGR_CHANGE_RUN_H
#define MGR_CHANGE_RUN_H

#include "visit.h"

/** Have the balancer make changes, all or none; note in the audit what is different, and look
 *  again: the visit then has what was done, and a new snapshot, its choices in it.
 *  changes  array of lb_change_t
 *  returns  what has changed, or what is wrong */
const lb_change_result_t *mgr_change_run(mgr_visit_t *visit, const apr_array_header_t *changes);

/** Add notes that tell these changes, or that there was nothing to change. */
void mgr_change_run_tell(mgr_visit_t *visit, mgr_done_t done);

/** The HTTP status for these errors. */
int mgr_change_run_status(const apr_array_header_t *errors);

/** Note in the audit that a request was refused.
 *  what     was asked for, such as "form" or "PATCH /v1/members"
 *  returns  a sentence for the user */
const char *mgr_change_run_refused(mgr_visit_t *visit, const char *what, const char *why);

#endif
