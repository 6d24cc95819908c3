/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* utf8.c - mends text that came from a configuration file in any encoding.
 * Knows    the shape of UTF-8 (RFC 3629, 4).
 * Ignores  where text goes; escape.c and view_json.c quote it.
 * Memory   copies into the caller's pool only when something is wrong.   Threads: any, no state. */
#include "utf8.h"

#include <stdbool.h>
#include <string.h>

#include "apr_strings.h"

static bool is_within(unsigned char byte, unsigned char low, unsigned char high)
{
    return byte >= low && byte <= high;
}

/* U+FFFE and U+FFFF, which XML does not know. */
static bool is_no_character(const unsigned char *s)
{
    return s[0] == 0xEF && s[1] == 0xBF && s[2] >= 0xBE;
}

/* Bytes of the well-formed character at `s`, 0 when there is none. A NUL ends every check. */
static size_t character_bytes(const unsigned char *s)
{
    static const struct {
        unsigned char lead_low, lead_high, second_low, second_high;
        size_t bytes;
    } shapes[] = {
        { 0xC2, 0xDF, 0x80, 0xBF, 2 },
        { 0xE0, 0xE0, 0xA0, 0xBF, 3 },
        { 0xE1, 0xEC, 0x80, 0xBF, 3 },
        { 0xED, 0xED, 0x80, 0x9F, 3 },
        { 0xEE, 0xEF, 0x80, 0xBF, 3 },
        { 0xF0, 0xF0, 0x90, 0xBF, 4 },
        { 0xF1, 0xF3, 0x80, 0xBF, 4 },
        { 0xF4, 0xF4, 0x80, 0x8F, 4 },
    };
    if (is_within(s[0], 0x20, 0x7E) || s[0] == '\t' || s[0] == '\n' || s[0] == '\r') {
        return 1;
    }
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        if (!is_within(s[0], shapes[i].lead_low, shapes[i].lead_high)) {
            continue;
        }
        if (!is_within(s[1], shapes[i].second_low, shapes[i].second_high)) {
            return 0;
        }
        for (size_t n = 2; n < shapes[i].bytes; n++) {
            if (!is_within(s[n], 0x80, 0xBF)) {
                return 0;
            }
        }
        return is_no_character(s) ? 0 : shapes[i].bytes;
    }
    return 0;
}

const char *mgr_utf8_mend(apr_pool_t *p, const char *text)
{
    static const char replacement[] = "\xEF\xBF\xBD";

    if (!text) {
        return NULL;
    }
    const unsigned char *in = (const unsigned char *)text;
    size_t bytes;
    while (*in && (bytes = character_bytes(in)) > 0) {
        in += bytes;
    }
    if (!*in) {
        return text;
    }
    char *mended = apr_palloc(p, 3 * strlen(text) + 1);
    char *out = mended;
    for (in = (const unsigned char *)text; *in; in += bytes ? bytes : 1) {
        bytes = character_bytes(in);
        const size_t width = bytes ? bytes : sizeof(replacement) - 1;
        memcpy(out, bytes ? (const char *)in : replacement, width);
        out += width;
    }
    *out = '\0';
    return mended;
}

const char *mgr_utf8_line(apr_pool_t *p, const char *text)
{
    char *line = apr_pstrdup(p, mgr_utf8_mend(p, text ? text : ""));

    for (unsigned char *c = (unsigned char *)line; *c; c++) {
        if (*c < 0x20) {
            *c = ' ';
        }
        else if (*c == 0xC2 && c[1] < 0xA0) {    /* U+0080 to U+009F: 8-bit terminal controls */
            *c++ = ' ';
            *c = ' ';
        }
    }
    return line;
}
