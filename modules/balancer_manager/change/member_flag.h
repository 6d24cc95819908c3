/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* member_flag.h - the switches of a member that a form can set, in the page's order. */
#ifndef MGR_MEMBER_FLAG_H
#define MGR_MEMBER_FLAG_H

#include "mod_balancer_byrequests.h"

static const struct {
    char letter;      /* of the form parameter w_status_X and of BalancerMember's status= */
    unsigned int bit; /* in lb_member_view_t.status_bits */
    const char *label;
} mgr_member_flags[] = {
    { PROXY_WORKER_IGNORE_ERRORS_FLAG, PROXY_WORKER_IGNORE_ERRORS, "Ignore errors" },
    { PROXY_WORKER_DRAIN_FLAG, PROXY_WORKER_DRAIN, "Draining" },
    { PROXY_WORKER_DISABLED_FLAG, PROXY_WORKER_DISABLED, "Disabled" },
    { PROXY_WORKER_HOT_STANDBY_FLAG, PROXY_WORKER_HOT_STANDBY, "Hot standby" },
    { PROXY_WORKER_HOT_SPARE_FLAG, PROXY_WORKER_HOT_SPARE, "Hot spare" },
    { PROXY_WORKER_HC_FAIL_FLAG, PROXY_WORKER_HC_FAIL, "Health check failed" },
    { PROXY_WORKER_STOPPED_FLAG, PROXY_WORKER_STOPPED, "Stopped" },
};

enum { MGR_MEMBER_FLAG_COUNT = sizeof(mgr_member_flags) / sizeof(mgr_member_flags[0]) };

#endif
