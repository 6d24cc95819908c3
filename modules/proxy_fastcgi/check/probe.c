/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* probe.c - see probe.h. */
#include "probe.h"

#include <poll.h>
#include <stdlib.h>

#include "apr_strings.h"
#include "backend.h"
#include "fpm_status.h"
#include "httpd.h"
#include "params.h"
#include "pump.h"

#define READ_BUFFER_BYTES 8192
#define HEAD_BYTES        16384    /* at most */
#define BODY_BYTES        8192     /* of it are kept */
#define REQUEST_ID        1

/* One request and its answer. */
typedef struct {
    apr_pool_t *p;
    const lb_check_t *check;
    const char *method;
    const char *uri;
    const char *query;
    fcgi_check_target_t target;
    const char *shown;    /* its address */
    fcgi_exchange_t exchange;
    bool has_head_space;
    bool is_stopped;
    lb_check_result_t *result;
    char body[BODY_BYTES];
} probe_t;

/* ---- The request ----------------------------------------------------------------------------- */

static fc_span_t lay_out_request(const probe_t *probe)
{
    const char *const variables[][2] = {
        { "GATEWAY_INTERFACE", "CGI/1.1" },
        { "SERVER_PROTOCOL", "HTTP/1.0" },
        { "SERVER_SOFTWARE", ap_get_server_banner() },
        { "SERVER_NAME", probe->check->server->server_hostname },
        { "REMOTE_ADDR", "127.0.0.1" },
        { "REQUEST_METHOD", probe->method },
        { "REQUEST_URI", *probe->query ? apr_pstrcat(probe->p, probe->uri, "?", probe->query, NULL)
                                       : probe->uri },
        { "QUERY_STRING", probe->query },
        { "SCRIPT_NAME", probe->uri },
        { "SCRIPT_FILENAME", probe->uri },
        { "HTTP_USER_AGENT", "mod_proxy_fastcgi (check)" },
    };
    enum { COUNT = sizeof(variables) / sizeof(variables[0]) };
    fcgi_pair_t pairs[COUNT];
    size_t bytes = 0, too_big;
    const size_t begin_bytes = 2 * FCGI_RECORD_HEADER_BYTES;

    for (size_t i = 0; i < COUNT; i++) {
        const char *value = variables[i][1] ? variables[i][1] : "";
        pairs[i].name = fc_span_of(variables[i][0]);
        pairs[i].value = fc_span_of(value);
    }
    /* A line of the configuration is shorter than a record can be. */
    ap_assert(fcgi_params_measure(pairs, COUNT, &bytes, &too_big) == FCGI_OK);
    unsigned char *at = apr_palloc(probe->p, begin_bytes + bytes);
    fcgi_record_encode_begin(at, REQUEST_ID, 0);
    fcgi_params_encode(pairs, COUNT, REQUEST_ID, at + begin_bytes);
    return fc_span(at, begin_bytes + bytes);
}

/* ---- What the pump tells --------------------------------------------------------------------- */

static fcgi_chunk_t no_body(void *baton, bool may_wait, fc_span_t *chunk, bool *last)
{
    *chunk = fc_span("", 0);
    *last = true;
    return FCGI_CHUNK_READY;
}

static void add_field(lb_check_result_t *result, fcgi_field_t field, apr_pool_t *p)
{
    const char *name = apr_pstrmemdup(p, (const char *)field.name.at, field.name.bytes);
    const char *value = apr_pstrmemdup(p, (const char *)field.value.at, field.value.bytes);

    if (ap_cstr_casecmp(name, "Status") == 0) {
        result->http_status = atoi(value);
    }
    else {
        apr_table_addn(result->headers, name, value);
    }
}

static bool on_head(void *baton, fc_span_t head)
{
    probe_t *probe = baton;
    lb_check_result_t *result = probe->result;
    fcgi_field_t field;
    fcgi_result_t got;

    result->http_status = HTTP_OK;
    result->headers = apr_table_make(probe->p, 8);
    while ((got = fcgi_head_next(&head, &field)) != FCGI_MORE) {
        if (got == FCGI_OK) {
            add_field(result, field, probe->p);
        }
    }
    if (ap_is_HTTP_INFO(result->http_status)) {
        fcgi_exchange_expect_another_head(&probe->exchange);
    }
    return true;
}

