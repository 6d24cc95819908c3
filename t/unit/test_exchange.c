/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_exchange.c - exchanges by transcript: bytes in, expected events out, under every split;
 * chunks in, expected bytes out, under every partial write.
 * An expected log reads HEAD<...>BODY<...>STDERR<...>END(protocol,app) or BAD(reason); pieces of
 * one kind that follow each other are one. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exchange.h"
#include "run_suite.h"
#include "transcript.h"

#define ID 7
#define BYTE_BY_BYTE SIZE_MAX
#define HEAD "Status: 200 OK\r\nX-A: b\r\n\r\n"

/* ---- Playing input --------------------------------------------------------------------------- */

typedef struct {
    char text[600 * 1024];
    size_t bytes;
    fcgi_event_kind_t last;
} log_t;

typedef struct {
    fcgi_exchange_t x;
    log_t log;
    unsigned char *space;    /* for the head; grown by space_step when an exchange asks */
    size_t space_bytes, space_step;
    size_t consumed;
    unsigned spaces_given, heads_in_place, ends_told, bads_told;
} player_t;

static transcript_t t;    /* what the backend of the current test says */
static player_t p;        /* the last play */

/* For what is asked a million times: Check writes a line to a file for each of its asserts. */
#define MUST(condition) \
    do { \
        if (!(condition)) { \
            ck_abort_msg("%s; log so far: %.2000s", #condition, p.log.text); \
        } \
    } while (0)

static void log_add(const void *at, size_t bytes)
{
    MUST(bytes < sizeof(p.log.text) - p.log.bytes);
    memcpy(p.log.text + p.log.bytes, at, bytes);
    p.log.bytes += bytes;
    p.log.text[p.log.bytes] = '\0';
}

static void log_text(const char *text)
{
    log_add(text, strlen(text));
}

static void log_piece(fcgi_event_kind_t kind, const char *name, const void *at, size_t bytes)
{
    if (kind == p.log.last && kind != FCGI_EVENT_HEAD) {
        p.log.bytes--;   /* goes on inside the angle brackets */
    }
    else {
        log_text(name);
        log_text("<");
    }
    log_add(at, bytes);
    log_text(">");
    p.log.last = kind;
}

static void log_end(unsigned protocol_status, unsigned app_status)
{
    char text[40];
    snprintf(text, sizeof(text), "END(%u,%u)", protocol_status, app_status);
    log_text(text);
    p.log.last = FCGI_EVENT_END;
}

static void log_bad(fcgi_reason_t reason)
{
    log_text("BAD(");
    log_text(fcgi_exchange_reason_text(reason));
    log_text(")");
    p.log.last = FCGI_EVENT_BAD;
}

static void start_play(size_t space_step)
{
    free(p.space);
    memset(&p.x, 0xee, sizeof(p.x));   /* init has to set everything */
    fcgi_exchange_init(&p.x, ID, fc_span("request", 7));
    p.log.bytes = 0;
    p.log.text[0] = '\0';
    p.log.last = FCGI_EVENT_MORE;
    p.space = NULL;
    p.space_bytes = p.consumed = 0;
    p.space_step = space_step;
    p.spaces_given = p.heads_in_place = p.ends_told = p.bads_told = 0;
}

static bool lies_in(fc_span_t data, fc_span_t fed)
{
    return data.at >= fed.at && data.at + data.bytes <= fed.at + fed.bytes;
}

static void give_more_space(void)
{
    unsigned char *old = p.space;
    p.space_bytes += p.space_step;
    p.space = malloc(p.space_bytes);
    memset(p.space, 0xdd, p.space_bytes);
    fcgi_exchange_head_space(&p.x, p.space, p.space_bytes);
    free(old);   /* now it is ours again: a sanitizer sees if it is still used */
    p.spaces_given++;
}

static void note_head(fc_span_t data, fc_span_t fed)
{
    MUST(p.x.head_is_complete);
    MUST(p.x.state == FCGI_READING_BODY);
    MUST(lies_in(data, fed) || lies_in(data, fc_span(p.space, p.space_bytes)));
    p.heads_in_place += lies_in(data, fed);
    log_piece(FCGI_EVENT_HEAD, "HEAD", data.at, data.bytes);
    if (data.bytes > 9 && memcmp(data.at, "Status: 1", 9) == 0) {
        fcgi_exchange_expect_another_head(&p.x);
        MUST(!p.x.head_is_complete);
    }
}

/* Notes one event; false when the piece is used up. */
static bool note(fcgi_event_t event, fc_span_t fed, fc_span_t rest)
{
    switch (event.kind) {
    case FCGI_EVENT_MORE:
        MUST(rest.bytes == 0 || p.ends_told + p.bads_told == 1);
        return false;
    case FCGI_EVENT_HEAD:
        note_head(event.data, fed);
        return true;
    case FCGI_EVENT_HEAD_SPACE:
        MUST(event.data.at == p.space);
        MUST(rest.bytes > 0);
        give_more_space();
        return true;
    case FCGI_EVENT_BODY:
        MUST(lies_in(event.data, fed) && event.data.bytes > 0);
        log_piece(FCGI_EVENT_BODY, "BODY", event.data.at, event.data.bytes);
        return true;
    case FCGI_EVENT_STDERR:
        MUST(lies_in(event.data, fed) && event.data.bytes > 0);
        log_piece(FCGI_EVENT_STDERR, "STDERR", event.data.at, event.data.bytes);
        return true;
    case FCGI_EVENT_END:
        MUST(p.x.state == FCGI_ENDED);
        p.ends_told++;
        log_end(p.x.protocol_status, p.x.app_status);
        return true;
    case FCGI_EVENT_BAD:
        MUST(p.x.state == FCGI_BROKEN);
        p.bads_told++;
        log_bad(p.x.reason);
        return true;
    }
    ck_abort_msg("no such event: %d", event.kind);
    return false;
}

/* Feeds one piece, from memory of just its size that is gone afterwards. */
static void play_piece(const unsigned char *at, size_t bytes)
{
    unsigned char *copy = malloc(bytes ? bytes : 1);
    memcpy(copy, at, bytes);
    fc_span_t fed = fc_span(copy, bytes), rest = fed;
    while (note(fcgi_exchange_feed(&p.x, &rest), fed, rest)) {
        continue;
    }
    p.consumed += bytes - rest.bytes;
    MUST(p.x.bytes_received == p.consumed);
    free(copy);
}

static void play(size_t cut, size_t cut_2, size_t space_step)
{
    start_play(space_step);
    if (cut == BYTE_BY_BYTE) {
        for (size_t i = 0; i < t.bytes; i++) {
            play_piece(t.at + i, 1);
        }
        return;
    }
    play_piece(t.at, cut);
    play_piece(t.at + cut, cut_2 - cut);
    play_piece(t.at + cut_2, t.bytes - cut_2);
}

static void assert_same_end(const fcgi_exchange_t *a, const fcgi_exchange_t *b)
{
    MUST(a->state == b->state);
    MUST(a->reason == b->reason);
    MUST(a->head_is_complete == b->head_is_complete);
    MUST(a->stream_is_doubtful == b->stream_is_doubtful);
    MUST(a->body_bytes == b->body_bytes);
}

/* Plays the transcript under every split into two pieces, and three when it is short enough,
 * byte by byte, and with the space for the head growing by 1 and by 1000 bytes. What `p` holds
 * afterwards is the play in one piece. */
static void assert_log(const char *expected)
{
    play(t.bytes, t.bytes, 1000);
    MUST(strcmp(p.log.text, expected) == 0);
    const fcgi_exchange_t whole = p.x;
    for (size_t step = 1; step <= 1000; step += 999) {
        for (size_t cut = 0; cut <= t.bytes; cut++) {
            size_t far = t.bytes <= 160 ? t.bytes : cut;
            for (size_t cut_2 = cut; cut_2 <= far; cut_2++) {
                play(cut, cut_2, step);
                MUST(strcmp(p.log.text, expected) == 0);
                assert_same_end(&p.x, &whole);
            }
        }
        play(BYTE_BY_BYTE, 0, step);
        MUST(strcmp(p.log.text, expected) == 0);
        assert_same_end(&p.x, &whole);
    }
    play(t.bytes, t.bytes, 1000);
}

static void said_nothing(void)
{
    t.bytes = 0;
}

static void says(unsigned type, const char *text)
{
    transcript_text(&t, type, ID, text);
}

static void ends(void)
{
    transcript_end(&t, ID, 0, FCGI_REQUEST_COMPLETE, 0);
}

/* ---- Input ----------------------------------------------------------------------------------- */

START_TEST(whole_answer_gives_head_body_end)
{
    says(FCGI_STDOUT, HEAD "hello");
    says(FCGI_STDOUT, "");
    ends();
    assert_log("HEAD<" HEAD ">BODY<hello>END(0,0)");
    ck_assert(p.x.head_is_complete && !p.x.stream_is_doubtful);
    ck_assert_uint_eq(p.x.body_bytes, 5);
    ck_assert_uint_eq(p.x.bytes_received, t.bytes);
    ck_assert_int_eq(p.x.reason, FCGI_REASON_NONE);
}
END_TEST

START_TEST(end_of_stdout_may_be_left_out)
{
    says(FCGI_STDOUT, HEAD "hello");
    ends();
    assert_log("HEAD<" HEAD ">BODY<hello>END(0,0)");
}
END_TEST

START_TEST(head_in_one_piece_stays_where_it_is)
{
    says(FCGI_STDOUT, HEAD "hello");
    play(t.bytes, t.bytes, 1000);
    ck_assert_uint_eq(p.heads_in_place, 1);
    ck_assert_uint_eq(p.spaces_given, 0);
    play(8, 8 + sizeof(HEAD) - 1, 1000);   /* the record is cut, the head is not */
    ck_assert_uint_eq(p.heads_in_place, 1);
    ck_assert_uint_eq(p.spaces_given, 0);
}
END_TEST

START_TEST(head_in_two_pieces_is_collected)
{
    says(FCGI_STDOUT, HEAD "hello");
    play(12, 12, 1000);
    ck_assert_str_eq(p.log.text, "HEAD<" HEAD ">BODY<hello>");
    ck_assert_uint_eq(p.heads_in_place, 0);
    ck_assert_uint_eq(p.spaces_given, 1);
}
END_TEST

START_TEST(head_over_many_records_is_collected)
{
    transcript_record(&t, FCGI_STDOUT, ID, "Status: 2", 9, 3);
    says(FCGI_STDOUT, "00\r");
    says(FCGI_STDOUT, "\n");
    transcript_record(&t, FCGI_STDOUT, ID, "\r", 1, 1);
    says(FCGI_STDOUT, "\nhe");
    says(FCGI_STDOUT, "llo");
    ends();
    assert_log("HEAD<Status: 200\r\n\r\n>BODY<hello>END(0,0)");
}
END_TEST

START_TEST(head_of_one_empty_line_is_empty)
{
    says(FCGI_STDOUT, "\nhello");
    ends();
    assert_log("HEAD<\n>BODY<hello>END(0,0)");
}
END_TEST

START_TEST(answer_without_body_has_no_body_event)
{
    says(FCGI_STDOUT, HEAD);
    says(FCGI_STDOUT, "");
    ends();
    assert_log("HEAD<" HEAD ">END(0,0)");
    ck_assert_uint_eq(p.x.body_bytes, 0);
}
END_TEST

START_TEST(padding_is_never_content)
{
    transcript_record(&t, FCGI_STDOUT, ID, "A: b\n\nx", 7, 9);
    transcript_record(&t, FCGI_STDERR, ID, "oops", 4, 1);
    transcript_record(&t, FCGI_STDOUT, ID, "y", 1, 7);
    transcript_record(&t, FCGI_STDOUT, ID, "", 0, 8);
    transcript_end(&t, ID, 0, 0, 5);
    assert_log("HEAD<A: b\n\n>BODY<x>STDERR<oops>BODY<y>END(0,0)");
}
END_TEST

START_TEST(most_padding_is_skipped)
{
    transcript_record(&t, FCGI_STDOUT, ID, "\nx", 2, 255);
    transcript_record(&t, FCGI_STDOUT, ID, "", 0, 255);
    transcript_end(&t, ID, 0, 0, 255);
    assert_log("HEAD<\n>BODY<x>END(0,0)");
}
END_TEST

START_TEST(head_space_is_asked_for_before_anything_is_used_up)
{
    fcgi_exchange_t x;
    fcgi_event_t event;
    unsigned char small[4], big[64];
    fc_span_t in = fc_span("A: bc", 5);
    transcript_record(&t, FCGI_STDOUT, ID, "A: bc\n\nbody", 11, 0);
    fcgi_exchange_init(&x, ID, fc_span(NULL, 0));
    in = fc_span(t.at, 8 + 5);
    event = fcgi_exchange_feed(&x, &in);
    ck_assert_int_eq(event.kind, FCGI_EVENT_HEAD_SPACE);
    ck_assert_uint_eq(event.data.bytes, 0);
    ck_assert_uint_eq(in.bytes, 5);
    ck_assert_uint_eq(x.bytes_received, 8);

    fcgi_exchange_head_space(&x, small, sizeof(small));   /* still too small for the five */
    ck_assert_int_eq(fcgi_exchange_feed(&x, &in).kind, FCGI_EVENT_HEAD_SPACE);
    ck_assert_uint_eq(in.bytes, 5);
    in.bytes = 4;                                         /* but four fit to the last byte */
    ck_assert_int_eq(fcgi_exchange_feed(&x, &in).kind, FCGI_EVENT_MORE);
    ck_assert_uint_eq(in.bytes, 0);

    in = fc_span(t.at + 8 + 4, 7);
    event = fcgi_exchange_feed(&x, &in);
    ck_assert_int_eq(event.kind, FCGI_EVENT_HEAD_SPACE);
    ck_assert_uint_eq(event.data.bytes, 4);
    ck_assert_mem_eq(event.data.at, "A: b", 4);
    ck_assert_uint_eq(in.bytes, 7);

    fcgi_exchange_head_space(&x, big, 7);                 /* the head, not what is behind it */
    memset(small, 0xdd, sizeof(small));
    event = fcgi_exchange_feed(&x, &in);
    ck_assert_int_eq(event.kind, FCGI_EVENT_HEAD);
    ck_assert(event.data.at == big && event.data.bytes == 7);
    ck_assert_mem_eq(big, "A: bc\n\n", 7);
    event = fcgi_exchange_feed(&x, &in);
    ck_assert_int_eq(event.kind, FCGI_EVENT_BODY);
    ck_assert_mem_eq(event.data.at, "body", 4);
}
END_TEST

START_TEST(head_space_given_beforehand_is_used_without_asking)
{
    unsigned char space[64];
    fcgi_exchange_t x;
    says(FCGI_STDOUT, "A: b\n\n");
    fcgi_exchange_init(&x, ID, fc_span(NULL, 0));
    fcgi_exchange_head_space(&x, space, sizeof(space));
    fc_span_t in = fc_span(t.at, 10);
    ck_assert_int_eq(fcgi_exchange_feed(&x, &in).kind, FCGI_EVENT_MORE);
    in = fc_span(t.at + 10, t.bytes - 10);
    ck_assert_int_eq(fcgi_exchange_feed(&x, &in).kind, FCGI_EVENT_HEAD);
}
END_TEST

START_TEST(head_space_may_grow_in_place)
{
    unsigned char space[64];
    fcgi_exchange_t x;
    says(FCGI_STDOUT, "A: b\n\n");
    fcgi_exchange_init(&x, ID, fc_span(NULL, 0));
    fcgi_exchange_head_space(&x, space, 3);
    fc_span_t in = fc_span(t.at, 8 + 3);
    ck_assert_int_eq(fcgi_exchange_feed(&x, &in).kind, FCGI_EVENT_MORE);
    fcgi_exchange_head_space(&x, space, sizeof(space));
    in = fc_span(t.at + 11, 3);
    fcgi_event_t event = fcgi_exchange_feed(&x, &in);
    ck_assert_int_eq(event.kind, FCGI_EVENT_HEAD);
    ck_assert_mem_eq(event.data.at, "A: b\n\n", 6);
}
END_TEST

START_TEST(interim_head_is_followed_by_another)
{
    says(FCGI_STDOUT, "Status: 103\r\nLink: x\r\n\r\nStatus: 200\r\n\r\nhello");
    says(FCGI_STDOUT, "");
    ends();
    assert_log("HEAD<Status: 103\r\nLink: x\r\n\r\n>HEAD<Status: 200\r\n\r\n>BODY<hello>END(0,0)");
    ck_assert_uint_eq(p.heads_in_place, 2);
}
END_TEST

START_TEST(interim_heads_may_come_in_pieces)
{
    says(FCGI_STDOUT, "Status: 100\n");
    says(FCGI_STDOUT, "\nStatus: 1");
    says(FCGI_STDERR, "e");
    says(FCGI_STDOUT, "03\n\nA:");
    says(FCGI_STDOUT, " b\n\nx");
    ends();
    assert_log("HEAD<Status: 100\n\n>STDERR<e>HEAD<Status: 103\n\n>HEAD<A: b\n\n>BODY<x>END(0,0)");
}
END_TEST

START_TEST(end_after_an_interim_head_leaves_the_head_incomplete)
{
    says(FCGI_STDOUT, "Status: 103\n\n");
    ends();
    assert_log("HEAD<Status: 103\n\n>END(0,0)");
    ck_assert(!p.x.head_is_complete);
}
END_TEST

START_TEST(end_before_head_is_a_bad_gateway)
{
    ends();
    assert_log("END(0,0)");
    ck_assert(!p.x.head_is_complete);
}
END_TEST

START_TEST(end_inside_the_head_is_a_bad_gateway)
{
    says(FCGI_STDOUT, "Status: 200\r\n");
    ends();
    assert_log("END(0,0)");
    ck_assert(!p.x.head_is_complete);
}
END_TEST

START_TEST(end_of_stdout_before_the_head_leaves_it_incomplete)
{
    says(FCGI_STDOUT, "Status: 200\r\n");
    says(FCGI_STDOUT, "");
    assert_log("");
    ck_assert_int_eq(p.x.state, FCGI_STDOUT_ENDED);
    ck_assert(!p.x.head_is_complete);
    ends();
    assert_log("END(0,0)");
    ck_assert(!p.x.head_is_complete);
}
END_TEST

START_TEST(content_after_the_end_of_stdout_is_bad)
{
    says(FCGI_STDOUT, HEAD "x");
    says(FCGI_STDOUT, "");
    says(FCGI_STDOUT, "y");
    ends();
    assert_log("HEAD<" HEAD ">BODY<x>BAD(STDOUT content after the end of STDOUT)");
    ck_assert_int_eq(p.x.reason, FCGI_REASON_AFTER_STDOUT);
}
END_TEST

START_TEST(head_after_the_end_of_stdout_is_bad)
{
    says(FCGI_STDOUT, "");
    says(FCGI_STDOUT, HEAD);
    assert_log("BAD(STDOUT content after the end of STDOUT)");
}
END_TEST

START_TEST(stdout_may_end_twice)
{
    says(FCGI_STDOUT, HEAD);
    says(FCGI_STDOUT, "");
    says(FCGI_STDOUT, "");
    ends();
    assert_log("HEAD<" HEAD ">END(0,0)");
}
END_TEST

START_TEST(stderr_comes_out_wherever_it_stands)
{
    says(FCGI_STDERR, "first ");
    says(FCGI_STDERR, "");
    says(FCGI_STDERR, "word");
    says(FCGI_STDOUT, "A:");
    says(FCGI_STDERR, "in the head");
    says(FCGI_STDOUT, " b\n\nx");
    says(FCGI_STDERR, "in the body");
    says(FCGI_STDOUT, "y");
    says(FCGI_STDOUT, "");
    says(FCGI_STDERR, "last word");
    says(FCGI_STDERR, "");
    ends();
    assert_log("STDERR<first wordin the head>HEAD<A: b\n\n>BODY<x>STDERR<in the body>BODY<y>"
               "STDERR<last word>END(0,0)");
    ck_assert(!p.x.stream_is_doubtful);
}
END_TEST

START_TEST(end_tells_both_statuses)
{
    transcript_end(&t, ID, 0xfedcba98, FCGI_OVERLOADED, 0);
    assert_log("END(2,4275878552)");
    ck_assert_uint_eq(p.x.app_status, 0xfedcba98);
    ck_assert_uint_eq(p.x.protocol_status, FCGI_OVERLOADED);
}
END_TEST

START_TEST(end_with_less_than_8_bytes_is_bad)
{
    for (size_t bytes = 0; bytes < 8; bytes++) {
        said_nothing();
        transcript_record(&t, FCGI_END_REQUEST, ID, "\0\0\0\0\0\0\0", bytes, 8);
        assert_log("BAD(an END_REQUEST record of less than 8 bytes)");
        ck_assert_int_eq(p.x.reason, FCGI_REASON_SHORT_END);
    }
}
END_TEST

START_TEST(end_with_more_than_8_bytes_is_an_end)
{
    transcript_record(&t, FCGI_END_REQUEST, ID, "\0\0\1\2\1\0\0\0surplus", 15, 3);
    assert_log("END(1,258)");
    ck_assert_uint_eq(p.x.bytes_received, t.bytes);
}
END_TEST

START_TEST(end_waits_for_its_surplus_but_not_for_its_padding)
{
    transcript_record(&t, FCGI_END_REQUEST, ID, "\0\0\0\0\0\0\0\0surplus", 15, 3);
    start_play(1);
    play_piece(t.at, t.bytes - 4);
    ck_assert_str_eq(p.log.text, "");
    play_piece(t.at + t.bytes - 4, 1);
    ck_assert_str_eq(p.log.text, "END(0,0)");
}
END_TEST

START_TEST(bad_version_breaks_the_exchange)
{
    says(FCGI_STDOUT, HEAD "x");
    transcript_bytes(&t, "HTTP/1.1 400 Bad Request\r\n", 26);
    assert_log("HEAD<" HEAD ">BODY<x>BAD(a record of a version other than 1)");
    ck_assert_int_eq(p.x.reason, FCGI_REASON_VERSION);
}
END_TEST

START_TEST(records_of_another_request_are_skipped_and_doubtful)
{
    transcript_record(&t, FCGI_STDOUT, ID + 1, "Status: 500\n\n", 13, 2);
    ck_assert(!p.x.stream_is_doubtful);
    says(FCGI_STDOUT, "\nx");
    transcript_text(&t, FCGI_STDERR, ID + 256, "no");
    transcript_text(&t, FCGI_STDOUT, ID + 1, "");
    transcript_end(&t, ID + 1, 9, 0, 1);
    says(FCGI_STDOUT, "y");
    ends();
    assert_log("HEAD<\n>BODY<xy>END(0,0)");
    ck_assert(p.x.stream_is_doubtful);
}
END_TEST

START_TEST(every_type_but_three_is_skipped_and_doubtful)
{
    for (unsigned type = 0; type < 256; type++) {
        if (type == FCGI_STDOUT || type == FCGI_STDERR || type == FCGI_END_REQUEST) {
            continue;
        }
        said_nothing();
        transcript_record(&t, type, ID, "skip me", 7, type % 3);
        play(t.bytes, t.bytes, 1);
        ck_assert_str_eq(p.log.text, "");
        ck_assert_uint_eq(p.x.bytes_received, t.bytes);
        ck_assert_int_eq(p.x.state, FCGI_READING_HEAD);
        ck_assert(p.x.stream_is_doubtful);
    }
}
END_TEST

START_TEST(management_records_are_skipped_and_doubtful)
{
    transcript_text(&t, FCGI_GET_VALUES_RESULT, 0, "values");
    transcript_text(&t, FCGI_STDOUT, 0, "no");
    says(FCGI_STDOUT, "\nx");
    ends();
    assert_log("HEAD<\n>BODY<x>END(0,0)");
    ck_assert(p.x.stream_is_doubtful);
}
END_TEST

START_TEST(empty_foreign_record_is_doubtful_too)
{
    transcript_text(&t, FCGI_STDIN, ID, "");
    assert_log("");
    ck_assert(p.x.stream_is_doubtful);
}
END_TEST

/* A peer that sends such for ever is never silent: time limits that begin again with each byte do
 * not end it. */
START_TEST(too_many_records_in_a_row_that_bring_nothing_are_bad)
{
    static const struct {
        unsigned type, id;
        const char *text;
    } kinds[] = {
        { FCGI_STDERR, ID, "" },
        { FCGI_STDOUT, ID + 1, "foreign" },
        { FCGI_STDIN, ID, "x" },
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        said_nothing();
        transcript_text(&t, FCGI_STDOUT, ID, HEAD);
        for (int n = 0; n < FCGI_VAIN_RECORDS_MAX; n++) {
            transcript_text(&t, kinds[i].type, kinds[i].id, kinds[i].text);
        }
        play(0, 0, 1000);
        ck_assert_int_eq(p.x.state, FCGI_READING_BODY);
        ck_assert_uint_eq(p.x.content_bytes, strlen(HEAD));
        transcript_text(&t, kinds[i].type, kinds[i].id, kinds[i].text);
        play(0, 0, 1000);
        ck_assert_int_eq(p.x.state, FCGI_BROKEN);
        ck_assert_int_eq(p.x.reason, FCGI_REASON_VAIN);
    }
}
END_TEST

START_TEST(a_byte_of_content_makes_up_for_records_that_bring_nothing)
{
    transcript_text(&t, FCGI_STDOUT, ID, HEAD);
    for (int n = 0; n < 3 * FCGI_VAIN_RECORDS_MAX; n++) {
        transcript_text(&t, FCGI_STDERR, ID, n % FCGI_VAIN_RECORDS_MAX ? "" : "x");
    }
    ends();
    play(0, 0, 1000);
    ck_assert_int_eq(p.x.state, FCGI_ENDED);
}
END_TEST

START_TEST(nothing_is_used_up_after_the_end)
{
    ends();
    size_t end = t.bytes;
    says(FCGI_STDOUT, "left over");
    assert_log("END(0,0)");
    ck_assert_uint_eq(p.x.bytes_received, end);
    fc_span_t in = fc_span(t.at + end, t.bytes - end);
    ck_assert_int_eq(fcgi_exchange_feed(&p.x, &in).kind, FCGI_EVENT_MORE);
    ck_assert_uint_eq(in.bytes, t.bytes - end);
}
END_TEST

START_TEST(bad_is_told_once)
{
    fc_span_t in = fc_span("HTTP", 4);
    start_play(1);
    ck_assert_int_eq(fcgi_exchange_feed(&p.x, &in).kind, FCGI_EVENT_BAD);
    size_t left = in.bytes;
    ck_assert_int_eq(fcgi_exchange_feed(&p.x, &in).kind, FCGI_EVENT_MORE);
    ck_assert_int_eq(fcgi_exchange_feed(&p.x, &in).kind, FCGI_EVENT_MORE);
    ck_assert_uint_eq(in.bytes, left);
}
END_TEST

START_TEST(nothing_fed_is_nothing_said)
{
    fc_span_t in = fc_span(NULL, 0);
    start_play(1);
    ck_assert_int_eq(fcgi_exchange_feed(&p.x, &in).kind, FCGI_EVENT_MORE);
    ck_assert_int_eq(p.x.state, FCGI_READING_HEAD);
}
END_TEST

START_TEST(biggest_records_come_through)
{
    static char big[65535];
    static char expected[3 * sizeof(big) + 40];
    size_t bytes = 0;
    memset(big, 'b', sizeof(big));
    says(FCGI_STDOUT, "\n");
    for (int i = 0; i < 3; i++) {
        transcript_record(&t, FCGI_STDOUT, ID, big, sizeof(big), 255);
    }
    ends();
    bytes += (size_t)sprintf(expected, "HEAD<\n>BODY<");
    memset(expected + bytes, 'b', 3 * sizeof(big));
    strcpy(expected + bytes + 3 * sizeof(big), ">END(0,0)");
    for (size_t cut = 0; cut < t.bytes; cut += 4999) {
        play(cut, t.bytes - (t.bytes - cut) / 2, 1);
        ck_assert_str_eq(p.log.text, expected);
        ck_assert_uint_eq(p.x.body_bytes, 3 * sizeof(big));
    }
    play(BYTE_BY_BYTE, 0, 1);
    ck_assert_str_eq(p.log.text, expected);
}
END_TEST

START_TEST(head_of_more_than_a_record_is_collected)
{
    static char line[65535];
    memset(line, 'v', sizeof(line));
    memcpy(line, "A: ", 3);
    transcript_record(&t, FCGI_STDOUT, ID, line, sizeof(line), 0);
    transcript_record(&t, FCGI_STDOUT, ID, line + 3, sizeof(line) - 3, 1);
    says(FCGI_STDOUT, "\n\nx");
    ends();
    play(t.bytes / 3, t.bytes / 2, 1000);
    ck_assert_uint_eq(p.log.bytes, strlen("HEAD<>BODY<x>END(0,0)") + 2 * 65535 - 3 + 2);
    ck_assert_uint_eq(p.heads_in_place, 0);
}
END_TEST

/* ---- The peer closes ------------------------------------------------------------------------- */

START_TEST(eof_breaks_every_state_but_the_ended)
{
    says(FCGI_STDOUT, HEAD "hello");
    says(FCGI_STDOUT, "");
    ends();
    for (size_t cut = 0; cut < t.bytes; cut++) {
        start_play(1000);
        play_piece(t.at, cut);
        fcgi_exchange_eof(&p.x);
        ck_assert_int_eq(p.x.state, FCGI_BROKEN);
        ck_assert_int_eq(p.x.reason, FCGI_REASON_EOF);
        ck_assert(!fcgi_exchange_wants_body(&p.x));
        ck_assert(!fcgi_exchange_connection_is_clean(&p.x, 0));
        play_piece(t.at + cut, t.bytes - cut);
        ck_assert_uint_eq(p.bads_told, 1);
        ck_assert_uint_eq(p.consumed, cut);
    }
    start_play(1000);
    play_piece(t.at, t.bytes);
    fcgi_exchange_eof(&p.x);
    ck_assert_int_eq(p.x.state, FCGI_ENDED);
    ck_assert_int_eq(p.x.reason, FCGI_REASON_NONE);
}
END_TEST

START_TEST(eof_does_not_hide_an_earlier_reason)
{
    transcript_bytes(&t, "HTTP", 4);
    play(4, 4, 1);
    fcgi_exchange_eof(&p.x);
    ck_assert_int_eq(p.x.reason, FCGI_REASON_VERSION);
}
END_TEST

/* ---- Random input against a naive reader ----------------------------------------------------- */

static bool naive_head_is_whole(const char *head, size_t n)
{
    return (n == 1 && head[0] == '\n') || (n == 2 && memcmp(head, "\r\n", 2) == 0)
           || (n > 1 && memcmp(head + n - 2, "\n\n", 2) == 0)
           || (n > 2 && memcmp(head + n - 3, "\n\r\n", 3) == 0);
}

/* Writes into the log of `p` what should come of the transcript. */
static bool naive_log(void)
{
    static char head[sizeof(t.at)];
    size_t head_bytes = 0;
    bool head_is_out = false, stdout_is_over = false, doubtful = false;
    for (size_t i = 0; i < t.bytes;) {
        const unsigned char *h = t.at + i, *content = h + 8;
        size_t n = (size_t)(h[4] << 8 | h[5]);
        i += 8 + n + h[6];
        if (h[0] != 1) {
            log_bad(FCGI_REASON_VERSION);
            break;
        }
        if ((h[2] << 8 | h[3]) != ID || (h[1] != 3 && h[1] != 6 && h[1] != 7)) {
            doubtful = true;
        }
        else if (h[1] == FCGI_END_REQUEST) {
            if (n < 8) {
                log_bad(FCGI_REASON_SHORT_END);
            }
            else {
                log_end(content[4], (unsigned)content[0] << 24 | (unsigned)content[1] << 16
                                        | (unsigned)content[2] << 8 | content[3]);
            }
            break;
        }
        else if (h[1] == FCGI_STDERR && n > 0) {
            log_piece(FCGI_EVENT_STDERR, "STDERR", content, n);
        }
        else if (h[1] == FCGI_STDOUT && n > 0 && stdout_is_over) {
            log_bad(FCGI_REASON_AFTER_STDOUT);
            break;
        }
        else if (h[1] == FCGI_STDOUT) {
            stdout_is_over = stdout_is_over || n == 0;
            for (size_t k = 0; k < n; k++) {
                if (head_is_out) {
                    log_piece(FCGI_EVENT_BODY, "BODY", content + k, 1);
                    continue;
                }
                head[head_bytes++] = (char)content[k];
                if (naive_head_is_whole(head, head_bytes)) {
                    log_piece(FCGI_EVENT_HEAD, "HEAD", head, head_bytes);
                    head_is_out = true;
                }
            }
        }
    }
    return doubtful;
}

static void add_random_record(unsigned *seed)
{
    static const unsigned char types[] = { 6, 6, 6, 6, 6, 7, 7, 3, 2, 11, 0 };
    unsigned char content[60];
    size_t bytes = transcript_dice(seed, 5) ? transcript_dice(seed, sizeof(content)) : 0;
    unsigned padding = transcript_dice(seed, 3) ? 0 : transcript_dice(seed, 20);
    unsigned type = types[transcript_dice(seed, sizeof(types))];
    if (type == FCGI_STDOUT && bytes == 0 && transcript_dice(seed, 4)) {
        bytes = 1;
    }
    for (size_t i = 0; i < bytes; i++) {
        content[i] = (unsigned char)"\r\n:abcdefgh"[transcript_dice(seed, 11)];
    }
    transcript_record(&t, type, transcript_dice(seed, 12) ? ID : 3, content, bytes, padding);
    if (transcript_dice(seed, 60) == 0) {
        transcript_bytes(&t, "\2\6\0\7\0\0\0\0", 8);
    }
}

START_TEST(random_records_are_read_as_a_naive_reader_reads_them)
{
    static log_t expected;
    unsigned seed = 19960429;
    for (int round = 0; round < 4000; round++) {
        said_nothing();
        for (unsigned i = 1 + transcript_dice(&seed, 20); i > 0; i--) {
            add_random_record(&seed);
        }
        start_play(1);
        bool doubtful = naive_log();
        expected.bytes = p.log.bytes;
        memcpy(expected.text, p.log.text, p.log.bytes);

        start_play(1 + transcript_dice(&seed, 30));
        unsigned biggest_piece = 1 + transcript_dice(&seed, 100);
        for (size_t at = 0, bytes; at < t.bytes; at += bytes) {
            bytes = 1 + transcript_dice(&seed, biggest_piece);
            if (bytes > t.bytes - at) {
                bytes = t.bytes - at;
            }
            play_piece(t.at + at, bytes);
        }
        ck_assert_uint_eq(p.log.bytes, expected.bytes);
        ck_assert_mem_eq(p.log.text, expected.text, expected.bytes);
        ck_assert_int_eq(p.x.stream_is_doubtful, doubtful);
    }
}
END_TEST

/* ---- Output ---------------------------------------------------------------------------------- */

#define REQUEST "the request"

typedef struct {
    fc_span_t chunk;
    bool last;
} give_t;

static unsigned char text[200000];
static transcript_t wire;          /* what was written */

static void expect_stdin(fc_span_t chunk)
{
    for (; chunk.bytes > 65535; chunk = fc_span_after(chunk, 65535)) {
        transcript_record(&t, FCGI_STDIN, ID, chunk.at, 65535, 0);
    }
    if (chunk.bytes > 0) {
        transcript_record(&t, FCGI_STDIN, ID, chunk.at, chunk.bytes, 0);
    }
}

/* Puts into `t` what has to go over the wire for these chunks. */
static void expect_wire(const give_t *gives, size_t count)
{
    said_nothing();
    transcript_bytes(&t, REQUEST, sizeof(REQUEST) - 1);
    for (size_t i = 0; i < count; i++) {
        expect_stdin(gives[i].chunk);
        if (gives[i].last) {
            transcript_record(&t, FCGI_STDIN, ID, NULL, 0, 0);
        }
    }
}

static size_t out_twice(fcgi_exchange_t *x, fc_span_t *out, size_t max)
{
    fc_span_t again[64];
    size_t count = fcgi_exchange_out(x, out, max);
    MUST(count <= max);
    MUST(fcgi_exchange_out(x, again, max) == count);
    for (size_t i = 0; i < count; i++) {
        MUST(out[i].bytes > 0);
        MUST(out[i].at == again[i].at && out[i].bytes == again[i].bytes);
    }
    return count;
}

/* Writes at most `quota` bytes; false when there was nothing to write. */
static bool write_some(fcgi_exchange_t *x, size_t quota, size_t max)
{
    fc_span_t out[64];
    size_t count = out_twice(x, out, max), written = 0;
    for (size_t i = 0; i < count && written < quota; i++) {
        size_t part = out[i].bytes < quota - written ? out[i].bytes : quota - written;
        transcript_bytes(&wire, out[i].at, part);
        written += part;
    }
    fcgi_exchange_sent(x, written);
    return count > 0;
}

/* Runs all output: the first two writes take `first` and `second` bytes, all others `others`. */
static void assert_wire(const give_t *gives, size_t count, size_t first, size_t second,
                        size_t others, size_t max)
{
    fcgi_exchange_t x;
    size_t given = 0;
    wire.bytes = 0;
    fcgi_exchange_init(&x, ID, fc_span(REQUEST, sizeof(REQUEST) - 1));
    for (size_t turn = 0;; turn++) {
        while (given < count && fcgi_exchange_wants_body(&x)) {
            fcgi_exchange_body(&x, gives[given].chunk, gives[given].last);
            given++;
        }
        MUST(!fcgi_exchange_is_sent(&x) || wire.bytes == t.bytes);
        if (!write_some(&x, turn == 0 ? first : turn == 1 ? second
                                                          : others,
                        max)) {
            break;
        }
    }
    MUST(given == count);
    MUST(fcgi_exchange_is_sent(&x));
    MUST(wire.bytes == t.bytes);
    MUST(memcmp(wire.at, t.at, t.bytes) == 0);
}

static give_t give(size_t from, size_t bytes, bool last)
{
    return (give_t){ fc_span(text + from, bytes), last };
}

START_TEST(small_body_goes_out_with_the_request_in_one_write)
{
    fcgi_exchange_t x;
    fc_span_t out[4];
    fcgi_exchange_init(&x, ID, fc_span(REQUEST, 11));
    ck_assert(fcgi_exchange_wants_body(&x));
    fcgi_exchange_body(&x, fc_span("body", 4), true);
    ck_assert(!fcgi_exchange_wants_body(&x));
    ck_assert_uint_eq(out_twice(&x, out, 4), 4);
    ck_assert_mem_eq(out[0].at, REQUEST, 11);
    ck_assert_mem_eq(out[1].at, "\1\5\0\7\0\4\0\0", 8);
    ck_assert_mem_eq(out[2].at, "body", 4);
    ck_assert_mem_eq(out[3].at, "\1\5\0\7\0\0\0\0", 8);
    ck_assert(!fcgi_exchange_is_sent(&x));
    fcgi_exchange_sent(&x, 11 + 8 + 4 + 8);
    ck_assert(fcgi_exchange_is_sent(&x));
    ck_assert_uint_eq(out_twice(&x, out, 4), 0);
    ck_assert(!fcgi_exchange_wants_body(&x));
}
END_TEST

START_TEST(chunk_is_not_copied)
{
    fcgi_exchange_t x;
    fc_span_t out[4];
    fcgi_exchange_init(&x, ID, fc_span(REQUEST, 11));
    fcgi_exchange_body(&x, fc_span(text, 100), true);
    fcgi_exchange_out(&x, out, 4);
    ck_assert(out[2].at == text && out[2].bytes == 100);
}
END_TEST

START_TEST(no_body_is_the_request_and_an_empty_record)
{
    fcgi_exchange_t x;
    fc_span_t out[4];
    fcgi_exchange_init(&x, ID, fc_span(REQUEST, 11));
    fcgi_exchange_body(&x, fc_span(NULL, 0), true);
    ck_assert_uint_eq(out_twice(&x, out, 4), 2);
    ck_assert_uint_eq(out[0].bytes, 11);
    ck_assert_mem_eq(out[1].at, "\1\5\0\7\0\0\0\0", 8);
}
END_TEST

START_TEST(empty_chunk_that_is_not_the_last_sends_nothing)
{
    fcgi_exchange_t x;
    fc_span_t out[4];
    fcgi_exchange_init(&x, ID, fc_span(REQUEST, 11));
    fcgi_exchange_body(&x, fc_span(NULL, 0), false);
    ck_assert(fcgi_exchange_wants_body(&x));
    ck_assert_uint_eq(out_twice(&x, out, 4), 1);
    fcgi_exchange_sent(&x, 11);
    ck_assert_uint_eq(out_twice(&x, out, 4), 0);
    ck_assert(fcgi_exchange_wants_body(&x));
    ck_assert(!fcgi_exchange_is_sent(&x));
}
END_TEST

START_TEST(request_may_go_before_the_body_is_there)
{
    fcgi_exchange_t x;
    fc_span_t out[4];
    fcgi_exchange_init(&x, ID, fc_span(REQUEST, 11));
    ck_assert_uint_eq(out_twice(&x, out, 4), 1);
    fcgi_exchange_sent(&x, 11);
    ck_assert(fcgi_exchange_wants_body(&x));
    ck_assert(!fcgi_exchange_is_sent(&x));
    fcgi_exchange_body(&x, fc_span("x", 1), true);
    ck_assert_uint_eq(out_twice(&x, out, 4), 3);
}
END_TEST

START_TEST(next_chunk_is_wanted_when_the_one_before_is_wholly_sent)
{
    fcgi_exchange_t x;
    fcgi_exchange_init(&x, ID, fc_span(REQUEST, 11));
    fcgi_exchange_body(&x, fc_span("body", 4), false);
    for (int i = 0; i < 11 + 8 + 4; i++) {
        ck_assert(!fcgi_exchange_wants_body(&x));
        fcgi_exchange_sent(&x, 1);
    }
    ck_assert(fcgi_exchange_wants_body(&x));
}
END_TEST

START_TEST(every_partial_write_sends_the_same_bytes)
{
    const give_t gives[] = { give(0, 5, false), give(0, 0, false), give(5, 1, false),
                             give(6, 9, true) };
    for (size_t count = 1; count <= 4; count++) {
        give_t some[4];
        memcpy(some, gives, sizeof(some));
        some[count - 1].last = true;
        expect_wire(some, count);
        for (size_t first = 1; first <= t.bytes; first++) {
            for (size_t second = 1; second <= t.bytes; second++) {
                assert_wire(some, count, first, second, SIZE_MAX, 4);
            }
        }
        assert_wire(some, count, 1, 1, 1, 4);
    }
}
END_TEST

START_TEST(last_chunk_may_be_empty)
{
    const give_t gives[] = { give(0, 5, false), give(0, 0, true) };
    expect_wire(gives, 2);
    for (size_t first = 1; first <= t.bytes; first++) {
        assert_wire(gives, 2, first, 1, SIZE_MAX, 4);
    }
}
END_TEST

START_TEST(chunk_over_65535_bytes_becomes_several_records)
{
    static const size_t sizes[] = { 65534, 65535, 65536, 131069, 131070, 131071, 200000 };
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        const give_t gives[] = { give(0, sizes[i], false), give(1, 3, true) };
        expect_wire(gives, 2);
        for (size_t max = 4; max <= 12; max++) {
            assert_wire(gives, 2, SIZE_MAX, SIZE_MAX, SIZE_MAX, max);
        }
        for (size_t first = 65535; first <= 65535 + 11 + 8 + 9 && first <= sizes[i]; first++) {
            assert_wire(gives, 2, first, 1, 65535, 12);
            assert_wire(gives, 2, first, 65535, 7, 5);
        }
        assert_wire(gives, 2, 1, 1, 1, 4);
    }
}
END_TEST

