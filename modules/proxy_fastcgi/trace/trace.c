/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* trace.c - see trace.h. */
#include "trace.h"

#include "apr_strings.h"
#include "clock.h"
#include "http_core.h"
#include "http_protocol.h"
#include "otlp_line.h"
#include "trace_log.h"
#include "trace_random.h"

extern module AP_MODULE_DECLARE_DATA proxy_fastcgi_module;

#define EVENTS_MAX FCGI_OTLP_EVENTS_MAX    /* queued and granted; later ones are left out */

#define TIME_BYTES 24    /* of "t=", a number of 64 bits and the NUL */

/* What is written at the end. */
typedef struct {
    request_rec *last;            /* the latest of the request's internal redirects that we saw */
    bool is_handled;              /* by FastCGI, as far as a member was found for it */
    apr_time_t epoch;             /* when the monotonic clock was 0, us since the epoch */
    apr_array_header_t *tries;    /* of fcgi_trace_try_t * */
    int event_count;
    fcgi_otlp_event_t events[EVENTS_MAX];
} recording_t;

struct fcgi_trace_t {
    request_rec *r;                     /* the client's */
    char id[2 * FCGI_TRACE_ID_BYTES + 1];
    char span_id[2 * FCGI_SPAN_ID_BYTES + 1];      /* of the SERVER span */
    char try_id[2 * FCGI_SPAN_ID_BYTES + 1];       /* of the CLIENT span of the current try */
    char parent_id[2 * FCGI_SPAN_ID_BYTES + 1];    /* the client's; "": none */
    bool is_sampled;
    bool is_first_try;
    const char *state;                  /* tracestate; NULL: none */
    const char *request_start;          /* X-Request-Start: the client's, or: */
    char time[TIME_BYTES];
    char traceparent[FCGI_TRACEPARENT_BYTES + 1];  /* of the current try */
    recording_t *recording;             /* NULL: no spans are written */
};

/* ---- Ids ------------------------------------------------------------------------------------- */

/* All zeros would mean that there is none. */
static uint64_t not_zero(uint64_t number)
{
    return number ? number : 1;
}

static void write_span_id(char text[2 * FCGI_SPAN_ID_BYTES + 1], uint64_t random)
{
    unsigned char id[FCGI_SPAN_ID_BYTES];

    random = not_zero(random);
    memcpy(id, &random, sizeof(id));
    fcgi_trace_context_hex(text, id, sizeof(id));
}

static void make_trace_id(unsigned char id[FCGI_TRACE_ID_BYTES], const uint64_t random[2])
{
    const uint64_t numbers[] = { not_zero(random[0]), random[1] };
    memcpy(id, numbers, FCGI_TRACE_ID_BYTES);
}

/* ---- The begin ------------------------------------------------------------------------------- */

/* Behind internal redirects and subrequests. */
static request_rec *client_request(request_rec *r)
{
    while (r->main || r->prev) {
        r = r->main ? r->main : r->prev;
    }
    return r;
}

static fc_span_t header(request_rec *r, const char *name)
{
    const char *value = apr_table_get(r->headers_in, name);
    return value ? fc_span_of(value) : fc_span("", 0);
}

/* The trace goes on that the client has begun.
 * returns  false: its headers say of none */
static bool follow_client(fcgi_trace_t *trace, fcgi_trace_context_t *context)
{
    char state[FCGI_TRACESTATE_MAX + 1];

    if (!fcgi_trace_context_read(context, header(trace->r, "traceparent"))) {
        return false;
    }
    fcgi_trace_context_hex(trace->parent_id, context->span_id, FCGI_SPAN_ID_BYTES);
    if (fcgi_trace_context_write_state(header(trace->r, "tracestate"), state) > 0) {
        trace->state = apr_pstrdup(trace->r->pool, state);
    }
    return true;
}

static void find_context(fcgi_trace_t *trace, const fcgi_trace_rules_t *rules, bool is_trusted)
{
    fcgi_trace_context_t context;
    uint64_t random[3];

    fcgi_trace_random(random, 3);
    if (!is_trusted || !follow_client(trace, &context)) {
        make_trace_id(context.trace_id, random);
        context.is_sampled = fcgi_trace_rules_sample(rules, context.trace_id);
    }
    fcgi_trace_context_hex(trace->id, context.trace_id, FCGI_TRACE_ID_BYTES);
    trace->is_sampled = context.is_sampled;
    write_span_id(trace->span_id, random[2]);
}

