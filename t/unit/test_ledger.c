/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_ledger.c - who holds what: processes that join, leave, are killed at any moment, or never
 * took part. ROUNDS=N kills more of them. */
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "ledger.h"
#include "queue.h"
#include "shared_table.h"

enum {
    BALANCERS = 1,
    MEMBERS = 3,
    PROCESSES = 6,
    WAITERS = 8
};

static lb_table_t *new_table(void)
{
    return shared_table((lb_table_size_t){ BALANCERS, MEMBERS, PROCESSES, WAITERS });
}

static bool take(lb_ledger_t *ledger, uint32_t member)
{
    lb_ledger_lock(ledger->table);
    const bool is_ours = lb_ledger_take(ledger, member, NULL);
    lb_ledger_unlock(ledger->table);
    return is_ours;
}

static bool give_back(lb_ledger_t *ledger, uint32_t member)
{
    lb_ledger_lock(ledger->table);
    const bool was_ours = lb_ledger_give_back(ledger, member, NULL);
    lb_ledger_unlock(ledger->table);
    return was_ours;
}

static void assert_in_flight(lb_table_t *t, uint32_t first, uint32_t second, uint32_t third)
{
    assert_sums_agree(t);    /* takes the lock: only then are they right after a death */
    ck_assert_uint_eq(in_flight(t, 0), first);
    ck_assert_uint_eq(in_flight(t, 1), second);
    ck_assert_uint_eq(in_flight(t, 2), third);
}

static uint32_t add_waiter(const lb_ledger_t *ledger)
{
    lb_waiter_t request = { .process = ledger->row, .member = LB_NOBODY };
    for (int i = 0; i < LB_TRIED_MAX; i++) {
        request.tried[i] = LB_NOBODY;
    }
    return lb_queue_add(ledger->table, &request);
}

/* ---- One process ----------------------------------------------------------------------------- */

START_TEST(process_that_joined_counts_what_it_takes)
{
    lb_table_t *t = new_table();
    lb_ledger_t ledger;
    join(&ledger, t);
    ck_assert_int_eq(lb_table_process(t, ledger.row)->pid, getpid());
    ck_assert(take(&ledger, 0));
    ck_assert(take(&ledger, 0));
    ck_assert(take(&ledger, 2));
    assert_in_flight(t, 2, 0, 1);
    ck_assert(give_back(&ledger, 0));
    assert_in_flight(t, 1, 0, 1);
}
END_TEST

START_TEST(nothing_is_given_back_that_is_not_held)
{
    lb_table_t *t = new_table();
    lb_ledger_t ledger, other;
    join(&ledger, t);
    join(&other, t);
    take(&other, 0);
    ck_assert(!give_back(&ledger, 0));
    ck_assert(!give_back(&other, 1));
    assert_in_flight(t, 1, 0, 0);
}
END_TEST

START_TEST(process_that_never_joined_counts_nothing)
{
    lb_table_t *t = new_table();
    lb_ledger_t ledger, other;
    use(&ledger, t);
    join(&other, t);
    take(&other, 1);
    ck_assert(!take(&ledger, 1));
    ck_assert(!give_back(&ledger, 1));
    lb_ledger_leave(&ledger);
    assert_in_flight(t, 0, 1, 0);
    ck_assert_ptr_null(lb_ledger_bell(&ledger));
}
END_TEST