START_TEST(all_records_of_a_big_chunk_go_in_one_write_if_there_is_room)
{
    fcgi_exchange_t x;
    fc_span_t out[16];
    fcgi_exchange_init(&x, ID, fc_span(REQUEST, 11));
    fcgi_exchange_body(&x, fc_span(text, 200000), true);
    ck_assert_uint_eq(out_twice(&x, out, 16), 1 + 4 * 2 + 1);
    ck_assert_uint_eq(out_twice(&x, out, 6), 6);
    ck_assert_uint_eq(out[8].bytes, 200000 - 3 * 65535);
}
END_TEST

START_TEST(chunk_that_lies_elsewhere_shows_in_the_same_places_without_an_address)
{
    fcgi_exchange_t here, elsewhere;
    fc_span_t text_spans[16], spans[16];
    unsigned seed = 78;
    size_t count;

    fcgi_exchange_init(&here, ID, fc_span(REQUEST, 11));
    fcgi_exchange_init(&elsewhere, ID, fc_span(REQUEST, 11));
    fcgi_exchange_body(&here, fc_span(text, sizeof(text)), true);
    fcgi_exchange_body(&elsewhere, fc_span(NULL, sizeof(text)), true);
    while ((count = out_twice(&here, text_spans, 16)) > 0) {
        ck_assert_uint_eq(out_twice(&elsewhere, spans, 16), count);
        for (size_t i = 0; i < count; i++) {
            const bool is_text = text_spans[i].at >= text && text_spans[i].at < text + sizeof(text);
            ck_assert_uint_eq(spans[i].bytes, text_spans[i].bytes);
            ck_assert((spans[i].at == NULL) == is_text);
            ck_assert(is_text || memcmp(spans[i].at, text_spans[i].at, spans[i].bytes) == 0);
        }
        const size_t most = text_spans[0].bytes + (count > 1 ? text_spans[1].bytes : 0);
        const size_t sent = 1 + transcript_dice(&seed, (unsigned)most);
        fcgi_exchange_sent(&here, sent);
        fcgi_exchange_sent(&elsewhere, sent);
    }
    ck_assert(fcgi_exchange_is_sent(&elsewhere));
}
END_TEST

