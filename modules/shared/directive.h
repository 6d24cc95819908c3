/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* directive.h - reads numbers with units out of directives.
 * Knows    sizes.   Ignores  which directive it is.   Memory   none.   Threads: any, no state. */
#ifndef FCGI_DIRECTIVE_H
#define FCGI_DIRECTIVE_H

#include <stdbool.h>
#include <stdint.h>

/** A size: digits, then nothing, K, M or G (powers of 1024, either case).
 *  returns  false for anything else, and for sizes over 2^63 - 1; *bytes is then untouched */
bool fcgi_directive_size(const char *text, int64_t *bytes);

#endif
