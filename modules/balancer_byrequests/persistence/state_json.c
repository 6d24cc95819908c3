/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* state_json.c - see state_json.h. */
#include "state_json.h"

#include <jansson.h>
#include <string.h>

#include "apr_strings.h"
#include "json_bytes.h"

enum { VERSION = 1 };
static const char format[] = "mod_balancer_byrequests";

/* ---- Writing --------------------------------------------------------------------------------- */

/* Takes the values over; they may be NULL, for lack of memory.
 * returns  NULL: no memory */
static json_t *values_json(const apr_array_header_t *values)
{
    json_t *o = json_object();

    for (int i = 0; i < values->nelts; i++) {
        const lb_saved_value_t *v = &APR_ARRAY_IDX(values, i, lb_saved_value_t);
        json_t *pair = json_pack("{s:o, s:o}", "run_time", lb_json_bytes_write(v->value), "config",
                                 lb_json_bytes_write(v->configured));
        if (!pair || json_object_set_new(o, v->name, pair) != 0) {
            json_decref(o);
            return NULL;
        }
    }
    return o;
}

static json_t *member_json(const lb_saved_member_t *member)
{
    json_t *o = json_pack("{s:o, s:o}", "url", lb_json_bytes_write(member->url), "values",
                          values_json(member->values));
    int failed = !o;

    if (member->is_added) {
        failed |= json_object_set_new(o, "added", json_true());
    }
    if (member->is_removed) {
        failed |= json_object_set_new(o, "removed", json_true());
    }
    if (member->banned_since) {
        failed |= json_object_set_new(o, "ban",
                                      json_pack("{s:I, s:I}", "since_us",
                                                (json_int_t)member->banned_since, "for_us",
                                                (json_int_t)member->ban));
    }
    if (failed) {
        json_decref(o);
        return NULL;
    }
    return o;
}

static json_t *balancer_json(const lb_saved_balancer_t *balancer)
{
    json_t *members = json_array();

    for (int i = 0; i < balancer->members->nelts; i++) {
        const lb_saved_member_t *m = &APR_ARRAY_IDX(balancer->members, i, lb_saved_member_t);
        if (json_array_append_new(members, member_json(m)) != 0) {
            json_decref(members);
            return NULL;
        }
    }
    return json_pack("{s:o, s:o, s:o, s:o}", "name", lb_json_bytes_write(balancer->name), "vhost",
                     lb_json_bytes_write(balancer->vhost), "values", values_json(balancer->values),
                     "members", members);
}

