/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* sendfile.c - see sendfile.h. */
#include "sendfile.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

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

static int cannot_find(request_rec *r, const char *path)
{
    ap_log_rerror(APLOG_MARK, APLOG_ERR, apr_get_os_error(), r, FCLOGNO(0246)
                  "X-Sendfile: cannot find '%s'", path);
    return HTTP_NOT_FOUND;
}

/* Does what `own_name`, a link of the kernel's, stands for lie in an allowed folder? */
static bool is_allowed(const fcgi_proxy_config_t *config, const char *own_name)
{
    char real[PATH_MAX];
    const ssize_t bytes = readlink(own_name, real, sizeof(real) - 1);

    real[bytes > 0 ? bytes : 0] = '\0';
    for (int i = 0; i < config->sendfile_roots->nelts; i++) {
        if (lies_in(real, APR_ARRAY_IDX(config->sendfile_roots, i, const char *))) {
            return true;
        }
    }
    return false;
}

/* Open for reading what `held`, which `own_name` stands for, has a hold of. */
static int open_held(request_rec *r, const fcgi_proxy_config_t *config, const char *path, int held,
                     const char *own_name, apr_file_t **file)
{
    struct stat status;

    if (!is_allowed(config, own_name)) {
        return refuse(r, path, "it is not in a ProxyFCGISendfileRoot");
    }
    if (fstat(held, &status) != 0 || !S_ISREG(status.st_mode)) {
        return refuse(r, path, "it is not a regular file");
    }
    apr_status_t rv = apr_file_open(file, own_name, APR_FOPEN_READ | APR_FOPEN_SENDFILE_ENABLED,
                                    APR_OS_DEFAULT, r->pool);
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

/* First a hold of it, and then a look: a name may lead elsewhere the next moment. O_PATH opens
 * nothing: no device is touched, and a pipe does not wait for its other end. */
static int open_file(request_rec *r, const fcgi_proxy_config_t *config, const char *path,
                     apr_file_t **file)
{
    if (path[0] != '/') {
        return refuse(r, path, "it is not an absolute path");
    }
    const int held = open(path, O_PATH | O_CLOEXEC);
    if (held < 0) {
        return cannot_find(r, path);
    }
    const int rc = open_held(r, config, path, held,
                             apr_psprintf(r->pool, "/proc/self/fd/%d", held), file);
    (void)close(held);
    return rc;
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
    apr_file_t *file = NULL;

    int rc = open_file(r, config, path, &file);
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
