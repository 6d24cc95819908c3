/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* action.h - carries out what a posted form asks for. */
#ifndef MGR_ACTION_H
#define MGR_ACTION_H

#include "answer.h"

/** Check a form completely, then change all that it asks for or nothing.
 *  parameters  as mgr_form_read gave them
 *  returns     OK with the new snapshot and notes on what has changed, or with answer->pending;
 *              else the answer is refused, with a note for each thing that is wrong */
int mgr_action_run(mgr_answer_t *answer, const apr_table_t *parameters);

#endif