START_TEST(random_chunks_and_writes_send_the_expected_bytes)
{
    unsigned seed = 77;
    for (int round = 0; round < 400; round++) {
        give_t gives[6];
        size_t count = 1 + transcript_dice(&seed, 6);
        for (size_t i = 0; i < count; i++) {
            unsigned most = transcript_dice(&seed, 10) == 0 ? 80000 : 40;
            gives[i] = give(i, transcript_dice(&seed, most), i == count - 1);
        }
        expect_wire(gives, count);
        unsigned most = t.bytes > 1000 ? 30000 : 30;
        assert_wire(gives, count, 1 + transcript_dice(&seed, most),
                    1 + transcript_dice(&seed, most), 1 + transcript_dice(&seed, most),
                    4 + transcript_dice(&seed, 8));
    }
}
END_TEST

START_TEST(dropped_output_sends_no_more_but_reads_on)
{
    fc_span_t out[4];
    start_play(1000);
    fcgi_exchange_body(&p.x, fc_span(text, 100), false);
    fcgi_exchange_sent(&p.x, 20);
    fcgi_exchange_drop_output(&p.x);
    ck_assert_uint_eq(out_twice(&p.x, out, 4), 0);
    ck_assert(!fcgi_exchange_wants_body(&p.x));
    ck_assert(!fcgi_exchange_is_sent(&p.x));
    says(FCGI_STDOUT, "\nx");
    ends();
    play_piece(t.at, t.bytes);
    ck_assert_str_eq(p.log.text, "HEAD<\n>BODY<x>END(0,0)");
    ck_assert(!fcgi_exchange_connection_is_clean(&p.x, 0));
}
END_TEST

