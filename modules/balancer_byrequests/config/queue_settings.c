/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* queue_settings.c - see queue_settings.h. */
#include "queue_settings.h"

#include "apr_cstr.h"
#include "apr_strings.h"
#include "balancer_action.h"
#include "directive.h"

static const char *const orders[] = {
    [LB_ORDER_FIFO] = "fifo",
    [LB_ORDER_LIFO] = "lifo",
    [LB_ORDER_ADAPTIVE] = "adaptive",
};

const char *lb_queue_settings_order_word(lb_queue_order_t order)
{
    return orders[order];
}

static const char *take_order(apr_pool_t *p, lb_queue_settings_t *settings, const char *value)
{
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        if (apr_cstr_casecmp(value, orders[i]) == 0) {
            settings->order = (lb_queue_order_t)i;
            return NULL;
        }
    }
    return "is not fifo, lifo or adaptive";
}

static const char *take_target(apr_pool_t *p, lb_queue_settings_t *settings, const char *value)
{
    return fcgi_directive_time_limit(value, 1000, &settings->target)
           ? NULL : "is no duration from 1ms to 24h; use a number of seconds, or of ms, s, m or h "
                    "as in 500ms";
}

static const char *take_reserve(apr_pool_t *p, lb_queue_settings_t *settings, const char *value)
{
    return fcgi_directive_count(value, 0, LB_LIMIT_MAX, &settings->reserve)
           ? NULL : apr_psprintf(p, "is no whole number from 0 to %d", LB_LIMIT_MAX);
}

bool lb_queue_settings_take(apr_pool_t *p, lb_queue_settings_t *settings, const char *word,
                            const char **err)
{
    static const struct {
        const char *name;
        const char *(*take)(apr_pool_t *p, lb_queue_settings_t *settings, const char *value);
    } words[] = {
        { "queueorder=", take_order },
        { "queuetarget=", take_target },
        { "queuereserve=", take_reserve },
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        const size_t length = strlen(words[i].name);
        if (apr_cstr_casecmpn(word, words[i].name, length) == 0) {
            *err = words[i].take(p, settings, word + length);
            return true;
        }
    }
    return false;
}
