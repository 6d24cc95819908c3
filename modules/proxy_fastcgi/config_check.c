/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* config_check.c - see config_check.h. */
#include "config_check.h"

#include <stdbool.h>

#include "apr_strings.h"
#include "contract_stamp.h"
#include "fastcgi_log.h"
#include "http_config.h"
#include "http_core.h"
#include "http_log.h"
#include "mod_proxy.h"
#include "proxy_pass_line.h"
#include "stray_handler.h"
#include "worker_url.h"

extern module AP_MODULE_DECLARE_DATA proxy_fastcgi_module;
APLOG_USE_MODULE(proxy_fastcgi);

#define IOBUFFERSIZE_MAX (16 * 1024 * 1024)

/* One FastCGI URL in the configuration, and where it stands. */
typedef struct {
    apr_pool_t *p;
    server_rec *server;
    const ap_directive_t *node;
    const char *url;
} place_t;

#define LOG_OF(at, level, number, format, ...)                                                    \
    ap_log_error(APLOG_MARK, level, 0, (at)->server, number "%s on line %d of %s: " format,       \
                 (at)->node->directive, (at)->node->line_num, (at)->node->filename, __VA_ARGS__)

/* ---- URLs ------------------------------------------------------------------------------------ */

/* What stands behind "://". */
static const char *authority_of(const char *url)
{
    const char *mark = strstr(fc_worker_url_behind_socket(url), "://");
    return mark ? mark + 3 : "";
}

static bool is_one_of(const ap_directive_t *node, const char *const *directives)
{
    for (; *directives; directives++) {
        if (strcasecmp(node->directive, *directives) == 0) {
            return true;
        }
    }
    return false;
}

static bool takes_urls(const ap_directive_t *node)
{
    static const char *const directives[] = { "ProxyPass", "ProxyPassMatch", "<Proxy",
                                              "SetHandler", "RewriteRule", NULL };
    return is_one_of(node, directives);
}

static bool takes_parameters(const ap_directive_t *node)
{
    static const char *const directives[] = { "ProxyPass", "ProxyPassMatch", "<Proxy", "ProxySet",
                                              "BalancerMember", NULL };
    return is_one_of(node, directives);
}

/* The FastCGI URL among its words; NULL: there is none. */
static const char *url_in(apr_pool_t *p, const ap_directive_t *node)
{
    const char *args = node->args;

    while (*args) {
        char *word = ap_getword_conf(p, &args);
        word += ap_cstr_casecmpn(word, "proxy:", 6) == 0 ? 6 : 0;
        if (!fc_worker_url_is_fastcgi(word)) {
            continue;
        }
        char *last = word + strlen(word) - 1;
        if (*node->directive == '<' && *last == '>') {    /* of the section, unless it is quoted */
            *last = '\0';
        }
        return word;
    }
    return NULL;
}

/* Its unix socket, as an absolute path; NULL: it has none. */
static const char *socket_of(apr_pool_t *p, const char *url)
{
    const char *rest = fc_worker_url_behind_socket(url);
    const char *path = url + sizeof("unix:") - 1;

    return rest == url ? NULL
                       : ap_runtime_dir_relative(p, apr_pstrmemdup(p, path,
                                                                   (apr_size_t)(rest - path) - 1));
}

/* ---- What is wrong with one ------------------------------------------------------------------ */

static int check_address(const place_t *at)
{
    const char *mistake = fc_worker_url_mistake(at->url);

    if (!mistake) {
        return OK;
    }
    LOG_OF(at, APLOG_CRIT, FCLOGNO(0300), "%s", mistake);
    return !OK;
}

static int check_path(const place_t *at)
{
    const char *path = strchr(authority_of(at->url), '/');

    if (!path || !fc_worker_url_climbs(path, strcspn(path, "?"))) {
        return OK;
    }
    LOG_OF(at, APLOG_CRIT, FCLOGNO(0301), "the path of %s contains \"..\", and such paths are "
                                  "rejected. Fix: write the path without it",
           at->url);
    return !OK;
}

