/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* cgi_variables.h - httpd's CGI variables of an ordinary request, at a fraction of the price.
 * Knows    what ap_add_common_vars() and ap_add_cgi_vars() make of a request.
 * Ignores  what is set besides, and what FastCGI makes of it.
 * Memory   r->pool.
 *
 * httpd sorts its variables and those that there are already into one table, to find which stand in
 * both. Where no name stands twice, that comes to the same as one list behind the other. Whatever
 * is not ordinary is left to httpd: a name that stands twice (who wins is httpd's affair), path
 * info (a subrequest), CGIVar, QualifyRedirectURL. */
#ifndef FCGI_CGI_VARIABLES_H
#define FCGI_CGI_VARIABLES_H

#include <stdbool.h>

#include "httpd.h"
#include "params.h"

/** Read what all requests have from the environment of the process, when it starts. */
void fcgi_cgi_variables_start(apr_pool_t *pchild);

/** Add the variables to r->subprocess_env, the same in the same order as httpd would.
 *  script   takes the place of r->filename
 *  pairs    set to all that r->subprocess_env then has, in r->pool
 *  returns  false: the request is not ordinary, and nothing has been done */
bool fcgi_cgi_variables_add(request_rec *r, char *script, fcgi_pair_t **pairs, size_t *count);

#endif
