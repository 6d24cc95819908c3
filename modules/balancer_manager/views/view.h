/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* view.h - the ways to answer a visit. A new one is a view_*.c, a line here and one in router.c. */
#ifndef MGR_VIEW_H
#define MGR_VIEW_H

#include "visit.h"

/** Send the body with its Content-Type; the status is already set.
 *  returns  OK or an HTTP status when there is nothing to send */
typedef int mgr_view_t(mgr_visit_t *visit);

mgr_view_t mgr_view_html_send; /* also the view of every refusal */
mgr_view_t mgr_view_xml_send;  /* stock's ?xml=1 */
mgr_view_t mgr_view_json_send;
mgr_view_t mgr_view_balancer_json_send; /* only the chosen balancer, the chosen member */
mgr_view_t mgr_view_member_json_send;
mgr_view_t mgr_view_fleet_json_send;    /* there must be a fleet */
mgr_view_t mgr_view_prometheus_send;
mgr_view_t mgr_view_text_send; /* for people with a terminal */

#endif
