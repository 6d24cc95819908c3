/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* wait_set.c - see wait_set.h. */
#include "wait_set.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "apr_thread_mutex.h"
#include "invariant.h"

#define KEPT_MAX     64
#define TIMER_FAR_US (10 * APR_USEC_PER_SEC)

enum {
    OF_TIMER,
    OF_BACKEND,
    OF_CLIENT
};

struct fcgi_wait_set_t {
    int epoll;
    int timer;
    apr_time_t timer_at;          /* it is set to this, monotonic us; 0: to never */
    int client_fd;                /* that is in it; -1: none */
    uint32_t client_events;
    bool is_sound;                /* nothing went wrong with what is in it */
    fcgi_wait_set_t *next;        /* of those that are kept */
};

static struct {
    apr_thread_mutex_t *lock;     /* guards all below; NULL when the process ends */
    fcgi_wait_set_t *first;
    int count;
} kept;

/* ---- Invariants ------------------------------------------------------------------------------ */

/* How many descriptors the kernel has in the set; -1: it does not say. */
static int count_held(const fcgi_wait_set_t *set)
{
    char text[200];
    int held = 0;

    snprintf(text, sizeof(text), "/proc/self/fdinfo/%d", set->epoll);
    FILE *info = fopen(text, "r");
    if (!info) {
        return -1;
    }
    while (fgets(text, sizeof(text), info)) {
        held += strncmp(text, "tfd:", 4) == 0;
    }
    fclose(info);
    return held;
}

/* No more than this is in it; a descriptor that was closed under it is not. */
static void check_holds(const fcgi_wait_set_t *set, int besides_timer)
{
    const int held = count_held(set);

    FC_INVARIANT(set->timer >= 0 && set->is_sound);
    FC_INVARIANT(held < 0 || (held >= 1 && held <= 1 + besides_timer));
}

void fcgi_wait_set_check(const fcgi_wait_set_t *set, const fcgi_wait_t *wait)
{
    if (!FC_IS_CHECKED) {
        return;
    }
    FC_INVARIANT(!wait || wait->client_fd == set->client_fd);
    check_holds(set, (set->client_fd >= 0) + (wait && wait->fd >= 0));
}

/* With the lock held. */
static void check_kept(void)
{
    int count = 0;

    if (!FC_IS_CHECKED) {
        return;
    }
    for (const fcgi_wait_set_t *set = kept.first; set; set = set->next) {
        FC_INVARIANT(set->client_fd < 0);
        check_holds(set, 0);
        count++;
    }
    FC_INVARIANT(count == kept.count && count <= KEPT_MAX);
}

/* ---- Making and keeping ---------------------------------------------------------------------- */

static void destroy(fcgi_wait_set_t *set)
{
    if (set->epoll >= 0) {
        close(set->epoll);
    }
    if (set->timer >= 0) {
        close(set->timer);
    }
    free(set);
}

static bool control(const fcgi_wait_set_t *set, int operation, int fd, uint32_t events,
                    uint32_t whose)
{
    struct epoll_event event = { .events = events, .data.u32 = whose };
    return fd < 0 || epoll_ctl(set->epoll, operation, fd, &event) == 0;
}

static bool add(const fcgi_wait_set_t *set, int fd, uint32_t events, uint32_t whose)
{
    return control(set, EPOLL_CTL_ADD, fd, events, whose);
}

static bool take_out(const fcgi_wait_set_t *set, int fd)
{
    return control(set, EPOLL_CTL_DEL, fd, 0, 0);
}

static fcgi_wait_set_t *make(void)
{
    fcgi_wait_set_t *set = calloc(1, sizeof(*set));

    if (!set) {
        return NULL;
    }
    set->epoll = epoll_create1(EPOLL_CLOEXEC);
    set->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    set->client_fd = -1;
    set->is_sound = true;
    if (set->epoll < 0 || set->timer < 0 || !add(set, set->timer, EPOLLIN, OF_TIMER)) {
        destroy(set);
        return NULL;
    }
    return set;
}

static fcgi_wait_set_t *take_kept(void)
{
    if (!kept.lock) {
        return NULL;
    }
    apr_thread_mutex_lock(kept.lock);
    fcgi_wait_set_t *set = kept.first;
    if (set) {
        kept.first = set->next;
        kept.count--;
    }
    check_kept();
    apr_thread_mutex_unlock(kept.lock);
    return set;
}

static bool keep(fcgi_wait_set_t *set)
{
    if (!kept.lock) {
        return false;
    }
    apr_thread_mutex_lock(kept.lock);
    const bool has_room = kept.count < KEPT_MAX;
    if (has_room) {
        set->next = kept.first;
        kept.first = set;
        kept.count++;
    }
    check_kept();
    apr_thread_mutex_unlock(kept.lock);
    return has_room;
}

static uint32_t events_of_backend(unsigned wanted)
{
    return (wanted & FCGI_READABLE ? EPOLLIN : 0) | (wanted & FCGI_WRITABLE ? EPOLLOUT : 0);
}