static unsigned char *head_space(void *baton, fc_span_t so_far, size_t *bytes)
{
    probe_t *probe = baton;

    if (probe->has_head_space) {
        return NULL;    /* too big for a check */
    }
    probe->has_head_space = true;
    *bytes = HEAD_BYTES;
    return apr_palloc(probe->p, HEAD_BYTES);
}

static bool on_body(void *baton, fc_span_t piece)
{
    probe_t *probe = baton;
    const size_t room = BODY_BYTES - probe->result->body_bytes;
    const size_t bytes = piece.bytes < room ? piece.bytes : room;

    memcpy(probe->body + probe->result->body_bytes, piece.at, bytes);
    probe->result->body_bytes += bytes;
    return true;
}

static bool on_stderr(void *baton, fc_span_t piece)
{
    return true;
}

static bool go_on(void *baton)
{
    return true;
}

static bool on_stop(void *baton)
{
    return false;
}

/* In the place of a client the pump watches stop->hangs_up: "the client has gone" means to stop. */
static const fcgi_pump_owner_t pump_owner = {
    .next_chunk = no_body,
    .on_head = on_head,
    .head_space = head_space,
    .on_body = on_body,
    .on_stderr = on_stderr,
    .on_drained = go_on,
    .on_pause = go_on,
    .on_client_ready = go_on,
    .on_slow = go_on,
    .on_client_gone = on_stop,
};

/* ---- How it ended ---------------------------------------------------------------------------- */

static void fail(lb_check_result_t *result, lb_outcome_t outcome, const char *why)
{
    result->outcome = outcome;
    result->why = why;
}

static void judge_end(lb_check_result_t *result, const fcgi_exchange_t *x)
{
    if (x->head_is_complete) {
        result->outcome = LB_SERVED;
    }
    else if (x->protocol_status == FCGI_OVERLOADED) {
        fail(result, LB_OVERLOADED, "the backend reports that it is overloaded");
    }
    else {
        fail(result, LB_BAD_RESPONSE, "the request ended without a complete response head");
    }
}

static void judge(const probe_t *probe, const fcgi_pump_t *pump, apr_status_t rv)
{
    lb_check_result_t *result = probe->result;

    if (pump->stopped_by_owner) {
        fail(result, LB_TOO_BIG_HEADER, "the response head is too big for a check");
    }
    else if (rv == APR_SUCCESS) {
        judge_end(result, pump->exchange);
    }
    else if (APR_STATUS_IS_TIMEUP(rv)) {
        fail(result, pump->first_byte_at ? LB_READ_TIMEOUT : LB_FIRST_BYTE_TIMEOUT,
             "no complete response in time (hctimeout)");
    }
    else if (rv == APR_EGENERAL) {
        fail(result, LB_PROTOCOL, fcgi_exchange_reason_text(pump->exchange->reason));
    }
    else {
        fail(result, LB_BACKEND_EOF,
             fcgi_backend_loss_of(probe->shown, rv, pump->exchange->bytes_received == 0));
    }
}

/* ---- One request ----------------------------------------------------------------------------- */

static void run_exchange(probe_t *probe, fcgi_connection_t *connection, apr_time_t deadline)
{
    fcgi_pump_t pump = {
        .connection = connection,
        .exchange = &probe->exchange,
        .owner = &pump_owner,
        .baton = probe,
        .buffer = apr_palloc(probe->p, READ_BUFFER_BYTES),
        .buffer_bytes = READ_BUFFER_BYTES,
        .client_fd = probe->target.stop->hangs_up,
        .timeout = probe->target.timeout,
        .client_timeout = probe->target.timeout,
        .deadline = deadline,
        .flush_wait = -1,
    };
    fcgi_exchange_init(&probe->exchange, REQUEST_ID, lay_out_request(probe));
    const apr_status_t rv = fcgi_pump_run(&pump);
    judge(probe, &pump, rv);
}

