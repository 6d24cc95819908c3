/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* setting.h - where the settings of balancer_setting.h lie: a row for each to get and set it.
 * Knows    mod_proxy's shared structs, our member row.
 * Ignores  who changes what, files, texts (shared/setting_value.h).
 * Memory   texts are copied to the caller's pool.
 * Threads  any, in any number of processes, also while others change what is read. All flags of a
 *          member change in one step and no other bit with them, and numbers in one store; texts,
 *          and what mod_proxy has as bit fields, need the balancer's global mutex. */
#ifndef LB_SETTING_H
#define LB_SETTING_H

#include "balancer_setting.h"
#include "member.h"

/** All that can be read of a member, or of a balancer. Also as the configuration has it: then the
 *  row is a local one. */
lb_values_t lb_setting_of_member(apr_pool_t *p, const proxy_worker_shared *shared,
                                 const lb_member_row_t *row);
lb_values_t lb_setting_of_balancer(apr_pool_t *p, const proxy_balancer_shared *shared);

/* What was done to the status word of a member. */
typedef struct {
    unsigned int before, after;
} lb_status_change_t;

/** Change what is given: values that lb_setting_refusal() has nothing against. */
lb_status_change_t lb_setting_change_member(const lb_member_t *member, const lb_values_t *values);
void lb_setting_change_balancer(proxy_balancer_shared *shared, const lb_values_t *values);

/** What is wrong with a value: "lbset must be ..."; NULL: nothing is. */
const char *lb_setting_refusal(apr_pool_t *p, const lb_setting_t *setting, lb_value_t value);

/** One that can be read, by its name; NULL: members, or balancers, have none. */
const lb_setting_t *lb_setting_find(const char *name, bool is_of_member);

/** A number that is another one as soon as a setting is that is kept; never 0. */
uint64_t lb_setting_revision(const lb_values_t *values);

/** Where a member is, "host:port". It is saved like a setting, but it says which member it is:
 *  membership.c changes it. */
#define LB_SETTING_ADDRESS "address"
const char *lb_setting_address(apr_pool_t *p, const proxy_worker_shared *member);

/** Its URL as mod_proxy writes it in a configuration: "unix:/path|fcgi://host" for sockets. */
const char *lb_setting_url(apr_pool_t *p, const proxy_worker_shared *member);

/** Copy a text of the shared memory that may be written meanwhile: the copy has an end. */
#define LB_SETTING_COPY(p, text) apr_pstrmemdup((p), (text), strnlen((text), sizeof(text)))

#endif