START_TEST(who_leaves_gives_back_all_and_counts_nothing_from_then_on)
{
    lb_table_t *t = new_table();
    lb_ledger_t ledger, other;
    join(&ledger, t);
    join(&other, t);
    take(&ledger, 0);
    take(&ledger, 1);
    take(&other, 1);
    lb_ledger_lock(t);
    const uint32_t slot = add_waiter(&ledger), granted = add_waiter(&ledger);
    lb_queue_grant(t, granted, 2);
    lb_ledger_add_granted(t, 2, 1, NULL);
    lb_ledger_unlock(t);
    assert_in_flight(t, 1, 2, 1);
    lb_ledger_leave(&ledger);
    assert_in_flight(t, 0, 1, 0);
    ck_assert_uint_eq(lb_table_waiter(t, slot)->state, LB_SLOT_FREE);
    ck_assert_uint_eq(lb_table_waiter(t, granted)->state, LB_SLOT_FREE);
    ck_assert(!take(&ledger, 0));
    ck_assert(!give_back(&ledger, 1));
    assert_in_flight(t, 0, 1, 0);
    lb_ledger_leave(&ledger);    /* a second time does nothing */
    assert_in_flight(t, 0, 1, 0);
}
END_TEST

START_TEST(parked_requests_are_counted_and_go_with_their_process)
{
    lb_table_t *t = new_table();
    lb_ledger_t ledger, stranger = { .table = t, .row = LB_NOBODY };

    lb_ledger_add_parked(&stranger, 1, 1);    /* takes no part */
    ck_assert_uint_eq(lb_ledger_parked(t, 1), 0);
    join(&ledger, t);
    ck_assert(take(&ledger, 1));
    ck_assert(take(&ledger, 1));
    lb_ledger_add_parked(&ledger, 1, 1);
    lb_ledger_add_parked(&ledger, 1, 1);
    lb_ledger_add_parked(&ledger, 2, 1);
    lb_ledger_add_parked(&ledger, 1, -1);
    ck_assert_uint_eq(lb_ledger_parked(t, 0), 0);
    ck_assert_uint_eq(lb_ledger_parked(t, 1), 1);
    ck_assert_uint_eq(lb_ledger_parked(t, 2), 1);
    assert_in_flight(t, 0, 2, 0);    /* is something else */
    lb_ledger_leave(&ledger);
    for (uint32_t m = 0; m < MEMBERS; m++) {
        ck_assert_uint_eq(lb_ledger_parked(t, m), 0);
    }
}
END_TEST

START_TEST(process_row_says_which_generation_it_serves)
{
    lb_table_t *t = new_table();
    lb_ledger_t ledger;
    use(&ledger, t);
    ledger.generation = 7;
    ck_assert(lb_ledger_join(&ledger, 1));
    ck_assert_uint_eq(lb_table_process(t, ledger.row)->generation, 7);
    lb_ledger_leave(&ledger);
}
END_TEST

START_TEST(full_ledger_takes_nobody_until_somebody_leaves)
{
    lb_table_t *t = new_table();
    lb_ledger_t ledgers[PROCESSES], late;
    for (int i = 0; i < PROCESSES; i++) {
        join(&ledgers[i], t);
    }
    use(&late, t);
    ck_assert(!lb_ledger_join(&late, 1));
    ck_assert(!take(&late, 0));
    const uint32_t row = ledgers[3].row;
    lb_ledger_leave(&ledgers[3]);
    ck_assert(lb_ledger_join(&late, 1));
    ck_assert_uint_eq(late.row, row);
}
END_TEST

START_TEST(count_of_mod_proxy_is_kept_equal)
{
    lb_table_t *t = new_table();
    size_t busy[MEMBERS] = { 77, 77, 77 };
    lb_ledger_t ledger;
    join(&ledger, t);
    lb_ledger_lock(t);
    lb_ledger_take(&ledger, 0, &busy[0]);
    lb_ledger_take(&ledger, 0, &busy[0]);
    lb_ledger_give_back(&ledger, 0, &busy[0]);
    lb_queue_grant(t, add_waiter(&ledger), 0);
    lb_ledger_add_granted(t, 0, 1, &busy[0]);
    lb_ledger_unlock(t);
    ck_assert_uint_eq(busy[0], 2);
    lb_ledger_mirror(t, 1, &busy[1]);
    ck_assert_uint_eq(busy[1], 0);
    ck_assert_uint_eq(busy[2], 77);
}
END_TEST

