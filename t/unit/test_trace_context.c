/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_trace_context.c - every malformed shape of traceparent and tracestate, and the few right ones. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "run_suite.h"
#include "trace_context.h"

#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define SPAN  "b7ad6b7169203331"
#define RIGHT "00-" TRACE "-" SPAN "-01"

/* ---- traceparent ---- */

static const char *written(const fcgi_trace_context_t *context)
{
    static char out[FCGI_TRACEPARENT_BYTES + 1];
    char trace_id[2 * FCGI_TRACE_ID_BYTES + 1], span_id[2 * FCGI_SPAN_ID_BYTES + 1];

    fcgi_trace_context_hex(trace_id, context->trace_id, FCGI_TRACE_ID_BYTES);
    fcgi_trace_context_hex(span_id, context->span_id, FCGI_SPAN_ID_BYTES);
    fcgi_trace_context_write(trace_id, span_id, context->is_sampled, out);
    return out;
}

START_TEST(traceparent_is_read)
{
    fcgi_trace_context_t context;
    char id[2 * FCGI_TRACE_ID_BYTES + 1];

    ck_assert(fcgi_trace_context_read(&context, fc_span_of(RIGHT)));
    fcgi_trace_context_hex(id, context.trace_id, FCGI_TRACE_ID_BYTES);
    ck_assert_str_eq(id, TRACE);
    fcgi_trace_context_hex(id, context.span_id, FCGI_SPAN_ID_BYTES);
    ck_assert_str_eq(id, SPAN);
    ck_assert(context.is_sampled);
}
END_TEST

START_TEST(only_the_last_flag_says_sampled)
{
    static const struct {
        const char *flags;
        bool is_sampled;
    } cases[] = { { "00", false }, { "01", true }, { "02", false }, { "03", true },
                  { "fe", false }, { "ff", true }, { "09", true } };

    for (int i = 0; i < COUNT(cases); i++) {
        char header[64];
        fcgi_trace_context_t context;
        snprintf(header, sizeof(header), "00-" TRACE "-" SPAN "-%s", cases[i].flags);
        ck_assert(fcgi_trace_context_read(&context, fc_span_of(header)));
        ck_assert(context.is_sampled == cases[i].is_sampled);
    }
}
END_TEST

static const char *const later_versions[] = {
    "01-" TRACE "-" SPAN "-01",
    "01-" TRACE "-" SPAN "-01-",
    "cc-" TRACE "-" SPAN "-01-what-the-future-will-be-like",
    "fe-" TRACE "-" SPAN "-01-.",
};

START_TEST(later_version_is_read_as_far_as_this_one_goes)
{
    fcgi_trace_context_t context;

    ck_assert(fcgi_trace_context_read(&context, fc_span_of(later_versions[_i])));
    ck_assert_str_eq(written(&context), RIGHT);
}
END_TEST

static const char *const malformed[] = {
    "",
    "0",
    "00",
    "00-",
    "00-" TRACE,
    "00-" TRACE "-" SPAN,
    "00-" TRACE "-" SPAN "-",
    "00-" TRACE "-" SPAN "-0",
    "00-" TRACE "-" SPAN "-01-",            /* version 00 ends there */
    "00-" TRACE "-" SPAN "-01-more",
    "00-" TRACE "-" SPAN "-01 ",
    " 00-" TRACE "-" SPAN "-01",
    "00-" TRACE "-" SPAN "-001",
    "00-" TRACE "-" SPAN "-0g",
    "00-" TRACE "-" SPAN "-0A",
    "00-" TRACE "-" SPAN "-A0",
    "00-" TRACE "0-" SPAN "-01",            /* ids of a wrong length */
    "00-" TRACE "-" SPAN "0-01",
    "00-0af7651916cd43dd8448eb211c80319-" SPAN "0-01",
    "00-" TRACE "-b7ad6b716920333-010",
    "00-00000000000000000000000000000000-" SPAN "-01",
    "00-" TRACE "-0000000000000000-01",
    "00-0AF7651916CD43DD8448EB211C80319C-" SPAN "-01",
    "00-" TRACE "-B7AD6B7169203331-01",
    "00-0af7651916cd43dd8448eb211c80319g-" SPAN "-01",
    "00-" TRACE "-b7ad6b716920333x-01",
    "00-0af7651916cd43dd 448eb211c80319c-" SPAN "-01",
    "00_" TRACE "-" SPAN "-01",             /* other separators */
    "00-" TRACE "_" SPAN "-01",
    "00-" TRACE "-" SPAN "_01",
    "0-" TRACE "-" SPAN "-01-",
    "000-" TRACE "-" SPAN "-01",
    "0x-" TRACE "-" SPAN "-01",
    "0A-" TRACE "-" SPAN "-01",
    "ff-" TRACE "-" SPAN "-01",             /* forbidden */
    "ff-" TRACE "-" SPAN "-01-more",
    "01-" TRACE "-" SPAN "-01more",         /* a later version goes on behind a dash */
    "01-" TRACE "-" SPAN "-01.",
    "01-" TRACE "-" SPAN "-0",
    "01-00000000000000000000000000000000-" SPAN "-01-more",
    RIGHT "," RIGHT,                        /* several headers, joined */
    RIGHT ", " RIGHT,
    "01-" TRACE "-" SPAN "-01," RIGHT,
    "," RIGHT,
    RIGHT ",",
};

