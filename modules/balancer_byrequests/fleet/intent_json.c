/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* intent_json.c - see intent_json.h. */
#include "intent_json.h"

#include <jansson.h>
#include <stdbool.h>
#include <string.h>

#include "apr_strings.h"
#include "json_bytes.h"

enum {
    VERSION = 1,
    WISHES_MAX = 8192,    /* more than fit into a document */
    TEXT_MAX = 1024       /* characters; longer than any value */
};
#define LAST_SECOND INT64_C(253402300799)    /* of the year 9999: no sum of two overflows */

static const char *const standings[] = {
    [LB_INTENT_PENDING] = "pending",
    [LB_INTENT_REFUSED] = "refused",
    [LB_INTENT_DONE] = "done",
    [LB_INTENT_OVERRIDDEN] = "overridden",
};
enum { STANDINGS = sizeof(standings) / sizeof(standings[0]) };

const char *lb_intent_json_standing(lb_intent_standing_t standing)
{
    return standings[standing];
}

/* ---- Writing --------------------------------------------------------------------------------- */

static json_t *stamp_json(const lb_intent_stamp_t *stamp)
{
    return json_pack("{s:I, s:o}", "counter", (json_int_t)stamp->counter, "front",
                     lb_json_bytes_write(stamp->front));
}

/* What is not there is left out. */
static int add_text(json_t *o, const char *name, const char *text)
{
    return text && *text ? json_object_set_new(o, name, lb_json_bytes_write(text)) : 0;
}

static int add_stamp(json_t *o, const char *name, const lb_intent_stamp_t *stamp)
{
    return stamp->counter ? json_object_set_new(o, name, stamp_json(stamp)) : 0;
}

static json_t *wish_json(const lb_intent_t *wish)
{
    json_t *o = json_pack("{s:o, s:o, s:o, s:o, s:I, s:o, s:I, s:s}", "setting",
                          lb_json_bytes_write(wish->setting), "value",
                          lb_json_bytes_write(wish->value), "config",
                          lb_json_bytes_write(wish->configured), "by",
                          lb_json_bytes_write(wish->by), "counter",
                          (json_int_t)wish->stamp.counter, "front",
                          lb_json_bytes_write(wish->stamp.front), "at",
                          (json_int_t)apr_time_sec(wish->made_at), "standing",
                          standings[wish->standing]);

    if (add_text(o, "balancer", wish->balancer) | add_text(o, "vhost", wish->vhost)
        | add_text(o, "member", wish->member) | add_stamp(o, "over", &wish->over)
        | add_stamp(o, "told", &wish->told)) {
        json_decref(o);
        return NULL;
    }
    return o;
}

