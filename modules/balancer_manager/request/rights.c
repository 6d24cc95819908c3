/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* rights.c - BalancerManagerRequire: the three rights, given by httpd's own providers of Require.
 * Knows    the provider interface of mod_authz_core (mod_auth.h).
 * Ignores  which change needs which right (field.h, form_change.c, api.c).
 * Memory   rules in pconf, read-only at run time.   Threads: any, no state. */
#include "rights.h"

#include "ap_provider.h"
#include "apr_strings.h"
#include "fastcgi_log.h"
#include "host_name.h"
#include "http_core.h"
#include "http_log.h"
#include "http_request.h"
#include "login.h"
#include "manager_config.h"
#include "mod_auth.h"

APLOG_USE_MODULE(balancer_manager);

typedef struct {
    mgr_right_t right;
    const char *provider_name;
    const char *arguments;
    const authz_provider *provider;
    const void *parsed;
} rule_t;

static const char *const words[] = { "view", "operate", "edit" };

enum { RIGHT_COUNT = sizeof(words) / sizeof(words[0]) };

/* ---- The directive --------------------------------------------------------------------------- */

const char *mgr_rights_take(cmd_parms *cmd, apr_array_header_t *rules, const char *line)
{
    const char *word = ap_getword_conf(cmd->pool, &line);
    int right = 0;

    while (right < RIGHT_COUNT && strcmp(word, words[right]) != 0) {
        right++;
    }
    if (right == RIGHT_COUNT) {
        return "the first word must be view, operate or edit; then as in Require: "
               "BalancerManagerRequire operate group ops";
    }
    rule_t *rule = apr_pcalloc(cmd->pool, sizeof(*rule));
    rule->right = (mgr_right_t)right;
    rule->provider_name = ap_getword_conf(cmd->pool, &line);
    rule->arguments = line;
    rule->provider = ap_lookup_provider(AUTHZ_PROVIDER_GROUP, rule->provider_name,
                                        AUTHZ_PROVIDER_VERSION);
    if (!rule->provider) {
        return apr_psprintf(cmd->pool,
                            "there is no \"Require %s\"; is its module (mod_authz_user, "
                            "mod_authz_host, ...) loaded?",
                            rule->provider_name);
    }
    const char *wrong = rule->provider->parse_require_line
                            ? rule->provider->parse_require_line(cmd, rule->arguments,
                                                                 &rule->parsed)
                            : NULL;
    if (wrong) {
        return apr_psprintf(cmd->pool, "\"Require %s %s\": %s", rule->provider_name,
                            rule->arguments, wrong);
    }
    APR_ARRAY_PUSH(rules, const rule_t *) = rule;
    return NULL;
}

/* ---- At run time ----------------------------------------------------------------------------- */

static bool is_granted(request_rec *r, const rule_t *rule)
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

static unsigned int granted_rights(request_rec *r)
{
    const apr_array_header_t *rules = mgr_manager_config_of(r)->rules;
    bool has_view_rule = false;
    unsigned int rights = 0;

    for (int i = 0; i < rules->nelts; i++) {
        const rule_t *rule = APR_ARRAY_IDX(rules, i, const rule_t *);
        has_view_rule |= rule->right == MGR_VIEW;
        if (!mgr_rights_have(rights, rule->right) && is_granted(r, rule)) {
            rights |= up_to(rule->right);
        }
    }
    if (!has_view_rule) {
        rights |= up_to(MGR_VIEW);
    }
    /* not with a line for view only: who writes one does not mean that all others may edit */
    if (rules->nelts == 0 && mgr_login_user(r)) {
        rights |= up_to(MGR_EDIT);
    }
    return rights;
}

unsigned int mgr_rights_of(request_rec *r)
{
    const char *refusal = mgr_host_name_refusal(r);

    if (!refusal) {
        return granted_rights(r);
    }
    ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r, FCLOGNO(0653) "manager: refused: %s", refusal);
    return 0;
}

const char *mgr_rights_refusal(request_rec *r, mgr_right_t right)
{
    const char *word = words[right];
    const char *user = mgr_login_user(r);
    const char *foreign = mgr_host_name_refusal(r);

    if (foreign) {
        return foreign;
    }
    return apr_psprintf(r->pool,
                        "%s does not have \"%s\" permission here; a line such as "
                        "\"BalancerManagerRequire %s %s%s\" in the configuration grants it",
                        user ? user : "a user who is not logged in", word, word,
                        user ? "user " : ap_auth_type(r) ? "valid-user"
                                                         : "local",
                        user ? user : "");
}
