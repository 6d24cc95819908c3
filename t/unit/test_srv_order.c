/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_srv_order.c - priorities and weights of SRV records as sets and weights of members. */
#include "srv_order.h"

#include "run_suite.h"

#define MOST 4

typedef struct {
    size_t count;
    lb_srv_t records[MOST];
    lb_srv_place_t places[MOST];
} row_t;

static const row_t rows[] = {
    { 0, { { 0, 0 } }, { { 0, 0 } } },
    /* what has no weights is as any other member */
    { 2, { { 0, 0 }, { 0, 0 } }, { { 0, 100 }, { 0, 100 } } },
    { 3, { { 1, 33 }, { 1, 33 }, { 1, 33 } }, { { 0, 100 }, { 0, 100 }, { 0, 100 } } },
    { 3, { { 0, 10 }, { 0, 20 }, { 0, 35 } }, { { 0, 100 }, { 0, 200 }, { 0, 350 } } },
    { 2, { { 0, 3 }, { 0, 5 } }, { { 0, 100 }, { 0, 167 } } },
    /* hardly ever, but not never */
    { 2, { { 0, 0 }, { 0, 50 } }, { { 0, 100 }, { 0, 5000 } } },
    { 2, { { 0, 0 }, { 0, 65535 } }, { { 0, 100 }, { 0, 10000 } } },
    { 3, { { 0, 1 }, { 0, 100 }, { 0, 200 } }, { { 0, 100 }, { 0, 5000 }, { 0, 10000 } } },
    { 2, { { 0, 1 }, { 0, 100 } }, { { 0, 100 }, { 0, 10000 } } },
    /* each priority for itself */
    { 4,
      { { 20, 9 }, { 10, 1 }, { 65535, 7 }, { 10, 2 } },
      { { 1, 100 }, { 0, 100 }, { 2, 100 }, { 0, 200 } } },
};

START_TEST(records_get_their_sets_and_weights)
{
    lb_srv_place_t places[MOST];
    const row_t *row = &rows[_i];

    lb_srv_order(row->records, row->count, places);
    for (size_t i = 0; i < row->count; i++) {
        ck_assert_uint_eq(places[i].set, row->places[i].set);
        ck_assert_uint_eq(places[i].lbfactor, row->places[i].lbfactor);
    }
}
END_TEST

/* Every pair of weights: in range, and in order. */
START_TEST(more_weight_is_never_less)
{
    for (uint32_t a = 0; a <= UINT16_MAX; a += 257) {
        for (uint32_t b = a; b <= UINT16_MAX; b += 257) {
            const lb_srv_t records[2] = { { 0, (uint16_t)a }, { 0, (uint16_t)b } };
            lb_srv_place_t places[2];
            lb_srv_order(records, 2, places);
            ck_assert(places[0].lbfactor == 100 && places[1].lbfactor >= 100
                      && places[1].lbfactor <= 10000);
        }
    }
}
END_TEST

START_TEST(sets_end_at_99)
{
    lb_srv_t records[300];
    lb_srv_place_t places[300];

    for (size_t i = 0; i < 300; i++) {
        records[i] = (lb_srv_t){ (uint16_t)(3 * i), 1 };
    }
    lb_srv_order(records, 300, places);
    for (size_t i = 0; i < 300; i++) {
        ck_assert_uint_eq(places[i].set, i < 99 ? i : 99);
    }
}
END_TEST

int main(void)
{
    TCase *tc = tcase_create("srv_order");

    tcase_add_loop_test(tc, records_get_their_sets_and_weights, 0,
                        (int)(sizeof(rows) / sizeof(rows[0])));
    tcase_add_test(tc, more_weight_is_never_less);
    tcase_add_test(tc, sets_end_at_99);
    Suite *suite = suite_create("srv_order");
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
