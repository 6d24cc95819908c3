/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* etag.h - a revision as text: in forms, JSON, ETag and If-Match (RFC 9110, 8.8.3 and 13.1.1).
 * It is of the settings that can be changed, not of the numbers that change by themselves. */
#ifndef MGR_ETAG_H
#define MGR_ETAG_H

#include <stdbool.h>
#include <stdint.h>

#include "httpd.h"

/** Sixteen hexadecimal digits, in p. */
const char *mgr_etag_text(apr_pool_t *p, uint64_t revision);

/** returns  0 when it is no such text */
uint64_t mgr_etag_revision(const char *text);

/** Set the response header ETag. */
void mgr_etag_send(request_rec *r, uint64_t revision);

/** What If-Match says about a thing of this revision.
 *  revision  0: of many things, and no etag is theirs
 *  expected  the revision that a change may be made to; 0: any
 *  returns   false: not to this one */
bool mgr_etag_matches(request_rec *r, uint64_t revision, uint64_t *expected);

#endif
