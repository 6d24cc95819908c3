/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* api.c - see api.h.
 * Knows    resources and methods, who may send what, and in which order it is refused.
 * Ignores  what a change is made of (api_change.c).
 * Memory   r->pool.   Threads: one request, one thread. */
#include "api.h"

#include <string.h>

#include "api_change.h"
#include "api_path.h"
#include "api_reply.h"
#include "apr_strings.h"
#include "asset.h"
#include "audit.h"
#include "balancer_calls.h"
#include "body.h"
#include "change_run.h"
#include "csrf.h"
#include "etag.h"
#include "field.h"
#include "form.h"
#include "front_change.h"
#include "http_protocol.h"
#include "setting_value.h"
#include "view.h"

#define BODY_LIMIT_BYTES (1024 * 1024)
#define BODY_TYPE        "application/json"

/* One request. */
typedef struct {
    mgr_visit_t *visit;
    const char *what;           /* for the audit: "PATCH /v1/members" */
    mgr_api_path_t path;
    uint64_t revision;          /* of If-Match; 0: any */
    json_t *body;               /* NULL: the method has none */
    bool is_read_only;
} call_t;

/* ---- Looking --------------------------------------------------------------------------------- */

static json_t *entry_json(apr_pool_t *p, const mgr_audit_entry_t *e)
{
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s}", "at",
                     fc_setting_value_moment(p, e->at), "user", mgr_api_reply_text(p, e->user),
                     "address", mgr_api_reply_text(p, e->address), "vhost",
                     mgr_api_reply_text(p, e->vhost), "balancer",
                     mgr_api_reply_text(p, e->balancer), "member",
                     mgr_api_reply_text(p, *e->member ? e->member : NULL), "what",
                     mgr_api_reply_text(p, e->what), "before", mgr_api_reply_text(p, e->before),
                     "after", mgr_api_reply_text(p, e->after), "scope",
                     mgr_api_reply_text(p, *e->scope ? e->scope : NULL), "outcome",
                     e->is_refused ? "refused" : "changed");
}

static int get_audit(call_t *call)
{
    request_rec *r = call->visit->r;
    const apr_array_header_t *recent = mgr_audit_recent(r->pool);
    json_t *entries = json_array();

    for (int i = 0; i < recent->nelts; i++) {
        json_array_append_new(entries,
                              entry_json(r->pool, &APR_ARRAY_IDX(recent, i, mgr_audit_entry_t)));
    }
    return mgr_api_reply_send_result(r, HTTP_OK, json_pack("{s:o}", "entries", entries));
}

static int get_status(call_t *call)
{
    return mgr_view_json_send(call->visit);
}

static int get_schema(call_t *call)
{
    return mgr_asset_send(call->visit->r, mgr_asset_get("status.schema.json"));
}

static int get_description(call_t *call)
{
    return mgr_asset_send(call->visit->r, mgr_asset_get("openapi.json"));
}

static int get_fleet(call_t *call)
{
    request_rec *r = call->visit->r;

    return mgr_balancer_calls_fleet(r)
               ? mgr_view_fleet_json_send(call->visit)
               : mgr_api_reply_send(r, HTTP_NOT_FOUND, NULL,
                                    "This httpd is no front of a fleet: see BalancerFleet.");
}

static int get_balancer(call_t *call)
{
    mgr_etag_send(call->visit->r, call->visit->balancer->revision);
    return mgr_view_balancer_json_send(call->visit);
}

static int get_member(call_t *call)
{
    mgr_etag_send(call->visit->r, call->visit->member->revision);
    return mgr_view_member_json_send(call->visit);
}

/* ---- Changing -------------------------------------------------------------------------------- */

static int refuse(const call_t *call, int status, const char *why)
{
    return mgr_api_reply_send(call->visit->r, status, NULL, "%s",
                              mgr_change_run_refused(call->visit, call->what, why));
}

static lb_change_t begun_change(const call_t *call)
{
    return (lb_change_t){ .revision = call->revision };
}

static int patch_one(call_t *call)
{
    mgr_api_change_t *change = mgr_api_change_make(call->visit, call->what);

    mgr_api_change_read(change, call->body, begun_change(call));
    return mgr_api_change_run(change, HTTP_OK);
}

