/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* escape.h - values made safe for HTML and XML. */
#ifndef MGR_ESCAPE_H
#define MGR_ESCAPE_H

#include "apr_pools.h"

/** Text for an element or a double-quoted attribute, in p; "" for NULL. */
const char *mgr_escape_text(apr_pool_t *p, const char *text);

/** Text for the value of one parameter in the query of a link, in p. Like stock it leaves : and /
 *  readable, because scripts look for "w=http://host"; unlike stock it escapes & + ; and =. */
const char *mgr_escape_query(apr_pool_t *p, const char *text);

/** Text as one segment of a path, in p: all is escaped that means something anywhere in a URL. */
const char *mgr_escape_segment(apr_pool_t *p, const char *text);

#endif
