/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fuzz_intent_json.c - any bytes as the document of another front: it is refused with a reason, or
 * what it says is within its bounds, written again says the same, and merged into itself changes
 * nothing. */
#include "intent_json.h"

#include <stdlib.h>
#include <string.h>

#include "text_input.h"

#define NOW apr_time_from_sec(INT64_C(1700000000))

static void check_wish(const lb_intent_t *wish)
{
    assert(*wish->balancer != '\0' && *wish->setting != '\0' && *wish->stamp.front != '\0');
    assert(strlen(wish->balancer) <= 1024 && strlen(wish->value) <= 1024);
    assert(wish->stamp.counter > 0 && wish->stamp.counter <= LB_INTENT_COUNTER_MAX);
    assert(wish->made_at >= 0 && wish->made_at <= NOW);
    assert(wish->standing == LB_INTENT_PENDING && wish->told.counter == 0);
}

/* Written so that it does not lean on what it looks at. */
static int order_of(const lb_intent_t *a, const lb_intent_t *b)
{
    const char *const keys[][2] = { { a->balancer, b->balancer },
                                    { a->vhost, b->vhost },
                                    { a->member, b->member },
                                    { a->setting, b->setting } };
    int order = 0;
    for (size_t i = 0; order == 0 && i < sizeof(keys) / sizeof(keys[0]); i++) {
        order = strcmp(keys[i][0], keys[i][1]);
    }
    return order;
}

/* Was its member added or removed later, by the other one? */
static bool is_void_by(const lb_intent_t *wish, const lb_intent_t *other)
{
    const uint64_t mine = wish->stamp.counter, its = other->stamp.counter;
    const bool is_later = its > mine
                          || (its == mine && strcmp(other->stamp.front, wish->stamp.front) > 0);

    return is_later && *wish->member != '\0' && strcmp(other->setting, "member") == 0
           && strcmp(wish->setting, "member") != 0 && strcmp(wish->balancer, other->balancer) == 0
           && strcmp(wish->vhost, other->vhost) == 0 && strcmp(wish->member, other->member) == 0;
}

/* In the order of keys, with nothing that is void. */
static void check_order(const lb_intents_t *intents)
{
    for (size_t i = 0; i < intents->count; i++) {
        const lb_intent_t *wish = &intents->entries[i];
        assert(i == 0 || order_of(&intents->entries[i - 1], wish) < 0);
        for (size_t k = 0; k < intents->count; k++) {
            assert(!is_void_by(wish, &intents->entries[k]));
        }
        assert(lb_fleet_intent_find(intents, wish) == wish);
        assert(lb_fleet_intent_put((lb_intents_t *)(uintptr_t)intents, wish) == NULL);
    }
}

static void check_written(apr_pool_t *p, const lb_intents_t *intents)
{
    const char *why = NULL;
    char *text = lb_intent_json_write(intents, NOW);
    assert(text != NULL);
    lb_intents_t *again = lb_intent_json_read_own(p, text, strlen(text), 0, &why);
    assert(again != NULL);
    char *twice = lb_intent_json_write(again, NOW);
    assert(strcmp(text, twice) == 0);
    free(text);
    free(twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *p = fuzz_pool();
    const char *why = NULL;
    lb_intents_t *intents =
        lb_intent_json_read_other(p, (const char *)data, size, NOW, &why);

    assert((intents == NULL) == (why != NULL));
    for (size_t i = 0; intents != NULL && i < intents->count; i++) {
        check_wish(&intents->entries[i]);
    }
    if (intents != NULL) {
        check_order(intents);
        check_written(p, intents);
    }
    return 0;
}
