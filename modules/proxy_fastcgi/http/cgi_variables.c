/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* cgi_variables.c - see cgi_variables.h. */
#include "cgi_variables.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "apr_strings.h"
#include "fastcgi_log.h"
#include "http_core.h"
#include "http_log.h"
#include "http_protocol.h"
#include "invariant.h"
#include "name_set.h"
#include "util_script.h"

extern module AP_MODULE_DECLARE_DATA proxy_fastcgi_module;
APLOG_USE_MODULE(proxy_fastcgi);

/* ---- The list -------------------------------------------------------------------------------- */

typedef struct {
    request_rec *r;
    fcgi_pair_t *pairs;
    size_t count;
} list_t;

static void put(list_t *list, fc_span_t name, const char *value)
{
    if (value) {
        list->pairs[list->count++] = (fcgi_pair_t){ name, fc_span_of(value) };
    }
}

#define LITERAL(text) fc_span(text, sizeof(text) - 1)

/* ---- Of the request's header ----------------------------------------------------------------- */

static bool is_secret(const request_rec *r, fc_span_t header)
{
    const core_dir_config *core = ap_get_core_module_config(r->per_dir_config);

    return (fc_span_is_text(header, "Authorization")
            || fc_span_is_text(header, "Proxy-Authorization"))
           && core->cgi_pass_auth != AP_CGI_PASS_AUTH_ON;
}

/* returns  NUL for a character that is in no variable's name */
static char character_of(unsigned char c)
{
    const unsigned char lower = c | 0x20;

    return lower >= 'a' && lower <= 'z' ? (char)(c & ~0x20)
           : c >= '0' && c <= '9'       ? (char)c
           : c == '-'                   ? '_'
                                        : '\0';
}

/* X-Forwarded-For -> HTTP_X_FORWARDED_FOR */
static fc_span_t name_of(apr_pool_t *p, fc_span_t header)
{
    const fc_span_t prefix = LITERAL("HTTP_");
    char *name = apr_palloc(p, prefix.bytes + header.bytes + 1);

    memcpy(name, prefix.at, prefix.bytes);
    for (size_t i = 0; i <= header.bytes; i++) {    /* the NUL too */
        name[prefix.bytes + i] = character_of(header.at[i]);
    }
    return fc_span(name, prefix.bytes + header.bytes);
}

static void put_header(list_t *list, const apr_table_entry_t *entry)
{
    const fc_span_t header = fc_span_of(entry->key);

    if (fc_span_is_text(header, "Content-Type")) {
        put(list, LITERAL("CONTENT_TYPE"), entry->val);
    }
    else if (fc_span_is_text(header, "Content-Length")) {
        put(list, LITERAL("CONTENT_LENGTH"), entry->val);
    }
    else if (!fc_span_is_text(header, "Proxy") && !is_secret(list->r, header)) {
        const fc_span_t name = name_of(list->r->pool, header);
        if (!memchr(name.at, '\0', name.bytes)) {
            put(list, name, entry->val);
        }
    }
}

static void put_headers(list_t *list)
{
    const apr_array_header_t *headers = apr_table_elts(list->r->headers_in);

    for (int i = 0; i < headers->nelts; i++) {
        put_header(list, &APR_ARRAY_IDX(headers, i, apr_table_entry_t));
    }
}

/* ---- httpd's own ----------------------------------------------------------------------------- */

/* Of the environment of the process, which does not change while it runs. */
static const char *path, *library_path;

static const char *server_name(request_rec *r)
{
    const char *name = ap_get_server_name_for_url(r);
    return strpbrk(name, "<>&\"") ? ap_escape_html(r->pool, name) : name;
}

static const char *redirected_user(const request_rec *r)
{
    const request_rec *back = r->user ? NULL : r->prev;

    while (back && !back->user) {
        back = back->prev;
    }
    return back ? back->user : NULL;
}

/* What the client has asked for, whatever has become of it. */
static const char *original_uri(request_rec *r)
{
    static const char spaces[] = " \t\n\v\f\r";
    const char *uri = r->the_request ? r->the_request : "";

    uri += strcspn(uri, spaces);
    uri += strspn(uri, spaces);
    return apr_pstrmemdup(r->pool, uri, strcspn(uri, spaces));
}

