/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* body.h - the body of a request, whole. */
#ifndef MGR_BODY_H
#define MGR_BODY_H

#include <stdbool.h>

#include "httpd.h"

/** Is the Content-Type this one, with or without parameters? */
bool mgr_body_is(request_rec *r, const char *type);

/** Read all of the body, at most `limit` bytes.
 *  text     ends with a NUL that is not counted in `bytes`
 *  returns  OK or an HTTP status: 413 when it is longer */
int mgr_body_read(request_rec *r, apr_size_t limit, char **text, apr_size_t *bytes);

#endif
