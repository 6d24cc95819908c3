/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_otlp_line.c - lines that are JSON whatever stands in them, and never too long for a pipe. */
#include <check.h>
#include <jansson.h>
#include <string.h>

#include "otlp_line.h"
#include "run_suite.h"

static fcgi_otlp_line_t line;
static json_t *root;    /* of the line that was read last */

static const fcgi_otlp_source_t source = { .service = "shop", .host = "front1", .version = "1.2" };

static fcgi_otlp_span_t usual_span(void)
{
    return (fcgi_otlp_span_t){
        .trace_id = "0af7651916cd43dd8448eb211c80319c",
        .span_id = "b7ad6b7169203331",
        .parent_id = "",
        .state = "",
        .name = "GET",
        .kind = FCGI_OTLP_SERVER,
        .begin = 1700000000000001,
        .end = 1700000000000003,
    };
}

/* End the line and read it.
 * returns  its spans */
static json_t *spans_of_line(void)
{
    json_error_t error;

    fcgi_otlp_line_end(&line);
    ck_assert_uint_le(line.bytes, FCGI_OTLP_LINE_MAX);
    ck_assert_ptr_eq(memchr(line.text, '\n', line.bytes), line.text + line.bytes - 1);
    json_decref(root);
    root = json_loadb(line.text, line.bytes, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(root != NULL, "%s at %d", error.text, error.position);
    json_t *scope = json_array_get(
        json_object_get(json_array_get(json_object_get(root, "resourceSpans"), 0), "scopeSpans"),
        0);
    return json_object_get(scope, "spans");
}

static json_t *only_span(const fcgi_otlp_span_t *span)
{
    fcgi_otlp_line_begin(&line, &source);
    ck_assert(fcgi_otlp_line_add(&line, span));
    json_t *spans = spans_of_line();
    ck_assert_uint_eq(json_array_size(spans), 1);
    return json_array_get(spans, 0);
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static const char *attribute_text(const json_t *span, size_t index)
{
    const json_t *value =
        json_object_get(json_array_get(json_object_get(span, "attributes"), index), "value");
    return text_of(value, "stringValue");
}

START_TEST(span_has_the_fields_of_otlp)
{
    fcgi_otlp_span_t span = usual_span();

    span.parent_id = "00f067aa0ba902b7";
    span.state = "congo=t61rcWkgMzE";
    span.has_failed = true;
    fcgi_otlp_span_text(&span, "url.path", "/a");
    fcgi_otlp_span_number(&span, "server.port", 443);
    fcgi_otlp_span_event(&span, "connected", 1700000000000002);
    const json_t *json = only_span(&span);
    ck_assert_str_eq(text_of(json, "traceId"), span.trace_id);
    ck_assert_str_eq(text_of(json, "spanId"), span.span_id);
    ck_assert_str_eq(text_of(json, "parentSpanId"), span.parent_id);
    ck_assert_str_eq(text_of(json, "traceState"), span.state);
    ck_assert_str_eq(text_of(json, "startTimeUnixNano"), "1700000000000001000");
    ck_assert_str_eq(text_of(json, "endTimeUnixNano"), "1700000000000003000");
    ck_assert_int_eq(json_integer_value(json_object_get(json, "kind")), 2);
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(json, "status"), "code")),
                     2);
    ck_assert_str_eq(attribute_text(json, 0), "/a");
    const json_t *port = json_array_get(json_object_get(json, "attributes"), 1);
    ck_assert_str_eq(text_of(port, "key"), "server.port");
    ck_assert_str_eq(text_of(json_object_get(port, "value"), "intValue"), "443");
    const json_t *event = json_array_get(json_object_get(json, "events"), 0);
    ck_assert_str_eq(text_of(event, "name"), "connected");
    ck_assert_str_eq(text_of(event, "timeUnixNano"), "1700000000000002000");
}
END_TEST

START_TEST(what_a_span_has_not_is_left_out)
{
    const fcgi_otlp_span_t span = usual_span();
    const json_t *json = only_span(&span);

    ck_assert_ptr_null(json_object_get(json, "parentSpanId"));
    ck_assert_ptr_null(json_object_get(json, "traceState"));
    ck_assert_ptr_null(json_object_get(json, "events"));
    ck_assert_ptr_null(json_object_get(json, "status"));
}
END_TEST

START_TEST(span_does_not_end_before_it_begins)
{
    fcgi_otlp_span_t span = usual_span();

    span.end = span.begin - 1;    /* somebody has set the clock */
    const json_t *json = only_span(&span);
    ck_assert_str_eq(text_of(json, "endTimeUnixNano"), text_of(json, "startTimeUnixNano"));
}
END_TEST

