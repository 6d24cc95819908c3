/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* state_restoring.c - see state_restoring.h. */
#include "state_restoring.h"

#include "ap_provider.h"
#include "apr_strings.h"
#include "clock.h"
#include "fastcgi_log.h"
#include "http_log.h"
#include "member_config.h"
#include "member_template.h"
#include "setting.h"
#include "setting_value.h"
#include "strikes.h"
#include "wall_clock.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;
APLOG_USE_MODULE(balancer_byrequests);

/* ---- Applying values ------------------------------------------------------------------------- */

/* One value, and whose. */
typedef struct {
    const lb_balancer_t *balancer;
    const char *member;              /* NULL: the balancer's own */
    const lb_saved_value_t *saved;
    const char *configured;          /* now; NULL: the member is not in the configuration */
} decision_t;

static void log_configuration_wins(const decision_t *d)
{
    ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, d->balancer->server, FCLOGNO(0452)
                 "%s%s%s: the configuration now says %s \"%s\", so the run-time value \"%s\"%s%s%s "
                 "is discarded",
                 d->balancer->proxy->s->name, d->member ? ": member " : "",
                 d->member ? d->member : "", d->saved->name, d->configured, d->saved->value,
                 d->saved->configured ? " (which replaced \"" : "",
                 d->saved->configured ? d->saved->configured : "",
                 d->saved->configured ? "\")" : "");
}

/* returns  may the run-time value be set? */
static bool run_time_wins(const decision_t *d)
{
    if (!d->configured) {
        return true;
    }
    if (d->saved->configured && strcmp(d->saved->configured, d->configured) == 0) {
        return true;
    }
    if (strcmp(d->saved->value, d->configured) != 0) {
        log_configuration_wins(d);
    }
    return false;
}

static void forget_value(const decision_t *d)
{
    ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, d->balancer->server, FCLOGNO(0453)
                 "%s%s%s: the run-time value \"%s\" of %s is forgotten: it cannot be set "
                 "(is a module missing?)",
                 d->balancer->proxy->s->name, d->member ? ": member " : "",
                 d->member ? d->member : "", d->saved->value, d->saved->name);
}

/* member       NULL: the values are the balancer's own
 * configured   NULL: the configuration does not have it
 * returns      what is to be set */
static lb_values_t choose_values(const lb_balancer_t *balancer, const char *member,
                                 const lb_values_t *configured, const apr_array_header_t *values)
{
    apr_pool_t *p = values->pool;
    lb_values_t chosen = { 0 };

    for (int i = 0; i < values->nelts; i++) {
        const lb_saved_value_t *saved = &APR_ARRAY_IDX(values, i, lb_saved_value_t);
        const lb_setting_t *setting = lb_setting_find(saved->name, member != NULL);
        lb_value_t value;
        if (!setting) {
            continue;    /* the address, which is applied already */
        }
        const decision_t decision = {
            balancer, member, saved,
            configured ? fc_setting_value_text(p, setting, configured->of[setting->id]) : NULL
        };
        if (!run_time_wins(&decision)) {
            continue;
        }
        if (fc_setting_value_read(setting, saved->value, &value)
            && !lb_setting_refusal(p, setting, value)) {
            lb_values_put(&chosen, setting->id, value);
        }
        else {
            forget_value(&decision);
        }
    }
    return chosen;
}

void lb_state_restoring_balancer(lb_balancer_t *balancer, const lb_saved_balancer_t *saved)
{
    proxy_balancer *proxy = balancer->proxy;

    if (saved) {
        const lb_values_t configured = lb_setting_of_balancer(saved->values->pool,
                                                              balancer->baseline);
        const lb_values_t values = choose_values(balancer, NULL, &configured, saved->values);
        lb_setting_change_balancer(proxy->s, &values);
        proxy->lbmethod = ap_lookup_provider(PROXY_LBMETHOD, proxy->s->lbpname, "0");
    }
}

