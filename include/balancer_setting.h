/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* balancer_setting.h - what operators can change at run time: one row for each setting.
 * Knows    name, owner, type and range of each: nothing else in the modules knows a range.
 * Ignores  where values lie (members/setting.c), how they are read and written as texts
 *          (shared/setting_value.h). */
#ifndef BALANCER_SETTING_H
#define BALANCER_SETTING_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "balancer_numbers.h"
#include "mod_proxy.h"

typedef enum {
    LB_WHOLE,         /* a whole number; below 0: not set */
    LB_LIMIT,         /* a whole number up to LB_LIMIT_MAX, or LB_LIMIT_AUTO */
    LB_HUNDREDTHS,    /* a number with two decimals: 1.25 is 125 */
    LB_SECONDS,       /* us, of whole seconds */
    LB_DURATION,      /* us, of whole milliseconds */
    LB_MOMENT,        /* us since 1970; 0: none */
    LB_SWITCH,        /* 0 or 1 */
    LB_TEXT           /* "": none */
} lb_setting_type_t;

typedef enum {
    LB_IS_KEPT,       /* it outlives a restart, and another value makes another revision */
    LB_IS_TRANSIENT,  /* others than operators change it as well: neither of that */
    LB_IS_WISH        /* it is asked for and never read: what it does shows in other settings */
} lb_setting_life_t;

#define LB_DAY_US INT64_C(86400000000)

/* So many characters fit in. */
#define LB_ROOM(type, field) ((int64_t)sizeof(((type *)0)->field) - 1)

/* In the order in which changes are told and saved.
 * X: id, name, of a member?, type, least and greatest number, or characters of a text; life
 * FLAG: id, name, letter in status= and in forms, bit of mod_proxy's status word; life. A switch of
 *       a member */
#define LB_SETTINGS(X, FLAG)                                                                       \
    X(WEIGHT, "weight", true, HUNDREDTHS, 100, 10000, KEPT)                                        \
    X(LBSET, "lbset", true, WHOLE, 0, 99, KEPT)                                                    \
    X(ROUTE, "route", true, TEXT, 0, LB_ROOM(proxy_worker_shared, route), KEPT)                    \
    X(REDIRECT, "redirect", true, TEXT, 0, LB_ROOM(proxy_worker_shared, redirect), KEPT)           \
    FLAG(IGNORE_ERRORS, "ignore_errors", 'I', PROXY_WORKER_IGNORE_ERRORS, KEPT)                    \
    FLAG(DRAINING, "draining", 'N', PROXY_WORKER_DRAIN, KEPT)                                      \
    FLAG(DISABLED, "disabled", 'D', PROXY_WORKER_DISABLED, KEPT)                                   \
    FLAG(STANDBY, "standby", 'H', PROXY_WORKER_HOT_STANDBY, KEPT)                                  \
    FLAG(SPARE, "spare", 'R', PROXY_WORKER_HOT_SPARE, KEPT)                                        \
    FLAG(STOPPED, "stopped", 'S', PROXY_WORKER_STOPPED, KEPT)                                      \
    FLAG(CHECK_FAILED, "health_check_failed", 'C', PROXY_WORKER_HC_FAIL, TRANSIENT)                \
    X(DRAIN_UNTIL, "drain_until", true, MOMENT, 0, INT64_MAX, KEPT)                                \
    X(DRAIN_DEADLINE, "drain_deadline", true, SECONDS, 0, 30 * LB_DAY_US, WISH)                    \
    X(LIMIT, "limit", true, LIMIT, 0, LB_LIMIT_AUTO, KEPT)                                         \
    X(QUEUE_LIMIT, "queue_limit", true, WHOLE, 0, LB_LIMIT_MAX, KEPT)                              \
    X(QUEUE_TIMEOUT, "queue_timeout", true, DURATION, 0, LB_DAY_US, KEPT)                          \
    X(LBMETHOD, "lbmethod", false, TEXT, 0, LB_ROOM(proxy_balancer_shared, lbpname), KEPT)         \
    X(TIMEOUT, "timeout", false, SECONDS, 0, apr_time_from_sec(7200), KEPT)                        \
    X(MAX_ATTEMPTS, "max_attempts", false, WHOLE, 0, 99, KEPT)                                     \
    X(NOFAILOVER, "nofailover", false, SWITCH, 0, 1, KEPT)                                         \
    X(STICKY, "sticky", false, TEXT, 0, LB_ROOM(proxy_balancer_shared, sticky_path), KEPT)

typedef enum {
#define X(id, ...) LB_SETTING_##id,
    LB_SETTINGS(X, X)
#undef X
    LB_SETTING_COUNT
} lb_setting_id_t;

typedef struct {
    lb_setting_id_t id;
    const char *name;          /* in the state file, in JSON and in the audit */
    bool is_of_member;         /* else of a balancer */
    lb_setting_type_t type;
    int64_t min, max;          /* a text's: characters */
    lb_setting_life_t life;
    char flag;                 /* letter; 0: it is no flag */
    unsigned int bit;
} lb_setting_t;

static const lb_setting_t lb_settings[LB_SETTING_COUNT] = {
#define X(id, name, is_of_member, type, min, max, life) \
    { LB_SETTING_##id, name, is_of_member, LB_##type, min, max, LB_IS_##life, 0, 0 },
#define FLAG(id, name, letter, bit, life) \
    { LB_SETTING_##id, name, true, LB_SWITCH, 0, 1, LB_IS_##life, letter, bit },
    LB_SETTINGS(X, FLAG)
#undef X
#undef FLAG
};

/* Which of the two, the type says. */
typedef union {
    int64_t number;
    const char *text;
} lb_value_t;

/* Values of some settings. */
typedef struct {
    uint32_t given;                      /* a bit for each setting that has one here */
    lb_value_t of[LB_SETTING_COUNT];
} lb_values_t;

static_assert(LB_SETTING_COUNT <= 32, "each has a bit");

static inline bool lb_values_have(const lb_values_t *values, lb_setting_id_t id)
{
    return values->given >> id & 1;
}

/** Of two values for one setting the last counts. */
static inline void lb_values_put(lb_values_t *values, lb_setting_id_t id, lb_value_t value)
{
    values->given |= UINT32_C(1) << id;
    values->of[id] = value;
}

static inline void lb_values_put_number(lb_values_t *values, lb_setting_id_t id, int64_t number)
{
    lb_values_put(values, id, (lb_value_t){ .number = number });
}

#endif
