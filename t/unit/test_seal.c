/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_seal.c - only what was sealed with the secret, for this place, is opened. */
#include <stdint.h>
#include <string.h>

#include "apr_general.h"
#include "apr_strings.h"
#include "run_suite.h"
#include "seal.h"

static apr_pool_t *pool;

static void set_up(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
}

static lb_seal_t seal_of(const char *secret, const char *fleet, const char *kind, const char *front)
{
    return (lb_seal_t){ .secret = fc_span_of(secret),
                        .fleet = fleet,
                        .kind = kind,
                        .front = front };
}

static const char text[] = "{\"a\": \"b c\"}";

static const char *closed_by(const lb_seal_t *seal)
{
    const lb_sealed_t sealed = { .sequence = 17, .incarnation = UINT64_MAX, .text = text };
    return lb_seal_close(pool, seal, &sealed);
}

static bool opens(const lb_seal_t *seal, const char *closed)
{
    lb_sealed_t sealed;
    return lb_seal_open(pool, seal, closed, &sealed) == NULL;
}

START_TEST(what_was_sealed_is_opened)
{
    for (int i = 0; i < 2; i++) {
        const lb_seal_t seal = seal_of(i == 0 ? "a secret" : "", "shop", "view", "web1");
        lb_sealed_t sealed;
        ck_assert_ptr_null(lb_seal_open(pool, &seal, closed_by(&seal), &sealed));
        ck_assert_uint_eq(sealed.sequence, 17);
        ck_assert_uint_eq(sealed.incarnation, UINT64_MAX);
        ck_assert_str_eq(sealed.text, text);
    }
}
END_TEST

START_TEST(no_byte_of_it_can_be_changed_or_cut)
{
    const lb_seal_t seal = seal_of("a secret", "shop", "view", "web1");
    char *closed = apr_pstrdup(pool, closed_by(&seal));

    for (size_t at = 0; closed[at]; at++) {
        const char before = closed[at];
        closed[at] ^= 1;
        ck_assert(!opens(&seal, closed));
        closed[at] = '\0';
        ck_assert(!opens(&seal, closed));
        closed[at] = before;
    }
    ck_assert(!opens(&seal, apr_pstrcat(pool, closed, " ", NULL)));
    ck_assert(opens(&seal, closed));
}
END_TEST

START_TEST(it_is_worth_nothing_in_another_place)
{
    const lb_seal_t seal = seal_of("a secret", "shop", "view", "web1");
    const lb_seal_t others[] = { seal_of("b secret", "shop", "view", "web1"),
                                 seal_of("", "shop", "view", "web1"),
                                 seal_of("a secret", "other", "view", "web1"),
                                 seal_of("a secret", "shop", "intent", "web1"),
                                 seal_of("a secret", "shop", "view", "web2"),
                                 seal_of("a secret", "sho", "pview", "web1"),
                                 seal_of("a secret", "shop", "viewweb", "1") };

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        ck_assert(!opens(&others[i], closed_by(&seal)));
        ck_assert(!opens(&seal, closed_by(&others[i])));
    }
}
END_TEST

START_TEST(without_a_secret_the_form_still_counts)
{
    static const char *const wrong[] = { "",
                                         "v1",
                                         "v1 ",
                                         "v2 - 1 2 x",
                                         "v1 - ",
                                         "v1 - 1",
                                         "v1 - 1 2",
                                         "v1 - x 2 y",
                                         "v1 - 1  y",
                                         "v1 -- 1 2 x",
                                         "v1 - 123456789012345678901 2 x",
                                         "x" };
    const lb_seal_t seal = seal_of("", "shop", "view", "web1");

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        ck_assert_msg(!opens(&seal, wrong[i]), "%s", wrong[i]);
    }
    ck_assert(opens(&seal, "v1 - 1 2 "));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("seal");
    TCase *tc = tcase_create("seals");

    tcase_add_checked_fixture(tc, set_up, NULL);
    tcase_add_test(tc, what_was_sealed_is_opened);
    tcase_add_test(tc, no_byte_of_it_can_be_changed_or_cut);
    tcase_add_test(tc, it_is_worth_nothing_in_another_place);
    tcase_add_test(tc, without_a_secret_the_form_still_counts);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
