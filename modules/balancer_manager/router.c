/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* router.c - from path, query and method to a change and a view.
 * Knows    the manager's URLs and the headers that every page needs.
 * Ignores  what views print, and how changes are made.
 * Memory   r->pool.   Threads: any, no state. */
#include "router.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ap_expr.h"
#include "api.h"
#include "apr_strings.h"
#include "asset.h"
#include "change_run.h"
#include "form.h"
#include "form_change.h"
#include "front_change.h"
#include "handler_name.h"
#include "http_core.h"
#include "http_protocol.h"
#include "selection.h"
#include "view.h"

/* `rest` of "/balancer-manager/rest" when `at` is "/balancer-manager" or "/balancer-manager/". */
static const char *path_below(const char *uri, const char *at)
{
    size_t bytes = strlen(at);

    while (bytes > 0 && at[bytes - 1] == '/') {
        bytes--;
    }
    if (strncmp(uri, at, bytes) != 0 || (uri[bytes] && uri[bytes] != '/')) {
        return NULL;
    }
    return uri + bytes;
}

/* The path below the <Location> that sets our handler. r->path_info cannot tell: below a folder
 * that does not exist, it holds only what follows the first missing name. */
static const char *inner_path(request_rec *r)
{
    const core_server_config *core = ap_get_core_module_config(r->server->module_config);
    const char *shortest = NULL;

    for (int i = 0; i < core->sec_url->nelts; i++) {
        ap_conf_vector_t *section = APR_ARRAY_IDX(core->sec_url, i, ap_conf_vector_t *);
        const core_dir_config *location = ap_get_core_module_config(section);
        if (!location || !location->d || location->r || location->d_is_fnmatch) {
            continue;
        }
        const char *path = path_below(r->uri, location->d);
        if (path && (!shortest || strlen(path) < strlen(shortest))
            && strcmp(mgr_handler_name_in(r, location), r->handler) == 0) {
            shortest = path;
        }
    }
    if (shortest) {
        return shortest;
    }
    static const char *const folders[] = { "/v1/", "/metrics" };
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        const char *folder = strstr(r->uri, folders[i]); /* a <LocationMatch>, <If> or .htaccess */
        if (folder) {
            return folder;
        }
    }
    return r->uri + strlen(r->uri);
}

/* What comes before the inner path. */
static const char *base_path(request_rec *r, const char *inner)
{
    const char *end = inner;

    while (end > r->uri && end[-1] == '/') {
        end--;
    }
    return apr_pstrmemdup(r->pool, r->uri, (apr_size_t)(end - r->uri));
}

static void set_headers(request_rec *r)
{
    apr_table_setn(r->headers_out, "Content-Security-Policy",
                   "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
                   "img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'");
    apr_table_setn(r->headers_out, "X-Content-Type-Options", "nosniff");
    apr_table_setn(r->headers_out, "Referrer-Policy", "same-origin");
    apr_table_setn(r->headers_out, "Cache-Control", "no-store");
}

static int refuse_method(mgr_visit_t *visit, const char *allowed)
{
    apr_table_setn(visit->r->headers_out, "Allow", allowed);
    return mgr_visit_refuse(visit, HTTP_METHOD_NOT_ALLOWED, "This page accepts only %s.", allowed);
}

static mgr_view_t *view_of_format(const char *format)
{
    static const struct {
        const char *format;
        mgr_view_t *view;
    } views[] = {
        { "html", mgr_view_html_send },
        { "json", mgr_view_json_send },
        { "xml", mgr_view_xml_send },
        { "text", mgr_view_text_send },
        { "prometheus", mgr_view_prometheus_send },
    };
    for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
        if (strcmp(format, views[i].format) == 0) {
            return views[i].view;
        }
    }
    return NULL;
}

/* For who asks for text and not for a page. */
static bool wants_text(const mgr_visit_t *visit)
{
    const char *accept = apr_table_get(visit->r->headers_in, "Accept");

    return accept && ap_strcasestr(accept, "text/plain") && !mgr_visit_is_for_browser(visit);
}

/* Stock's xml=1 or our format=; the parameters come from the query, or from a posted form. */
static mgr_view_t *chosen_view(mgr_visit_t *visit, const apr_table_t *parameters)
{
    const char *format = apr_table_get(parameters, "format");
    mgr_view_t *view = mgr_view_html_send;

    if (format) {
        view = view_of_format(format);
    }
    else if (apr_table_get(parameters, "xml")) {
        view = mgr_view_xml_send;
    }
    else if (wants_text(visit)) {
        view = mgr_view_text_send;
    }
    if (view) {
        return view;
    }
    mgr_visit_refuse(visit, HTTP_BAD_REQUEST,
                     "format must be html, json, xml, text or prometheus, not \"%s\".", format);
    return mgr_view_html_send;
}

static int send_answer(mgr_visit_t *visit, mgr_view_t *view)
{
    visit->r->status = visit->status;
    return visit->status == HTTP_OK ? view(visit) : mgr_view_html_send(visit);
}

/* ---- After a form ---------------------------------------------------------------------------- */

/* As the page is told by its query what to tell: "17.3". Numbers of what all can see below: nobody
 * can have a page say what is not so. */
static const char done_parameter[] = "done";

/* Loading that page again does not send the form again. */
static int redirect(mgr_visit_t *visit)
{
    request_rec *r = visit->r;
    const mgr_selection_t selection = mgr_selection_read(r);
    const char *query = mgr_selection_query(r->pool, &selection);

    apr_table_setn(r->headers_out, "Location",
                   apr_psprintf(r->pool, "%s%s%s=%" APR_UINT64_T_FMT ".%d", query,
                                query[1] ? "&" : "", done_parameter, visit->done.last,
                                visit->done.count));
    r->status = HTTP_SEE_OTHER;
    return OK;
}

