/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* intent_view.c - see intent_view.h. */
#include "intent_view.h"

#include "intent_json.h"
#include "intent_keeper.h"
#include "intent_target.h"

static const char *what_became_of(apr_pool_t *p, const lb_intent_t *wish)
{
    if (wish->standing == LB_INTENT_PENDING) {
        const lb_intent_target_t target = lb_intent_target_find(p, wish);
        if (target.balancer && lb_intent_target_is_configured_otherwise(p, &target, wish)) {
            return "configured";
        }
    }
    return lb_intent_json_standing(wish->standing);
}

apr_array_header_t *lb_intent_view_take(apr_pool_t *p)
{
    uint64_t hash;
    const lb_intents_t *intents = lb_intent_keeper_read(p, &hash);
    apr_array_header_t *changes =
        apr_array_make(p, (int)intents->count + 1, sizeof(lb_fleet_change_t));

    for (size_t i = 0; i < intents->count; i++) {
        const lb_intent_t *wish = &intents->entries[i];
        APR_ARRAY_PUSH(changes, lb_fleet_change_t) = (lb_fleet_change_t){
            .vhost = wish->vhost,
            .key = wish->balancer,
            .member = *wish->member ? lb_intent_target_url(wish->member) : NULL,
            .setting = wish->setting,
            .value = wish->value,
            .by = wish->by,
            .front = wish->stamp.front,
            .at = wish->made_at,
            .here = what_became_of(p, wish),
        };
    }
    return changes;
}