/* ---- Members --------------------------------------------------------------------------------- */

typedef struct {
    proxy_worker *worker;
    const lb_saved_member_t *saved;    /* NULL: nothing */
    uint32_t origin;                   /* see lb_slot_t */
    bool is_gone;
} planned_t;

static apr_array_header_t *note_configured(apr_pool_t *pconf, const proxy_balancer *proxy,
                                           apr_array_header_t *plan)
{
    apr_array_header_t *configured =
        apr_array_make(pconf, proxy->workers->nelts + 1, sizeof(lb_configured_t));

    for (int i = 0; i < proxy->workers->nelts; i++) {
        proxy_worker *worker = APR_ARRAY_IDX(proxy->workers, i, proxy_worker *);
        APR_ARRAY_PUSH(configured, lb_configured_t) = (lb_configured_t){
            worker, apr_pmemdup(pconf, worker->s, sizeof(*worker->s))
        };
        APR_ARRAY_PUSH(plan, planned_t) = (planned_t){ .worker = worker,
                                                       .origin = (uint32_t)i + 1 };
    }
    return configured;
}

static planned_t *find_planned(const apr_array_header_t *plan, const char *url)
{
    for (int i = 0; i < plan->nelts; i++) {
        planned_t *planned = &APR_ARRAY_IDX(plan, i, planned_t);
        if (strcmp(ap_proxy_worker_name(plan->pool, planned->worker), url) == 0) {
            return planned;
        }
    }
    return NULL;
}

static bool is_name_taken(const apr_array_header_t *plan, const char *name)
{
    for (int i = 0; i < plan->nelts; i++) {
        const planned_t *planned = &APR_ARRAY_IDX(plan, i, planned_t);
        if (!planned->is_gone && strcmp(planned->worker->s->name_ex, name) == 0) {
            return true;
        }
    }
    return false;
}

static void forget_member(const lb_balancer_t *balancer, const char *url, const char *why)
{
    ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, balancer->server, FCLOGNO(0454)
                 "%s: member %s: its run-time changes are discarded: %s",
                 balancer->proxy->s->name, url, why);
}

static void plan_move(const lb_balancer_t *balancer, const apr_array_header_t *plan,
                      const planned_t *planned)
{
    const apr_array_header_t *values = planned->saved->values;
    apr_pool_t *p = plan->pool;

    for (int i = 0; i < values->nelts; i++) {
        const lb_saved_value_t *v = &APR_ARRAY_IDX(values, i, lb_saved_value_t);
        const decision_t decision = {
            balancer, planned->saved->url, v, lb_setting_address(p, planned->worker->s)
        };
        if (strcmp(v->name, LB_SETTING_ADDRESS) != 0 || !run_time_wins(&decision)) {
            continue;
        }
        const char *url = lb_member_template_moved_url(p, planned->worker->s->name_ex, v->value);
        if (!url || is_name_taken(plan, url)) {
            forget_member(balancer, planned->saved->url, "another member has its address now");
            continue;
        }
        lb_member_template_rename(p, planned->worker, balancer, url);
    }
}

static int count_of_origin(const apr_array_header_t *plan, uint32_t origin)
{
    int count = 0;

    for (int i = 0; i < plan->nelts; i++) {
        count += APR_ARRAY_IDX(plan, i, planned_t).origin == origin;
    }
    return count;
}

/* One that came at run time.
 * like     its template
 * slots    for all of its origin
 * returns  NULL: it is forgotten (logged) */
