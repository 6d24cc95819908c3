/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* member_page.h - all that there is to say of one member: the page that its link leads to. */
#ifndef MGR_MEMBER_PAGE_H
#define MGR_MEMBER_PAGE_H

#include "page.h"

/** Print what is known of the visit's member: its state, numbers, limits, health parameters,
 *  checks, charts and history. */
void mgr_member_page_print(mgr_page_t *page);

#endif
