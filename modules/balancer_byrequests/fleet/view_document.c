/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* view_document.c - see view_document.h.
 * Numbers that are 0, flags that are off and the state "ok" are not written: of many members most
 * are idle. A name that is no UTF-8 cannot be written, and is left out as if it had no room. */
#include "view_document.h"

#include <jansson.h>
#include <string.h>

#include "apr_strings.h"

enum { VERSION = 1 };

/* ---- The numbers of a member: name, field ---------------------------------------------------- */

typedef struct {
    const char *name;
    size_t at;
} number_t;

static const number_t numbers[] = {
    { "in_flight", offsetof(lb_front_member_t, in_flight) },
    { "queued", offsetof(lb_front_member_t, queued) },
    { "limit", offsetof(lb_front_member_t, limit) },
    { "share", offsetof(lb_front_member_t, share) },
    { "floor", offsetof(lb_front_member_t, floor) },
    { "checked", offsetof(lb_front_member_t, checked) },
};

static const number_t counters[] = {
    { "elected", offsetof(lb_front_member_t, elected) },
    { "failures", offsetof(lb_front_member_t, failures) },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static uint32_t *number_of(lb_front_member_t *member, const number_t *number)
{
    return (uint32_t *)(void *)((char *)member + number->at);
}

static uint64_t *counter_of(lb_front_member_t *member, const number_t *counter)
{
    return (uint64_t *)(void *)((char *)member + counter->at);
}

/* ---- Writing --------------------------------------------------------------------------------- */

static void put_number(json_t *o, const char *name, uint64_t number)
{
    if (number) {
        json_object_set_new(o, name, json_integer((json_int_t)(number & INT64_MAX)));
    }
}

static void put_flag(json_t *o, const char *name, bool is_on)
{
    if (is_on) {
        json_object_set_new(o, name, json_true());
    }
}

/* returns  NULL: it cannot be written */
static json_t *member_json(const lb_front_member_t *member)
{
    lb_front_member_t copy = *member;
    json_t *o = json_pack("{s:s}", "name", member->name);

    if (!o) {
        return NULL;
    }
    if (member->state != LB_STATE_OK) {
        json_object_set_new(o, "state", json_string(lb_state_word(member->state)));
    }
    put_flag(o, "failing", member->is_failing);
    put_flag(o, "passed", member->has_passed);
    put_flag(o, "shared", member->is_shared);
    for (size_t i = 0; i < COUNT(numbers); i++) {
        put_number(o, numbers[i].name, *number_of(&copy, &numbers[i]));
    }
    for (size_t i = 0; i < COUNT(counters); i++) {
        put_number(o, counters[i].name, *counter_of(&copy, &counters[i]));
    }
    return o;
}

/* A document that is being written. */
typedef struct {
    json_t *balancers;
    size_t room;               /* bytes */
    uint32_t left_out;
} draft_t;

/* Takes `json` over.
 * returns  false: it has no room, or there is none */
static bool append(draft_t *draft, json_t *array, json_t *json)
{
    const size_t bytes = json ? json_dumpb(json, NULL, 0, JSON_COMPACT) + 1 : 0;

    if (bytes == 0 || bytes > draft->room || json_array_append(array, json) != 0) {
        json_decref(json);
        return false;
    }
    json_decref(json);
    draft->room -= bytes;
    return true;
}

/* Does it say more than that all is well? */
static bool has_news(const lb_front_member_t *member)
{
    return member->state != LB_STATE_OK || member->is_failing || member->in_flight > 0
           || member->queued > 0 || member->share != member->floor;
}

static void put_members(draft_t *draft, json_t *into, const lb_front_balancer_t *balancer,
                        bool with_news)
{
    for (int i = 0; i < balancer->members->nelts; i++) {
        const lb_front_member_t *member =
            &APR_ARRAY_IDX(balancer->members, i, lb_front_member_t);
        if (has_news(member) == with_news) {
            draft->left_out += !into || !append(draft, into, member_json(member));
        }
    }
}

/* returns  where its members go; NULL: it has no room */
static json_t *put_balancer(draft_t *draft, const lb_front_balancer_t *balancer)
{
    json_t *members = json_array();
    json_t *o = json_pack("{s:s, s:s, s:I, s:O}", "vhost", balancer->vhost, "balancer",
                          balancer->key, "queued", (json_int_t)balancer->queued, "members",
                          members);
    const bool is_in = append(draft, draft->balancers, o);

    json_decref(members);
    return is_in ? members : NULL;
}

/* Balancers first, then members with news, then the others. */
static void put_balancers(apr_pool_t *p, draft_t *draft, const apr_array_header_t *balancers)
{
    json_t **members = apr_palloc(p, (apr_size_t)(balancers->nelts + 1) * sizeof(json_t *));

    for (int i = 0; i < balancers->nelts; i++) {
        members[i] = put_balancer(draft, &APR_ARRAY_IDX(balancers, i, lb_front_balancer_t));
    }
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < balancers->nelts; i++) {
            put_members(draft, members[i], &APR_ARRAY_IDX(balancers, i, lb_front_balancer_t),
                        pass == 0);
        }
    }
}

static json_t *head_of(const lb_front_view_t *view, const draft_t *draft)
{
    return json_pack("{s:i, s:s, s:I, s:b, s:I, s:O}", "version", VERSION, "software",
                     view->software, "generation", (json_int_t)(view->generation & INT64_MAX),
                     "makes_checks", view->makes_checks, "left_out", (json_int_t)draft->left_out,
                     "balancers", draft->balancers);
}