START_TEST(wrong_sum_ends_a_checked_build)
{
    lb_table_t *t = new_table();
    atomic_store(&lb_table_member(t, 1)->in_flight, 1);
    lb_ledger_lock(t);
    lb_ledger_unlock(t);
}
END_TEST

START_TEST(nobody_is_buried_while_all_live)
{
    lb_table_t *t = new_table();
    lb_ledger_t ledger, left;
    join(&ledger, t);
    join(&left, t);
    take(&ledger, 0);
    lb_ledger_leave(&left);
    ck_assert(!lb_ledger_bury_the_dead(t));
    assert_in_flight(t, 1, 0, 0);
    ck_assert(take(&ledger, 0));
}
END_TEST

/* ---- Threads --------------------------------------------------------------------------------- */

typedef struct {
    lb_ledger_t ledger;
    _Atomic uint32_t may_stop;
    int times;
} worker_t;

static void *take_and_give_back(void *data)
{
    worker_t *worker = data;
    for (int i = 0; i < worker->times && !atomic_load(&worker->may_stop); i++) {
        take(&worker->ledger, (uint32_t)i % MEMBERS);
        give_back(&worker->ledger, (uint32_t)i % MEMBERS);
    }
    return NULL;
}

START_TEST(threads_lose_no_count)
{
    enum { THREADS = 4 };
    worker_t worker = { .times = 20000 };
    lb_table_t *t = new_table();
    pthread_t threads[THREADS];
    join(&worker.ledger, t);
    for (int i = 0; i < THREADS; i++) {
        pthread_create(&threads[i], NULL, take_and_give_back, &worker);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_in_flight(t, 0, 0, 0);
}
END_TEST

START_TEST(process_that_leaves_while_its_threads_work_leaves_nothing_behind)
{
    enum { THREADS = 3,
           ROUNDS = 60 };
    lb_table_t *t = new_table();
    for (int round = 0; round < ROUNDS; round++) {
        worker_t worker = { .times = 1 << 30 };
        pthread_t threads[THREADS];
        join(&worker.ledger, t);
        for (int i = 0; i < THREADS; i++) {
            pthread_create(&threads[i], NULL, take_and_give_back, &worker);
        }
        for (int i = 0; i < round % 20; i++) {
            sched_yield();
        }
        lb_ledger_leave(&worker.ledger);
        atomic_store(&worker.may_stop, 1);
        for (int i = 0; i < THREADS; i++) {
            pthread_join(threads[i], NULL);
        }
        MUST(in_flight(t, 0) == 0 && in_flight(t, 1) == 0 && in_flight(t, 2) == 0);
    }
    assert_sums_agree(t);
}
END_TEST

/* The thread that joined stands for its process. */
static void *join_and_end(void *data)
{
    lb_ledger_t *ledger = data;
    lb_ledger_join(ledger, 1);
    take(ledger, 1);
    return NULL;
}

START_TEST(process_counts_as_dead_when_the_thread_that_joined_has_ended)
{
    lb_table_t *t = new_table();
    lb_ledger_t ledger;
    pthread_t thread;
    use(&ledger, t);
    pthread_create(&thread, NULL, join_and_end, &ledger);
    pthread_join(thread, NULL);
    assert_in_flight(t, 0, 1, 0);
    ck_assert(lb_ledger_bury_the_dead(t));
    assert_in_flight(t, 0, 0, 0);
}
END_TEST

/* ---- The bell -------------------------------------------------------------------------------- */

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

static void *ring(void *data)
{
    const lb_ledger_t *ledger = data;
    lb_ledger_ring(ledger->table, ledger->row);
    return NULL;
}

START_TEST(bell_wakes_who_waits_for_it)
{
    lb_table_t *t = new_table();
    lb_ledger_t ledger;
    pthread_t thread;
    join(&ledger, t);
    const uint32_t heard = *lb_ledger_bell(&ledger);
    pthread_create(&thread, NULL, ring, &ledger);
    const int64_t since = now_us();
    while (*lb_ledger_bell(&ledger) == heard) {
        fc_bell_wait(lb_ledger_bell(&ledger), heard, 50 * 1000000);
    }
    ck_assert_int_lt(now_us() - since, 40 * 1000000);
    pthread_join(thread, NULL);
}
END_TEST

START_TEST(bell_that_rang_before_the_wait_is_heard)
{
    lb_table_t *t = new_table();
    lb_ledger_t ledger;
    join(&ledger, t);
    const uint32_t heard = *lb_ledger_bell(&ledger);
    lb_ledger_ring(t, ledger.row);
    fc_bell_wait(lb_ledger_bell(&ledger), heard, INT64_C(1000) * 1000000);    /* returns */
    ck_assert_uint_eq(*lb_ledger_bell(&ledger), heard + 1);
}
END_TEST

START_TEST(bell_of_another_process_is_not_ours)
{
    lb_table_t *t = new_table();
    lb_ledger_t ledger, other;
    join(&ledger, t);
    join(&other, t);
    const uint32_t heard = *lb_ledger_bell(&ledger);
    lb_ledger_ring(t, other.row);
    ck_assert_uint_eq(*lb_ledger_bell(&ledger), heard);
}
END_TEST

START_TEST(wait_for_the_bell_ends_after_its_time)
{
    lb_table_t *t = new_table();
    lb_ledger_t ledger;
    join(&ledger, t);
    const int64_t since = now_us();
    fc_bell_wait(lb_ledger_bell(&ledger), *lb_ledger_bell(&ledger), 20000);
    ck_assert_int_ge(now_us() - since, 19000);
}
END_TEST

/* ---- Processes that are killed --------------------------------------------------------------- */

START_TEST(share_of_a_killed_process_is_free_after_its_burial_and_no_others)
{
    lb_table_t *t = new_table();
    _Atomic uint32_t *is_ready = shared_memory(sizeof(*is_ready));
    lb_ledger_t ledger;
    join(&ledger, t);
    take(&ledger, 0);
    const pid_t victim = start_child();
    if (victim == 0) {
        lb_ledger_t own;
        join(&own, t);
        take(&own, 0);
        take(&own, 0);
        take(&own, 1);
        lb_ledger_lock(t);
        add_waiter(&own);
        const uint32_t granted = add_waiter(&own);
        lb_queue_grant(t, granted, 2);
        lb_ledger_add_granted(t, 2, 1, NULL);
        lb_ledger_unlock(t);
        atomic_store(is_ready, 1);
        for (;;) {
            pause();
        }
    }
    wait_until_set(is_ready);
    assert_in_flight(t, 3, 1, 1);
    ck_assert(!lb_ledger_bury_the_dead(t));
    assert_is_killed(victim);
    assert_in_flight(t, 3, 1, 1);
    ck_assert(lb_ledger_bury_the_dead(t));
    assert_in_flight(t, 1, 0, 0);
    ck_assert_uint_eq(lb_table_balancer(t, 0)->waiting, 0);
    ck_assert(!lb_ledger_bury_the_dead(t));
    ck_assert(give_back(&ledger, 0));
    assert_in_flight(t, 0, 0, 0);
}
END_TEST

/* Nobody has waited for the killed one: the kernel still knows its id, as if it were another's. */
START_TEST(process_is_known_by_its_row_and_not_by_its_id)
{
    lb_table_t *t = new_table();
    _Atomic uint32_t *is_ready = shared_memory(sizeof(*is_ready));
    const pid_t victim = start_child();
    if (victim == 0) {
        lb_ledger_t own;
        join(&own, t);
        atomic_store(is_ready, 1);
        for (;;) {
            pause();
        }
    }
    wait_until_set(is_ready);
    ck_assert(lb_ledger_has_process(t, victim));
    ck_assert(!lb_ledger_has_process(t, getpid()));
    ck_assert_int_eq(kill(victim, SIGKILL), 0);
    while (!lb_ledger_bury_the_dead(t)) {
        sched_yield();
    }
    ck_assert(!lb_ledger_has_process(t, victim));
    ck_assert_int_eq(kill(victim, 0), 0);
    ck_assert_int_eq(waitpid(victim, NULL, 0), victim);
}
END_TEST

START_TEST(row_of_a_killed_process_is_empty_for_the_next)
{
    lb_table_t *t = shared_table((lb_table_size_t){ BALANCERS, MEMBERS, 1, WAITERS });
    _Atomic uint32_t *is_ready = shared_memory(sizeof(*is_ready));
    const pid_t victim = start_child();
    if (victim == 0) {
        lb_ledger_t own;
        join(&own, t);
        take(&own, 2);
        atomic_store(is_ready, 1);
        for (;;) {
            pause();
        }
    }
    wait_until_set(is_ready);
    assert_is_killed(victim);
    lb_ledger_t ledger;
    join(&ledger, t);    /* buries on its way in */
    assert_in_flight(t, 0, 0, 0);
    ck_assert(!give_back(&ledger, 2));
}
END_TEST

/* What a process that dies in the middle may leave: only the truth is still right. */
static void leave_a_mess(lb_table_t *t)
{
    for (uint32_t m = 0; m < MEMBERS; m++) {
        atomic_store(&lb_table_member(t, m)->in_flight, 4711);
        atomic_store(&lb_table_member(t, m)->waiting, 4711);
        lb_table_line(t, lb_table_line_of_member(t, m))->first = 4711;
    }
    lb_table_line(t, 0)->first = 4711;
    lb_table_line(t, 0)->last = 4711;
    lb_table_line(t, 0)->priorities[0].rounds[0].first = 4711;
    t->free_waiter = 4711;
}

START_TEST(lock_of_a_process_killed_inside_passes_on_and_all_is_counted_again)
{
    enum { WAITING = 4 };
    lb_table_t *t = new_table();
    _Atomic uint32_t *flags = shared_memory(3 * sizeof(*flags));
    _Atomic uint32_t *is_inside = &flags[0], *is_next = &flags[1], *had_it = &flags[2];
    lb_ledger_t ledger;
    pid_t waiting[WAITING];

    join(&ledger, t);
    take(&ledger, 1);
    lb_ledger_lock(t);
    const uint32_t a = add_waiter(&ledger), b = add_waiter(&ledger);
    lb_ledger_unlock(t);
    const pid_t victim = start_child();
    if (victim == 0) {
        lb_ledger_lock(t);
        leave_a_mess(t);
        atomic_store(is_inside, 1);
        for (;;) {
            pause();
        }
    }
    wait_until_set(is_inside);
    for (int i = 0; i < WAITING; i++) {
        waiting[i] = start_child();
        if (waiting[i] == 0) {
            atomic_fetch_add(is_next, 1);
            lb_ledger_lock(t);
            atomic_fetch_add(had_it, 1);
            lb_ledger_unlock(t);
            _exit(0);
        }
    }
    while (atomic_load(is_next) < WAITING) {
        sched_yield();
    }
    assert_is_killed(victim);
    for (int i = 0; i < WAITING; i++) {
        assert_ends_well(waiting[i]);    /* nobody waits for ever */
    }
    ck_assert_uint_eq(*had_it, WAITING);
    assert_in_flight(t, 0, 1, 0);
    ck_assert_uint_eq(lb_queue_first(t, 0, LB_NEVER_NEWEST), a);
    ck_assert_uint_eq(lb_queue_after(t, a, LB_NEVER_NEWEST), b);
    ck_assert_uint_eq(lb_table_balancer(t, 0)->waiting, 2);
    ck_assert_uint_ne(add_waiter(&ledger), LB_NOBODY);
}
END_TEST

START_TEST(process_killed_while_it_counts_again_is_followed_by_one_that_does)
{
    lb_table_t *t = new_table();
    _Atomic uint32_t *is_inside = shared_memory(sizeof(*is_inside));
    lb_ledger_t ledger;
    join(&ledger, t);
    take(&ledger, 1);
    for (int i = 0; i < 3; i++) {
        atomic_store(is_inside, 0);
        const pid_t victim = start_child();
        if (victim == 0) {
            pthread_mutex_lock(&t->lock.mutex);    /* owner dead, from the second on */
            leave_a_mess(t);
            atomic_store(is_inside, 1);
            for (;;) {
                pause();
            }
        }
        wait_until_set(is_inside);
        assert_is_killed(victim);
    }
    assert_in_flight(t, 0, 1, 0);
    ck_assert(give_back(&ledger, 1));
}
END_TEST

/* Takes and gives back as fast as it can, buries, and counts how far it came. */
static pid_t start_victim(lb_table_t *t, _Atomic uint32_t *progress, bool may_bury)
{
    const pid_t pid = start_child();
    if (pid > 0) {
        return pid;
    }
    lb_ledger_t own;
    join(&own, t);
    for (uint32_t i = 0;; i++) {
        take(&own, i % MEMBERS);
        if (i % 3 != 0) {
            lb_ledger_lock(t);
            const uint32_t slot = add_waiter(&own);
            if (slot != LB_NOBODY && i % 2) {
                lb_queue_grant(t, slot, 1);
                lb_ledger_add_granted(t, 1, 1, NULL);
            }
            lb_ledger_unlock(t);
            if (slot != LB_NOBODY) {
                lb_ledger_lock(t);
                if (atomic_load(&lb_table_waiter(t, slot)->state) == LB_SLOT_GRANTED) {
                    lb_ledger_add_granted(t, 1, -1, NULL);
                }
                lb_queue_remove(t, slot);
                lb_ledger_unlock(t);
            }
        }
        if (may_bury) {
            lb_ledger_bury_the_dead(t);
        }
        give_back(&own, i % MEMBERS);
        atomic_fetch_add(progress, 1);
    }
}

static void wait_for_more(_Atomic uint32_t *progress, uint32_t more)
{
    const uint32_t from = atomic_load(progress);
    while (atomic_load(progress) - from < more) {
        sched_yield();
    }
}

START_TEST(processes_killed_at_any_moment_leave_the_others_counts_and_the_lock)
{
    enum { VICTIMS = 3 };
    const char *wanted = getenv("ROUNDS");
    const int rounds = wanted ? atoi(wanted) : 60;
    lb_table_t *t = new_table();
    _Atomic uint32_t *progress = shared_memory(VICTIMS * sizeof(*progress));
    pid_t victims[VICTIMS];
    lb_ledger_t ledger;

    join(&ledger, t);
    take(&ledger, 0);
    take(&ledger, 2);
    take(&ledger, 2);
    for (int i = 0; i < VICTIMS; i++) {
        victims[i] = start_victim(t, &progress[i], i > 0);
    }
    srand(1);
    for (int round = 0; round < rounds; round++) {
        const int i = round % VICTIMS;
        wait_for_more(&progress[i], 1);
        for (int spin = rand() % 3000; spin > 0; spin--) {
            (void)atomic_load(&progress[i]);    /* to die at another place each time */
        }
        assert_is_killed(victims[i]);
        if (i == 0) {
            lb_ledger_bury_the_dead(t);
        }
        victims[i] = start_victim(t, &progress[i], i > 0);
    }
    for (int i = 0; i < VICTIMS; i++) {
        assert_is_killed(victims[i]);
    }
    lb_ledger_bury_the_dead(t);
    assert_in_flight(t, 1, 0, 2);
    ck_assert_uint_eq(lb_table_balancer(t, 0)->waiting, 0);
    for (int i = 0; i < WAITERS; i++) {
        ck_assert_uint_ne(add_waiter(&ledger), LB_NOBODY);    /* no slot was lost */
    }
    ck_assert_int_eq(pthread_mutex_trylock(&t->lock.mutex), 0);
}
END_TEST

/* ---- Processes that a process starts --------------------------------------------------------- */

START_TEST(forked_process_holds_nothing_of_its_parent)
{
    lb_table_t *t = new_table();
    lb_ledger_t ledger;
    join(&ledger, t);
    take(&ledger, 0);
    const pid_t child = start_child();
    if (child == 0) {
        const bool changed = give_back(&ledger, 0) || take(&ledger, 1);
        lb_ledger_leave(&ledger);
        _exit(changed ? 1 : 0);
    }
    assert_ends_well(child);
    ck_assert(!lb_ledger_bury_the_dead(t));
    assert_in_flight(t, 1, 0, 0);
    ck_assert(give_back(&ledger, 0));
}
END_TEST

static TCase *one_process(void)
{
    TCase *tc = tcase_create("one process");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, process_that_joined_counts_what_it_takes);
    tcase_add_test(tc, nothing_is_given_back_that_is_not_held);
    tcase_add_test(tc, process_that_never_joined_counts_nothing);
    tcase_add_test(tc, who_leaves_gives_back_all_and_counts_nothing_from_then_on);
    tcase_add_test(tc, parked_requests_are_counted_and_go_with_their_process);
    tcase_add_test(tc, process_row_says_which_generation_it_serves);
    tcase_add_test(tc, full_ledger_takes_nobody_until_somebody_leaves);
    tcase_add_test(tc, count_of_mod_proxy_is_kept_equal);
    tcase_add_test_raise_signal(tc, wrong_sum_ends_a_checked_build, SIGABRT);
    tcase_add_test(tc, nobody_is_buried_while_all_live);
    tcase_add_test(tc, bell_that_rang_before_the_wait_is_heard);
    tcase_add_test(tc, bell_of_another_process_is_not_ours);
    tcase_add_test(tc, wait_for_the_bell_ends_after_its_time);
    return tc;
}

