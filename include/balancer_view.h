/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* balancer_view.h - balancers and members as the manager shows them: plain copies. */
#ifndef BALANCER_VIEW_H
#define BALANCER_VIEW_H

#include <stdbool.h>

#include "balancer_check.h"
#include "balancer_numbers.h"
#include "balancer_outcome.h"
#include "balancer_setting.h"
#include "balancer_state.h"
#include "mod_proxy.h"

/* A source: a name in DNS whose addresses are members (discover=). */
typedef struct {
    const char *name;              /* the URL of its BalancerMember line */
    const char *kind;              /* what is asked for: "a" (A and AAAA) or "srv" */
    lb_source_state_t state;
    apr_time_t state_since;
    const char *error;             /* of the last query: "timeout", "servfail", "nxdomain", ...;
                                    * NULL: it has brought addresses */
    int addresses;                 /* in the last answer that had any */
    int dropped;                   /* of these: there is no room for them (discovermax) */
    int members;                   /* that it has now, without those that are gone */
    uint32_t ttl;                  /* s, of the last answer */
    apr_time_t answered_at;        /* the last answer, also an empty one; 0: none yet */
    apr_time_t next_at;            /* the next query */
    uint64_t queries, failures;    /* since httpd was started, over graceful restarts */
    uint64_t changes;              /* members added, gone and returned, over the same time */
} lb_source_view_t;

/* A change of a member's state. */
typedef struct {
    apr_time_t at;
    const char *member; /* its name then, as in its view; longer ones than 175 bytes are cut */
    lb_state_t from, to;       /* error is also trial */
    lb_cause_t cause;
    const char *reason;        /* "connect_refused"; "": there is no more to say than the cause */
} lb_state_change_t;

typedef struct {
    const char *name;          /* as mod_proxy shows it: "unix:/path|fcgi://host" for sockets */
    const char *url;           /* the worker's own URL: the form parameter `w` of stock's manager */
    const char *scheme;
    const char *hostname;
    int port;                  /* 0 for a unix socket */
    lb_state_t state;
    const char *status;        /* stock's words: "Init Ok ", "Init Err ", ... */
    unsigned int status_bits;  /* PROXY_WORKER_* */
    lb_values_t settings;      /* all that can be read; see balancer_setting.h */
    uint64_t revision;         /* another one as soon as what operators set is another; never 0 */
    int lbstatus;              /* byrequests: hundredths of a request it has had ahead, negative */
    uint64_t elected;          /* elections, since counted_since */
    uint32_t in_flight;        /* requests at this member now, over all processes */
    uint32_t limit;            /* of in_flight, as it holds now; 0: none */
    uint32_t queued;           /* sessions that wait for this member */
    uint32_t parked;           /* of those in flight: they hold no thread */
    uint64_t failures;         /* tries that ended in the member's failure */
    const char *last_error;    /* outcome word of the last failure, NULL for none */
    apr_time_t last_error_at;  /* 0 for none */
    apr_time_t next_trial_at;  /* when a member in error is tried again; 0 when not in error or
                                * when the trial is under way */
    bool is_checked;           /* it has checks (hcmethod); the next six are about them */
    apr_time_t checked_at;     /* 0: not yet */
    const char *check_outcome; /* outcome word of the last check, NULL for none */
    uint32_t check_passes, check_fails;       /* in a row; one of them is 0 */
    apr_interval_time_t check_took;           /* us */
    uint32_t check_busy;       /* so many of the last ones found it busy: they are no failures */
    bool is_kept;              /* it would be out for its checks, if not too many were: hcpanic */
    apr_time_t fpm_numbers_at;                /* when fpm was read; 0: never */
    lb_fpm_numbers_t fpm;
    uint64_t bytes_sent;       /* to the member */
    uint64_t bytes_read;       /* from the member */
    int retries;
    apr_interval_time_t retry;     /* us out of service after a failure */
    int pool_min, pool_smax, pool_max;            /* stock's min, smax, max */
    apr_interval_time_t ttl, timeout, acquire;    /* us; 0 = not set */
    apr_size_t recv_buffer_bytes, io_buffer_bytes;    /* 0 = not set */
    int keepalive;             /* -1 not set, 0 off, 1 on */
    const char *flush_packets; /* off, on, auto */
    apr_interval_time_t flush_wait;
    apr_time_t since;          /* when its state began; 0 = not known */
    apr_time_t down_since;     /* when its outage began; 0: it is not out because it failed */
    int strikes;               /* failures that count now: maxfails of them put it out */
    int fleet_failing;         /* other fronts that see it failing: then fewer are enough */
    int share_percent;         /* 100, or less while it starts slowly (slowstart) */
    apr_time_t drain_until;    /* draining, and then disabled; 0: no deadline, or not draining */

    /* Since counted_since, over all restarts; reset_counters sets them to 0. */
    apr_time_t counted_since;
    uint64_t responses[6];     /* by class: [2] for 200 to 299; [0]: tries without an answer */
    uint64_t ends[LB_OUTCOME_COUNT];          /* tries by lb_outcome_t */
    uint64_t state_changes, outages, downtime;    /* as in lb_counted_t */
    lb_histogram_t queue_times;    /* of requests that waited in the queue and came here */
    lb_histogram_t connect_times;  /* of new connections */
    lb_histogram_t first_byte_times, whole_times;
    lb_recent_t recent;
    /* What was counted before counted_since, for those who show what never falls; NULL: nothing.
     * `elected` and the like are what came after it. */
    const lb_counted_t *before;
    uint64_t forgotten;        /* elections that led to no try, and are not in elected; all */
    const lb_exemplars_t *exemplars;          /* see lb_exemplars_read; NULL: there are none */

    /* What the configuration says, for what can be changed at run time: of a discovered member, its
     * source's line and the weight and set of its SRV record. One that was added has no
     * configuration, and these repeat its run-time values. */
    lb_origin_t origin;
    const char *source;        /* name of its source, as in lb_source_view_t; NULL: none */
    apr_time_t missing_since;  /* the first answer without its address; 0: it is in the last one */
    const char *config_url;    /* another one than url when it was moved */
    lb_values_t config;

    bool is_serving;           /* elections choose it now: its set, spare or standby has its turn */
    bool fpm_is_current;           /* fpm: read at the last check, and not long ago */
} lb_member_view_t;

