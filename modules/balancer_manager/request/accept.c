/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* accept.c - see accept.h. */
#include "accept.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "span.h"

static const char blanks[] = " \t";

static fc_span_t trimmed(const char *at, size_t bytes)
{
    while (bytes > 0 && strchr(blanks, at[bytes - 1])) {
        bytes--;
    }
    while (bytes > 0 && strchr(blanks, *at)) {
        at++;
        bytes--;
    }
    return fc_span(at, bytes);
}

/* The next piece of `text`, up to `separator`, which is skipped. */
static fc_span_t next_piece(fc_span_t *text, char separator)
{
    const char *at = (const char *)text->at;
    const char *end = memchr(at, separator, text->bytes);
    const size_t bytes = end ? (size_t)(end - at) : text->bytes;

    *text = fc_span_after(*text, end ? bytes + 1 : bytes);
    return trimmed(at, bytes);
}

static bool is_word(fc_span_t span, const char *word)
{
    return span.bytes == strlen(word)
           && strncasecmp((const char *)span.at, word, span.bytes) == 0;
}

/* A number from 0 to 1 with up to three digits behind its point. */
static int thousandths(fc_span_t number)
{
    int value = 0, unit = 1000;

    for (size_t i = 0; i < number.bytes && unit > 0; i++) {
        const unsigned char c = number.at[i];
        if (c >= '0' && c <= '9') {
            value += (c - '0') * unit;
            unit /= 10;
        }
    }
    return value < 1000 ? value : 1000;
}

/* range   type;parameter=value;... */
static int quality_of(fc_span_t range, const char *type, const char *version)
{
    int quality = is_word(next_piece(&range, ';'), type) ? 1000 : 0;

    while (range.bytes > 0) {
        fc_span_t value = next_piece(&range, ';');
        const fc_span_t name = next_piece(&value, '=');
        if (is_word(name, "version") && !is_word(value, version)) {
            return 0;
        }
        if (is_word(name, "q") && quality > 0) {
            quality = thousandths(value);
        }
    }
    return quality;
}

int mgr_accept_quality(const char *accept, const char *type, const char *version)
{
    fc_span_t rest = fc_span(accept, accept ? strlen(accept) : 0);
    int highest = 0;

    while (rest.bytes > 0) {
        const int quality = quality_of(next_piece(&rest, ','), type, version);
        highest = quality > highest ? quality : highest;
    }
    return highest;
}
