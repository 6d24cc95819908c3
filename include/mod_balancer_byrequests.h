/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* mod_balancer_byrequests.h - the balancer's contract with the other two modules.
 * Implemented by  modules/balancer_byrequests/contract.c, as APR optional functions.
 * Called by       mod_proxy_fastcgi (tickets, checks) and mod_balancer_manager (snapshot, apply).
 * A caller retrieves the functions at post_config; NULL means that the balancer is not loaded. */
#ifndef MOD_BALANCER_BYREQUESTS_H
#define MOD_BALANCER_BYREQUESTS_H

#include <stdint.h>

#include "mod_proxy.h"

/* ---- How a try ended: one word, the same in the log, in notes and in counters. ---- */

/* What the end of a try says about the member. */
typedef enum {
    LB_SAYS_FINE,        /* it serves; what may have been its fault before is forgotten */
    LB_SAYS_WORKS,       /* it answers, and the application in it is at fault */
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
    X(LB_QUEUE_TIMEOUT,      "queue_timeout",      NOTHING)

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

/* ---- Tickets: the right to have one request in flight on one member. ---- */

typedef struct lb_ticket_t lb_ticket_t;

/* Where a request stands. */
typedef enum {
    LB_TURN_HELD,        /* it holds a right on `worker` */
    LB_TURN_QUEUED,      /* it waits for one */
    LB_TURN_REFUSED      /* there is none for it; the log and the notes say why */
} lb_turn_kind_t;

typedef struct {
    lb_turn_kind_t kind;
    proxy_worker *worker;              /* HELD */
    char *url;                         /* HELD: the request's path on it, r->filename has followed;
                                        * NULL: as it was */
    int fd;                            /* QUEUED: readable when it is to be asked again; -1: none */
    apr_interval_time_t timeout;       /* QUEUED: ask again after so many us at the latest */
} lb_turn_t;

/** The handler of this scheme waits for its turn itself: pre_request may give it a ticket that has
 *  none yet. To be called while httpd retrieves optional functions. */
APR_DECLARE_OPTIONAL_FN(void, lb_handler_waits, (const char *scheme));

/** The ticket that pre_request took for this request; it may still be queued.
 *  returns  NULL when no balancer is involved (a plain worker) */
APR_DECLARE_OPTIONAL_FN(lb_ticket_t *, lb_ticket_of, (request_rec *r));

/** The balancer that it belongs to. */
APR_DECLARE_OPTIONAL_FN(proxy_balancer *, lb_ticket_balancer, (lb_ticket_t *ticket));

/** Is it this request's turn? The handler asks at first, and again after each wait. A client that
 *  has left (connection->aborted) loses its place. */
APR_DECLARE_OPTIONAL_FN(lb_turn_t, lb_ticket_turn, (lb_ticket_t *ticket, request_rec *r));

/* What one try took. */
typedef struct {
    int http_status;                   /* of the member's answer; 0: it gave none */
    apr_interval_time_t connect;       /* us, with the TLS handshake; -1: a kept connection */
    apr_interval_time_t first_byte;    /* us from connected to the first byte; -1: none came */
    apr_interval_time_t whole;         /* us from the begin of the try to its end */
} lb_measures_t;

/** Give the right back and say how the try ended; a second call does nothing.
 *  A failure counts against the member (maxfails, failwindow, retry, ignore errors).
 *  measures  counted for the member; NULL: nothing was measured */
APR_DECLARE_OPTIONAL_FN(void, lb_ticket_release,
                        (lb_ticket_t *ticket, lb_outcome_t outcome,
                         const lb_measures_t *measures));

/** After a released try, take a right on another member for the same request. REFUSED: no member is
 *  left that was not tried, or maxattempts is reached (the ticket stays released). */
APR_DECLARE_OPTIONAL_FN(lb_turn_t, lb_ticket_next, (lb_ticket_t *ticket, request_rec *r));

/** While the request waits for its client it needs no right, and no place in the queue: give both
 *  back, keep the election. */
APR_DECLARE_OPTIONAL_FN(void, lb_ticket_pause, (lb_ticket_t *ticket));

/** Take the right again: on the same member, or on another when that one is not usable any more. */
APR_DECLARE_OPTIONAL_FN(lb_turn_t, lb_ticket_resume, (lb_ticket_t *ticket, request_rec *r));

/** May a request with this ticket wait without a thread? Not when other requests of its balancer
 *  hold threads while they wait for the same members: they could wait for a request that has
 *  none. */
APR_DECLARE_OPTIONAL_FN(int, lb_ticket_may_park, (lb_ticket_t *ticket));

/** The request holds no thread any more (+1), or has one again (-1). */
APR_DECLARE_OPTIONAL_FN(void, lb_ticket_note_parked, (lb_ticket_t *ticket, int by));

/* ---- Parameters ---- */

/** The worker whose parameters, as the configuration was read, hold for this member of a balancer:
 *  itself, or another one when the member was added or moved at run time. */
APR_DECLARE_OPTIONAL_FN(const proxy_worker *, lb_configured_worker, (const proxy_worker *worker));

/* ---- Checks: the balancer says when and judges, mod_proxy_fastcgi asks the members. ---- */

typedef struct {
    proxy_worker *worker;
    server_rec *server;
    const char *name;          /* of the member, for the log */
    const char *method;        /* GET, HEAD, OPTIONS; NULL: to connect is all */
    const char *uri;           /* script path and query of the request */
    const char *status_uri;    /* path of FPM's status page; NULL: it is not read */
    const char *status_address;    /* host:port or unix:/path of it; NULL: the member's */
    apr_interval_time_t timeout;   /* us, for the check; once more for the status page */
    int only_status;           /* nothing is checked: only the status page is read */
} lb_check_t;

/* PHP-FPM's own numbers, from its status page. */
typedef struct {
    uint32_t idle, active, total;      /* children */
    uint32_t listen_queue;             /* connections that wait for a child */
    uint32_t max_children_reached;     /* how often it had no child to spare, since its start */
} lb_fpm_numbers_t;

typedef struct {
    lb_outcome_t outcome;      /* LB_SERVED: connected, and answered if there was a request */
    const char *why;           /* a sentence about a failure */
    int http_status;           /* of the answer; 0: there was none */
    apr_table_t *headers;      /* of the answer; NULL: there was none */
    const char *body;          /* its first bytes */
    apr_size_t body_bytes;
    apr_interval_time_t took;  /* us */
    int has_fpm_numbers;
    lb_fpm_numbers_t fpm;
} lb_check_result_t;

/** How many members are checked? Fixed while a configuration lasts. */
APR_DECLARE_OPTIONAL_FN(int, lb_checks_count, (void));

/** The next check that is due: it counts as begun, and is not due again before it was reported.
 *  To be asked by one process at a time.
 *  wait     set when none is due: us until one is
 *  returns  NULL when none is due */
APR_DECLARE_OPTIONAL_FN(const lb_check_t *, lb_checks_next, (apr_interval_time_t *wait));

/** Report how a check ended: counts, and puts the member out of service or back into it. */
APR_DECLARE_OPTIONAL_FN(void, lb_checks_report,
                        (const lb_check_t *check, const lb_check_result_t *result,
                         apr_pool_t *p));

/* ---- Snapshot: what the manager shows. Plain copies, taken without a lock. ---- */

/* How long something took, in buckets: 1, 2 and 5 of each power of ten from 100 us to 100 s. */
#define LB_TIMES_BUCKETS 20

/** The upper bounds of the buckets, us; the last has none: INT64_MAX. */
static inline apr_interval_time_t lb_times_bound(int bucket)
{
    static const apr_interval_time_t steps[] = { 1, 2, 5 };
    apr_interval_time_t bound = 100;

    for (int decade = bucket / 3; decade > 0; decade--) {
        bound *= 10;
    }
    return bucket < LB_TIMES_BUCKETS - 1 ? bound * steps[bucket % 3] : INT64_MAX;
}

typedef struct {
    uint64_t    buckets[LB_TIMES_BUCKETS];    /* each for itself, not cumulative */
    uint64_t    sum;           /* us */
} lb_times_t;

/* What is counted of a member; it never falls. */
typedef struct {
    uint64_t    elected;       /* elections that led to a try */
    uint64_t    failures;      /* tries that ended in the member's failure */
    uint64_t    bytes_sent;    /* to the member */
    uint64_t    bytes_read;    /* from the member */
    uint64_t    responses[6];  /* by class: [2] for 200 to 299; [0]: tries without an answer */
    uint64_t    ends[LB_OUTCOME_COUNT];       /* tries by lb_outcome_t */
    lb_times_t  queue_times;   /* of requests that waited in the queue and came here */
    lb_times_t  connect_times; /* of new connections */
    lb_times_t  first_byte_times, whole_times;
} lb_counted_t;

/* The last minute; rates are per second. */
typedef struct {
    double      requests, failures;
    apr_interval_time_t p50, p95, p99;        /* of the first byte, us; -1: there was none */
} lb_recent_t;

/* One point of a balancer's past. */
typedef struct {
    apr_time_t  at;
    double      requests, failures;           /* per second since the point before */
    uint32_t    in_flight, queued;
    apr_interval_time_t p50, p95;             /* of the first byte, us; -1: there was none */
} lb_sample_t;

typedef struct {
    const char *name;          /* as mod_proxy shows it: "unix:/path|fcgi://host" for sockets */
    const char *url;           /* the worker's own URL: the form parameter `w` of stock's manager */
    const char *scheme;
    const char *hostname;
    int         port;          /* 0 for a unix socket */
    const char *state;         /* ok, or what is most wrong: see state_word() in snapshot.c */
    const char *status;        /* stock's words: "Init Ok ", "Init Err ", ... */
    unsigned int status_bits;  /* PROXY_WORKER_* */
    uint64_t    revision;      /* another one as soon as what operators set is another; never 0 */
    const char *route;
    const char *redirect;
    int         weight_hundredths;   /* loadfactor * 100: 100 to 10000 */
    int         lbset;
    int         lbstatus;      /* byrequests: hundredths of a request it has had ahead, negative */
    uint64_t    elected;       /* elections, since counted_since */
    uint32_t    in_flight;     /* requests at this member now, over all processes */
    uint32_t    limit;         /* of in_flight; 0 = none */
    uint32_t    queued;        /* sessions that wait for this member */
    uint32_t    queue_limit;   /* how many may */
    apr_interval_time_t queue_timeout;        /* us */
    uint32_t    parked;        /* of those in flight: they hold no thread */
    uint64_t    failures;      /* tries that ended in the member's failure */
    const char *last_error;    /* outcome word of the last failure, NULL for none */
    apr_time_t  last_error_at; /* 0 for none */
    apr_time_t  next_trial_at; /* when a member in error is tried again; 0 when not in error or
                                * when the trial is under way */
    int         is_checked;    /* it has checks (hcmethod); the next four are about them */
    apr_time_t  checked_at;    /* 0: not yet */
    const char *check_outcome; /* outcome word of the last check, NULL for none */
    uint32_t    check_passes, check_fails;    /* in a row; one of them is 0 */
    apr_interval_time_t check_took;           /* us */
    apr_time_t  fpm_numbers_at;               /* when fpm was read; 0: never */
    lb_fpm_numbers_t fpm;
    uint64_t    bytes_sent;    /* to the member */
    uint64_t    bytes_read;    /* from the member */
    int         retries;
    apr_interval_time_t retry;     /* us out of service after a failure */
    int         pool_min, pool_smax, pool_max;    /* stock's min, smax, max */
    apr_interval_time_t ttl, timeout, acquire;    /* us; 0 = not set */
    apr_size_t  recv_buffer_bytes, io_buffer_bytes;   /* 0 = not set */
    int         keepalive;     /* -1 not set, 0 off, 1 on */
    const char *flush_packets; /* off, on, auto */
    apr_interval_time_t flush_wait;
    apr_time_t  since;         /* when its state began; 0 = not known */
    int         strikes;       /* failures that count now: maxfails of them put it out */
    int         share_percent; /* 100, or less while it starts slowly (slowstart) */
    apr_time_t  drain_until;   /* draining, and then disabled; 0: no deadline, or not draining */

    /* Since counted_since, over all restarts; reset_counters sets them to 0. */
    apr_time_t  counted_since;
    uint64_t    responses[6];  /* by class: [2] for 200 to 299; [0]: tries without an answer */
    uint64_t    ends[LB_OUTCOME_COUNT];       /* tries by lb_outcome_t */
    lb_times_t  queue_times;   /* of requests that waited in the queue and came here */
    lb_times_t  connect_times; /* of new connections */
    lb_times_t  first_byte_times, whole_times;
    lb_recent_t recent;
    /* What was counted before counted_since, for those who show what never falls; NULL: nothing.
     * `elected` and the like are what came after it. */
    const lb_counted_t *before;
    uint64_t    forgotten;     /* elections that led to no try, and are not in elected; all */

    /* What the configuration says, for what can be changed at run time. A member that was added at
     * run time is_added, and these repeat its run-time values. */
    int         is_added;
    const char *config_url;    /* another one than url when it was moved */
    int         config_weight_hundredths;
    int         config_lbset;
    const char *config_route;
    const char *config_redirect;
    unsigned int config_status_bits;
    uint32_t    config_limit;
    uint32_t    config_queue_limit;
    apr_interval_time_t config_queue_timeout;
} lb_member_view_t;

typedef struct {
    const char *name;          /* balancer://name */
    const char *key;           /* name without the scheme: the form parameter `b` */
    const char *vhost;         /* name, and port if configured, of the virtual host it belongs to */
    const char *lbmethod;
    const char *sticky;        /* cookie name, "" for none */
    const char *sticky_path;   /* URL parameter name */
    int         nofailover;
    int         forcerecovery;
    int         path_delimiter_is_semicolon;      /* scolonpathdelim */
    apr_interval_time_t timeout;   /* us to wait for a usable member; 0 = do not wait */
    int         max_attempts;      /* -1 not set */
    const char *nonce;         /* "" when switched off by nonce=None */
    uint32_t    queued;        /* requests that wait for any of its members */
    int         free_slots;    /* members that can still be added at run time */
    int         id;            /* unique in one snapshot and stable while httpd runs */
    int         owner_id;      /* of the balancer whose members these are: its own id, or that of
                                * the one it has inherited them from */
    int         is_persistent; /* BalancerPersist: changes outlive a full restart */
    apr_time_t  counted_since;
    uint64_t    revision;      /* of its own settings; see lb_member_view_t */
    uint64_t    refused[LB_OUTCOME_COUNT];    /* requests that got no member, by lb_outcome_t */
    uint64_t    refused_before[LB_OUTCOME_COUNT];     /* before counted_since */
    lb_recent_t recent;
    apr_array_header_t *past;  /* of lb_sample_t, oldest first: the last minutes */

    /* What the configuration says, for what can be changed at run time. */
    const char *config_lbmethod;
    const char *config_sticky;
    const char *config_sticky_path;
    int         config_nofailover;
    apr_interval_time_t config_timeout;
    int         config_max_attempts;
    apr_array_header_t *members;   /* of lb_member_view_t */
} lb_balancer_view_t;

/** All balancers of all virtual hosts, each once: an inherited balancer stands under the host that
 *  defines it, unless the heir has settings of its own.
 *  returns  array of lb_balancer_view_t, in p */
APR_DECLARE_OPTIONAL_FN(apr_array_header_t *, lb_snapshot, (apr_pool_t *p, server_rec *any));

/** The same, one balancer after the other: thousands of members then take the memory of hundreds.
 *  take   called for each; what it is given is gone when it returns */
APR_DECLARE_OPTIONAL_FN(void, lb_snapshot_each,
                        (apr_pool_t *p, server_rec *any,
                         void (*take)(void *data, const lb_balancer_view_t *balancer),
                         void *data));

/* ---- Actions: what the manager changes. ---- */

/* The highest that limit, queue_limit and queue_timeout (us) may be set to. */
#define LB_LIMIT_MAX         1000000
#define LB_QUEUE_TIMEOUT_MAX apr_time_from_sec(86400)

/* A NULL string and a negative number mean "leave as it is". */
typedef struct {
    const char *balancer;      /* key, as in the view; required */
    const char *vhost;         /* as in the view; NULL: the first balancer of that key */
    const char *member;        /* url or name, as in the view; NULL: the settings of a member are
                                  those of new_member, if there is one */
    uint64_t    revision;      /* of the member, without member of the balancer: if it is another
                                  one by now, nothing is changed; 0: whatever it is */

    int         weight_hundredths;   /* 100 to 10000 */
    int         lbset;               /* 0 to 99 */
    const char *route, *redirect;    /* "" clears */
    struct { char flag; int set; } status[8];     /* flag: one of I N D H R S C, 0 ends the list */
    apr_interval_time_t drain_deadline;           /* us from now: drain (N) until then, and then
                                                     disable; 0: without a deadline; -1: leave */
    int         limit;               /* requests at the member at once; 0: no limit */
    int         queue_limit;         /* how many may wait for it */
    apr_interval_time_t queue_timeout;            /* us */

    const char *lbmethod;
    apr_interval_time_t timeout;     /* us */
    int         max_attempts;        /* 0 to 99 */
    int         nofailover;          /* 0 or 1 */
    const char *sticky;              /* "cookie" or "cookie|parameter"; "-" clears */
    const char *new_member;          /* URL of a member to add, disabled until it is enabled */
    const char *new_address;         /* "host:port" for the member; its URL changes with it */
    int         remove_member;       /* 1: it takes no new request, and goes with its last */
    int         reset_counters;      /* 1: of the member, or of the balancer and all its members */
} lb_action_t;

/** An action that changes nothing. */
static inline lb_action_t lb_action_none(void)
{
    return (lb_action_t){ .weight_hundredths = -1, .lbset = -1, .timeout = -1,
                          .drain_deadline = -1,
                          .max_attempts = -1, .nofailover = -1, .limit = -1,
                          .queue_limit = -1, .queue_timeout = -1 };
}

/* Why an action cannot be carried out. */
typedef enum {
    LB_WRONG_VALUE,
    LB_NOT_THERE,              /* no such balancer or member */
    LB_CHANGED_MEANWHILE,      /* its revision is another one */
    LB_NOT_NOW                 /* right in itself: no free slot, the last member, ... */
} lb_refusal_t;

typedef struct {
    int          action;       /* index in the array */
    lb_refusal_t refusal;
    const char  *setting;      /* as in lb_change_t; "": the whole action */
    const char  *why;          /* what is wrong and the cure */
} lb_action_error_t;

/* One thing that is different now. */
typedef struct {
    int         action;        /* index in the array */
    const char *balancer;      /* its name, as in the view */
    const char *vhost;
    const char *member;        /* its url, as in the view; NULL: the balancer itself */
    const char *setting;       /* weight, lbset, route, ...: the names in setting.c; "address" of a
                                  member that was moved, "member" of one that came or goes */
    const char *before, *after;
} lb_change_t;

typedef struct {
    apr_array_header_t *errors;      /* of lb_action_error_t */
    apr_array_header_t *changes;     /* of lb_change_t; without errors */
} lb_result_t;

/** Carry out actions: all of them when there is no error in any, else none. What is as it should be
 *  already is no change. No two actions for the same member; one of them may add or move one.
 *  actions  array of lb_action_t
 *  returns  in p */
APR_DECLARE_OPTIONAL_FN(lb_result_t *, lb_apply,
                        (apr_pool_t *p, server_rec *any, const apr_array_header_t *actions));

/** What lb_apply() would refuse now; nothing is changed.
 *  returns  array of lb_action_error_t, in p */
APR_DECLARE_OPTIONAL_FN(apr_array_header_t *, lb_apply_errors,
                        (apr_pool_t *p, server_rec *any, const apr_array_header_t *actions));

#endif