static size_t bytes_of_head(const lb_front_view_t *view, json_t *no_balancers)
{
    const draft_t longest = { .balancers = no_balancers, .left_out = UINT32_MAX };
    json_t *head = head_of(view, &longest);
    const size_t bytes = head ? json_dumpb(head, NULL, 0, JSON_COMPACT) : LB_VIEW_DOCUMENT_MAX;

    json_decref(head);
    return bytes;
}

const char *lb_view_document_write(apr_pool_t *p, const lb_front_view_t *view)
{
    draft_t draft = { .balancers = json_array() };
    char *text = apr_palloc(p, LB_VIEW_DOCUMENT_MAX + 1);

    draft.room = LB_VIEW_DOCUMENT_MAX - bytes_of_head(view, draft.balancers);
    put_balancers(p, &draft, view->balancers);
    json_t *json = head_of(view, &draft);
    const size_t bytes = json ? json_dumpb(json, text, LB_VIEW_DOCUMENT_MAX, JSON_COMPACT) : 0;
    json_decref(json);
    json_decref(draft.balancers);
    text[bytes] = '\0';
    return bytes > 0 ? text : NULL;
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* What is not there is 0.
 * returns  false: it is there, and no number that may be */
static bool read_number(const json_t *o, const char *name, uint64_t most, uint64_t *number)
{
    const json_t *json = json_object_get(o, name);

    *number = (uint64_t)json_integer_value(json);    /* a negative one is more than any may be */
    return !json || (json_is_integer(json) && *number <= most);
}

static bool read_short(const json_t *o, const char *name, uint32_t *number)
{
    uint64_t read;
    const bool is_right = read_number(o, name, UINT32_MAX, &read);

    *number = (uint32_t)read;
    return is_right;
}

static bool read_flag(const json_t *o, const char *name, bool *is_on)
{
    const json_t *json = json_object_get(o, name);

    *is_on = json_is_true(json);
    return !json || json_is_boolean(json);
}

static bool read_name(apr_pool_t *p, const json_t *o, const char *name, const char **text)
{
    const char *value = json_string_value(json_object_get(o, name));

    *text = value ? apr_pstrdup(p, value) : NULL;
    return value && *value;
}

/* A state that only later versions know is none that elections use: "stopped". */
static bool read_state(const json_t *o, lb_state_t *state)
{
    const json_t *json = json_object_get(o, "state");
    const char *word = json_string_value(json);

    *state = json ? LB_STATE_STOPPED : LB_STATE_OK;
    for (lb_state_t known = 0; word && known < LB_STATE_COUNT; known++) {
        if (strcmp(word, lb_state_word(known)) == 0) {
            *state = known;
        }
    }
    return !json || word;
}

static bool read_member(apr_pool_t *p, lb_front_member_t *member, const json_t *json)
{
    *member = (lb_front_member_t){ 0 };
    bool is_right = read_name(p, json, "name", &member->name) && read_state(json, &member->state)
                    && read_flag(json, "failing", &member->is_failing)
                    && read_flag(json, "passed", &member->has_passed)
                    && read_flag(json, "shared", &member->is_shared);

    for (size_t i = 0; i < COUNT(numbers) && is_right; i++) {
        is_right = read_short(json, numbers[i].name, number_of(member, &numbers[i]));
    }
    for (size_t i = 0; i < COUNT(counters) && is_right; i++) {
        is_right =
            read_number(json, counters[i].name, INT64_MAX, counter_of(member, &counters[i]));
    }
    return is_right;
}

static bool read_balancer(apr_pool_t *p, lb_front_balancer_t *balancer, const json_t *json)
{
    const json_t *members = json_object_get(json, "members");
    bool is_right = read_name(p, json, "vhost", &balancer->vhost)
                    && read_name(p, json, "balancer", &balancer->key)
                    && read_short(json, "queued", &balancer->queued) && json_is_array(members);

    balancer->members = apr_array_make(p, 8, sizeof(lb_front_member_t));
    for (size_t i = 0; i < json_array_size(members) && is_right; i++) {
        is_right =
            read_member(p, apr_array_push(balancer->members), json_array_get(members, i));
    }
    return is_right;
}

static const lb_front_view_t *read_view(apr_pool_t *p, const json_t *json, const char **why)
{
    lb_front_view_t *view = apr_pcalloc(p, sizeof(*view));
    const json_t *version = json_object_get(json, "version");
    const json_t *balancers = json_object_get(json, "balancers");

    if (!json_is_integer(version) || json_integer_value(version) != VERSION) {
        *why = apr_psprintf(p, "it is not a view of version %d", VERSION);
        return NULL;
    }
    bool is_right = read_name(p, json, "software", &view->software)
                    && read_number(json, "generation", INT64_MAX, &view->generation)
                    && read_flag(json, "makes_checks", &view->makes_checks)
                    && read_short(json, "left_out", &view->left_out) && json_is_array(balancers);
    view->balancers = apr_array_make(p, 8, sizeof(lb_front_balancer_t));
    for (size_t i = 0; i < json_array_size(balancers) && is_right; i++) {
        is_right =
            read_balancer(p, apr_array_push(view->balancers), json_array_get(balancers, i));
    }
    *why = is_right ? NULL : "a value is missing or has the wrong type";
    return is_right ? view : NULL;
}

const lb_front_view_t *lb_view_document_read(apr_pool_t *p, const char *text, size_t bytes,
                                             const char **why)
{
    json_error_t error;

    if (bytes > LB_VIEW_DOCUMENT_MAX) {
        *why = apr_psprintf(p, "it is larger than %d bytes", LB_VIEW_DOCUMENT_MAX);
        return NULL;
    }
    json_t *json = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &error);
    if (!json) {
        *why = apr_psprintf(p, "it is not JSON, or truncated: %s", error.text);
        return NULL;
    }
    const lb_front_view_t *view = read_view(p, json, why);
    json_decref(json);
    return view;
}
