/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* api_change.c - see api_change.h.
 * Knows    Jansson, the shape of changes.
 * Ignores  URLs and methods (api.c), names and values of settings (field.c).
 * Memory   Jansson's own goes with r->pool.   Threads: one request, one thread. */
#include "api_change.h"

#include <string.h>

#include "api_path.h"
#include "api_reply.h"
#include "apr_strings.h"
#include "balancer_calls.h"
#include "change_run.h"
#include "etag.h"
#include "field.h"

mgr_api_change_t *mgr_api_change_make(mgr_visit_t *visit, const char *what)
{
    apr_pool_t *p = visit->r->pool;
    mgr_api_change_t *change = apr_pcalloc(p, sizeof(*change));

    change->visit = visit;
    change->what = what;
    change->changes = apr_array_make(p, 1, sizeof(lb_change_t));
    change->origins = apr_array_make(p, 1, sizeof(int));
    change->errors = json_array();
    mgr_api_reply_keep(p, change->errors);
    return change;
}

/* 1 MB of a request can ask for billions of changes, and be wrong in a hundred thousand ways. */
enum {
    CHANGES_MAX = 20000,
    ERRORS_MAX = 1000
};

/* ---- What is wrong --------------------------------------------------------------------------- */

/* Beyond ERRORS_MAX it is forgotten.
 * member, field   NULL: it is about none */
