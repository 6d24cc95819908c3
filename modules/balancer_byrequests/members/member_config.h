/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* member_config.h - what the configuration says about a member, wherever it was added or moved to.
 * Knows    that a member made at run time has the parameters of another worker
 *          (lb_cluster_configured).
 * Ignores  how parameters are read (member_params.c, check_params.c), what operators change later.
 * Memory   pconf; read-only at run time, but for the rows that it writes limits to. */
#ifndef LB_MEMBER_CONFIG_H
#define LB_MEMBER_CONFIG_H

#include "check_params.h"
#include "member_params.h"
#include "member_table.h"
#include "roster.h"

/** The parameters of a member; the defaults when none was written. */
const lb_member_params_t *lb_member_config_params(const proxy_worker *member);

/** The parameters of its checks, when they are ours: those of FastCGI members. Members of other
 *  schemes may have defaults of ours.
 *  returns  NULL: it has none */
const lb_check_params_t *lb_member_config_checks(const proxy_worker *member);

/** Is anything to be done for this member? */
int lb_member_config_has_checks(const proxy_worker *member);

/** A row's limits are those of these parameters. */
void lb_member_config_set_limits(lb_member_row_t *row, const lb_member_params_t *params);

/** A row's limits are those that the configuration gives this member; NULL: none of its own. */
void lb_member_config_set_configured_limits(lb_member_row_t *row,
                                            const lb_configured_t *configured);

#endif
