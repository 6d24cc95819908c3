/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* front_change.h - has a front of the fleet forgotten, and notes it. */
#ifndef MGR_FRONT_CHANGE_H
#define MGR_FRONT_CHANGE_H

#include "visit.h"

/** Have a front forgotten that is gone for good.
 *  returns  NULL, and it is in the audit; else why that cannot be done now */
const char *mgr_front_change_forget(mgr_visit_t *visit, const char *front);

/** Carry out a form whose parameter `forget` is the name of a front.
 *  returns  as mgr_form_change_run() */
int mgr_front_change_run(mgr_visit_t *visit, const apr_table_t *parameters);

#endif
