/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* script_path.h - from fcgi://host/path to a script's file name and the path behind it.
 * Knows    canonical fcgi URLs, the variable proxy-fcgi-pathinfo (stock's meaning), the border
 *          between a script and its PATH_INFO.
 * Ignores  all other variables (cgi_environment.c).
 * Memory   r->pool. */
#ifndef FCGI_SCRIPT_PATH_H
#define FCGI_SCRIPT_PATH_H

#include <stdbool.h>

#include "apr_file_info.h"
#include "proxy_config.h"

/* A script, and what this machine's disk says about its path: it is asked once. */
typedef struct {
    char *path;                /* plain and absolute; NULL: not found yet */
    bool was_looked_up;
    apr_status_t looked_up;    /* with what result */
    apr_filetype_e type;       /* when that was APR_SUCCESS */
} fcgi_script_path_t;

/** Hook body of mod_proxy's canon_handler: sets r->filename to proxy:fcgi://host[:port]/path, and
 *  r->path_info when proxy-fcgi-pathinfo asks for it. */
int fcgi_script_path_canon(request_rec *r, char *url);

/** The script of this request: its path is decoded for FPM, and for FPM without what stands behind
 *  the script, which goes to r->path_info. */
void fcgi_script_path_find(fcgi_script_path_t *script, request_rec *r,
                           const fcgi_proxy_config_t *config);

/** Is a path without a border known to be a script's? Else its end may be path info, which only the
 *  machine can tell that has the file. */
bool fcgi_script_path_is_sure(fcgi_script_path_t *script, request_rec *r);

/** Refuse a script or path info with a ".." in it, encoded or not, and what is no script of this
 *  machine (ProxyFCGICheckScript).
 *  returns  OK, 400 for a path that cannot be one, 404 */
int fcgi_script_path_check(fcgi_script_path_t *script, request_rec *r,
                           const fcgi_proxy_config_t *config);

#endif
