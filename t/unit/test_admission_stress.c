/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_admission_stress.c - 64 threads in 8 processes want the rights of three members: no limit is
 * ever exceeded and no ticket is lost, also when processes are killed. The queue stands now and
 * then: requests are shed for others, refused as too late, and for want of time.
 *
 *   TICKETS=10000000 test_admission_stress     as long as that takes; KILLS=N likewise */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "admission.h"
#include "serving.h"
#include "shared_table.h"

enum {
    MEMBERS = 3,
    PROCESSES = 8,
    THREADS = 8,
    WAITERS = 64,
    QUEUED_PER_MEMBER = 16
};

static const uint32_t limits[MEMBERS] = { 5, 3, 2 };

/* What the processes say themselves. */
typedef struct {
    _Atomic uint64_t inside[MEMBERS];    /* a byte for each process: rights it holds now */
    _Atomic uint64_t too_many;           /* times that a limit was exceeded */
    _Atomic int64_t left;                /* tickets to go */
    _Atomic uint64_t served, queued, gave_up;
    _Atomic uint64_t refused[LB_OUTCOME_COUNT];
    _Atomic uint64_t joined;             /* processes, the dead ones too */
} said_t;

/* One process. */
typedef struct {
    uint32_t index;
    lb_ledger_t ledger;
    said_t *said;
    _Atomic uint32_t working;
    pthread_mutex_t lock;
    pthread_cond_t bell;                 /* somebody here was served */
} process_t;

typedef struct {
    lb_arena_t arena;
    lb_contender_t contenders[MEMBERS];
    lb_candidate_t candidates[MEMBERS];
    size_t contender_of[MEMBERS];
} field_t;

static void set_field(field_t *field)
{
    field->arena = (lb_arena_t){ .contenders = field->contenders,
                                 .count = MEMBERS,
                                 .open = 1,
                                 .queue = { LB_ORDER_ADAPTIVE, .target = 2000,
                                            .target_is_promised = true, .reserve = 6 },
                                 .candidates = field->candidates,
                                 .contender_of = field->contender_of };
    for (uint32_t m = 0; m < MEMBERS; m++) {
        field->contenders[m] =
            (lb_contender_t){ .member = m, .weight = limits[m] * 100, .is_usable = true };
    }
}

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

/* ---- The work of a thread -------------------------------------------------------------------- */

/* All bytes change in one word: what is read was so at one moment. */
static void use_right(const process_t *process, uint32_t member)
{
    const uint64_t one = UINT64_C(1) << (8 * process->index);
    uint64_t all = atomic_fetch_add(&process->said->inside[member], one) + one;
    uint32_t sum = 0;

    for (; all > 0; all >>= 8) {
        sum += all & 0xff;
    }
    if (sum > limits[member]) {
        atomic_fetch_add(&process->said->too_many, 1);
    }
    /* so that others come to wait */
    if (atomic_load(&process->said->served) % 64 == 0) {
        (void)poll(NULL, 0, 1);
    }
    else if (sum % 2) {
        sched_yield();
    }
    atomic_fetch_sub(&process->said->inside[member], one);
}

/* As waiting.c does.
 * returns  was it served or refused before the time was over? */
static bool wait_for_decision(process_t *process, uint32_t slot, int64_t patience_ns)
{
    struct timespec until;
    int rc = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += patience_ns;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&process->lock);
    while (rc != ETIMEDOUT && !lb_admission_is_decided(&process->ledger, slot)) {
        rc = pthread_cond_timedwait(&process->bell, &process->lock, &until);
    }
    pthread_mutex_unlock(&process->lock);
    return rc != ETIMEDOUT;
}

