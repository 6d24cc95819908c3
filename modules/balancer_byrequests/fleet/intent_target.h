/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* intent_target.h - what a wish is about on this front, and what that is called on all of them.
 * Knows    names that are the same on all fronts: a balancer's, with the virtual host where it is
 *          not the first of its name; a member's URL as it is configured. Before the URL of one
 *          that was added is a "+": a configured one may have been there before it was moved.
 * Ignores  who wants what.
 * Memory   the caller's pool.   Threads: any. */
#ifndef LB_INTENT_TARGET_H
#define LB_INTENT_TARGET_H

#include "fleet_intent.h"
#include "member.h"
#include "setting.h"

/* A balancer or a member, and its settings. */
typedef struct {
    lb_balancer_t *balancer;     /* NULL: there is none here, or the fleet does not share it */
    lb_member_t member;          /* none: it is about the balancer, or not here */
    lb_values_t now, configured;
    bool is_configured;          /* else the configuration does not have it */
} lb_intent_target_t;

/** Does the fleet share what operators want of it?
 *  balancer NULL: no */
bool lb_intent_target_shares(const lb_balancer_t *balancer);

/** What the wish is about. */
lb_intent_target_t lb_intent_target_find(apr_pool_t *p, const lb_intent_t *wish);

/** A balancer, or a member of it that is not about to leave. */
lb_intent_target_t lb_intent_target_of(apr_pool_t *p, lb_balancer_t *balancer,
                                       const lb_member_t *member);

/** The names. */
const char *lb_intent_target_balancer_name(const lb_balancer_t *balancer);
const char *lb_intent_target_vhost(const lb_balancer_t *balancer);
const char *lb_intent_target_member_name(apr_pool_t *p, const lb_member_t *member);

/** The URL in the name of a member. */
const char *lb_intent_target_url(const char *member_name);

/** The values of a setting, or its address, in words; as it is configured: NULL if it is not. */
const char *lb_intent_target_now(apr_pool_t *p, const lb_intent_target_t *target,
                                 const char *setting);
const char *lb_intent_target_configured(apr_pool_t *p, const lb_intent_target_t *target,
                                        const char *setting);

/** Has somebody edited the configuration, or is it another one on the front of the wish? */
bool lb_intent_target_is_configured_otherwise(apr_pool_t *p, const lb_intent_target_t *target,
                                              const lb_intent_t *wish);

/** How long a member drains on, in us; 0: without a deadline, or it does not drain. */
apr_interval_time_t lb_intent_target_drain_left(const lb_intent_target_t *target, apr_time_t now);

/** Do operators' wishes for this setting travel? */
bool lb_intent_target_travels(const lb_setting_t *setting);

#endif
