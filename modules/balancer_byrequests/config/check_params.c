/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* check_params.c - see check_params.h. */
#include "check_params.h"

#include "apr_hash.h"
#include "apr_strings.h"
#include "apr_uri.h"
#include "directive.h"
#include "worker_url.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;
APLOG_USE_MODULE(balancer_byrequests);

#define COUNT_MAX    1000
#define INTERVAL_MIN (100 * 1000)    /* stock's */
#define TIMEOUT_MAX  apr_time_from_sec(5)    /* unless it is written */

static const lb_check_params_t initial = {
    .interval = apr_time_from_sec(30),
    .passes = 1,
    .fails = 1,
};

/* Of this configuration. Names are kept by server: "pointer name". */
static apr_hash_t *written;      /* proxy_worker * -> apr_table_t: as it stands in the file */
static apr_hash_t *by_member;    /* proxy_worker * -> lb_check_params_t */
static apr_hash_t *exprs;        /* -> ap_expr_info_t */
static apr_hash_t *templates;    /* -> apr_table_t */

int lb_check_params_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    written = apr_hash_make(pconf);
    by_member = apr_hash_make(pconf);
    exprs = apr_hash_make(pconf);
    templates = apr_hash_make(pconf);
    return OK;
}

const lb_check_params_t *lb_check_params_of(const proxy_worker *member)
{
    return apr_hash_get(by_member, &member, sizeof(member));
}

bool lb_check_params_is_fastcgi(const proxy_worker *worker)
{
    return ap_cstr_casecmp(worker->s->scheme, "fcgi") == 0
           || ap_cstr_casecmp(worker->s->scheme, "fcgis") == 0;
}

bool lb_check_params_are_ours(const proxy_worker *worker)
{
    return lb_check_params_is_fastcgi(worker)
           && (ap_find_linked_module("mod_proxy_fastcgi.c")
               || !ap_find_linked_module("mod_proxy_hcheck.c"));
}

/* ---- Names: ProxyHCExpr and ProxyHCTemplate -------------------------------------------------- */

static const char *name_key(apr_pool_t *p, const server_rec *s, const char *name)
{
    char *key = apr_psprintf(p, "%pp %s", (const void *)s, name);
    ap_str_tolower(key);
    return key;
}

/* As the virtual host defines it, else the main server. */
static void *find_name(apr_pool_t *p, apr_hash_t *names, server_rec *s, const char *name)
{
    void *found = apr_hash_get(names, name_key(p, s, name), APR_HASH_KEY_STRING);
    return found ? found
                 : apr_hash_get(names, name_key(p, ap_server_conf, name), APR_HASH_KEY_STRING);
}

const char *lb_check_params_define_expr(cmd_parms *cmd, void *unused, const char *args)
{
    const char *err = NULL;
    const char *name = ap_getword_conf(cmd->pool, &args);
    const char *text = ap_getword_conf2(cmd->pool, &args);    /* the braces of { ... } go */

    if (!*name || !*text || *args) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": use a name and {expression}", NULL);
    }
    ap_expr_info_t *expr = ap_expr_parse_cmd(cmd, text, 0, &err, NULL);
    if (err) {
        return apr_psprintf(cmd->pool, "%s %s: cannot parse the expression \"%s\": %s",
                            cmd->cmd->name, name, text, err);
    }
    apr_hash_set(exprs, name_key(cmd->pool, cmd->server, name), APR_HASH_KEY_STRING, expr);
    return NULL;
}

const char *lb_check_params_define_template(cmd_parms *cmd, void *unused, const char *args)
{
    apr_table_t *words = apr_table_make(cmd->pool, 8);
    const char *name = ap_getword_conf(cmd->pool, &args);

    if (!*name) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": use a name and key=value ...", NULL);
    }
    /* What the values are worth shows when a member uses them: they may be for another scheme. */
    while (*args) {
        char *word = ap_getword_conf(cmd->pool, &args);
        char *equals = strchr(word, '=');
        if (!equals) {
            return apr_psprintf(cmd->pool, "%s %s: '%s' is not key=value", cmd->cmd->name, name,
                                word);
        }
        *equals = '\0';
        apr_table_setn(words, word, equals + 1);
    }
    apr_hash_set(templates, name_key(cmd->pool, cmd->server, name), APR_HASH_KEY_STRING, words);
    return NULL;
}

