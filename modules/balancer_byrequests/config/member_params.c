/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* member_params.c - see member_params.h. */
#include "member_params.h"

#include <stddef.h>

#include "apr_hash.h"
#include "apr_optional.h"
#include "apr_strings.h"
#include "balancer_setting.h"
#include "check_params.h"
#include "directive.h"
#include "discover_params.h"
#include "parameter.h"

static const lb_member_params_t initial = {
    .queuetimeout = apr_time_from_sec(5),
    .maxfails = 3,
    .failwindow = apr_time_from_sec(10),
};

static apr_hash_t *by_member;    /* proxy_worker * -> lb_member_params_t; of this configuration */
static apr_hash_t *written;      /* name of a member's struct and key -> "" */

/* Who stood in mod_proxy's opening before us (mod_proxy_hcheck, say), or NULL. */
static APR_OPTIONAL_FN_TYPE(set_worker_hc_param) *behind_us;
static APR_OPTIONAL_FN_TYPE(set_worker_hc_param) *behind_the_notes;

const lb_member_params_t *lb_member_params_written(const proxy_worker *worker)
{
    const lb_member_params_t *found = apr_hash_get(by_member, &worker, sizeof(worker));
    return found ? found : &initial;
}

/* Is it what members added at run time are made after? It has parameters, and no scheme yet. */
static bool is_template_host(const proxy_worker *worker)
{
    return strcmp(worker->s->hostname_ex, LB_TEMPLATE_HOST) == 0;
}

static lb_member_params_t *params_to_set(apr_pool_t *p, const proxy_worker *member)
{
    lb_member_params_t *params = apr_hash_get(by_member, &member, sizeof(member));

    if (!params) {
        params = apr_pmemdup(p, &initial, sizeof(initial));
        apr_hash_set(by_member, apr_pmemdup(p, &member, sizeof(member)), sizeof(member), params);
    }
    return params;
}

#define DAY FC_TIME_LIMIT_MAX

static const fc_parameter_t parameters[] = {
    { "maxinflight", FC_COUNT, offsetof(lb_member_params_t, maxinflight), 0, LB_LIMIT_MAX },
    { "queue", FC_COUNT, offsetof(lb_member_params_t, queue), 0, LB_LIMIT_MAX },
    { "queuetimeout", FC_DURATION, offsetof(lb_member_params_t, queuetimeout), 0, DAY },
    { "stickywait", FC_DURATION, offsetof(lb_member_params_t, stickywait), 0, DAY },
    { "maxfails", FC_COUNT, offsetof(lb_member_params_t, maxfails), 1, LB_MAXFAILS_MAX },
    { "failwindow", FC_DURATION, offsetof(lb_member_params_t, failwindow), 1000, DAY },
    { "slowstart", FC_DURATION, offsetof(lb_member_params_t, slowstart), 0, DAY },
};

static const char *not_a_member(apr_pool_t *p, const proxy_worker *worker, const char *key,
                                const char *val)
{
    return apr_psprintf(p,
                        "%s: %s=%s is a parameter of balancer members. Fix: add a "
                        "<Proxy balancer://name> with a BalancerMember, even for one backend",
                        worker->s->name_ex, key, val);
}

static const char *set_param(apr_pool_t *p, proxy_worker *member, const fc_parameter_t *parameter,
                             const char *val)
{
    if (!member->balancer) {
        return not_a_member(p, member, parameter->key, val);
    }
    lb_member_params_t *params = params_to_set(p, member);
    if (parameter->offset == offsetof(lb_member_params_t, maxinflight)
        && ap_cstr_casecmp(val, "auto") == 0) {
        params->maxinflight = LB_LIMIT_AUTO;
        return NULL;
    }
    return fc_parameter_set(parameter, params, val, member->s->name_ex, p);
}

/* Checks of FastCGI members are ours, all others mod_proxy_hcheck's. A template has no scheme yet:
 * who can make something of it takes it. */
static const char *set_check_param(apr_pool_t *p, server_rec *s, proxy_worker *worker,
                                   const char *key, const char *val, void *ctx)
{
    const bool is_template = is_template_host(worker);
    const char *err = NULL;

    if (is_template || lb_check_params_are_ours(worker)) {
        err = lb_check_params_set(p, s, worker, key, val);
        if (!is_template || !behind_us) {
            return err;
        }
    }
    if (!behind_us) {
        return apr_psprintf(p, "%s: %s=%s: health checks of %s:// members need mod_proxy_hcheck: "
                               "a2enmod proxy_hcheck",
                            worker->s->name_ex, key, val,
                            worker->s->scheme);
    }
    const char *their_err = behind_us(p, s, worker, key, val, ctx);
    return is_template && !err ? NULL : their_err;
}

