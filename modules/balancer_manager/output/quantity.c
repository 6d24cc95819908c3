/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* quantity.c - writes measured values so that people can compare them.
 * Knows    units, and how many digits mean something.
 * Ignores  what was measured.
 * Memory   nothing of its own.   Threads: any, no state. */
#include "quantity.h"

#include <stdbool.h>

#include "apr_time.h"

void mgr_quantity_duration(mgr_html_t *html, apr_interval_time_t us)
{
    static const struct {
        apr_interval_time_t unit;
        apr_interval_time_t below;   /* the next unit begins here */
        const char *name;
    } units[] = {
        { 1, 1000, " us" },
        { 1000, 1000000, " ms" },
        { 1000000, 120 * 1000000LL, " s" },
        { 60 * 1000000LL, 120 * 60 * 1000000LL, " min" },
        { 3600 * 1000000LL, 48 * 3600 * 1000000LL, " h" },
        { 86400 * 1000000LL, INT64_MAX, " d" },
    };
    size_t i = 0;

    us = us > 0 ? us : 0;
    while (us >= units[i].below) {
        i++;
    }
    if (i > 0 && us < 10 * units[i].unit && us % units[i].unit >= units[i].unit / 20) {
        mgr_html_tenths(html, (uint64_t)(10 * us / units[i].unit));
    }
    else {
        mgr_html_count(html, (uint64_t)(us / units[i].unit));
    }
    mgr_html_raw(html, units[i].name);
}

void mgr_quantity_count(mgr_html_t *html, uint64_t count)
{
    char text[sizeof("18,446,744,073,709,551,615")];
    char *const end = text + sizeof(text), *digit = end;

    for (int i = 0; count > 0 || i == 0; i++, count /= 10) {
        if (i > 0 && i % 3 == 0) {
            *--digit = ',';
        }
        *--digit = (char)('0' + count % 10);
    }
    mgr_sink_bytes(html->sink, digit, (apr_size_t)(end - digit));
}

void mgr_quantity_number(mgr_html_t *html, double number)
{
    const double positive = number > 0 ? number : 0;

    if (positive >= 99.95) {
        mgr_quantity_count(html, (uint64_t)(positive + 0.5));
    }
    else {
        mgr_html_tenths(html, (uint64_t)(positive * 10 + 0.5));
    }
}

void mgr_quantity_percent(mgr_html_t *html, double part, double whole)
{
    mgr_html_tenths(html, whole > 0 ? (uint64_t)(part * 1000 / whole + 0.5) : 0);
    mgr_html_raw(html, " %");
}

static void print_two_digits(mgr_html_t *html, int number, char behind)
{
    const char text[] = { (char)('0' + number / 10 % 10), (char)('0' + number % 10), behind };

    mgr_sink_bytes(html->sink, text, sizeof(text));
}

static void print_clock(mgr_html_t *html, const apr_time_exp_t *t, char behind)
{
    print_two_digits(html, t->tm_hour, ':');
    print_two_digits(html, t->tm_min, ':');
    print_two_digits(html, t->tm_sec, behind);
}

/* By hand: a page has one for each member. */
static void print_rfc3339(mgr_html_t *html, const apr_time_exp_t *t)
{
    const int offset = t->tm_gmtoff / 60, minutes = offset < 0 ? -offset : offset;

    mgr_html_count(html, (uint64_t)t->tm_year + 1900);
    mgr_html_raw(html, "-");
    print_two_digits(html, t->tm_mon + 1, '-');
    print_two_digits(html, t->tm_mday, 'T');
    print_clock(html, t, offset < 0 ? '-' : '+');
    print_two_digits(html, minutes / 60, ':');
    print_two_digits(html, minutes % 60, '"');
}

/* returns  false when the time of day cannot be told: nothing is open */
static bool open_time(mgr_html_t *html, apr_time_t at, apr_time_exp_t *t)
{
    if (apr_time_exp_lt(t, at) != APR_SUCCESS) {
        return false;
    }
    mgr_html_raw(html, "<time datetime=\"");
    print_rfc3339(html, t);
    return true;
}

static void print_day_and_clock(mgr_html_t *html, apr_time_t at, apr_time_t now,
                                const apr_time_exp_t *t, char behind)
{
    static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    const bool is_near = at > now - apr_time_from_sec(86400) && at < now + apr_time_from_sec(86400);

    if (!is_near) {
        mgr_html_format(html, "%d %s ", t->tm_mday, months[t->tm_mon]);
    }
    print_clock(html, t, behind);
}

void mgr_quantity_time(mgr_html_t *html, apr_time_t at, apr_time_t now)
{
    apr_time_exp_t t;

    if (open_time(html, at, &t)) {
        mgr_html_raw(html, ">");
        print_day_and_clock(html, at, now, &t, '<');
        mgr_html_raw(html, "/time>");
    }
}

void mgr_quantity_age(mgr_html_t *html, apr_time_t at, apr_time_t now)
{
    apr_time_exp_t t;

    if (open_time(html, at, &t)) {
        mgr_html_raw(html, " title=\"");
        print_day_and_clock(html, at, now, &t, '"');
        mgr_html_raw(html, ">");
        mgr_quantity_duration(html, now - at >= APR_USEC_PER_SEC ? now - at : APR_USEC_PER_SEC);
        mgr_html_raw(html, "</time>");
    }
}
