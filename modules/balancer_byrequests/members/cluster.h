/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* cluster.h - the dictionary of balancers and their members: where each has its rows.
 * Knows    mod_proxy's structs, virtual hosts that share a balancer's members.
 * Ignores  how they came into shared memory (startup.c), elections and requests.
 * Memory   pconf; the rows of the member table are table_segments.h's.
 * Threads  written before the children start; read-only afterwards, but for mod_proxy's worker
 *          arrays, which only grow (see lb_cluster_member). */
#ifndef LB_CLUSTER_H
#define LB_CLUSTER_H

#include "balancer_settings.h"
#include "ledger.h"
#include "mod_proxy.h"
#include "roster.h"

typedef struct lb_kept_cookie_t lb_kept_cookie_t;    /* session_cookie.c */

/* What we keep for a balancer. A virtual host that inherits it without settings of its own shares
 * it; one with settings of its own has its own, with the same rows. */
typedef struct lb_cluster_t lb_cluster_t;
struct lb_cluster_t {
    int id;                           /* counts up from 1 in configuration order */
    server_rec *server;               /* the virtual host that defines it */
    const char *vhost;                /* its name, and port if one is configured, for operators */
    proxy_balancer *balancer;         /* the defining copy */
    const lb_balancer_settings_t *settings;
    const proxy_balancer_shared *configured;   /* its settings before they moved to shared memory */
    const proxy_balancer_shared *baseline;     /* those settings, with all defaults */
    lb_cluster_t *owner;              /* whose members these are: itself, or whom it inherits */
    bool is_persistent;               /* BalancerPersist */
    lb_roster_t *roster;              /* the owner's, as the rows are */
    const proxy_worker *template;     /* the owner's: what members added at run time are like */
    lb_ledger_t *ledger;              /* of the table where all its rows are */
    uint32_t generation;              /* of the configuration; see table_segments.h */
    lb_balancer_row_t *row;
    lb_member_row_t **member_rows;    /* by slot, that is by worker->s->index */
    _Atomic(lb_kept_cookie_t *) *cookies;      /* by slot; NULL without BalancerStickyCookie */
    int slots;                        /* members that it can have, growth included */
};

/** What we keep for this balancer; never NULL after post_config. */
lb_cluster_t *lb_cluster_of(const proxy_balancer *balancer);

/** All of them: array of lb_cluster_t *, in configuration order. */
apr_array_header_t *lb_cluster_all(void);

/** The i-th member of a balancer, 0 <= i < balancer->workers->nelts.
 *  returns  NULL while another thread is still adding it, and when it was removed */
proxy_worker *lb_cluster_member(const proxy_balancer *balancer, int i);

/** The shared row of a member, and its index in the table. */
lb_member_row_t *lb_cluster_row(const proxy_balancer *balancer, const proxy_worker *member);
uint32_t lb_cluster_index(const proxy_balancer *balancer, const proxy_worker *member);

/** The index of the balancer's own row. */
uint32_t lb_cluster_balancer_index(const proxy_balancer *balancer);

/** The member that has this row; NULL when it is not one of this balancer. */
proxy_worker *lb_cluster_member_at(const proxy_balancer *balancer, uint32_t index);

/** The worker whose parameters hold for this member: itself, or the one in the configuration when
 *  the member was made at run time. */
const proxy_worker *lb_cluster_configured(const proxy_worker *member);

/** May this member still take requests? Ask after the ticket was counted: from a true on, its slot
 *  is nobody else's until the ticket is given back. */
bool lb_cluster_admits(const proxy_balancer *balancer, const proxy_worker *member);

/** Is it, for this process, still a member? For what is done after its ticket was given back. */
bool lb_cluster_lists(const proxy_balancer *balancer, const proxy_worker *member);

/** See members and settings that another process added, moved, removed or changed.
 *  returns  was there anything new? */
bool lb_cluster_sync(proxy_balancer *balancer, server_rec *s);

/** Members were added: all balancers that share them look again, in all processes. */
void lb_cluster_members_changed(const proxy_balancer *balancer);

/** For startup.c: a new configuration begins; it has one balancer more. */
void lb_cluster_begin(apr_pool_t *pconf);
void lb_cluster_enter(lb_cluster_t *cluster);

/** The first one with the same members: of the balancer itself, or of the one it inherits.
 *  returns  NULL: there is none yet */
lb_cluster_t *lb_cluster_inherited_by(const proxy_balancer *b);

/** The name of the mutex type in httpd's Mutex directive: the stock one. */
#define LB_CLUSTER_MUTEX_TYPE "proxy-balancer-shm"

#endif
