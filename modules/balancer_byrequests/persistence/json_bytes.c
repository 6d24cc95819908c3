/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* json_bytes.c - see json_bytes.h. */
#include "json_bytes.h"

#include <stdlib.h>
#include <string.h>

json_t *lb_json_bytes_write(const char *bytes)
{
    if (!bytes) {
        return json_null();
    }
    char *text = malloc(2 * strlen(bytes) + 1), *to = text;
    if (!text) {
        return NULL;
    }
    for (const unsigned char *c = (const unsigned char *)bytes; *c; c++) {
        if (*c >= 0x80) {
            *to++ = (char)(0xc0 | *c >> 6);
            *to++ = (char)(0x80 | (*c & 0x3f));
        }
        else {
            *to++ = (char)*c;
        }
    }
    *to = '\0';
    json_t *json = json_string(text);
    free(text);
    return json;
}

const char *lb_json_bytes_read(apr_pool_t *p, const json_t *json)
{
    const unsigned char *from = (const unsigned char *)json_string_value(json);
    char *bytes = from ? apr_palloc(p, strlen((const char *)from) + 1) : NULL;
    char *to = bytes;

    while (from && *from) {
        if (*from < 0x80) {
            *to++ = (char)*from++;
        }
        else if (*from <= 0xc3) {    /* Jansson has checked that two bytes are there */
            *to++ = (char)((from[0] & 0x03) << 6 | (from[1] & 0x3f));
            from += 2;
        }
        else {
            return NULL;
        }
    }
    if (to) {
        *to = '\0';
    }
    return bytes;
}
