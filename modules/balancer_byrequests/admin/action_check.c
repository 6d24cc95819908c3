/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* action_check.c - see action_check.h. */
#include "action_check.h"

#include "ap_provider.h"
#include "apr_strings.h"
#include "drain.h"
#include "member_config.h"
#include "member_template.h"
#include "membership.h"
#include "setting.h"

/* One action, and where to note what is wrong with it. */
typedef struct {
    const lb_action_t *action;
    int index;
    apr_array_header_t *errors;
} check_t;

void lb_action_check_refuse(apr_array_header_t *errors, int action, lb_refusal_t refusal,
                            const char *setting, const char *why)
{
    APR_ARRAY_PUSH(errors, lb_action_error_t) =
        (lb_action_error_t){ action, refusal, setting, why };
}

static void refuse(const check_t *check, const char *setting, const char *why)
{
    lb_action_check_refuse(check->errors, check->index, LB_WRONG_VALUE, setting, why);
}

static void refuse_for_now(const check_t *check, const char *setting, const char *why)
{
    if (why) {
        lb_action_check_refuse(check->errors, check->index, LB_NOT_NOW, setting, why);
    }
}

/* value    -1: it stays as it is */
static void check_range(const check_t *check, const char *setting, apr_int64_t value,
                        apr_int64_t low, apr_int64_t high, const char *why)
{
    if (value != -1 && (value < low || value > high)) {
        refuse(check, setting, why);
    }
}

static void check_text(const check_t *check, const char *setting, const char *value, size_t room)
{
    if (value && strlen(value) >= room) {
        refuse(check, setting,
               apr_psprintf(check->errors->pool, "%s is longer than %d characters", setting,
                            (int)room - 1));
    }
}

/* What is in a URL comes to logs and headers. */
static const char *mistake_in_url(apr_pool_t *p, const lb_balancer_t *balancer, const char *url)
{
    proxy_worker *unused;

    for (const char *c = url; *c; c++) {
        if ((unsigned char)*c <= ' ' || *c == 0x7f) {
            return "the URL must not contain spaces or control characters";
        }
    }
    return lb_member_template_define(p, &unused, balancer, url);
}

static void check_new_member(const check_t *check, const lb_balancer_t *balancer, const char *url)
{
    apr_pool_t *p = check->errors->pool;
    const char *mistake = mistake_in_url(p, balancer, url);

    if (mistake) {
        refuse(check, "url", mistake);
        return;
    }
    refuse_for_now(check, "url", lb_membership_check_new(p, balancer, url));
}

static void check_move(const check_t *check, const lb_member_t *member, const char *address)
{
    const proxy_worker_shared *s = member->worker->s;
    apr_pool_t *p = check->errors->pool;

    if (!*s->uds_path && !lb_member_template_moved_url(p, s->name_ex, address)) {
        refuse(check, "address", apr_psprintf(p, "\"%s\" is not host:port", address));
        return;
    }
    refuse_for_now(check, "address", lb_membership_check_move(p, member, address));
}

static void check_flags(const check_t *check)
{
    const lb_action_t *a = check->action;

    for (size_t i = 0; i < sizeof(a->status) / sizeof(a->status[0]) && a->status[i].flag; i++) {
        if (!strchr("INDHRSC", a->status[i].flag)) {
            refuse(check, "state",
                   apr_psprintf(check->errors->pool, "unknown status flag %c; use I, N, D, H, "
                                                     "R, S or C",
                                a->status[i].flag));
        }
        if (a->drain_deadline > 0 && a->status[i].flag == 'N' && !a->status[i].set) {
            refuse(check, "drain_deadline",
                   "a drain deadline cannot be set while ending the drain");
        }
    }
}

