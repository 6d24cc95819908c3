/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* source_list.h - the names in DNS that a balancer has members from, on the page. */
#ifndef MGR_SOURCE_LIST_H
#define MGR_SOURCE_LIST_H

#include "page.h"

/** Print a line for each source: its state, the last answer and the next query. */
void mgr_source_list_print(mgr_page_t *page, const lb_balancer_view_t *balancer);

#endif