static int check_socket_path(const place_t *at, const char *socket)
{
    if (!socket || strlen(socket) <= (size_t)FC_SOCKET_PATH_MAX) {
        return OK;
    }
    LOG_OF(at, APLOG_CRIT, FCLOGNO(0302), "the path of a unix socket is limited to %d bytes; %s "
                                  "has %d",
           FC_SOCKET_PATH_MAX, socket, (int)strlen(socket));
    return !OK;
}

/* mod_proxy tells workers apart by what stands behind the '|', and the socket of the worker that it
 * finds is the one that is asked. */
static int check_worker(const place_t *at, const char *socket)
{
    proxy_server_conf *conf = ap_get_module_config(at->server->module_config, &proxy_module);
    const proxy_worker *worker = ap_proxy_get_worker(at->p, NULL, conf, at->url);

    if (!worker || !*worker->s->uds_path
        || (socket && strcmp(worker->s->uds_path, socket) == 0)) {
        return OK;
    }
    LOG_OF(at, APLOG_CRIT, FCLOGNO(0303),
           "%s would be sent to %s: the worker of this name, %s, "
           "already has that socket. Fix: give each socket its own host after the '|', as in "
           "unix:/run/b.sock|fcgi://b",
           at->url, worker->s->uds_path, worker->s->name_ex);
    return !OK;
}

static void warn_of_glue(const place_t *at)
{
    fc_proxy_pass_line_t line;

    if (fc_proxy_pass_line_read(at->p, at->node, &line) && fc_proxy_pass_line_glues(&line)) {
        LOG_OF(at, APLOG_WARNING, FCLOGNO(0304), "%s ends with a slash and %s does not, so that "
                                         "%sx goes to the host %sx. Fix: %s/",
               line.path, line.url, line.path,
               authority_of(line.url), line.url);
    }
}

static int check_url(const place_t *at)
{
    const char *socket = socket_of(at->p, at->url);

    warn_of_glue(at);
    return check_address(at) | check_path(at) | check_socket_path(at, socket)
           | check_worker(at, socket);
}

/* ---- The configuration ----------------------------------------------------------------------- */

/* Stock's examples take a prefix away that paths have there, and not here. */
static void warn_of_prefix(const place_t *at)
{
    if (strcasecmp(at->node->directive, "ProxyFCGISetEnvIf") == 0
        && strstr(at->node->args, "proxy:")) {
        LOG_OF(at, APLOG_WARNING, FCLOGNO(0305), "%s",
               "SCRIPT_FILENAME and PATH_TRANSLATED are "
               "plain paths with this module and never start with \"proxy:\". Fix: remove the "
               "line if it removes the prefix, or write the condition for the plain path");
    }
}

/* Of what is whole seconds to httpd it reads the digits, and not what follows: "500ms" is 500 s. */
static void warn_of_unit(const place_t *at, const char *word, const char *value)
{
    const size_t digits = strspn(value, "0123456789");
    const char *unit = value + digits;
    const size_t bytes = strcspn(unit, ">");    /* of the section */

    if (digits > 0 && bytes > 0 && ap_cstr_casecmpn(unit, "s", bytes) != 0) {
        LOG_OF(at, APLOG_WARNING, FCLOGNO(0356), "mod_proxy reads %.*s as %.*s seconds. Fix: write "
                                         "a number of seconds, without a unit",
               (int)(unit + bytes - word), word, (int)digits, value);
    }
}

static void warn_of_units(const place_t *at)
{
    const char *args = at->node->args;

    while (*args) {
        const char *word = ap_getword_conf(at->p, &args);
        for (const char *const *key = fc_whole_seconds(); *key; key++) {
            if (ap_cstr_casecmpn(word, *key, strlen(*key)) == 0) {
                warn_of_unit(at, word, word + strlen(*key));
            }
        }
    }
}

