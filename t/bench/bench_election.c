/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* bench_election.c - what it costs to elect a member, take a right on it and give it back, and how
 * fair eight processes are together. Prints lines "name value", for scripts/bench.
 * Knows    all that a balanced request does for its election, but for sessions and the queue.
 * Ignores  httpd: t/unit/balancer_alone.h stands in for it. */
#define ALONE_MEMBERS_MAX   10000
#define ALONE_PROCESSES_MAX 16
#include "shared_table.h"

#include "balancer_alone.h"
#include "gate.h"

enum {
    ROUNDS = 300,
    TIMES = 2000,    /* a round is over before others get the processor */
    PROCESSES = 8,
    ELECTIONS_EACH = 50000,
    WINDOW = 1000
};

static lb_ticket_t newcomer;

/* weights  for as many as it has, then 1 */
static void set_members(int count, const uint32_t *weights, uint32_t limit)
{
    alone.members.nelts = count;
    for (int m = 0; m < count; m++) {
        const lb_member_t member = lb_member_of(&alone.balancer, &alone.workers[m]);
        alone.shared[m].status = PROXY_WORKER_INITIALIZED;
        alone.shared[m].lbfactor = weights && *weights ? (int)*weights++ : 100;
        atomic_store(&alone.rows[m]->pass, atomic_load(&alone.balancer.row->clock));
        atomic_store(&alone.rows[m]->limit, limit);
        lb_member_note_change(&member);
    }
}

static lb_member_t elect(void)
{
    bool are_full;
    const lb_member_t member = lb_slate_any_drains(&alone.balancer)
                                   ? (lb_member_t){ 0 }
                                   : lb_lbmethod_elect(&newcomer, &are_full);

    MUST(member.worker);
    return member;
}

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* The best of some rounds: what disturbs only ever makes it longer. */
static double ticket_ns(int members)
{
    double best = 1e18;

    set_members(members, NULL, 100);
    newcomer.held_at = fc_now();
    for (int round = 0; round < ROUNDS; round++) {
        const double since = now_ns();
        for (int i = 0; i < TIMES; i++) {
            const lb_member_t member = elect();
            lb_gate_give_back(&member, &newcomer);
        }
        const double each = (now_ns() - since) / TIMES;
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

static void elect_often(record_t *record)
{
    lb_ledger_join(&alone.ledger, (int32_t)getpid());
    while (!atomic_load(&record->may_start)) {
        /* all at once */
    }
    for (int i = 0; i < ELECTIONS_EACH; i++) {
        const lb_member_t member = elect();
        record->winner[atomic_fetch_add(&record->elections, 1)] = (uint8_t)member.worker->s->index;
        lb_gate_give_back(&member, NULL);
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
    record_t *record = shared_memory(sizeof(*record));

    set_members(FAIR_MEMBERS, weights, 0);
    for (int i = 0; i < PROCESSES; i++) {
        if (fork() == 0) {
            alarm(60);
            elect_often(record);
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
    static const int members[] = { 2, 10, 1000, 10000 };
    apr_pool_t *p;

    apr_initialize();
    apr_pool_create(&p, NULL);
    apr_hook_global_pool = p;    /* of optional functions */
    alone_begin(p);
    newcomer = (lb_ticket_t){ .balancer = &alone.balancer, .proxy = &alone.proxy };
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        printf("ticket_ns_%d %.0f\n", members[i], ticket_ns(members[i]));
    }
    printf("deviation_in_%d %.1f\n", WINDOW, fairness());
    alone_end();
    return 0;
}
