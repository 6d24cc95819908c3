/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* bench_measures.c - what it costs to count a try, alone and while eight processes count at the
 * same member. Prints lines "name value". */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "counters.h"

enum {
    TRIES = 2000000,
    PROCESSES = 8
};

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double count_tries(lb_member_room_t *room)
{
    const double began = now_ns();

    for (int i = 0; i < TRIES; i++) {
        const lb_measures_t measures = { .http_status = 200,
                                         .connect = -1,
                                         .first_byte = 100 + i % 10000,
                                         .whole = 200 + i % 100000 };
        lb_counters_add_try(room, LB_SERVED, &measures);
    }
    return (now_ns() - began) / TRIES;
}

int main(void)
{
    lb_member_room_t *room = mmap(NULL, sizeof(*room), PROT_READ | PROT_WRITE,
                                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED) {
        perror("mmap");
        return EXIT_FAILURE;
    }
    count_tries(room);
    printf("measures_ns %.1f\n", count_tries(room));
    fflush(stdout);
    for (int i = 0; i < PROCESSES; i++) {
        if (fork() == 0) {
            const double ns = count_tries(room);
            if (i == 0) {
                printf("measures_shared_ns %.1f\n", ns);
            }
            fflush(stdout);
            _exit(EXIT_SUCCESS);
        }
    }
    while (wait(NULL) > 0) {
    }
    return EXIT_SUCCESS;
}