static int patch_many(call_t *call)
{
    mgr_api_change_t *change = mgr_api_change_make(call->visit, call->what);

    if (call->revision) {
        return mgr_api_reply_send(call->visit->r, HTTP_BAD_REQUEST, NULL,
                                  "If-Match applies to one object: give each change its own etag.");
    }
    mgr_api_change_read_many(change, call->body);
    return mgr_api_change_run(change, HTTP_OK);
}

static int post_member(call_t *call)
{
    mgr_api_change_t *change = mgr_api_change_make(call->visit, call->what);

    change->base = call->visit->base;
    mgr_api_change_read_new(change, call->body, begun_change(call));
    return mgr_api_change_run(change, HTTP_CREATED);
}

/* There is no body: what would be in it is in the query. */
static json_t *settings_of_query(const request_rec *r)
{
    json_t *settings = json_object();
    apr_table_t *query;

    if (mgr_form_parse(r->pool, r->args, &query) == OK && apr_table_get(query, "scope")) {
        json_object_set_new(settings, "scope",
                            mgr_api_reply_text(r->pool, apr_table_get(query, "scope")));
    }
    return settings;
}

static int delete_member(call_t *call)
{
    mgr_api_change_t *change = mgr_api_change_make(call->visit, call->what);
    lb_change_t begun = begun_change(call);
    json_t *settings = settings_of_query(call->visit->r);

    begun.removes_member = true;
    mgr_api_change_read(change, settings, begun);
    json_decref(settings);
    return mgr_api_change_run(change, HTTP_ACCEPTED);
}

/* The body may be {}: it need say nothing. */
static int post_reset(call_t *call)
{
    mgr_api_change_t *change = mgr_api_change_make(call->visit, call->what);
    lb_change_t begun = begun_change(call);

    begun.resets_counters = true;
    mgr_api_change_read(change, call->body, begun);
    return mgr_api_change_run(change, HTTP_OK);
}

static int post_forget(call_t *call)
{
    request_rec *r = call->visit->r;
    const char *front = json_string_value(json_object_get(call->body, "front"));

    if (!front) {
        return mgr_api_reply_send(r, HTTP_BAD_REQUEST, NULL,
                                  "front must be the name of a front, as a string.");
    }
    const char *why = mgr_front_change_forget(call->visit, front);
    if (why) {
        return refuse(call, HTTP_CONFLICT, why);
    }
    return mgr_api_reply_send_result(r, HTTP_OK,
                                     json_pack("{s:o}", "forgotten",
                                               mgr_api_reply_text(r->pool, front)));
}

/* ---- Which resource, which method ------------------------------------------------------------ */

typedef int method_t(call_t *call);

static const struct {
    const char *allow;
    method_t *get, *patch, *post, *delete;
} resources[] = {
    [MGR_STATUS] = { "GET, HEAD", get_status },
    [MGR_SCHEMA] = { "GET, HEAD", get_schema },
    [MGR_DESCRIPTION] = { "GET, HEAD", get_description },
    [MGR_AUDIT] = { "GET, HEAD, OPTIONS", get_audit },
    [MGR_FLEET] = { "GET, HEAD, OPTIONS", get_fleet },
    [MGR_FORGET] = { "POST, OPTIONS", NULL, NULL, post_forget },
    [MGR_BALANCER] = { "GET, HEAD, PATCH, OPTIONS", get_balancer, patch_one },
    [MGR_MEMBERS] = { "GET, HEAD, PATCH, POST, OPTIONS", get_balancer, patch_many, post_member },
    [MGR_MEMBER] = { "GET, HEAD, PATCH, DELETE, OPTIONS", get_member, patch_one, NULL,
                     delete_member },
    [MGR_ALL_MEMBERS] = { "PATCH, OPTIONS", NULL, patch_many },
    [MGR_RESET] = { "POST, OPTIONS", NULL, NULL, post_reset },
};

static method_t *method_of(const call_t *call)
{
    const mgr_resource_t resource = call->path.resource;

    if (call->is_read_only && call->visit->r->method_number != M_GET) {
        return NULL;
    }
    switch (call->visit->r->method_number) {
    case M_GET:
        return resources[resource].get;
    case M_PATCH:
        return resources[resource].patch;
    case M_POST:
        return resources[resource].post;
    case M_DELETE:
        return resources[resource].delete;
    default:
        return NULL;
    }
}

