/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* form_change.h - carries out what a posted form asks for. */
#ifndef MGR_FORM_CHANGE_H
#define MGR_FORM_CHANGE_H

#include "visit.h"

/** Check a form completely, then change all that it asks for or nothing.
 *  parameters  as mgr_form_read gave them
 *  returns     OK with the new snapshot and notes on what has changed, or with visit->pending;
 *              else the visit is refused, with a note for each thing that is wrong */
int mgr_form_change_run(mgr_visit_t *visit, const apr_table_t *parameters);

#endif
