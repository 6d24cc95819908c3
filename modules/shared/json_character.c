/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* json_character.c - see json_character.h. */
#include "json_character.h"

#include <string.h>

#include "utf8_character.h"

size_t fc_json_plain_bytes(const char *text)
{
    size_t n = 0;

    while (text[n] >= 0x20 && text[n] < 0x7f && text[n] != '"' && text[n] != '\\') {
        n++;
    }
    return n;
}

size_t fc_json_character(const char *text, size_t *takes, char out[FC_JSON_CHARACTER_MAX])
{
    static const char hex[] = "0123456789abcdef";
    const size_t bytes = fc_utf8_character_bytes((const unsigned char *)text);

    *takes = bytes > 0 ? bytes : 1;
    if (bytes == 0) {
        memcpy(out, FC_UTF8_REPLACEMENT, sizeof(FC_UTF8_REPLACEMENT) - 1);
        return sizeof(FC_UTF8_REPLACEMENT) - 1;
    }
    if (*text == '"' || *text == '\\') {
        out[0] = '\\';
        out[1] = *text;
        return 2;
    }
    if ((unsigned char)*text < 0x20) {
        static const char escape[] = { '\\', 'u', '0', '0' };
        memcpy(out, escape, sizeof(escape));
        out[4] = hex[*text >> 4];
        out[5] = hex[*text & 15];
        return 6;
    }
    memcpy(out, text, bytes);
    return bytes;
}