START_TEST(dropped_output_wants_no_first_chunk)
{
    start_play(1000);
    fcgi_exchange_drop_output(&p.x);
    ck_assert(!fcgi_exchange_wants_body(&p.x));
}
END_TEST

START_TEST(ended_exchange_wants_no_body)
{
    start_play(1000);
    ck_assert(fcgi_exchange_wants_body(&p.x));
    ends();
    play_piece(t.at, t.bytes);
    ck_assert(!fcgi_exchange_wants_body(&p.x));
}
END_TEST

START_TEST(broken_exchange_sends_nothing)
{
    fc_span_t out[4];
    start_play(1000);
    fcgi_exchange_body(&p.x, fc_span(text, 100), true);
    fcgi_exchange_eof(&p.x);
    ck_assert_uint_eq(out_twice(&p.x, out, 4), 0);
}
END_TEST

/* ---- Reuse of the connection ----------------------------------------------------------------- */

static void play_and_send_all(void)
{
    start_play(1000);
    fcgi_exchange_body(&p.x, fc_span(NULL, 0), true);
    fcgi_exchange_sent(&p.x, 7 + 8);
    play_piece(t.at, t.bytes);
}

START_TEST(connection_is_clean_after_a_whole_exchange)
{
    says(FCGI_STDOUT, HEAD "x");
    transcript_end(&t, ID, 3, FCGI_REQUEST_COMPLETE, 5);
    play_and_send_all();
    ck_assert(fcgi_exchange_connection_is_clean(&p.x, 0));
    ck_assert(!fcgi_exchange_connection_is_clean(&p.x, 1));
}
END_TEST