static TCase *threads(void)
{
    TCase *tc = tcase_create("threads");
    tcase_set_timeout(tc, 100);
    tcase_add_test(tc, threads_lose_no_count);
    tcase_add_test(tc, process_that_leaves_while_its_threads_work_leaves_nothing_behind);
    tcase_add_test(tc, bell_wakes_who_waits_for_it);
    return tc;
}

/* By the same name: ThreadSanitizer looks at it too. */
static TCase *threads_that_end(void)
{
    TCase *tc = tcase_create("threads");
    tcase_set_timeout(tc, 100);
    tcase_set_tags(tc, NEEDS_ROBUST);
    tcase_add_test(tc, process_counts_as_dead_when_the_thread_that_joined_has_ended);
    return tc;
}

static TCase *processes(void)
{
    TCase *tc = tcase_create("processes");
    tcase_set_timeout(tc, 100);
    tcase_set_tags(tc, NEEDS_ROBUST);
    tcase_add_test(tc, share_of_a_killed_process_is_free_after_its_burial_and_no_others);
    tcase_add_test(tc, process_is_known_by_its_row_and_not_by_its_id);
    tcase_add_test(tc, row_of_a_killed_process_is_empty_for_the_next);
    tcase_add_loop_test(tc, lock_of_a_process_killed_inside_passes_on_and_all_is_counted_again, 0,
                        5);
    tcase_add_test(tc, process_killed_while_it_counts_again_is_followed_by_one_that_does);
    tcase_add_test(tc, processes_killed_at_any_moment_leave_the_others_counts_and_the_lock);
    tcase_add_test(tc, forked_process_holds_nothing_of_its_parent);
    return tc;
}

int main(void)
{
    Suite *suite = suite_create("ledger");
    suite_add_tcase(suite, one_process());
    suite_add_tcase(suite, threads());
    suite_add_tcase(suite, threads_that_end());
    suite_add_tcase(suite, processes());
    return run_suite(suite);
}
