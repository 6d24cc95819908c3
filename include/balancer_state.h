/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* balancer_state.h - the state of a member: the worst thing that is true of it, one word.
 * Ignores  httpd: plain C11. */
#ifndef BALANCER_STATE_H
#define BALANCER_STATE_H

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

#endif
