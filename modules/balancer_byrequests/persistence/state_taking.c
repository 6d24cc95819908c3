/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* state_taking.c - see state_taking.h. */
#include "state_taking.h"

#include "apr_strings.h"
#include "member_config.h"
#include "setting.h"
#include "setting_value.h"
#include "wall_clock.h"

/* Copies: a restart loads this module again, and what is constant here may lie elsewhere then.
 * configured   NULL: the configuration does not have it */
static void push_value(apr_array_header_t *values, const char *name, const char *value,
                       const char *configured)
{
    APR_ARRAY_PUSH(values, lb_saved_value_t) = (lb_saved_value_t){
        apr_pstrdup(values->pool, name),
        apr_pstrdup(values->pool, value),
        apr_pstrdup(values->pool, configured),
    };
}

/* Those that are not as configured; NULL: all. */
static apr_array_header_t *take_values(apr_pool_t *p, const lb_values_t *now,
                                       const lb_values_t *configured)
{
    apr_array_header_t *values = apr_array_make(p, 4, sizeof(lb_saved_value_t));

    for (int i = 0; i < LB_SETTING_COUNT; i++) {
        const lb_setting_t *setting = &lb_settings[i];
        if (setting->life == LB_IS_KEPT && lb_values_have(now, setting->id)
            && !(configured && fc_setting_value_is(setting, now->of[i], configured->of[i]))) {
            push_value(values, setting->name, fc_setting_value_text(p, setting, now->of[i]),
                       configured ? fc_setting_value_text(p, setting, configured->of[i]) : NULL);
        }
    }
    return values;
}

static apr_array_header_t *take_member_values(apr_pool_t *p, const lb_balancer_t *balancer,
                                              int slot, const proxy_worker_shared *shared)
{
    const lb_values_t now = lb_setting_of_member(p, shared, balancer->member_rows[slot]);
    lb_values_t configured;

    return take_values(p, &now,
                       lb_member_config_settings(p, balancer, slot, &configured) ? &configured
                                                                                 : NULL);
}

static void take_source(apr_pool_t *p, const lb_balancer_t *balancer, int slot,
                        lb_saved_member_t *m)
{
    const lb_source_t *source = lb_roster_source(balancer->roster, slot);
    const lb_slot_t *given = &balancer->roster->slots[slot];

    if (source) {
        m->source = apr_pstrdup(p, lb_source_name(source));
        m->place = (lb_srv_place_t){ atomic_load(&given->given_set),
                                     atomic_load(&given->given_lbfactor) };
    }
}

static void take_member(apr_pool_t *p, const lb_balancer_t *balancer, int slot,
                        proxy_worker_shared *shared, apr_array_header_t *members)
{
    const lb_configured_t *configured = lb_roster_configured(balancer->roster, slot);
    const proxy_worker_shared *values = configured ? configured->values : NULL;
    lb_saved_member_t m = {
        .url = lb_setting_url(p, values ? values : shared),
        .values = take_member_values(p, balancer, slot, shared),
    };

    take_source(p, balancer, slot, &m);
    m.is_added = !values && !m.source;
    if (values && strcmp(values->name_ex, shared->name_ex) != 0) {
        push_value(m.values, LB_SETTING_ADDRESS, lb_setting_address(p, shared),
                   lb_setting_address(p, values));
    }
    lb_strikes_ban_of(&balancer->member_rows[slot]->strikes, &m.banned_since, &m.ban);
    m.banned_since = lb_wall_clock_of(m.banned_since);
    if (m.is_added || m.source || m.values->nelts > 0 || m.banned_since) {
        APR_ARRAY_PUSH(members, lb_saved_member_t) = m;
    }
}

