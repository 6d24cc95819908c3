/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_status_word.c - many change the status word of a member, each its own bits. */
#include <check.h>
#include <pthread.h>

#include "shared_table.h"
#include "status_word.h"

#define WRITERS 4
#define ROUNDS  1000000

START_TEST(bits_are_set_and_cleared_in_one_step)
{
    unsigned int word = 0x0f;

    ck_assert_uint_eq(lb_status_word_change(&word, 0x30, 0x03), 0x0f);
    ck_assert_uint_eq(word, 0x3c);
    ck_assert_uint_eq(lb_status_word_change(&word, 0, 0), 0x3c);
    ck_assert_uint_eq(word, 0x3c);
    ck_assert_uint_eq(lb_status_word_change(&word, 0x04, 0x0c), 0x3c);
    ck_assert_uint_eq(word, 0x34);
}
END_TEST

typedef struct {
    unsigned int *word;
    unsigned int on, off;         /* exactly one of them is set at a time */
    _Atomic uint32_t *busy;       /* writers who have not made their rounds yet */
} writer_t;

/* Nobody but this writer changes its bits, so it finds them as it has left them. */
static void *toggle(void *writer_)
{
    const writer_t *writer = writer_;

    /* until all have made their rounds, so that they meet */
    for (int i = 1; atomic_load(writer->busy) > 0; i++) {
        const unsigned int down =
            lb_status_word_change(writer->word, writer->off, writer->on);
        MUST((down & (writer->on | writer->off)) == writer->on);
        const unsigned int up = lb_status_word_change(writer->word, writer->on, writer->off);
        MUST((up & (writer->on | writer->off)) == writer->off);
        if (i == ROUNDS) {
            atomic_fetch_sub(writer->busy, 1);
        }
    }
    return NULL;
}

START_TEST(no_change_erases_another)
{
    unsigned int word = 0;
    writer_t writers[WRITERS];
    pthread_t threads[WRITERS];
    _Atomic uint32_t busy = WRITERS;

    for (unsigned int i = 0; i < WRITERS; i++) {
        writers[i] = (writer_t){ &word, 1u << i, 0x100u << i, &busy };
        lb_status_word_change(&word, writers[i].on, 0);
    }
    for (int i = 0; i < WRITERS; i++) {
        pthread_create(&threads[i], NULL, toggle, &writers[i]);
    }
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(threads[i], NULL);
    }
    ck_assert_uint_eq(word, (1u << WRITERS) - 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("status_word");
    TCase *alone = tcase_create("alone");
    TCase *threads = tcase_create("threads");

    tcase_add_test(alone, bits_are_set_and_cleared_in_one_step);
    tcase_set_timeout(threads, 50);
    tcase_add_test(threads, no_change_erases_another);
    suite_add_tcase(suite, alone);
    suite_add_tcase(suite, threads);
    return run_suite(suite);
}
