/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* rights.c - BalancerManagerRequire: the three rights, given by httpd's own providers of Require.
 * Knows    the provider interface of mod_authz_core (mod_auth.h).
 * Ignores  which change needs which right (setting_field.h, action.c, api.c).
 * Memory   rules in pconf, read-only at run time.   Threads: any, no state. */
#include "rights.h"

#include <ap_provider.h>
#include <apr_strings.h>
#include <mod_auth.h>

extern module AP_MODULE_DECLARE_DATA balancer_manager_module;

typedef struct {
    mgr_right_t right;
    const char *provider_name;
    const char *arguments;
    const authz_provider *provider;
    const void *parsed;
} rule_t;

typedef struct {
    apr_array_header_t *rules;    /* of rule_t */
} rights_t;

static const char *const words[] = {"view", "operate", "edit"};

enum { RIGHT_COUNT = sizeof(words) / sizeof(words[0]) };

/* ---- The directive --------------------------------------------------------------------------- */

void *mgr_rights_create(apr_pool_t *p, char *directory)
{
    rights_t *rights = apr_palloc(p, sizeof(*rights));

    rights->rules = apr_array_make(p, 1, sizeof(rule_t));
    return rights;
}

/* As with Require: a section that has lines of its own forgets those around it. */
void *mgr_rights_merge(apr_pool_t *p, void *base, void *add)
{
    return ((const rights_t *)add)->rules->nelts > 0 ? add : base;
}

static const char *add_rule(cmd_parms *cmd, void *directory, const char *line)
{
    rights_t *rights = directory;
    const char *word = ap_getword_conf(cmd->pool, &line);
    int right = 0;

    while (right < RIGHT_COUNT && strcmp(word, words[right]) != 0) {
        right++;
    }
    if (right == RIGHT_COUNT) {
        return "the first word must be view, operate or edit; then as in Require: "
               "BalancerManagerRequire operate group ops";
    }
    rule_t rule = {.right = (mgr_right_t)right,
                   .provider_name = ap_getword_conf(cmd->pool, &line),
                   .arguments = line};
    rule.provider = ap_lookup_provider(AUTHZ_PROVIDER_GROUP, rule.provider_name,
                                       AUTHZ_PROVIDER_VERSION);
    if (!rule.provider) {
        return apr_psprintf(cmd->pool,
                            "there is no \"Require %s\"; is its module (mod_authz_user, "
                            "mod_authz_host, ...) loaded?", rule.provider_name);
    }
    const char *wrong = rule.provider->parse_require_line
                            ? rule.provider->parse_require_line(cmd, rule.arguments, &rule.parsed)
                            : NULL;
    if (wrong) {
        return apr_psprintf(cmd->pool, "\"Require %s %s\": %s", rule.provider_name, rule.arguments,
                            wrong);
    }
    APR_ARRAY_PUSH(rights->rules, rule_t) = rule;
    return NULL;
}

const command_rec mgr_rights_directives[] = {
    AP_INIT_RAW_ARGS("BalancerManagerRequire", add_rule, NULL, ACCESS_CONF,
                     "view, operate or edit, and then what Require takes"),
    {NULL}
};

/* ---- At run time ----------------------------------------------------------------------------- */

const char *mgr_rights_user(const request_rec *r)
{
    return r->user && *r->user ? r->user : NULL;
}

static int is_granted(request_rec *r, const rule_t *rule)
{
    apr_table_setn(r->notes, AUTHZ_PROVIDER_NAME_NOTE, rule->provider_name);
    const authz_status status =
        rule->provider->check_authorization(r, rule->arguments, rule->parsed);
    apr_table_unset(r->notes, AUTHZ_PROVIDER_NAME_NOTE);
    return status == AUTHZ_GRANTED;
}

static unsigned int up_to(mgr_right_t right)
{
    return (2u << right) - 1;
}

unsigned int mgr_rights_of(request_rec *r)
{
    const rights_t *conf = ap_get_module_config(r->per_dir_config, &balancer_manager_module);
    int has_view_rule = 0;
    unsigned int rights = 0;

    for (int i = 0; i < conf->rules->nelts; i++) {
        const rule_t *rule = &APR_ARRAY_IDX(conf->rules, i, rule_t);
        has_view_rule |= rule->right == MGR_VIEW;
        if (!mgr_rights_have(rights, rule->right) && is_granted(r, rule)) {
            rights |= up_to(rule->right);
        }
    }
    if (!has_view_rule) {
        rights |= up_to(MGR_VIEW);
    }
    /* not with a line for view only: who writes one does not mean that all others may edit */
    if (conf->rules->nelts == 0 && mgr_rights_user(r)) {
        rights |= up_to(MGR_EDIT);
    }
    return rights;
}

const char *mgr_rights_refusal(request_rec *r, mgr_right_t right)
{
    const char *word = words[right];
    const char *user = mgr_rights_user(r);
    const char *who = user ? apr_psprintf(r->pool, "%s has", user) : "who is not logged in has";

    return apr_psprintf(r->pool,
                        "%s not the right \"%s\" here; the configuration gives it with a line such "
                        "as: BalancerManagerRequire %s %s%s", who, word, word,
                        user ? "user " : "valid-user", user ? user : "");
}