/* ---- Values ---------------------------------------------------------------------------------- */

static const char *set_method(apr_pool_t *p, lb_check_params_t *params, const char *val)
{
    static const struct {
        const char *word;
        bool is_checked;
        const char *method;
    } methods[] = {
        { "NONE", false, NULL },
        { "TCP", true, NULL },
        { "FCGI", true, "GET" },
        { "GET", true, "GET" },
        { "HEAD", true, "HEAD" },
        { "OPTIONS", true, "OPTIONS" },
    };
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (ap_cstr_casecmp(val, methods[i].word) == 0) {
            params->is_checked = methods[i].is_checked;
            params->method = methods[i].method;
            return NULL;
        }
    }
    return apr_psprintf(p, "hcmethod=%s is not a FastCGI check; use FCGI (or GET), HEAD, OPTIONS, "
                           "TCP or NONE",
                        val);
}

static const char *set_duration(apr_pool_t *p, apr_interval_time_t *field, const char *key,
                                const char *val)
{
    /* stock's units are nearly ours: mi and min beside them */
    const bool is_duration = fc_directive_duration(val, field)
                             || ap_timeout_parameter_parse(val, field, "s") == APR_SUCCESS;
    return is_duration && *field >= INTERVAL_MIN && *field <= FC_TIME_LIMIT_MAX
               ? NULL
               : apr_psprintf(p, "%s=%s is not a duration from 100ms to 24h; use a number "
                                 "of seconds, or of ms, s, m or h as in 500ms",
                              key, val);
}

static const char *set_count(apr_pool_t *p, int *field, const char *key, const char *val)
{
    return fc_directive_count(val, 1, COUNT_MAX, field)
               ? NULL
               : apr_psprintf(p, "%s=%s is not a whole number from 1 to %d", key, val, COUNT_MAX);
}

static const char *set_uri(apr_pool_t *p, const char **field, const char *key, const char *val)
{
    if (*val != '/') {
        return apr_psprintf(p, "%s=%s does not start with a slash", key, val);
    }
    *field = val;
    return NULL;
}

/* /path, fcgi://host:port/path, unix:/socket|fcgi://any/path */
static const char *set_status(apr_pool_t *p, lb_check_params_t *params, const char *val)
{
    const char *url = fc_worker_url_behind_socket(val);
    const char *bar = url == val ? NULL : url - 1;
    apr_uri_t uri;

    if (*val == '/') {
        params->status_uri = val;
        return NULL;
    }
    if (bar && bar - val - 5 > FC_SOCKET_PATH_MAX) {
        return apr_psprintf(p, "hcstatus=%s: the path of a unix socket is limited to %d bytes", val,
                            FC_SOCKET_PATH_MAX);
    }
    if (apr_uri_parse(p, url, &uri) != APR_SUCCESS || !uri.scheme || !uri.path
        || ap_cstr_casecmp(uri.scheme, "fcgi") != 0 || !uri.hostname || (!bar && !uri.port)
        || fc_worker_url_mistake(val)) {
        return apr_psprintf(p, "hcstatus=%s: use /path, fcgi://host:port/path or "
                               "unix:/socket|fcgi://any/path",
                            val);
    }
    params->status_uri = uri.path;
    params->status_address = bar ? apr_pstrmemdup(p, val, (apr_size_t)(bar - val))
                                 : apr_psprintf(p, strchr(uri.hostname, ':') ? "[%s]:%d" : "%s:%d",
                                                uri.hostname, uri.port);
    return NULL;
}

/* key: not hctemplate */
static const char *set_value(apr_pool_t *p, lb_check_params_t *params, const char *key,
                             const char *val)
{
    if (ap_cstr_casecmp(key, "hcmethod") == 0) {
        return set_method(p, params, val);
    }
    if (ap_cstr_casecmp(key, "hcuri") == 0) {
        return set_uri(p, &params->uri, key, val);
    }
    if (ap_cstr_casecmp(key, "hcinterval") == 0) {
        return set_duration(p, &params->interval, key, val);
    }
    if (ap_cstr_casecmp(key, "hctimeout") == 0) {
        return set_duration(p, &params->timeout, key, val);
    }
    if (ap_cstr_casecmp(key, "hcpasses") == 0) {
        return set_count(p, &params->passes, key, val);
    }
    if (ap_cstr_casecmp(key, "hcfails") == 0) {
        return set_count(p, &params->fails, key, val);
    }
    if (ap_cstr_casecmp(key, "hcstatus") == 0) {
        return set_status(p, params, val);
    }
    if (ap_cstr_casecmp(key, "hcexpr") == 0) {
        params->expr_name = val;
        return NULL;
    }
    return apr_psprintf(p, "unknown parameter %s=%s; use hcmethod hcuri hcinterval "
                           "hctimeout hcpasses hcfails hcexpr hctemplate hcstatus",
                        key, val);
}

