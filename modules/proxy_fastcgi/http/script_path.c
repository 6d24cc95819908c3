/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* script_path.c - see script_path.h. */
#include "script_path.h"

#include "apr_strings.h"
#include "fastcgi_log.h"
#include "http_core.h"
#include "http_log.h"
#include "http_request.h"
#include "mod_proxy.h"
#include "worker_url.h"

extern module AP_MODULE_DECLARE_DATA proxy_fastcgi_module;
APLOG_USE_MODULE(proxy_fastcgi);

#define DEFAULT_PORT 8000    /* of fcgi and fcgis, for mod_proxy */

static const char pathinfo_variable[] = "proxy-fcgi-pathinfo";

static int path_is_raw(request_rec *r)
{
    return apr_table_get(r->notes, "proxy-nocanon") || apr_table_get(r->notes, "proxy-noencode");
}

static char *encode_path(request_rec *r, char *path)
{
    const core_dir_config *core = ap_get_core_module_config(r->per_dir_config);
    const int flags = core->allow_encoded_slashes && !core->decode_encoded_slashes
                          ? PROXY_CANONENC_NOENCODEDSLASHENCODING
                          : 0;
    return ap_proxy_canonenc_ex(r->pool, path, (int)strlen(path), enc_path, flags, r->proxyreq);
}

/* The path info stands behind the file name whose extension starts at `dot`. */
static void take_behind(request_rec *r, const char *dot)
{
    const char *slash = dot ? strchr(dot, '/') : NULL;
    if (slash) {
        r->path_info = apr_pstrdup(r->pool, slash);
        ap_unescape_url_keep2f(r->path_info, 0);
    }
}

/* proxy-fcgi-pathinfo: first-dot and last-dot go by an extension; full looks at the disk, later;
 * unescape and any other value take the whole path, decoded or not. */
static void set_path_info(request_rec *r, const char *path, const char *mode)
{
    if (strcasecmp(mode, "first-dot") == 0) {
        take_behind(r, strchr(path, '.'));
    }
    else if (strcasecmp(mode, "last-dot") == 0) {
        take_behind(r, strrchr(path, '.'));
    }
    else if (strcasecmp(mode, "full") != 0) {
        r->path_info = apr_pstrcat(r->pool, "/", path, NULL);
        if (strcasecmp(mode, "unescape") == 0) {
            ap_unescape_url_keep2f(r->path_info, 0);
        }
    }
}

static const char *authority_of(apr_pool_t *p, const char *host, apr_port_t port)
{
    if (strchr(host, ':')) {
        host = apr_pstrcat(p, "[", host, "]", NULL);
    }
    return port == DEFAULT_PORT ? host : apr_pstrcat(p, host, ":", apr_itoa(p, port), NULL);
}

static bool is_of_plain_host(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
}

/* returns  what stands behind the port; NULL: it is none, or would be left out */
static char *skip_plain_port(char *digits)
{
    unsigned int port = 0;

    while (*digits >= '0' && *digits <= '9' && port <= 65535) {
        port = 10 * port + (unsigned int)(*digits++ - '0');
    }
    return port > 0 && port <= 65535 && port != DEFAULT_PORT ? digits : NULL;
}

/* The URL of a member has been made canonical already, mostly: //host:port/, in small letters. Then
 * there is nothing to be taken apart and put together again.
 * url      becomes the path, if so
 * returns  host:port; NULL: it is not so plain */
static const char *take_plain_authority(char **url)
{
    char *host = *url + 2, *at = host;

    if ((*url)[0] != '/' || (*url)[1] != '/') {
        return NULL;
    }
    while (is_of_plain_host(*at)) {
        at++;
    }
    char *end = at > host && at[0] == ':' && at[1] != '0' ? skip_plain_port(at + 1) : NULL;
    if (!end || *end != '/') {
        return NULL;
    }
    *end = '\0';
    *url = end + 1;
    return host;
}

