/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_response_head.c - where a head ends, and which fields it holds. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "response_head.h"
#include "run_suite.h"
#include "transcript.h"

static void assert_span(fc_span_t span, const char *expected)
{
    ck_assert_uint_eq(span.bytes, strlen(expected));
    ck_assert(span.bytes == 0 || memcmp(span.at, expected, span.bytes) == 0);
}

/* Feeds `text` in the pieces that the two cuts make, each in memory of just its size.
 * Returns the end of the head, 0 when it was not found. */
static size_t end_found(fc_span_t text, size_t cut, size_t cut_2)
{
    const size_t borders[] = { 0, cut, cut_2, text.bytes };
    fcgi_head_scan_t scan = { 0 };
    for (int i = 0; i < 3; i++) {
        size_t bytes = borders[i + 1] - borders[i], used = 4711;
        unsigned char *piece = malloc(bytes ? bytes : 1);
        memcpy(piece, text.at + borders[i], bytes);
        fcgi_result_t result = fcgi_head_scan(&scan, fc_span(piece, bytes), &used);
        free(piece);
        if (result == FCGI_OK) {
            return borders[i] + used;
        }
        ck_assert_int_eq(result, FCGI_MORE);
        ck_assert_uint_eq(used, bytes);
    }
    return 0;
}

static void assert_end_under_every_split(fc_span_t text, size_t end)
{
    for (size_t cut = 0; cut <= text.bytes; cut++) {
        for (size_t cut_2 = cut; cut_2 <= text.bytes; cut_2++) {
            ck_assert_uint_eq(end_found(text, cut, cut_2), end);
        }
    }
}

static void assert_head(const char *head, const char *rest)
{
    char text[200];
    int bytes = snprintf(text, sizeof(text), "%s%s", head, rest);
    assert_end_under_every_split(fc_span(text, (size_t)bytes), strlen(head));
}

START_TEST(head_ends_at_an_empty_line_of_lf)
{
    assert_head("Status: 200\nX: y\n\n", "body\n\n");
}
END_TEST

START_TEST(head_ends_at_an_empty_line_of_crlf)
{
    assert_head("Status: 200\r\nX: y\r\n\r\n", "body\r\n\r\n");
}
END_TEST

START_TEST(line_ends_may_be_mixed)
{
    assert_head("A: b\n\r\n", "x");
    assert_head("A: b\r\n\n", "\n");
    assert_head("A: b\r\nC: d\n\r\n", "");
}
END_TEST

START_TEST(head_that_starts_with_an_empty_line_is_empty)
{
    assert_head("\n", "\n\nbody");
    assert_head("\r\n", "\r\nbody");
}
END_TEST

START_TEST(cr_inside_a_line_does_not_end_it)
{
    assert_head("A: b\rc\n\n", "body");
    assert_head("A: b\r\r\n\n", "body");
    assert_head("\rA: b\n\n", "body");
    assert_head("A: b\n\rX\n\n", "body");
}
END_TEST

START_TEST(two_crs_and_lf_are_no_empty_line)
{
    assert_head("\r\r\n\n", "body");
    assert_head("A: b\n\r\r\n\r\n", "body");
}
END_TEST

START_TEST(head_without_an_empty_line_asks_for_more)
{
    assert_end_under_every_split(fc_span_of("A: b\r\nC: d\r\n\r"), 0);
    assert_end_under_every_split(fc_span_of("A: b\nC: d"), 0);
    assert_end_under_every_split(fc_span_of(""), 0);
}
END_TEST

START_TEST(nul_bytes_are_only_bytes_to_the_scan)
{
    assert_end_under_every_split(fc_span("A: \0\n\0\n\nbody", 12), 8);
}
END_TEST

START_TEST(empty_piece_changes_nothing)
{
    fcgi_head_scan_t scan = { 0 };
    size_t used;
    ck_assert_int_eq(fcgi_head_scan(&scan, fc_span_of("A: b\n"), &used), FCGI_MORE);
    ck_assert_int_eq(fcgi_head_scan(&scan, fc_span(NULL, 0), &used), FCGI_MORE);
    ck_assert_uint_eq(used, 0);
    ck_assert_int_eq(fcgi_head_scan(&scan, fc_span_of("\n"), &used), FCGI_OK);
    ck_assert_uint_eq(used, 1);
}
END_TEST