static int send_allowed(const call_t *call)
{
    request_rec *r = call->visit->r;
    const char *allow = resources[call->path.resource].allow;

    if (call->is_read_only) {
        allow = resources[call->path.resource].get ? "GET, HEAD, OPTIONS" : "OPTIONS";
    }
    apr_table_setn(r->headers_out, "Allow", allow);
    if (r->method_number == M_OPTIONS) {
        r->status = HTTP_NO_CONTENT;
        return OK;
    }
    return mgr_api_reply_send(r, HTTP_METHOD_NOT_ALLOWED, NULL, "%s accepts only %s.",
                              r->uri, allow);
}

/* ---- What it is about ------------------------------------------------------------------------ */

/* These return OK, too, when they have sent an error: *is_done says so. */
static int refuse_shared_key(const call_t *call, bool *is_done)
{
    const mgr_visit_t *visit = call->visit;
    json_t *vhosts = json_array();

    for (int i = 0; i < visit->balancers->nelts; i++) {
        const lb_balancer_view_t *b = &APR_ARRAY_IDX(visit->balancers, i, lb_balancer_view_t);
        if (strcmp(b->key, visit->balancer->key) == 0) {
            json_array_append_new(vhosts, mgr_api_reply_text(visit->r->pool, b->vhost));
        }
    }
    *is_done = true;
    return mgr_api_reply_send(visit->r, HTTP_CONFLICT, json_pack("{s:o}", "vhosts", vhosts),
                              "Several virtual hosts have a balancer %s: choose one with ?vhost=.",
                              visit->balancer->key);
}

static int choose_balancer(call_t *call, bool *is_done)
{
    mgr_visit_t *visit = call->visit;
    request_rec *r = visit->r;
    apr_table_t *query;

    if (mgr_form_parse(r->pool, r->args, &query) != OK) {
        *is_done = true;
        return mgr_api_reply_send(r, HTTP_BAD_REQUEST, NULL, "The query is not properly encoded.");
    }
    const char *vhost = apr_table_get(query, "vhost");
    visit->balancer = mgr_balancer_calls_find(r->pool, visit->balancers, call->path.key, vhost);
    if (!visit->balancer) {
        *is_done = true;
        return mgr_api_reply_send(r, HTTP_NOT_FOUND, NULL, "There is no balancer %s.",
                                  call->path.key);
    }
    return !vhost && mgr_balancer_calls_is_key_shared(visit->balancers, visit->balancer)
               ? refuse_shared_key(call, is_done)
               : OK;
}

static int choose_member(call_t *call, bool *is_done)
{
    mgr_visit_t *visit = call->visit;

    visit->member = mgr_balancer_calls_find_member(visit->r->pool, visit->balancer,
                                                   call->path.member);
    if (visit->member) {
        return OK;
    }
    *is_done = true;
    return mgr_api_reply_send(visit->r, HTTP_NOT_FOUND, NULL, "%s has no member %s.",
                              visit->balancer->name, call->path.member);
}

static int choose(call_t *call, bool *is_done)
{
    int status = OK;

    if (call->path.key) {
        status = choose_balancer(call, is_done);
    }
    if (call->path.member && !*is_done) {
        status = choose_member(call, is_done);
    }
    return status;
}

/* ---- May it, and what does it say? ----------------------------------------------------------- */

static int check_if_match(call_t *call, bool *is_done)
{
    mgr_visit_t *visit = call->visit;
    const uint64_t revision = visit->member     ? visit->member->revision
                              : visit->balancer ? visit->balancer->revision
                                                : 0;

    if (mgr_etag_matches(visit->r, revision, &call->revision)) {
        return OK;
    }
    *is_done = true;
    return refuse(call, HTTP_PRECONDITION_FAILED, "it has changed meanwhile: read it again");
}

