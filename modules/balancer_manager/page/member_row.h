/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* member_row.h - one row of a balancer's table of members. */
#ifndef MGR_MEMBER_ROW_H
#define MGR_MEMBER_ROW_H

#include "page.h"

/** Print the header row. */
void mgr_member_row_print_head(mgr_page_t *page);

/** Print the row of a member.
 *  link     start and end of a member's link, for an attribute: its URL comes between them */
void mgr_member_row_print(mgr_page_t *page, const lb_balancer_view_t *balancer,
                          const lb_member_view_t *member, const mgr_totals_t *totals,
                          const char *link_start, const char *link_end);

/** Its weight now, while it may start slowly; 0 when it is not in service. */
uint64_t mgr_member_row_weight(const lb_member_view_t *member);

#endif
