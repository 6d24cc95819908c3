/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* balancer.c - see balancer.h. */
#include "balancer.h"

#include "ap_provider.h"

static apr_array_header_t *balancers;

lb_balancer_t *lb_balancer_of(const proxy_balancer *proxy)
{
    return proxy->context;
}

apr_array_header_t *lb_balancer_all(void)
{
    return balancers;
}

void lb_balancer_begin(apr_pool_t *pconf)
{
    balancers = apr_array_make(pconf, 8, sizeof(lb_balancer_t *));
}

void lb_balancer_enter(lb_balancer_t *balancer)
{
    APR_ARRAY_PUSH(balancers, lb_balancer_t *) = balancer;
}

lb_balancer_t *lb_balancer_inherited_by(const proxy_balancer *proxy)
{
    for (int i = 0; i < balancers->nelts; i++) {
        lb_balancer_t *balancer = APR_ARRAY_IDX(balancers, i, lb_balancer_t *);
        if (balancer->proxy->workers == proxy->workers) {
            return balancer;
        }
    }
    return NULL;
}

uint32_t lb_balancer_index(const lb_balancer_t *balancer)
{
    return lb_table_balancer_index(balancer->ledger->table, balancer->row);
}

const proxy_worker *lb_balancer_configured_worker(const lb_balancer_t *balancer, int slot)
{
    const lb_configured_t *configured = lb_roster_configured(balancer->roster, slot);
    const lb_source_t *source = lb_roster_source(balancer->roster, slot);

    return configured ? configured->worker : source ? source->template
                                                    : balancer->owner->template;
}

/* Not ap_proxy_sync_balancer(): for it a slot has one owner for ever. */
bool lb_balancer_sync(proxy_balancer *proxy, server_rec *s)
{
    lb_roster_t *roster = lb_balancer_of(proxy)->roster;
    /* roster->seen: mod_proxy_hcheck calls ap_proxy_sync_balancer(), which says that all is seen */
    if (proxy->s->wupdated <= proxy->wupdated && proxy->s->wupdated <= roster->seen) {
        return false;
    }
    PROXY_THREAD_LOCK(proxy);
    const apr_time_t seen = proxy->s->wupdated;
    proxy_balancer_method *method = ap_lookup_provider(PROXY_LBMETHOD, proxy->s->lbpname, "0");
    if (method) {
        proxy->lbmethod = method;
    }
    lb_roster_sync(roster, proxy, s);
    roster->seen = seen > roster->seen ? seen : roster->seen;
    if (proxy->s->need_reset) {
        if (proxy->lbmethod->reset) {
            proxy->lbmethod->reset(proxy, s);
        }
        proxy->s->need_reset = 0;
    }
    proxy->wupdated = seen;
    PROXY_THREAD_UNLOCK(proxy);
    return true;
}

void lb_balancer_members_changed(const lb_balancer_t *balancer)
{
    const apr_time_t now = apr_time_now();

    for (int i = 0; i < balancers->nelts; i++) {
        const lb_balancer_t *other = APR_ARRAY_IDX(balancers, i, lb_balancer_t *);
        proxy_balancer_shared *shared = other->proxy->s;
        if (other->proxy->workers == balancer->proxy->workers) {
            shared->wupdated = now > shared->wupdated ? now : shared->wupdated + 1;
        }
    }
}