/* "t=" and microseconds since the epoch, at the end of `text`. */
static const char *write_time(char text[TIME_BYTES], apr_time_t time)
{
    char *at = text + TIME_BYTES - 1;
    uint64_t rest = (uint64_t)time;

    *at = '\0';
    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    *--at = '=';
    *--at = 't';
    return at;
}

static apr_status_t write_spans(void *trace);

static void begin_recording(fcgi_trace_t *trace)
{
    apr_pool_t *p = trace->r->pool;
    recording_t *recording = apr_pcalloc(p, sizeof(*recording));

    recording->last = trace->r;
    recording->epoch = apr_time_now() - fc_now();
    recording->tries = apr_array_make(p, 2, sizeof(fcgi_trace_try_t *));
    trace->recording = recording;
    apr_pool_cleanup_register(p, trace, write_spans, apr_pool_cleanup_null);
}

static fcgi_trace_t *make_trace(request_rec *r, const fcgi_trace_rules_t *rules)
{
    fcgi_trace_t *trace = apr_pcalloc(r->pool, sizeof(*trace));
    const bool is_trusted = fcgi_trace_rules_trust(rules, r);

    trace->r = r;
    find_context(trace, rules, is_trusted);
    trace->request_start = is_trusted ? apr_table_get(r->headers_in, "X-Request-Start") : NULL;
    if (!trace->request_start) {
        trace->request_start = write_time(trace->time, r->request_time);
    }
    if (trace->is_sampled && fcgi_trace_log_is_open()) {
        begin_recording(trace);
    }
    ap_set_module_config(r->request_config, &proxy_fastcgi_module, trace);
    return trace;
}

static fcgi_trace_t *trace_of(request_rec *r)
{
    return ap_get_module_config(client_request(r)->request_config, &proxy_fastcgi_module);
}

fcgi_trace_t *fcgi_trace_take(request_rec *r)
{
    fcgi_trace_t *trace = trace_of(r);

    if (trace && trace->recording) {
        trace->recording->is_handled = true;
    }
    return trace;
}

fcgi_trace_t *fcgi_trace_begin(request_rec *r, const fcgi_trace_rules_t *rules)
{
    fcgi_trace_t *trace = trace_of(r);

    if (!trace) {
        trace = make_trace(client_request(r), rules);
    }
    if (trace->recording && !r->main) {    /* a subrequest ends before it */
        trace->recording->last = r;
    }
    apr_table_addn(r->notes, "trace-id", trace->id);
    apr_table_addn(r->notes, "span-id", trace->span_id);
    return trace;
}

const char *fcgi_trace_id(const fcgi_trace_t *trace)
{
    return trace->id;
}

const char *fcgi_trace_sampled_id(const fcgi_trace_t *trace)
{
    return trace->is_sampled ? trace->id : NULL;
}

/* ---- On its way ------------------------------------------------------------------------------ */

fcgi_trace_try_t *fcgi_trace_begin_try(fcgi_trace_t *trace)
{
    uint64_t random;

    fcgi_trace_random(&random, 1);
    trace->is_first_try = !*trace->try_id;
    write_span_id(trace->try_id, random);
    if (!trace->recording) {
        return NULL;
    }
    fcgi_trace_try_t *attempt = apr_pcalloc(trace->r->pool, sizeof(*attempt));
    memcpy(attempt->span_id, trace->try_id, sizeof(attempt->span_id));
    APR_ARRAY_PUSH(trace->recording->tries, fcgi_trace_try_t *) = attempt;
    return attempt;
}

void fcgi_trace_set_target(const fcgi_trace_t *trace, fcgi_trace_try_t *attempt, const char *url,
                           const char *host, int port)
{
    attempt->url = apr_pstrdup(trace->r->pool, url);
    attempt->host = apr_pstrdup(trace->r->pool, host);
    attempt->port = port;
}

static void note_event(fcgi_trace_t *trace, const char *name)
{
    recording_t *recording = trace->recording;

    if (recording && recording->event_count < EVENTS_MAX) {
        recording->events[recording->event_count++] =
            (fcgi_otlp_event_t){ .name = name, .at = recording->epoch + fc_now() };
    }
}

