/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* cgi_environment.c - see cgi_environment.h. */
#include "cgi_environment.h"

#include "apr_strings.h"
#include "cgi_variables.h"
#include "fastcgi_log.h"
#include "http_core.h"
#include "http_log.h"
#include "util_script.h"

extern module AP_MODULE_DECLARE_DATA proxy_fastcgi_module;
APLOG_USE_MODULE(proxy_fastcgi);

/* httpd takes SCRIPT_FILENAME from r->filename, which is a proxy: URL here. */
static void let_httpd_add(request_rec *r, char *script)
{
    char *proxy_filename = r->filename;

    r->filename = script;
    ap_add_common_vars(r);
    ap_add_cgi_vars(r);
    r->filename = proxy_filename;
}

/* httpd looks up where the path info would lead as a URL. A proxied one leads to no file, and would
 * tell the address of a member: then it is what PHP-FPM makes of it. */
static void mend_path_translated(request_rec *r)
{
    const char *translated = r->path_info && *r->path_info
                                 ? apr_table_get(r->subprocess_env, "PATH_TRANSLATED")
                                 : NULL;

    if (translated && strncmp(translated, "proxy:", 6) == 0) {
        apr_table_setn(r->subprocess_env, "PATH_TRANSLATED",
                       apr_pstrcat(r->pool, ap_document_root(r), r->path_info, NULL));
    }
}

/* Would PHP-FPM (cgi.fix_pathinfo=1, its default) misread a plain SCRIPT_FILENAME? It looks for no
 * path info in one; and when there is a REDIRECT_URL it thinks of a CGI handler by Action: it
 * empties PATH_INFO, or takes PATH_TRANSLATED for the script. */
static bool is_misread(request_rec *r, const char *script, fcgi_script_path_t *found)
{
    return (strcmp(script, found->path) == 0 && !fcgi_script_path_is_sure(found, r))
           || (apr_table_get(r->subprocess_env, "PATH_INFO")
               && apr_table_get(r->subprocess_env, "REDIRECT_URL"));
}

/* PHP-FPM does right with the prefix of mod_proxy_fcgi, which it takes off; and with a '?' what
 * follows, and some versions decode the rest.
 * script   as ProxyFCGISetEnvIf has left it; NULL: it has taken it away
 * returns  was anything changed? */
static bool help_fpm(request_rec *r, const char *script, fcgi_script_path_t *found)
{
    if (!script || script[0] != '/' || !is_misread(r, script, found)) {
        return false;
    }
    if (!strpbrk(script, "?%")) {
        apr_table_setn(r->subprocess_env, "SCRIPT_FILENAME",
                       apr_pstrcat(r->pool, "proxy:fcgi://localhost", script, NULL));
    }
    else if (apr_table_get(r->subprocess_env, "PATH_INFO")) {    /* the script needs it more */
        apr_table_unset(r->subprocess_env, "REDIRECT_URL");
    }
    return true;
}

static int apply_rule(request_rec *r, const fcgi_env_rule_t *rule)
{
    ap_regmatch_t matches[AP_MAX_REG_MATCH];
    const char *source = NULL, *err = NULL;
    const int holds = ap_expr_exec_re(r, rule->condition, AP_MAX_REG_MATCH, matches, &source, &err);

    if (holds < 0) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, FCLOGNO(0210)
                      "ProxyFCGISetEnvIf %s: cannot evaluate the condition: %s", rule->name, err);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    if (holds == 0) {
        return OK;
    }
    if (!rule->value) {
        apr_table_unset(r->subprocess_env, rule->name);
        return OK;
    }
    const char *value =
        ap_expr_str_exec_re(r, rule->value, AP_MAX_REG_MATCH, matches, &source, &err);
    if (err) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, FCLOGNO(0211)
                      "ProxyFCGISetEnvIf %s: unchanged, cannot evaluate the value: %s",
                      rule->name, err);
        return OK;
    }
    apr_table_setn(r->subprocess_env, rule->name, value);
    return OK;
}

static void log_variables(request_rec *r, const fcgi_pair_t *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ap_log_rerror(APLOG_MARK, APLOG_TRACE8, 0, r, "variable %s='%s'",
                      (const char *)pairs[i].name.at, (const char *)pairs[i].value.at);
    }
}

static void list_variables(request_rec *r, fcgi_pair_t **pairs, size_t *count)
{
    const apr_array_header_t *variables = apr_table_elts(r->subprocess_env);
    const apr_table_entry_t *entry = (const apr_table_entry_t *)variables->elts;
    fcgi_pair_t *list = apr_palloc(r->pool, (apr_size_t)variables->nelts * sizeof(*list));

    for (int i = 0; i < variables->nelts; i++) {
        list[i].name = fc_span_of(entry[i].key);
        list[i].value = fc_span_of(entry[i].val);
    }
    *pairs = list;
    *count = (size_t)variables->nelts;
}

/* returns  was anything changed? */
static bool pass_authorization(request_rec *r)
{
    const char *credentials = apr_table_get(r->headers_in, "Authorization");

    if (credentials) {
        apr_table_setn(r->subprocess_env, "HTTP_AUTHORIZATION", credentials);
    }
    return credentials != NULL;
}

int fcgi_cgi_environment_make(request_rec *r, const fcgi_proxy_config_t *config,
                              fcgi_trace_t *trace, fcgi_script_path_t *script,
                              fcgi_pair_t **pairs, size_t *count)
{
    bool is_listed = fcgi_cgi_variables_add(r, script->path, pairs, count);

    if (!is_listed) {
        let_httpd_add(r, script->path);
    }
    if (trace) {
        fcgi_trace_set_variables(trace, r->subprocess_env);
        is_listed = false;
    }
    if (config->passes_auth > 0 && pass_authorization(r)) {
        is_listed = false;
    }
    mend_path_translated(r);
    for (int i = 0; i < config->env_rules->nelts; i++) {
        const int rc = apply_rule(r, &APR_ARRAY_IDX(config->env_rules, i, fcgi_env_rule_t));
        if (rc != OK) {
            return rc;
        }
        is_listed = false;
    }
    if (config->backend_type != FCGI_BACKEND_GENERIC) {
        const char *sent = is_listed ? script->path
                                     : apr_table_get(r->subprocess_env, "SCRIPT_FILENAME");
        is_listed = !help_fpm(r, sent, script) && is_listed;
    }
    if (!is_listed) {
        list_variables(r, pairs, count);
    }
    if (APLOGrtrace8(r)) {
        log_variables(r, *pairs, *count);
    }
    return OK;
}