START_TEST(connection_is_not_clean_before_the_end)
{
    says(FCGI_STDOUT, HEAD "x");
    says(FCGI_STDOUT, "");
    play_and_send_all();
    ck_assert(!fcgi_exchange_connection_is_clean(&p.x, 0));
}
END_TEST

START_TEST(connection_is_not_clean_while_padding_is_missing)
{
    transcript_end(&t, ID, 0, FCGI_REQUEST_COMPLETE, 5);
    t.bytes--;
    play_and_send_all();
    ck_assert_int_eq(p.x.state, FCGI_ENDED);
    ck_assert(!fcgi_exchange_connection_is_clean(&p.x, 0));
}
END_TEST

START_TEST(connection_is_not_clean_after_a_refusal)
{
    for (unsigned status = 0; status < 256; status++) {
        said_nothing();
        transcript_end(&t, ID, 0, status, 0);
        play_and_send_all();
        ck_assert_int_eq(fcgi_exchange_connection_is_clean(&p.x, 0), status == 0);
    }
}
END_TEST

START_TEST(connection_is_not_clean_when_a_foreign_record_came)
{
    transcript_text(&t, FCGI_STDOUT, ID + 1, "x");
    ends();
    play_and_send_all();
    ck_assert(!fcgi_exchange_connection_is_clean(&p.x, 0));
}
END_TEST

