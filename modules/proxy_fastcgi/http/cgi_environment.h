/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* cgi_environment.h - the variables that a FastCGI responder gets for a request.
 * Knows    httpd's CGI variables, ProxyFCGISetEnvIf, what PHP-FPM makes of some of them.
 * Ignores  how they are laid out (protocol/params.c does that).
 * Memory   r->pool.   Source: RFC 3875, 4.1. */
#ifndef FCGI_CGI_ENVIRONMENT_H
#define FCGI_CGI_ENVIRONMENT_H

#include "params.h"
#include "proxy_config.h"
#include "script_path.h"
#include "trace.h"

/** Fill r->subprocess_env and list it.
 *  trace    what the application is told of it; NULL: nothing
 *  pairs    set to an array in r->pool, its values borrowed from r->subprocess_env
 *  returns  OK, or an HTTP status when a ProxyFCGISetEnvIf condition cannot be evaluated */
int fcgi_cgi_environment_make(request_rec *r, const fcgi_proxy_config_t *config,
                              fcgi_trace_t *trace, fcgi_script_path_t *script,
                              fcgi_pair_t **pairs, size_t *count);

#endif
