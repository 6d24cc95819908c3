/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* metrics.c - see metrics.h. */
#include "metrics.h"

#include <stdio.h>
#include <string.h>

#include "apr_strings.h"
#include "utf8.h"

enum { SECOND_DIGITS = 6 /* microseconds */ };

static fc_span_t span_of(const char *text)
{
    return fc_span(text, strlen(text));
}

mgr_metrics_t *mgr_metrics_make(request_rec *r)
{
    mgr_metrics_t *m = apr_pcalloc(r->pool, sizeof(*m));

    m->sink = mgr_sink_make(r);
    for (int i = 0; i < LB_HISTOGRAM_BUCKETS; i++) {
        char bound[16] = "+Inf";
        if (i < LB_HISTOGRAM_BUCKETS - 1) {
            /* not APR's: that one leaves the 0 in front of the point out */
            snprintf(bound, sizeof(bound), "%g", (double)lb_histogram_bound(i) / 1e6);
        }
        m->bounds[i] = span_of(apr_pstrcat(r->pool, ",le=\"", bound, "\"} ", NULL));
    }
    return m;
}

/* Backslash, quote and newline are escaped. */
const char *mgr_metrics_quoted(apr_pool_t *p, const char *text)
{
    const char *mended = mgr_utf8_mend(p, text);
    char *copy = apr_palloc(p, 2 * strlen(mended) + 1), *out = copy;

    for (; *mended; mended++) {
        if (*mended == '\\' || *mended == '"' || *mended == '\n') {
            *out++ = '\\';
        }
        *out++ = *mended == '\n' ? 'n' : *mended;
    }
    *out = '\0';
    return copy;
}

void mgr_metrics_family(mgr_metrics_t *m, const char *name, const char *type, const char *help)
{
    const char *const pieces[] = { "# HELP " MGR_METRICS_PREFIX, name, " ", help,
                                   "\n# TYPE " MGR_METRICS_PREFIX, name, " ", type, "\n" };

    m->family = span_of(apr_pstrcat(m->sink->r->pool, MGR_METRICS_PREFIX, name, NULL));
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        mgr_sink_text(m->sink, pieces[i]);
    }
}

/* ---- Samples --------------------------------------------------------------------------------- */

static void put_span(mgr_sink_t *sink, fc_span_t span)
{
    mgr_sink_bytes(sink, (const char *)span.at, span.bytes);
}

/* The name of a sample, and its labels but for the last.
 * opening   what is behind the family's name: "{", "_sum{", ... */
static inline void begin(const mgr_metrics_t *m, const char *opening, fc_span_t labels)
{
    put_span(m->sink, m->family);
    mgr_sink_text(m->sink, opening);
    put_span(m->sink, labels);
}

static void put_count(const mgr_metrics_t *m, uint64_t count)
{
    mgr_sink_count(m->sink, count);
    mgr_sink_text(m->sink, "\n");
}

static void put_fraction(const mgr_metrics_t *m, apr_int64_t parts, int digits)
{
    mgr_sink_fraction(m->sink, parts, digits);
    mgr_sink_text(m->sink, "\n");
}

void mgr_metrics_count(mgr_metrics_t *m, const char *labels, uint64_t count)
{
    begin(m, "{", span_of(labels));
    mgr_sink_text(m->sink, "} ");
    put_count(m, count);
}

void mgr_metrics_count_of(mgr_metrics_t *m, const char *labels, const char *key, const char *value,
                          uint64_t count)
{
    begin(m, "{", span_of(labels));
    mgr_sink_text(m->sink, ",");
    mgr_sink_text(m->sink, key);
    mgr_sink_text(m->sink, "=\"");
    mgr_sink_text(m->sink, value);
    mgr_sink_text(m->sink, "\"} ");
    put_count(m, count);
}

void mgr_metrics_fraction(mgr_metrics_t *m, const char *labels, apr_int64_t parts, int digits)
{
    begin(m, "{", span_of(labels));
    mgr_sink_text(m->sink, "} ");
    put_fraction(m, parts, digits);
}

static char *append(char *to, const void *bytes, size_t count)
{
    memcpy(to, bytes, count);
    return to + count;
}

/* A histogram is four fifths of all samples: what its buckets have in common is made once. */
static fc_span_t head_of_buckets(mgr_metrics_t *m, fc_span_t labels)
{
    static const char opening[] = "_bucket{";
    const apr_size_t most = m->family.bytes + sizeof(opening) + labels.bytes;

    if (most > m->head_room) {
        m->head_room = 2 * most;
        m->head = apr_palloc(m->sink->r->pool, m->head_room);
    }
    char *end = append(m->head, m->family.at, m->family.bytes);
    end = append(end, opening, sizeof(opening) - 1);
    end = append(end, labels.at, labels.bytes);
    return fc_span(m->head, (size_t)(end - m->head));
}

void mgr_metrics_histogram(mgr_metrics_t *m, const char *labels, const lb_histogram_t *times,
                           const lb_histogram_t *before)
{
    const fc_span_t of_member = span_of(labels);
    const fc_span_t head = head_of_buckets(m, of_member);
    uint64_t count = 0;

    for (int i = 0; i < LB_HISTOGRAM_BUCKETS; i++) {
        count += times->buckets[i] + before->buckets[i];
        put_span(m->sink, head);
        put_span(m->sink, m->bounds[i]);
        put_count(m, count);
    }
    begin(m, "_sum{", of_member);
    mgr_sink_text(m->sink, "} ");
    put_fraction(m, (apr_int64_t)(times->sum + before->sum), SECOND_DIGITS);
    begin(m, "_count{", of_member);
    mgr_sink_text(m->sink, "} ");
    put_count(m, count);
}
