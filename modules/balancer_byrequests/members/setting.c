/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* setting.c - see setting.h. */
#include "setting.h"

#include <stddef.h>

#include "ap_provider.h"
#include "apr_strings.h"
#include "name_hash.h"
#include "setting_value.h"
#include "wall_clock.h"

/* A proxy_worker_shared and the member's row, or a proxy_balancer_shared alone. */
typedef struct {
    void *shared;
    lb_member_row_t *row;
} holder_t;

typedef struct {
    const void *shared;
    const lb_member_row_t *row;
} const_holder_t;

/* How to get at one setting. */
typedef struct {
    lb_value_t (*get)(apr_pool_t *p, const_holder_t of, const lb_setting_t *setting, size_t offset);
    /* NULL: all flags are set in one step, see set_flags() */
    void (*set)(holder_t of, const lb_setting_t *setting, size_t offset, lb_value_t value);
    size_t offset;
} access_t;

/* ---- In mod_proxy's structs ------------------------------------------------------------------ */

static lb_value_t number(int64_t number)
{
    return (lb_value_t){ .number = number };
}

static lb_value_t get_int(apr_pool_t *p, const_holder_t of, const lb_setting_t *setting,
                          size_t offset)
{
    const int *field = (const void *)((const char *)of.shared + offset);
    return number(__atomic_load_n(field, __ATOMIC_SEQ_CST));
}

static void set_int(holder_t of, const lb_setting_t *setting, size_t offset, lb_value_t value)
{
    int *field = (void *)((char *)of.shared + offset);
    __atomic_store_n(field, (int)value.number, __ATOMIC_SEQ_CST);
}

static lb_value_t get_text(apr_pool_t *p, const_holder_t of, const lb_setting_t *setting,
                           size_t offset)
{
    const char *field = (const char *)of.shared + offset;
    const size_t bytes = strnlen(field, (size_t)setting->max);
    return (lb_value_t){ .text = apr_pstrmemdup(p, field, bytes) };
}

static void set_text(holder_t of, const lb_setting_t *setting, size_t offset, lb_value_t value)
{
    apr_cpystrn((char *)of.shared + offset, value.text, (apr_size_t)setting->max + 1);
}

static lb_value_t get_flag(apr_pool_t *p, const_holder_t of, const lb_setting_t *setting,
                           size_t offset)
{
    const proxy_worker_shared *s = of.shared;
    return number((__atomic_load_n(&s->status, __ATOMIC_SEQ_CST) & setting->bit) != 0);
}

static lb_value_t get_timeout(apr_pool_t *p, const_holder_t of, const lb_setting_t *setting,
                              size_t offset)
{
    const proxy_balancer_shared *s = of.shared;
    return number(__atomic_load_n(&s->timeout, __ATOMIC_SEQ_CST));
}

static void set_timeout(holder_t of, const lb_setting_t *setting, size_t offset, lb_value_t value)
{
    proxy_balancer_shared *s = of.shared;
    __atomic_store_n(&s->timeout, value.number, __ATOMIC_SEQ_CST);
}

static lb_value_t get_max_attempts(apr_pool_t *p, const_holder_t of, const lb_setting_t *setting,
                                   size_t offset)
{
    const proxy_balancer_shared *s = of.shared;
    return number(s->max_attempts_set ? s->max_attempts : -1);
}

static void set_max_attempts(holder_t of, const lb_setting_t *setting, size_t offset,
                             lb_value_t value)
{
    proxy_balancer_shared *s = of.shared;

    __atomic_store_n(&s->max_attempts, (int)value.number, __ATOMIC_SEQ_CST);
    s->max_attempts_set = 1;
}

static lb_value_t get_nofailover(apr_pool_t *p, const_holder_t of, const lb_setting_t *setting,
                                 size_t offset)
{
    const proxy_balancer_shared *s = of.shared;
    return number(s->sticky_force);
}

static void set_nofailover(holder_t of, const lb_setting_t *setting, size_t offset,
                           lb_value_t value)
{
    ((proxy_balancer_shared *)of.shared)->sticky_force = value.number != 0;
}

static lb_value_t get_sticky(apr_pool_t *p, const_holder_t of, const lb_setting_t *setting,
                             size_t offset)
{
    const proxy_balancer_shared *s = of.shared;
    return (lb_value_t){ .text = *s->sticky
                                     ? apr_pstrcat(p, s->sticky, "|", s->sticky_path, NULL)
                                     : "" };
}

