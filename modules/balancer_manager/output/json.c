/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* json.c - see json.h. */
#include "json.h"

#include "apr_strings.h"
#include "utf8.h"

enum { SHORT_TEXT = 1024 };    /* room for it is found at once */

mgr_json_t *mgr_json_make(request_rec *r)
{
    mgr_json_t *json = apr_pcalloc(r->pool, sizeof(*json));

    json->sink = mgr_sink_make(r);
    return json;
}

/* Where the next byte that cannot stand in a string is; also what may be no UTF-8 is looked at. */
static size_t plain_bytes(const char *text)
{
    size_t n = 0;

    while ((unsigned char)text[n] >= 0x20 && text[n] != '"' && text[n] != '\\'
           && (unsigned char)text[n] < 0x7F) {
        n++;
    }
    return n;
}

static void put_escaped(mgr_sink_t *sink, const char *text)
{
    while (*text) {
        const size_t plain = plain_bytes(text);
        mgr_sink_bytes(sink, text, plain);
        text += plain;
        if ((unsigned char)*text >= 0x7F) {    /* mended already */
            mgr_sink_bytes(sink, text++, 1);
        }
        else if (*text) {
            char escape[8];
            const int bytes = *text == '"' || *text == '\\'
                                  ? apr_snprintf(escape, sizeof(escape), "\\%c", *text)
                                  : apr_snprintf(escape, sizeof(escape), "\\u%04x", *text);
            mgr_sink_bytes(sink, escape, (apr_size_t)bytes);
            text++;
        }
    }
}

void mgr_json_break_line(mgr_json_t *json)
{
    mgr_sink_text(json->sink, json->needs_comma ? ",\n" : "\n");
    json->needs_comma = 0;
}

void mgr_json_put_text(mgr_json_t *json, const char *text)
{
    mgr_sink_t *sink = json->sink;
    const size_t plain = text ? plain_bytes(text) : 0;

    if (!text || !*text) {
        mgr_json_put_null(json);
    }
    else if (plain < SHORT_TEXT && text[plain] == '\0') {    /* nearly always */
        char *out = mgr_sink_room(sink, plain + 2);
        out[0] = out[plain + 1] = '"';
        memcpy(out + 1, text, plain);
        sink->used += plain + 2;
    }
    else {
        mgr_sink_bytes(sink, "\"", 1);
        put_escaped(sink, mgr_utf8_mend(sink->r->pool, text));
        mgr_sink_bytes(sink, "\"", 1);
    }
}

/* The times of a status lie in few different seconds: of a start, of changes, of checks. */
static const char *date_of(mgr_json_t *json, apr_time_t second)
{
    mgr_json_date_t *date = &json->dates[(apr_uint64_t)second % MGR_JSON_DATES];

    if (second != date->second || !*date->text) {
        apr_time_exp_t t;
        apr_time_exp_gmt(&t, apr_time_from_sec(second));
        apr_snprintf(date->text, sizeof(date->text), "\"%04d-%02d-%02dT%02d:%02d:%02d",
                     1900 + t.tm_year, t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec);
        date->second = second;
    }
    return date->text;
}

void mgr_json_put_time(mgr_json_t *json, apr_time_t at)
{
    if (at == 0) {
        mgr_json_put_null(json);
        return;
    }
    const int ms = (int)apr_time_msec(at);
    const char fraction[] = { '.', (char)('0' + ms / 100), (char)('0' + ms / 10 % 10),
                              (char)('0' + ms % 10), 'Z', '"' };
    mgr_sink_text(json->sink, date_of(json, apr_time_sec(at)));
    mgr_sink_bytes(json->sink, fraction, sizeof(fraction));
}
