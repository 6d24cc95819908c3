/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* utf8.c - mends text that came from a configuration file in any encoding.
 * Ignores  what a character is (utf8_character.h); where text goes (escape.c and view_json.c quote
 *          it).
 * Memory   copies into the caller's pool only when something is wrong.   Threads: any, no state. */
#include "utf8.h"

#include <string.h>

#include "apr_strings.h"
#include "utf8_character.h"

const char *mgr_utf8_mend(apr_pool_t *p, const char *text)
{
    static const char replacement[] = FC_UTF8_REPLACEMENT;

    if (!text) {
        return NULL;
    }
    const unsigned char *in = (const unsigned char *)text;
    size_t bytes;
    while (*in && (bytes = fc_utf8_character_bytes(in)) > 0) {
        in += bytes;
    }
    if (!*in) {
        return text;
    }
    char *mended = apr_palloc(p, 3 * strlen(text) + 1);
    char *out = mended;
    for (in = (const unsigned char *)text; *in; in += bytes ? bytes : 1) {
        bytes = fc_utf8_character_bytes(in);
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
