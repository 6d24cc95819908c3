/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* discover_params.c - see discover_params.h. */
#include "discover_params.h"

#include <arpa/inet.h>
#include <stddef.h>

#include "apr_hash.h"
#include "apr_lib.h"
#include "apr_strings.h"
#include "apr_uri.h"
#include "check_params.h"
#include "directive.h"
#include "parameter.h"

#define MEMBERS_MAX 1000

/* RFC 1035, 2.3.4 */
#define NAME_MAX_BYTES  253
#define LABEL_MAX_BYTES 63

static const lb_discover_params_t initial = {
    .max = 64,
    .terms = { .wait = apr_time_from_sec(10), .onempty = apr_time_from_sec(30) },
};

static const char *const words[] = { "none", "a", "srv" };

#define TERM(field) offsetof(lb_discover_params_t, terms.field)

/* A query takes its time, and nobody needs an address sooner. */
#define INTERVAL_MIN (100 * 1000)

static const fc_parameter_t parameters[] = {
    { "discovermax", FC_COUNT, offsetof(lb_discover_params_t, max), 1, MEMBERS_MAX },
    { "discoverinterval", FC_DURATION, TERM(interval), INTERVAL_MIN, FC_TIME_LIMIT_MAX },
    { "discoverwait", FC_DURATION, TERM(wait), 0, FC_TIME_LIMIT_MAX },
    { "onempty", FC_DURATION, TERM(onempty), 0, FC_TIME_LIMIT_MAX },
};

static apr_hash_t *by_worker;    /* proxy_worker * -> lb_discover_params_t; of this configuration */

int lb_discover_params_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    by_worker = apr_hash_make(pconf);
    return OK;
}

const lb_discover_params_t *lb_discover_params_of(const proxy_worker *worker)
{
    const lb_discover_params_t *found = apr_hash_get(by_worker, &worker, sizeof(worker));
    return found ? found : &initial;
}

bool lb_discover_params_are_written(const proxy_worker *worker)
{
    return lb_discover_params_of(worker) != &initial;
}

const char *lb_discover_params_word(lb_discover_t kind)
{
    return words[kind];
}

static const fc_parameter_t *find(const char *key)
{
    return fc_parameter_find(parameters, sizeof(parameters) / sizeof(parameters[0]), key);
}

static bool is_discover(const char *key)
{
    return ap_cstr_casecmp(key, "discover") == 0;
}

bool lb_discover_params_has(const char *key)
{
    return is_discover(key) || find(key);
}

static lb_discover_params_t *params_to_set(apr_pool_t *p, const proxy_worker *worker)
{
    lb_discover_params_t *params = apr_hash_get(by_worker, &worker, sizeof(worker));

    if (!params) {
        params = apr_pmemdup(p, &initial, sizeof(initial));
        apr_hash_set(by_worker, apr_pmemdup(p, &worker, sizeof(worker)), sizeof(worker), params);
    }
    return params;
}

static const char *set_kind(apr_pool_t *p, lb_discover_params_t *params, const char *val)
{
    for (size_t i = LB_DISCOVER_A; i < sizeof(words) / sizeof(words[0]); i++) {
        if (ap_cstr_casecmp(val, words[i]) == 0) {
            params->kind = (lb_discover_t)i;
            return NULL;
        }
    }
    return apr_psprintf(p, "discover=%s is not known; use a (A and AAAA records) or srv", val);
}

const char *lb_discover_params_set(apr_pool_t *p, const proxy_worker *worker, const char *key,
                                   const char *val)
{
    lb_discover_params_t *params = params_to_set(p, worker);

    if (is_discover(key)) {
        return set_kind(p, params, val);
    }
    const fc_parameter_t *parameter = find(key);
    if (parameter->offset == TERM(onempty) && ap_cstr_casecmp(val, "keep") == 0) {
        params->terms.onempty = LB_ONEMPTY_KEEP;
        return NULL;
    }
    const char *wrong = fc_parameter_set(parameter, params, val, worker->s->name_ex, p);
    return wrong && parameter->offset == TERM(onempty) ? apr_pstrcat(p, wrong, ", or keep", NULL)
                                                       : wrong;
}

/* ---- What a line with discover= cannot be ---------------------------------------------------- */

static bool is_address(const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

/* As RFC 1035 limits it; with the characters that are in use: labels of services begin with _. */
static bool is_name(const char *host)
{
    size_t label = 0;

    for (const char *c = host; *c; c++) {
        if (*c == '.') {
            if (label == 0) {
                return false;
            }
            label = 0;
        }
        else if ((!apr_isalnum(*c) && *c != '-' && *c != '_') || ++label > LABEL_MAX_BYTES) {
            return false;
        }
    }
    return *host && strlen(host) <= NAME_MAX_BYTES;
}

static bool has_port(apr_pool_t *p, const char *url)
{
    apr_uri_t uri;
    return apr_uri_parse(p, url, &uri) == APR_SUCCESS && uri.port_str;
}

static const char *mistake_in_url(apr_pool_t *p, const proxy_worker_shared *s, lb_discover_t kind)
{
    if (*s->uds_path) {
        return "a unix socket has no name in DNS. Fix: remove discover=";
    }
    if (is_address(s->hostname_ex)) {
        return apr_psprintf(p, "%s is an address already. Fix: remove discover=, or write the name "
                               "that has the addresses",
                            s->hostname_ex);
    }
    if (!is_name(s->hostname_ex)) {
        return apr_psprintf(p, "%s is no name that DNS can have", s->hostname_ex);
    }
    if (kind == LB_DISCOVER_SRV && has_port(p, s->name_ex)) {
        return "with discover=srv the records name the ports. Fix: remove the port from the URL";
    }
    return NULL;
}

const char *lb_discover_params_mistake(apr_pool_t *p, const proxy_worker *worker)
{
    const lb_check_params_t *checks = lb_check_params_of(worker);
    const char *mistake = mistake_in_url(p, worker->s, lb_discover_params_of(worker)->kind);

    if (!mistake && *worker->s->route) {
        mistake = "a route names one member, and this line stands for many. Fix: remove route=, "
                  "and use BalancerStickyCookie for sessions";
    }
    if (!mistake && checks && checks->status_address) {
        mistake = "hcstatus= with an address would read the numbers of one PHP-FPM for all "
                  "members. Fix: hcstatus=/path, which each member is asked for";
    }
    return mistake;
}