/** Do PHP-FPM's numbers set its limit? */
static inline bool lb_member_view_limit_is_auto(const lb_member_view_t *member)
{
    return member->settings.of[LB_SETTING_LIMIT].number == LB_LIMIT_AUTO;
}

/** Does it get no new requests, and is no member any more when its last one has ended? */
static inline bool lb_member_view_leaves(const lb_member_view_t *member)
{
    return member->state == LB_STATE_REMOVING || member->state == LB_STATE_GONE;
}

typedef struct lb_balancer_view_t lb_balancer_view_t;
struct lb_balancer_view_t {
    const char *name;          /* balancer://name */
    const char *key;           /* name without the scheme: the form parameter `b` */
    const char *vhost;         /* name, and port if configured, of the virtual host it belongs to */
    lb_values_t settings;
    const char *sticky;        /* cookie name, "" for none */
    const char *sticky_path;   /* URL parameter name */
    bool forcerecovery;
    int hcpanic;               /* percent */
    bool is_panicking;         /* a member is kept by hcpanic */
    bool path_delimiter_is_semicolon;             /* scolonpathdelim */
    const char *nonce;         /* "" when switched off by nonce=None */
    uint32_t queued;           /* requests that wait for any of its members */
    const char *queue_order;   /* fifo, lifo, adaptive */
    apr_interval_time_t queue_target;      /* us */
    int queue_reserve;         /* places for priorities 0 to 2 */
    bool queue_stands;         /* it gets more than it can serve in time */
    apr_interval_time_t queue_oldest;      /* us that the oldest has waited; 0: nobody waits */
    apr_interval_time_t queue_estimate;    /* us that one more would wait; 0: not known */
    uint32_t retries_left;     /* requests that may be sent again after a failure */
    uint64_t resent, not_resent;           /* that were, and were not for want of a budget */
    int free_slots;            /* members that can still be added at run time */
    int id;                    /* unique in one snapshot and stable while httpd runs */
    int owner_id;              /* of the balancer whose members these are: its own id, or that of
                                * the one it has inherited them from */
    bool is_persistent;        /* BalancerPersist: changes outlive a full restart */
    apr_time_t counted_since;
    uint64_t revision;         /* of its own settings; see lb_member_view_t */
    uint64_t refused[LB_OUTCOME_COUNT];       /* requests that got no member, by lb_outcome_t */
    uint64_t refused_before[LB_OUTCOME_COUNT];        /* before counted_since */
    lb_recent_t recent;
    apr_array_header_t *past;  /* of lb_sample_t, oldest first: the last minutes */
    apr_array_header_t *history;   /* of lb_state_change_t, newest first, also of members that are
                                    * gone; of an heir: none */

    /* What the configuration says, for what can be changed at run time. */
    lb_values_t config;
    const char *config_sticky;
    const char *config_sticky_path;
    apr_array_header_t *members;   /* of lb_member_view_t; of an heir: none */
    apr_array_header_t *sources;   /* of lb_source_view_t; of an heir: none */

    const char *inherited_from;    /* of an heir: virtual host of the one whose members it uses */
    const lb_balancer_view_t *owner;   /* that one; itself, if it is no heir. Of lb_snapshot only */
};

#endif
