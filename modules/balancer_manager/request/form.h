/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* form.h - parameters from a query string or from a posted form. */
#ifndef MGR_FORM_H
#define MGR_FORM_H

#include "httpd.h"

/** Take `a=1&b=2` apart.
 *  text     may be NULL
 *  out      name -> decoded value, in p; of equal names (regardless of case) the last counts, but
 *           for `w` (members) and `open` (balancers), which may occur many times
 *  returns  OK, or HTTP_BAD_REQUEST for a broken %-escape */
int mgr_form_parse(apr_pool_t *p, const char *text, apr_table_t **out);

/** Read a posted form of at most 64 KB.
 *  why      set when the client should be told; NULL when httpd answers with the status itself
 *  returns  OK or an HTTP status */
int mgr_form_read(request_rec *r, apr_table_t **out, const char **why);

#endif
