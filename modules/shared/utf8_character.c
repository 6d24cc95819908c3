/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* utf8_character.c - see utf8_character.h. */
#include "utf8_character.h"

#include <stdbool.h>

static bool is_within(unsigned char byte, unsigned char low, unsigned char high)
{
    return byte >= low && byte <= high;
}

/* U+FFFE and U+FFFF, which XML does not know. */
static bool is_no_character(const unsigned char *s)
{
    return s[0] == 0xEF && s[1] == 0xBF && s[2] >= 0xBE;
}

size_t fc_utf8_character_bytes(const unsigned char *s)
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