static proxy_worker *plan_newcomer(const lb_balancer_t *balancer, apr_array_header_t *plan,
                                   const planned_t *newcomer, const proxy_worker *like, int slots)
{
    const char *url = newcomer->saved->url;
    proxy_worker *worker;
    const char *err = lb_member_template_define(plan->pool, &worker, balancer, like, url);

    if (!err && is_name_taken(plan, worker->s->name_ex)) {
        err = "another member has its name";
    }
    if (!err && count_of_origin(plan, newcomer->origin) >= slots) {
        err = newcomer->saved->source ? "discovermax allows fewer"
                                      : "there is no free slot for it; increase ProxySet growth=N";
    }
    if (err) {
        forget_member(balancer, url, err);
        return NULL;
    }
    worker->balancer = balancer->proxy;
    planned_t *planned = apr_array_push(plan);
    *planned = *newcomer;
    planned->worker = worker;
    return worker;
}

static void plan_added(const lb_balancer_t *balancer, apr_array_header_t *plan,
                       const lb_saved_member_t *saved)
{
    const proxy_balancer *proxy = balancer->proxy;
    const planned_t newcomer = { .saved = saved };
    proxy_worker *worker = plan_newcomer(balancer, plan, &newcomer, balancer->owner->template,
                                         proxy->growth);

    if (worker) {
        worker->section_config = proxy->section_config;
    }
}

static const lb_source_t *find_source(const lb_balancer_t *balancer, const char *name)
{
    for (int i = 0; i < balancer->sources->nelts; i++) {
        const lb_source_t *source = &APR_ARRAY_IDX(balancer->sources, i, lb_source_t);
        if (strcmp(lb_source_name(source), name) == 0) {
            return source;
        }
    }
    return NULL;
}

static void plan_discovered(const lb_balancer_t *balancer, apr_array_header_t *plan,
                            const lb_saved_member_t *saved)
{
    const lb_source_t *source = find_source(balancer, saved->source);

    if (!source) {
        forget_member(balancer, saved->url, "its source is no longer configured");
        return;
    }
    const planned_t newcomer = { .saved = saved,
                                 .origin = lb_roster_origin_of(balancer->roster, source) };
    proxy_worker *worker = plan_newcomer(balancer, plan, &newcomer, source->template,
                                         lb_discover_params_slots(source->params));
    if (worker) {
        worker->section_config = source->template->section_config;
        worker->s->lbfactor = (int)saved->place.lbfactor;
        worker->s->lbset = (int)saved->place.set;
    }
}

/* What was known goes on, and each of them is asked anew at once. */
static void restore_sources(const lb_balancer_t *balancer, const lb_saved_balancer_t *saved)
{
    for (int i = 0; saved->sources && i < saved->sources->nelts; i++) {
        const lb_saved_source_t *before = &APR_ARRAY_IDX(saved->sources, i, lb_saved_source_t);
        const lb_source_t *source = find_source(balancer, before->name);
        if (source) {
            memcpy(source->row, &before->row, sizeof(before->row));
            atomic_store(&source->row->next_at, 0);
        }
    }
}

static void plan_saved(const lb_balancer_t *balancer, apr_array_header_t *plan,
                       const lb_saved_balancer_t *saved)
{
    /* First who goes and moves: names get free. Then who comes. */
    for (int i = 0; i < saved->members->nelts; i++) {
        const lb_saved_member_t *m = &APR_ARRAY_IDX(saved->members, i, lb_saved_member_t);
        planned_t *planned = find_planned(plan, m->url);
        if (planned) {
            planned->saved = m;
            planned->is_gone = m->is_removed;
        }
        else if (!m->is_added && !m->source) {
            forget_member(balancer, m->url, "it is no longer configured");
        }
    }
    for (int i = 0; i < plan->nelts; i++) {
        const planned_t *planned = &APR_ARRAY_IDX(plan, i, planned_t);
        if (planned->saved && !planned->is_gone) {
            plan_move(balancer, plan, planned);
        }
    }
    for (int i = 0; i < saved->members->nelts; i++) {
        const lb_saved_member_t *m = &APR_ARRAY_IDX(saved->members, i, lb_saved_member_t);
        bool is_configured = false;
        for (int k = 0; k < plan->nelts; k++) {
            is_configured |= APR_ARRAY_IDX(plan, k, planned_t).saved == m;
        }
        if (m->is_added && !is_configured) {
            plan_added(balancer, plan, m);
        }
        else if (m->source && !is_configured) {
            plan_discovered(balancer, plan, m);
        }
    }
}

