/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* queue_settings.c - see queue_settings.h. */
#include "queue_settings.h"

#include <stddef.h>

#include "apr_cstr.h"
#include "apr_strings.h"
#include "balancer_action.h"
#include "directive.h"
#include "parameter.h"

static const char *const orders[] = {
    [LB_ORDER_FIFO] = "fifo",
    [LB_ORDER_LIFO] = "lifo",
    [LB_ORDER_ADAPTIVE] = "adaptive",
};

const char *lb_queue_settings_order_word(lb_queue_order_t order)
{
    return orders[order];
}

static const char *set_order(apr_pool_t *p, lb_queue_settings_t *settings, const char *value,
                             const char *whose)
{
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        if (apr_cstr_casecmp(value, orders[i]) == 0) {
            settings->order = (lb_queue_order_t)i;
            return NULL;
        }
    }
    return apr_psprintf(p, "%s: queueorder=%s is not fifo, lifo or adaptive", whose, value);
}

bool lb_queue_settings_take(apr_pool_t *p, lb_queue_settings_t *settings, const char *word,
                            const char *whose, const char **err)
{
    static const fc_parameter_t parameters[] = {
        { "queuetarget", FC_DURATION, offsetof(lb_queue_settings_t, target), 1000,
          FC_TIME_LIMIT_MAX },
        { "queuereserve", FC_COUNT, offsetof(lb_queue_settings_t, reserve), 0, LB_LIMIT_MAX },
    };
    const char *equals = strchr(word, '=');
    const char *key = equals ? apr_pstrmemdup(p, word, (apr_size_t)(equals - word)) : word;
    const fc_parameter_t *parameter =
        fc_parameter_find(parameters, sizeof(parameters) / sizeof(parameters[0]), key);

    if (!equals) {
        return false;
    }
    if (apr_cstr_casecmp(key, "queueorder") == 0) {
        *err = set_order(p, settings, equals + 1, whose);
        return true;
    }
    if (parameter) {
        *err = fc_parameter_set(parameter, settings, equals + 1, whose, p);
    }
    return parameter != NULL;
}
