/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_tournament.c - the smallest number, compared with one that looks at all of them. */
#include "tournament.h"

#include "processes.h"
#include "run_suite.h"

enum {
    NUMBERS_MAX = 70
};

static uint64_t memory[4 * NUMBERS_MAX];

static size_t first_of_all(const uint64_t *numbers, size_t count)
{
    size_t first = LB_NO_ONE;

    for (size_t i = 0; i < count; i++) {
        if (numbers[i] != LB_ABSENT && (first == LB_NO_ONE || numbers[i] < numbers[first])) {
            first = i;
        }
    }
    return first;
}

START_TEST(all_are_absent_at_first)
{
    for (size_t count = 0; count <= NUMBERS_MAX; count++) {
        ck_assert_uint_le(lb_tournament_bytes(count), sizeof(memory));
        const lb_tournament_t t = lb_tournament_begin(memory, count);
        ck_assert_uint_eq(lb_tournament_first(&t), LB_NO_ONE);
    }
}
END_TEST

/* Of up to four numbers, each of three values or absent: every state, and every change from it. */
START_TEST(every_change_of_few_numbers)
{
    static const uint64_t values[] = { 0, 1, 2, LB_ABSENT };
    uint64_t numbers[4];

    for (size_t count = 1; count <= 4; count++) {
        for (unsigned change = 0; change < 4u * 4u << 2 * count; change++) {
            const size_t changed = (change & 3) % count;
            lb_tournament_t t = lb_tournament_begin(memory, count);
            for (size_t i = 0; i < count; i++) {
                numbers[i] = values[change >> (4 + 2 * i) & 3];
                lb_tournament_set(&t, i, numbers[i]);
            }
            numbers[changed] = values[change >> 2 & 3];
            lb_tournament_set(&t, changed, numbers[changed]);
            MUST(lb_tournament_number(&t, changed) == numbers[changed]);
            MUST(lb_tournament_first(&t) == first_of_all(numbers, count));
        }
    }
}
END_TEST

START_TEST(many_changes_of_many_numbers)
{
    uint64_t numbers[NUMBERS_MAX];
    uint32_t random = 1;

    for (size_t count = 1; count <= NUMBERS_MAX; count++) {
        lb_tournament_t t = lb_tournament_begin(memory, count);
        for (size_t i = 0; i < count; i++) {
            numbers[i] = LB_ABSENT;
        }
        for (int n = 0; n < 3000; n++) {
            random = random * 1664525 + 1013904223;
            const size_t i = (random >> 8) % count;
            numbers[i] = random >> 28 == 0 ? LB_ABSENT : random >> 20;
            lb_tournament_set(&t, i, numbers[i]);
            MUST(lb_tournament_first(&t) == first_of_all(numbers, count));
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tournament");
    TCase *tc = tcase_create("smallest");

    tcase_add_test(tc, all_are_absent_at_first);
    tcase_add_test(tc, every_change_of_few_numbers);
    tcase_add_test(tc, many_changes_of_many_numbers);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
