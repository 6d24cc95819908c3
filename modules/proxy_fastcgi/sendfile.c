/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* sendfile.c - see sendfile.h. */
#include "sendfile.h"

#include <stdbool.h>
#include <stdlib.h>

#include "apr_strings.h"
#include "fastcgi_log.h"
#include "http_core.h"
#include "http_log.h"
#include "http_protocol.h"
#include "http_request.h"
#include "util_filter.h"

extern module AP_MODULE_DECLARE_DATA proxy_fastcgi_module;
APLOG_USE_MODULE(proxy_fastcgi);

static bool lies_in(const char *path, const char *root)
{
    const size_t n = strlen(root);
    return strncmp(path, root, n) == 0 && (path[n] == '/' || (n > 0 && root[n - 1] == '/'));
}

static int refuse(request_rec *r, const char *path, const char *why)
{
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, FCLOGNO(0245)
                  "X-Sendfile: '%s' is refused: %s", path, why);
    return HTTP_FORBIDDEN;
}

/* The real path, when it lies in an allowed folder. */
static int find_real_path(request_rec *r, const fcgi_proxy_config_t *config, const char *path,
                          const char **found)
{
    if (path[0] != '/') {
        return refuse(r, path, "it is no absolute path");
    }
    char *real = realpath(path, NULL);
    if (!real) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, apr_get_os_error(), r, FCLOGNO(0246)
                      "X-Sendfile: cannot find '%s'", path);
        return HTTP_NOT_FOUND;
    }
    *found = apr_pstrdup(r->pool, real);
    free(real);
    for (int i = 0; i < config->sendfile_roots->nelts; i++) {
        if (lies_in(*found, APR_ARRAY_IDX(config->sendfile_roots, i, const char *))) {
            return OK;
        }
    }
    return refuse(r, path, "it lies in no ProxyFCGISendfileRoot");
}

static int open_file(request_rec *r, const char *path, apr_file_t **file)
{
    /* Look first: to open a pipe would wait for somebody at its other end. */
    apr_status_t rv = apr_stat(&r->finfo, path, APR_FINFO_NORM, r->pool);

    if (rv == APR_SUCCESS && r->finfo.filetype != APR_REG) {
        return refuse(r, path, "it is no file");
    }
    if (rv == APR_SUCCESS) {
        rv = apr_file_open(file, path, APR_FOPEN_READ | APR_FOPEN_SENDFILE_ENABLED,
                           APR_OS_DEFAULT, r->pool);
    }
    if (rv == APR_SUCCESS) {
        rv = apr_file_info_get(&r->finfo, APR_FINFO_NORM, *file);
    }
    if (rv != APR_SUCCESS) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, rv, r, FCLOGNO(0247) "X-Sendfile: cannot open '%s'",
                      path);
        return APR_STATUS_IS_EACCES(rv) ? HTTP_FORBIDDEN : HTTP_NOT_FOUND;
    }
    return OK;
}

static void describe_file(request_rec *r)
{
    if (!apr_table_get(r->headers_out, "ETag")) {
        ap_set_etag(r);
    }
    ap_update_mtime(r, r->finfo.mtime);
    ap_set_last_modified(r);
    ap_set_accept_ranges(r);
    ap_set_content_length(r, r->finfo.size);
}

int fcgi_sendfile_begin(request_rec *r, const fcgi_proxy_config_t *config, const char *path,
                        apr_bucket_brigade *out)
{
    const char *real;
    apr_file_t *file = NULL;

    int rc = find_real_path(r, config, path, &real);
    if (rc == OK) {
        rc = open_file(r, real, &file);
    }
    if (rc != OK) {
        return rc;
    }
    describe_file(r);
    rc = ap_meets_conditions(r);
    if (rc == OK) {
        apr_brigade_insert_file(out, file, 0, r->finfo.size, r->pool);
    }
    return rc;
}
