/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* audit.c - see audit.h.
 * Knows    where the rings lie, and their lock.
 * Ignores  what can be changed, and how a view shows it.
 * Memory   one anonymous segment in the pool of the process: it outlives restarts, and no crash
 *          leaves anything behind.
 * Threads  any, in any number of processes: the lock is robust, so when its owner is killed the
 *          next one goes on; audit_ring.h says why no reader sees what the killed one has begun.
 *
 * Changes and refusals have a ring each: no flood of refusals pushes the changes out. */
#include "audit.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "apr_shm.h"
#include "apr_strings.h"
#include "audit_ring.h"
#include "fastcgi_log.h"
#include "http_log.h"
#include "login.h"
#include "mod_balancer_byrequests.h"
#include "robust_lock.h"

APLOG_USE_MODULE(balancer_manager);

typedef struct {
    pthread_mutex_t lock;
    mgr_audit_ring_t changed, refused;
} audit_t;

static audit_t *audit;

int mgr_audit_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    apr_pool_t *process = s->process->pool;
    /* with the size in its name: another build of this module makes a segment of its own */
    const char *name = apr_psprintf(ptemp, "balancer_manager.audit.%d", (int)sizeof(audit_t));
    void *found = NULL;
    apr_shm_t *segment;

    apr_pool_userdata_get(&found, name, process);
    if (!found) {
        apr_status_t rv = apr_shm_create(&segment, sizeof(audit_t), NULL, process);
        if (rv == APR_SUCCESS) {
            found = apr_shm_baseaddr_get(segment);
            memset(found, 0, sizeof(audit_t));
            rv = fc_robust_lock_init(&((audit_t *)found)->lock);
        }
        if (rv != APR_SUCCESS) {
            ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s, FCLOGNO(0641)
                         "no shared memory for the audit");
            return HTTP_INTERNAL_SERVER_ERROR;
        }
        apr_pool_userdata_set(found, name, NULL, process);
    }
    audit = found;
    return OK;
}

static void lock(void)
{
    if (pthread_mutex_lock(&audit->lock) == EOWNERDEAD) {
        pthread_mutex_consistent(&audit->lock);
    }
}

static void unlock(void)
{
    pthread_mutex_unlock(&audit->lock);
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* With the lock held. */
static void store(mgr_audit_ring_t *ring, const mgr_audit_entry_t *entry)
{
    mgr_audit_ring_entry_t *e = mgr_audit_ring_next(ring);
    e->at = entry->at;
    apr_cpystrn(e->user, entry->user, sizeof(e->user));
    apr_cpystrn(e->address, entry->address, sizeof(e->address));
    apr_cpystrn(e->vhost, entry->vhost, sizeof(e->vhost));
    apr_cpystrn(e->balancer, entry->balancer, sizeof(e->balancer));
    apr_cpystrn(e->member, entry->member, sizeof(e->member));
    apr_cpystrn(e->what, entry->what, sizeof(e->what));
    apr_cpystrn(e->before, entry->before, sizeof(e->before));
    apr_cpystrn(e->after, entry->after, sizeof(e->after));
    apr_cpystrn(e->scope, entry->scope, sizeof(e->scope));
    mgr_audit_ring_count(ring);
}

/* With the time, and nothing for NULL. */
static mgr_audit_entry_t dated(const mgr_audit_entry_t *entry)
{
    mgr_audit_entry_t e = *entry;
    const char **texts[] = { &e.user, &e.address, &e.vhost, &e.balancer, &e.member,
                             &e.what, &e.before, &e.after, &e.scope };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        *texts[i] = *texts[i] ? *texts[i] : "";
    }
    e.at = apr_time_now();
    return e;
}

static mgr_audit_entry_t completed(request_rec *r, const mgr_audit_entry_t *entry,
                                   bool is_refused)
{
    mgr_audit_entry_t e = dated(entry);
    const char *user = mgr_login_user(r);

    e.user = user ? user : "-";
    e.address = r->useragent_ip;
    e.is_refused = is_refused;
    return e;
}

/* In quotation marks; httpd itself escapes control characters in a log line, and backslashes. */
static const char *quoted(apr_pool_t *p, const char *text)
{
    char *out = apr_palloc(p, 2 * strlen(text) + 3), *to = out;

    *to++ = '"';
    for (; *text; text++) {
        if (*text == '"') {
            *to++ = '\\';
        }
        *to++ = *text;
    }
    *to++ = '"';
    *to = '\0';
    return out;
}

/* "member "x": ", or nothing */
static const char *object_of(apr_pool_t *p, const mgr_audit_entry_t *e)
{
    return *e->member ? apr_pstrcat(p, "member ", quoted(p, e->member), ": ", NULL) : "";
}

