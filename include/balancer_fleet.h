/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* balancer_fleet.h - several Apaches before the same members (BalancerFleet), as the manager shows
 *                    them: plain copies.
 * Implemented by  modules/balancer_byrequests/fleet, as APR optional functions. */
#ifndef BALANCER_FLEET_H
#define BALANCER_FLEET_H

#include <stdbool.h>
#include <stdint.h>

#include "apr_optional.h"
#include "apr_tables.h"
#include "balancer_state.h"
#include "httpd.h"

/* What one front says of one member. */
typedef struct {
    const char *name;          /* its URL, as in lb_member_view_t */
    lb_state_t state;
    bool is_failing;           /* the front has put it out of service for its failures or checks */
    uint32_t in_flight;
    uint32_t queued;           /* sessions that wait for it */
    uint32_t limit;            /* maxinflight, of all fronts; 0: none */
    bool is_shared;            /* maxinflight is one limit over all fronts */
    uint32_t share, floor;     /* then: what the front may use of it now, and always */
    uint64_t elected, failures;    /* since the front has counted */
    uint32_t checked; /* by the one that makes the checks for all: another number with each;
                                * 0: not yet */
    bool has_passed;           /* the last of them */
} lb_front_member_t;

/* What one front says of one balancer. */
typedef struct {
    const char *vhost, *key;   /* as in lb_balancer_view_t */
    uint32_t queued;           /* requests that wait for any of its members */
    apr_array_header_t *members;   /* of lb_front_member_t */
} lb_front_balancer_t;

/* All that one front says. */
typedef struct {
    const char *software;      /* its version */
    uint64_t generation;       /* counts its configurations since it was started */
    bool makes_checks;         /* of fleet=health, for all fronts */
    uint32_t left_out;         /* members that had no room, and of which it says nothing */
    apr_array_header_t *balancers;     /* of lb_front_balancer_t */
} lb_front_view_t;

/* Has a front its parts of the limits that are shared? */
typedef enum {
    LB_NO_LIMITS,              /* it has none that are shared, or nothing is known of it */
    LB_NOT_JOINED,             /* not yet: it sends no requests to those members */
    LB_JOINED
} lb_joined_t;

/* One front of the fleet. */
typedef struct {
    const char *name;
    bool is_self;
    apr_interval_time_t age;   /* since it last said something new; -1: it never did */
    bool is_fresh;             /* no older than the lease: it counts in the sums */
    lb_joined_t joined;
    const char *problem;       /* why what it says is not used, NULL: it is */
    const lb_front_view_t *view;   /* NULL: nothing is known */
} lb_fleet_front_t;

/* What the front with this index says of a member. */
typedef struct {
    int front;
    const lb_front_member_t *said;
} lb_fleet_part_t;

/* A member, over all fronts. */
typedef struct {
    const char *vhost, *key, *name;
    uint32_t in_flight, queued, failing;       /* sums over the fresh fronts */
    uint32_t limit; /* as this front has it, or else the first that does */
    apr_array_header_t *parts;                 /* of lb_fleet_part_t, in the order of the fronts */
} lb_fleet_member_t;

/* What an operator has changed for all fronts. */
typedef struct {
    const char *vhost;         /* "": its balancer is the first one of its key */
    const char *key, *member;  /* member: its URL, as it is configured or was added; NULL: none */
    const char *setting, *value;
    const char *by, *front;    /* who has changed it, and where */
    apr_time_t at;
    const char *here;          /* what has become of it on this front: "done", "pending", "refused",
                                * "overridden" (for this front alone), "configured" (here the
                                * configuration says something else, and wins) */
} lb_fleet_change_t;

typedef struct {
    const char *name;          /* of the fleet */
    const char *front;         /* of this front */
    bool is_up;                /* the engine answers */
    apr_time_t since;          /* when that began */
    const char *error;         /* why it does not answer, in words; NULL: it does */
    apr_interval_time_t age;   /* since the engine answered; -1: it never did */
    apr_interval_time_t lease; /* so old a front may be and still count in the sums */
    const char *checked_by;    /* the front that makes the checks for all, NULL: each its own */
    apr_array_header_t *fronts;        /* of lb_fleet_front_t, by name */
    apr_array_header_t *members;       /* of lb_fleet_member_t: own ones first, as configured */
    apr_array_header_t *changes;       /* of lb_fleet_change_t, by balancer, member and setting */
} lb_fleet_view_t;

/** The fleet as this front knows it.
 *  returns  NULL: there is no BalancerFleet */
APR_DECLARE_OPTIONAL_FN(const lb_fleet_view_t *, lb_fleet_view, (apr_pool_t *p));

/** A front is gone for good: no front shows it any more. Not one that is in contact.
 *  returns  NULL, or why that cannot be done now; in p */
APR_DECLARE_OPTIONAL_FN(const char *, lb_fleet_forget, (apr_pool_t *p, const char *front));

#endif
