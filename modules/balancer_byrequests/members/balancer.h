/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* balancer.h - the dictionary of balancers: what we keep for each, and where it has its rows.
 * Knows    mod_proxy's structs, virtual hosts that share a balancer's members.
 * Ignores  how they came into shared memory (startup.c), single members (member.h), requests.
 * Memory   pconf; the rows of the member table are table_segments.h's.
 * Threads  written before the children start; read-only afterwards, but for mod_proxy's worker
 *          arrays, which only grow (see member.h). */
#ifndef LB_BALANCER_H
#define LB_BALANCER_H

#include "balancer_settings.h"
#include "ledger.h"
#include "mod_proxy.h"
#include "roster.h"

typedef struct lb_kept_cookie_t lb_kept_cookie_t;    /* session_cookie.c */
typedef struct lb_slate_t lb_slate_t;                /* slate.h */

/* What we keep for a balancer. A virtual host that inherits it without settings of its own shares
 * it; one with settings of its own has its own, with the same rows. */
typedef struct lb_balancer_t lb_balancer_t;
struct lb_balancer_t {
    int id;                           /* counts up from 1 in configuration order */
    server_rec *server;               /* the virtual host that defines it */
    const char *vhost;                /* its name, and port if one is configured, for operators */
    proxy_balancer *proxy;            /* mod_proxy's struct: the defining copy */
    const lb_balancer_settings_t *settings;
    const proxy_balancer_shared *configured;   /* its settings before they moved to shared memory */
    const proxy_balancer_shared *baseline;     /* those settings, with all defaults */
    lb_balancer_t *owner;             /* whose members these are: itself, or whom it inherits */
    bool is_persistent;               /* BalancerPersist */
    lb_roster_t *roster;              /* the owner's, as the rows are */
    const proxy_worker *template;     /* the owner's: what members added at run time are like */
    const apr_array_header_t *sources;    /* the owner's: of lb_source_t */
    lb_ledger_t *ledger;              /* of the table where all its rows are */
    uint32_t generation;              /* of the configuration; see table_segments.h */
    lb_balancer_row_t *row;
    lb_member_row_t **member_rows;    /* by slot, that is by worker->s->index */
    _Atomic(lb_kept_cookie_t *) *cookies;      /* by slot; NULL without BalancerStickyCookie */
    lb_slate_t *slate;                /* of a child process */
    int slots;                        /* members that it can have, growth included */
};

/** What we keep for this balancer; never NULL after post_config. */
lb_balancer_t *lb_balancer_of(const proxy_balancer *proxy);

/** All of them: array of lb_balancer_t *, in configuration order. */
apr_array_header_t *lb_balancer_all(void);

/** The index of its own row in the table. */
uint32_t lb_balancer_index(const lb_balancer_t *balancer);

/** The worker whose parameters hold for the member in this slot: the one in the configuration; of a
 *  discovered one, its source's line; the template when it was added at run time. */
const proxy_worker *lb_balancer_configured_worker(const lb_balancer_t *balancer, int slot);

/** See members and settings that another process added, moved, removed or changed.
 *  proxy    of the virtual host that looks: each has its own copy of some settings
 *  returns  was there anything new? */
bool lb_balancer_sync(proxy_balancer *proxy, server_rec *s);

/** Members were added: all balancers that share them look again, in all processes. */
void lb_balancer_members_changed(const lb_balancer_t *balancer);

/** For startup.c: a new configuration begins; it has one balancer more. */
void lb_balancer_begin(apr_pool_t *pconf);
void lb_balancer_enter(lb_balancer_t *balancer);

/** The first one with the same members: of the balancer itself, or of the one it inherits.
 *  returns  NULL: there is none yet */
lb_balancer_t *lb_balancer_inherited_by(const proxy_balancer *proxy);

/** The name of the mutex type in httpd's Mutex directive: the stock one. */
#define LB_BALANCER_MUTEX_TYPE "proxy-balancer-shm"

#endif
