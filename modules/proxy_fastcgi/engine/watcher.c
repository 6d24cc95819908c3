/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* watcher.c - see watcher.h. */
#include "watcher.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "apr_thread_proc.h"
#include "invariant.h"

#define EVENTS_AT_ONCE 64

/* When no descriptor was left for a pebble. */
#define TRY_AGAIN_US (10 * 1000)

static struct {
    pthread_mutex_t lock;        /* guards all below, and all clients; outlives all pools */
    apr_thread_t *thread;
    int epoll;                   /* the clients and the timer */
    int timer;
    apr_time_t timer_at;         /* it is set to this; 0: to never */
    fcgi_timer_heap_t timers;
    bool is_stopping;
} watcher = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* ---- With the lock held ---------------------------------------------------------------------- */

static void set_timer(apr_time_t at)
{
    const struct itimerspec when = { .it_value = { .tv_sec = apr_time_sec(at),
                                                   .tv_nsec = apr_time_usec(at) * 1000 } };
    timerfd_settime(watcher.timer, TFD_TIMER_ABSTIME, &when, NULL);
    watcher.timer_at = at;
}

/* One that is set too early costs a look, and there are few. */
static void set_timer_at_the_latest(apr_time_t at)
{
    if (watcher.timer_at == 0 || at < watcher.timer_at) {
        set_timer(at);
    }
}

static bool alarm_at(fcgi_watched_t *client, apr_time_t at)
{
    if (!fcgi_timer_heap_set(&watcher.timers, &client->timer, at)) {
        return false;
    }
    set_timer_at_the_latest(at);
    return true;
}

static bool has_gone(const fcgi_watched_t *client)
{
    return client->minds_client
           && (client->heard & (client->events | EPOLLHUP | EPOLLERR)) != 0;
}

static void wake(fcgi_watched_t *client)
{
    if (!fcgi_wait_set_throw_pebble(client->set)) {
        /* moving it cannot fail, and whoever has no alarm is woken by the MPM's Timeout */
        (void)alarm_at(client, fc_now() + TRY_AGAIN_US);
    }
}

/* ---- The thread ------------------------------------------------------------------------------ */

static void hear_clients(void)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    const int count = epoll_wait(watcher.epoll, events, EVENTS_AT_ONCE, 0);

    for (int i = 0; i < count; i++) {
        fcgi_watched_t *client = events[i].data.ptr;
        if (!client) {
            continue;    /* the timer */
        }
        client->heard |= events[i].events;
        if (client->set && has_gone(client)) {
            wake(client);
        }
    }
}

static fcgi_watched_t *client_of(fcgi_timer_t *timer)
{
    return (fcgi_watched_t *)((char *)timer - offsetof(fcgi_watched_t, timer));
}

static void mind_the_time(void)
{
    const apr_time_t now = fc_now();
    fcgi_timer_t *first;

    if (watcher.timer_at == 0 || now < watcher.timer_at) {
        return;
    }
    while ((first = fcgi_timer_heap_first(&watcher.timers)) && first->at <= now) {
        fcgi_timer_heap_remove(&watcher.timers, first);
        wake(client_of(first));
    }
    set_timer(first ? first->at : 0);
}

/* Events are fetched under the lock: until then a client that goes can take its back. */
static void *APR_THREAD_FUNC watch(apr_thread_t *thread, void *unused)
{
    struct pollfd all = { .fd = watcher.epoll, .events = POLLIN };
    bool goes_on = true;

    while (goes_on) {
        (void)poll(&all, 1, -1);
        pthread_mutex_lock(&watcher.lock);
        hear_clients();
        mind_the_time();
        goes_on = !watcher.is_stopping;
        pthread_mutex_unlock(&watcher.lock);
    }
    return NULL;
}

/* ---- The clients ----------------------------------------------------------------------------- */

/* Only news is told: of one that has gone nobody needs to hear twice. */
static uint32_t events_of(unsigned wanted)
{
    return (uint32_t)EPOLLET | (wanted & FCGI_CLIENT_MAY_END ? 0 : EPOLLRDHUP);
}