/* returns  the member, LB_NOBODY when it was not served */
static uint32_t queue(process_t *process, const field_t *field, uint32_t only, uint32_t tried,
                      uint32_t chance)
{
    lb_waiter_t request = { .since = now_us(),
                            .priority = chance % 4,
                            .member = only,
                            .flow = chance / 4 % 5,
                            .patience = chance % 17 == 0 ? 100 : 0,
                            .tried = { tried, LB_NOBODY, LB_NOBODY, LB_NOBODY } };
    lb_outcome_t refusal;
    const uint32_t slot = lb_admission_queue(&process->ledger, &request, &field->arena, &refusal);

    if (slot == LB_NOBODY) {
        atomic_fetch_add(&process->said->refused[refusal], 1);
        sched_yield();
        return LB_NOBODY;
    }
    atomic_fetch_add(&process->said->queued, 1);
    lb_serving_let_in(process->ledger.table, &field->arena, now_us());
    if (chance % 5 == 0) {
        wait_for_decision(process, slot, 100 * 1000);
        lb_admission_widen(&process->ledger, slot);
    }
    const bool is_patient = chance % 7 != 0;
    if (!wait_for_decision(process, slot, is_patient ? 20 * INT64_C(1000000000) : 300 * 1000)
        && is_patient) {
        MUST(!"served or refused in less than 20 seconds");
    }
    if (chance % 11 == 0 && lb_admission_is_granted(&process->ledger, slot)) {
        lb_admission_decline(&process->ledger, slot, true);
        lb_serving_let_in(process->ledger.table, &field->arena, now_us());
    }
    const lb_outcome_t told = lb_admission_refusal(&process->ledger, slot);
    const uint32_t member = lb_admission_end(&process->ledger, slot, LB_CLIENT_ABORT, now_us());
    if (member == LB_NOBODY) {
        atomic_fetch_add(told == LB_SERVED ? &process->said->gave_up
                                           : &process->said->refused[told],
                         1);
        lb_serving_let_in(process->ledger.table, &field->arena, now_us());
    }
    return member;
}

static void run_ticket(process_t *process, const field_t *field, uint32_t chance)
{
    const uint32_t only = chance % 4 == 0 ? chance / 4 % MEMBERS : LB_NOBODY;
    uint32_t member = LB_NOBODY;

    if (only != LB_NOBODY) {
        member = lb_admission_take(&process->ledger, 0, only, NULL) ? only : LB_NOBODY;
    }
    else {
        const int elected = lb_admission_elect(&process->ledger, &field->arena);
        member = elected < 0 ? LB_NOBODY : (uint32_t)elected;
    }
    if (member == LB_NOBODY) {
        member = queue(process, field, only, chance % 13 == 0 ? chance / 13 % MEMBERS : LB_NOBODY,
                       chance);
    }
    if (member == LB_NOBODY) {
        return;
    }
    const int64_t since = now_us();
    use_right(process, member);
    atomic_fetch_add(&process->said->served, 1);
    const int64_t now = now_us();
    const lb_use_t use = { .took = now - since,
                           .waited = chance % 50,
                           .is_abandoned = chance % 19 == 0 };
    if (lb_admission_give_back(&process->ledger, 0, member, NULL, &use, now)) {
        lb_serving_let_in(process->ledger.table, &field->arena, now_us());
    }
}

static void *work(void *data)
{
    process_t *process = data;
    field_t field;
    uint32_t chance = (uint32_t)getpid() * 2654435761u + (uint32_t)(uintptr_t)&field;

    set_field(&field);
    while (atomic_fetch_sub(&process->said->left, 1) > 0) {
        chance = chance * 1664525 + 1013904223;
        run_ticket(process, &field, chance >> 8);
    }
    atomic_fetch_sub(&process->working, 1);
    lb_ledger_ring(process->ledger.table, atomic_load(&process->ledger.row));
    return NULL;
}

/* ---- Processes ------------------------------------------------------------------------------- */

/* As child_thread.c does. */
static void watch(process_t *process)
{
    field_t field;

    set_field(&field);
    while (atomic_load(&process->working) > 0) {
        const uint32_t heard = *lb_ledger_bell(&process->ledger);
        pthread_mutex_lock(&process->lock);
        pthread_cond_broadcast(&process->bell);
        pthread_mutex_unlock(&process->lock);
        if (atomic_load(&process->working) > 0) {
            fc_bell_wait(lb_ledger_bell(&process->ledger), heard, 20000);
        }
    }
}