/* The configuration was edited so that only removed members are left: it wins. */
static void keep_at_least_one(const lb_balancer_t *balancer, apr_array_header_t *plan)
{
    if (balancer->sources->nelts > 0) {
        return;    /* others will come */
    }
    for (int i = 0; i < plan->nelts; i++) {
        if (!APR_ARRAY_IDX(plan, i, planned_t).is_gone) {
            return;
        }
    }
    for (int i = 0; i < plan->nelts; i++) {
        planned_t *planned = &APR_ARRAY_IDX(plan, i, planned_t);
        planned->is_gone = false;
        forget_member(balancer, planned->saved->url, "no member would be left");
    }
}

apr_array_header_t *lb_state_restoring_plan(apr_pool_t *pconf, lb_balancer_t *balancer,
                                            const lb_saved_balancer_t *saved)
{
    proxy_balancer *proxy = balancer->proxy;
    apr_array_header_t *plan = apr_array_make(pconf, proxy->workers->nelts + 4, sizeof(planned_t));
    const apr_array_header_t *configured = note_configured(pconf, proxy, plan);

    balancer->roster = lb_roster_make(pconf, balancer->slots, configured, balancer->sources);
    if (!saved || !balancer->roster) {
        return plan;
    }
    restore_sources(balancer, saved);
    plan_saved(balancer, plan, saved);
    keep_at_least_one(balancer, plan);
    proxy->workers->nelts = 0;
    for (int i = 0; i < plan->nelts; i++) {
        const planned_t *planned = &APR_ARRAY_IDX(plan, i, planned_t);
        if (!planned->is_gone) {
            APR_ARRAY_PUSH(proxy->workers, proxy_worker *) = planned->worker;
        }
    }
    return plan;
}

static void apply_member(const lb_balancer_t *balancer, const planned_t *planned)
{
    const lb_saved_member_t *saved = planned->saved;
    const lb_member_t member = lb_member_of(balancer, planned->worker);
    lb_values_t before;
    const bool is_configured = lb_member_config_settings(saved->values->pool, balancer,
                                                         planned->worker->s->index, &before);
    const lb_values_t values = choose_values(balancer, saved->url, is_configured ? &before : NULL,
                                             saved->values);
    lb_setting_change_member(&member, &values);
    if (saved->banned_since) {
        lb_strikes_ban_again(&member.row->strikes, lb_wall_clock_moment(saved->banned_since),
                             saved->ban, fc_now());
    }
}

static void give_place(const lb_balancer_t *balancer, const planned_t *planned)
{
    lb_slot_t *slot = &balancer->roster->slots[planned->worker->s->index];

    if (planned->saved && planned->saved->source) {
        atomic_store(&slot->given_set, planned->saved->place.set);
        atomic_store(&slot->given_lbfactor, planned->saved->place.lbfactor);
    }
}

void lb_state_restoring_seats(lb_balancer_t *balancer, const apr_array_header_t *plan)
{
    for (int i = 0; i < plan->nelts; i++) {
        const planned_t *planned = &APR_ARRAY_IDX(plan, i, planned_t);
        if (!planned->is_gone) {
            lb_roster_seat(balancer->roster, planned->worker, planned->origin);
            give_place(balancer, planned);
        }
    }
}

void lb_state_restoring_members(lb_balancer_t *balancer, const apr_array_header_t *plan)
{
    for (int i = 0; i < plan->nelts; i++) {
        const planned_t *planned = &APR_ARRAY_IDX(plan, i, planned_t);
        if (!planned->is_gone && planned->saved) {
            apply_member(balancer, planned);
        }
    }
}
