/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* sink.c - see sink.h. */
#include "sink.h"

#include "http_protocol.h"

mgr_sink_t *mgr_sink_make(request_rec *r)
{
    mgr_sink_t *sink = apr_palloc(r->pool, sizeof(*sink));

    sink->r = r;
    sink->used = 0;
    return sink;
}

void mgr_sink_end(mgr_sink_t *sink)
{
    /* an error is the connection's: httpd sees it too */
    (void)ap_rwrite(sink->bytes, (int)sink->used, sink->r);
    sink->used = 0;
}

void mgr_sink_overflow(mgr_sink_t *sink, const char *bytes, apr_size_t count)
{
    while (count > sizeof(sink->bytes) - sink->used) {
        const apr_size_t fits = sizeof(sink->bytes) - sink->used;
        memcpy(sink->bytes + sink->used, bytes, fits);
        sink->used += fits;
        bytes += fits;
        count -= fits;
        mgr_sink_end(sink);
    }
    memcpy(sink->bytes + sink->used, bytes, count);
    sink->used += count;
}

void mgr_sink_count(mgr_sink_t *sink, apr_uint64_t number)
{
    char *out = mgr_sink_room(sink, 20);
    apr_size_t digits = 1;

    if (number < 10) {    /* most are 0 */
        *out = (char)('0' + number);
        sink->used++;
        return;
    }
    for (apr_uint64_t rest = number; rest >= 10; rest /= 10) {
        digits++;
    }
    for (apr_size_t i = digits; i > 0; i--, number /= 10) {
        out[i - 1] = (char)('0' + number % 10);
    }
    sink->used += digits;
}

void mgr_sink_number(mgr_sink_t *sink, apr_int64_t number)
{
    if (number < 0) {
        mgr_sink_bytes(sink, "-", 1);
    }
    mgr_sink_count(sink, number < 0 ? -(apr_uint64_t)number : (apr_uint64_t)number);
}

void mgr_sink_fraction(mgr_sink_t *sink, apr_int64_t parts, int digits)
{
    apr_uint64_t rest = parts < 0 ? -(apr_uint64_t)parts : (apr_uint64_t)parts;
    apr_uint64_t unit = 1;

    for (int i = 0; i < digits; i++) {
        unit *= 10;
    }
    if (parts < 0) {
        mgr_sink_bytes(sink, "-", 1);
    }
    mgr_sink_count(sink, rest / unit);
    rest %= unit;
    if (rest == 0) {
        return;
    }
    while (rest % 10 == 0) {
        rest /= 10;
        digits--;
    }
    char *out = mgr_sink_room(sink, (apr_size_t)digits + 1);
    out[0] = '.';
    for (int i = digits; i > 0; i--, rest /= 10) {
        out[i] = (char)('0' + rest % 10);
    }
    sink->used += (apr_size_t)digits + 1;
}