START_TEST(what_is_malformed_is_none)
{
    fcgi_trace_context_t context, before;

    memset(&context, 0x5a, sizeof(context));
    before = context;
    ck_assert_msg(!fcgi_trace_context_read(&context, fc_span_of(malformed[_i])), "%s",
                  malformed[_i]);
    ck_assert_mem_eq(&context, &before, sizeof(context));
}
END_TEST

START_TEST(nul_in_it_is_malformed)
{
    char header[] = RIGHT;
    fcgi_trace_context_t context;

    for (size_t i = 0; i < FCGI_TRACEPARENT_BYTES; i++) {
        memcpy(header, RIGHT, sizeof(header));
        header[i] = '\0';
        ck_assert(!fcgi_trace_context_read(&context, fc_span(header, FCGI_TRACEPARENT_BYTES)));
    }
}
END_TEST

START_TEST(what_is_written_is_read_back)
{
    fcgi_trace_context_t context = { .trace_id = { 1, 2, 3 }, .span_id = { 4 } }, read;

    for (int is_sampled = 0; is_sampled < 2; is_sampled++) {
        context.is_sampled = is_sampled != 0;
        ck_assert_uint_eq(strlen(written(&context)), FCGI_TRACEPARENT_BYTES);
        ck_assert(fcgi_trace_context_read(&read, fc_span_of(written(&context))));
        ck_assert_mem_eq(read.trace_id, context.trace_id, FCGI_TRACE_ID_BYTES);
        ck_assert_mem_eq(read.span_id, context.span_id, FCGI_SPAN_ID_BYTES);
        ck_assert(read.is_sampled == context.is_sampled);
    }
}
END_TEST

/* ---- tracestate ---- */

static const char *passed_on(const char *header)
{
    static char out[FCGI_TRACESTATE_MAX + 1];
    const size_t bytes = fcgi_trace_context_write_state(fc_span_of(header), out);

    ck_assert_uint_eq(strlen(out), bytes);
    return out;
}

/* text, then `count` times c, then more */
static const char *padded(const char *text, int count, char c, const char *more)
{
    static char out[2048];
    int bytes = snprintf(out, sizeof(out), "%s", text);

    while (count-- > 0) {
        out[bytes++] = c;
    }
    snprintf(out + bytes, sizeof(out) - (size_t)bytes, "%s", more);
    return out;
}

START_TEST(members_stay_in_their_order)
{
    ck_assert_str_eq(passed_on("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"),
                     "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE");
}
END_TEST

START_TEST(blanks_and_empty_members_are_left_out)
{
    ck_assert_str_eq(passed_on(" a=1 ,\t b=2\t,, ,c=x y,"), "a=1,b=2,c=x y");
    ck_assert_str_eq(passed_on(" , ,\t"), "");
    ck_assert_str_eq(passed_on(""), "");
}
END_TEST

static const char *const right_members[] = {
    "a=1",
    "abc_-*/9=1",
    "9tenant_-*/@sys-*/_9=1",
    "a= x",
    "a=!~[]{}\"\\",
    "0@s=1",
    "foo=1,foo=2",
};

START_TEST(right_member_is_passed_on)
{
    ck_assert_str_eq(passed_on(right_members[_i]), right_members[_i]);
}
END_TEST

static const char *const wrong_members[] = {
    "a",
    "a=",
    "=1",
    "=",
    "A=1",
    "aB=1",
    "9a=1",
    "_a=1",
    "a b=1",
    "a =1",
    "a.b=1",
    "a=1=2",
    "a==1",
    "@s=1",
    "t@=1",
    "t@9s=1",
    "t@@s=1",
    "t@s@u=1",
    "-t@s=1",
    "t@S=1",
    "a=\x01",
    "a=\x7f",
    "a=\xc3\xa4",
    "a=1\tb",
    "a=1;b=2",
    "b=2,a",
    "a=1,B=2",
    "t@sssssssssssssss=1",
};