char *lb_state_json_write(const lb_saved_state_t *state)
{
    json_t *balancers = json_array();
    int failed = !balancers;

    for (int i = 0; i < state->balancers->nelts && !failed; i++) {
        const lb_saved_balancer_t *b = &APR_ARRAY_IDX(state->balancers, i, lb_saved_balancer_t);
        failed = json_array_append_new(balancers, balancer_json(b)) != 0;
    }
    if (failed) {
        json_decref(balancers);
        return NULL;
    }
    json_t *o = json_pack("{s:s, s:i, s:I, s:o}", "format", format, "version", VERSION, "saved_at",
                          (json_int_t)apr_time_sec(state->saved_at), "balancers", balancers);
    char *text = o ? json_dumps(o, JSON_INDENT(2)) : NULL;
    json_decref(o);
    return text;
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* returns  NULL when something in it is not as it should be */
static apr_array_header_t *read_values(apr_pool_t *p, json_t *json)
{
    apr_array_header_t *values = apr_array_make(p, 4, sizeof(lb_saved_value_t));
    const char *name;
    json_t *pair;

    if (!json_is_object(json)) {
        return NULL;
    }
    json_object_foreach(json, name, pair) {
        const json_t *configured = json_object_get(pair, "config");
        lb_saved_value_t v = {
            .name = apr_pstrdup(p, name),
            .value = lb_json_bytes_read(p, json_object_get(pair, "run_time")),
            .configured = lb_json_bytes_read(p, configured),
        };
        if (!v.value || !(v.configured || json_is_null(configured))) {
            return NULL;
        }
        APR_ARRAY_PUSH(values, lb_saved_value_t) = v;
    }
    return values;
}

#define LAST_SECOND INT64_C(253402300799)    /* of the year 9999: no sum of two overflows */

static bool is_time(json_int_t number, json_int_t units_per_second)
{
    return number >= 0 && number / units_per_second <= LAST_SECOND;
}

static bool read_member(apr_pool_t *p, lb_saved_member_t *member, json_t *json)
{
    const json_t *ban = json_object_get(json, "ban");

    *member = (lb_saved_member_t){
        .url = lb_json_bytes_read(p, json_object_get(json, "url")),
        .is_added = json_is_true(json_object_get(json, "added")),
        .is_removed = json_is_true(json_object_get(json, "removed")),
        .values = read_values(p, json_object_get(json, "values")),
        .banned_since = json_integer_value(json_object_get(ban, "since_us")),
        .ban = json_integer_value(json_object_get(ban, "for_us")),
    };
    return member->url && member->values && is_time(member->banned_since, APR_USEC_PER_SEC)
           && is_time(member->ban, APR_USEC_PER_SEC);
}

static bool read_balancer(apr_pool_t *p, lb_saved_balancer_t *balancer, json_t *json)
{
    json_t *members = json_object_get(json, "members"), *member;
    size_t i;

    *balancer = (lb_saved_balancer_t){
        .name = lb_json_bytes_read(p, json_object_get(json, "name")),
        .vhost = lb_json_bytes_read(p, json_object_get(json, "vhost")),
        .values = read_values(p, json_object_get(json, "values")),
        .members = apr_array_make(p, 4, sizeof(lb_saved_member_t)),
    };
    bool is_right = balancer->name && balancer->vhost && balancer->values
                    && json_is_array(members);
    json_array_foreach(members, i, member) {
        is_right = is_right && read_member(p, apr_array_push(balancer->members), member);
    }
    return is_right;
}

static lb_saved_state_t *read_state(apr_pool_t *p, json_t *json, const char **why)
{
    lb_saved_state_t *state = apr_pcalloc(p, sizeof(*state));
    const json_t *version = json_object_get(json, "version");
    const char *name = json_string_value(json_object_get(json, "format"));
    json_t *balancers = json_object_get(json, "balancers"), *balancer;
    size_t i;

    if (!name || strcmp(name, format) != 0 || !json_is_integer(version)) {
        *why = "it is not a balancer state file";
        return NULL;
    }
    if (json_integer_value(version) != VERSION) {
        *why = apr_psprintf(p, "it has version %" JSON_INTEGER_FORMAT ", not %d",
                            json_integer_value(version), VERSION);
        return NULL;
    }
    const json_int_t saved_at = json_integer_value(json_object_get(json, "saved_at"));
    bool is_right = json_is_array(balancers) && is_time(saved_at, 1);
    state->saved_at = is_right ? apr_time_from_sec(saved_at) : 0;
    state->balancers = apr_array_make(p, 8, sizeof(lb_saved_balancer_t));
    json_array_foreach(balancers, i, balancer) {
        is_right = is_right && read_balancer(p, apr_array_push(state->balancers), balancer);
    }
    *why = is_right ? NULL : "a value is missing or has the wrong type";
    return is_right ? state : NULL;
}

lb_saved_state_t *lb_state_json_read(apr_pool_t *p, const char *text, size_t bytes,
                                     const char **why)
{
    json_error_t error;
    json_t *json = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &error);

    if (!json) {
        *why = apr_psprintf(p, "it is not JSON, or truncated: line %d: %s", error.line, error.text);
        return NULL;
    }
    lb_saved_state_t *state = read_state(p, json, why);
    json_decref(json);
    return state;
}