void fcgi_trace_note_queued(fcgi_trace_t *trace)
{
    note_event(trace, "queued");
}

void fcgi_trace_note_granted(fcgi_trace_t *trace)
{
    note_event(trace, "granted");
}

/* Has the environment such variables already? From the client's headers, or the try before. */
static bool has_variables(const fcgi_trace_t *trace)
{
    const apr_table_t *headers = trace->r->headers_in;

    return !trace->is_first_try || apr_table_get(headers, "traceparent")
           || apr_table_get(headers, "tracestate") || apr_table_get(headers, "X-Request-Start");
}

/* Mostly none is there, and need not be looked for: all names begin like those of other headers,
 * and each would be compared. */
void fcgi_trace_set_variables(fcgi_trace_t *trace, apr_table_t *environment)
{
    const bool are_there = has_variables(trace);
    void (*const put)(apr_table_t *, const char *, const char *) = are_there ? apr_table_setn
                                                                             : apr_table_addn;

    fcgi_trace_context_write(trace->id, trace->try_id, trace->is_sampled, trace->traceparent);
    put(environment, "HTTP_TRACEPARENT", trace->traceparent);
    put(environment, "HTTP_X_REQUEST_START", trace->request_start);
    if (trace->state) {
        put(environment, "HTTP_TRACESTATE", trace->state);
    }
    else if (are_there) {
        apr_table_unset(environment, "HTTP_TRACESTATE");
    }
}

/* ---- The spans ------------------------------------------------------------------------------- */

static const char *method_of(const request_rec *r)
{
    return r->method_number == M_INVALID ? "_OTHER" : r->method;
}

/* The part of a span that all spans of a request have in common. */
static fcgi_otlp_span_t make_span(const fcgi_trace_t *trace, fcgi_otlp_kind_t kind)
{
    const char *method = method_of(trace->r);
    fcgi_otlp_span_t span = {
        .trace_id = trace->id,
        .state = trace->state ? trace->state : "",
        .name = trace->r->method_number == M_INVALID ? "HTTP" : method,
        .kind = kind,
    };
    fcgi_otlp_span_text(&span, "http.request.method", method);
    return span;
}

static void set_error(fcgi_otlp_span_t *span, const char *type)
{
    fcgi_otlp_span_text(span, "error.type", type);
    span->has_failed = true;
}

static const char *version_of(const request_rec *r)
{
    return r->proto_num >= HTTP_VERSION(2, 0)   ? "2"
           : r->proto_num >= HTTP_VERSION(1, 1) ? "1.1"
                                                : "1.0";
}

static void describe_request(fcgi_otlp_span_t *span, request_rec *r)
{
    const char *user_agent = apr_table_get(r->headers_in, "User-Agent");

    if (r->method_number == M_INVALID) {
        fcgi_otlp_span_text(span, "http.request.method_original", r->method);
    }
    fcgi_otlp_span_text(span, "url.scheme", ap_http_scheme(r));
    fcgi_otlp_span_text(span, "url.path", r->parsed_uri.path ? r->parsed_uri.path : "/");
    if (r->parsed_uri.query) {
        fcgi_otlp_span_text(span, "url.query", r->parsed_uri.query);
    }
    fcgi_otlp_span_text(span, "server.address", ap_get_server_name(r));
    fcgi_otlp_span_number(span, "server.port", ap_get_server_port(r));
    fcgi_otlp_span_text(span, "client.address", r->useragent_ip);
    fcgi_otlp_span_text(span, "network.protocol.version", version_of(r));
    if (user_agent) {
        fcgi_otlp_span_text(span, "user_agent.original", user_agent);
    }
}

/* Not the server's fault: the client, or what it has sent. */
static bool blames_client(const char *word)
{
    return strcmp(word, "client_abort") == 0 || strcmp(word, "client_error") == 0;
}

/* How the request ended: by our word, else by its status. */
static void describe_response(fcgi_otlp_span_t *span, const fcgi_trace_t *trace)
{
    const request_rec *r = trace->recording->last;
    const char *word = apr_table_get(r->notes, "fcgi-end");

    while (r->next) {
        r = r->next;
    }
    fcgi_otlp_span_number(span, "http.response.status_code", r->status);
    if (word && strcmp(word, "ok") != 0) {
        set_error(span, word);
        span->has_failed = !blames_client(word);
    }
    else if (r->status >= HTTP_INTERNAL_SERVER_ERROR) {
        set_error(span, apr_itoa(r->pool, r->status));
    }
}