START_TEST(connection_is_not_clean_while_output_is_left)
{
    ends();
    for (size_t sent = 0; sent <= 7 + 8; sent++) {
        start_play(1000);
        fcgi_exchange_body(&p.x, fc_span(NULL, 0), true);
        fcgi_exchange_sent(&p.x, sent);
        play_piece(t.at, t.bytes);
        ck_assert_int_eq(fcgi_exchange_connection_is_clean(&p.x, 0), sent == 7 + 8);
    }
}
END_TEST

/* ---- Names ----------------------------------------------------------------------------------- */

START_TEST(every_state_and_reason_has_its_own_words)
{
    for (int i = 0; i < FCGI_EXCHANGE_STATE_COUNT; i++) {
        for (int k = 0; k < i; k++) {
            ck_assert_str_ne(fcgi_exchange_state_name((fcgi_exchange_state_t)i),
                             fcgi_exchange_state_name((fcgi_exchange_state_t)k));
        }
    }
    for (int i = 0; i < FCGI_REASON_COUNT; i++) {
        for (int k = 0; k < i; k++) {
            ck_assert_str_ne(fcgi_exchange_reason_text((fcgi_reason_t)i),
                             fcgi_exchange_reason_text((fcgi_reason_t)k));
        }
    }
    ck_assert_str_eq(fcgi_exchange_state_name(FCGI_READING_HEAD), "reading-head");
}
END_TEST