START_TEST(wrong_member_spoils_the_whole)
{
    /* but for what is no separator here: a value may have a semicolon, not an equals sign */
    ck_assert_str_eq(passed_on(wrong_members[_i]), "");
}
END_TEST

START_TEST(keys_and_values_have_a_longest)
{
    ck_assert_uint_gt(strlen(passed_on(padded("", 256, 'k', "=1"))), 0);
    ck_assert_str_eq(passed_on(padded("", 257, 'k', "=1")), "");
    ck_assert_uint_gt(strlen(passed_on(padded("", 241, 't', "@ssssssssssssss=1"))), 0);
    ck_assert_str_eq(passed_on(padded("", 242, 't', "@s=1")), "");
    ck_assert_uint_gt(strlen(passed_on(padded("a=", 256, 'v', ""))), 0);
    ck_assert_str_eq(passed_on(padded("a=", 257, 'v', "")), "");
}
END_TEST

/* "k=1" so many times */
static const char *many(int count)
{
    static char out[1024];
    int bytes = 0;

    for (int i = 0; i < count; i++) {
        bytes += snprintf(out + bytes, sizeof(out) - (size_t)bytes, "%sk%d=1", i ? "," : "", i);
    }
    return out;
}

START_TEST(thirty_two_members_are_the_most)
{
    ck_assert_str_eq(passed_on(many(32)), many(32));
    ck_assert_str_eq(passed_on(many(33)), "");
}
END_TEST

START_TEST(long_members_are_left_out_first)
{
    char header[2048], value[300];

    memset(value, 'v', sizeof(value));
    snprintf(header, sizeof(header), "a=1,b=%.200s,c=%.100s,d=%.200s,e=%.126s", value, value, value,
             value);
    const char *out = passed_on(header);
    ck_assert_ptr_nonnull(strstr(out, ",b=v"));
    ck_assert_ptr_null(strstr(out, ",d="));
    ck_assert_ptr_nonnull(strstr(out, ",c=v"));
    ck_assert_ptr_nonnull(strstr(out, ",e=v"));
}
END_TEST

START_TEST(then_those_at_the_end)
{
    char header[2048], value[300];

    memset(value, 'v', sizeof(value));
    snprintf(header, sizeof(header), "a=%.120s,b=%.120s,c=%.120s,d=%.120s,e=%.120s,f=1", value,
             value, value, value, value);
    const char *out = passed_on(header);
    ck_assert_uint_eq(strlen(out), 4 * 122 + 3);
    ck_assert_ptr_nonnull(strstr(out, ",d=v"));
    ck_assert_ptr_null(strstr(out, "e="));
    ck_assert_ptr_null(strstr(out, "f="));
}
END_TEST

START_TEST(exactly_the_limit_is_passed_on)
{
    char header[2048], value[300];

    memset(value, 'v', sizeof(value));
    snprintf(header, sizeof(header), "a=%.253s,b=%.254s", value, value);
    ck_assert_uint_eq(strlen(header), FCGI_TRACESTATE_MAX);
    ck_assert_str_eq(passed_on(header), header);
    strcat(header, "v");
    ck_assert_uint_eq(strlen(passed_on(header)), 255);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("trace_context");
    TCase *parent = tcase_create("traceparent"), *state = tcase_create("tracestate");

    tcase_add_test(parent, traceparent_is_read);
    tcase_add_test(parent, only_the_last_flag_says_sampled);
    tcase_add_loop_test(parent, later_version_is_read_as_far_as_this_one_goes, 0,
                        COUNT(later_versions));
    tcase_add_loop_test(parent, what_is_malformed_is_none, 0, COUNT(malformed));
    tcase_add_test(parent, nul_in_it_is_malformed);
    tcase_add_test(parent, what_is_written_is_read_back);
    tcase_add_test(state, members_stay_in_their_order);
    tcase_add_test(state, blanks_and_empty_members_are_left_out);
    tcase_add_loop_test(state, right_member_is_passed_on, 0, COUNT(right_members));
    tcase_add_loop_test(state, wrong_member_spoils_the_whole, 0, COUNT(wrong_members));
    tcase_add_test(state, keys_and_values_have_a_longest);
    tcase_add_test(state, thirty_two_members_are_the_most);
    tcase_add_test(state, long_members_are_left_out_first);
    tcase_add_test(state, then_those_at_the_end);
    tcase_add_test(state, exactly_the_limit_is_passed_on);
    suite_add_tcase(suite, parent);
    suite_add_tcase(suite, state);
    return run_suite(suite);
}