static void check_settings_of_member(const check_t *check)
{
    const lb_action_t *a = check->action;
    const proxy_worker_shared *s = NULL;

    check_range(check, "weight", a->weight_hundredths, 100, 10000,
                "the load factor must be a number from 1 to 100");
    check_range(check, "lbset", a->lbset, 0, 99, "lbset must be a number from 0 to 99");
    check_range(check, "limit", a->limit, 0, LB_LIMIT_AUTO,
                "the limit must be a number from 0 to 1000000, or auto");
    check_range(check, "queue_limit", a->queue_limit, 0, LB_LIMIT_MAX,
                "the queue limit must be a number from 0 to 1000000");
    check_range(check, "queue_timeout", a->queue_timeout, 0, LB_QUEUE_TIMEOUT_MAX,
                "the queue timeout must be from 0 to 86400 seconds");
    check_range(check, "drain_deadline", a->drain_deadline, 0, LB_DRAIN_MAX,
                "the drain deadline must be from 0 to 30 days");
    check_flags(check);
    check_text(check, "route", a->route, sizeof(s->route));
    check_text(check, "redirect", a->redirect, sizeof(s->redirect));
}

static void check_settings_of_balancer(const check_t *check)
{
    const lb_action_t *a = check->action;
    const proxy_balancer_shared *s = NULL;

    check_range(check, "timeout", a->timeout, 0, apr_time_from_sec(7200),
                "the timeout must be from 0 to 7200 seconds");
    check_range(check, "max_attempts", a->max_attempts, 0, 99,
                "the failover attempts must be a number from 0 to 99");
    if (a->lbmethod && !ap_lookup_provider(PROXY_LBMETHOD, a->lbmethod, "0")) {
        refuse(check, "lbmethod",
               apr_psprintf(check->errors->pool, "there is no lbmethod %s; is its module loaded?",
                            a->lbmethod));
    }
    check_text(check, "sticky", a->sticky, sizeof(s->sticky_path));
}

static void check_membership(const check_t *check, const lb_balancer_t *balancer,
                             const lb_member_t *member)
{
    const lb_action_t *a = check->action;
    apr_pool_t *p = check->errors->pool;

    if ((a->new_address || a->remove_member) && !member) {
        refuse(check, "member", "which member?");
        return;
    }
    if (a->new_address && a->remove_member) {
        refuse(check, "member", "a member can be removed or moved, not both");
        return;
    }
    if (a->new_member) {
        check_new_member(check, balancer, a->new_member);
    }
    if (a->new_address) {
        check_move(check, member, a->new_address);
    }
    if (member && !a->remove_member && !a->new_address && lb_member_leaves(member)) {
        refuse_for_now(check, "member", apr_psprintf(p, "%s is being removed", a->member));
    }
}

static void check_revision(const check_t *check, const lb_balancer_t *balancer,
                           const lb_member_t *member)
{
    apr_pool_t *p = check->errors->pool;
    const uint64_t revision =
        member ? lb_setting_revision(p, lb_setting_of_members, member->worker->s, member->row)
               : lb_setting_revision(p, lb_setting_of_balancers, balancer->proxy->s, NULL);

    if (check->action->revision && check->action->revision != revision) {
        lb_action_check_refuse(check->errors, check->index, LB_CHANGED_MEANWHILE, "",
                               apr_psprintf(p, "%s has changed meanwhile: read it again",
                                            member ? check->action->member
                                                   : balancer->proxy->s->name));
    }
}

/* Without a status page nobody would ever say what the limit is. */
static void check_auto_limit(const check_t *check, const lb_member_t *member)
{
    const lb_check_params_t *checks = member ? lb_member_config_checks(member) : NULL;

    if (check->action->limit == LB_LIMIT_AUTO && member && !(checks && checks->status_uri)) {
        refuse(check, "limit", "auto needs PHP-FPM's status page: set hcstatus= on the member");
    }
}

void lb_action_check(apr_array_header_t *errors, int index, const lb_action_t *action,
                     const lb_balancer_t *balancer, const lb_member_t *member)
{
    const check_t check = { action, index, errors };

    check_revision(&check, balancer, member);
    check_settings_of_member(&check);
    check_auto_limit(&check, member);
    check_settings_of_balancer(&check);
    check_membership(&check, balancer, member);
}