static const char *set_discover_param(apr_pool_t *p, const proxy_worker *worker, const char *key,
                                      const char *val)
{
    return worker->balancer ? lb_discover_params_set(p, worker, key, val)
                            : not_a_member(p, worker, key, val);
}

/* mod_proxy asks us for all others. */
#define KEYS_OF_MOD_PROXY                                                                         \
    "loadfactor lbset route redirect status retry timeout connectiontimeout enablereuse "         \
    "disablereuse flushpackets flushwait iobuffersize receivebuffersize keepalive min max smax "  \
    "ttl acquire addressttl ping"

static bool is_of_mod_proxy(apr_pool_t *p, const char *key)
{
    return ap_strcasestr(" " KEYS_OF_MOD_PROXY " ", apr_pstrcat(p, " ", key, " ", NULL)) != NULL;
}

/* The optional function has the name that mod_proxy looks for. */
static const char *set_worker_hc_param(apr_pool_t *p, server_rec *s, proxy_worker *worker,
                                       const char *key, const char *val, void *ctx)
{
    const fc_parameter_t *parameter =
        fc_parameter_find(parameters, sizeof(parameters) / sizeof(parameters[0]), key);

    if (parameter) {
        return set_param(p, worker, parameter, val);
    }
    if (strncasecmp(key, "hc", 2) == 0) {
        return set_check_param(p, s, worker, key, val, ctx);
    }
    if (lb_discover_params_has(key)) {
        return set_discover_param(p, worker, key, val);
    }
    return apr_psprintf(p,
                        "%s: unknown parameter %s=%s; use " KEYS_OF_MOD_PROXY
                        " keepidle idletimeout maxuses connectwait firstbyte total maxinflight "
                        "queue queuetimeout stickywait maxfails failwindow slowstart discover "
                        "discovermax discoverinterval discoverwait onempty and hc*",
                        worker->s->name_ex, key, val);
}

int lb_member_params_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    by_member = apr_hash_make(pconf);
    written = apr_hash_make(pconf);
    behind_us = APR_RETRIEVE_OPTIONAL_FN(set_worker_hc_param);
    APR_REGISTER_OPTIONAL_FN(set_worker_hc_param);
    return OK;
}

/* ---- Defaults of a balancer ------------------------------------------------------------------ */

static const char *mark_of(apr_pool_t *p, const proxy_worker *member, const char *key)
{
    char *mark = apr_psprintf(p, "%pp %s", (const void *)member, key);
    ap_str_tolower(mark);
    return mark;
}

static const char *note_written(apr_pool_t *p, server_rec *s, proxy_worker *worker,
                                const char *key, const char *val, void *ctx)
{
    apr_hash_set(written, mark_of(p, worker, key), APR_HASH_KEY_STRING, "");
    return behind_the_notes(p, s, worker, key, val, ctx);
}

int lb_member_params_note_written(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    behind_the_notes = APR_RETRIEVE_OPTIONAL_FN(set_worker_hc_param);
    APR_OPTIONAL_FN_TYPE(set_worker_hc_param) *const first = note_written;
    apr_dynamic_fn_register("set_worker_hc_param", (apr_opt_fn_t *)first);
    return OK;
}

const char *lb_member_params_set_defaults(apr_pool_t *p, server_rec *s, proxy_worker *member,
                                          const apr_array_header_t *defaults)
{
    for (int i = 0; i < defaults->nelts; i++) {
        const char *word = APR_ARRAY_IDX(defaults, i, const char *);
        const char *equals = strchr(word, '=');
        const char *key = apr_pstrmemdup(p, word, (apr_size_t)(equals - word));

        if (apr_hash_get(written, mark_of(p, member, key), APR_HASH_KEY_STRING)) {
            continue;
        }
        const char *err =
            is_of_mod_proxy(p, key)
                ? apr_psprintf(p, "%s is a parameter of mod_proxy, which has no defaults. Fix: "
                                  "write it on the BalancerMember lines",
                               word)
                : behind_the_notes(p, s, member, key, equals + 1, NULL);
        if (err) {
            return err;
        }
    }
    return NULL;
}
