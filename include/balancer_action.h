/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* balancer_action.h - what the manager changes, why it may be refused, what is different then. */
#ifndef BALANCER_ACTION_H
#define BALANCER_ACTION_H

#include "balancer_numbers.h"
#include "mod_proxy.h"

/* The highest that queue_timeout (us) may be set to; limits: LB_LIMIT_MAX. */
#define LB_QUEUE_TIMEOUT_MAX apr_time_from_sec(86400)

/* A NULL string and a negative number mean "leave as it is". */
typedef struct {
    const char *balancer;      /* key, as in the view; required */
    const char *vhost;         /* as in the view; NULL: the first balancer of that key */
    const char *member;        /* url or name, as in the view; NULL: the settings of a member are
                                  those of new_member, if there is one */
    uint64_t revision;         /* of the member, without member of the balancer: if it is another
                                  one by now, nothing is changed; 0: whatever it is */

    int weight_hundredths;           /* 100 to 10000 */
    int lbset;                       /* 0 to 99 */
    const char *route, *redirect;    /* "" clears */
    struct {
        char flag;
        int set;
    } status[8];     /* flag: one of I N D H R S C, 0 ends the list */
    apr_interval_time_t drain_deadline;           /* us from now: drain (N) until then, and then
                                                     disable; 0: without a deadline; -1: leave */
    int limit; /* requests at the member at once; 0: no limit; LB_LIMIT_AUTO */
    int queue_limit;                 /* how many may wait for it */
    apr_interval_time_t queue_timeout;            /* us */

    const char *lbmethod;
    apr_interval_time_t timeout;     /* us */
    int max_attempts;                /* 0 to 99 */
    int nofailover;                  /* 0 or 1 */
    const char *sticky;              /* "cookie" or "cookie|parameter"; "-" clears */
    const char *new_member;          /* URL of a member to add, disabled until it is enabled */
    const char *new_address;         /* "host:port" for the member; its URL changes with it */
    int remove_member;               /* 1: it takes no new request, and goes with its last */
    int reset_counters;              /* 1: of the member, or of the balancer and all its members */
} lb_action_t;

/** An action that changes nothing. */
static inline lb_action_t lb_action_none(void)
{
    return (lb_action_t){ .weight_hundredths = -1,
                          .lbset = -1,
                          .timeout = -1,
                          .drain_deadline = -1,
                          .max_attempts = -1,
                          .nofailover = -1,
                          .limit = -1,
                          .queue_limit = -1,
                          .queue_timeout = -1 };
}

/* Why an action cannot be carried out. */
typedef enum {
    LB_WRONG_VALUE,
    LB_NOT_THERE,              /* no such balancer or member */
    LB_CHANGED_MEANWHILE,      /* its revision is another one */
    LB_NOT_NOW                 /* right in itself: no free slot, the last member, ... */
} lb_refusal_t;

typedef struct {
    int action;                /* index in the array */
    lb_refusal_t refusal;
    const char *setting;       /* as in lb_change_t; "": the whole action */
    const char *why;           /* what is wrong and the cure */
} lb_action_error_t;

/* One thing that is different now. */
typedef struct {
    int action;                /* index in the array */
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

#endif