const char *lb_check_params_set(apr_pool_t *p, server_rec *s, proxy_worker *member,
                                const char *key, const char *val)
{
    lb_check_params_t scratch = initial;
    const char *err = NULL;

    if (!member->balancer) {
        return apr_psprintf(p,
                            "%s: %s=%s: only members of a balancer are checked. Fix: add a "
                            "<Proxy balancer://name> with a BalancerMember, even for one backend",
                            member->s->name_ex, key, val);
    }
    if (ap_cstr_casecmp(key, "hctemplate") != 0) {
        err = set_value(p, &scratch, key, val);
    }
    else if (!find_name(p, templates, s, val)) {
        err = apr_psprintf(p, "hctemplate=%s: no such ProxyHCTemplate is defined above", val);
    }
    if (err) {
        return apr_pstrcat(p, member->s->name_ex, ": ", err, NULL);
    }
    apr_table_t *words = apr_hash_get(written, &member, sizeof(member));
    if (!words) {
        words = apr_table_make(p, 8);
        apr_hash_set(written, apr_pmemdup(p, &member, sizeof(member)), sizeof(member), words);
    }
    apr_table_set(words, key, val);
    return NULL;
}

/* ---- All together ---------------------------------------------------------------------------- */

static const char *apply(apr_pool_t *p, lb_check_params_t *params, const apr_table_t *words)
{
    const apr_array_header_t *list = apr_table_elts(words);
    const char *err = NULL;

    for (int i = 0; i < list->nelts && !err; i++) {
        const apr_table_entry_t *word = &APR_ARRAY_IDX(list, i, apr_table_entry_t);
        if (ap_cstr_casecmp(word->key, "hctemplate") != 0) {
            err = set_value(p, params, word->key, word->val);
        }
    }
    return err;
}

static const char *check_together(apr_pool_t *p, server_rec *s, lb_check_params_t *params)
{
    if (params->method && !params->uri) {
        return "a FastCGI request needs a path: hcuri=/path (PHP-FPM's ping.path)";
    }
    if (params->expr_name) {
        params->expr = find_name(p, exprs, s, params->expr_name);
        if (!params->expr) {
            return apr_psprintf(p, "hcexpr=%s: no such ProxyHCExpr is defined", params->expr_name);
        }
    }
    if (params->expr && !params->method) {
        return "hcexpr needs a response: set hcmethod=FCGI (or GET, HEAD, OPTIONS)";
    }
    if (!params->timeout) {
        params->timeout = params->interval < TIMEOUT_MAX ? params->interval : TIMEOUT_MAX;
    }
    return NULL;
}

const char *lb_check_params_resolve(apr_pool_t *p, server_rec *s, const proxy_worker *member)
{
    const apr_table_t *words = apr_hash_get(written, &member, sizeof(member));
    const char *err = NULL;

    if (!words || lb_check_params_of(member)) {
        return NULL;    /* nothing written, or done: a virtual host inherits it */
    }
    if (!ap_find_linked_module("mod_proxy_fastcgi.c")) {
        return "checks of FastCGI members need mod_proxy_fastcgi: a2enmod proxy_fastcgi";
    }
    lb_check_params_t *params = apr_pmemdup(p, &initial, sizeof(initial));
    const char *template = apr_table_get(words, "hctemplate");
    if (template) {
        err = apply(p, params, find_name(p, templates, s, template));
    }
    err = err ? err : apply(p, params, words);
    err = err ? err : check_together(p, s, params);
    if (!err && (params->is_checked || params->status_uri)) {
        apr_hash_set(by_member, apr_pmemdup(p, &member, sizeof(member)), sizeof(member), params);
    }
    return err;
}