static fcgi_otlp_span_t server_span(const fcgi_trace_t *trace)
{
    const recording_t *recording = trace->recording;
    fcgi_otlp_span_t span = make_span(trace, FCGI_OTLP_SERVER);

    span.span_id = trace->span_id;
    span.parent_id = trace->parent_id;
    span.begin = trace->r->request_time;
    span.end = recording->epoch + fc_now();
    describe_request(&span, trace->r);
    describe_response(&span, trace);
    for (int i = 0; i < recording->event_count; i++) {
        fcgi_otlp_span_event(&span, recording->events[i].name, recording->events[i].at);
    }
    return span;
}

static void describe_member(fcgi_otlp_span_t *span, const fcgi_trace_try_t *attempt)
{
    fcgi_otlp_span_text(span, "url.full", attempt->url);
    fcgi_otlp_span_text(span, "server.address", attempt->host);
    if (attempt->port > 0) {
        fcgi_otlp_span_number(span, "server.port", attempt->port);
    }
    fcgi_otlp_span_text(span, "network.transport", attempt->port > 0 ? "tcp" : "unix");
    fcgi_otlp_span_text(span, "network.protocol.name", "fastcgi");
}

/* resends   how many tries there were before it */
static fcgi_otlp_span_t client_span(const fcgi_trace_t *trace, const fcgi_trace_try_t *attempt,
                                    int resends)
{
    const apr_time_t epoch = trace->recording->epoch;
    fcgi_otlp_span_t span = make_span(trace, FCGI_OTLP_CLIENT);

    span.span_id = attempt->span_id;
    span.parent_id = trace->span_id;
    span.begin = epoch + attempt->began;
    span.end = epoch + (attempt->ended ? attempt->ended : fc_now());
    describe_member(&span, attempt);
    if (resends > 0) {
        fcgi_otlp_span_number(&span, "http.request.resend_count", resends);
    }
    if (attempt->status > 0) {
        fcgi_otlp_span_number(&span, "http.response.status_code", attempt->status);
    }
    if (!attempt->ended || attempt->failure) {
        set_error(&span, attempt->failure ? attempt->failure : "abandoned");
    }
    else if (attempt->status >= HTTP_BAD_REQUEST) {
        set_error(&span, apr_itoa(trace->r->pool, attempt->status));
    }
    if (attempt->connected > 0) {
        fcgi_otlp_span_event(&span, "connected", epoch + attempt->connected);
    }
    if (attempt->first_byte_at > 0) {
        fcgi_otlp_span_event(&span, "first_byte", epoch + attempt->first_byte_at);
    }
    return span;
}

static void write_line(fcgi_otlp_line_t *line, const fcgi_trace_t *trace)
{
    fcgi_otlp_line_end(line);
    fcgi_trace_log_write(line, trace->r->server);
}

/* In a line of its own when it does not fit behind the others. */
static void add_span(fcgi_otlp_line_t *line, const fcgi_otlp_span_t *span,
                     const fcgi_trace_t *trace)
{
    if (!fcgi_otlp_line_add(line, span)) {
        write_line(line, trace);
        fcgi_otlp_line_begin(line, fcgi_trace_log_source());
        (void)fcgi_otlp_line_add(line, span);
    }
}

/* Has it come to us, or had it no chance to? A member of another scheme is another module's. */
static bool is_ours(const recording_t *recording)
{
    return recording->is_handled || apr_table_get(recording->last->notes, "fcgi-end");
}

/* The request has ended. */
static apr_status_t write_spans(void *data)
{
    const fcgi_trace_t *trace = data;
    const apr_array_header_t *tries = trace->recording->tries;
    fcgi_otlp_line_t line;

    if (!is_ours(trace->recording)) {
        return APR_SUCCESS;
    }
    fcgi_otlp_line_begin(&line, fcgi_trace_log_source());
    fcgi_otlp_span_t span = server_span(trace);
    add_span(&line, &span, trace);
    for (int i = 0; i < tries->nelts; i++) {
        span = client_span(trace, APR_ARRAY_IDX(tries, i, fcgi_trace_try_t *), i);
        add_span(&line, &span, trace);
    }
    write_line(&line, trace);
    return APR_SUCCESS;
}
