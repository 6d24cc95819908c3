/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_overload.c - what the orders of the queue make of overload: a simulation of clients who ask
 * as often as they like (open loop) or when they have their answer (closed loop), with the queue
 * itself.
 *
 *   REQUESTS=1000000 VERBOSE=1 test_overload     so many for each load; says what came out */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "admission.h"
#include "serving.h"
#include "shared_table.h"

enum {
    MEMBERS = 2,
    WAITERS = 1024,
    EVENTS = 8192
};
#define SECOND INT64_C(1000000)
#define CALM_US (2 * SECOND)

/* ---- What is simulated ----------------------------------------------------------------------- */

typedef struct {
    lb_queue_rule_t rule;
    uint32_t limit, queue_limit;         /* of each member */
    int64_t service;                     /* us, mean */
    bool service_varies;                 /* exponentially */
    int64_t patience;                    /* us: then the client leaves; 0: never */
    int64_t queuetimeout;                /* us */
    double load;                         /* open loop: that come for one that can be served */
    int burst;                           /* so many come at once, at a fixed pace; 0: by chance */
    int clients;                         /* closed loop */
    int64_t requests;                    /* that come in all */
    int64_t calm_after;                  /* us: then the load falls to one half; 0: never */
    int important_in;                    /* one in so many has priority 0; 0: none */
    int flows;                           /* closed loop: clients 0 and 1 are of flow 1, and so on;
                                          * those beyond 2 * flows are of flow 100 */
} load_t;

typedef struct {
    int64_t came, good, late, refused[LB_OUTCOME_COUNT], left;
    int64_t important_came, important_good;
    int64_t while_it_stood;              /* requests that came while the queue stood */
    int64_t lost_in_calm;                /* late, left and refused, of those that came when it was
                                          * calm for CALM_US */
    int64_t took_us;
    int32_t *answers;                    /* us, of the good ones */
    int32_t *of_flows;                   /* us, of those of the small flows */
    int64_t count_of_flows;
} result_t;

/* ---- Chance: the same each time -------------------------------------------------------------- */

static double chance(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return ((double)(*state >> 11) + 0.5) / 9007199254740992.0;
}

static int64_t around(uint64_t *state, int64_t mean, bool varies)
{
    return varies ? (int64_t)(-(double)mean * log(chance(state))) + 1 : mean;
}

/* ---- Events ---------------------------------------------------------------------------------- */

enum {
    COMES,
    ENDS,
    LEAVES,
    BEAT
};

typedef struct {
    int64_t at;
    int kind, client;                    /* client: index of a request */
    uint64_t number;                     /* of the request: it may be another one's place by now */
} event_t;

typedef struct {
    bool is_used;
    bool is_abandoned;                   /* its client has gone, and its script runs */
    uint64_t number;
    int64_t came, leaves_at, began;
    uint32_t slot;                       /* LB_NOBODY: it does not wait */
    uint32_t member;
    uint32_t priority;
    int client;
} request_t;

typedef struct {
    const load_t *load;
    result_t *result;
    lb_table_t *table;
    lb_ledger_t ledger;
    lb_arena_t arena;
    lb_contender_t contenders[MEMBERS];
    lb_candidate_t candidates[MEMBERS];
    size_t contender_of[MEMBERS];
    int64_t began, now;
    uint64_t dice, numbers;
    event_t heap[EVENTS];
    int events;
    request_t requests[WAITERS * 2];
    int waiting[WAITERS];                /* requests that wait */
    int waiting_count;
    uint32_t heard;
} world_t;

static void swap_events(event_t *a, event_t *b)
{
    const event_t kept = *a;
    *a = *b;
    *b = kept;
}

static void plan_event(world_t *w, event_t event)
{
    int i = w->events++;

    MUST(w->events <= EVENTS);
    w->heap[i] = event;
    for (; i > 0 && w->heap[i].at < w->heap[(i - 1) / 2].at; i = (i - 1) / 2) {
        swap_events(&w->heap[i], &w->heap[(i - 1) / 2]);
    }
}

