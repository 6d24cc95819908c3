/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* utf8.h - text that every reader of JSON and XML accepts. */
#ifndef MGR_UTF8_H
#define MGR_UTF8_H

#include "apr_pools.h"

/** Replace what is not UTF-8, and control characters, by U+FFFD.
 *  text     may be NULL
 *  returns  text itself when nothing is wrong with it, else a copy in p
 *  source   RFC 3629; XML 1.0, 2.2 (no control characters, escaped or not; no U+FFFE, U+FFFF) */
const char *mgr_utf8_mend(apr_pool_t *p, const char *text);

/** The same on one line, and without what would speak to a terminal, in p. */
const char *mgr_utf8_line(apr_pool_t *p, const char *text);

#endif