/* returns  the host, and the port unless it is the scheme's; NULL: neither, which is logged */
static const char *take_authority(request_rec *r, char **url)
{
    apr_port_t port = DEFAULT_PORT;
    const char *plain = take_plain_authority(url);
    char *host;

    if (plain) {
        return plain;
    }
    const char *err = ap_proxy_canon_netloc(r->pool, url, NULL, NULL, &host, &port);
    if (err) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, FCLOGNO(0201)
                      "cannot parse the URL fcgi:%s: %s", *url, err);
        return NULL;
    }
    return authority_of(r->pool, host, port);
}

int fcgi_script_path_canon(request_rec *r, char *url)
{
    const bool is_tls = strncasecmp(url, "fcgis:", 6) == 0;

    if (!is_tls && strncasecmp(url, "fcgi:", 5) != 0) {
        return DECLINED;
    }
    url += is_tls ? 6 : 5;
    const char *authority = take_authority(r, &url);
    if (!authority) {
        return HTTP_BAD_REQUEST;
    }
    char *path = path_is_raw(r) ? url : encode_path(r, url);
    if (!path) {
        return HTTP_BAD_REQUEST;
    }
    if (path == url && *ap_scan_vchar_obstext(path)) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, FCLOGNO(0202)
                      "the path contains spaces or control characters that are not encoded "
                      "(nocanon or noencode)");
        return HTTP_FORBIDDEN;
    }
    const char *mode = apr_table_get(r->subprocess_env, pathinfo_variable);
    if (mode) {
        set_path_info(r, path, mode);
    }
    r->filename = apr_pstrcat(r->pool, is_tls ? "proxy:fcgis://" : "proxy:fcgi://",
                              authority, "/", path, NULL);
    return OK;
}

/* The path of proxy:scheme://host/path; without the query, which may be empty, that nocanon or
 * mod_rewrite (before httpd 2.4.63) has left in it. */
static char *path_of(request_rec *r)
{
    const char *authority = strstr(r->filename, "://");
    const char *slash = authority ? strchr(authority + 3, '/') : NULL;
    char *path = apr_pstrdup(r->pool, slash ? slash : r->filename);

    if (r->args) {
        char *query = strrchr(path, '?');
        if (query && strcmp(query + 1, r->args) == 0) {
            *query = '\0';
        }
    }
    return path;
}

/* Is there something of this type on this machine's disk? */
static bool is_a(request_rec *r, const char *path, apr_filetype_e type)
{
    apr_finfo_t info;
    return apr_stat(&info, path, APR_FINFO_TYPE, r->pool) == APR_SUCCESS && info.filetype == type;
}

/* What the disk says about the script's path as it is now. */
static apr_status_t look_up(fcgi_script_path_t *script, request_rec *r)
{
    apr_finfo_t info = { .filetype = APR_NOFILE };

    if (!script->was_looked_up) {
        script->looked_up = apr_stat(&info, script->path, APR_FINFO_TYPE, r->pool);
        script->type = info.filetype;
        script->was_looked_up = true;
    }
    return script->looked_up;
}

static bool is_file(fcgi_script_path_t *script, request_rec *r)
{
    return look_up(script, r) == APR_SUCCESS && script->type == APR_REG;
}

static void put(fcgi_script_path_t *script, char *at, char c)
{
    *at = c;
    script->was_looked_up = false;
}

/* Take the path info off a path when a file is left. It may be wrong (the first dot of
 * /srv/example.com/index.php): then the border is left to whoever has the file. */
static void cut_path_info(fcgi_script_path_t *script, request_rec *r)
{
    const size_t bytes = strlen(script->path), tail = r->path_info ? strlen(r->path_info) : 0;
    char *border = script->path + bytes - tail;

    if (tail > 0 && tail < bytes && strcmp(border, r->path_info) == 0) {
        put(script, border, '\0');
        if (!is_file(script, r)) {
            put(script, border, r->path_info[0]);
        }
    }
}

