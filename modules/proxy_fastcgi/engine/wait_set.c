/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* wait_set.c - see wait_set.h. */
#include "wait_set.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "invariant.h"

#define KEPT_MAX 64

typedef enum {
    OF_BACKEND,
    OF_CLIENT,
    OF_PEBBLE,
    MEMBERS
} whose_t;

struct fcgi_wait_set_t {
    int epoll;
    int backend_fd;               /* that is in it; -1: none, and so below */
    uint32_t backend_events;
    int client_fd;
    int pebble;                   /* an eventfd, ours */
    uint64_t life;                /* grows when it leaves a connection, or a request */
    bool is_sound;                /* nothing went wrong with what is in it */
    fcgi_wait_set_t *next;        /* of those that are kept */
};

static struct {
    pthread_mutex_t lock;         /* guards all below; outlives all pools */
    bool is_open;                 /* the process does not end */
    fcgi_wait_set_t *first;
    int count;
} kept = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* ---- What the kernel holds ------------------------------------------------------------------- */

/* What it hands out with an event, and so whose that is. */
static uint64_t tag_of(const fcgi_wait_set_t *set, whose_t whose)
{
    return set->life * MEMBERS + whose;
}

static bool control(const fcgi_wait_set_t *set, int operation, int fd, uint32_t events,
                    whose_t whose)
{
    struct epoll_event event = { .events = events, .data.u64 = tag_of(set, whose) };
    return epoll_ctl(set->epoll, operation, fd, &event) == 0;
}

static void take_out(fcgi_wait_set_t *set, int *fd)
{
    if (*fd >= 0) {
        set->is_sound &= epoll_ctl(set->epoll, EPOLL_CTL_DEL, *fd, NULL) == 0;
        *fd = -1;
    }
}

/* ---- Invariants ------------------------------------------------------------------------------ */

/* Is this descriptor the one that is in the set, or has it been closed, and a copy of it is? */
static bool is_open(int fd, unsigned long inode)
{
    struct stat status;
    return fstat(fd, &status) == 0 && status.st_ino == inode;
}

/* How many descriptors the kernel has in the set that are still open here; -1: it does not say. */
static int count_held(const fcgi_wait_set_t *set)
{
    char text[200];
    unsigned long inode;
    int held = 0, fd;

    snprintf(text, sizeof(text), "/proc/self/fdinfo/%d", set->epoll);
    FILE *info = fopen(text, "r");
    if (!info) {
        return -1;
    }
    while (fgets(text, sizeof(text), info)) {
        held += sscanf(text, "tfd: %d events: %*x data: %*x pos:%*d ino:%lx", &fd, &inode) == 2
                && is_open(fd, inode);
    }
    fclose(info);
    return held;
}

void fcgi_wait_set_check(const fcgi_wait_set_t *set)
{
    if (!FC_IS_CHECKED) {
        return;
    }
    /* a descriptor that was closed under it is no more in it */
    FC_INVARIANT(!set->is_sound || set->epoll >= 0);
    FC_INVARIANT(count_held(set)
                 <= (set->backend_fd >= 0) + (set->client_fd >= 0) + (set->pebble >= 0));
}