static void tell_what_was_done(mgr_visit_t *visit, const apr_table_t *query)
{
    const char *value = apr_table_get(query, done_parameter);
    mgr_done_t done;
    int end = 0;

    if (value && sscanf(value, "%20" SCNu64 ".%9d%n", &done.last, &done.count, &end) == 2
        && !value[end] && done.count >= 0 && (uint64_t)done.count <= done.last) {
        mgr_change_run_tell(visit, done);
    }
}

/* ---- The page -------------------------------------------------------------------------------- */

static int show_page(mgr_visit_t *visit)
{
    apr_table_t *query;
    mgr_view_t *view = mgr_view_html_send;

    if (mgr_form_parse(visit->r->pool, visit->r->args, &query) != OK) {
        mgr_visit_refuse(visit, HTTP_BAD_REQUEST, "The query is not properly encoded.");
    }
    else {
        view = chosen_view(visit, query);
        if (mgr_visit_choose_balancer(visit, query) == OK) {
            mgr_visit_choose_member(visit, query);
        }
        tell_what_was_done(visit, query);
    }
    return send_answer(visit, view);
}

static int run_form(mgr_visit_t *visit)
{
    apr_table_t *form;
    const char *why;
    mgr_view_t *view = mgr_view_html_send;
    const int status = mgr_form_read(visit->r, &form, &why);

    if (status != OK && !why) {
        return status;
    }
    if (status != OK) {
        mgr_visit_refuse(visit, status, "%s", why);
    }
    else {
        view = chosen_view(visit, form);
        if (visit->status == HTTP_OK) {
            apr_table_get(form, "forget") ? mgr_front_change_run(visit, form)
                                          : mgr_form_change_run(visit, form);
        }
    }
    if (visit->is_done && view == mgr_view_html_send && mgr_visit_is_for_browser(visit)) {
        return redirect(visit);
    }
    return send_answer(visit, view);
}

/* httpd takes no %2F in a path, but the URL of a member is full of them. Here it stays as it is. */
int mgr_router_pre_translate(request_rec *r)
{
    if (!r->parsed_uri.path || !ap_strcasestr(r->parsed_uri.path, "%2f")
        || !mgr_handler_name_is_meant(r)) {
        return DECLINED;
    }
    const unsigned int keep = AP_UNESCAPE_URL_KEEP_SLASHES | AP_UNESCAPE_URL_KEEP_UNRESERVED;
    const int status = ap_unescape_url_ex(r->parsed_uri.path, keep);
    return status == OK ? DONE : status;
}

/* The asset that is asked for.
 * returns  "" when the request is about something else */
static const char *asset_name(request_rec *r)
{
    apr_table_t *query;

    if (!r->args || strncmp(r->args, "asset=", 6) != 0
        || mgr_form_parse(r->pool, r->args, &query) != OK) {
        return "";
    }
    return apr_table_get(query, "asset");
}

static int send_asset(mgr_visit_t *visit, const char *name)
{
    const mgr_asset_t *asset = mgr_asset_find(name);

    if (asset && visit->r->method_number == M_GET) {
        return mgr_asset_send(visit->r, asset);
    }
    if (asset) {
        refuse_method(visit, "GET, HEAD");
    }
    else {
        mgr_visit_refuse(visit, HTTP_NOT_FOUND, "The manager has no asset %s.", name);
    }
    return send_answer(visit, mgr_view_html_send);
}

/* The view that has a path of its own; NULL when there is none. */
static mgr_view_t *view_at(const char *path)
{
    return strcmp(path, "/metrics") == 0 ? mgr_view_prometheus_send : NULL;
}

static int run(mgr_visit_t *visit, const char *path)
{
    const int method = visit->r->method_number;
    mgr_view_t *view = view_at(path);

    if (strncmp(path, "/v1/", 4) == 0) {
        return mgr_api_handle(visit, path, mgr_handler_name_is_read_only(visit->r));
    }
    if (mgr_visit_need(visit, MGR_VIEW) != OK) {
        return send_answer(visit, mgr_view_html_send);
    }
    if (!view && *path && strcmp(path, "/") != 0) {
        mgr_visit_refuse(visit, HTTP_NOT_FOUND, "The manager has no page %s.", path);
        return send_answer(visit, mgr_view_html_send);
    }
    if (method != M_GET && (view || mgr_handler_name_is_read_only(visit->r))) {
        refuse_method(visit, "GET, HEAD");
        return send_answer(visit, mgr_view_html_send);
    }
    mgr_visit_look(visit);
    if (view) {
        return send_answer(visit, view);
    }
    if (method == M_POST) {
        return run_form(visit);
    }
    if (method != M_GET) {
        refuse_method(visit, "GET, HEAD, POST");
        return send_answer(visit, mgr_view_html_send);
    }
    return show_page(visit);
}

int mgr_router_handle(request_rec *r)
{
    if (!r->handler || !mgr_handler_name_is_ours(r->handler)) {
        return DECLINED;
    }
    const char *path = inner_path(r);
    const char *asset = asset_name(r);

    set_headers(r);
    if (*asset) {
        return send_asset(mgr_visit_make(r, base_path(r, path), 0), asset);
    }
    const unsigned int rights =
        mgr_rights_of(r) & (mgr_handler_name_is_read_only(r) ? 1u << MGR_VIEW : ~0u);
    return run(mgr_visit_make(r, base_path(r, path), rights), path);
}