static const struct {
    const char *text, *read;
} texts[] = {
    { "", "" },
    { "/plain", "/plain" },
    { "a\"b\\c/", "a\"b\\c/" },
    { "a\tb\nc", "a\tb\nc" },
    { "\x01\x1f\x7f", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD" },
    { "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80" },
    { "\xc3", "\xEF\xBF\xBD" },
    { "\xff<\xc0\xaf>", "\xEF\xBF\xBD<\xEF\xBF\xBD\xEF\xBF\xBD>" },
    { "\xed\xa0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD" },
};

START_TEST(text_is_valid_json_whatever_it_is)
{
    fcgi_otlp_span_t span = usual_span();

    fcgi_otlp_span_text(&span, "url.path", texts[_i].text);
    ck_assert_str_eq(attribute_text(only_span(&span), 0), texts[_i].read);
}
END_TEST

/* As many bytes that take the most room. */
static const char *long_text(const char *unit)
{
    static char text[8000];

    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        text[i] = unit[i % strlen(unit)];
    }
    return text;
}

static const char *const units[] = {
    "a", "\"", "\x01", "\n", "\xc3\xa4", "\xf0\x9f\x98\x80", "\xff"
};

START_TEST(long_text_is_cut_between_characters)
{
    fcgi_otlp_span_t span = usual_span();

    fcgi_otlp_span_text(&span, "url.path", long_text(units[_i]));
    const char *cut = attribute_text(only_span(&span), 0);
    const size_t bytes = strlen(cut);
    ck_assert_uint_le(bytes, 1024);
    ck_assert_str_eq(cut + bytes - 3, "\xE2\x80\xA6");
}
END_TEST

START_TEST(largest_span_fits)
{
    char state[513];
    fcgi_otlp_span_t span = usual_span();

    memset(state, 'x', sizeof(state) - 1);
    state[sizeof(state) - 1] = '\0';
    span.parent_id = "00f067aa0ba902b7";
    span.state = state;
    span.name = long_text(units[_i]);
    span.has_failed = true;
    span.begin = span.end = INT64_MAX / 1000;
    while (span.attribute_count < FCGI_OTLP_ATTRIBUTES_MAX) {
        fcgi_otlp_span_text(&span, "http.request.method_original", long_text(units[_i]));
    }
    while (span.event_count < FCGI_OTLP_EVENTS_MAX) {
        fcgi_otlp_span_event(&span, "first_byte", INT64_MAX / 1000);
    }
    fcgi_otlp_span_text(&span, "more", "more");    /* is left out, like the next */
    fcgi_otlp_span_event(&span, "more", 1);
    const fcgi_otlp_source_t wordy = { .service = long_text(units[_i]),
                                       .host = long_text(units[_i]),
                                       .version = "1.2" };
    fcgi_otlp_line_begin(&line, &wordy);
    ck_assert(fcgi_otlp_line_add(&line, &span));
    const json_t *json = json_array_get(spans_of_line(), 0);
    ck_assert_uint_eq(json_array_size(json_object_get(json, "attributes")),
                      FCGI_OTLP_ATTRIBUTES_MAX);
    ck_assert_uint_eq(json_array_size(json_object_get(json, "events")), FCGI_OTLP_EVENTS_MAX);
    ck_assert_ptr_null(json_object_get(json, "traceState"));
}
END_TEST

START_TEST(line_takes_spans_until_it_is_full)
{
    const fcgi_otlp_span_t span = usual_span();
    size_t count = 0;

    fcgi_otlp_line_begin(&line, &source);
    while (fcgi_otlp_line_add(&line, &span)) {
        count++;
    }
    ck_assert_uint_gt(count, 5);
    ck_assert_uint_eq(json_array_size(spans_of_line()), count);
}
END_TEST

START_TEST(span_that_does_not_fit_behind_others_leaves_no_trace)
{
    fcgi_otlp_span_t span = usual_span();

    fcgi_otlp_line_begin(&line, &source);
    ck_assert(fcgi_otlp_line_add(&line, &span));
    for (int i = 0; i < 8; i++) {
        fcgi_otlp_span_text(&span, "url.path", long_text("a"));
    }
    ck_assert(!fcgi_otlp_line_add(&line, &span));
    ck_assert_uint_eq(json_array_size(spans_of_line()), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("otlp_line");
    TCase *lines = tcase_create("lines");

    tcase_add_test(lines, span_has_the_fields_of_otlp);
    tcase_add_test(lines, what_a_span_has_not_is_left_out);
    tcase_add_test(lines, span_does_not_end_before_it_begins);
    tcase_add_loop_test(lines, text_is_valid_json_whatever_it_is, 0, COUNT(texts));
    tcase_add_loop_test(lines, long_text_is_cut_between_characters, 0, COUNT(units));
    tcase_add_loop_test(lines, largest_span_fits, 0, COUNT(units));
    tcase_add_test(lines, line_takes_spans_until_it_is_full);
    tcase_add_test(lines, span_that_does_not_fit_behind_others_leaves_no_trace);
    suite_add_tcase(suite, lines);
    return run_suite(suite);
}
