/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* controlled_delay.c - see controlled_delay.h. */
#include "controlled_delay.h"

#define PATIENCE_PARTS 8    /* the mean follows each of them by one part */

/* When somebody is old. */
static int64_t target_of(const lb_delay_t *delay, const lb_queue_rule_t *rule)
{
    const int64_t half = delay->patience_us / 2;
    return !rule->target_is_promised && half > 0 && half < rule->target ? half : rule->target;
}

static bool has_losses(const lb_delay_t *delay)
{
    return delay->lost >= LB_LOSS_LEAST
           && (uint64_t)delay->lost * LB_LOSS_SHARE > (uint64_t)delay->lost + delay->served;
}

static void begin_interval(lb_delay_t *delay, int64_t waited, int64_t until)
{
    delay->until = until;
    delay->least = waited;
    delay->served = delay->lost = 0;
}

void lb_delay_count_served(lb_delay_t *delay)
{
    delay->served++;
}

void lb_delay_count_refused(lb_delay_t *delay)
{
    delay->lost += !delay->stands;
}

void lb_delay_count_gone(lb_delay_t *delay, int64_t waited)
{
    const int64_t mean = delay->patience_us;
    const int64_t counted = waited < 1 ? 1 : waited < UINT32_MAX ? waited
                                                                 : UINT32_MAX;

    delay->lost++;
    delay->patience_us =
        (uint32_t)(mean == 0 ? counted : mean + (counted - mean) / PATIENCE_PARTS);
}

static uint32_t longer(uint32_t hold)
{
    return hold == 0 ? LB_HOLD_FIRST : 4 * hold < LB_HOLD_MAX ? 4 * hold
                                                              : LB_HOLD_MAX;
}

/* While the newest go first there may be no sign of overload left to see, so now and then all are
 * served in turn for an interval; when that loses requests again, the next time is later. */
static void judge(lb_delay_t *delay, const lb_queue_rule_t *rule)
{
    if (delay->least <= target_of(delay, rule)) {
        delay->stands = delay->hold = 0;
    }
    else if (rule->target_is_promised) {
        delay->stands = 1;
    }
    else if (has_losses(delay)) {
        if (!delay->stands) {
            delay->hold = longer(delay->hold);
            delay->held = delay->hold;
        }
        delay->stands = 1;
    }
    else if (!delay->stands) {
        delay->hold /= 2;
    }
    else if (--delay->held == 0) {
        delay->stands = 0;
    }
}

void lb_delay_look(lb_delay_t *delay, const lb_queue_rule_t *rule, int64_t waited, int64_t now)
{
    if (waited < delay->least) {
        delay->least = waited;
    }
    if (waited == 0) {
        delay->stands = 0;
    }
    if (now >= delay->until) {
        judge(delay, rule);
        begin_interval(delay, waited, now + target_of(delay, rule));
    }
}

int64_t lb_delay_old_before(const lb_delay_t *delay, const lb_queue_rule_t *rule, int64_t now)
{
    switch (rule->order) {
    case LB_ORDER_LIFO:
        return INT64_MAX;
    case LB_ORDER_ADAPTIVE:
        return delay->stands ? now - target_of(delay, rule) : INT64_MIN;
    default:
        return INT64_MIN;
    }
}

bool lb_delay_is_too_late(const lb_delay_t *delay, const lb_queue_rule_t *rule, int64_t waited)
{
    return rule->order == LB_ORDER_ADAPTIVE && delay->stands && waited > 2 * rule->target;
}
