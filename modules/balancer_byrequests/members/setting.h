/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* setting.h - what operators can change at run time, one line for each, as texts.
 * Knows    the names in the state file, mod_proxy's shared structs.
 * Ignores  who changes what, and files.   Memory   the caller's pool.   Threads: any, no state. */
#ifndef LB_SETTING_H
#define LB_SETTING_H

#include <stdbool.h>

#include "member_table.h"
#include "mod_proxy.h"

/* shared   a proxy_worker_shared or a proxy_balancer_shared
 * row      of the member: limits and the end of a drain lie there; NULL for a balancer */
typedef struct {
    const char *name;
    const char *(*text)(apr_pool_t *p, const void *shared, const lb_member_row_t *row);
    /* returns  false when the text is no value for it; nothing is changed then */
    bool (*set)(void *shared, lb_member_row_t *row, const char *text);
    bool is_transient;    /* others than operators change it as well: it is not kept */
} lb_setting_t;

/** Of members, of balancers; a line without name ends each. */
extern const lb_setting_t lb_setting_of_members[];
extern const lb_setting_t lb_setting_of_balancers[];

/** Where a member is, "host:port". It is saved like a setting, but it says which member it is:
 *  membership.c changes it. */
#define LB_SETTING_ADDRESS "address"
const char *lb_setting_address(apr_pool_t *p, const proxy_worker_shared *member);

/** Copy a text of the shared memory that may be written meanwhile: the copy has an end. */
#define LB_SETTING_COPY(p, text) apr_pstrmemdup((p), (text), strnlen((text), sizeof(text)))

/** A setting by its name; NULL: there is none. */
const lb_setting_t *lb_setting_find(const lb_setting_t *settings, const char *name);

/** A number that is another one as soon as a setting is, but for transient ones; never 0. */
uint64_t lb_setting_revision(apr_pool_t *p, const lb_setting_t *settings, const void *shared,
                             const lb_member_row_t *row);

/** "cookie", or "cookie|parameter"; "" or "-" is none. */
void lb_setting_sticky(proxy_balancer_shared *s, const char *value);

#endif
