/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fuzz_utf8.c - any bytes as a text: mended, it is what a plain decoder takes; what that takes already
 * is not touched; a line speaks to no terminal. */
#include <stdbool.h>

#include "text_input.h"
#include "utf8.h"

/* By arithmetic, not by a table of shapes.
 * returns  bytes; 0 when there is no character that XML knows */
static size_t decode(const unsigned char *s, unsigned *character)
{
    static const unsigned least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    const size_t bytes = *s < 0x80   ? 1
                         : *s < 0xC0 ? 0
                         : *s < 0xE0 ? 2
                         : *s < 0xF0 ? 3
                         : *s < 0xF8 ? 4
                                     : 0;
    *character = bytes == 1 ? *s : *s & (0x7Fu >> bytes);
    for (size_t i = 1; i < bytes; i++) {
        if ((s[i] & 0xC0) != 0x80) {
            return 0;
        }
        *character = *character << 6 | (s[i] & 0x3Fu);
    }
    const unsigned c = *character;
    const bool is_one = c >= least[bytes] && c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF)
                        && c != 0xFFFE && c != 0xFFFF && c != 0x7F
                        && (c >= 0x20 || c == '\t' || c == '\n' || c == '\r');
    return is_one ? bytes : 0;
}

static bool is_right(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    unsigned character;
    for (size_t bytes; *s != '\0'; s += bytes) {
        bytes = decode(s, &character);
        if (bytes == 0) {
            return false;
        }
    }
    return true;
}

/* Character by character, and a replacement for each byte that is in none. */
static void check_mended(const char *text, const char *mended)
{
    const unsigned char *s = (const unsigned char *)text;
    unsigned character;
    while (*s != '\0') {
        const size_t bytes = decode(s, &character);
        const char *expected = bytes > 0 ? (const char *)s : "\xEF\xBF\xBD";
        const size_t width = bytes > 0 ? bytes : 3;
        assert(strncmp(mended, expected, width) == 0);
        mended += width;
        s += bytes > 0 ? bytes : 1;
    }
    assert(*mended == '\0');
}

static void check_line(const char *line)
{
    const unsigned char *s = (const unsigned char *)line;
    unsigned character;
    assert(is_right(line));
    for (; *s != '\0'; s += decode(s, &character)) {
        decode(s, &character);
        assert(character >= ' ' && (character < 0x7F || character > 0x9F));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(fc_span(data, size));
    apr_pool_t *p = fuzz_pool();
    const char *mended = mgr_utf8_mend(p, text);
    assert((mended == text) == is_right(text) && is_right(mended));
    check_mended(text, mended);
    check_line(mgr_utf8_line(p, text));
    free(text);
    return 0;
}