static void plan(world_t *w, int64_t at, int kind, int client, uint64_t number)
{
    plan_event(w, (event_t){ .at = at, .kind = kind, .client = client, .number = number });
}

static event_t take_next(world_t *w)
{
    const event_t next = w->heap[0];

    w->heap[0] = w->heap[--w->events];
    for (int i = 0;;) {
        int least = i;
        for (int child = 2 * i + 1; child <= 2 * i + 2; child++) {
            least = child < w->events && w->heap[child].at < w->heap[least].at ? child : least;
        }
        if (least == i) {
            return next;
        }
        swap_events(&w->heap[i], &w->heap[least]);
        i = least;
    }
}

/* ---- Requests -------------------------------------------------------------------------------- */

static void forget(world_t *w, int i, bool is_good)
{
    const int64_t calm = w->load->calm_after;

    w->result->lost_in_calm +=
        !is_good && calm && w->requests[i].came > w->began + calm + CALM_US;
    w->requests[i].is_used = false;
    if (w->load->clients && w->result->came < w->load->requests) {
        plan(w, w->now + 1, COMES, w->requests[i].client, 0);    /* and asks again */
    }
}

static void plan_leaving(world_t *w, int i, int64_t at)
{
    if (at < INT64_MAX) {
        plan(w, at, LEAVES, i, w->requests[i].number);
    }
}

static void begin_service(world_t *w, int i, uint32_t member)
{
    const load_t *load = w->load;
    request_t *r = &w->requests[i];

    r->slot = LB_NOBODY;
    r->member = member;
    r->began = w->now;
    plan(w, w->now + around(&w->dice, load->service, load->service_varies), ENDS, i, r->number);
}

static void stop_waiting(world_t *w, int at)
{
    w->waiting[at] = w->waiting[--w->waiting_count];
}

/* Those who were told something. */
static void listen(world_t *w)
{
    if (*lb_ledger_bell(&w->ledger) == w->heard) {
        return;
    }
    w->heard = *lb_ledger_bell(&w->ledger);
    for (int at = w->waiting_count - 1; at >= 0; at--) {
        const int i = w->waiting[at];
        const uint32_t slot = w->requests[i].slot;
        if (!lb_admission_is_decided(&w->ledger, slot)) {
            continue;
        }
        const lb_outcome_t told = lb_admission_refusal(&w->ledger, slot);
        const uint32_t member = lb_admission_end(&w->ledger, slot, LB_SERVED, w->now);
        stop_waiting(w, at);
        if (told != LB_SERVED) {
            w->result->refused[told]++;
            forget(w, i, false);
        }
        else {
            begin_service(w, i, member);
        }
    }
}

static void serve(world_t *w)
{
    lb_serving_let_in(w->table, &w->arena, w->now);
    listen(w);
}

static uint64_t flow_of(const load_t *load, int client)
{
    return load->flows == 0 ? 0 : client < 2 * load->flows ? (uint64_t)client / 2 + 1
                                                           : 100;
}

static int new_request(world_t *w, int client)
{
    const load_t *load = w->load;
    int i = 0;

    while (w->requests[i].is_used) {
        i++;
        MUST(i < WAITERS * 2);
    }
    w->requests[i] = (request_t){
        .is_used = true,
        .number = ++w->numbers,
        .came = w->now,
        .slot = LB_NOBODY,
        .client = client,
        .leaves_at = load->patience ? w->now + load->patience : INT64_MAX,
        .priority = load->important_in && w->numbers % (uint64_t)load->important_in == 0 ? 0 : 5,
    };
    w->result->came++;
    w->result->important_came += w->requests[i].priority == 0;
    w->result->while_it_stood += lb_table_line(w->table, 0)->delay.stands;
    return i;
}

