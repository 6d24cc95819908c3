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

static bool are_losses(uint64_t lost, uint64_t served)
{
    return lost >= LB_LOSS_LEAST && lost * LB_LOSS_SHARE > lost + served;
}

/* Has the oldest waited too long for as long as an interval? */
static bool is_over(const lb_delay_t *delay, const lb_queue_rule_t *rule, int64_t now)
{
    return delay->over_since != 0 && now - delay->over_since > target_of(delay, rule);
}

static void begin_interval(lb_delay_t *delay, int64_t until)
{
    delay->until = until;
    delay->served_before = delay->served;
    delay->lost_before = delay->lost;
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

/* Each interval in which all are served in turn costs as many requests as it has, so this is asked
 * at any time. The losses of a few moments say something only beside what an interval serves. */
static bool has_come_to_stand(const lb_delay_t *delay, const lb_queue_rule_t *rule, int64_t now)
{
    return is_over(delay, rule, now)
           && (rule->target_is_promised
               || are_losses((uint64_t)delay->lost + delay->lost_before,
                             (uint64_t)delay->served + delay->served_before));
}

static void begin_to_stand(lb_delay_t *delay)
{
    delay->stands = 1;
    delay->hold = longer(delay->hold);
    delay->held = delay->hold;
}

/* At the end of an interval. While the newest go first there may be no sign of overload left to
 * see, so now and then all are served in turn for an interval; when that loses requests again, the
 * next time is later. */
static void judge(lb_delay_t *delay, const lb_queue_rule_t *rule, int64_t now)
{
    if (!is_over(delay, rule, now)) {
        delay->stands = delay->hold = 0;
    }
    else if (!delay->stands) {
        delay->hold /= 2;
    }
    else if (!rule->target_is_promised && !are_losses(delay->lost, delay->served)
             && --delay->held == 0) {
        delay->stands = 0;
    }
}

void lb_delay_look(lb_delay_t *delay, const lb_queue_rule_t *rule, int64_t waited, int64_t now)
{
    if (waited <= target_of(delay, rule)) {
        delay->over_since = 0;
    }
    else if (delay->over_since == 0) {
        delay->over_since = now;
    }
    if (waited == 0) {
        delay->stands = 0;
    }
    if (!delay->stands && has_come_to_stand(delay, rule, now)) {
        begin_to_stand(delay);
    }
    if (now >= delay->until) {
        judge(delay, rule, now);
        begin_interval(delay, now + target_of(delay, rule));
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