static void log_change(request_rec *r, const mgr_audit_entry_t *e)
{
    apr_pool_t *p = r->pool;

    ap_log_rerror(APLOG_MARK, APLOG_NOTICE, 0, r, FCLOGNO(0601)
                  "%s%s%s: changed by %s from %s: %s%s %s -> %s%s",
                  *e->balancer ? e->balancer : "manager", *e->vhost ? " of " : "", e->vhost,
                  quoted(p, e->user), e->address, object_of(p, e), e->what, quoted(p, e->before),
                  quoted(p, e->after), strcmp(e->scope, "front") == 0 ? " on this front" : "");
}

uint64_t mgr_audit_changed(request_rec *r, apr_array_header_t *changes)
{
    mgr_audit_entry_t *entries = (mgr_audit_entry_t *)(void *)changes->elts;

    lock();
    for (int i = 0; i < changes->nelts; i++) {
        entries[i] = completed(r, &entries[i], false);
        store(&audit->changed, &entries[i]);
    }
    const uint64_t last = audit->changed.count;
    unlock();
    for (int i = 0; i < changes->nelts; i++) {
        log_change(r, &entries[i]);
    }
    return last;
}

void mgr_audit_refused(request_rec *r, const mgr_audit_entry_t *entry)
{
    const mgr_audit_entry_t e = completed(r, entry, true);
    apr_pool_t *p = r->pool;

    lock();
    store(&audit->refused, &e);
    unlock();
    ap_log_rerror(APLOG_MARK, APLOG_NOTICE, 0, r, FCLOGNO(0602)
                  "%s%s%s: %s by %s from %s: %srefused: %s", *e.balancer ? e.balancer : "manager",
                  *e.vhost ? " of " : "", e.vhost, e.what, quoted(p, e.user), e.address,
                  object_of(p, &e), e.after);
}

void mgr_audit_hear(const apr_array_header_t *heard)
{
    lock();
    for (int i = 0; i < heard->nelts; i++) {
        const lb_heard_t *one = &APR_ARRAY_IDX(heard, i, lb_heard_t);
        const mgr_audit_entry_t e = dated(&(mgr_audit_entry_t){ .user = one->by,
                                                                .vhost = one->changed.vhost,
                                                                .balancer = one->changed.balancer,
                                                                .member = one->changed.member,
                                                                .what = one->changed.setting,
                                                                .before = one->changed.before,
                                                                .after = one->changed.after,
                                                                .scope = "fleet" });
        store(&audit->changed, &e);
    }
    unlock();
}

/* ---- Reading --------------------------------------------------------------------------------- */

static void push(apr_array_header_t *entries, const mgr_audit_ring_entry_t *e, bool is_refused)
{
    APR_ARRAY_PUSH(entries, mgr_audit_entry_t) = (mgr_audit_entry_t){
        e->at, e->user, e->address, e->vhost, e->balancer, e->member,
        e->what, e->before, e->after, e->scope, is_refused
    };
}

static void push_newest_first(apr_array_header_t *recent, const mgr_audit_ring_t *ring,
                              bool is_refused)
{
    const mgr_audit_ring_entry_t *e;

    for (uint64_t n = 0; (e = mgr_audit_ring_newest(ring, n)); n++) {
        push(recent, e, is_refused);
    }
}

static audit_t *copied(apr_pool_t *p)
{
    lock();
    audit_t *copy = apr_pmemdup(p, audit, sizeof(*audit));
    unlock();
    return copy;
}

apr_array_header_t *mgr_audit_changes(apr_pool_t *p, uint64_t last, int count)
{
    apr_array_header_t *changes = apr_array_make(p, 4, sizeof(mgr_audit_entry_t));
    const mgr_audit_ring_t *ring = &copied(p)->changed;
    const mgr_audit_ring_entry_t *e;

    count = count > MGR_AUDIT_RING_SHOWN ? MGR_AUDIT_RING_SHOWN : count;
    for (uint64_t back = (uint64_t)count; back > 0 && last <= ring->count; back--) {
        e = mgr_audit_ring_newest(ring, ring->count - last + back - 1);
        if (e) {
            push(changes, e, false);
        }
    }
    return changes;
}

static int newer_first(const void *a, const void *b)
{
    const apr_time_t at_a = ((const mgr_audit_entry_t *)a)->at;
    const apr_time_t at_b = ((const mgr_audit_entry_t *)b)->at;
    return at_a < at_b   ? 1
           : at_a > at_b ? -1
                         : 0;
}

apr_array_header_t *mgr_audit_recent(apr_pool_t *p)
{
    apr_array_header_t *recent =
        apr_array_make(p, 2 * MGR_AUDIT_RING_SHOWN, sizeof(mgr_audit_entry_t));
    const audit_t *copy = copied(p);

    push_newest_first(recent, &copy->changed, false);
    push_newest_first(recent, &copy->refused, true);
    qsort(recent->elts, (size_t)recent->nelts, (size_t)recent->elt_size, newer_first);
    return recent;
}
