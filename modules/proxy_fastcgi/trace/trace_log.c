/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* trace_log.c - see trace_log.h. */
#include "trace_log.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "ap_mpm.h"
#include "apr_strings.h"
#include "fastcgi_log.h"
#include "fastcgi_version.h"
#include "http_core.h"
#include "http_log.h"

extern module AP_MODULE_DECLARE_DATA proxy_fastcgi_module;
APLOG_USE_MODULE(proxy_fastcgi);

#define SERVICE_DEFAULT "httpd"

static const char *target;    /* of the directive; NULL: none */
static apr_file_t *file;      /* NULL: not open */
static fcgi_otlp_source_t source;

const char *fcgi_trace_log_set(cmd_parms *cmd, void *unused, const char *arg)
{
    const char *err = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    if (err) {
        return err;
    }
    target = *arg == '|' ? arg : ap_server_root_relative(cmd->pool, arg);
    return target && strcmp(arg, "|") != 0
               ? NULL
               : apr_psprintf(cmd->pool, "%s: '%s' is not a file or |program", cmd->cmd->name, arg);
}

int fcgi_trace_log_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    target = NULL;
    file = NULL;    /* the pool that was cleared has closed it */
    return OK;
}

/* OTEL_SERVICE_NAME is what OpenTelemetry's own libraries read. */
static void find_source(apr_pool_t *p)
{
    char host[256] = "";
    const char *service = getenv("OTEL_SERVICE_NAME");

    (void)gethostname(host, sizeof(host) - 1);
    source = (fcgi_otlp_source_t){
        .service = service && *service ? apr_pstrdup(p, service) : SERVICE_DEFAULT,
        .host = apr_pstrdup(p, host),
        .version = FASTCGI_CLUSTER_VERSION,
    };
}

/* As with CustomLog: |program, ||program, |$command of a shell. */
static apr_status_t open_program(apr_pool_t *p, const char *program)
{
    const bool needs_shell = *program == '$';
    piped_log *pipe =
        ap_open_piped_log_ex(p, program + (needs_shell || *program == '|' ? 1 : 0),
                             needs_shell ? APR_SHELLCMD_ENV : APR_PROGRAM_ENV);

    file = pipe ? ap_piped_log_write_fd(pipe) : NULL;
    return file ? APR_SUCCESS : APR_EGENERAL;
}

int fcgi_trace_log_open(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    if (!target || ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        return OK;
    }
    const apr_status_t rv =
        *target == '|'
            ? open_program(pconf, target + 1)
            : apr_file_open(&file, target, APR_WRITE | APR_APPEND | APR_CREATE | APR_LARGEFILE,
                            APR_OS_DEFAULT, pconf);
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s, FCLOGNO(0346)
                     "cannot open ProxyFCGITraceLog %s", target);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    find_source(pconf);
    return OK;
}

bool fcgi_trace_log_is_open(void)
{
    return file != NULL;
}

const fcgi_otlp_source_t *fcgi_trace_log_source(void)
{
    return &source;
}

void fcgi_trace_log_write(const fcgi_otlp_line_t *line, server_rec *s)
{
    static atomic_flag was_said = ATOMIC_FLAG_INIT;
    apr_size_t bytes = line->bytes;
    const apr_status_t rv = apr_file_write(file, line->text, &bytes);

    if ((rv != APR_SUCCESS || bytes < line->bytes) && !atomic_flag_test_and_set(&was_said)) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, rv, s, FCLOGNO(0345)
                     "cannot write to ProxyFCGITraceLog %s: spans are lost (logged once per "
                     "process)",
                     target);
    }
}
