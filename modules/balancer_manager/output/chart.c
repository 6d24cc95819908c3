/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* chart.c - draws lines and bars.
 * Knows    SVG paths.
 * Ignores  colours (assets/manager.css) and where numbers come from.
 * Memory   nothing of its own.   Threads: any, no state. */
#include "chart.h"

#include <stdbool.h>

#include "quantity.h"

enum { WIDTH = 240,
       HEIGHT = 56,
       TOP = 4 };    /* of the drawing, in units of its viewBox */

typedef double value_t(const lb_sample_t *sample);     /* negative: there is none */

static double requests(const lb_sample_t *sample)
{
    return sample->requests;
}

static double errors(const lb_sample_t *sample)
{
    return sample->failures + sample->refused;
}

static double in_flight(const lb_sample_t *sample)
{
    return sample->in_flight;
}

static double queued(const lb_sample_t *sample)
{
    return sample->queued;
}

static double p95(const lb_sample_t *sample)
{
    return (double)sample->p95;
}

static double p50(const lb_sample_t *sample)
{
    return (double)sample->p50;
}

static void write_count(mgr_html_t *html, double count)
{
    mgr_quantity_count(html, (uint64_t)count);
}

static void write_duration(mgr_html_t *html, double us)
{
    mgr_quantity_duration(html, (apr_interval_time_t)us);
}

static const struct chart {
    const char *title;
    value_t *value;
    const char *second_title;      /* NULL: one line only */
    value_t *second;
    void (*write)(mgr_html_t *html, double value);
    const char *unit;              /* for the script that tells values under the pointer */
} charts[] = {
    { "Requests/s", requests, "errors/s", errors, mgr_quantity_number, "rate" },
    { "In flight", in_flight, NULL, NULL, write_count, "count" },
    { "Waiting", queued, NULL, NULL, write_count, "count" },
    { "First byte p95", p95, "p50", p50, write_duration, "us" },
};

static double largest(const apr_array_header_t *samples, value_t *value)
{
    double top = 0;

    for (int i = 0; i < samples->nelts; i++) {
        const double v = value(&APR_ARRAY_IDX(samples, i, lb_sample_t));
        top = v > top ? v : top;
    }
    return top;
}

static uint64_t tenths_within(double value, double high)
{
    return (uint64_t)((value > high ? high : value > 0 ? value
                                                       : 0)
                          * 10
                      + 0.5);
}

/* Within the drawing, wherever a clock that was set back would lead. */
static void point(mgr_html_t *html, char command, double x, double y)
{
    mgr_sink_bytes(html->sink, &command, 1);
    mgr_html_tenths(html, tenths_within(x, WIDTH));
    mgr_html_raw(html, " ");
    mgr_html_tenths(html, tenths_within(y, HEIGHT));
}

/* A line from sample to sample; where there is no value it is broken. With is_area each part of it
 * goes down to the bottom and back to its start. */
static void path(mgr_html_t *html, const char *class, const apr_array_header_t *samples,
                 value_t *value, double top, bool is_area)
{
    const lb_sample_t *all = (const lb_sample_t *)samples->elts;
    const apr_time_t begin = all[0].at, end = all[samples->nelts - 1].at;
    const double span = end > begin ? (double)(end - begin) : 1;
    double x = 0, part_begin = -1;

    mgr_html_format(html, "<path class=\"%s\" d=\"", class);
    for (int i = 0; i <= samples->nelts; i++) {
        const double v = i < samples->nelts ? value(&all[i]) : -1;
        if (v < 0 && part_begin >= 0) {
            if (is_area) {
                point(html, 'L', x, HEIGHT);
                point(html, 'L', part_begin, HEIGHT);
                mgr_html_raw(html, "Z");
            }
            part_begin = -1;
        }
        if (v >= 0) {
            x = (double)(all[i].at - begin) * WIDTH / span;
            point(html, part_begin < 0 ? 'M' : 'L', x,
                  HEIGHT - v * (HEIGHT - TOP) / (top > 0 ? top : 1));
            part_begin = part_begin < 0 ? x : part_begin;
        }
    }
    mgr_html_raw(html, "\"/>");
}

/* ---- Events ---------------------------------------------------------------------------------- */

/* A change of state as the chart marks it. */
static const char *const marks[] = { "failed", "back", "other" };

static int mark_of(const lb_state_change_t *change)
{
    return lb_state_is_failed(change->to) ? 0 : lb_state_is_failed(change->from) ? 1
                                                                                 : 2;
}

/* What charts are about: a balancer, or one of its members. */
typedef struct {
    const char *name;
    const apr_array_header_t *samples;     /* of lb_sample_t, oldest first */
    const apr_array_header_t *history;     /* of the balancer */
    bool is_member;
} about_t;

/* All of a kind are one path. */
static void print_events(mgr_html_t *html, const about_t *about, int mark)
{
    const apr_array_header_t *history = about->history, *samples = about->samples;
    const apr_time_t begin = APR_ARRAY_IDX(samples, 0, lb_sample_t).at;
    const apr_time_t end = APR_ARRAY_IDX(samples, samples->nelts - 1, lb_sample_t).at;
    bool is_open = false;

    for (int i = 0; i < history->nelts; i++) {
        const lb_state_change_t *change = &APR_ARRAY_IDX(history, i, lb_state_change_t);
        if (change->at < begin) {
            break;
        }
        if (change->at > end || mark_of(change) != mark
            || (about->is_member && strcmp(change->member, about->name) != 0)) {
            continue;
        }
        if (!is_open) {
            mgr_html_format(html, "<path class=\"event %s\" d=\"", marks[mark]);
            is_open = true;
        }
        point(html, 'M', (double)(change->at - begin) * WIDTH / (double)(end - begin), 0);
        mgr_html_format(html, "v%d", HEIGHT);
    }
    if (is_open) {
        mgr_html_raw(html, "\"/>");
    }
}