START_TEST(every_state_can_be_reached)
{
    bool reached[FCGI_EXCHANGE_STATE_COUNT] = { false };
    says(FCGI_STDOUT, HEAD "x");
    says(FCGI_STDOUT, "");
    ends();
    start_play(1000);
    for (size_t i = 0; i < t.bytes; i++) {
        reached[p.x.state] = true;
        play_piece(t.at + i, 1);
    }
    reached[p.x.state] = true;
    start_play(1000);
    fcgi_exchange_eof(&p.x);
    reached[p.x.state] = true;
    for (int i = 0; i < FCGI_EXCHANGE_STATE_COUNT; i++) {
        ck_assert_msg(reached[i], "%s", fcgi_exchange_state_name((fcgi_exchange_state_t)i));
    }
}
END_TEST

static TCase *input_tests(void)
{
    TCase *tc = tcase_create("input");
    tcase_add_test(tc, whole_answer_gives_head_body_end);
    tcase_add_test(tc, end_of_stdout_may_be_left_out);
    tcase_add_test(tc, head_in_one_piece_stays_where_it_is);
    tcase_add_test(tc, head_in_two_pieces_is_collected);
    tcase_add_test(tc, head_over_many_records_is_collected);
    tcase_add_test(tc, head_of_one_empty_line_is_empty);
    tcase_add_test(tc, answer_without_body_has_no_body_event);
    tcase_add_test(tc, padding_is_never_content);
    tcase_add_test(tc, most_padding_is_skipped);
    tcase_add_test(tc, head_space_is_asked_for_before_anything_is_used_up);
    tcase_add_test(tc, head_space_given_beforehand_is_used_without_asking);
    tcase_add_test(tc, head_space_may_grow_in_place);
    tcase_add_test(tc, interim_head_is_followed_by_another);
    tcase_add_test(tc, interim_heads_may_come_in_pieces);
    tcase_add_test(tc, end_after_an_interim_head_leaves_the_head_incomplete);
    tcase_add_test(tc, end_before_head_is_a_bad_gateway);
    tcase_add_test(tc, end_inside_the_head_is_a_bad_gateway);
    tcase_add_test(tc, end_of_stdout_before_the_head_leaves_it_incomplete);
    tcase_add_test(tc, content_after_the_end_of_stdout_is_bad);
    tcase_add_test(tc, head_after_the_end_of_stdout_is_bad);
    tcase_add_test(tc, stdout_may_end_twice);
    tcase_add_test(tc, stderr_comes_out_wherever_it_stands);
    tcase_add_test(tc, end_tells_both_statuses);
    tcase_add_test(tc, end_with_less_than_8_bytes_is_bad);
    tcase_add_test(tc, end_with_more_than_8_bytes_is_an_end);
    tcase_add_test(tc, end_waits_for_its_surplus_but_not_for_its_padding);
    tcase_add_test(tc, bad_version_breaks_the_exchange);
    tcase_add_test(tc, records_of_another_request_are_skipped_and_doubtful);
    tcase_add_test(tc, every_type_but_three_is_skipped_and_doubtful);
    tcase_add_test(tc, management_records_are_skipped_and_doubtful);
    tcase_add_test(tc, empty_foreign_record_is_doubtful_too);
    tcase_add_test(tc, too_many_records_in_a_row_that_bring_nothing_are_bad);
    tcase_add_test(tc, a_byte_of_content_makes_up_for_records_that_bring_nothing);
    tcase_add_test(tc, nothing_is_used_up_after_the_end);
    tcase_add_test(tc, bad_is_told_once);
    tcase_add_test(tc, nothing_fed_is_nothing_said);
    tcase_add_test(tc, biggest_records_come_through);
    tcase_add_test(tc, head_of_more_than_a_record_is_collected);
    tcase_add_test(tc, eof_breaks_every_state_but_the_ended);
    tcase_add_test(tc, eof_does_not_hide_an_earlier_reason);
    tcase_add_test(tc, random_records_are_read_as_a_naive_reader_reads_them);
    return tc;
}