/* With the lock held. */
static void check_kept(void)
{
    int count = 0;

    if (!FC_IS_CHECKED) {
        return;
    }
    for (const fcgi_wait_set_t *set = kept.first; set; set = set->next) {
        FC_INVARIANT(set->backend_fd < 0 && set->client_fd < 0 && set->pebble < 0);
        FC_INVARIANT(set->is_sound);
        fcgi_wait_set_check(set);
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
    if (set->pebble >= 0) {
        close(set->pebble);
    }
    free(set);
}

static fcgi_wait_set_t *make(void)
{
    fcgi_wait_set_t *set = calloc(1, sizeof(*set));

    if (!set) {
        return NULL;
    }
    set->backend_fd = set->client_fd = set->pebble = -1;
    set->is_sound = true;
    set->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (set->epoll < 0) {
        destroy(set);
        return NULL;
    }
    return set;
}

static fcgi_wait_set_t *take_kept(void)
{
    pthread_mutex_lock(&kept.lock);
    fcgi_wait_set_t *set = kept.first;
    if (set) {
        kept.first = set->next;
        kept.count--;
    }
    check_kept();
    pthread_mutex_unlock(&kept.lock);
    return set;
}

static bool keep(fcgi_wait_set_t *set)
{
    pthread_mutex_lock(&kept.lock);
    const bool has_room = kept.is_open && kept.count < KEPT_MAX;
    if (has_room) {
        set->next = kept.first;
        kept.first = set;
        kept.count++;
    }
    check_kept();
    pthread_mutex_unlock(&kept.lock);
    return has_room;
}

/* Nothing that is open is in it any more. */
static void give_back(fcgi_wait_set_t *set)
{
    set->life++;
    if (!set->is_sound || !keep(set)) {
        destroy(set);
    }
}

/* ---- One wait -------------------------------------------------------------------------------- */

static uint32_t events_of_backend(unsigned wanted)
{
    return (wanted & FCGI_READABLE ? EPOLLIN : 0) | (wanted & FCGI_WRITABLE ? EPOLLOUT : 0);
}

static uint32_t events_of_client(unsigned wanted)
{
    return (wanted & FCGI_CLIENT_READABLE ? EPOLLIN : 0)
           | (wanted & FCGI_CLIENT_WRITABLE ? EPOLLOUT : 0);
}

static bool watch_backend(fcgi_wait_set_t *set, const fcgi_wait_t *wait)
{
    const uint32_t events = events_of_backend(wait->wanted);
    const bool is_in = set->backend_fd >= 0;

    if (wait->fd < 0 || (is_in && set->backend_events == events)) {
        return true;
    }
    FC_INVARIANT(!is_in || set->backend_fd == wait->fd);
    set->backend_fd = wait->fd;
    set->backend_events = events;
    return control(set, is_in ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, wait->fd, events, OF_BACKEND);
}

/* Only if it is to be read or written. The next request may lie there already. */
static bool watch_client(fcgi_wait_set_t *set, const fcgi_wait_t *wait)
{
    const uint32_t events = events_of_client(wait->wanted);

    if (wait->client_fd < 0 || !events) {
        return true;
    }
    set->client_fd = wait->client_fd;
    return control(set, EPOLL_CTL_ADD, wait->client_fd, events, OF_CLIENT);
}

fcgi_wait_set_t *fcgi_wait_set_arm(const fcgi_wait_t *wait)
{
    fcgi_wait_set_t *set = wait->home ? *wait->home : NULL;

    set = set ? set : take_kept();
    set = set ? set : make();
    if (set && (!watch_backend(set, wait) || !watch_client(set, wait))) {
        destroy(set);
        set = NULL;
    }
    if (wait->home) {
        *wait->home = set;
    }
    if (set) {
        fcgi_wait_set_check(set);
    }
    return set;
}

static unsigned of_backend(uint32_t events)
{
    return (events & (EPOLLIN | EPOLLHUP | EPOLLERR) ? FCGI_READABLE : 0)
           | (events & EPOLLOUT ? FCGI_WRITABLE : 0);
}

/* That it has gone is the watcher's to say. */
static unsigned of_client(uint32_t events)
{
    return (events & EPOLLIN ? FCGI_CLIENT_READABLE : 0)
           | (events & EPOLLOUT ? FCGI_CLIENT_WRITABLE : 0)
           | (events & (EPOLLHUP | EPOLLERR) ? FCGI_CLIENT_GONE : 0);
}

static unsigned what_came(fcgi_wait_set_t *set)
{
    struct epoll_event events[MEMBERS + 1];
    unsigned came = 0;
    const int count = epoll_wait(set->epoll, events, MEMBERS + 1, 0);

    for (int i = 0; i < count; i++) {
        const uint64_t tag = events[i].data.u64;
        if (tag == tag_of(set, OF_BACKEND)) {
            came |= of_backend(events[i].events);
        }
        else if (tag == tag_of(set, OF_CLIENT)) {
            came |= of_client(events[i].events);
        }
        else if (tag != tag_of(set, OF_PEBBLE) || set->pebble < 0) {
            set->is_sound = false;    /* a copy of what was closed: it would be heard for ever */
        }
    }
    return came;
}

static void pick_up_pebble(fcgi_wait_set_t *set)
{
    if (set->pebble >= 0) {
        close(set->pebble);
        set->pebble = -1;
    }
}

unsigned fcgi_wait_set_look(fcgi_wait_set_t **set, const fcgi_wait_t *wait)
{
    const unsigned came = what_came(*set);

    pick_up_pebble(*set);
    if (!(*set)->is_sound && came == 0) {
        if (wait->home) {
            *wait->home = NULL;
        }
        destroy(*set);
        *set = fcgi_wait_set_arm(wait);
    }
    return came;
}

void fcgi_wait_set_disarm(fcgi_wait_set_t **armed, const fcgi_wait_t *wait)
{
    fcgi_wait_set_t *set = *armed;

    *armed = NULL;
    if (!set) {
        return;
    }
    pick_up_pebble(set);
    take_out(set, &set->client_fd);
    if (!wait->home) {
        take_out(set, &set->backend_fd);
        give_back(set);
    }
    else if (!set->is_sound) {
        *wait->home = NULL;
        destroy(set);
    }
    else {
        fcgi_wait_set_check(set);
    }
}

void fcgi_wait_set_leave(fcgi_wait_set_t **left)
{
    fcgi_wait_set_t *set = *left;

    *left = NULL;
    if (set) {
        set->backend_fd = -1;
        give_back(set);
    }
}

bool fcgi_wait_set_throw_pebble(fcgi_wait_set_t *set)
{
    if (set->pebble >= 0) {
        return true;
    }
    set->pebble = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    if (set->pebble < 0) {
        return false;
    }
    if (!control(set, EPOLL_CTL_ADD, set->pebble, EPOLLIN, OF_PEBBLE)) {
        pick_up_pebble(set);
    }
    return set->pebble >= 0;
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

/* ---- The process ----------------------------------------------------------------------------- */

static void open_or_close(bool is_open)
{
    pthread_mutex_lock(&kept.lock);
    kept.is_open = is_open;
    pthread_mutex_unlock(&kept.lock);
}

/* Connections and requests that are parked still go after this. */
static apr_status_t close_kept(void *unused)
{
    fcgi_wait_set_t *set;

    open_or_close(false);
    while ((set = take_kept()) != NULL) {
        destroy(set);
    }
    return APR_SUCCESS;
}

void fcgi_wait_set_start(apr_pool_t *pchild)
{
    open_or_close(true);
    apr_pool_pre_cleanup_register(pchild, NULL, close_kept);
}