char *lb_intent_json_write(const lb_intents_t *intents, apr_time_t now)
{
    json_t *wishes = json_array();

    for (size_t i = 0; i < intents->count && wishes; i++) {
        if (json_array_append_new(wishes, wish_json(&intents->entries[i])) != 0) {
            json_decref(wishes);
            wishes = NULL;
        }
    }
    json_t *o = wishes ? json_pack("{s:i, s:I, s:I, s:o}", "version", VERSION, "at",
                                   (json_int_t)apr_time_sec(now), "counter",
                                   (json_int_t)intents->counter, "wishes", wishes)
                       : NULL;
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    return text;
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* A text that may be left out.
 * returns  NULL: it is no text, or too long */
static const char *read_text(apr_pool_t *p, const json_t *json, const char *name)
{
    const json_t *value = json_object_get(json, name);

    if (!value) {
        return "";
    }
    return json_string_length(value) <= TEXT_MAX ? lb_json_bytes_read(p, value) : NULL;
}

static bool is_counter(json_int_t number)
{
    return number > 0 && (uint64_t)number <= LB_INTENT_COUNTER_MAX;
}

static bool is_second(const json_t *json)
{
    return json_is_integer(json) && json_integer_value(json) >= 0
           && json_integer_value(json) <= LAST_SECOND;
}

/* None is right, too. */
static bool read_stamp(apr_pool_t *p, const json_t *json, lb_intent_stamp_t *stamp)
{
    const json_int_t counter = json_integer_value(json_object_get(json, "counter"));

    *stamp = (lb_intent_stamp_t){ 0 };
    if (!json) {
        return true;
    }
    *stamp = (lb_intent_stamp_t){ (uint64_t)counter, read_text(p, json, "front") };
    return is_counter(counter) && stamp->front && *stamp->front;
}

static bool read_standing(const json_t *json, lb_intent_standing_t *standing)
{
    const char *word = json_string_value(json);
    int i = 0;

    while (word && i < STANDINGS && strcmp(word, standings[i]) != 0) {
        i++;
    }
    *standing = (lb_intent_standing_t)i;
    return word && i < STANDINGS;
}

static bool read_wish(apr_pool_t *p, const json_t *json, lb_intent_t *wish)
{
    const json_t *configured = json_object_get(json, "config");
    const json_t *at = json_object_get(json, "at");
    const bool has_config = !json_is_null(configured);

    *wish = (lb_intent_t){
        .balancer = read_text(p, json, "balancer"),
        .vhost = read_text(p, json, "vhost"),
        .member = read_text(p, json, "member"),
        .setting = read_text(p, json, "setting"),
        .value = read_text(p, json, "value"),
        .configured = has_config ? read_text(p, json, "config") : NULL,
        .by = read_text(p, json, "by"),
        .made_at = is_second(at) ? apr_time_from_sec(json_integer_value(at)) : 0,
    };
    return wish->balancer && *wish->balancer && wish->vhost && wish->member && wish->setting
           && *wish->setting && wish->value && (wish->configured || !has_config) && configured
           && wish->by && is_second(at) && read_stamp(p, json, &wish->stamp)
           && read_stamp(p, json_object_get(json, "over"), &wish->over)
           && read_stamp(p, json_object_get(json, "told"), &wish->told)
           && read_standing(json_object_get(json, "standing"), &wish->standing);
}

lb_intents_t *lb_intent_json_make(apr_pool_t *p, size_t room)
{
    lb_intents_t *intents = apr_pcalloc(p, sizeof(*intents));

    intents->room = room;
    intents->entries = apr_pcalloc(p, room * sizeof(lb_intent_t));
    return intents;
}

static lb_intents_t *read_wishes(apr_pool_t *p, const json_t *wishes, size_t room)
{
    lb_intents_t *intents = lb_intent_json_make(p, json_array_size(wishes) + room);

    for (size_t i = 0; i < json_array_size(wishes); i++) {
        lb_intent_t wish;
        if (!read_wish(p, json_array_get(wishes, i), &wish)) {
            return NULL;
        }
        lb_fleet_intent_put(intents, &wish);
    }
    return intents;
}

/* at       written; us since 1970 */
static lb_intents_t *read_document(apr_pool_t *p, const json_t *json, size_t room, apr_time_t *at,
                                   const char **why)
{
    const json_t *version = json_object_get(json, "version");
    const json_t *written = json_object_get(json, "at");
    const json_t *wishes = json_object_get(json, "wishes");
    const json_int_t counter = json_integer_value(json_object_get(json, "counter"));

    if (!json_is_integer(version)) {
        *why = "it has no version";
        return NULL;
    }
    if (json_integer_value(version) != VERSION) {
        *why = apr_psprintf(p, "it has version %" JSON_INTEGER_FORMAT ", not %d",
                            json_integer_value(version), VERSION);
        return NULL;
    }
    *why = "a value is missing or has the wrong type";
    if (!is_second(written) || !json_is_array(wishes) || json_array_size(wishes) > WISHES_MAX
        || !(counter == 0 || is_counter(counter))) {
        return NULL;
    }
    lb_intents_t *intents = read_wishes(p, wishes, room);
    if (intents) {
        *why = NULL;
        *at = apr_time_from_sec(json_integer_value(written));
        lb_fleet_intent_see(intents, (uint64_t)counter);
    }
    return intents;
}

static lb_intents_t *read_text_of(apr_pool_t *p, const char *text, size_t bytes, size_t room,
                                  apr_time_t *at, const char **why)
{
    json_error_t error;
    json_t *json = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &error);

    if (!json) {
        *why = apr_psprintf(p, "it is not JSON, or truncated: line %d: %s", error.line, error.text);
        return NULL;
    }
    lb_intents_t *intents = read_document(p, json, room, at, why);
    json_decref(json);
    return intents;
}

lb_intents_t *lb_intent_json_read_own(apr_pool_t *p, const char *text, size_t bytes, size_t room,
                                      const char **why)
{
    apr_time_t at;
    return read_text_of(p, text, bytes, room, &at, why);
}

static apr_time_t not_in_the_future(apr_time_t at, apr_time_t now)
{
    if (at < 0) {
        return 0;
    }
    return at < now ? at : now;
}

lb_intents_t *lb_intent_json_read_other(apr_pool_t *p, const char *text, size_t bytes,
                                        apr_time_t now, const char **why)
{
    apr_time_t at = 0;
    lb_intents_t *intents = read_text_of(p, text, bytes, 0, &at, why);

    for (size_t i = 0; intents && i < intents->count; i++) {
        lb_intent_t *wish = &intents->entries[i];
        wish->made_at = not_in_the_future(wish->made_at + now - at, now);
        wish->standing = LB_INTENT_PENDING;
        wish->told = (lb_intent_stamp_t){ 0 };
    }
    return intents;
}
