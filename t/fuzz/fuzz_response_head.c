/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fuzz_response_head.c - any bytes as a head: however they are cut, its end is where lines say, and
 * its fields, put together again, are the head.
 * The input starts with the lengths of the pieces. */
#include <stdbool.h>

#include "response_head.h"
#include "turns.h"

/* The first line of `text` with its LF; without one, all of it. */
static fc_span_t line_of(fc_span_t text)
{
    const unsigned char *lf = text.bytes > 0 ? memchr(text.at, '\n', text.bytes) : NULL;
    return lf ? fc_span(text.at, (size_t)(lf - text.at) + 1) : text;
}

/* The line without its LF or CRLF. */
static fc_span_t text_of(fc_span_t line)
{
    if (line.bytes > 0 && line.at[line.bytes - 1] == '\n') {
        line.bytes--;
        if (line.bytes > 0 && line.at[line.bytes - 1] == '\r') {
            line.bytes--;
        }
    }
    return line;
}

/* Line by line: bytes up to the empty line, which counts; all when there is none. */
static size_t end_by_lines(fc_span_t in, bool *found)
{
    size_t bytes = 0;
    *found = false;
    while (bytes < in.bytes && !*found) {
        fc_span_t line = line_of(fc_span_after(in, bytes));
        bytes += line.bytes;
        *found = text_of(line).bytes == 0;
    }
    return bytes;
}

static void check_end(fc_span_t in, fuzz_turns_t cuts, bool found, size_t end)
{
    fcgi_head_scan_t scan = { 0 };
    fcgi_result_t result = FCGI_MORE;
    size_t sum = 0;
    while (sum < in.bytes && result == FCGI_MORE) {
        fc_span_t piece = fuzz_turns_piece(&cuts, fc_span_after(in, sum));
        size_t used = SIZE_MAX;
        result = fcgi_head_scan(&scan, piece, &used);
        assert(used <= piece.bytes && (result == FCGI_OK || used == piece.bytes));
        fuzz_turns_free(piece);
        sum += used;
    }
    assert(result == (found ? FCGI_OK : FCGI_MORE) && sum == end);
}

static bool is_token(fc_span_t name)
{
    static const char allowed[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (size_t i = 0; i < name.bytes; i++) {
        if (name.at[i] == '\0' || strchr(allowed, name.at[i]) == NULL) {
            return false;
        }
    }
    return name.bytes > 0;
}

static bool has_control(fc_span_t value)
{
    for (size_t i = 0; i < value.bytes; i++) {
        if ((value.at[i] < ' ' && value.at[i] != '\t') || value.at[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

static bool is_blank(fc_span_t part)
{
    for (size_t i = 0; i < part.bytes; i++) {
        if (part.at[i] != ' ' && part.at[i] != '\t') {
            return false;
        }
    }
    return true;
}

static fc_span_t between(const unsigned char *from, const unsigned char *to)
{
    assert(from <= to);
    return fc_span(from, (size_t)(to - from));
}

/* Name, colon, blanks, value, blanks are the line, and neither side could take more of it. */
static void check_field(fc_span_t line, const fcgi_field_t *field)
{
    const unsigned char *name_end = field->name.at + field->name.bytes;
    const unsigned char *value_end = field->value.at + field->value.bytes;
    assert(field->name.at == line.at && is_token(field->name) && !has_control(field->value));
    assert(name_end < line.at + line.bytes && *name_end == ':');
    assert(is_blank(between(name_end + 1, field->value.at)));
    assert(is_blank(between(value_end, line.at + line.bytes)));
    assert(field->value.bytes == 0
           || (!is_blank(fc_span(field->value.at, 1)) && !is_blank(fc_span(value_end - 1, 1))));
}

/* A line that was refused has no name in front of a colon, or a control character behind it. */
static void check_refusal(fc_span_t line, const fcgi_field_t *field)
{
    assert(field->name.at == line.at && field->name.bytes == line.bytes && line.bytes > 0);
    const unsigned char *colon = memchr(line.at, ':', line.bytes);
    assert(colon == NULL || !is_token(between(line.at, colon))
           || has_control(between(colon + 1, line.at + line.bytes)));
}

static void check_fields(fc_span_t head, bool is_whole)
{
    for (fc_span_t rest = head;;) {
        fc_span_t before = rest, line = line_of(rest);
        fcgi_field_t field = { { NULL, 0 }, { NULL, 0 } };
        fcgi_result_t result = fcgi_head_next(&rest, &field);
        if (result == FCGI_MORE) {
            assert(rest.at == before.at && rest.bytes == before.bytes);
            assert(text_of(rest).bytes == 0 && (rest.bytes > 0) == is_whole);
            return;
        }
        assert(rest.at == before.at + line.bytes && rest.bytes == before.bytes - line.bytes);
        (result == FCGI_OK ? check_field : check_refusal)(text_of(line), &field);
    }
}

static void check_biggest(fc_span_t head)
{
    fc_span_t found = fcgi_head_biggest_field(head), biggest = fc_span(head.at, 0);
    while (head.bytes > 0) {
        fc_span_t line = line_of(head);
        if (text_of(line).bytes > biggest.bytes) {
            biggest = text_of(line);
        }
        head = fc_span_after(head, line.bytes);
    }
    assert(found.at == biggest.at && found.bytes <= biggest.bytes && found.bytes <= 64);
    assert(found.bytes == 0 || memchr(found.at, ':', found.bytes) == NULL);
    assert(found.bytes == biggest.bytes || found.bytes == 64 || found.at[found.bytes] == ':');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const fuzz_turns_t undecided = { { NULL, 0 }, 0 };
    fc_span_t in = fc_span(data, size);
    fuzz_turns_t cuts = fuzz_turns_take(&in);
    bool found;
    size_t end = end_by_lines(in, &found);
    check_end(in, undecided, found, end);
    check_end(in, cuts, found, end);
    if (end > 0) {
        check_fields(fc_span(in.at, end), found);
        check_biggest(fc_span(in.at, end));
    }
    return 0;
}