/* The configured members whose place nobody has any more. */
static void take_removed(apr_pool_t *p, const lb_balancer_t *balancer, const bool *is_there,
                         apr_array_header_t *members)
{
    for (int i = 0; i < balancer->roster->configured_count; i++) {
        if (!is_there[i]) {
            APR_ARRAY_PUSH(members, lb_saved_member_t) = (lb_saved_member_t){
                .url = lb_setting_url(p, balancer->roster->configured[i].values),
                .is_removed = true,
                .values = apr_array_make(p, 1, sizeof(lb_saved_value_t)),
            };
        }
    }
}

/* for_file   without those that DNS will name again */
static apr_array_header_t *take_members(apr_pool_t *p, const lb_balancer_t *balancer,
                                        bool for_file)
{
    const proxy_balancer *proxy = balancer->proxy;
    const lb_roster_t *roster = balancer->roster;
    apr_array_header_t *members = apr_array_make(p, 4, sizeof(lb_saved_member_t));
    bool *is_there = apr_pcalloc(p, sizeof(bool) * (apr_size_t)(roster->configured_count + 1));

    for (int slot = 0; slot < roster->count; slot++) {
        const uint32_t generation = atomic_load(&roster->slots[slot].generation);
        const uint32_t origin = atomic_load(&roster->slots[slot].origin);
        const int taken = members->nelts;
        proxy_worker_shared *shared;

        if (generation % 2 || atomic_load(&roster->slots[slot].leaves_since) != 0
            || proxy->storage->dptr(proxy->wslot, (unsigned int)slot, (void **)&shared)
                   != APR_SUCCESS
            || (!shared->hash.def && !shared->hash.fnv)
            || (for_file && lb_roster_source(roster, slot))) {
            continue;
        }
        if (origin > 0 && origin <= (uint32_t)roster->configured_count) {
            is_there[origin - 1] = true;
        }
        take_member(p, balancer, slot, shared, members);
        if (atomic_load(&roster->slots[slot].generation) != generation) {
            members->nelts = taken;    /* its owner changed meanwhile: whose was what? */
        }
    }
    take_removed(p, balancer, is_there, members);
    return members;
}

static apr_array_header_t *take_sources(apr_pool_t *p, const lb_balancer_t *balancer)
{
    apr_array_header_t *sources =
        apr_array_make(p, balancer->sources->nelts + 1, sizeof(lb_saved_source_t));

    for (int i = 0; i < balancer->sources->nelts; i++) {
        const lb_source_t *source = &APR_ARRAY_IDX(balancer->sources, i, lb_source_t);
        lb_saved_source_t *saved = apr_array_push(sources);
        saved->name = apr_pstrdup(p, lb_source_name(source));
        memcpy(&saved->row, source->row, sizeof(saved->row));
    }
    return sources;
}

lb_saved_state_t *lb_state_taking_take(apr_pool_t *p, bool for_file)
{
    const apr_array_header_t *all = lb_balancer_all();
    lb_saved_state_t *state = apr_pcalloc(p, sizeof(*state));

    state->saved_at = apr_time_now();
    state->balancers = apr_array_make(p, all->nelts + 1, sizeof(lb_saved_balancer_t));
    for (int i = 0; i < all->nelts; i++) {
        const lb_balancer_t *balancer = APR_ARRAY_IDX(all, i, lb_balancer_t *);
        if (for_file && !balancer->is_persistent) {
            continue;
        }
        const lb_values_t now = lb_setting_of_balancer(p, balancer->proxy->s);
        const lb_values_t configured = lb_setting_of_balancer(p, balancer->baseline);
        /* Also without any change: of balancers with the same names, the n-th finds the n-th. */
        APR_ARRAY_PUSH(state->balancers, lb_saved_balancer_t) = (lb_saved_balancer_t){
            .name = apr_pstrdup(p, balancer->proxy->s->name),
            .vhost = apr_pstrdup(p, balancer->vhost),
            .values = take_values(p, &now, &configured),
            .members = balancer->owner == balancer
                           ? take_members(p, balancer, for_file)
                           : apr_array_make(p, 1, sizeof(lb_saved_member_t)),
            .sources = for_file ? NULL : take_sources(p, balancer),
        };
    }
    return state;
}