static void wait_in_queue(world_t *w, int i)
{
    request_t *r = &w->requests[i];
    lb_waiter_t request = { .since = w->now,
                            .priority = r->priority,
                            .balancer = 0,
                            .member = LB_NOBODY,
                            .flow = flow_of(w->load, r->client),
                            .patience =
                                w->arena.queue.order == LB_ORDER_FIFO ? 0 : w->load->queuetimeout };
    lb_outcome_t refusal;

    for (int n = 0; n < LB_TRIED_MAX; n++) {
        request.tried[n] = LB_NOBODY;
    }
    r->slot = lb_admission_queue(&w->ledger, &request, &w->arena, &refusal);
    if (r->slot == LB_NOBODY) {
        w->result->refused[refusal]++;
        forget(w, i, false);
        return;
    }
    w->waiting[w->waiting_count++] = i;
    if (w->now + w->load->queuetimeout < r->leaves_at) {
        plan_leaving(w, i, w->now + w->load->queuetimeout);
    }
    serve(w);
}

static int64_t gap(world_t *w)
{
    const load_t *load = w->load;
    const bool is_calm = load->calm_after && w->now > w->began + load->calm_after;
    const double rate = (double)(MEMBERS * load->limit) / (double)load->service
                        * (is_calm ? 0.5 : load->load);
    if (load->burst) {
        return w->numbers % (uint64_t)load->burst ? 1 : (int64_t)(load->burst / rate);
    }
    return around(&w->dice, (int64_t)(1 / rate), true);
}

static void come(world_t *w, int client)
{
    const int i = new_request(w, client);
    const int winner = lb_admission_elect(&w->ledger, &w->arena);

    plan_leaving(w, i, w->requests[i].leaves_at);
    if (winner >= 0) {
        begin_service(w, i, w->contenders[winner].member);
    }
    else {
        wait_in_queue(w, i);
    }
    if (!w->load->clients && w->result->came < w->load->requests) {
        plan(w, w->now + gap(w), COMES, 0, 0);
    }
}

static void give_back(world_t *w, const request_t *r)
{
    const lb_use_t use = { .took = w->now - r->began, .waited = r->began - r->came };

    if (lb_admission_give_back(&w->ledger, 0, r->member, NULL, &use, w->now)) {
        serve(w);
    }
}

static void count_answer(world_t *w, const request_t *r)
{
    const uint64_t flow = flow_of(w->load, r->client);

    w->result->answers[w->result->good++] = (int32_t)(w->now - r->came);
    w->result->important_good += r->priority == 0;
    if (flow > 0 && flow < 100) {
        w->result->of_flows[w->result->count_of_flows++] = (int32_t)(w->now - r->came);
    }
}

static bool is_there(const world_t *w, event_t event)
{
    const request_t *r = &w->requests[event.client];
    return r->is_used && r->number == event.number;
}

static void end(world_t *w, event_t event)
{
    const request_t r = w->requests[event.client];

    MUST(is_there(w, event));
    if (!r.is_abandoned) {
        count_answer(w, &r);
    }
    forget(w, event.client, !r.is_abandoned);
    give_back(w, &r);
}

/* Its script goes on, and keeps its place until it ends. */
static void abandon(world_t *w, request_t *r)
{
    w->result->late++;
    r->is_abandoned = true;
    lb_admission_note_gone(w->table, 0, r->member, r->began - r->came, w->now - r->began);
}

static void leave_queue(world_t *w, int i)
{
    const request_t *r = &w->requests[i];
    const bool has_gone = w->now >= r->leaves_at;
    int at = 0;

    while (w->waiting[at] != i) {
        at++;
    }
    MUST(lb_admission_end(&w->ledger, r->slot, has_gone ? LB_CLIENT_ABORT : LB_QUEUE_TIMEOUT,
                          w->now)
         == LB_NOBODY);
    stop_waiting(w, at);
    w->result->left += has_gone;
    w->result->refused[LB_QUEUE_TIMEOUT] += !has_gone;
    forget(w, i, false);
}