/* In httpd's order; what is NULL is left out. */
#define OWN_VARIABLES(X)                                                  \
    X("PATH", path)                                                       \
    X("LD_LIBRARY_PATH", library_path)                                    \
    X("SERVER_SIGNATURE", ap_psignature("", r))                           \
    X("SERVER_SOFTWARE", ap_get_server_banner())                          \
    X("SERVER_NAME", server_name(r))                                      \
    X("SERVER_ADDR", r->connection->local_ip)                             \
    X("SERVER_PORT", apr_itoa(r->pool, ap_get_server_port(r)))            \
    X("REMOTE_HOST", ap_get_useragent_host(r, REMOTE_HOST, NULL))         \
    X("REMOTE_ADDR", r->useragent_ip)                                     \
    X("DOCUMENT_ROOT", ap_document_root(r))                               \
    X("REQUEST_SCHEME", ap_http_scheme(r))                                \
    X("CONTEXT_PREFIX", ap_context_prefix(r))                             \
    X("CONTEXT_DOCUMENT_ROOT", ap_context_document_root(r))               \
    X("SERVER_ADMIN", r->server->server_admin)                            \
    X("SCRIPT_FILENAME", script)                                          \
    X("REMOTE_PORT", apr_itoa(r->pool, r->connection->client_addr->port)) \
    X("REMOTE_USER", r->user)                                             \
    X("REDIRECT_REMOTE_USER", redirected_user(r))                         \
    X("AUTH_TYPE", r->ap_auth_type)                                       \
    X("REMOTE_IDENT", ap_get_remote_logname(r))                           \
    X("REDIRECT_URL", r->prev ? r->prev->uri : NULL)                      \
    X("REDIRECT_QUERY_STRING", r->prev ? r->prev->args : NULL)            \
    X("GATEWAY_INTERFACE", "CGI/1.1")                                     \
    X("SERVER_PROTOCOL", r->protocol)                                     \
    X("REQUEST_METHOD", r->method)                                        \
    X("QUERY_STRING", r->args ? r->args : "")                             \
    X("REQUEST_URI", original_uri(r))                                     \
    X("SCRIPT_NAME", r->uri)

static void put_own(list_t *list, const char *script)
{
    request_rec *r = list->r;

#define X(name, value) put(list, LITERAL(name), value);
    OWN_VARIABLES(X)
#undef X
}

static fcgi_name_set_t own_names;

void fcgi_cgi_variables_start(apr_pool_t *pchild)
{
    path = apr_pstrdup(pchild, getenv("PATH"));
    path = path ? path : DEFAULT_PATH;
    library_path = apr_pstrdup(pchild, getenv("LD_LIBRARY_PATH"));
    fcgi_name_set_init(&own_names);
#define X(name, value) (void)fcgi_name_set_add(&own_names, LITERAL(name));
    OWN_VARIABLES(X)
#undef X
        (void)fcgi_name_set_add(&own_names, LITERAL("CONTENT_TYPE"));
    (void)fcgi_name_set_add(&own_names, LITERAL("CONTENT_LENGTH"));
}

/* ---- Are they as httpd has them? ------------------------------------------------------------- */

/* A later httpd may set other variables. So the first request of a process is compared with what
 * httpd makes of it; in builds with checks, every request is. */
typedef enum { UNKNOWN,
               SAME,
               OTHER } likeness_t;
static atomic_int likeness = UNKNOWN;

static bool is_known_to_be(likeness_t wanted)
{
    return atomic_load_explicit(&likeness, memory_order_relaxed) == (int)wanted;
}

static bool are_same(const list_t *list, const apr_table_t *of_httpd)
{
    const apr_array_header_t *entries = apr_table_elts(of_httpd);
    bool same = (size_t)entries->nelts == list->count;

    for (int i = 0; same && i < entries->nelts; i++) {
        const apr_table_entry_t *entry = &APR_ARRAY_IDX(entries, i, apr_table_entry_t);
        same = strcmp(entry->key, (const char *)list->pairs[i].name.at) == 0
               && strcmp(entry->val, (const char *)list->pairs[i].value.at) == 0;
    }
    return same;
}

