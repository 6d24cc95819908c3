/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* edit_form.h - the forms of the HTML page. */
#ifndef MGR_EDIT_FORM_H
#define MGR_EDIT_FORM_H

#include "page.h"

/** Print the form for the chosen member, else for the chosen balancer; nothing for who may not
 *  change anything. */
void mgr_edit_form_print(mgr_page_t *page);

/** Print what belongs to every form about a balancer: hidden fields. */
void mgr_edit_form_print_hidden(mgr_page_t *page, const lb_balancer_view_t *balancer);

#endif
