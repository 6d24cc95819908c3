/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* check_expr.c - see check_expr.h. */
#include "check_expr.h"

#include "apr_strings.h"
#include "http_config.h"
#include "http_protocol.h"

/* ---- hc('body') ------------------------------------------------------------------------------ */

/* mod_proxy_hcheck has the same function and looks for the body at the same place. */
static const char *body_of(const request_rec *r)
{
    char *body = NULL;
    apr_size_t bytes;

    if (!r || !r->kept_body
        || apr_brigade_pflatten(r->kept_body, &body, &bytes, r->pool) != APR_SUCCESS) {
        return "";
    }
    return apr_pstrmemdup(r->pool, body, bytes);
}

static const char *hc_variable(ap_expr_eval_ctx_t *ctx, const void *unused)
{
    return body_of(ctx->r);
}

static const char *hc_function(ap_expr_eval_ctx_t *ctx, const void *unused, const char *what)
{
    return ap_cstr_casecmp(what, "body") == 0 ? body_of(ctx->r) : NULL;
}

int lb_check_expr_lookup(ap_expr_lookup_parms *parms)
{
    if (parms->type == AP_EXPR_FUNC_VAR && ap_cstr_casecmp(parms->name, "HC_BODY") == 0) {
        *parms->func = hc_variable;
        *parms->data = NULL;
        return OK;
    }
    if (parms->type == AP_EXPR_FUNC_STRING && ap_cstr_casecmp(parms->name, "hc") == 0) {
        *parms->func = hc_function;
        *parms->data = NULL;
        return OK;
    }
    return DECLINED;
}

/* ---- An answer as a request_rec: expressions know nothing else ------------------------------- */

static conn_rec *make_connection(server_rec *s, apr_pool_t *p)
{
    conn_rec *c = apr_pcalloc(p, sizeof(*c));
    apr_sockaddr_t *address = apr_pcalloc(p, sizeof(*address));

    address->pool = p;
    c->pool = p;
    c->base_server = s;
    c->bucket_alloc = apr_bucket_alloc_create(p);
    c->notes = apr_table_make(p, 1);
    c->conn_config = ap_create_conn_config(p);
    c->client_addr = c->local_addr = address;
    c->client_ip = c->local_ip = apr_pstrdup(p, "");
    return c;
}

static request_rec *make_request(const lb_check_t *check, const lb_check_result_t *result,
                                 apr_pool_t *p)
{
    request_rec *r = apr_pcalloc(p, sizeof(*r));

    r->pool = p;
    r->server = check->server;
    r->connection = make_connection(check->server, p);
    r->useragent_addr = r->connection->client_addr;
    r->useragent_ip = r->connection->client_ip;
    r->proxyreq = PROXYREQ_RESPONSE;
    r->method = check->method;
    r->method_number = ap_method_number_of(check->method);
    r->allowed_methods = ap_make_method_list(p, 1);
    r->protocol = apr_pstrdup(p, "HTTP/1.0");
    r->proto_num = HTTP_VERSION(1, 0);
    r->the_request = apr_pstrcat(p, check->method, " ", check->uri, " HTTP/1.0", NULL);
    r->unparsed_uri = apr_pstrdup(p, check->uri);
    r->uri = apr_pstrdup(p, check->uri);
    r->headers_in = apr_table_make(p, 1);
    r->trailers_in = apr_table_make(p, 1);
    r->trailers_out = apr_table_make(p, 1);
    r->headers_out = result->headers ? result->headers : apr_table_make(p, 1);
    r->err_headers_out = apr_table_make(p, 1);
    r->subprocess_env = apr_table_make(p, 1);
    r->notes = apr_table_make(p, 1);
    r->request_config = ap_create_request_config(p);
    r->per_dir_config = check->server->lookup_defaults;
    r->status = result->http_status;
    r->content_type = apr_table_get(r->headers_out, "Content-Type");
    r->kept_body = apr_brigade_create(p, r->connection->bucket_alloc);
    if (result->body_bytes > 0) {
        APR_BRIGADE_INSERT_TAIL(r->kept_body,
                                apr_bucket_transient_create(result->body, result->body_bytes,
                                                            r->connection->bucket_alloc));
    }
    return r;
}

int lb_check_expr_holds(const ap_expr_info_t *expr, const lb_check_t *check,
                        const lb_check_result_t *result, apr_pool_t *p, const char **err)
{
    *err = NULL;
    const int holds = ap_expr_exec(make_request(check, result, p), expr, err);
    return *err ? -1 : holds;
}