/* "cookie", or "cookie|parameter"; "" or "-" is none. */
static void set_sticky(holder_t of, const lb_setting_t *setting, size_t offset, lb_value_t value)
{
    proxy_balancer_shared *s = of.shared;

    if (!*value.text || strcmp(value.text, "-") == 0) {
        *s->sticky = *s->sticky_path = '\0';
        return;
    }
    PROXY_STRNCPY(s->sticky, value.text);
    PROXY_STRNCPY(s->sticky_path, value.text);
    char *bar = strchr(s->sticky, '|');
    if (bar) {
        PROXY_STRNCPY(s->sticky_path, strchr(value.text, '|') + 1);
        *bar = '\0';
    }
}

/* ---- In our own row -------------------------------------------------------------------------- */

static lb_value_t get_count(apr_pool_t *p, const_holder_t of, const lb_setting_t *setting,
                            size_t offset)
{
    const _Atomic uint32_t *field = (const void *)((const char *)of.row + offset);
    return number(atomic_load(field));
}

static void set_count(holder_t of, const lb_setting_t *setting, size_t offset, lb_value_t value)
{
    _Atomic uint32_t *field = (void *)((char *)of.row + offset);
    atomic_store(field, (uint32_t)value.number);
}

static lb_value_t get_time(apr_pool_t *p, const_holder_t of, const lb_setting_t *setting,
                           size_t offset)
{
    const _Atomic int64_t *field = (const void *)((const char *)of.row + offset);
    const int64_t us = atomic_load(field);
    return number(setting->type == LB_MOMENT ? lb_wall_clock_of(us) : us);
}

static void set_time(holder_t of, const lb_setting_t *setting, size_t offset, lb_value_t value)
{
    _Atomic int64_t *field = (void *)((char *)of.row + offset);
    atomic_store(field, setting->type == LB_MOMENT ? lb_wall_clock_moment(value.number)
                                                   : value.number);
}

/* ---- Where they lie -------------------------------------------------------------------------- */

#define IN_MEMBER(field)   offsetof(proxy_worker_shared, field)
#define IN_BALANCER(field) offsetof(proxy_balancer_shared, field)
#define IN_ROW(field)      offsetof(lb_member_row_t, field)

static const access_t access_to[LB_SETTING_COUNT] = {
    [LB_SETTING_WEIGHT] = { get_int, set_int, IN_MEMBER(lbfactor) },
    [LB_SETTING_LBSET] = { get_int, set_int, IN_MEMBER(lbset) },
    [LB_SETTING_ROUTE] = { get_text, set_text, IN_MEMBER(route) },
    [LB_SETTING_REDIRECT] = { get_text, set_text, IN_MEMBER(redirect) },
#define X(id, ...)
#define FLAG(id, ...) [LB_SETTING_##id] = { get_flag },
    LB_SETTINGS(X, FLAG)
#undef X
#undef FLAG
    [LB_SETTING_DRAIN_UNTIL] = { get_time, set_time, IN_ROW(drain_until) },
    [LB_SETTING_LIMIT] = { get_count, set_count, IN_ROW(limit) },
    [LB_SETTING_QUEUE_LIMIT] = { get_count, set_count, IN_ROW(queue_limit) },
    [LB_SETTING_QUEUE_TIMEOUT] = { get_time, set_time, IN_ROW(queue_timeout) },
    [LB_SETTING_LBMETHOD] = { get_text, set_text, IN_BALANCER(lbpname) },
    [LB_SETTING_TIMEOUT] = { get_timeout, set_timeout },
    [LB_SETTING_MAX_ATTEMPTS] = { get_max_attempts, set_max_attempts },
    [LB_SETTING_NOFAILOVER] = { get_nofailover, set_nofailover },
    [LB_SETTING_STICKY] = { get_sticky, set_sticky },
};

/* ---- All of them ----------------------------------------------------------------------------- */

