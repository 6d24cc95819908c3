/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* setting_value.h - the values of settings: from texts, to texts, and what to say of a wrong one.
 * Knows    types and ranges (include/balancer_setting.h).
 * Ignores  which setting it is, and whether a form, a file or the audit has the text.
 * Memory   the caller's pool.   Threads: any, no state. */
#ifndef FC_SETTING_VALUE_H
#define FC_SETTING_VALUE_H

#include "balancer_setting.h"

/** Read a text as fc_setting_value_text() writes it; a duration may also have another unit, and a
 *  weight any number of decimals, of which two count.
 *  value    of a text: the text itself
 *  returns  false when it is none, or out of range: *value is then untouched */
bool fc_setting_value_read(const lb_setting_t *setting, const char *text, lb_value_t *value);

/** Is it within the range? */
bool fc_setting_value_is_allowed(const lb_setting_t *setting, lb_value_t value);

/** What is wrong with a value that is not, and the cure: "must be a whole number from 0 to 99". */
const char *fc_setting_value_refusal(apr_pool_t *p, const lb_setting_t *setting);

/** What people call 1: a weight of 100, a second of 1000000 us. */
int64_t fc_setting_value_unit(const lb_setting_t *setting);

/** The range of numbers, for people: "0 to 99". */
const char *fc_setting_value_range(apr_pool_t *p, const lb_setting_t *setting);

/** "1.25", "on", "500ms", ... */
const char *fc_setting_value_text(apr_pool_t *p, const lb_setting_t *setting, lb_value_t value);

/** A time as RFC 3339 has it, in UTC with milliseconds; "" for 0.
 *  moment   us since 1970 */
const char *fc_setting_value_moment(apr_pool_t *p, int64_t moment);

bool fc_setting_value_is(const lb_setting_t *setting, lb_value_t a, lb_value_t b);

#endif