START_TEST(scan_can_be_used_for_the_next_head)
{
    fcgi_head_scan_t scan = { 0 };
    size_t used;
    ck_assert_int_eq(fcgi_head_scan(&scan, fc_span_of("A: b\r\n\r\n"), &used), FCGI_OK);
    ck_assert_int_eq(fcgi_head_scan(&scan, fc_span_of("\r\nC: d"), &used), FCGI_OK);
    ck_assert_uint_eq(used, 2);
    ck_assert_int_eq(fcgi_head_scan(&scan, fc_span_of("C: d\r\n\r\n"), &used), FCGI_OK);
    ck_assert_uint_eq(used, 8);
}
END_TEST

/* The slow way to say where a head ends. */
static size_t naive_end(fc_span_t text)
{
    for (size_t i = 0, line = 0; i < text.bytes; i++) {
        if (text.at[i] == '\n') {
            if (i == line || (i == line + 1 && text.at[line] == '\r')) {
                return i + 1;
            }
            line = i + 1;
        }
    }
    return 0;
}

START_TEST(random_heads_end_where_a_naive_search_says)
{
    unsigned seed = 4242;
    for (int round = 0; round < 20000; round++) {
        unsigned char text[24];
        size_t bytes = transcript_dice(&seed, sizeof(text) + 1);
        for (size_t i = 0; i < bytes; i++) {
            text[i] = (unsigned char)"\r\n\r\nab"[transcript_dice(&seed, 6)];
        }
        size_t cut = transcript_dice(&seed, (unsigned)bytes + 1);
        size_t cut_2 = cut + transcript_dice(&seed, (unsigned)(bytes - cut) + 1);
        fc_span_t span = fc_span(text, bytes);
        ck_assert_uint_eq(end_found(span, cut, cut_2), naive_end(span));
    }
}
END_TEST

static fc_span_t rest;

static void assert_field(const char *name, const char *value)
{
    fcgi_field_t field;
    ck_assert_int_eq(fcgi_head_next(&rest, &field), FCGI_OK);
    assert_span(field.name, name);
    assert_span(field.value, value);
}

static void assert_bad(const char *line)
{
    fcgi_field_t field;
    ck_assert_int_eq(fcgi_head_next(&rest, &field), FCGI_BAD);
    assert_span(field.name, line);
}

static void assert_no_field_is_left(void)
{
    fcgi_field_t field;
    ck_assert_int_eq(fcgi_head_next(&rest, &field), FCGI_MORE);
    ck_assert_int_eq(fcgi_head_next(&rest, &field), FCGI_MORE);
}

START_TEST(fields_come_in_order)
{
    rest = fc_span_of("Status: 404 Not Found\r\nContent-Type: text/html\nX-A:1\r\n\r\n");
    assert_field("Status", "404 Not Found");
    assert_field("Content-Type", "text/html");
    assert_field("X-A", "1");
    assert_no_field_is_left();
}
END_TEST

START_TEST(empty_head_has_no_field)
{
    rest = fc_span_of("\n");
    assert_no_field_is_left();
    rest = fc_span_of("\r\n");
    assert_no_field_is_left();
    rest = fc_span(NULL, 0);
    assert_no_field_is_left();
}
END_TEST

START_TEST(nothing_behind_the_empty_line_is_a_field)
{
    rest = fc_span_of("A: b\n\nC: d\n\n");
    assert_field("A", "b");
    assert_no_field_is_left();
}
END_TEST

START_TEST(white_space_around_a_value_is_cut)
{
    rest = fc_span_of("A: \t b c\td \t \r\nB:\t\nC:\n\n");
    assert_field("A", "b c\td");
    assert_field("B", "");
    assert_field("C", "");
    assert_no_field_is_left();
}
END_TEST

START_TEST(colons_in_a_value_belong_to_it)
{
    rest = fc_span_of("Location: http://a:80/\n\n");
    assert_field("Location", "http://a:80/");
}
END_TEST

