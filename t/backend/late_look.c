/* Licensed under the Apache License, Version 2.0; see LICENSE.
 * late_look.c - an httpd in which time passes between mod_proxy's choice of a member and the start of
 * the handler. For LD_PRELOAD: the second time that a thread looks at a request's place in the queue,
 * it is late by LATE_LOOK_MS. */
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

int eventfd_read(int fd, eventfd_t *value)
{
    static _Thread_local int looks;
    int (*next)(int, eventfd_t *) = (int (*)(int, eventfd_t *))dlsym(RTLD_NEXT, "eventfd_read");

    if (++looks == 2) {
        usleep((useconds_t)atoi(getenv("LATE_LOOK_MS")) * 1000);
    }
    return next(fd, value);
}
