/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* panic.c - see panic.h. */
#include "panic.h"

#include "check_panic.h"
#include "fastcgi_log.h"
#include "health.h"
#include "http_log.h"
#include "ledger.h"
#include "member_config.h"
#include "status_word.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;
APLOG_USE_MODULE(balancer_byrequests);

bool lb_panic_keeps(const lb_member_t *member)
{
    return atomic_load(&member->row->check.is_kept) && lb_member_config_has_checks(member)
           && !lb_member_leaves(member);
}

bool lb_panic_is_on(const lb_balancer_t *balancer)
{
    lb_member_t member;

    for (int i = 0; lb_member_next(balancer, &i, &member);) {
        if (lb_panic_keeps(&member)) {
            return true;
        }
    }
    return false;
}

int lb_panic_percent(const lb_balancer_t *balancer)
{
    const int written = balancer->owner->settings->hcpanic;
    lb_member_t member;
    uint32_t members = 0;

    if (written != LB_HCPANIC_UNSET) {
        return written;
    }
    for (int i = 0; lb_member_next(balancer, &i, &member);) {
        members++;
    }
    return lb_check_panic_default(members);
}

/* Were too many out, with this one? */
static bool are_too_many(const lb_member_t *member)
{
    const lb_balancer_t *balancer = member->balancer;
    uint32_t usable = 1, out = 1;    /* this one counts in any case */
    lb_member_t other;

    for (int i = 0; lb_member_next(balancer, &i, &other);) {
        if (!lb_member_is(&other, member) && !atomic_load(&other.row->check.is_new)
            && lb_health_is_usable_but_for_checks(&other)) {
            usable++;
            out += PROXY_WORKER_IS(other.worker, PROXY_WORKER_HC_FAIL) != 0;
        }
    }
    return lb_check_panic(usable, out, lb_panic_percent(balancer));
}

static void tell(const lb_balancer_t *balancer, bool was_on, bool is_on, server_rec *s)
{
    if (!was_on && is_on) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s, FCLOGNO(0537)
                     "%s: more than %d %% of the members fail their checks (hcpanic): no more are "
                     "taken out of service. Look for what they have in common",
                     balancer->proxy->s->name, lb_panic_percent(balancer));
    }
    else if (was_on && !is_on) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s, FCLOGNO(0538)
                     "%s: no member is kept in service by hcpanic any more",
                     balancer->proxy->s->name);
    }
}

bool lb_panic_put_out(const lb_member_t *member, server_rec *s)
{
    const lb_balancer_t *balancer = member->balancer;
    lb_check_row_t *row = &member->row->check;

    lb_ledger_lock(balancer->ledger->table);
    const bool was_on = lb_panic_is_on(balancer), is_kept = are_too_many(member);
    atomic_store(&row->is_kept, is_kept);
    if (!is_kept) {
        atomic_store(&row->is_down, 1);
        lb_member_change_status(member, PROXY_WORKER_HC_FAIL, 0);
    }
    const bool is_on = lb_panic_is_on(balancer);
    lb_ledger_unlock(balancer->ledger->table);
    tell(balancer, was_on, is_on, s);
    return !is_kept;
}

void lb_panic_let_go(const lb_member_t *member, server_rec *s)
{
    const lb_balancer_t *balancer = member->balancer;

    if (!atomic_load(&member->row->check.is_kept)) {
        return;
    }
    lb_ledger_lock(balancer->ledger->table);
    atomic_store(&member->row->check.is_kept, 0);
    const bool is_on = lb_panic_is_on(balancer);
    lb_ledger_unlock(balancer->ledger->table);
    tell(balancer, true, is_on, s);
}
