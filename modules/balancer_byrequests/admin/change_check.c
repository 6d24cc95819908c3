/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* change_check.c - see change_check.h. */
#include "change_check.h"

#include "apr_strings.h"
#include "member_config.h"
#include "member_template.h"
#include "membership.h"
#include "setting.h"

/* One change, and where to note what is wrong with it. */
typedef struct {
    const lb_change_t *change;
    int index;
    apr_array_header_t *errors;
} check_t;

void lb_change_check_refuse(apr_array_header_t *errors, int change, lb_refusal_t refusal,
                            const char *setting, const char *why)
{
    APR_ARRAY_PUSH(errors, lb_change_error_t) =
        (lb_change_error_t){ change, refusal, setting, why };
}

static void refuse(const check_t *check, const char *setting, const char *why)
{
    lb_change_check_refuse(check->errors, check->index, LB_WRONG_VALUE, setting, why);
}

static void refuse_for_now(const check_t *check, const char *setting, const char *why)
{
    if (why) {
        lb_change_check_refuse(check->errors, check->index, LB_NOT_NOW, setting, why);
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
    return lb_member_template_define(p, &unused, balancer, balancer->owner->template, url);
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

static void check_values(const check_t *check)
{
    const lb_values_t *values = &check->change->values;
    apr_pool_t *p = check->errors->pool;

    for (int i = 0; i < LB_SETTING_COUNT; i++) {
        const lb_setting_t *setting = &lb_settings[i];
        const char *why = lb_values_have(values, setting->id)
                              ? lb_setting_refusal(p, setting, values->of[i])
                              : NULL;
        if (why) {
            refuse(check, setting->name, why);
        }
    }
    if (lb_values_have(values, LB_SETTING_DRAINING) && !values->of[LB_SETTING_DRAINING].number
        && values->of[LB_SETTING_DRAIN_DEADLINE].number > 0) {
        refuse(check, lb_settings[LB_SETTING_DRAIN_DEADLINE].name,
               "a drain deadline cannot be set while ending the drain");
    }
}

static void check_membership(const check_t *check, const lb_balancer_t *balancer,
                             const lb_member_t *member)
{
    const lb_change_t *c = check->change;
    apr_pool_t *p = check->errors->pool;

    if ((c->new_address || c->removes_member) && !member) {
        refuse(check, "member", "which member?");
        return;
    }
    if (c->new_address && c->removes_member) {
        refuse(check, "member", "a member can be removed or moved, not both");
        return;
    }
    if ((c->new_address || c->removes_member) && lb_member_source(member)) {
        refuse_for_now(check, "member",
                       apr_psprintf(p, "%s comes from DNS (%s): change its records, or drain or "
                                       "disable the member",
                                    c->member, lb_source_name(lb_member_source(member))));
        return;
    }
    if (c->new_member) {
        check_new_member(check, balancer, c->new_member);
    }
    if (c->new_address) {
        check_move(check, member, c->new_address);
    }
    if (member && !c->removes_member && !c->new_address && lb_member_leaves(member)) {
        refuse_for_now(check, "member", apr_psprintf(p, "%s is being removed", c->member));
    }
}

static void check_revision(const check_t *check, const lb_balancer_t *balancer,
                           const lb_member_t *member)
{
    apr_pool_t *p = check->errors->pool;
    const lb_values_t now =
        member ? lb_setting_of_member(p, member->worker->s, member->row)
               : lb_setting_of_balancer(p, balancer->proxy->s);
    const uint64_t revision = check->change->revision;

    if (revision && revision != lb_setting_revision(&now)) {
        lb_change_check_refuse(check->errors, check->index, LB_CHANGED_MEANWHILE, "",
                               apr_psprintf(p, "%s has changed meanwhile: read it again",
                                            member ? check->change->member
                                                   : balancer->proxy->s->name));
    }
}

/* Without a status page nobody would ever say what the limit is. */
static void check_auto_limit(const check_t *check, const lb_member_t *member)
{
    const lb_values_t *values = &check->change->values;
    const lb_check_params_t *checks = member ? lb_member_config_checks(member) : NULL;

    if (member && lb_values_have(values, LB_SETTING_LIMIT)
        && values->of[LB_SETTING_LIMIT].number == LB_LIMIT_AUTO
        && !(checks && checks->status_uri)) {
        refuse(check, "limit", "auto needs PHP-FPM's status page: set hcstatus= on the member");
    }
}

void lb_change_check(apr_array_header_t *errors, int index, const lb_change_t *change,
                     const lb_balancer_t *balancer, const lb_member_t *member)
{
    const check_t check = { change, index, errors };

    check_revision(&check, balancer, member);
    check_values(&check);
    check_auto_limit(&check, member);
    check_membership(&check, balancer, member);
}
