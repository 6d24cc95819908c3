/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* waiting.c - see waiting.h. */
#include "waiting.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "apr_portable.h"
#include "apr_thread_mutex.h"
#include "cluster.h"
#include "health.h"
#include "http_core.h"
#include "provider.h"

/* The environment variable by which a configuration says who goes first, and what it is without. */
#define PRIORITY_VARIABLE "balancer-priority"
#define PRIORITY_DEFAULT  5
#define PRIORITY_LAST     9

/* How often it is looked whether a session's member is still usable, and whether there is a member
 * that came back: for neither a bell rings. */
#define LOOK_AGAIN_US (250 * 1000)

/* One request that waits in this process. */
typedef struct place_t place_t;
struct place_t {
    const lb_ledger_t *ledger;
    uint32_t slot;
    int bell;              /* an eventfd */
    place_t *next;
};

static struct {
    apr_thread_mutex_t *lock;
    place_t *first;
} waiting;

void lb_waiting_child_init(apr_pool_t *pchild)
{
    apr_thread_mutex_create(&waiting.lock, APR_THREAD_MUTEX_DEFAULT, pchild);
    waiting.first = NULL;
}

void lb_waiting_wake(const lb_ledger_t *ledger)
{
    apr_thread_mutex_lock(waiting.lock);
    for (const place_t *p = waiting.first; p; p = p->next) {
        if (p->ledger == ledger && lb_admission_is_granted(ledger, p->slot)) {
            (void)eventfd_write(p->bell, 1);
        }
    }
    apr_thread_mutex_unlock(waiting.lock);
}

static void enter(place_t *place)
{
    apr_thread_mutex_lock(waiting.lock);
    place->next = waiting.first;
    waiting.first = place;
    apr_thread_mutex_unlock(waiting.lock);
}

static void leave(const place_t *place)
{
    apr_thread_mutex_lock(waiting.lock);
    place_t **at = &waiting.first;
    while (*at != place) {
        at = &(*at)->next;
    }
    *at = place->next;
    apr_thread_mutex_unlock(waiting.lock);
}

static uint32_t priority_of(request_rec *r)
{
    const char *text = apr_table_get(r->subprocess_env, PRIORITY_VARIABLE);
    const long given = text ? strtol(text, NULL, 10) : PRIORITY_DEFAULT;
    return given < 0 ? 0 : given > PRIORITY_LAST ? PRIORITY_LAST : (uint32_t)given;
}

static lb_waiter_t request_of(const lb_ticket_t *ticket, const proxy_worker *only)
{
    lb_waiter_t request = { .priority = priority_of(ticket->r), .member = LB_NOBODY };
    const int tried = ticket->tried ? ticket->tried->nelts : ticket->member != NULL;

    if (only) {
        request.member = lb_cluster_index(ticket->balancer, only);
    }
    for (int i = 0; i < LB_TRIED_MAX; i++) {
        const proxy_worker *member =
            i >= tried ? NULL
                       : ticket->tried ? APR_ARRAY_IDX(ticket->tried, i, proxy_worker *)
                                       : ticket->member;
        request.tried[i] = member ? lb_cluster_index(ticket->balancer, member) : LB_NOBODY;
    }
    return request;
}

/* The longest that one of its members allows; us. */
static int64_t time_limit(const proxy_balancer *b)
{
    int64_t longest = 0;
    for (int i = 0; i < b->workers->nelts; i++) {
        const proxy_worker *member = lb_cluster_member(b, i);
        const int64_t limit =
            member ? atomic_load(&lb_cluster_row(b, member)->queue_timeout) : 0;
        longest = limit > longest ? limit : longest;
    }
    return longest;
}

static bool client_has_gone(request_rec *r, const struct pollfd *client)
{
    return r->connection->aborted
           || (client->revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) != 0;
}

/* A process of another generation may have served it with a member that is in its configuration and
 * not in ours; one that was added at run time may be new to us. And of those who were served with a
 * member that is due for its trial one gets that; the others go on waiting, in their places. */
