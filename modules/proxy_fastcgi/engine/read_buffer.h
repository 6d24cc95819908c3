/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* read_buffer.h - what a connection is read into: a request that waits has none.
 * Knows    that a thread needs one at a time, nearly always of the same size.
 * Ignores  what is read.
 * Memory   one for each thread, freed at its end; more while requests are nested.
 * Threads  any; a buffer may be given back by another thread than took it. */
#ifndef FCGI_READ_BUFFER_H
#define FCGI_READ_BUFFER_H

#include <stddef.h>

#define FCGI_READ_BUFFER_BYTES 57344    /* usual; under FlushMaxThreshold */

/** A buffer of so many bytes; NULL when there is no memory. */
unsigned char *fcgi_read_buffer_take(size_t bytes);

/** Give it back; *buffer becomes NULL. A NULL buffer is fine. */
void fcgi_read_buffer_give_back(unsigned char **buffer, size_t bytes);

#endif