static void add_error(const mgr_api_change_t *change, int index, const char *member,
                      const char *field, const char *detail)
{
    apr_pool_t *p = change->visit->r->pool;

    if (json_array_size(change->errors) >= ERRORS_MAX) {
        return;
    }
    json_t *error = json_object();
    if (change->is_bulk) {
        json_object_set_new(error, "index", json_integer(index));
    }
    if (member) {
        json_object_set_new(error, "member", mgr_api_reply_text(p, member));
    }
    if (field && *field) {
        json_object_set_new(error, "field", mgr_api_reply_text(p, field));
    }
    json_object_set_new(error, "detail", mgr_api_reply_text(p, detail));
    json_array_append_new(change->errors, error);
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* returns  false: so much is wrong, or asked for, that the rest is not looked at */
static bool has_room(const mgr_api_change_t *change)
{
    return change->changes->nelts < CHANGES_MAX && json_array_size(change->errors) < ERRORS_MAX;
}

static const char *const about[] = { "balancer", "vhost", "member", "etag", NULL };

static bool is_about(const char *name)
{
    for (int i = 0; about[i]; i++) {
        if (strcmp(name, about[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Fields of a member go with a member, or with one that comes. */
static const char *take_field(mgr_api_change_t *change, const char *name, const json_t *value,
                              lb_change_t *begun)
{
    const bool is_of_member = begun->member || begun->new_member;
    const mgr_field_t *field = mgr_field_find(name, is_of_member);

    if (!field) {
        return is_of_member ? "is not a setting of a member" : "is not a setting of a balancer";
    }
    return mgr_field_take_json(change->visit->r->pool, field, value, begun);
}

/* A change without a balancer, or with a new member that has no URL, is wrong already: only its
 * settings are looked at. */
static void read_settings(mgr_api_change_t *change, int index, json_t *settings,
                          lb_change_t begun)
{
    const char *name;
    json_t *value;

    json_object_foreach(settings, name, value) {
        if (change->is_bulk && is_about(name)) {
            continue;
        }
        const char *wrong = take_field(change, name, value, &begun);
        if (wrong) {
            add_error(change, index, begun.member ? begun.member : begun.new_member, name,
                      wrong);
        }
    }
    if (begun.balancer && !(begun.new_member && !*begun.new_member)) {
        APR_ARRAY_PUSH(change->changes, lb_change_t) = begun;
        APR_ARRAY_PUSH(change->origins, int) = index;
    }
}

void mgr_api_change_read(mgr_api_change_t *change, json_t *settings, lb_change_t begun)
{
    if (!json_is_object(settings)) {
        add_error(change, 0, NULL, NULL, "the body must be a JSON object");
        return;
    }
    begun.balancer = change->visit->balancer->key;
    begun.vhost = change->visit->balancer->vhost;
    begun.member = change->visit->member ? change->visit->member->url : NULL;
    read_settings(change, 0, settings, begun);
}

void mgr_api_change_read_new(mgr_api_change_t *change, json_t *settings, lb_change_t begun)
{
    const json_t *url = json_object_get(settings, "url");

    begun.new_member = json_is_string(url)
                           ? apr_pstrdup(change->visit->r->pool, json_string_value(url))
                           : "";
    if (!*begun.new_member) {
        add_error(change, 0, NULL, "url", "must be the URL of the member to add");
    }
    json_object_del(settings, "url");
    mgr_api_change_read(change, settings, begun);
}

/* A text of a change; "" when it is left out, NULL when it is no text. */
static const char *text_of(const mgr_api_change_t *change, json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    if (!value) {
        return "";
    }
    return json_is_string(value)
               ? apr_pstrdup(change->visit->r->pool, json_string_value(value))
               : NULL;
}

typedef struct {
    int index;
    json_t *object;
    const char *balancer, *vhost, *member, *etag;
} wish_t;

static void read_members(mgr_api_change_t *change, const wish_t *wish,
                         const lb_balancer_view_t *balancer)
{
    lb_change_t begun = { 0 };
    const lb_member_view_t *one;

    begun.balancer = balancer->key;
    begun.vhost = balancer->vhost;
    if (strcmp(wish->member, "*") != 0) {
        one = mgr_balancer_calls_find_member(change->visit->r->pool, balancer, wish->member);
        begun.member = one ? one->url : wish->member;
        begun.revision = mgr_etag_revision(wish->etag);
        if (!one) {
            begun.balancer = NULL;
            add_error(change, wish->index, wish->member, "member",
                      apr_psprintf(change->visit->r->pool, "%s has no such member",
                                   balancer->name));
        }
        read_settings(change, wish->index, wish->object, begun);
        return;
    }
    const apr_array_header_t *members = balancer->owner->members;
    for (int i = 0; i < members->nelts && has_room(change); i++) {
        one = &APR_ARRAY_IDX(members, i, lb_member_view_t);
        if (!lb_member_view_leaves(one)) {
            begun.member = one->url;
            read_settings(change, wish->index, wish->object, begun);
        }
    }
}

/* Of the balancers that are meant, has an earlier one the same members? */
static bool is_inherited_again(const apr_array_header_t *balancers, int index, const char *vhost)
{
    const lb_balancer_view_t *balancer = &APR_ARRAY_IDX(balancers, index, lb_balancer_view_t);

    for (int i = 0; i < index; i++) {
        const lb_balancer_view_t *earlier = &APR_ARRAY_IDX(balancers, i, lb_balancer_view_t);
        if (earlier->owner_id == balancer->owner_id
            && (!*vhost || strcmp(earlier->vhost, vhost) == 0)) {
            return true;
        }
    }
    return false;
}

static void read_balancers(mgr_api_change_t *change, const wish_t *wish)
{
    const mgr_visit_t *visit = change->visit;
    const bool is_all = strcmp(wish->balancer, "*") == 0;
    int found = 0;

    for (int i = 0; i < visit->balancers->nelts; i++) {
        const lb_balancer_view_t *balancer =
            &APR_ARRAY_IDX(visit->balancers, i, lb_balancer_view_t);
        if ((is_all || strcmp(balancer->key, wish->balancer) == 0)
            && (!*wish->vhost || strcmp(balancer->vhost, wish->vhost) == 0)
            && !is_inherited_again(visit->balancers, i, wish->vhost)) {
            found++;
            if (is_all || found == 1) {
                read_members(change, wish, balancer);
            }
        }
    }
    if (found == 0) {
        add_error(change, wish->index, NULL, "balancer", "there is no such balancer");
    }
    else if (found > 1 && !is_all) {
        add_error(change, wish->index, NULL, "vhost",
                  "several virtual hosts have a balancer of this name: set vhost");
    }
}

static void read_one_of_many(mgr_api_change_t *change, int index, json_t *object)
{
    const wish_t wish = {
        .index = index,
        .object = object,
        .balancer = text_of(change, object, "balancer"),
        .vhost = text_of(change, object, "vhost"),
        .member = text_of(change, object, "member"),
        .etag = text_of(change, object, "etag"),
    };
    const lb_balancer_view_t *chosen = change->visit->balancer;

    if (!json_is_object(object)) {
        add_error(change, index, NULL, NULL, "must be an object");
    }
    else if (!wish.balancer || !wish.vhost || !wish.member || !wish.etag) {
        add_error(change, index, NULL, NULL, "balancer, vhost, member and etag must be strings");
    }
    else if (!*wish.member) {
        add_error(change, index, NULL, "member", "is missing; \"*\" stands for all members");
    }
    else if (*wish.etag && !mgr_etag_revision(wish.etag)) {
        add_error(change, index, wish.member, "etag", "was not issued by this server");
    }
    else if (chosen) {
        read_members(change, &wish, chosen);
    }
    else if (!*wish.balancer) {
        add_error(change, index, NULL, "balancer", "is missing; \"*\" stands for all balancers");
    }
    else {
        read_balancers(change, &wish);
    }
}

void mgr_api_change_read_many(mgr_api_change_t *change, json_t *changes)
{
    change->is_bulk = true;
    if (!json_is_array(changes)) {
        read_one_of_many(change, 0, changes);
        return;
    }
    for (size_t i = 0; i < json_array_size(changes) && has_room(change); i++) {
        read_one_of_many(change, (int)i, json_array_get(changes, i));
    }
    if (change->changes->nelts >= CHANGES_MAX) {
        add_error(change, 0, NULL, NULL, "too many changes in one request");
    }
}

/* ---- Doing it -------------------------------------------------------------------------------- */

static json_t *one_json(apr_pool_t *p, const lb_changed_t *c)
{
    return json_pack("{s:o, s:o, s:o, s:s, s:o, s:o}", "balancer",
                     mgr_api_reply_text(p, c->balancer), "vhost", mgr_api_reply_text(p, c->vhost),
                     "member", mgr_api_reply_text(p, c->member), "setting", c->setting, "before",
                     mgr_api_reply_text(p, c->before), "after", mgr_api_reply_text(p, c->after));
}

static json_t *changed_json(apr_pool_t *p, const apr_array_header_t *changed)
{
    json_t *list = json_array();

    for (int i = 0; i < changed->nelts; i++) {
        json_array_append_new(list, one_json(p, &APR_ARRAY_IDX(changed, i, lb_changed_t)));
    }
    return json_pack("{s:o}", "changed", list);
}

static int send_errors(const mgr_api_change_t *change, int status)
{
    const size_t count = json_array_size(change->errors);

    return mgr_api_reply_send(
        change->visit->r, status, json_pack("{s:O}", "errors", change->errors),
        "Nothing was changed: %d %s.", (int)count, count == 1 ? "error" : "errors");
}

static void add_refusals(const mgr_api_change_t *change, const apr_array_header_t *errors)
{
    for (int i = 0; i < errors->nelts; i++) {
        const lb_change_error_t *error = &APR_ARRAY_IDX(errors, i, lb_change_error_t);
        const lb_change_t *refused = &APR_ARRAY_IDX(change->changes, error->change, lb_change_t);
        add_error(change, APR_ARRAY_IDX(change->origins, error->change, int), refused->member,
                  error->setting, error->why);
    }
}

static int send_refusals(const mgr_api_change_t *change, const apr_array_header_t *errors)
{
    const int status = mgr_change_run_status(errors);

    add_refusals(change, errors);
    if (status == HTTP_PRECONDITION_FAILED) {
        mgr_change_run_refused(change->visit, change->what, "it has changed meanwhile");
    }
    return send_errors(change, status);
}

/* The member that came is what the visit is about. */
static void send_location(const mgr_api_change_t *change, const lb_change_result_t *result)
{
    mgr_visit_t *visit = change->visit;

    for (int i = 0; i < result->changed->nelts && visit->balancer; i++) {
        const lb_changed_t *c = &APR_ARRAY_IDX(result->changed, i, lb_changed_t);
        if (c->kind == LB_MEMBER_ADDED) {
            visit->member =
                mgr_balancer_calls_find_member(visit->r->pool, visit->balancer, c->member);
            apr_table_setn(visit->r->headers_out, "Location",
                           apr_pstrcat(visit->r->pool,
                                       ap_escape_uri(visit->r->pool, change->base),
                                       mgr_api_path_of_member(visit, visit->balancer,
                                                              c->member),
                                       NULL));
        }
    }
}

/* Of the one thing that it was about. */
static void send_etag(const mgr_visit_t *visit)
{
    if (visit->member) {
        mgr_etag_send(visit->r, visit->member->revision);
    }
    else if (visit->balancer) {
        mgr_etag_send(visit->r, visit->balancer->revision);
    }
}

int mgr_api_change_run(mgr_api_change_t *change, int status)
{
    mgr_visit_t *visit = change->visit;
    request_rec *r = visit->r;

    if (json_array_size(change->errors) > 0) {
        /* what is wrong with the other values is for the balancer to say */
        add_refusals(change, mgr_balancer_calls_check(r, change->changes));
        return send_errors(change, HTTP_BAD_REQUEST);
    }
    const lb_change_result_t *result = mgr_change_run(visit, change->changes);
    if (result->errors->nelts > 0) {
        return send_refusals(change, result->errors);
    }
    if (change->base) {
        send_location(change, result);
    }
    if (!change->is_bulk && status != HTTP_ACCEPTED) {
        send_etag(visit);
    }
    return mgr_api_reply_send_result(r, status, changed_json(r->pool, result->changed));
}
