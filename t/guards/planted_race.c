/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* planted_race.c - two threads and one plain counter, for sanitizers.t to find. */
#include <pthread.h>
#include <stdio.h>

static int counter;

static void *count(void *unused)
{
    for (int i = 0; i < 1000; i++) {
        counter++;
    }
    return NULL;
}

int main(void)
{
    pthread_t other;

    pthread_create(&other, NULL, count, NULL);
    count(NULL);
    pthread_join(other, NULL);
    printf("%d\n", counter);
    return 0;
}
