/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* balancer_outcome.h - how a try ended: one word, the same in the log, in notes and in counters.
 * Ignores  httpd: plain C11. */
#ifndef BALANCER_OUTCOME_H
#define BALANCER_OUTCOME_H

/* What the end of a try says about the member. */
typedef enum {
    LB_SAYS_FINE,        /* it serves; what may have been its fault before is forgotten */
    LB_SAYS_WORKS,       /* it answers: the fault is the application's in it, or ours */
    LB_SAYS_NOTHING,
    LB_SAYS_BUSY,        /* it has too much to do: the others are asked first for a moment */
    LB_SAYS_LATE,        /* perhaps a failure: if failontimeout=On */
    LB_SAYS_DOUBTFUL,    /* a failure, perhaps the request's own fault */
    LB_SAYS_DOWN         /* a failure */
} lb_says_t;

/* name, word, what it says about the member */
#define LB_OUTCOMES(X)                                         \
    X(LB_SERVED,             "ok",                 FINE)       \
    X(LB_CLIENT_ABORT,       "client_abort",       NOTHING)    \
    X(LB_CLIENT_ERROR,       "client_error",       NOTHING)    \
    X(LB_CONNECT_REFUSED,    "connect_refused",    DOWN)       \
    X(LB_CONNECT_TIMEOUT,    "connect_timeout",    DOWN)       \
    X(LB_CONNECT_BUSY,       "connect_busy",       BUSY)       \
    X(LB_CONNECT_FAILED,     "connect_failed",     DOWN)       \
    X(LB_TLS_FAILED,         "tls_failed",         DOWN)       \
    X(LB_STALE,              "backend_eof",        NOTHING)    \
    X(LB_FIRST_BYTE_TIMEOUT, "first_byte_timeout", LATE)       \
    X(LB_READ_TIMEOUT,       "read_timeout",       LATE)       \
    X(LB_WRITE_TIMEOUT,      "write_timeout",      LATE)       \
    X(LB_TOTAL_TIMEOUT,      "total_timeout",      LATE)       \
    X(LB_BACKEND_EOF,        "backend_eof",        DOUBTFUL)   \
    X(LB_PROTOCOL,           "protocol",           DOUBTFUL)   \
    X(LB_BAD_RESPONSE,       "bad_response",       WORKS)      \
    X(LB_OVERLOADED,         "overloaded",         BUSY)       \
    X(LB_TOO_BIG_HEADER,     "too_big_header",     WORKS)      \
    X(LB_BAD_STATUS,         "bad_status",         DOUBTFUL)   \
    X(LB_NO_MEMBER,          "no_member",          NOTHING)    \
    X(LB_QUEUE_FULL,         "queue_full",         NOTHING)    \
    X(LB_QUEUE_TIMEOUT,      "queue_timeout",      NOTHING)    \
    X(LB_NO_TIME,            "no_time",            NOTHING)    \
    X(LB_SHED,               "shed",               NOTHING)    \
    X(LB_FILTER_ERROR,       "filter_error",       WORKS)    \
    X(LB_FILE_ERROR,         "file_error",         NOTHING)

typedef enum {
#define X(name, word, says) name,
    LB_OUTCOMES(X)
#undef X
    LB_OUTCOME_COUNT
} lb_outcome_t;

/** The word of an outcome, as it stands in logs and notes. */
static inline const char *lb_outcome_word(lb_outcome_t outcome)
{
    static const char *const words[] = {
#define X(name, word, says) word,
        LB_OUTCOMES(X)
#undef X
    };
    return words[outcome];
}

/** What an outcome says about the member. */
static inline lb_says_t lb_outcome_says(lb_outcome_t outcome)
{
    static const lb_says_t says[] = {
#define X(name, word, what) LB_SAYS_##what,
        LB_OUTCOMES(X)
#undef X
    };
    return says[outcome];
}

#endif
