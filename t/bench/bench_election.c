/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* bench_election.c - what it costs to elect a member, take a right on it and give it back, and how
 * fair eight processes are together. Prints lines "name value", for scripts/bench.
 * Ignores  httpd: what lbmethod.c adds (who is usable) is not in here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "admission.h"

enum {
    MEMBERS_MAX = 1000,
    ROUNDS = 7,
    PROCESSES = 8,
    ELECTIONS_EACH = 50000,
    WINDOW = 1000
};

static void *shared_memory(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    return memory;
}

typedef struct {
    lb_table_t *table;
    lb_ledger_t ledger;
    lb_arena_t arena;
    lb_contender_t contenders[MEMBERS_MAX];
    lb_candidate_t candidates[MEMBERS_MAX];
    size_t contender_of[MEMBERS_MAX];
    size_t busy[MEMBERS_MAX];
} field_t;

/* weights  for as many as it has, then 1 */
static void set_field(field_t *field, uint32_t members, const uint32_t *weights, uint32_t limit)
{
    const lb_table_size_t size = { 1, members, 16, 1024 };

    memset(field, 0, sizeof(*field));
    field->table = lb_table_init(shared_memory(lb_table_bytes(size)), size);
    lb_table_claim_balancer(field->table, 1, 1);
    for (uint32_t m = 0; m < members; m++) {
        lb_member_row_t *row = lb_table_claim_member(field->table, 1 + m, 1);
        atomic_store(&row->limit, limit);
        field->contenders[m] = (lb_contender_t){ .member = m,
                                                 .weight = weights && *weights ? *weights++ : 100,
                                                 .is_usable = true,
                                                 .busy = &field->busy[m] };
    }
    field->ledger.table = field->table;
    lb_ledger_join(&field->ledger, (int32_t)getpid());
    field->arena = (lb_arena_t){ .contenders = field->contenders,
                                 .count = members,
                                 .open = 1,
                                 .candidates = field->candidates,
                                 .contender_of = field->contender_of };
}

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* The best of some rounds: what disturbs only ever makes it longer. */
static double ticket_ns(uint32_t members)
{
    static field_t field;
    const int times = members > 100 ? 5000 : 200000;
    const lb_use_t use = { .took = 100 };
    double best = 1e18;

    set_field(&field, members, NULL, 100);
    for (int round = 0; round < ROUNDS; round++) {
        const double since = now_ns();
        for (int i = 0; i < times; i++) {
            const int winner = lb_admission_elect(&field.ledger, &field.arena);
            lb_admission_give_back(&field.ledger, 0, field.contenders[winner].member,
                                   field.contenders[winner].busy, &use, i + 1);
        }
        const double each = (now_ns() - since) / times;
        best = each < best ? each : best;
    }
    return best;
}

/* ---- Fairness -------------------------------------------------------------------------------- */

static const uint32_t weights[] = { 500, 300, 200, 0 };
enum { FAIR_MEMBERS = 3 };

typedef struct {
    _Atomic uint32_t may_start, elections;
    uint8_t winner[PROCESSES * ELECTIONS_EACH]; /* in the order in which they were written down */
} record_t;

static void elect_often(field_t *field, record_t *record)
{
    lb_ledger_join(&field->ledger, (int32_t)getpid());
    while (!atomic_load(&record->may_start)) {
        /* all at once */
    }
    for (int i = 0; i < ELECTIONS_EACH; i++) {
        const int winner = lb_admission_elect(&field->ledger, &field->arena);
        record->winner[atomic_fetch_add(&record->elections, 1)] = (uint8_t)winner;
        lb_admission_give_back(&field->ledger, 0, (uint32_t)winner, NULL, NULL, 0);
    }
}

/* The largest difference between what a member had of any WINDOW elections in a row and its share.
 * A process that is stopped between an election and its note makes it larger by one. */
static double largest_deviation(const record_t *record)
{
    const int total = PROCESSES * ELECTIONS_EACH;
    double largest = 0;

    for (int m = 0; m < FAIR_MEMBERS; m++) {
        int got = 0;
        for (int i = 0; i < total; i++) {
            got += record->winner[i] == m;
            got -= i >= WINDOW && record->winner[i - WINDOW] == m;
            const double d = got - WINDOW * weights[m] / 1000.0;
            if (i >= WINDOW - 1 && (d > largest || -d > largest)) {
                largest = d > 0 ? d : -d;
            }
        }
    }
    return largest;
}

static double fairness(void)
{
    static field_t field;
    record_t *record = shared_memory(sizeof(*record));

    set_field(&field, FAIR_MEMBERS, weights, 0);
    for (int i = 0; i < PROCESSES; i++) {
        if (fork() == 0) {
            alarm(60);
            elect_often(&field, record);
            _exit(0);
        }
    }
    atomic_store(&record->may_start, 1);
    while (wait(NULL) > 0) {
        /* until all have ended */
    }
    return largest_deviation(record);
}

int main(void)
{
    static const uint32_t members[] = { 2, 10, 1000 };

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        printf("ticket_ns_%u %.0f\n", members[i], ticket_ns(members[i]));
    }
    printf("deviation_in_%d %.1f\n", WINDOW, fairness());
    return 0;
}