static bool was_served(const place_t *place, lb_ticket_t *ticket)
{
    proxy_balancer *b = ticket->balancer;
    const uint32_t granted = lb_admission_granted(place->ledger, place->slot);

    if (granted == LB_NOBODY) {
        return false;
    }
    proxy_worker *member = lb_cluster_member_at(b, granted);
    if (!member) {
        lb_cluster_sync(b, ticket->r->server);
        member = lb_cluster_member_at(b, granted);
    }
    if (member && lb_health_admit(ticket, member)) {
        return true;
    }
    lb_admission_decline(lb_cluster_of(b)->ledger, place->slot, !member);
    lb_provider_serve(b);
    return false;
}

/* Wait until served, the client has gone, or the time is over. */
static void watch_place(const place_t *place, lb_ticket_t *ticket, const proxy_worker *only,
                        apr_time_t deadline)
{
    const proxy_balancer *b = ticket->balancer;
    const int64_t sticky_wait = only ? atomic_load(&lb_cluster_row(b, only)->sticky_wait) : 0;
    const apr_time_t widen_at = sticky_wait > 0 ? apr_time_now() + sticky_wait : deadline;
    lb_ledger_t *ledger = lb_cluster_of(b)->ledger;
    request_rec *r = ticket->r;
    apr_os_sock_t client = -1;
    bool is_narrow = only != NULL && !b->s->sticky_force;

    if (!r->connection->master) {    /* an HTTP/2 stream has no socket of its own */
        apr_os_sock_get(&client, ap_get_conn_socket(r->connection));
    }
    for (;;) {
        struct pollfd fds[2] = { { .fd = place->bell, .events = POLLIN },
                                 { .fd = client, .events = POLLRDHUP } };
        const apr_time_t now = apr_time_now();
        if (now >= deadline || was_served(place, ticket)) {
            return;
        }
        if (is_narrow && (now >= widen_at || !lb_health_is_ready(b, only))) {
            is_narrow = false;
            lb_admission_widen(ledger, place->slot);
            lb_provider_serve(b);
            continue;
        }
        const apr_interval_time_t left = deadline - now;
        if (poll(fds, 2, (int)((left < LOOK_AGAIN_US ? left : LOOK_AGAIN_US) / 1000) + 1) == 0) {
            lb_provider_serve(b);
        }
        else if (fds[0].revents & POLLIN) {
            eventfd_t rings;
            (void)eventfd_read(place->bell, &rings);    /* or it would ring on after a decline */
        }
        if (client_has_gone(r, &fds[1])) {
            r->connection->aborted = 1;
            return;
        }
    }
}

static void give_up(const lb_ticket_t *ticket, uint32_t granted)
{
    proxy_worker *member = lb_cluster_member_at(ticket->balancer, granted);

    lb_provider_give_back(ticket->balancer, granted, member ? &member->s->busy : NULL);
}

lb_outcome_t lb_waiting_run(lb_ticket_t *ticket, proxy_worker *only, proxy_worker **member)
{
    proxy_balancer *b = ticket->balancer;
    lb_ledger_t *ledger = lb_cluster_of(b)->ledger;
    const apr_time_t since = apr_time_now();
    lb_waiter_t request = request_of(ticket, only);
    place_t place = { .ledger = ledger, .slot = lb_provider_queue(ticket, &request) };

    if (place.slot == LB_NOBODY) {
        return LB_QUEUE_FULL;
    }
    place.bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    enter(&place);
    /* what was free when we asked may be so again, and nobody else comes to say it */
    lb_provider_serve(b);
    watch_place(&place, ticket, only, since + time_limit(b));
    leave(&place);
    close(place.bell);
    ticket->queued += apr_time_now() - since;

    const uint32_t granted = lb_admission_end(ledger, place.slot);
    *member = granted != LB_NOBODY ? lb_cluster_member_at(b, granted) : NULL;
    if (*member && !ticket->r->connection->aborted) {
        return LB_SERVED;
    }
    if (granted != LB_NOBODY) {    /* at the last moment, and of no use */
        give_up(ticket, granted);
    }
    return ticket->r->connection->aborted ? LB_CLIENT_ABORT : LB_QUEUE_TIMEOUT;
}