static lb_values_t get_all(apr_pool_t *p, const_holder_t of, bool is_of_member)
{
    lb_values_t values = { 0 };

    for (int i = 0; i < LB_SETTING_COUNT; i++) {
        const lb_setting_t *setting = &lb_settings[i];
        const access_t *access = &access_to[i];
        if (setting->is_of_member == is_of_member && access->get) {
            lb_values_put(&values, setting->id, access->get(p, of, setting, access->offset));
        }
    }
    return values;
}

lb_values_t lb_setting_of_member(apr_pool_t *p, const proxy_worker_shared *shared,
                                 const lb_member_row_t *row)
{
    return get_all(p, (const_holder_t){ shared, row }, true);
}

lb_values_t lb_setting_of_balancer(apr_pool_t *p, const proxy_balancer_shared *shared)
{
    return get_all(p, (const_holder_t){ shared, NULL }, false);
}

static void set_all(holder_t of, bool is_of_member, const lb_values_t *values)
{
    for (int i = 0; i < LB_SETTING_COUNT; i++) {
        const lb_setting_t *setting = &lb_settings[i];
        const access_t *access = &access_to[i];
        if (setting->is_of_member == is_of_member && access->set
            && lb_values_have(values, setting->id)) {
            access->set(of, setting, access->offset, values->of[i]);
        }
    }
}

/* mod_proxy's own function would write back, beside each bit, the others as it has read them. */
static lb_status_change_t set_flags(const lb_member_t *member, const lb_values_t *values)
{
    unsigned int set = 0, cleared = 0;

    for (int i = 0; i < LB_SETTING_COUNT; i++) {
        if (lb_settings[i].flag && lb_values_have(values, lb_settings[i].id)) {
            *(values->of[i].number ? &set : &cleared) |= lb_settings[i].bit;
        }
    }
    const unsigned int before = lb_member_change_status(member, set, cleared);
    return (lb_status_change_t){ before, (before & ~cleared) | set };
}

lb_status_change_t lb_setting_change_member(const lb_member_t *member, const lb_values_t *values)
{
    set_all((holder_t){ member->worker->s, member->row }, true, values);
    return set_flags(member, values);
}

void lb_setting_change_balancer(proxy_balancer_shared *shared, const lb_values_t *values)
{
    set_all((holder_t){ shared, NULL }, false, values);
}

/* ---- About them ------------------------------------------------------------------------------ */

const char *lb_setting_refusal(apr_pool_t *p, const lb_setting_t *setting, lb_value_t value)
{
    if (setting->id == LB_SETTING_LBMETHOD
        && !ap_lookup_provider(PROXY_LBMETHOD, value.text, "0")) {
        return apr_psprintf(p, "there is no lbmethod %s; is its module loaded?", value.text);
    }
    return fc_setting_value_is_allowed(setting, value)
               ? NULL
               : apr_pstrcat(p, setting->name, " ", fc_setting_value_refusal(p, setting), NULL);
}

const lb_setting_t *lb_setting_find(const char *name, bool is_of_member)
{
    for (int i = 0; i < LB_SETTING_COUNT; i++) {
        const lb_setting_t *setting = &lb_settings[i];
        if (setting->is_of_member == is_of_member && access_to[i].get
            && strcmp(setting->name, name) == 0) {
            return setting;
        }
    }
    return NULL;
}

uint64_t lb_setting_revision(const lb_values_t *values)
{
    uint64_t h = FC_NAME_HASH_START;

    for (int i = 0; i < LB_SETTING_COUNT; i++) {
        const lb_setting_t *setting = &lb_settings[i];
        if (setting->life != LB_IS_KEPT || !lb_values_have(values, setting->id)) {
            continue;
        }
        h = setting->type == LB_TEXT ? fc_name_hash(h, values->of[i].text)
                                     : fc_name_hash_number(h, values->of[i].number);
    }
    return h ? h : 1;
}

const char *lb_setting_url(apr_pool_t *p, const proxy_worker_shared *member)
{
    return *member->uds_path ? apr_pstrcat(p, "unix:", member->uds_path, "|", member->name_ex, NULL)
                             : LB_SETTING_COPY(p, member->name_ex);
}

const char *lb_setting_address(apr_pool_t *p, const proxy_worker_shared *member)
{
    const bool is_ipv6 = strchr(member->hostname_ex, ':') != NULL;
    return apr_psprintf(p, is_ipv6 ? "[%s]:%d" : "%s:%d", member->hostname_ex, member->port);
}