START_TEST(bytes_over_127_may_stand_in_a_value)
{
    rest = fc_span_of("A: \xc3\xa4\xff\n\n");
    assert_field("A", "\xc3\xa4\xff");
}
END_TEST

START_TEST(name_may_hold_every_token_character_and_no_other)
{
    const char *token = "!#$%&'*+-.^_`|~0123456789"
                        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (int c = 0; c < 256; c++) {
        const unsigned char text[] = { 'n', (unsigned char)c, 'm', ':', 'v', '\n', '\n' };
        fcgi_field_t field;
        fc_span_t head = fc_span(text, sizeof(text));
        if (c == '\n' || c == ':') {
            continue;
        }
        ck_assert_int_eq(fcgi_head_next(&head, &field),
                         c != 0 && strchr(token, c) ? FCGI_OK : FCGI_BAD);
        ck_assert_uint_eq(head.bytes, 1);
    }
}
END_TEST

START_TEST(value_may_hold_every_byte_but_control_characters)
{
    for (int c = 0; c < 256; c++) {
        const unsigned char text[] = { 'n', ':', 'v', (unsigned char)c, 'w', '\n', '\n' };
        fcgi_field_t field;
        fc_span_t head = fc_span(text, sizeof(text));
        if (c == '\n') {
            continue;
        }
        ck_assert_int_eq(fcgi_head_next(&head, &field),
                         c == '\t' || (c >= 0x20 && c != 0x7f) ? FCGI_OK : FCGI_BAD);
        ck_assert_uint_eq(field.name.bytes, c == '\t' || (c >= 0x20 && c != 0x7f) ? 1 : 5);
    }
}
END_TEST

START_TEST(line_that_is_no_field_is_bad_and_the_next_can_be_read)
{
    rest = fc_span_of("no colon\r\n: no name\nbad name: x\nspace : x\nA: b\n\n");
    assert_bad("no colon");
    assert_bad(": no name");
    assert_bad("bad name: x");
    assert_bad("space : x");
    assert_field("A", "b");
    assert_no_field_is_left();
}
END_TEST

START_TEST(folded_line_is_bad)
{
    rest = fc_span_of("A: b\r\n more: of it\r\n\tand more\r\n\r\n");
    assert_field("A", "b");
    assert_bad(" more: of it");
    assert_bad("\tand more");
    assert_no_field_is_left();
}
END_TEST

START_TEST(bare_cr_is_bad)
{
    rest = fc_span_of("A: b\rc\nB: d\r\r\n\rC: e\n\r\r\n\n");
    assert_bad("A: b\rc");
    assert_bad("B: d\r");
    assert_bad("\rC: e");
    assert_bad("\r");
    assert_no_field_is_left();
}
END_TEST

START_TEST(head_without_its_crs_has_no_bare_ones)
{
    static const char head[] = "A: b\rc\r\nB: d\r\r\n\rC: e\n\r\n";
    unsigned char out[sizeof(head)];
    const size_t bytes = fcgi_head_drop_crs(fc_span(head, sizeof(head) - 1), out);
    ck_assert_uint_eq(bytes, strlen("A: bc\nB: d\nC: e\n\n"));
    ck_assert_mem_eq(out, "A: bc\nB: d\nC: e\n\n", bytes);
    ck_assert_uint_eq(fcgi_head_drop_crs(fc_span("\r\r", 2), out), 0);
    ck_assert_uint_eq(fcgi_head_drop_crs(fc_span(head, 0), out), 0);
}
END_TEST

START_TEST(nul_in_a_value_is_bad)
{
    fcgi_field_t field;
    rest = fc_span("A: b\0c\n\n", 8);
    ck_assert_int_eq(fcgi_head_next(&rest, &field), FCGI_BAD);
    ck_assert_uint_eq(field.name.bytes, 6);
}
END_TEST

START_TEST(every_cut_head_is_read_within_its_bounds)
{
    const char *text = "Status: 200\r\nA :b\r\n folded\r\nC: d\r\n\r\n";
    for (size_t bytes = 0; bytes <= strlen(text); bytes++) {
        unsigned char *exact = malloc(bytes ? bytes : 1);
        memcpy(exact, text, bytes);
        fc_span_t head = fc_span(exact, bytes);
        fcgi_field_t field;
        fcgi_head_biggest_field(head);
        while (fcgi_head_next(&head, &field) != FCGI_MORE) {
            ck_assert_uint_le(head.bytes, bytes);
        }
        free(exact);
    }
}
END_TEST

