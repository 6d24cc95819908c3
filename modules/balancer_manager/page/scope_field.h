/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* scope_field.h - in forms: is a change for this front of the fleet alone? */
#ifndef MGR_SCOPE_FIELD_H
#define MGR_SCOPE_FIELD_H

#include "html.h"
#include "mod_balancer_byrequests.h"

/** Print it, if changes of this balancer go to other fronts. */
void mgr_scope_field_print(mgr_html_t *html, const lb_balancer_view_t *balancer);

#endif
