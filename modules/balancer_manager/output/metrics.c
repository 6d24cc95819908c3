/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* metrics.c - see metrics.h. */
#include "metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "apr_strings.h"
#include "tally.h"
#include "utf8.h"

enum { SECOND_DIGITS = 6 /* microseconds */ };

/* 1 is "1.0", as OpenMetrics wants it and Prometheus 3 stores it: so a bucket has the same name
 * wherever it comes from. */
static const char *bound_text(apr_pool_t *p, int bucket)
{
    char text[16];

    if (bucket == LB_HISTOGRAM_BUCKETS - 1) {
        return "+Inf";
    }
    /* not APR's: that one leaves the 0 in front of the point out */
    snprintf(text, sizeof(text), "%g", (double)lb_histogram_bound(bucket) / 1e6);
    return apr_pstrcat(p, text, strchr(text, '.') ? "" : ".0", NULL);
}

mgr_metrics_t *mgr_metrics_make(request_rec *r, mgr_metrics_format_t format)
{
    mgr_metrics_t *m = apr_pcalloc(r->pool, sizeof(*m));

    m->sink = mgr_sink_make(r);
    m->format = format;
    for (int i = 0; i < LB_HISTOGRAM_BUCKETS; i++) {
        m->bounds[i] =
            fc_span_of(apr_pstrcat(r->pool, ",le=\"", bound_text(r->pool, i), "\"} ", NULL));
    }
    return m;
}

const char *mgr_metrics_content_type(mgr_metrics_format_t format)
{
    return format == MGR_METRICS_OPEN
               ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
               : "text/plain; version=0.0.4; charset=utf-8";
}

void mgr_metrics_end(mgr_metrics_t *m)
{
    if (m->format == MGR_METRICS_OPEN) {
        mgr_sink_text(m->sink, "# EOF\n");
    }
    mgr_sink_end(m->sink);
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

/* In OpenMetrics a counter is called so without the _total that its samples have. */
static const char *family_name(const mgr_metrics_t *m, const char *name)
{
    static const char total[] = "_total";
    const apr_size_t bytes = strlen(name), tail = sizeof(total) - 1;

    return m->format == MGR_METRICS_OPEN && bytes > tail
                   && strcmp(name + bytes - tail, total) == 0
               ? apr_pstrmemdup(m->sink->r->pool, name, bytes - tail)
               : name;
}

void mgr_metrics_family(mgr_metrics_t *m, const char *name, const char *type, const char *help)
{
    const char *family = family_name(m, name);
    const char *const pieces[] = { "# HELP " MGR_METRICS_PREFIX, family, " ", help,
                                   "\n# TYPE " MGR_METRICS_PREFIX, family, " ", type, "\n" };

    m->family = fc_span_of(apr_pstrcat(m->sink->r->pool, MGR_METRICS_PREFIX, name, NULL));
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
    begin(m, "{", fc_span_of(labels));
    mgr_sink_text(m->sink, "} ");
    put_count(m, count);
}

void mgr_metrics_count_of(mgr_metrics_t *m, const char *labels, const char *key, const char *value,
                          uint64_t count)
{
    begin(m, "{", fc_span_of(labels));
    mgr_sink_text(m->sink, ",");
    mgr_sink_text(m->sink, key);
    mgr_sink_text(m->sink, "=\"");
    mgr_sink_text(m->sink, value);
    mgr_sink_text(m->sink, "\"} ");
    put_count(m, count);
}

void mgr_metrics_fraction(mgr_metrics_t *m, const char *labels, apr_int64_t parts, int digits)
{
    begin(m, "{", fc_span_of(labels));
    mgr_sink_text(m->sink, "} ");
    put_fraction(m, parts, digits);
}

void mgr_metrics_words(mgr_metrics_t *m, const char *labels, const char *key, const uint64_t *times,
                       const uint64_t *before)
{
    uint64_t ends[LB_OUTCOME_COUNT], count = 0;
    const char *word;
    int at = 0;

    for (int i = 0; i < LB_OUTCOME_COUNT; i++) {
        ends[i] = times[i] + before[i];
    }
    while ((word = mgr_tally_next(ends, &at, &count))) {
        mgr_metrics_count_of(m, labels, key, word, count);
    }
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

/* Behind the count of its bucket. */
static void put_exemplar(const mgr_metrics_t *m, const lb_exemplar_t *exemplar)
{
    char id[33];

    snprintf(id, sizeof(id), "%016" PRIx64 "%016" PRIx64, exemplar->trace[0], exemplar->trace[1]);
    mgr_sink_text(m->sink, " # {trace_id=\"");
    mgr_sink_text(m->sink, id);
    mgr_sink_text(m->sink, "\"} ");
    mgr_sink_fraction(m->sink, exemplar->took, SECOND_DIGITS);
    mgr_sink_text(m->sink, " ");
    mgr_sink_fraction(m->sink, exemplar->at, SECOND_DIGITS);
}

void mgr_metrics_histogram(mgr_metrics_t *m, const char *labels, const lb_histogram_t *times,
                           const lb_histogram_t *before, const lb_exemplar_t *exemplars)
{
    const fc_span_t of_member = fc_span_of(labels);
    const fc_span_t head = head_of_buckets(m, of_member);
    const bool has_exemplars = m->format == MGR_METRICS_OPEN && exemplars;
    uint64_t count = 0;

    for (int i = 0; i < LB_HISTOGRAM_BUCKETS; i++) {
        count += times->buckets[i] + before->buckets[i];
        put_span(m->sink, head);
        put_span(m->sink, m->bounds[i]);
        mgr_sink_count(m->sink, count);
        if (has_exemplars && exemplars[i].at > 0) {
            put_exemplar(m, &exemplars[i]);
        }
        mgr_sink_text(m->sink, "\n");
    }
    begin(m, "_sum{", of_member);
    mgr_sink_text(m->sink, "} ");
    put_fraction(m, (apr_int64_t)(times->sum + before->sum), SECOND_DIGITS);
    begin(m, "_count{", of_member);
    mgr_sink_text(m->sink, "} ");
    put_count(m, count);
}
