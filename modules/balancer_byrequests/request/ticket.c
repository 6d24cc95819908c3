/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* ticket.c - see ticket.h. */
#include "ticket.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;

lb_ticket_t *lb_ticket_find(request_rec *r)
{
    return ap_get_module_config(r->request_config, &balancer_byrequests_module);
}

bool lb_ticket_has_tried(const lb_ticket_t *ticket, const lb_member_t *member)
{
    if (!ticket->tried) {
        return lb_member_is(&ticket->member, member);
    }
    for (int i = 0; i < ticket->tried->nelts; i++) {
        if (lb_member_is(&APR_ARRAY_IDX(ticket->tried, i, lb_member_t), member)) {
            return true;
        }
    }
    return false;
}