static bool is_as_of_httpd(const list_t *list, char *script)
{
    request_rec *r = list->r;
    apr_table_t *env = r->subprocess_env;
    char *filename = r->filename;

    r->subprocess_env = apr_table_copy(r->pool, env);
    r->filename = script;
    ap_add_common_vars(r);
    ap_add_cgi_vars(r);
    const bool is_same = are_same(list, r->subprocess_env);
    r->subprocess_env = env;
    r->filename = filename;
    return is_same;
}

static bool compare(const list_t *list, char *script)
{
    int unknown = UNKNOWN;
    const bool is_same = is_as_of_httpd(list, script);

    FC_INVARIANT(is_same);
    if (is_same) {
        atomic_compare_exchange_strong(&likeness, &unknown, SAME);
    }
    else if (atomic_exchange(&likeness, OTHER) != OTHER) {
        ap_log_rerror(APLOG_MARK, APLOG_NOTICE, 0, list->r, FCLOGNO(0336)
                      "this httpd sets other CGI variables than this module knows: from now on "
                      "httpd itself sets them, which takes more CPU time");
    }
    return is_same;
}

/* ---- An ordinary request --------------------------------------------------------------------- */

static bool is_ordinary(const request_rec *r, const char *script)
{
    const core_dir_config *core = ap_get_core_module_config(r->per_dir_config);

    return !(r->path_info && *r->path_info) && !core->cgi_var_rules
           && !(r->prev && core->qualify_redirect_url == AP_CORE_CONFIG_ON)
           && !strchr(script, '?')    /* of which proxy-noquery may take off the rest */
           && strcmp(r->protocol, "INCLUDED") != 0 && !is_known_to_be(OTHER);
}

static size_t most_variables(const request_rec *r)
{
    return (size_t)apr_table_elts(r->subprocess_env)->nelts
           + (size_t)apr_table_elts(r->headers_in)->nelts + own_names.count;
}

/* returns  is no name among them that is httpd's own? */
static bool put_earlier(list_t *list, const apr_array_header_t *earlier)
{
    for (int i = 0; i < earlier->nelts; i++) {
        const apr_table_entry_t *entry = &APR_ARRAY_IDX(earlier, i, apr_table_entry_t);
        const fc_span_t name = fc_span_of(entry->key);
        if (fcgi_name_set_has(&own_names, name)) {
            return false;
        }
        put(list, name, entry->val);
    }
    return true;
}

static bool are_distinct(const list_t *list)
{
    fcgi_name_set_t names;

    fcgi_name_set_init(&names);
    for (size_t i = 0; i < list->count; i++) {
        if (!fcgi_name_set_add(&names, list->pairs[i].name)) {
            return false;
        }
    }
    return true;
}

/* returns  false: this is for httpd to do */
static bool make_list(list_t *list, char *script)
{
    if (!put_earlier(list, apr_table_elts(list->r->subprocess_env))) {
        return false;
    }
    put_headers(list);
    if (!are_distinct(list)) {
        return false;
    }
    put_own(list, script);
    return (!FC_IS_CHECKED && is_known_to_be(SAME)) || compare(list, script);
}

bool fcgi_cgi_variables_add(request_rec *r, char *script, fcgi_pair_t **pairs, size_t *count)
{
    list_t list = { .r = r };

    if (!is_ordinary(r, script)) {
        return false;
    }
    list.pairs = apr_palloc(r->pool, most_variables(r) * sizeof(*list.pairs));
    if (!make_list(&list, script)) {
        return false;
    }
    for (size_t i = (size_t)apr_table_elts(r->subprocess_env)->nelts; i < list.count; i++) {
        apr_table_addn(r->subprocess_env, (const char *)list.pairs[i].name.at,
                       (const char *)list.pairs[i].value.at);
    }
    *pairs = list.pairs;
    *count = list.count;
    return true;
}
