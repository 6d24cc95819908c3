/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* balancer_section.h - one balancer on the page, with its members. */
#ifndef MGR_BALANCER_SECTION_H
#define MGR_BALANCER_SECTION_H

#include "page.h"

/** Print the section; nothing when the page's selection leaves all of it out.
 *  returns  how many of its members are selected; -1: left out */
int mgr_balancer_section_print(mgr_page_t *page, const lb_balancer_view_t *balancer);

/** Print, into a form that asks for the page again, which balancers are open. */
void mgr_balancer_section_print_opened(mgr_page_t *page);

#endif
