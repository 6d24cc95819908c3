/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* balancer_state.h - states in one word: of a member, the worst thing that is true of it; why it is
 *                    so; where the member comes from; of a name in DNS that members come from.
 * Ignores  httpd: plain C11. */
#ifndef BALANCER_STATE_H
#define BALANCER_STATE_H

#include <stdbool.h>

/* name, word: in the order in which they are shown */
#define LB_STATES(X)                     \
    X(OK,          "ok")                 \
    X(ERROR,       "error")              \
    X(TRIAL,       "trial")              \
    X(HEALTH_FAIL, "health_fail")        \
    X(DRAINING,    "draining")           \
    X(DISABLED,    "disabled")           \
    X(STOPPED,     "stopped")            \
    X(STANDBY,     "standby")            \
    X(SPARE,       "spare")              \
    X(SHUTDOWN,    "shutdown")           \
    X(REMOVING,    "removing")           \
    X(GONE,        "gone")

typedef enum {
#define X(name, word) LB_STATE_##name,
    LB_STATES(X)
#undef X
    LB_STATE_COUNT
} lb_state_t;

/** The word of a state, as it stands in JSON, in metrics and on the page. */
static inline const char *lb_state_word(lb_state_t state)
{
    static const char *const words[] = {
#define X(name, word) word,
        LB_STATES(X)
#undef X
    };
    return words[state];
}

/** Is the member out of service because it failed, not because somebody wants it so? */
static inline bool lb_state_is_failed(lb_state_t state)
{
    return state == LB_STATE_ERROR || state == LB_STATE_TRIAL || state == LB_STATE_HEALTH_FAIL;
}

/* name, word: why a state began: requests failed, one that was sent on trial was served, checks, an
 * operator, a drain's deadline passed, DNS, the configuration at a restart; or it was found out
 * afterwards: mod_proxy and its mod_proxy_hcheck tell nobody */
#define LB_CAUSES(X)                     \
    X(FAILURES,      "failures")         \
    X(TRIAL,         "trial")            \
    X(CHECK,         "check")            \
    X(OPERATOR,      "operator")         \
    X(DEADLINE,      "deadline")         \
    X(DISCOVERY,     "discovery")        \
    X(CONFIGURATION, "configuration")    \
    X(OTHER,         "other")

typedef enum {
#define X(name, word) LB_CAUSE_##name,
    LB_CAUSES(X)
#undef X
    LB_CAUSE_COUNT
} lb_cause_t;

/** The word of a cause. */
static inline const char *lb_cause_word(lb_cause_t cause)
{
    static const char *const words[] = {
#define X(name, word) word,
        LB_CAUSES(X)
#undef X
    };
    return words[cause];
}

/* name, word: where members come from */
#define LB_ORIGINS(X)                    \
    X(CONFIGURED,  "configured")         \
    X(ADDED,       "added")              \
    X(DISCOVERED,  "discovered")

typedef enum {
#define X(name, word) LB_ORIGIN_##name,
    LB_ORIGINS(X)
#undef X
} lb_origin_t;

/** The word of an origin. */
static inline const char *lb_origin_word(lb_origin_t origin)
{
    static const char *const words[] = {
#define X(name, word) word,
        LB_ORIGINS(X)
#undef X
    };
    return words[origin];
}

/* name, word: a source has had no answer yet; its last answer has addresses; its last answer says
 * that there are none; its last query failed, and what it knows is as old as its last answer */
#define LB_SOURCE_STATES(X)              \
    X(WAITING,     "waiting")            \
    X(OK,          "ok")                 \
    X(EMPTY,       "empty")              \
    X(STALE,       "stale")

typedef enum {
#define X(name, word) LB_SOURCE_##name,
    LB_SOURCE_STATES(X)
#undef X
    LB_SOURCE_STATE_COUNT
} lb_source_state_t;

/** The word of a source's state. */
static inline const char *lb_source_state_word(lb_source_state_t state)
{
    static const char *const words[] = {
#define X(name, word) word,
        LB_SOURCE_STATES(X)
#undef X
    };
    return words[state];
}

#endif
