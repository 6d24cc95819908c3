/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fuzz_field.c - any bytes as the JSON of a change: a setting is taken within its bounds or refused
 * with a reason, and one that is refused changes nothing; a text goes the way of a form, too. */
#include <stdbool.h>

#include "field.h"
#include "text_input.h"

enum { BIGGEST = 30 * 86400 };    /* whole number that any setting takes */

static bool is_clean(const char *text)
{
    for (; text != NULL && *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7F) {
            return false;
        }
    }
    return true;
}

static bool is_within(int64_t number, int64_t least, int64_t most)
{
    return number == -1 || (number >= least && number <= most);
}

static void check_bounds(const lb_action_t *a)
{
    assert(is_within(a->weight_hundredths, 100, 10000) && is_within(a->lbset, 0, 99));
    assert(is_within(a->limit, 0, LB_LIMIT_MAX) && is_within(a->queue_limit, 0, LB_LIMIT_MAX));
    assert(is_within(a->queue_timeout, 0, LB_QUEUE_TIMEOUT_MAX));
    assert(is_within(a->drain_deadline, 0, apr_time_from_sec(BIGGEST)));
    assert(is_within(a->timeout, 0, apr_time_from_sec(7200)) && is_within(a->max_attempts, 0, 99));
    assert(is_within(a->nofailover, 0, 1));
    assert((a->remove_member | 1) == 1 && (a->reset_counters | 1) == 1);
    assert(is_clean(a->route) && is_clean(a->redirect) && is_clean(a->sticky));
    assert(is_clean(a->lbmethod) && is_clean(a->new_address));
}

/* Known flags, each once, and the end of the list within it. */
static void check_flags(const lb_action_t *a)
{
    const size_t room = sizeof(a->status) / sizeof(a->status[0]);
    size_t i = 0;
    for (; i < room && a->status[i].flag != '\0'; i++) {
        assert(strchr("INDHRCS", a->status[i].flag) != NULL && (a->status[i].set | 1) == 1);
        for (size_t k = 0; k < i; k++) {
            assert(a->status[k].flag != a->status[i].flag);
        }
    }
    assert(i < room);
}

static void check(const lb_action_t *action, const lb_action_t *before, const char *wrong)
{
    check_bounds(action);
    check_flags(action);
    assert(wrong == NULL
           || (strncmp(wrong, "must ", 5) == 0 && memcmp(action, before, sizeof(*action)) == 0));
}

static void take(apr_pool_t *p, const char *name, const json_t *value, bool is_of_member,
                 lb_action_t *action)
{
    const mgr_field_t *field = mgr_field_find(name, is_of_member);
    lb_action_t before;
    if (field != NULL) {
        memcpy(&before, action, sizeof(before));
        const char *wrong = mgr_field_take_json(p, field, value, action);
        check(action, &before, wrong);
        assert(wrong != NULL || !json_is_integer(value)
               || (json_integer_value(value) >= 0 && json_integer_value(value) <= BIGGEST));
    }
    if (field != NULL && json_is_string(value)) {
        memcpy(&before, action, sizeof(before));
        check(action, &before, mgr_field_take(p, field, json_string_value(value), action));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *p = fuzz_pool();
    lb_action_t of_member = lb_action_none(), of_balancer = lb_action_none();
    json_error_t error;
    json_t *body = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, &error);
    const char *name;
    json_t *value;
    json_object_foreach(body, name, value) {
        take(p, name, value, true, &of_member);
        take(p, name, value, false, &of_balancer);
    }
    json_decref(body);
    return 0;
}
