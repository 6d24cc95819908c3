/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* directive.h - reads numbers with units out of directives.
 * Knows    sizes, durations, counts.   Ignores  which directive it is.
 * Memory   none.   Threads: any, no state. */
#ifndef FC_DIRECTIVE_H
#define FC_DIRECTIVE_H

#include <stdbool.h>
#include <stdint.h>

/** A size: digits, then nothing, K, M or G (powers of 1024, either case).
 *  returns  false for anything else, and for sizes over 2^63 - 1; *bytes is then untouched */
bool fc_directive_size(const char *text, int64_t *bytes);

/** A duration: digits, then ms, s, m (minutes), h, or nothing for seconds.
 *  us       microseconds
 *  returns  false for anything else; *us is then untouched */
bool fc_directive_duration(const char *text, int64_t *us);

/** The longest time that anything may be told to take: a day, us. */
#define FC_TIME_LIMIT_MAX INT64_C(86400000000)

/** A whole number.
 *  returns  false for anything else, and for numbers outside of min and max */
bool fc_directive_count(const char *text, int min, int max, int *number);

#endif
