/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* accept.c - see accept.h. */
#include "accept.h"

#include <stdbool.h>
#include <string.h>

#include "span.h"

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
    int quality = fc_span_is_text(fc_span_take(&range, ';'), type) ? 1000 : 0;

    while (range.bytes > 0) {
        fc_span_t value = fc_span_take(&range, ';');
        const fc_span_t name = fc_span_take(&value, '=');
        if (fc_span_is_text(name, "version") && !fc_span_is_text(value, version)) {
            return 0;
        }
        if (fc_span_is_text(name, "q") && quality > 0) {
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
        const int quality = quality_of(fc_span_take(&rest, ','), type, version);
        highest = quality > highest ? quality : highest;
    }
    return highest;
}