/* ---- A chart --------------------------------------------------------------------------------- */

static void print_value(mgr_html_t *html, const struct chart *chart, double value)
{
    if (value < 0) {
        mgr_html_raw(html, "-");
    }
    else {
        chart->write(html, value);
    }
}

static void print_caption(mgr_html_t *html, const struct chart *chart, const lb_sample_t *last,
                          double top)
{
    mgr_html_format(html, "<figcaption><span>%s</span> <b>", chart->title);
    print_value(html, chart, chart->value(last));
    mgr_html_raw(html, "</b> <small>");
    if (chart->second) {
        mgr_html_format(html, "%s ", chart->second_title);
        print_value(html, chart, chart->second(last));
        mgr_html_raw(html, ", ");
    }
    mgr_html_raw(html, "peak ");
    print_value(html, chart, top);
    mgr_html_raw(html, "</small></figcaption>");
}

static void print_chart(mgr_html_t *html, const struct chart *chart, const about_t *about)
{
    const apr_array_header_t *samples = about->samples;
    const lb_sample_t *last = &APR_ARRAY_IDX(samples, samples->nelts - 1, lb_sample_t);
    const double top = largest(samples, chart->value);
    const double second_top = chart->second ? largest(samples, chart->second) : 0;
    const double scale = second_top > top ? second_top : top;

    mgr_html_raw(html, "<figure class=\"chart\">");
    print_caption(html, chart, last, top);
    mgr_html_format(html, "<svg viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" role=\"img\" "
                          "data-unit=\"%s\" data-scale=\"%.6g\" data-seconds=\"%d\"><title>%s of ",
                    WIDTH, HEIGHT, chart->unit, scale / (HEIGHT - TOP),
                    (int)apr_time_sec(last->at - APR_ARRAY_IDX(samples, 0, lb_sample_t).at),
                    chart->title);
    mgr_html_text(html, about->name);
    mgr_html_raw(html, " over the last ");
    mgr_quantity_duration(html, last->at - APR_ARRAY_IDX(samples, 0, lb_sample_t).at);
    mgr_html_raw(html, "</title>");
    for (int mark = 0; mark < (int)(sizeof(marks) / sizeof(marks[0])); mark++) {
        print_events(html, about, mark);
    }
    path(html, "area", samples, chart->value, scale, true);
    path(html, "line", samples, chart->value, scale, false);
    if (chart->second) {
        path(html, "line second", samples, chart->second, scale, false);
    }
    mgr_html_raw(html, "</svg><p class=\"axis\" aria-hidden=\"true\"><span>");
    mgr_quantity_duration(html, last->at - APR_ARRAY_IDX(samples, 0, lb_sample_t).at);
    mgr_html_raw(html, " ago</span><span>now</span></p></figure>\n");
}

/* Nobody keeps what was in flight at a member, or waited for it. */
static bool is_of_members(const struct chart *chart)
{
    return chart->value != in_flight && chart->value != queued;
}

static void print_charts(mgr_html_t *html, const about_t *about)
{
    if (!about->samples || about->samples->nelts < 2) {
        mgr_html_raw(html, "<p class=\"empty\">No data of the last minutes yet.</p>\n");
        return;
    }
    mgr_html_raw(html, "<div class=\"charts\">\n");
    for (size_t i = 0; i < sizeof(charts) / sizeof(charts[0]); i++) {
        if (!about->is_member || is_of_members(&charts[i])) {
            print_chart(html, &charts[i], about);
        }
    }
    mgr_html_raw(html, "</div>\n");
}

void mgr_chart_print_samples(mgr_html_t *html, const lb_balancer_view_t *balancer)
{
    const about_t about = { balancer->name, balancer->past, balancer->history, false };

    print_charts(html, &about);
}

void mgr_chart_print_member(mgr_html_t *html, const lb_balancer_view_t *balancer,
                            const char *name, const apr_array_header_t *samples)
{
    const about_t about = { name, samples, balancer->owner->history, true };

    print_charts(html, &about);
}

static uint64_t tenths_of_percent(double part, double whole)
{
    const double share = whole > 0 && part > 0 ? part / whole : 0;
    return (uint64_t)((share < 1 ? share : 1) * 1000 + 0.5);
}

void mgr_chart_print_bar(mgr_html_t *html, double part, double mark, double whole)
{
    mgr_html_raw(html, "<svg class=\"bar\" viewBox=\"0 0 100 6\" preserveAspectRatio=\"none\" "
                       "aria-hidden=\"true\"><path d=\"M0 0H");
    mgr_html_tenths(html, tenths_of_percent(part, whole));
    mgr_html_raw(html, "V6H0\"/>");
    if (mark >= 0) {
        mgr_html_raw(html, "<path class=\"mark\" d=\"M");
        mgr_html_tenths(html, tenths_of_percent(mark, whole));
        mgr_html_raw(html, " 0v6\"/>");
    }
    mgr_html_raw(html, "</svg>");
}
