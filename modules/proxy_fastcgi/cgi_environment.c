/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* cgi_environment.c - see cgi_environment.h. */
#include "cgi_environment.h"

#include "fastcgi_log.h"
#include "http_log.h"
#include "util_script.h"

extern module AP_MODULE_DECLARE_DATA proxy_fastcgi_module;
APLOG_USE_MODULE(proxy_fastcgi);

/* httpd takes SCRIPT_FILENAME from r->filename, which is a proxy: URL here. */
static void add_cgi_variables(request_rec *r, char *script_filename)
{
    char *proxy_filename = r->filename;

    r->filename = script_filename;
    ap_add_common_vars(r);
    ap_add_cgi_vars(r);
    r->filename = proxy_filename;
}

/* PHP-FPM (cgi.fix_pathinfo=1, its default) empties PATH_INFO, or takes PATH_TRANSLATED for the
 * script, when there is a REDIRECT_URL: it thinks of a CGI handler by Action. The path info is what
 * a front controller behind a rewrite in .htaccess needs. */
static void keep_path_info(apr_table_t *variables)
{
    if (apr_table_get(variables, "PATH_INFO")) {
        apr_table_unset(variables, "REDIRECT_URL");
    }
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
                      "ProxyFCGISetEnvIf %s: left as it was, cannot evaluate the value: %s",
                      rule->name, err);
        return OK;
    }
    apr_table_setn(r->subprocess_env, rule->name, value);
    return OK;
}

static void list_variables(request_rec *r, fcgi_pair_t **pairs, size_t *count)
{
    const apr_array_header_t *variables = apr_table_elts(r->subprocess_env);
    const apr_table_entry_t *entry = (const apr_table_entry_t *)variables->elts;
    fcgi_pair_t *list = apr_palloc(r->pool, (apr_size_t)variables->nelts * sizeof(*list));

    for (int i = 0; i < variables->nelts; i++) {
        list[i].name = fcgi_span(entry[i].key, strlen(entry[i].key));
        list[i].value = fcgi_span(entry[i].val, strlen(entry[i].val));
        ap_log_rerror(APLOG_MARK, APLOG_TRACE8, 0, r, "variable %s='%s'", entry[i].key,
                      entry[i].val);
    }
    *pairs = list;
    *count = (size_t)variables->nelts;
}

static void pass_authorization(request_rec *r)
{
    const char *credentials = apr_table_get(r->headers_in, "Authorization");

    if (credentials) {
        apr_table_setn(r->subprocess_env, "HTTP_AUTHORIZATION", credentials);
    }
}

int fcgi_cgi_environment_make(request_rec *r, const fcgi_proxy_config_t *config,
                              char *script_filename, fcgi_pair_t **pairs, size_t *count)
{
    add_cgi_variables(r, script_filename);
    if (config->passes_auth > 0) {
        pass_authorization(r);
    }
    if (config->backend_type != FCGI_BACKEND_GENERIC) {
        keep_path_info(r->subprocess_env);
    }
    for (int i = 0; i < config->env_rules->nelts; i++) {
        const int rc = apply_rule(r, &APR_ARRAY_IDX(config->env_rules, i, fcgi_env_rule_t));
        if (rc != OK) {
            return rc;
        }
    }
    list_variables(r, pairs, count);
    return OK;
}
