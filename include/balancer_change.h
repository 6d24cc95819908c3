/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* balancer_change.h - what the manager changes, why it may be refused, what is different then. */
#ifndef BALANCER_CHANGE_H
#define BALANCER_CHANGE_H

#include "balancer_setting.h"

/* One change that is asked for. All zero, it changes nothing. */
typedef struct {
    const char *balancer;      /* key, as in the view; required */
    const char *vhost;         /* as in the view; NULL: the first balancer of that key */
    const char *member;        /* url or name, as in the view; NULL: the settings of a member are
                                  those of new_member, if there is one */
    uint64_t revision;         /* of the member, without member of the balancer: if it is another
                                  one by now, nothing is changed; 0: whatever it is */

    /* Of drain_deadline, 0 is to drain without a deadline; more drains the member as well. In
     * sticky, "-" stands for none. */
    lb_values_t values;
    const char *new_member;    /* URL of a member to add, disabled until it is enabled */
    const char *new_address;   /* "host:port" for the member; its URL changes with it */
    bool removes_member;       /* it takes no new request, and goes with its last */
    bool resets_counters;      /* of the member, or of the balancer and all its members */
    bool stays_here;           /* scope=front: other fronts of the fleet do not hear of it */
} lb_change_t;

/* Why a change cannot be made. */
typedef enum {
    LB_WRONG_VALUE,
    LB_NOT_THERE,              /* no such balancer or member */
    LB_CHANGED_MEANWHILE,      /* its revision is another one */
    LB_NOT_NOW                 /* right in itself: no free slot, the last member, ... */
} lb_refusal_t;

typedef struct {
    int change;                /* index in the array */
    lb_refusal_t refusal;
    const char *setting;       /* as in lb_changed_t; "": the whole change */
    const char *why;           /* what is wrong and the cure */
} lb_change_error_t;

typedef enum {
    LB_CHANGED_SETTING,
    LB_MEMBER_ADDED,
    LB_MEMBER_MOVED,
    LB_MEMBER_REMOVED,
    LB_COUNTERS_RESET
} lb_changed_kind_t;

/* One thing that is different now. */
typedef struct {
    lb_changed_kind_t kind;
    const char *balancer;      /* its name, as in the view */
    const char *vhost;
    const char *member;        /* its url, as in the view; NULL: the balancer itself */
    const char *setting;       /* its name; else "member", "address" or "counters" */
    const char *before, *after;
    bool stays_here;           /* as in lb_change_t */
} lb_changed_t;

/* What was changed, or has lost, for an operator of another front of the fleet. */
typedef struct {
    lb_changed_t changed;
    const char *by;            /* "bob on web2" */
} lb_heard_t;

typedef struct {
    apr_array_header_t *errors;      /* of lb_change_error_t */
    apr_array_header_t *changed;     /* of lb_changed_t; without errors */
} lb_change_result_t;

#endif
