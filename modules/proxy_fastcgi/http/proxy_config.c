/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* proxy_config.c - see proxy_config.h. */
#include "proxy_config.h"

#include <stdlib.h>

#include "apr_strings.h"
#include "directive.h"
#include "http_log.h"

extern module AP_MODULE_DECLARE_DATA proxy_fastcgi_module;
APLOG_USE_MODULE(proxy_fastcgi);

void *fcgi_proxy_config_create(apr_pool_t *p, char *path)
{
    fcgi_proxy_config_t *config = apr_pcalloc(p, sizeof(*config));

    config->env_rules = apr_array_make(p, 1, sizeof(fcgi_env_rule_t));
    config->spool_limit_bytes = config->spool_memory_bytes = -1;
    config->absorb_limit_bytes = config->body_rate = -1;
    config->streams_over_limit = -1;
    config->retries_non_idempotent = config->ignores_client_abort = -1;
    config->redirects_internally = config->checks_script = config->passes_auth = -1;
    return config;
}

static int merge_switch(int base, int over)
{
    return over >= 0 ? over : base;
}

void *fcgi_proxy_config_merge(apr_pool_t *p, void *base_, void *over_)
{
    const fcgi_proxy_config_t *base = base_, *over = over_;
    fcgi_proxy_config_t *config = apr_pmemdup(p, base, sizeof(*base));

    if (over->backend_type != FCGI_BACKEND_UNSET) {
        config->backend_type = over->backend_type;
    }
    if (over->body_mode != FCGI_BODY_UNSET) {
        config->body_mode = over->body_mode;
    }
    if (over->spool_limit_bytes >= 0) {
        config->spool_limit_bytes = over->spool_limit_bytes;
        config->streams_over_limit = over->streams_over_limit;
    }
    if (over->body_rate >= 0) {
        config->body_rate = over->body_rate;
    }
    if (over->spool_memory_bytes >= 0) {
        config->spool_memory_bytes = over->spool_memory_bytes;
    }
    if (over->absorb_limit_bytes >= 0) {
        config->absorb_limit_bytes = over->absorb_limit_bytes;
    }
    if (over->retry_on_is_set) {
        config->retry_on = over->retry_on;
        config->retry_on_is_set = true;
    }
    if (over->sendfile_roots) {
        config->sendfile_roots = over->sendfile_roots;
    }
    config->env_rules = apr_array_append(p, base->env_rules, over->env_rules);
    config->retries_non_idempotent =
        merge_switch(base->retries_non_idempotent, over->retries_non_idempotent);
    config->ignores_client_abort =
        merge_switch(base->ignores_client_abort, over->ignores_client_abort);
    config->redirects_internally =
        merge_switch(base->redirects_internally, over->redirects_internally);
    config->checks_script = merge_switch(base->checks_script, over->checks_script);
    config->passes_auth = merge_switch(base->passes_auth, over->passes_auth);
    if (over->trace) {
        config->trace = over->trace;
    }
    return config;
}

const fcgi_proxy_config_t *fcgi_proxy_config_of(request_rec *r)
{
    return ap_get_module_config(r->per_dir_config, &proxy_fastcgi_module);
}

apr_off_t fcgi_proxy_config_spool_limit(const fcgi_proxy_config_t *config)
{
    return config->spool_limit_bytes >= 0 ? config->spool_limit_bytes : FCGI_SPOOL_LIMIT_DEFAULT;
}

apr_off_t fcgi_proxy_config_spool_memory(const fcgi_proxy_config_t *config)
{
    return config->spool_memory_bytes >= 0 ? config->spool_memory_bytes
                                           : FCGI_SPOOL_MEMORY_DEFAULT;
}

apr_off_t fcgi_proxy_config_body_rate(const fcgi_proxy_config_t *config)
{
    return config->body_rate >= 0 ? config->body_rate : FCGI_BODY_RATE_DEFAULT;
}

fcgi_retry_set_t fcgi_proxy_config_retry_on(const fcgi_proxy_config_t *config)
{
    return config->retry_on_is_set ? config->retry_on : FCGI_RETRY_DEFAULT;
}

apr_off_t fcgi_proxy_config_absorb_limit(const fcgi_proxy_config_t *config)
{
    return config->absorb_limit_bytes >= 0 ? config->absorb_limit_bytes
                                           : FCGI_ABSORB_LIMIT_DEFAULT;
}

const char *fcgi_proxy_config_set_backend_type(cmd_parms *cmd, void *config_, const char *arg)
{
    fcgi_proxy_config_t *config = config_;

    if (strcasecmp(arg, "FPM") == 0) {
        config->backend_type = FCGI_BACKEND_FPM;
    }
    else if (strcasecmp(arg, "GENERIC") == 0) {
        config->backend_type = FCGI_BACKEND_GENERIC;
    }
    else {
        return apr_psprintf(cmd->pool, "%s: '%s' is not a backend type; use FPM or GENERIC",
                            cmd->cmd->name, arg);
    }
    return NULL;
}

