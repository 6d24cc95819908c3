/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* scope_field.c - see scope_field.h.
 * Knows    the parameter scope.
 * Ignores  what a front is.
 * Memory   nothing of its own.   Threads: any, no state. */
#include "scope_field.h"

#include "balancer_calls.h"

void mgr_scope_field_print(mgr_html_t *html, const lb_balancer_view_t *balancer)
{
    if (mgr_balancer_calls_travels(balancer->key, balancer->vhost)) {
        mgr_html_raw(html, "<label class=\"check\"><input type=\"checkbox\" name=\"scope\" "
                           "value=\"front\"> This front only</label>\n");
    }
}
