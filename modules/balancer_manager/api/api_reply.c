/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* api_reply.c - see api_reply.h.
 * Knows    Jansson, application/problem+json.
 * Ignores  what went wrong.
 * Memory   Jansson's own, given back here.   Threads: any, no state. */
#include "api_reply.h"

#include <stdarg.h>
#include <string.h>

#include "apr_strings.h"
#include "fastcgi_log.h"
#include "http_log.h"
#include "http_protocol.h"
#include "utf8.h"

APLOG_USE_MODULE(balancer_manager);

json_t *mgr_api_reply_text(apr_pool_t *p, const char *text)
{
    return text ? json_string(mgr_utf8_mend(p, text)) : json_null();
}

static apr_status_t give_back(void *json)
{
    json_decref(json);
    return APR_SUCCESS;
}

void mgr_api_reply_keep(apr_pool_t *p, json_t *json)
{
    apr_pool_cleanup_register(p, json, give_back, apr_pool_cleanup_null);
}

static int write_bytes(const char *bytes, size_t count, void *request)
{
    return ap_rwrite(bytes, (int)count, request) < 0 ? -1 : 0;
}

static int send_object(request_rec *r, int status, const char *type, json_t *object)
{
    if (!object) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, APR_ENOMEM, r,
                      FCLOGNO(0642) "no memory for a JSON response");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    r->status = status;
    ap_set_content_type(r, type);
    json_dump_callback(object, write_bytes, r, JSON_INDENT(2));
    ap_rputs("\n", r);
    json_decref(object);
    return OK;
}

int mgr_api_reply_send_result(request_rec *r, int status, json_t *object)
{
    return send_object(r, status, "application/json", object);
}

/* "Bad Request" of "400 Bad Request" */
static const char *title_of(int status)
{
    const char *line = ap_get_status_line(status);
    const char *blank = strchr(line, ' ');
    return blank ? blank + 1 : line;
}

int mgr_api_reply_send(request_rec *r, int status, json_t *more, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    const char *detail = apr_pvsprintf(r->pool, format, values);
    va_end(values);
    json_t *problem = json_pack("{s:s, s:s, s:i, s:o}", "type", "about:blank", "title",
                                title_of(status), "status", status, "detail",
                                mgr_api_reply_text(r->pool, detail));
    if (problem && more && json_object_update(problem, more) != 0) {
        json_decref(problem);
        problem = NULL;
    }
    json_decref(more);
    return send_object(r, status, "application/problem+json", problem);
}