const char *fcgi_proxy_config_add_env_rule(cmd_parms *cmd, void *config_, const char *condition,
                                           const char *name, const char *value)
{
    fcgi_proxy_config_t *config = config_;
    const int unset = name[0] == '!';
    fcgi_env_rule_t rule = { NULL, unset ? name + 1 : name, NULL };
    const char *err = NULL;

    if (!*rule.name) {
        return apr_psprintf(cmd->pool, "%s: '%s' is not a variable name", cmd->cmd->name, name);
    }
    if (unset && value) {
        return apr_psprintf(cmd->pool, "%s: '%s' unsets a variable and takes no value ('%s')",
                            cmd->cmd->name, name, value);
    }
    rule.condition = ap_expr_parse_cmd(cmd, condition, 0, &err, NULL);
    if (!err && !unset) {
        condition = value ? value : "";
        rule.value = ap_expr_parse_cmd(cmd, condition, AP_EXPR_FLAG_STRING_RESULT, &err, NULL);
    }
    if (err) {
        return apr_psprintf(cmd->pool, "%s: cannot parse the expression '%s': %s",
                            cmd->cmd->name, condition, err);
    }
    APR_ARRAY_PUSH(config->env_rules, fcgi_env_rule_t) = rule;
    return NULL;
}

const char *fcgi_proxy_config_add_sendfile_root(cmd_parms *cmd, void *config_, const char *arg)
{
    fcgi_proxy_config_t *config = config_;
    const char *path = ap_server_root_relative(cmd->pool, arg);
    char *real = path ? realpath(path, NULL) : NULL;

    if (!real) {
        return apr_psprintf(cmd->pool, "%s: there is no directory '%s'", cmd->cmd->name, arg);
    }
    if (!config->sendfile_roots) {
        config->sendfile_roots = apr_array_make(cmd->pool, 2, sizeof(const char *));
    }
    APR_ARRAY_PUSH(config->sendfile_roots, const char *) = apr_pstrdup(cmd->pool, real);
    free(real);
    return NULL;
}

static const char *retry_words(apr_pool_t *p)
{
    return apr_pstrcat(p, "default, none",
#define X(name, word, by_default, may_have_run) ", " word,
                       FCGI_RETRY_WORDS(X)
#undef X
                       NULL);
}

const char *fcgi_proxy_config_add_retry_word(cmd_parms *cmd, void *config_, const char *arg)
{
    fcgi_proxy_config_t *config = config_;
    const fcgi_retry_set_t set = fcgi_failover_set_of(arg);
    const bool is_none = strcmp(arg, "none") == 0;

    if (!set && !is_none) {
        return apr_psprintf(cmd->pool, "%s: '%s' is not a failure that can be retried; "
                                       "use %s",
                            cmd->cmd->name, arg, retry_words(cmd->pool));
    }
    if (config->retry_on_is_set && (is_none || !config->retry_on)) {
        return apr_psprintf(cmd->pool, "%s: none cannot be combined", cmd->cmd->name);
    }
    config->retry_on |= set;
    config->retry_on_is_set = true;
    return NULL;
}

static const char *set_size(cmd_parms *cmd, const char *arg, apr_off_t *size)
{
    int64_t bytes;

    if (!fc_directive_size(arg, &bytes)) {
        return apr_psprintf(cmd->pool, "%s: '%s' is not a size; use a number of bytes, or of K, M "
                                       "or G as in 64M",
                            cmd->cmd->name, arg);
    }
    *size = bytes;
    return NULL;
}

const char *fcgi_proxy_config_set_spool_limit(cmd_parms *cmd, void *config_, const char *size,
                                              const char *beyond)
{
    fcgi_proxy_config_t *config = config_;

    config->streams_over_limit = beyond && strcasecmp(beyond, "Stream") == 0;
    if (beyond && !config->streams_over_limit && strcasecmp(beyond, "Refuse") != 0) {
        return apr_psprintf(cmd->pool, "%s: '%s' is not an action for a larger body; "
                                       "use Refuse or Stream",
                            cmd->cmd->name, beyond);
    }
    return set_size(cmd, size, &config->spool_limit_bytes);
}

const char *fcgi_proxy_config_set_body_mode(cmd_parms *cmd, void *config_, const char *mode,
                                            const char *rate)
{
    fcgi_proxy_config_t *config = config_;

    if (strcasecmp(mode, "Spool") == 0) {
        config->body_mode = FCGI_BODY_SPOOL;
    }
    else if (strcasecmp(mode, "Stream") == 0) {
        config->body_mode = FCGI_BODY_STREAM;
    }
    else {
        return apr_psprintf(cmd->pool, "%s: '%s' is not a way to pass on a body; use Spool or "
                                       "Stream",
                            cmd->cmd->name, mode);
    }
    if (rate && ap_cstr_casecmpn(rate, "minrate=", 8) != 0) {
        return apr_psprintf(cmd->pool, "%s: '%s' is not minrate=size", cmd->cmd->name, rate);
    }
    return rate ? set_size(cmd, rate + 8, &config->body_rate) : NULL;
}

const char *fcgi_proxy_config_set_spool_memory(cmd_parms *cmd, void *config, const char *arg)
{
    return set_size(cmd, arg, &((fcgi_proxy_config_t *)config)->spool_memory_bytes);
}

const char *fcgi_proxy_config_set_absorb_limit(cmd_parms *cmd, void *config, const char *arg)
{
    return set_size(cmd, arg, &((fcgi_proxy_config_t *)config)->absorb_limit_bytes);
}

const char *fcgi_proxy_config_set_trace(cmd_parms *cmd, void *config, int count,
                                        char *const words[])
{
    return fcgi_trace_rules_set(cmd, &((fcgi_proxy_config_t *)config)->trace, words, count);
}