/* Behind the first name that is no directory; there is one. */
static char *border_behind_file(request_rec *r, char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        const bool is_border = !is_a(r, path, APR_DIR);
        *slash = '/';
        if (is_border) {
            return slash;
        }
    }
    return NULL;
}

/* Behind the first ".php" that ends a name, other than that of a directory. */
static char *border_behind_php(request_rec *r, char *path)
{
    for (char *at = strstr(path, ".php/"); at; at = strstr(at + 1, ".php/")) {
        char *border = at + 4;
        *border = '\0';
        const bool is_script = !is_a(r, path, APR_DIR);
        *border = '/';
        if (is_script) {
            return border;
        }
    }
    return NULL;
}

static bool ends_in_php(const char *path)
{
    const size_t bytes = strlen(path);
    return bytes > 4 && strcmp(path + bytes - 4, ".php") == 0;
}

/* The border between a script and what follows it. A name in .php is the script's, also where the
 * files live on another machine, and behind a file: pictures/a.jpg/x.php is not a.jpg. Without one
 * the disk tells, if it knows the path. */
static char *find_border(fcgi_script_path_t *script, request_rec *r)
{
    char *border = border_behind_php(r, script->path);

    if (!border && !ends_in_php(script->path) && APR_STATUS_IS_ENOTDIR(look_up(script, r))) {
        border = border_behind_file(r, script->path);
    }
    return border;
}

bool fcgi_script_path_is_sure(fcgi_script_path_t *script, request_rec *r)
{
    return ends_in_php(script->path) || look_up(script, r) == APR_SUCCESS;
}

/* proxy-fcgi-pathinfo=full: the disk tells where the script ends. */
static char *walk_directories(request_rec *r, char *path)
{
    char *saved = r->filename;
    r->filename = path;
    ap_directory_walk(r);
    path = r->filename;
    r->filename = saved;
    return path;
}

/* SetHandler: the path is a file's name, which only canonicalization has encoded. */
static bool is_by_handler(const request_rec *r)
{
    return r->handler && strncmp(r->handler, "proxy:", 6) == 0;
}

void fcgi_script_path_find(fcgi_script_path_t *script, request_rec *r,
                           const fcgi_proxy_config_t *config)
{
    const char *mode = apr_table_get(r->subprocess_env, pathinfo_variable);

    *script = (fcgi_script_path_t){ .path = path_of(r) };
    if (config->backend_type != FCGI_BACKEND_GENERIC || is_by_handler(r)) {
        ap_unescape_url_keep2f(script->path, 0);
    }
    if (mode && strcasecmp(mode, "full") == 0) {
        script->path = walk_directories(r, script->path);
    }
    else if (config->backend_type == FCGI_BACKEND_GENERIC) {
        return;
    }
    else if (mode) {
        cut_path_info(script, r);
    }
    else if (!(r->path_info && *r->path_info)) {
        char *border = find_border(script, r);
        if (border) {
            r->path_info = apr_pstrdup(r->pool, border);
            put(script, border, '\0');
        }
    }
}

static bool climbs(const char *path)
{
    return path && fc_worker_url_climbs(path, strlen(path));
}

int fcgi_script_path_check(fcgi_script_path_t *script, request_rec *r,
                           const fcgi_proxy_config_t *config)
{
    const bool is_of_this_machine = config->checks_script > 0;
    const char *path = script->path;

    /* httpd resolves ".." in what it decodes itself. It stays in with nocanon, in what a rewrite
     * makes of a query, and beside the encoded slashes of AllowEncodedSlashes NoDecode. */
    if (climbs(path) || climbs(r->path_info) || (is_of_this_machine && strchr(path, '\\'))) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, FCLOGNO(0203) "not a script path: '%s%s'",
                      path, r->path_info ? r->path_info : "");
        return HTTP_BAD_REQUEST;
    }
    if (!is_of_this_machine) {
        return OK;
    }
    if (!is_file(script, r)) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, FCLOGNO(0204) "there is no script '%s'",
                      path);
        return HTTP_NOT_FOUND;
    }
    return OK;
}