/* Not EPOLLIN, unless it is wanted: the next request may lie there already. */
static uint32_t events_of_client(unsigned wanted)
{
    return (wanted & FCGI_CLIENT_MAY_END ? 0 : EPOLLRDHUP)
           | (wanted & FCGI_CLIENT_READABLE ? EPOLLIN : 0)
           | (wanted & FCGI_CLIENT_WRITABLE ? EPOLLOUT : 0);
}

/* ---- One wait -------------------------------------------------------------------------------- */

static void set_timer(fcgi_wait_set_t *set, apr_time_t at)
{
    const struct itimerspec when = { .it_value = { .tv_sec = apr_time_sec(at),
                                                   .tv_nsec = apr_time_usec(at) * 1000 } };
    timerfd_settime(set->timer, TFD_TIMER_ABSTIME, &when, NULL);
    set->timer_at = at;
}

/* A timer that is earlier than it need be, but far off, is left alone: hardly any wait is so long
 * that it is woken for nothing. */
static bool timer_will_do(const fcgi_wait_set_t *set, apr_time_t at)
{
    return set->timer_at == at
           || ((at == 0 || set->timer_at < at) && set->timer_at - fc_now() > TIMER_FAR_US);
}

void fcgi_wait_set_timer(fcgi_wait_set_t *set, apr_time_t at)
{
    if (!timer_will_do(set, at)) {
        set_timer(set, at);
    }
}

static bool watch_client(fcgi_wait_set_t *set, const fcgi_wait_t *wait)
{
    const uint32_t events = events_of_client(wait->wanted);
    const bool is_same = set->client_fd == wait->client_fd;

    if (is_same && set->client_events == events) {
        return true;
    }
    const bool is_done = is_same ? control(set, EPOLL_CTL_MOD, wait->client_fd, events, OF_CLIENT)
                                 : take_out(set, set->client_fd)
                                       && add(set, wait->client_fd, events, OF_CLIENT);
    set->client_fd = wait->client_fd;
    set->client_events = events;
    return is_done;
}

bool fcgi_wait_set_arm(fcgi_wait_set_t **held, const fcgi_wait_t *wait, apr_time_t at)
{
    fcgi_wait_set_t *set = *held ? *held : take_kept();

    set = set ? set : make();
    if (set
        && (!watch_client(set, wait)
            || !add(set, wait->fd, events_of_backend(wait->wanted), OF_BACKEND))) {
        destroy(set);
        set = NULL;
    }
    if (set) {
        fcgi_wait_set_timer(set, at);
        fcgi_wait_set_check(set, wait);
    }
    *held = set;
    return set != NULL;
}

static unsigned of_backend(uint32_t events)
{
    return (events & (EPOLLIN | EPOLLHUP | EPOLLERR) ? FCGI_READABLE : 0)
           | (events & EPOLLOUT ? FCGI_WRITABLE : 0);
}

static unsigned of_client(uint32_t events)
{
    return (events & EPOLLIN ? FCGI_CLIENT_READABLE : 0)
           | (events & EPOLLOUT ? FCGI_CLIENT_WRITABLE : 0)
           | (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR) ? FCGI_CLIENT_GONE : 0);
}

unsigned fcgi_wait_set_look(fcgi_wait_set_t *set, const fcgi_wait_t *wait)
{
    struct epoll_event events[3];
    unsigned came = 0;
    const int count = epoll_wait(set->epoll, events, 3, 0);

    for (int i = 0; i < count; i++) {
        switch (events[i].data.u32) {
        case OF_BACKEND:
            came |= of_backend(events[i].events);
            break;
        case OF_CLIENT:
            came |= of_client(events[i].events);
            break;
        default:
            break;
        }
    }
    return came;
}

int fcgi_wait_set_fd(const fcgi_wait_set_t *set)
{
    return set->epoll;
}

void fcgi_wait_set_forget_fd(fcgi_wait_set_t *set)
{
    set->epoll = -1;
    set->is_sound = false;
}

void fcgi_wait_set_disarm(fcgi_wait_set_t **held, const fcgi_wait_t *wait)
{
    fcgi_wait_set_t *set = *held;

    set->is_sound = set->is_sound && take_out(set, wait->fd);
    if (!set->is_sound) {
        *held = NULL;
        destroy(set);
    }
    else {
        fcgi_wait_set_check(set, NULL);
    }
}

void fcgi_wait_set_give_back(fcgi_wait_set_t **held)
{
    fcgi_wait_set_t *set = *held;

    *held = NULL;
    if (!set) {
        return;
    }
    set->is_sound = take_out(set, set->client_fd);
    set->client_fd = -1;
    if (!set->is_sound || !keep(set)) {
        destroy(set);
    }
}

/* ---- The process ----------------------------------------------------------------------------- */

static apr_status_t close_kept(void *unused)
{
    fcgi_wait_set_t *set;

    while ((set = take_kept()) != NULL) {
        destroy(set);
    }
    kept.lock = NULL;    /* requests that are parked still go after this */
    return APR_SUCCESS;
}

apr_status_t fcgi_wait_set_start(apr_pool_t *pchild)
{
    const apr_status_t rv = apr_thread_mutex_create(&kept.lock, APR_THREAD_MUTEX_DEFAULT, pchild);

    kept.first = NULL;
    kept.count = 0;
    apr_pool_pre_cleanup_register(pchild, NULL, close_kept);
    return rv;
}
