/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* secret_file.c - see secret_file.h. */
#include "secret_file.h"

#include "apr_file_io.h"
#include "apr_strings.h"
#include "fastcgi_log.h"
#include "http_log.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;
APLOG_USE_MODULE(balancer_byrequests);

static const char *failed(apr_pool_t *p, const char *what, apr_status_t rv)
{
    char text[120];
    return apr_psprintf(p, "%s: %s", what, apr_strerror(rv, text, sizeof(text)));
}

const char *lb_secret_file_read(apr_pool_t *p, const char *file, fc_span_t *key)
{
    apr_file_t *in;
    apr_size_t bytes = 0;
    unsigned char *read = apr_palloc(p, LB_SECRET_FILE_MAX + 1);

    apr_status_t rv = apr_file_open(&in, file, APR_FOPEN_READ | APR_FOPEN_BINARY, 0, p);
    if (rv != APR_SUCCESS) {
        return failed(p, apr_psprintf(p, "the key file %s cannot be opened", file), rv);
    }
    rv = apr_file_read_full(in, read, LB_SECRET_FILE_MAX + 1, &bytes);
    apr_file_close(in);
    if (rv != APR_SUCCESS && rv != APR_EOF) {
        return failed(p, apr_psprintf(p, "the key file %s cannot be read", file), rv);
    }
    if (bytes < LB_SECRET_FILE_MIN || bytes > LB_SECRET_FILE_MAX) {
        return apr_psprintf(p, "the key file %s must have %d to %d bytes. Fix: "
                               "openssl rand -out %s 32",
                            file, LB_SECRET_FILE_MIN, LB_SECRET_FILE_MAX,
                            file);
    }
    *key = fc_span(read, bytes);
    return NULL;
}

void lb_secret_file_warn_of_readers(const cmd_parms *cmd, const char *file)
{
    apr_finfo_t info;

    if (apr_stat(&info, file, APR_FINFO_PROT, cmd->temp_pool) == APR_SUCCESS
        && (info.protection & (APR_FPROT_WREAD | APR_FPROT_WWRITE))) {
        ap_log_error(
            APLOG_MARK, APLOG_WARNING, 0, cmd->server, FCLOGNO(0501)
            "%s: every user on this machine can read or write %s. Fix: chmod 600 %s",
            cmd->cmd->name, file, file);
    }
}