/* With the lock held, as the next one. */
static bool watch_client(fcgi_watched_t *client, const fcgi_wait_t *wait)
{
    struct epoll_event event = { .events = events_of(wait->wanted), .data.ptr = client };

    client->minds_client = wait->client_fd >= 0;
    if (!client->minds_client || (client->is_watched && client->events == event.events)) {
        return true;
    }
    const int operation = client->is_watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    FC_INVARIANT(!client->is_watched || client->fd == wait->client_fd);
    client->fd = wait->client_fd;
    client->events = event.events;
    client->is_watched = epoll_ctl(watcher.epoll, operation, client->fd, &event) == 0;
    return client->is_watched;
}

static bool begin(fcgi_watched_t *client, const fcgi_wait_t *wait, apr_time_t at)
{
    return !watcher.is_stopping && watch_client(client, wait)
           && (at == 0 || alarm_at(client, at));
}

bool fcgi_watcher_arm(fcgi_watched_t *client, fcgi_wait_set_t *set, const fcgi_wait_t *wait,
                      apr_time_t at)
{
    pthread_mutex_lock(&watcher.lock);
    const bool is_armed = begin(client, wait, at);
    if (is_armed) {
        client->set = set;
        if (has_gone(client)) {
            wake(client);
        }
    }
    pthread_mutex_unlock(&watcher.lock);
    return is_armed;
}

bool fcgi_watcher_disarm(fcgi_watched_t *client)
{
    pthread_mutex_lock(&watcher.lock);
    client->set = NULL;
    fcgi_timer_heap_remove(&watcher.timers, &client->timer);
    const bool gone = has_gone(client);
    pthread_mutex_unlock(&watcher.lock);
    return gone;
}

void fcgi_watcher_forget(fcgi_watched_t *client)
{
    if (!client->is_watched) {
        return;
    }
    pthread_mutex_lock(&watcher.lock);
    client->is_watched = false;
    client->heard = 0;
    (void)epoll_ctl(watcher.epoll, EPOLL_CTL_DEL, client->fd, NULL);
    pthread_mutex_unlock(&watcher.lock);
}

/* ---- The process ----------------------------------------------------------------------------- */

/* returns  false with errno set */
static bool open_descriptors(void)
{
    struct epoll_event event = { .events = EPOLLIN };

    watcher.epoll = epoll_create1(EPOLL_CLOEXEC);
    watcher.timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    return watcher.epoll >= 0 && watcher.timer >= 0
           && epoll_ctl(watcher.epoll, EPOLL_CTL_ADD, watcher.timer, &event) == 0;
}

static void close_descriptors(void)
{
    if (watcher.epoll >= 0) {
        close(watcher.epoll);
    }
    if (watcher.timer >= 0) {
        close(watcher.timer);
    }
    watcher.epoll = watcher.timer = -1;
}

/* Requests that are parked still go after this. */
static apr_status_t stop(void *unused)
{
    apr_status_t rv;

    pthread_mutex_lock(&watcher.lock);
    watcher.is_stopping = true;
    set_timer(1);    /* long ago */
    pthread_mutex_unlock(&watcher.lock);
    apr_thread_join(&rv, watcher.thread);
    close_descriptors();
    fcgi_timer_heap_end(&watcher.timers);
    return APR_SUCCESS;
}

apr_status_t fcgi_watcher_start(apr_pool_t *pchild)
{
    watcher.is_stopping = false;
    watcher.timer_at = 0;
    apr_status_t rv = open_descriptors() ? APR_SUCCESS : errno;
    if (rv == APR_SUCCESS) {
        rv = apr_thread_create(&watcher.thread, NULL, watch, NULL, pchild);
    }
    if (rv == APR_SUCCESS) {
        apr_pool_pre_cleanup_register(pchild, NULL, stop);
    }
    else {
        close_descriptors();
    }
    return rv;
}
