/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* member_config.h - what the configuration says about a member, wherever it was added or moved to.
 * Knows    that a member made at run time has the parameters of another worker
 *          (lb_balancer_configured_worker).
 * Ignores  how parameters are read (member_params.c, check_params.c), what operators change later.
 * Memory   pconf; read-only at run time, but for the rows that it writes limits to. */
#ifndef LB_MEMBER_CONFIG_H
#define LB_MEMBER_CONFIG_H

#include "check_params.h"
#include "member.h"
#include "member_params.h"
#include "setting.h"

/** The parameters of a member; the defaults when none was written. */
const lb_member_params_t *lb_member_config_params(const lb_member_t *member);

/** The parameters of its checks, when they are ours: those of FastCGI members. Members of other
 *  schemes may have defaults of ours.
 *  returns  NULL: it has none */
const lb_check_params_t *lb_member_config_checks(const lb_member_t *member);

/** Is anything to be done for this member? */
bool lb_member_config_has_checks(const lb_member_t *member);

/* How requests may wait for members that are to come. */
typedef struct {
    uint32_t places;
    int64_t timeout;    /* us */
} lb_queue_to_come_t;

/** Those of the balancer's sources, which have queues before they have members.
 *  returns  nothing: it has members, or no sources */
lb_queue_to_come_t lb_member_config_queue_to_come(const lb_balancer_t *balancer);

/** A row's limits are those of these parameters. */
void lb_member_config_set_limits(lb_member_row_t *row, const lb_member_params_t *params);

/** Is its limit one over all fronts of a fleet? That is its balancer's affair. */
void lb_member_config_set_shared(lb_member_row_t *row, const lb_balancer_t *balancer);

/** The settings of the member in a slot as the configuration has them; of a discovered one, with
 *  the weight and the set of its record.
 *  returns  false: it was added at run time, and the configuration has none */
bool lb_member_config_settings(apr_pool_t *p, const lb_balancer_t *balancer, int slot,
                               lb_values_t *values);

#endif