static TCase *output_tests(void)
{
    TCase *tc = tcase_create("output");
    tcase_add_test(tc, small_body_goes_out_with_the_request_in_one_write);
    tcase_add_test(tc, chunk_is_not_copied);
    tcase_add_test(tc, no_body_is_the_request_and_an_empty_record);
    tcase_add_test(tc, empty_chunk_that_is_not_the_last_sends_nothing);
    tcase_add_test(tc, request_may_go_before_the_body_is_there);
    tcase_add_test(tc, next_chunk_is_wanted_when_the_one_before_is_wholly_sent);
    tcase_add_test(tc, every_partial_write_sends_the_same_bytes);
    tcase_add_test(tc, last_chunk_may_be_empty);
    tcase_add_test(tc, chunk_over_65535_bytes_becomes_several_records);
    tcase_add_test(tc, all_records_of_a_big_chunk_go_in_one_write_if_there_is_room);
    tcase_add_test(tc, chunk_that_lies_elsewhere_shows_in_the_same_places_without_an_address);
    tcase_add_test(tc, random_chunks_and_writes_send_the_expected_bytes);
    tcase_add_test(tc, dropped_output_sends_no_more_but_reads_on);
    tcase_add_test(tc, dropped_output_wants_no_first_chunk);
    tcase_add_test(tc, ended_exchange_wants_no_body);
    tcase_add_test(tc, broken_exchange_sends_nothing);
    return tc;
}

static TCase *reuse_tests(void)
{
    TCase *tc = tcase_create("reuse and names");
    tcase_add_test(tc, connection_is_clean_after_a_whole_exchange);
    tcase_add_test(tc, connection_is_not_clean_before_the_end);
    tcase_add_test(tc, connection_is_not_clean_while_padding_is_missing);
    tcase_add_test(tc, connection_is_not_clean_after_a_refusal);
    tcase_add_test(tc, connection_is_not_clean_when_a_foreign_record_came);
    tcase_add_test(tc, connection_is_not_clean_while_output_is_left);
    tcase_add_test(tc, every_state_and_reason_has_its_own_words);
    tcase_add_test(tc, every_state_can_be_reached);
    return tc;
}

static void release_space(void)
{
    free(p.space);
    p.space = NULL;
}

int main(void)
{
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = (unsigned char)(i * 31 + i / 251);
    }
    Suite *suite = suite_create("exchange");
    TCase *tcs[] = { input_tests(), output_tests(), reuse_tests() };
    for (size_t i = 0; i < sizeof(tcs) / sizeof(tcs[0]); i++) {
        tcase_set_timeout(tcs[i], 600);   /* valgrind is slow */
        tcase_add_checked_fixture(tcs[i], said_nothing, release_space);
        suite_add_tcase(suite, tcs[i]);
    }
    return run_suite(suite);
}