static void leave(world_t *w, event_t event)
{
    request_t *r = &w->requests[event.client];

    if (!is_there(w, event)) {
        return;
    }
    if (r->slot != LB_NOBODY) {
        leave_queue(w, event.client);
    }
    else if (w->now >= r->leaves_at) {
        abandon(w, r);
    }
}

static void happen(world_t *w, event_t event)
{
    w->now = event.at;
    switch (event.kind) {
    case COMES:
        come(w, event.client);
        break;
    case ENDS:
        end(w, event);
        break;
    case LEAVES:
        leave(w, event);
        break;
    default:
        if (w->waiting_count > 0) {
            serve(w);
        }
        if (w->events > 0) {
            plan(w, w->now + SECOND / 5, BEAT, 0, 0);
        }
    }
}

static int by_size(const void *a, const void *b)
{
    const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static double percentile(const int32_t *sorted, int64_t count, double part)
{
    return count == 0 ? 0 : sorted[(int64_t)((double)(count - 1) * part)] / 1e6;
}

static double per_second(int64_t count, const result_t *result)
{
    return (double)count * 1e6 / (double)result->took_us;
}

static int64_t refused(const result_t *r)
{
    int64_t sum = 0;
    for (int i = 0; i < LB_OUTCOME_COUNT; i++) {
        sum += r->refused[i];
    }
    return sum;
}

static void say(const load_t *load, const result_t *r)
{
    static const char *const orders[] = { "fifo", "lifo", "adaptive" };

    if (getenv("VERBOSE")) {
        printf("%-8s %s %g, %g s%s: good %6.2f/s of %6.2f/s, p50 %5.2f s, p99 %5.2f s; %lld late, "
               "%lld left, %lld refused (%lld full, %lld no_time, %lld shed); %lld came while it "
               "stood\n",
               orders[load->rule.order],
               load->clients ? "clients" : "load", load->clients ? load->clients : load->load,
               (double)load->service / 1e6, load->service_varies ? " about" : "",
               per_second(r->good, r), per_second(r->came, r), percentile(r->answers, r->good, 0.5),
               percentile(r->answers, r->good, 0.99), (long long)r->late, (long long)r->left,
               (long long)refused(r), (long long)r->refused[LB_QUEUE_FULL],
               (long long)r->refused[LB_NO_TIME], (long long)r->refused[LB_SHED],
               (long long)r->while_it_stood);
    }
}

static result_t run(const load_t *load)
{
    static world_t w;
    result_t result = { 0 };

    memset(&w, 0, sizeof(w));
    result.answers = calloc((size_t)load->requests, sizeof(*result.answers));
    result.of_flows = calloc((size_t)load->requests, sizeof(*result.of_flows));
    w.load = load;
    w.result = &result;
    w.dice = 88172645463325252u;
    w.now = w.began = 1000 * SECOND;
    w.table = shared_table((lb_table_size_t){ 1, MEMBERS, 1, WAITERS });
    w.arena = (lb_arena_t){ .contenders = w.contenders,
                            .count = MEMBERS,
                            .open = 1,
                            .queue = load->rule,
                            .candidates = w.candidates,
                            .contender_of = w.contender_of };
    for (uint32_t m = 0; m < MEMBERS; m++) {
        w.contenders[m] = (lb_contender_t){ .member = m, .weight = 100, .is_usable = true };
        atomic_store(&lb_table_member(w.table, m)->limit, load->limit);
        atomic_store(&lb_table_member(w.table, m)->queue_limit, load->queue_limit);
    }
    join(&w.ledger, w.table);
    for (int client = 0; client < (load->clients ? load->clients : 1); client++) {
        plan(&w, w.now + client, COMES, client, 0);
    }
    plan(&w, w.now, BEAT, 0, 0);
    while (w.events > 1 || result.came < load->requests) {
        happen(&w, take_next(&w));
    }
    result.took_us = w.now - w.began;
    lb_ledger_leave(&w.ledger);
    munmap(w.table, lb_table_bytes((lb_table_size_t){ 1, MEMBERS, 1, WAITERS }));
    qsort(result.answers, (size_t)result.good, sizeof(*result.answers), by_size);
    qsort(result.of_flows, (size_t)result.count_of_flows, sizeof(*result.of_flows), by_size);
    say(load, &result);
    return result;
}

static void end_result(result_t *result)
{
    free(result->answers);
    free(result->of_flows);
}

static int64_t wanted_requests(void)
{
    const char *text = getenv("REQUESTS");
    return text ? strtoll(text, NULL, 10) : 20000;
}

/* ---- Open loop: clients come as often as they like, and leave after a while ------------------ */

/* Two members of two places, pages of 0.2 s: 20 requests a second are what can be served. */
#define CAPACITY 20.0

static load_t open_loop(lb_queue_order_t order, double offered)
{
    return (load_t){ .rule = { .order = order, .target = 5 * SECOND / 4 },
                     .limit = 2,
                     .queue_limit = 200,
                     .service = SECOND / 5,
                     .patience = 2 * SECOND,
                     .queuetimeout = 5 * SECOND,
                     .load = offered,
                     .requests = wanted_requests() };
}

static double goodput(const load_t *load)
{
    result_t result = run(load);
    const double good = per_second(result.good, &result);
    end_result(&result);
    return good;
}

static const double overloads[] = { 1.1, 1.5, 2, 3 };

START_TEST(first_in_first_out_serves_hardly_anybody_in_time_when_twice_as_many_come)
{
    load_t load = open_loop(LB_ORDER_FIFO, 2);
    load.requests = 1600;    /* the backlog only grows */
    ck_assert_double_lt(goodput(&load), 0.4 * CAPACITY);
}
END_TEST

START_TEST(adaptive_order_serves_what_can_be_served)
{
    load_t load = open_loop(LB_ORDER_ADAPTIVE, overloads[_i]);
    ck_assert_double_gt(goodput(&load), 0.9 * CAPACITY);
    load.service_varies = true;
    ck_assert_double_gt(goodput(&load), 0.9 * CAPACITY);
}
END_TEST

START_TEST(overload_that_begins_with_an_empty_queue_is_seen_before_it_costs_much)
{
    load_t load = open_loop(LB_ORDER_ADAPTIVE, overloads[_i]);
    load.requests = (int64_t)(10 * CAPACITY * overloads[_i]);
    ck_assert_double_gt(goodput(&load), 0.85 * CAPACITY);
}
END_TEST

START_TEST(newest_first_serves_what_can_be_served)
{
    const load_t load = open_loop(LB_ORDER_LIFO, overloads[_i]);
    ck_assert_double_gt(goodput(&load), 0.9 * CAPACITY);
}
END_TEST

START_TEST(it_need_not_be_known_how_long_clients_wait)
{
    static const int64_t patience[] = { SECOND, 3 * SECOND, 30 * SECOND };
    load_t load = open_loop(LB_ORDER_ADAPTIVE, 2);
    load.patience = patience[_i];
    ck_assert_double_gt(goodput(&load), 0.9 * CAPACITY);
}
END_TEST

START_TEST(what_is_important_is_served_in_any_overload)
{
    load_t load = open_loop(LB_ORDER_ADAPTIVE, overloads[_i]);
    load.important_in = 10;
    result_t result = run(&load);
    ck_assert_double_gt((double)result.important_good, 0.99 * (double)result.important_came);
    end_result(&result);
}
END_TEST

START_TEST(two_seconds_after_an_overload_nobody_is_lost)
{
    load_t load = open_loop(LB_ORDER_ADAPTIVE, 3);
    load.calm_after = 60 * SECOND;
    load.requests = 10000;
    result_t result = run(&load);
    ck_assert_int_eq(result.lost_in_calm, 0);
    end_result(&result);
}
END_TEST

/* ---- As long as it can be served all is as it was -------------------------------------------- */

static void assert_same_as_fifo(load_t load)
{
    load.rule.order = LB_ORDER_FIFO;
    result_t fifo = run(&load);
    load.rule.order = LB_ORDER_ADAPTIVE;
    result_t adaptive = run(&load);

    ck_assert_int_eq(refused(&adaptive), 0);
    ck_assert_int_eq(adaptive.while_it_stood, 0);
    ck_assert_int_eq(adaptive.good, fifo.good);
    ck_assert_mem_eq(adaptive.answers, fifo.answers,
                     (size_t)fifo.good * sizeof(*fifo.answers));
    end_result(&fifo);
    end_result(&adaptive);
}

START_TEST(light_load_is_served_first_in_first_out)
{
    assert_same_as_fifo(open_loop(LB_ORDER_ADAPTIVE, 0.5));
}
END_TEST

/* The last of each burst waits for 1.8 s, and their clients for 2 s. */
START_TEST(burst_that_is_served_in_time_is_served_first_in_first_out)
{
    load_t load = open_loop(LB_ORDER_ADAPTIVE, 0.6);
    load.burst = 36;
    assert_same_as_fifo(load);
}
END_TEST

/* Each client waits for its answer: they are many and the pages slow, but nobody asks for more than
 * can be served. */
START_TEST(closed_loop_is_served_first_in_first_out_however_long_it_waits)
{
    assert_same_as_fifo((load_t){ .rule = { .target = 15 * SECOND },
                                  .limit = 2,
                                  .queue_limit = 50,
                                  .service = 8 * SECOND,
                                  .queuetimeout = 60 * SECOND,
                                  .clients = 20,
                                  .requests = wanted_requests() });
}
END_TEST

/* ---- Flows ----------------------------------------------------------------------------------- */

static double p99_of_small_flows(lb_queue_order_t order, int clients)
{
    const load_t load = { .rule = { .order = order, .target = 5 * SECOND / 4 },
                          .limit = 2,
                          .queue_limit = 200,
                          .service = SECOND / 20,
                          .service_varies = true,
                          .queuetimeout = 5 * SECOND,
                          .clients = clients,
                          .flows = 9,
                          .requests = wanted_requests() };
    result_t result = run(&load);
    const double p99 = percentile(result.of_flows, result.count_of_flows, 0.99);
    end_result(&result);
    return p99;
}

START_TEST(flow_of_200_clients_does_not_make_nine_flows_of_two_wait)
{
    const double alone = p99_of_small_flows(LB_ORDER_ADAPTIVE, 18);
    ck_assert_double_lt(p99_of_small_flows(LB_ORDER_ADAPTIVE, 218), 1.5 * alone);
    ck_assert_double_lt(p99_of_small_flows(LB_ORDER_FIFO, 218), 1.5 * alone);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("overload");
    TCase *tc = tcase_create("simulation");
    tcase_set_timeout(tc, 100);
    tcase_add_test(
        tc, first_in_first_out_serves_hardly_anybody_in_time_when_twice_as_many_come);
    tcase_add_loop_test(tc, adaptive_order_serves_what_can_be_served, 0, 4);
    tcase_add_loop_test(
        tc, overload_that_begins_with_an_empty_queue_is_seen_before_it_costs_much, 0, 4);
    tcase_add_loop_test(tc, newest_first_serves_what_can_be_served, 0, 4);
    tcase_add_loop_test(tc, it_need_not_be_known_how_long_clients_wait, 0, 3);
    tcase_add_loop_test(tc, what_is_important_is_served_in_any_overload, 0, 4);
    tcase_add_test(tc, two_seconds_after_an_overload_nobody_is_lost);
    tcase_add_test(tc, light_load_is_served_first_in_first_out);
    tcase_add_test(tc, burst_that_is_served_in_time_is_served_first_in_first_out);
    tcase_add_test(tc, closed_loop_is_served_first_in_first_out_however_long_it_waits);
    tcase_add_test(tc, flow_of_200_clients_does_not_make_nine_flows_of_two_wait);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