static int read_body(call_t *call, bool *is_done)
{
    request_rec *r = call->visit->r;
    char *text;
    apr_size_t bytes;
    json_error_t error;

    *is_done = true;
    if (!mgr_body_is(r, BODY_TYPE)) {
        return mgr_api_reply_send(r, HTTP_UNSUPPORTED_MEDIA_TYPE, NULL,
                                  "The request body must be " BODY_TYPE ".");
    }
    const int status = mgr_body_read(r, BODY_LIMIT_BYTES, &text, &bytes);
    if (status == HTTP_REQUEST_ENTITY_TOO_LARGE) {
        return mgr_api_reply_send(r, status, NULL, "The request body is larger than 1 MB.");
    }
    if (status != OK) {
        return status;
    }
    call->body = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &error);
    if (!call->body) {
        return mgr_api_reply_send(r, HTTP_BAD_REQUEST, NULL, "The body is not JSON: line %d: %s.",
                                  error.line, error.text);
    }
    mgr_api_reply_keep(r->pool, call->body);
    *is_done = false;
    return OK;
}

/* Does an object, or one in an array, have a setting that needs the right to edit? */
static bool has_edit(json_t *body, bool is_of_member)
{
    const char *name;
    json_t *value;
    size_t i;
    bool is_edit = false;

    json_array_foreach(body, i, value) {
        is_edit |= json_is_object(value) && has_edit(value, is_of_member);
    }
    json_object_foreach(body, name, value) {
        const mgr_field_t *field = mgr_field_find(name, is_of_member);
        is_edit |= field && field->right == MGR_EDIT;
    }
    return is_edit;
}

/* As far as names go: who may not do it need not know whether the values are right. */
static mgr_right_t right_needed(const call_t *call)
{
    const request_rec *r = call->visit->r;
    const bool is_of_balancer = call->path.key && !call->path.member
                                && call->path.resource != MGR_MEMBERS;
    const bool comes_or_goes = r->method_number == M_DELETE
                               || (r->method_number == M_POST
                                   && call->path.resource == MGR_MEMBERS)
                               || call->path.resource == MGR_FORGET;

    return comes_or_goes || has_edit(call->body, !is_of_balancer) ? MGR_EDIT : MGR_OPERATE;
}

/* Who may change something is asked for a token first, as that is cheap; who may change nothing has
 * none. */
static int prepare_change(call_t *call, bool *is_done)
{
    const mgr_visit_t *visit = call->visit;
    request_rec *r = visit->r;
    const char *why =
        mgr_rights_have(visit->rights, MGR_OPERATE) ? mgr_csrf_refusal_of_json(r) : NULL;

    int status = why || r->method_number == M_DELETE ? OK : read_body(call, is_done);
    if (*is_done) {
        return status;
    }
    const mgr_right_t needed = right_needed(call);
    if (!why && !mgr_rights_have(visit->rights, needed)) {
        why = mgr_rights_refusal(r, needed);
    }
    if (why) {
        *is_done = true;
        return refuse(call, HTTP_FORBIDDEN, why);
    }
    return check_if_match(call, is_done);
}

/* ---- One request ----------------------------------------------------------------------------- */

/* The status looks for itself, at one balancer after the other. */
static bool is_about_balancers(const mgr_api_path_t *path)
{
    return path->key || path->resource == MGR_ALL_MEMBERS;
}

static int run(call_t *call)
{
    request_rec *r = call->visit->r;
    method_t *method = method_of(call);
    bool is_done = false;

    if (!method) {
        return send_allowed(call);
    }
    if (is_about_balancers(&call->path)) {
        mgr_visit_look(call->visit);
    }
    int status = choose(call, &is_done);
    if (!is_done && r->method_number != M_GET) {
        status = prepare_change(call, &is_done);
    }
    return is_done ? status : method(call);
}

int mgr_api_handle(mgr_visit_t *visit, const char *path, bool is_read_only)
{
    request_rec *r = visit->r;
    call_t call = {
        .visit = visit,
        .what = apr_pstrcat(r->pool, r->method, " ", path, NULL),
        .path = mgr_api_path_parse(r->pool, path),
        .is_read_only = is_read_only,
    };

    if (!mgr_rights_have(visit->rights, MGR_VIEW)) {
        return mgr_api_reply_send(r, HTTP_FORBIDDEN, NULL, "Refused: %s.",
                                  mgr_rights_refusal(r, MGR_VIEW));
    }
    if (call.path.resource == MGR_NO_RESOURCE) {
        return mgr_api_reply_send(r, HTTP_NOT_FOUND, NULL, "There is no %s.", path);
    }
    return run(&call);
}