static void run_process(lb_table_t *t, said_t *said, uint32_t index)
{
    process_t process = { .index = index,
                          .said = said,
                          .working = THREADS,
                          .lock = PTHREAD_MUTEX_INITIALIZER,
                          .bell = PTHREAD_COND_INITIALIZER };
    pthread_t threads[THREADS];

    join(&process.ledger, t);
    atomic_fetch_add(&said->joined, 1);
    for (int i = 0; i < THREADS; i++) {
        MUST(pthread_create(&threads[i], NULL, work, &process) == 0);
    }
    watch(&process);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    lb_ledger_leave(&process.ledger);
}

static pid_t start_process(lb_table_t *t, said_t *said, uint32_t index)
{
    const pid_t pid = fork();
    MUST(pid >= 0);
    if (pid == 0) {
        alarm(3600);
        run_process(t, said, index);
        _exit(0);
    }
    return pid;
}

static lb_table_t *new_table(void)
{
    lb_table_t *t = shared_table((lb_table_size_t){ 1, MEMBERS, PROCESSES + 1, WAITERS });
    for (uint32_t m = 0; m < MEMBERS; m++) {
        atomic_store(&lb_table_member(t, m)->limit, limits[m]);
        atomic_store(&lb_table_member(t, m)->queue_limit, QUEUED_PER_MEMBER);
    }
    return t;
}

static int64_t wanted(const char *variable, int64_t otherwise)
{
    const char *text = getenv(variable);
    return text ? strtoll(text, NULL, 10) : otherwise;
}

static void assert_nothing_is_left(lb_table_t *t)
{
    assert_sums_agree(t);
    ck_assert_uint_eq(lb_table_balancer(t, 0)->waiting, 0);
    for (uint32_t m = 0; m < MEMBERS; m++) {
        ck_assert_uint_eq(in_flight(t, m), 0);
        ck_assert_uint_eq(lb_table_member(t, m)->waiting, 0);
    }
    for (uint32_t i = 0; i < WAITERS; i++) {
        ck_assert_uint_eq(lb_table_waiter(t, i)->state, LB_SLOT_FREE);
    }
}

static uint64_t refused(const said_t *said)
{
    uint64_t sum = 0;
    for (int i = 0; i < LB_OUTCOME_COUNT; i++) {
        sum += atomic_load(&said->refused[i]);
    }
    return sum;
}

static uint64_t ended(const said_t *said)
{
    return said->served + refused(said) + said->gave_up;
}

/* Somebody waited, and each way to be refused was gone. */
static bool has_met_everything(const said_t *said)
{
    return said->queued > 0 && said->refused[LB_SHED] > 0 && said->refused[LB_QUEUE_TIMEOUT] > 0
           && said->refused[LB_NO_TIME] > 0;
}

static void say(const said_t *said, const struct timespec *since)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    printf("%llu tickets served, %llu had waited, %llu refused (%llu shed, %llu too late, %llu "
           "without time), %llu gave up, in %.1f s\n",
           (unsigned long long)said->served, (unsigned long long)said->queued,
           (unsigned long long)refused(said), (unsigned long long)said->refused[LB_SHED],
           (unsigned long long)said->refused[LB_QUEUE_TIMEOUT],
           (unsigned long long)said->refused[LB_NO_TIME], (unsigned long long)said->gave_up,
           (double)(now.tv_sec - since->tv_sec) + (double)(now.tv_nsec - since->tv_nsec) / 1e9);
}