START_TEST(biggest_field_is_the_longest_line_up_to_its_colon)
{
    assert_span(fcgi_head_biggest_field(fc_span_of("A: bb\nSet-Cookie: xxxxxx\r\nC: ddd\n")),
                "Set-Cookie");
}
END_TEST

START_TEST(biggest_field_may_be_unfinished)
{
    assert_span(fcgi_head_biggest_field(fc_span_of("A: bb\r\nX-Big: xxxxxxxxxxxxxxxx")), "X-Big");
    assert_span(fcgi_head_biggest_field(fc_span_of("A: bb\r\nX-Not-Yet-Clear")), "X-Not-Yet-Clear");
}
END_TEST

START_TEST(biggest_field_is_at_most_64_bytes)
{
    char text[101];
    memset(text, 'n', 100);
    text[100] = '\0';
    ck_assert_uint_eq(fcgi_head_biggest_field(fc_span_of(text)).bytes, 64);
    text[64] = ':';
    ck_assert_uint_eq(fcgi_head_biggest_field(fc_span_of(text)).bytes, 64);
    text[63] = ':';
    ck_assert_uint_eq(fcgi_head_biggest_field(fc_span_of(text)).bytes, 63);
}
END_TEST

START_TEST(biggest_field_of_an_empty_head_is_empty)
{
    ck_assert_uint_eq(fcgi_head_biggest_field(fc_span(NULL, 0)).bytes, 0);
    ck_assert_uint_eq(fcgi_head_biggest_field(fc_span_of("\r\n")).bytes, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("response_head");
    TCase *tc = tcase_create("response_head");
    tcase_set_timeout(tc, 120);   /* valgrind is slow */
    tcase_add_test(tc, head_ends_at_an_empty_line_of_lf);
    tcase_add_test(tc, head_ends_at_an_empty_line_of_crlf);
    tcase_add_test(tc, line_ends_may_be_mixed);
    tcase_add_test(tc, head_that_starts_with_an_empty_line_is_empty);
    tcase_add_test(tc, cr_inside_a_line_does_not_end_it);
    tcase_add_test(tc, two_crs_and_lf_are_no_empty_line);
    tcase_add_test(tc, head_without_an_empty_line_asks_for_more);
    tcase_add_test(tc, nul_bytes_are_only_bytes_to_the_scan);
    tcase_add_test(tc, empty_piece_changes_nothing);
    tcase_add_test(tc, scan_can_be_used_for_the_next_head);
    tcase_add_test(tc, random_heads_end_where_a_naive_search_says);
    tcase_add_test(tc, fields_come_in_order);
    tcase_add_test(tc, empty_head_has_no_field);
    tcase_add_test(tc, nothing_behind_the_empty_line_is_a_field);
    tcase_add_test(tc, white_space_around_a_value_is_cut);
    tcase_add_test(tc, colons_in_a_value_belong_to_it);
    tcase_add_test(tc, bytes_over_127_may_stand_in_a_value);
    tcase_add_test(tc, name_may_hold_every_token_character_and_no_other);
    tcase_add_test(tc, value_may_hold_every_byte_but_control_characters);
    tcase_add_test(tc, line_that_is_no_field_is_bad_and_the_next_can_be_read);
    tcase_add_test(tc, folded_line_is_bad);
    tcase_add_test(tc, bare_cr_is_bad);
    tcase_add_test(tc, head_without_its_crs_has_no_bare_ones);
    tcase_add_test(tc, nul_in_a_value_is_bad);
    tcase_add_test(tc, every_cut_head_is_read_within_its_bounds);
    tcase_add_test(tc, biggest_field_is_the_longest_line_up_to_its_colon);
    tcase_add_test(tc, biggest_field_may_be_unfinished);
    tcase_add_test(tc, biggest_field_is_at_most_64_bytes);
    tcase_add_test(tc, biggest_field_of_an_empty_head_is_empty);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