/* What was cut off by us says nothing about the member. */
static bool is_ended_by_us(const probe_t *probe, const lb_check_result_t *result)
{
    struct pollfd stop = { .fd = probe->target.stop->hangs_up };
    return result->outcome != LB_SERVED && poll(&stop, 1, 0) > 0;
}

/* Connect, and if there is a method send a request. */
static void ask(probe_t *probe, lb_check_result_t *result)
{
    const apr_time_t started = fc_now();
    fcgi_lease_t lease;

    *result = (lb_check_result_t){ .outcome = LB_SERVED, .why = "", .body = probe->body };
    probe->result = result;
    const apr_status_t rv =
        fcgi_backend_connect_for_check(&lease, &probe->target, probe->p, &probe->shown,
                                       &result->why);
    if (rv != APR_SUCCESS) {
        result->outcome = fcgi_backend_outcome_of(&lease, rv);
    }
    else if (probe->method) {
        run_exchange(probe, lease.connection, started + probe->target.timeout);
    }
    probe->target.stop->connection = -1;    /* before it is closed */
    fcgi_backend_give_back(&lease, false);
    result->took = fc_now() - started;
    probe->is_stopped = is_ended_by_us(probe, result);
}

static probe_t *make_probe(const lb_check_t *check, const char *method, const char *uri,
                           fcgi_check_stop_t *stop, apr_pool_t *p)
{
    probe_t *probe = apr_pcalloc(p, sizeof(*probe));
    const char *mark = uri ? strchr(uri, '?') : NULL;

    probe->p = p;
    probe->check = check;
    probe->method = method;
    probe->uri = mark ? apr_pstrmemdup(p, uri, (apr_size_t)(mark - uri)) : uri;
    probe->query = mark ? mark + 1 : "";
    probe->target = (fcgi_check_target_t){
        .worker = check->worker,
        .server = check->server,
        .timeout = check->timeout,
        .stop = stop,
    };
    return probe;
}

/* returns  false when it was stopped */
static bool read_status(const lb_check_t *check, fcgi_check_stop_t *stop, apr_pool_t *p,
                        lb_check_result_t *result)
{
    probe_t *probe = make_probe(check, "GET", check->status_uri, stop, p);
    lb_check_result_t page;

    probe->target.address = check->status_address;
    probe->query = *probe->query ? apr_pstrcat(p, probe->query, "&json", NULL) : "json";
    ask(probe, &page);
    if (page.outcome == LB_SERVED && page.http_status == HTTP_OK) {
        result->has_fpm_numbers = fcgi_fpm_status_read(page.body, page.body_bytes, &result->fpm);
    }
    return !probe->is_stopped;
}

/* How long a request may wait for the first byte of its answer: as in try.c. */
static apr_interval_time_t patience_of(const lb_check_t *check)
{
    const fcgi_worker_params_t *params = fcgi_worker_params_of(check->worker);
    const apr_interval_time_t first_byte =
        params->firstbyte ? params->firstbyte
                          : fcgi_backend_timeout(check->worker, check->server);
    return params->total && params->total < first_byte ? params->total : first_byte;
}

bool fcgi_probe_run(const lb_check_t *check, fcgi_check_stop_t *stop, apr_pool_t *p,
                    lb_check_result_t *result)
{
    *result = (lb_check_result_t){ .outcome = LB_SERVED, .why = "" };
    if (!check->only_status) {
        probe_t *probe = make_probe(check, check->method, check->uri, stop, p);
        ask(probe, result);
        result->patience = patience_of(check);
        if (probe->is_stopped) {
            return false;
        }
    }
    /* A member that does not answer is not asked again; another address is always worth it. */
    if (check->status_uri && (result->outcome == LB_SERVED || check->status_address)) {
        return read_status(check, stop, p, result);
    }
    return true;
}
