/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* discovery_log.c - see discovery_log.h. */
#include "discovery_log.h"

#include "clock.h"
#include "fastcgi_log.h"
#include "http_log.h"
#include "name_hash.h"
#include "parameter.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;
APLOG_USE_MODULE(balancer_byrequests);

#define MINUTE         apr_time_from_sec(60)
#define TIMES_A_MINUTE 2

/* ---- A few times a minute -------------------------------------------------------------------- */

/* By hash of what is told; who has another's place begins anew. */
static struct {
    uint64_t key;
    int64_t since;
    int times;
} told[1024];

static bool may_tell(const char *what, const char *balancer, const char *url)
{
    const uint64_t key = fc_name_hash3(what, balancer, url);
    const int64_t now = fc_now();
    const size_t i = key % (sizeof(told) / sizeof(told[0]));

    if (told[i].key != key || now - told[i].since > MINUTE) {
        told[i].key = key;
        told[i].since = now;
        told[i].times = 0;
    }
    return told[i].times++ < TIMES_A_MINUTE;
}

/* ---- Members --------------------------------------------------------------------------------- */

static const char *name_of(const lb_balancer_t *balancer)
{
    return balancer->proxy->s->name;
}

void lb_discovery_log_added(const lb_balancer_t *balancer, const lb_source_t *source,
                            const char *url)
{
    if (may_tell("added", name_of(balancer), url)) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, balancer->server, FCLOGNO(0523)
                     "%s: member %s: added, as DNS names it for %s", name_of(balancer), url,
                     lb_source_name(source));
    }
}

void lb_discovery_log_not_added(const lb_balancer_t *balancer, const lb_source_t *source,
                                const char *url, const char *why)
{
    if (may_tell("not added", name_of(balancer), url)) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, balancer->server, FCLOGNO(0533)
                     "%s: member %s: cannot be added from %s: %s", name_of(balancer), url,
                     lb_source_name(source), why);
    }
}

void lb_discovery_log_vanished(const lb_member_t *member)
{
    const lb_balancer_t *balancer = member->balancer;

    if (may_tell("vanished", name_of(balancer), member->worker->s->name_ex)) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, balancer->server, FCLOGNO(0524)
                     "%s: member %s: vanished from %s: no new requests, %u in flight",
                     name_of(balancer), member->worker->s->name_ex,
                     lb_source_name(lb_member_source(member)),
                     atomic_load(&member->row->in_flight));
    }
}

void lb_discovery_log_returned(const lb_member_t *member)
{
    const lb_balancer_t *balancer = member->balancer;

    if (may_tell("returned", name_of(balancer), member->worker->s->name_ex)) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, balancer->server, FCLOGNO(0525)
                     "%s: member %s: returned, as DNS names it again for %s", name_of(balancer),
                     member->worker->s->name_ex, lb_source_name(lb_member_source(member)));
    }
}

void lb_discovery_log_placed(const lb_member_t *member, const lb_srv_place_t *place)
{
    const lb_balancer_t *balancer = member->balancer;

    if (may_tell("placed", name_of(balancer), member->worker->s->name_ex)) {
        ap_log_error(APLOG_MARK, APLOG_INFO, 0, balancer->server, FCLOGNO(0534)
                     "%s: member %s: weight %.2f, set %u by its SRV record", name_of(balancer),
                     member->worker->s->name_ex, place->lbfactor / 100.0, place->set);
    }
}

/* ---- Sources --------------------------------------------------------------------------------- */

static void tell_stale(const lb_balancer_t *balancer, const lb_source_t *source,
                       const lb_answer_t *answer)
{
    const bool was_answered = atomic_load(&source->row->state) != LB_SOURCE_WAITING;

    ap_log_error(APLOG_MARK, APLOG_WARNING, 0, balancer->server, FCLOGNO(0526)
                 "%s: source %s: %s%s%s: %s", name_of(balancer), lb_source_name(source),
                 answer->error, answer->server ? " from name server " : "",
                 answer->server ? answer->server : "",
                 was_answered ? "its members stay as they are until DNS answers"
                              : "it has no members until DNS answers");
}

static void tell_ok(const lb_balancer_t *balancer, const lb_source_t *source,
                    const lb_answer_t *answer)
{
    ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, balancer->server, FCLOGNO(0527)
                 "%s: source %s: ok, %d addresses, TTL %u s", name_of(balancer),
                 lb_source_name(source), answer->addresses->nelts, answer->ttl);
}

static void tell_empty(const lb_balancer_t *balancer, const lb_source_t *source,
                       const lb_answer_t *answer)
{
    const int64_t onempty = source->params->terms.onempty;
    const char *how_long = onempty == LB_ONEMPTY_KEEP
                               ? "keep"
                               : fc_parameter_duration(onempty, answer->addresses->pool);

    ap_log_error(APLOG_MARK, APLOG_WARNING, 0, balancer->server, FCLOGNO(0528)
                 "%s: source %s: DNS has no addresses (%s); members that it has had stay for now "
                 "(onempty=%s)",
                 name_of(balancer), lb_source_name(source), answer->error, how_long);
}

void lb_discovery_log_source(const lb_balancer_t *balancer, const lb_source_t *source,
                             const lb_answer_t *answer)
{
    static void (*const tell[])(const lb_balancer_t *, const lb_source_t *,
                                const lb_answer_t *) = {
        [LB_SOURCE_WAITING] = tell_stale,
        [LB_SOURCE_OK] = tell_ok,
        [LB_SOURCE_EMPTY] = tell_empty,
        [LB_SOURCE_STALE] = tell_stale,
    };
    lb_source_row_t *row = source->row;
    const uint32_t state = atomic_load(&row->state);

    if (atomic_load(&row->told) != state + 1
        && may_tell(lb_source_state_word((lb_source_state_t)state), name_of(balancer),
                    lb_source_name(source))) {
        atomic_store(&row->told, state + 1);
        tell[state](balancer, source, answer);
    }
}

void lb_discovery_log_dropped(const lb_balancer_t *balancer, const lb_source_t *source,
                              uint32_t before)
{
    const uint32_t dropped = atomic_load(&source->row->dropped);

    if (dropped > 0 && before == 0
        && may_tell("dropped", name_of(balancer), lb_source_name(source))) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, balancer->server, FCLOGNO(0529)
                     "%s: source %s: %u addresses are no members (discovermax=%d). Fix: raise "
                     "discovermax",
                     name_of(balancer), lb_source_name(source), dropped, source->params->max);
    }
}