/* The file itself would be sent. */
static int check_handler(const place_t *at)
{
    const char *args = at->node->args;

    if (strcasecmp(at->node->directive, "SetHandler") != 0) {
        return OK;
    }
    const char *name = ap_getword_conf(at->p, &args);
    const char *mistake = strstr(name, "%{") ? NULL : fcgi_stray_handler_mistake(at->p, name);
    if (!mistake) {
        return OK;
    }
    LOG_OF(at, APLOG_CRIT, FCLOGNO(0355), "\"%s\" is no handler: %s", name, mistake);
    return !OK;
}

static server_rec *find_server(server_rec *main, const ap_directive_t *node)
{
    for (server_rec *s = main->next; s; s = s->next) {
        if (s->defn_line_number == (unsigned int)node->line_num
            && strcmp(s->defn_name, node->filename) == 0) {
            return s;
        }
    }
    return main;
}

static int check_tree(apr_pool_t *p, server_rec *s, const ap_directive_t *node)
{
    int rc = OK;

    for (; node; node = node->next) {
        if (node->first_child) {
            server_rec *inside =
                strcasecmp(node->directive, "<VirtualHost") == 0 ? find_server(s, node) : s;
            rc |= check_tree(p, inside, node->first_child);
        }
        const place_t at = { p, s, node, takes_urls(node) ? url_in(p, node) : NULL };
        warn_of_prefix(&at);
        if (takes_parameters(node)) {
            warn_of_units(&at);
        }
        if (strcasecmp(node->directive, "ProxyTimeout") == 0) {
            warn_of_unit(&at, node->args, node->args);
        }
        rc |= check_handler(&at);
        if (at.url) {
            rc |= check_url(&at);
        }
    }
    return rc;
}

static int check_buffer(server_rec *s, const proxy_worker *worker)
{
    if (!worker->s->io_buffer_size_set || worker->s->io_buffer_size <= IOBUFFERSIZE_MAX
        || !fc_worker_url_is_fastcgi(worker->s->name_ex)) {
        return OK;
    }
    ap_log_error(APLOG_MARK, APLOG_CRIT, 0, s, FCLOGNO(0306)
                 "%s: iobuffersize=%" APR_SIZE_T_FMT " (or ProxyIOBufferSize) is more than 16 MB, "
                 "for each request",
                 worker->s->name_ex, worker->s->io_buffer_size);
    return !OK;
}

static int check_buffers(server_rec *s)
{
    const proxy_server_conf *conf = ap_get_module_config(s->module_config, &proxy_module);
    int rc = OK;

    for (int i = 0; i < conf->workers->nelts; i++) {
        rc |= check_buffer(s, &APR_ARRAY_IDX(conf->workers, i, proxy_worker));
    }
    for (int i = 0; i < conf->balancers->nelts; i++) {
        const proxy_balancer *b = &APR_ARRAY_IDX(conf->balancers, i, proxy_balancer);
        for (int k = 0; k < b->workers->nelts; k++) {
            rc |= check_buffer(s, APR_ARRAY_IDX(b->workers, k, proxy_worker *));
        }
    }
    return rc;
}

int fcgi_config_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *main)
{
    const char *wrong = fc_contract_refusal(ptemp, "mod_proxy_fastcgi");

    if (wrong) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, main, FCLOGNO(0347) "%s", wrong);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    int rc = check_tree(ptemp, main, ap_conftree);

    for (server_rec *s = main; s; s = s->next) {
        rc |= check_buffers(s);
    }
    return rc == OK ? OK : HTTP_INTERNAL_SERVER_ERROR;
}

int fcgi_config_check_httpd(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                            server_rec *main)
{
    if (*fc_httpd_lacks && ap_state_query(AP_SQ_MAIN_STATE) != AP_SQ_MS_CREATE_PRE_CONFIG) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, main, FCLOGNO(0353)
                     "built for an httpd that is too old for: %s", fc_httpd_lacks + 2);
    }
    return OK;
}