/* How many it takes until everything has happened depends on what else the machine does. */
START_TEST(no_limit_is_exceeded_and_no_ticket_is_lost)
{
    const uint64_t tickets = (uint64_t)wanted("TICKETS", 20000);
    lb_table_t *t = new_table();
    said_t *said = shared_memory(sizeof(*said));
    struct timespec since;
    pid_t pids[PROCESSES];

    clock_gettime(CLOCK_MONOTONIC, &since);
    atomic_store(&said->left, INT64_MAX);
    for (uint32_t i = 0; i < PROCESSES; i++) {
        pids[i] = start_process(t, said, i);
    }
    while (ended(said) < tickets || !has_met_everything(said)) {
        (void)poll(NULL, 0, 1);    /* Check's time limit ends this */
    }
    const int64_t begun = INT64_MAX - atomic_exchange(&said->left, 0);
    for (int i = 0; i < PROCESSES; i++) {
        assert_ends_well(pids[i]);
    }
    ck_assert_uint_eq(said->too_many, 0);
    ck_assert_int_eq((int64_t)ended(said), begun);
    assert_nothing_is_left(t);
    if (getenv("TICKETS")) {
        say(said, &since);
    }
}
END_TEST

/* Whoever joins buries the dead as well: not before their bytes in `inside` are gone. */
static void wait_until_joined(const said_t *said, uint64_t processes)
{
    while (atomic_load(&said->joined) < processes) {
        sched_yield();
    }
}

START_TEST(killed_processes_leave_limits_and_queue_as_they_were)
{
    const int64_t kills = wanted("KILLS", 40);
    lb_table_t *t = new_table();
    said_t *said = shared_memory(sizeof(*said));
    struct timespec since;
    pid_t pids[PROCESSES];
    field_t field;

    clock_gettime(CLOCK_MONOTONIC, &since);
    set_field(&field);
    atomic_store(&said->left, INT64_MAX);
    for (uint32_t i = 0; i < PROCESSES; i++) {
        pids[i] = start_process(t, said, i);
    }
    srand(1);
    for (int64_t n = 0; n < kills; n++) {
        wait_until_joined(said, (uint64_t)(PROCESSES + n));
        const uint32_t i = (uint32_t)rand() % PROCESSES;
        const uint64_t enough = atomic_load(&said->served) + (uint64_t)rand() % 300;
        while (atomic_load(&said->served) < enough) {
            sched_yield();
        }
        assert_is_killed(pids[i]);
        for (int m = 0; m < MEMBERS; m++) {
            atomic_fetch_and(&said->inside[m], ~(UINT64_C(0xff) << (8 * i)));
        }
        lb_ledger_bury_the_dead(t);
        lb_serving_let_in(t, &field.arena, now_us());
        pids[i] = start_process(t, said, i);
    }
    atomic_store(&said->left, 0);
    for (int i = 0; i < PROCESSES; i++) {
        assert_ends_well(pids[i]);
    }
    ck_assert_uint_eq(said->too_many, 0);
    ck_assert_uint_gt(said->queued, 0);
    assert_nothing_is_left(t);
    if (getenv("KILLS")) {
        say(said, &since);
    }
}
END_TEST

/* The same in one process: for a sanitizer that does not follow forks. */
START_TEST(threads_of_one_process_keep_to_the_limits)
{
    lb_table_t *t = new_table();
    said_t *said = shared_memory(sizeof(*said));

    atomic_store(&said->left, 5000);
    run_process(t, said, 0);
    ck_assert_uint_eq(said->too_many, 0);
    ck_assert_uint_eq(ended(said), 5000);
    assert_nothing_is_left(t);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("admission under stress");
    TCase *threads = tcase_create("threads"), *processes = tcase_create("processes");
    TCase *killed = tcase_create("killed processes");
    tcase_set_timeout(threads, 100);
    tcase_set_timeout(processes, getenv("TICKETS") ? 3600 : 100);
    tcase_set_timeout(killed, getenv("KILLS") ? 3600 : 100);
    tcase_set_tags(killed, NEEDS_ROBUST);
    tcase_add_test(threads, threads_of_one_process_keep_to_the_limits);
    tcase_add_test(processes, no_limit_is_exceeded_and_no_ticket_is_lost);
    tcase_add_test(killed, killed_processes_leave_limits_and_queue_as_they_were);
    suite_add_tcase(suite, threads);
    suite_add_tcase(suite, processes);
    suite_add_tcase(suite, killed);
    return run_suite(suite);
}
