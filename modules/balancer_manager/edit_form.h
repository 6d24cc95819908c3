/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* edit_form.h - the forms of the HTML page. */
#ifndef MGR_EDIT_FORM_H
#define MGR_EDIT_FORM_H

#include "answer.h"

/** Print the form for the chosen member, else for the chosen balancer, else nothing. */
void mgr_edit_form_print(mgr_answer_t *answer);

#endif
