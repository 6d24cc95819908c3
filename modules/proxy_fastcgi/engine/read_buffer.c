/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* read_buffer.c - see read_buffer.h. */
#include "read_buffer.h"

#include <pthread.h>
#include <stdlib.h>

/* The thread's own, while nobody reads into it. */
static pthread_key_t own;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_key(void)
{
    pthread_key_create(&own, free);
}

unsigned char *fcgi_read_buffer_take(size_t bytes)
{
    pthread_once(&once, make_key);
    unsigned char *buffer = bytes == FCGI_READ_BUFFER_BYTES ? pthread_getspecific(own) : NULL;

    if (!buffer) {
        return malloc(bytes);
    }
    pthread_setspecific(own, NULL);
    return buffer;
}

void fcgi_read_buffer_give_back(unsigned char **buffer, size_t bytes)
{
    if (*buffer && bytes == FCGI_READ_BUFFER_BYTES && !pthread_getspecific(own)) {
        pthread_setspecific(own, *buffer);
    }
    else {
        free(*buffer);
    }
    *buffer = NULL;
}
