/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_share_front.c - the limit over all fronts is never exceeded, whatever fails: fronts, an engine
 * that runs the real script, and between them everything that goes wrong. */
#include "share_front.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run_suite.h"

#define FRONTS  10
#define MEMBERS 2
#define SECOND  INT64_C(1000000)
#define LEASE   (5 * SECOND)
#define MARGIN  (1 * SECOND)
#define PERIOD  (SECOND / 2)
#define RECORD  LB_SHARE_RECORD_BYTES(MEMBERS)

/* How long limits must hold: STEPS=N, where each step takes longer or time does not matter. */
static uint64_t wanted_steps(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    const uint64_t otherwise = 100000;
#else
    const uint64_t otherwise = 1000000;
#endif
    const char *text = getenv("STEPS");
    return text ? strtoull(text, NULL, 10) : otherwise;
}

/* ---- Chance: the same for the same seed ------------------------------------------------------ */

static uint64_t chance;

static uint32_t any_below(uint32_t n)
{
    chance ^= chance << 13;
    chance ^= chance >> 7;
    chance ^= chance << 17;
    return (uint32_t)((chance >> 16) % n);
}

static bool one_in(uint32_t n)
{
    return n > 0 && any_below(n) == 0;
}

/* ---- Engines --------------------------------------------------------------------------------- */

/* What of Redis the script uses. An engine is a table; its history changes when it is promoted, and
 * when it gets the data of another one: that is its history until it is promoted again. */
static const char redis[] =
    "engines = {}\n"
    "local at\n"
    "local function hash(key) at.data[key] = at.data[key] or {} return at.data[key] end\n"
    "local calls = {\n"
    "  INFO = function() return '# Replication\\r\\nmaster_replid:' .. at.history .. '\\r\\nx:1\\r\\n' end,\n"
    "  DEL = function(key) at.data[key] = nil end,\n"
    "  HGET = function(key, field) return hash(key)[field] or false end,\n"
    "  HDEL = function(key, field) hash(key)[field] = nil end,\n"
    "  HINCRBY = function(key, field, by)\n"
    "    hash(key)[field] = tostring(tonumber(hash(key)[field] or 0) + by)\n"
    "    return tonumber(hash(key)[field]) end,\n"
    "  HMGET = function(key, ...)\n"
    "    local all = {}\n"
    "    for i, field in ipairs({...}) do all[i] = hash(key)[field] or false end\n"
    "    return all end,\n"
    "  HGETALL = function(key)\n"
    "    local all = {}\n"
    "    for field, value in pairs(hash(key)) do all[#all + 1] = field all[#all + 1] = value end\n"
    "    return all end,\n"
    "}\n"
    "calls.HSET = function(key, ...)\n"
    "  local all = {...}\n"
    "  for i = 1, #all, 2 do hash(key)[all[i]] = all[i + 1] end end\n"
    "calls.HMSET = calls.HSET\n"
    "redis = { call = function(name, ...) return calls[name](...) end }\n"
    "local histories = 0\n"
    "function promote(n)\n"
    "  histories = histories + 1\n"
    "  engines[n] = engines[n] or { data = {} }\n"
    "  engines[n].history = string.format('%040x', histories) end\n"
    "function flush(n) engines[n].data = {} end\n"
    "function vanish(n, front) for _, fields in pairs(engines[n].data) do fields['@web' .. front] = nil end end\n"
    "function replicate(from, to)\n"
    "  local data = {}\n"
    "  for key, fields in pairs(engines[from].data) do\n"
    "    data[key] = {}\n"
    "    for field, value in pairs(fields) do data[key][field] = value end\n"
    "  end\n"
    "  engines[to].data = data\n"
    "  promote(to) end\n"
    "function evaluate(n, script, ...) at = engines[n] KEYS = {'fc:{t}:share'} ARGV = {...}\n"
    "  return script() end\n";

#define ENGINES 2
#define NOWHERE 0    /* of a front that reaches none */

static lua_State *lua;
static int script;

static void call_engine(const char *function, int a, int b)
{
    lua_getglobal(lua, function);
    lua_pushinteger(lua, a);
    lua_pushinteger(lua, b);
    ck_assert_msg(lua_pcall(lua, 2, 0, 0) == 0, "%s", lua_tostring(lua, -1));
}

static void start_engines(void)
{
    lua = luaL_newstate();
    luaL_openlibs(lua);
    ck_assert_msg(luaL_dostring(lua, redis) == 0, "%s", lua_tostring(lua, -1));
    ck_assert_msg(luaL_loadfile(lua, "modules/balancer_byrequests/fleet/share_script.lua") == 0,
                  "%s", lua_tostring(lua, -1));
    script = luaL_ref(lua, LUA_REGISTRYINDEX);
    for (int i = 1; i <= ENGINES; i++) {
        call_engine("promote", i, 0);
    }
}

/* ---- Fronts ---------------------------------------------------------------------------------- */

typedef struct {
    bool is_under_way, is_answered;
    bool is_lost;                     /* on its way there, or back */
    int64_t executes_at, arrives_at;
    int64_t sent;
    char epoch[LB_SHARE_EPOCH_MAX + 1], own[24], decided_on[24], gone[LB_SHARE_NAME_MAX + 1],
        gone_stamp[24];
    char *record;                     /* NULL: it only reads */
    /* the answer */
    bool is_written;
    char epoch_now[LB_SHARE_EPOCH_MAX + 1];
    uint64_t stamp;
    size_t count;
    char names[LB_SHARE_FRONTS][LB_SHARE_NAME_MAX + 1];
    char *texts[LB_SHARE_FRONTS];
} exchange_t;

typedef struct {
    bool is_running;
    int engine;
    int64_t offset;                   /* its clock: true time * rate / 10000 + offset */
    int64_t rate;
    int64_t next_at, paused_until;
    lb_share_front_t front;
    lb_share_member_t members[MEMBERS];
    lb_share_told_t telling[MEMBERS];
    lb_share_told_t told[LB_SHARE_FRONTS][MEMBERS];
    exchange_t exchange;
    uint32_t demand[MEMBERS], in_flight[MEMBERS];
    uint32_t outlived[MEMBERS];       /* of in_flight: what their slots were lent for has ended */
    struct {
        char epoch[LB_SHARE_EPOCH_MAX + 1];
        uint64_t stamp;
        int64_t at;                   /* by its clock */
    } written;                        /* its last record */
    /* on disk */
    char epoch[LB_SHARE_EPOCH_MAX + 1];
    bool has_joined;
    lb_share_roster_t roster;
    uint32_t floors[MEMBERS];
} sim_front_t;

/* Of one run. */
typedef struct {
    uint32_t fronts, limit;
    bool expects_all;                 /* fronts= is given */
    uint32_t drift;                   /* of clocks, one way or the other: of 10000 */
    uint32_t loss, late, pause, crash, restart, kill, flush, failover, split, demand,
        slow; /* one in so many */
} trouble_t;

static sim_front_t *fronts;
static trouble_t trouble;
static int64_t now;                   /* true time */
static int master;
static int unclear;                   /* this front cannot read what the others say; -1: none */
static bool is_lenient;               /* the limit may be exceeded */
static uint64_t steps_done;

/* Requests that their front has given up, and that may still be executed. */
#define STUCK 64
static struct {
    int front, engine;
    int64_t executes_at;
    exchange_t exchange;
} stuck[STUCK];

static int64_t clock_of(const sim_front_t *f)
{
    return now / 10000 * f->rate + now % 10000 * f->rate / 10000 + f->offset;
}

static void save(sim_front_t *f)
{
    memcpy(f->epoch, f->front.epoch, sizeof(f->epoch));
    f->has_joined = f->front.has_joined;
    f->roster = f->front.roster;
    for (int m = 0; m < MEMBERS; m++) {
        f->floors[m] = f->members[m].floor;
    }
    f->front.is_changed = false;
}

/* httpd starts: with what is on disk. */
static void start(int i)
{
    sim_front_t *f = &fronts[i];

    memset(&f->front, 0, sizeof(f->front));
    snprintf(f->front.name, sizeof(f->front.name), "web%d", i);
    f->front.lease = LEASE;
    f->front.margin = MARGIN;
    f->front.expected = trouble.expects_all ? trouble.fronts : 0;
    f->front.members = f->members;
    f->front.telling = f->telling;
    f->front.count = MEMBERS;
    memcpy(f->front.epoch, f->epoch[0] ? f->epoch : "0", f->epoch[0] ? sizeof(f->epoch) : 2);
    f->front.has_joined = f->has_joined;
    f->front.roster = f->roster;
    for (int m = 0; m < MEMBERS; m++) {
        f->members[m] = (lb_share_member_t){ .key = 100 + (uint64_t)m,
                                             .limit = trouble.limit,
                                             .floor = f->floors[m],
                                             .until = clock_of(f) + LEASE + MARGIN,
                                             .is_new = true };
        f->in_flight[m] = f->outlived[m] = 0;
    }
    f->exchange.is_under_way = false;
    f->is_running = true;
    f->next_at = now + any_below(PERIOD);
    f->paused_until = 0;
}

/* Another process of the same httpd goes on. */
static void take_over(int i)
{
    sim_front_t *f = &fronts[i];
    const uint32_t count = MEMBERS;

    for (uint32_t m = 0; m < count; m++) {
        const lb_share_member_t row = f->members[m];
        f->members[m] = (lb_share_member_t){ .key = row.key,
                                             .limit = row.limit,
                                             .floor = row.floor,
                                             .share = row.share,
                                             .until = row.until,
                                             .is_new = row.is_new };
    }
    const int64_t paused_until = f->paused_until;
    lb_share_member_t rows[MEMBERS];
    memcpy(rows, f->members, sizeof(rows));
    uint32_t in_flight[MEMBERS], outlived[MEMBERS];
    memcpy(in_flight, f->in_flight, sizeof(in_flight));
    memcpy(outlived, f->outlived, sizeof(outlived));
    start(i);
    memcpy(f->members, rows, sizeof(rows));
    memcpy(f->in_flight, in_flight, sizeof(in_flight));
    memcpy(f->outlived, outlived, sizeof(outlived));
    f->paused_until = paused_until;
}

/* ---- The invariant --------------------------------------------------------------------------- */

static uint32_t may_use(int i, int m)
{
    return fronts[i].is_running ? lb_share_now(&fronts[i].members[m], clock_of(&fronts[i])) : 0;
}

static uint32_t used_by_all(int m)
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i < trouble.fronts; i++) {
        sum += may_use((int)i, m);
    }
    return sum;
}

/* Requests beyond what their front may use now. */
static uint32_t over(int i, int m)
{
    const uint32_t may = may_use(i, m), has = fronts[i].is_running ? fronts[i].in_flight[m] : 0;
    return has > may ? has - may : 0;
}

static bool has_ended(const sim_front_t *f, int m)
{
    const lb_share_member_t *member = &f->members[m];
    const int64_t clock = clock_of(f);
    const bool has_borrowed = member->told.share > member->told.floor;

    return (member->share > member->floor && clock >= member->until)
           || (has_borrowed
               && lb_stamps_not_before(&f->front.stamps, member->told.stands) + LEASE <= clock);
}

/* PHP does not stop when the time ends for which a slot was borrowed: the only requests that may be
 * more than the limit. */
static void note_outlived(void)
{
    for (uint32_t i = 0; i < trouble.fronts; i++) {
        for (int m = 0; m < MEMBERS; m++) {
            uint32_t *outlived = &fronts[i].outlived[m];
            const uint32_t more = over((int)i, m);
            *outlived = *outlived > more || has_ended(&fronts[i], m) ? more : *outlived;
        }
    }
}

static uint32_t in_flight_or_used(int m)
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i < trouble.fronts; i++) {
        const uint32_t more = over((int)i, m), outlived = fronts[i].outlived[m];
        sum += may_use((int)i, m) + (more > outlived ? more - outlived : 0);
    }
    return sum;
}

static void show(int m)
{
    for (uint32_t i = 0; i < trouble.fronts; i++) {
        const sim_front_t *f = &fronts[i];
        const lb_share_member_t *member = &f->members[m];
        printf(
            "web%u: running %d engine %d epoch %s joined %d use %u (share %u floor %u left %.3f settles %d) "
            "told %u/%u @%llu own %llu in flight %u outlived %u want %u agreed %d roster %u\n",
            i, f->is_running, f->engine, f->front.epoch, f->front.has_joined, may_use((int)i, m),
            member->share, member->floor, (double)(member->until - clock_of(f)) / 1e6,
            member->settles, member->told.share, member->told.floor,
            (unsigned long long)member->told.stands, (unsigned long long)f->front.own_stamp,
            f->in_flight[m], f->outlived[m], member->want, lb_share_front_is_agreed(&f->front),
            f->front.roster.count);
    }
}

static void check_limit(void)
{
    for (int m = 0; m < MEMBERS && !is_lenient; m++) {
        const uint32_t sum = in_flight_or_used(m);
        if (sum > trouble.limit) {
            show(m);
            ck_abort_msg("step %llu, %.3f s: %u may be used of %u", (unsigned long long)steps_done,
                         (double)now / 1e6, sum, trouble.limit);
        }
    }
}

/* ---- What happens ---------------------------------------------------------------------------- */

static void free_texts(exchange_t *e)
{
    free(e->record);
    e->record = NULL;
    for (size_t i = 0; i < e->count; i++) {
        free(e->texts[i]);
    }
    e->count = 0;
}

/* Does it keep its word for what it lends, for as long as others may borrow it? */
static bool is_vouched(const sim_front_t *f, const exchange_t *e, const lb_share_told_t *told,
                       const lb_share_member_t *member)
{
    return told->share >= told->floor || told->stands != f->written.stamp
           || strcmp(e->epoch, f->written.epoch) != 0
           || member->until >= f->written.at + LEASE + MARGIN;
}

/* What is written is no less than what the front uses, and goes on to use if it hears no answer. */
static void check_told(int i, const exchange_t *e)
{
    const sim_front_t *f = &fronts[i];
    lb_share_told_t told[MEMBERS];
    lb_share_record_t record;

    ck_assert(lb_share_record_read(e->record, &record, told, MEMBERS));
    for (size_t m = 0; f->is_running && m < record.count; m++) {
        const lb_share_member_t *member = &f->members[m];
        if (!member->settles && !member->is_new
            && (told[m].floor < member->floor || !is_vouched(f, e, &told[m], member)
                || (told[m].share < member->share && clock_of(f) < member->until))) {
            show((int)m);
            ck_abort_msg("step %llu: web%d tells %u/%u", (unsigned long long)steps_done, i,
                         told[m].share, told[m].floor);
        }
    }
}

static void note_written(sim_front_t *f, const exchange_t *e)
{
    memcpy(f->written.epoch, e->epoch, sizeof(e->epoch));
    f->written.stamp = e->stamp;
    f->written.at = clock_of(f);
}

static void execute(int front, int engine, exchange_t *e)
{
    char name[16], random[20];

    snprintf(name, sizeof(name), "web%d", front);
    snprintf(random, sizeof(random), "%08x%08x", any_below(UINT32_MAX), any_below(UINT32_MAX));
    lua_getglobal(lua, "evaluate");
    lua_pushinteger(lua, engine);
    lua_rawgeti(lua, LUA_REGISTRYINDEX, script);
    const char *arguments[] = { name, e->epoch, random, e->own, e->decided_on,
                                e->record ? e->record : "", e->gone, e->gone_stamp };
    for (size_t i = 0; i < 8; i++) {
        lua_pushstring(lua, arguments[i]);
    }
    ck_assert_msg(lua_pcall(lua, 10, 1, 0) == 0, "%s", lua_tostring(lua, -1));
    const size_t n = lua_objlen(lua, -1);
    e->count = 0;
    for (size_t i = 1; i <= n; i++) {
        lua_rawgeti(lua, -1, (int)i);
        const char *text = lua_tostring(lua, -1);
        if (i == 1) {
            e->is_written = text[0] == '1';
        }
        else if (i == 2) {
            snprintf(e->epoch_now, sizeof(e->epoch_now), "%s", text);
        }
        else if (i == 3) {
            e->stamp = strtoull(text, NULL, 10);
        }
        else if (i % 2 == 0) {
            snprintf(e->names[e->count], sizeof(e->names[0]), "%s", text);
        }
        else {
            e->texts[e->count++] = strdup(text);
        }
        lua_pop(lua, 1);
    }
    lua_pop(lua, 1);
    e->is_answered = true;
    if (e->is_written && !is_lenient) {
        check_told(front, e);
    }
    if (e->is_written) {
        note_written(&fronts[front], e);
    }
}

static void keep_stuck(int i)
{
    const uint32_t slot = any_below(STUCK);

    free_texts(&stuck[slot].exchange);
    stuck[slot].front = i;
    stuck[slot].engine = fronts[i].engine;
    stuck[slot].executes_at = now + any_below(one_in(3) ? 60 * SECOND : 2 * SECOND);
    stuck[slot].exchange = fronts[i].exchange;
    fronts[i].exchange.record = NULL;
    fronts[i].exchange.count = 0;
}

static void execute_stuck(void)
{
    for (uint32_t i = 0; i < STUCK; i++) {
        if (stuck[i].exchange.record && now >= stuck[i].executes_at) {
            execute(stuck[i].front, stuck[i].engine, &stuck[i].exchange);
            free_texts(&stuck[i].exchange);
        }
    }
}

static void read_in_flight(sim_front_t *f)
{
    for (int m = 0; m < MEMBERS; m++) {
        f->members[m].in_flight = f->in_flight[m];
        f->members[m].want = (f->demand[m] > f->in_flight[m] ? f->demand[m] : f->in_flight[m]) + 1;
    }
}

/* One call in a turn of a front. */
static void ask(int i)
{
    sim_front_t *f = &fronts[i];
    exchange_t *e = &f->exchange;
    char text[RECORD];

    if (!lb_share_front_plan(&f->front, clock_of(f))) {
        return;
    }
    check_limit();
    read_in_flight(f);
    const size_t bytes = lb_share_front_tell(&f->front, text);
    ck_assert_uint_lt(bytes, RECORD);
    if (f->front.is_changed) {
        save(f);
    }
    free_texts(e);
    *e = (exchange_t){ .is_under_way = true, .sent = clock_of(f) };
    e->executes_at = now + 1000 + any_below(one_in(trouble.late) ? 900000 : 2000);
    e->arrives_at = e->executes_at + 1000 + any_below(one_in(trouble.late) ? 900000 : 2000);
    e->is_lost = one_in(trouble.loss);
    memcpy(e->epoch, f->front.epoch, sizeof(e->epoch));
    snprintf(e->own, sizeof(e->own), "%llu", (unsigned long long)f->front.own_stamp);
    if (f->front.kind == LB_SHARE_RAISE) {
        snprintf(e->decided_on, sizeof(e->decided_on), "%llu", (unsigned long long)f->front.stamp);
    }
    const lb_share_other_t *gone = lb_share_front_gone(&f->front, clock_of(f));
    snprintf(e->gone, sizeof(e->gone), "%s", gone ? gone->name : "");
    snprintf(e->gone_stamp, sizeof(e->gone_stamp), "%llu",
             (unsigned long long)(gone ? gone->stamp : 0));
    e->record = bytes > 0 ? strdup(text) : NULL;
}

/* What it goes on from is what its record says, unless it has just learnt that it was forgotten. */
static void check_knows_its_record(int i)
{
    const lb_share_front_t *front = &fronts[i].front;

    for (size_t k = 0; k < front->other_count; k++) {
        const lb_share_record_t *record = &front->others[k].record;
        for (size_t m = 0; strcmp(front->others[k].name, front->name) == 0 && m < record->count;
             m++) {
            const lb_share_told_t *written = &record->members[m], *told = &front->members[m].told;
            ck_assert(told->floor + told->share == 0
                      || (told->floor == written->floor && told->share == written->share));
        }
    }
}

static void take(int i)
{
    sim_front_t *f = &fronts[i];
    exchange_t *e = &f->exchange;
    const lb_share_answer_t answer = { .is_written = e->is_written,
                                       .epoch = e->epoch_now,
                                       .stamp = e->stamp,
                                       .sent = e->sent,
                                       .received = clock_of(f) };

    f->front.is_unclear = i == unclear;
    f->front.other_count = e->count;
    for (size_t k = 0; k < e->count; k++) {
        lb_share_other_t *other = &f->front.others[k];
        char *end;
        snprintf(other->name, sizeof(other->name), "%s", e->names[k]);
        other->stamp = strtoull(e->texts[k], &end, 10);
        ck_assert(lb_share_record_read(end + 1, &other->record, f->told[k], MEMBERS));
    }
    const bool is_anew = strcmp(f->front.epoch, answer.epoch) != 0;
    lb_share_front_take(&f->front, &answer);
    ck_assert(f->front.is_unclear == (i == unclear));
    check_knows_its_record(i);
    for (int m = 0; m < MEMBERS && is_anew; m++) {    /* nobody knows what they were lent */
        f->outlived[m] = over(i, m);
    }
    e->is_under_way = false;
    free_texts(e);
    check_limit();
    if (f->front.is_eager && f->next_at > now + PERIOD / 8) {
        f->next_at = now + PERIOD / 8;
    }
    ask(i);
}

static void serve(sim_front_t *f)
{
    for (int m = 0; m < MEMBERS; m++) {
        const uint32_t may = lb_share_now(&f->members[m], clock_of(f));
        const uint32_t ends = trouble.slow > 0
                                  ? one_in(trouble.slow)
                                  : f->in_flight[m] * trouble.fronts / 100 + any_below(2);
        f->in_flight[m] -= ends < f->in_flight[m] ? ends : f->in_flight[m];
        while (f->in_flight[m] < may && f->in_flight[m] < f->demand[m]) {
            f->in_flight[m]++;
        }
    }
}

static void step_front(int i)
{
    sim_front_t *f = &fronts[i];
    exchange_t *e = &f->exchange;

    if (e->is_under_way && !e->is_answered && now >= e->executes_at && f->engine != NOWHERE
        && !(e->is_lost && one_in(2))) {
        if (e->is_lost) {    /* the answer is */
            execute(i, f->engine, e);
            e->arrives_at = INT64_MAX;
        }
        else {
            execute(i, f->engine, e);
        }
    }
    if (now < f->paused_until) {
        return;
    }
    if (f->is_running) {
        serve(f);
    }
    if (e->is_under_way && e->is_answered && now >= e->arrives_at) {
        take(i);
    }
    else if (e->is_under_way && clock_of(f) > e->sent + SECOND) {
        if (!e->is_answered && f->engine != NOWHERE) {
            keep_stuck(i);
        }
        e->is_under_way = false;
        if (f->engine != NOWHERE && one_in(2) && !one_in(4)) {
            f->engine = master;
        }
    }
    else if (f->is_running && !e->is_under_way && now >= f->next_at) {
        f->next_at = now + PERIOD - any_below(PERIOD / 8);
        read_in_flight(f);
        lb_share_front_begin(&f->front);
        ask(i);
    }
}

static void make_trouble(int i)
{
    sim_front_t *f = &fronts[i];

    if (f->is_running && one_in(trouble.pause)) {
        f->paused_until = now + any_below(one_in(3) ? 20 * SECOND : 2 * SECOND);
    }
    if (one_in(trouble.kill) && f->is_running) {
        take_over(i);
    }
    if (one_in(trouble.restart) && f->is_running) {
        start(i);
    }
    if (one_in(trouble.crash)) {
        if (f->is_running) {
            if (f->exchange.is_under_way && !f->exchange.is_answered && f->engine != NOWHERE) {
                keep_stuck(i);
            }
            f->exchange.is_under_way = false;
            f->is_running = false;
        }
        else {
            start(i);
        }
    }
    if (one_in(trouble.flush)) {
        call_engine("flush", 1 + (int)any_below(ENGINES), 0);
    }
    if (one_in(trouble.failover)) {    /* to what was copied at some time: see below */
        master = 1 + (int)any_below(ENGINES);
        call_engine("promote", master, 0);
    }
    if (one_in(trouble.failover)) {
        call_engine("replicate", master, 3 - master);
    }
    if (one_in(trouble.split)) {
        f->engine = one_in(2) ? master : 1 + (int)any_below(ENGINES);
    }
    if (one_in(trouble.demand)) {
        f->demand[any_below(MEMBERS)] = one_in(2) ? 0 : any_below(2 * trouble.limit);
    }
}

static void step(void);

/* All is well for so long. */
static void settle(int64_t us)
{
    const trouble_t before = trouble;
    const int64_t end_at = now + us;

    trouble = (trouble_t){ .fronts = before.fronts,
                           .limit = before.limit,
                           .expects_all = before.expects_all,
                           .drift = before.drift,
                           .slow = before.slow };
    while (now < end_at) {
        step();
    }
    trouble = before;
}

/* Who knows nothing, does not know how many there are, and meets an engine that has lost what it
 * knew, cannot know of the others. */
static void spare_the_memory(void)
{
    if (!trouble.expects_all) {
        trouble.flush = trouble.failover = trouble.split = 0;
    }
}

/* The others join while much fails. */
static void let_join(uint32_t from)
{
    const trouble_t before = trouble;

    spare_the_memory();
    for (uint32_t i = from; i < trouble.fronts; i++) {
        start((int)i);
        for (int n = 0; n < 5000; n++) {
            step();
        }
    }
    trouble = before;
    for (uint32_t i = 0; i < trouble.fronts; i++) {
        if (!fronts[i].is_running) {
            start((int)i);
        }
    }
    settle(25 * SECOND);
}

static void lose(uint32_t i)
{
    fronts[i].is_running = fronts[i].exchange.is_under_way = false;
    fronts[i].epoch[0] = '\0';
    fronts[i].has_joined = false;
    fronts[i].roster.count = 0;
    memset(fronts[i].floors, 0, sizeof(fronts[i].floors));
}

/* A machine is gone for good, an operator says so, and another one gets its name. */
static void replace(uint32_t i)
{
    const trouble_t before = trouble;
    const uint32_t operator_at = (i + 1 + any_below(trouble.fronts - 1)) % trouble.fronts;

    spare_the_memory();
    trouble.crash = 0;
    for (uint32_t k = 0; k < trouble.fronts; k++) {
        fronts[k].engine = master;
        if (!fronts[k].is_running) {
            start((int)k);
        }
    }
    settle(10 * SECOND);
    lose(i);
    lb_share_front_forget(&fronts[operator_at].front, fronts[i].front.name);
    for (int n = 0; n < 3000; n++) {
        step();
    }
    start((int)i);
    for (int n = 0; n < 3000; n++) {
        step();
    }
    settle(10 * SECOND);
    trouble = before;
}

static void begin(const trouble_t *wanted, uint64_t seed, uint32_t running)
{
    chance = seed * 2654435769u + 88172645463325252u;
    trouble = *wanted;
    now = 1000 * SECOND;
    unclear = -1;
    master = 1;
    steps_done = 0;
    fronts = calloc(FRONTS, sizeof(*fronts));
    memset(stuck, 0, sizeof(stuck));
    start_engines();
    for (uint32_t i = 0; i < trouble.fronts; i++) {
        fronts[i].engine = master;
        fronts[i].rate = one_in(2) ? 10000 - trouble.drift : 10000 + trouble.drift;
        fronts[i].offset = any_below(1000) * SECOND;
        if (i < running) {
            start((int)i);
        }
    }
    settle(12 * SECOND);
    let_join(running);
    steps_done = 0;
}

static void end(void)
{
    for (uint32_t i = 0; i < FRONTS; i++) {
        free_texts(&fronts[i].exchange);
    }
    for (uint32_t i = 0; i < STUCK; i++) {
        free_texts(&stuck[i].exchange);
    }
    free(fronts);
    lua_close(lua);
}

static void step(void)
{
    const int i = (int)any_below(trouble.fronts);

    now += any_below(2000);
    note_outlived();
    make_trouble(i);
    execute_stuck();
    step_front(i);
    check_limit();
    steps_done++;
}

/* ---- Tests ----------------------------------------------------------------------------------- */

static const trouble_t everything = { .fronts = FRONTS,
                                      .limit = 60,
                                      .drift = 10,
                                      .loss = 20,
                                      .late = 10,
                                      .pause = 4000,
                                      .crash = 40000,
                                      .restart = 40000,
                                      .kill = 20000,
                                      .flush = 60000,
                                      .failover = 60000,
                                      .split = 60000,
                                      .demand = 800 };

START_TEST(limit_holds_whatever_fails)
{
    const uint64_t steps = wanted_steps();
    begin(&everything, 1, FRONTS);
    while (steps_done < steps) {
        step();
    }
    end();
}
END_TEST

START_TEST(limit_holds_in_a_small_fleet)
{
    const uint64_t steps = wanted_steps();
    for (uint32_t run = 0; run < 40; run++) {
        trouble_t small = everything;
        small.fronts = 2 + run % 3;
        small.limit = 1 + run % 7;
        small.pause = 500;
        small.drift = run % 3 ? 800 : 10;
        small.restart = run % 2 ? 1000 : 10000;
        small.crash = small.kill = small.flush = small.failover = small.split = 2000;
        small.demand = 100;
        small.slow = run % 5 < 2 ? 300 : 0;
        small.expects_all = run % 4 < 2;
        begin(&small, 100 + run, 1 + run % small.fronts);
        while (steps_done < steps / 20) {
            step();
            if (one_in(10000)) {
                replace(any_below(small.fronts));
            }
        }
        end();
    }
}
END_TEST

/* Calls that come late, and stores that lose the last writes, all the time. */
START_TEST(limit_holds_with_a_store_that_nobody_would_use)
{
    const uint64_t steps = wanted_steps();
    for (uint32_t run = 0; run < 20; run++) {
        trouble_t store = {
            .fronts = 2 + run % 4, .limit = 3 + run % 9, .loss = 4, .late = 3, .demand = 60
        };
        store.drift = run % 4 ? 800 : 10;
        store.flush = run % 2 ? 4000 : 0;
        store.demand = run % 5 < 2 ? 60 : 1500;
        store.failover = run % 7 < 3 ? 700 : 8000;
        store.split = run % 3 ? 3000 : 0;
        store.pause = 3000;
        store.slow = run % 5 == 1 ? 300 : 0;
        begin(&store, 500 + run, store.fronts);
        while (steps_done < steps / 20) {
            step();
        }
        end();
    }
}
END_TEST

/* The floors change all the time, while shares are lent. */
START_TEST(limit_holds_while_fronts_come_and_go)
{
    const uint64_t steps = wanted_steps();
    for (uint32_t run = 0; run < 20; run++) {
        trouble_t fleet = {
            .fronts = 3 + run % 3, .limit = 5 + run, .drift = 500, .loss = 10, .late = 4
        };
        fleet.pause = 300;
        fleet.demand = 300;
        fleet.restart = 4000;
        fleet.slow = run % 3 == 1 ? 100 : 0;
        fleet.flush = run % 2 ? 6000 : 0;
        fleet.expects_all = run % 2;
        begin(&fleet, 900 + run, fleet.fronts);
        while (steps_done < steps / 10) {
            replace(any_below(fleet.fronts));
        }
        end();
    }
}
END_TEST

static void connect_to(int engine, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        fronts[i].engine = engine;
    }
}

/* Another store, where the others are not. */
static int elsewhere(void)
{
    return 3 - master;
}

static void go_on_for(int64_t us)
{
    for (const int64_t end_at = now + us; now < end_at;) {
        step();
    }
}

/* Who lends and who borrows lose sight of each other at times that do not fit. */
START_TEST(limit_holds_while_one_after_the_other_is_cut_off)
{
    const uint64_t steps = wanted_steps();
    for (uint32_t run = 0; run < 24; run++) {
        trouble_t fleet = { .fronts = 2 + run % 3, .limit = 4 + run, .drift = 900, .demand = 400 };
        fleet.loss = run % 2 ? 6 : 0;
        fleet.late = run % 3 ? 8 : 0;
        fleet.kill = run % 4 < 2 ? 3000 : 0;
        fleet.slow = run % 5 < 2 ? 200 : 0;
        begin(&fleet, 1300 + run, fleet.fronts);
        for (uint32_t round = 0; round < steps / 25000; round++) {
            go_on_for(any_below(3 * SECOND));
            for (uint32_t n = 0; n < fleet.fronts; n++) {
                const uint32_t i = any_below(fleet.fronts);
                fronts[i].engine = one_in(3) ? master : one_in(2) ? elsewhere()
                                                                  : NOWHERE;
                go_on_for(any_below(one_in(3) ? SECOND / 2 : 4 * SECOND));
            }
            if (one_in(4)) {
                go_on_for(8 * SECOND);
            }
            connect_to(master, 0, fleet.fronts);
        }
        end();
    }
}
END_TEST

/* ---- Who knows nothing ----------------------------------------------------------------------- */

/* The others know the fleet, and keep what they have; the engine that the new one meets does not. */
static void meet_an_empty_engine(const trouble_t *fleet, int64_t after)
{
    begin(fleet, 42, fleet->fronts);
    const uint32_t newest = fleet->fronts - 1;
    lose(newest);
    lb_share_front_forget(&fronts[0].front, fronts[newest].front.name);
    settle(10 * SECOND);
    connect_to(elsewhere(), 0, newest);
    call_engine("flush", master, 0);
    start((int)newest);
    settle(after);
}

START_TEST(new_front_waits_for_as_many_as_are_expected)
{
    const trouble_t fleet = { .fronts = 3, .limit = 60, .expects_all = true };
    meet_an_empty_engine(&fleet, 3600 * SECOND);
    ck_assert_uint_eq(may_use(2, 0), 0);
    ck_assert(!fronts[2].front.has_joined);
    fronts[0].engine = fronts[1].engine = master;
    settle(10 * SECOND);
    ck_assert_uint_eq(may_use(2, 0), 20);
    end();
}
END_TEST

/* Without that, it waits for longer than others need to try again when the engine is back. */
START_TEST(new_front_waits_until_the_others_would_be_back)
{
    const trouble_t fleet = { .fronts = 3, .limit = 60 };
    meet_an_empty_engine(&fleet, 9 * SECOND);
    ck_assert_uint_eq(may_use(2, 0), 0);
    fronts[0].engine = fronts[1].engine = master;
    settle(10 * SECOND);
    ck_assert_uint_eq(may_use(2, 0), 20);
    end();
}
END_TEST

START_TEST(fleet_begins_as_soon_as_all_that_are_expected_have_met)
{
    const trouble_t fleet = { .fronts = 3, .limit = 60, .expects_all = true };
    begin(&fleet, 43, fleet.fronts);
    for (uint32_t i = 0; i < fleet.fronts; i++) {
        lose(i);
    }
    call_engine("flush", master, 0);
    start(0);
    start(1);
    settle(60 * SECOND);
    ck_assert_uint_eq(used_by_all(0), 0);
    start(2);
    settle(3 * SECOND);
    ck_assert_uint_eq(used_by_all(0), 60);
    end();
}
END_TEST

/* It uses its floor, however long it is alone. */
START_TEST(front_that_is_cut_off_for_days_is_not_forgotten)
{
    const trouble_t fleet = { .fronts = 3, .limit = 60 };
    begin(&fleet, 44, fleet.fronts);
    settle(10 * SECOND);
    connect_to(elsewhere(), 2, 3);
    settle(20 * SECOND);
    now += 48 * 3600 * SECOND;
    settle(20 * SECOND);
    ck_assert_uint_eq(may_use(2, 0), 20);
    end();
}
END_TEST

static void want_only(uint32_t from, uint32_t to, uint32_t demand);

START_TEST(smallest_limit_counts_while_they_differ)
{
    const trouble_t fleet = { .fronts = 3, .limit = 60 };
    begin(&fleet, 45, fleet.fronts);
    settle(10 * SECOND);
    want_only(0, 2, 60);
    fronts[2].members[0].limit = 30;
    settle(20 * SECOND);
    ck_assert_uint_le(used_by_all(0), 30);
    ck_assert_uint_eq(used_by_all(1), 60);
    fronts[2].members[0].limit = 60;
    settle(20 * SECOND);
    ck_assert_uint_eq(used_by_all(0), 60);
    end();
}
END_TEST

START_TEST(front_that_cannot_read_what_others_say_takes_no_more)
{
    const trouble_t fleet = { .fronts = 3, .limit = 60 };
    begin(&fleet, 46, fleet.fronts);
    settle(10 * SECOND);
    unclear = 0;
    want_only(0, 1, 60);
    settle(10 * SECOND);
    ck_assert_uint_eq(may_use(0, 0), 20);
    unclear = -1;
    settle(2 * SECOND);
    ck_assert_uint_ge(may_use(0, 0), 57);
    end();
}
END_TEST

/* Meanwhile it has used what the others use, too: the operator was wrong. */
START_TEST(front_that_was_forgotten_and_comes_back_joins_anew)
{
    const trouble_t fleet = { .fronts = 3, .limit = 60 };
    begin(&fleet, 47, fleet.fronts);
    settle(10 * SECOND);
    connect_to(elsewhere(), 2, 3);
    settle(10 * SECOND);
    is_lenient = true;
    lb_share_front_forget(&fronts[0].front, fronts[2].front.name);
    settle(20 * SECOND);
    ck_assert_uint_eq(may_use(0, 0) + may_use(1, 0), 60);
    fronts[2].engine = master;
    settle(2 * SECOND);
    is_lenient = false;
    check_limit();
    settle(10 * SECOND);
    ck_assert_uint_eq(may_use(2, 0), 20);
    ck_assert_uint_eq(used_by_all(0), 60);
    end();
}
END_TEST

/* What it kept of such a member is of long ago: others use it by now. */
START_TEST(member_that_its_record_has_not_is_new_to_a_front)
{
    const trouble_t fleet = { .fronts = 2, .limit = 60 };
    begin(&fleet, 48, fleet.fronts);
    settle(10 * SECOND);
    fronts[1].front.count = 1;
    fronts[1].members[1] = (lb_share_member_t){ 0 };
    settle(20 * SECOND);
    ck_assert_uint_eq(may_use(0, 1), 60);
    fronts[1].floors[1] = 30;
    start(1);
    settle(10 * SECOND);
    ck_assert_uint_eq(may_use(0, 1), 30);
    end();
}
END_TEST

/* ---- Another life of the data ---------------------------------------------------------------- */

/* A call of web0 as it could come late.
 * returns  was it written? */
static bool call_late(const char *epoch, uint64_t own, const char *decided_on, exchange_t *e)
{
    *e = (exchange_t){ .record = strdup("shares 1 0 0\n") };
    snprintf(e->epoch, sizeof(e->epoch), "%s", epoch);
    snprintf(e->own, sizeof(e->own), "%llu", (unsigned long long)own);
    snprintf(e->decided_on, sizeof(e->decided_on), "%s", decided_on);
    execute(0, master, e);
    free_texts(e);
    return e->is_written;
}

START_TEST(call_that_comes_late_is_not_written)
{
    const trouble_t fleet = { .fronts = 1, .limit = 60 };
    exchange_t e;
    char epoch[LB_SHARE_EPOCH_MAX + 1];
    begin(&fleet, 49, fleet.fronts);
    is_lenient = true;
    memcpy(epoch, fronts[0].epoch, sizeof(epoch));
    call_engine("flush", master, 0);
    settle(5 * SECOND);
    while (fronts[0].exchange.is_under_way) {
        step();
    }
    const lb_share_front_t *front = &fronts[0].front;
    ck_assert(!call_late(epoch, front->own_stamp, "", &e));
    ck_assert(strcmp(e.epoch_now, front->epoch) == 0);
    ck_assert(!call_late(front->epoch, front->own_stamp - 1, "", &e));
    ck_assert(!call_late(front->epoch, front->own_stamp, "1", &e));
    ck_assert(call_late(front->epoch, front->own_stamp, "", &e));
    is_lenient = false;
    end();
}
END_TEST

START_TEST(epochs_go_on_from_the_greatest_that_a_front_knows)
{
    const trouble_t fleet = { .fronts = 1, .limit = 60 };
    exchange_t e;
    begin(&fleet, 50, fleet.fronts);
    ck_assert(!call_late("7.other", 0, "", &e));
    ck_assert(strncmp(e.epoch_now, "8.", 2) == 0);
    ck_assert(!call_late("8.other", 0, "", &e));
    ck_assert(strncmp(e.epoch_now, "9.", 2) == 0);
    end();
}
END_TEST

/* What it has lent elsewhere is not its own, though its record here says so. */
START_TEST(front_that_starts_again_at_an_older_store_begins_anew)
{
    const trouble_t fleet = { .fronts = 2, .limit = 60 };
    begin(&fleet, 51, fleet.fronts);
    settle(10 * SECOND);
    connect_to(elsewhere(), 0, 2);
    want_only(1, 2, 60);
    settle(20 * SECOND);
    ck_assert_uint_ge(may_use(1, 0), 57);
    fronts[0].engine = master;
    start(0);
    settle(20 * SECOND);
    ck_assert_uint_eq(used_by_all(0), 60);
    end();
}
END_TEST

START_TEST(front_that_ends_before_it_tells_its_floors_keeps_them)
{
    const trouble_t fleet = { .fronts = 2, .limit = 60 };
    char epoch[LB_SHARE_EPOCH_MAX + 1];
    begin(&fleet, 52, fleet.fronts);
    settle(10 * SECOND);
    connect_to(elsewhere(), 1, 2);
    memcpy(epoch, fronts[0].epoch, sizeof(epoch));
    call_engine("flush", master, 0);
    while (strcmp(fronts[0].epoch, epoch) == 0) {
        step();
    }
    start(0);
    settle(20 * SECOND);
    ck_assert_uint_eq(may_use(0, 0), 30);
    end();
}
END_TEST

/* Nobody has forgotten it: it goes on, and what it has lent stays lent. */
START_TEST(record_that_vanishes_is_told_again)
{
    const trouble_t fleet = { .fronts = 3, .limit = 60 };
    begin(&fleet, 53, fleet.fronts);
    settle(10 * SECOND);
    want_only(1, 2, 60);
    settle(10 * SECOND);
    call_engine("vanish", master, 0);
    settle(10 * SECOND);
    ck_assert_uint_eq(used_by_all(0), 60);
    ck_assert_uint_ge(may_use(1, 0), 58);
    end();
}
END_TEST

/* ---- What is used when all is well ----------------------------------------------------------- */

static void want_only(uint32_t from, uint32_t to, uint32_t demand)
{
    for (uint32_t i = 0; i < trouble.fronts; i++) {
        for (int m = 0; m < MEMBERS; m++) {
            fronts[i].demand[m] = i >= from && i < to ? demand : 0;
        }
    }
}

/* What those who want it may use, with the one that each idle front keeps. */
static void check_is_used(uint32_t from, uint32_t to)
{
    for (int m = 0; m < MEMBERS; m++) {
        uint32_t sum = trouble.fronts - (to - from);
        for (uint32_t i = from; i < to; i++) {
            sum += may_use((int)i, m);
        }
        if (sum * 100 < trouble.limit * 95) {
            show(m);
            ck_abort_msg("only %u of %u are used", sum, trouble.limit);
        }
    }
}

START_TEST(all_of_it_is_used_within_two_seconds)
{
    trouble_t none = { .fronts = 3 + (uint32_t)_i, .limit = 60 + 7 * (uint32_t)_i };
    begin(&none, 1000 + (uint64_t)_i, none.fronts);
    settle(10 * SECOND);
    for (uint32_t round = 0; round < 30; round++) {
        const uint32_t from = any_below(none.fronts);
        const uint32_t to = from + 1 + any_below(none.fronts - from);
        want_only(from, to, none.limit);
        settle(2 * SECOND);
        check_is_used(from, to);
        settle(any_below(10 * SECOND));
        check_is_used(from, to);
    }
    end();
}
END_TEST

/* What its floor is made of is lent, and in use. */
START_TEST(front_that_joins_waits_for_requests_to_end)
{
    const trouble_t none = { .fronts = 3, .limit = 60, .slow = _i % 2 ? 15 : 0 };
    begin(&none, 2000 + (uint64_t)_i, none.fronts);
    settle(10 * SECOND);
    lose(2);
    lb_share_front_forget(&fronts[0].front, fronts[2].front.name);
    want_only(0, 1, none.limit);
    settle(20 * SECOND);
    ck_assert_uint_ge(may_use(0, 0), 57);
    start(2);
    want_only(0, 3, none.limit);
    settle(20 * SECOND);
    check_is_used(0, 3);
    ck_assert_uint_ge(may_use(2, 0), 19);
    end();
}
END_TEST

/* It was cut off, so its floor is in use, though it had lent it; and less is to be its floor. */
START_TEST(floor_that_is_in_use_is_neither_lent_nor_given_up)
{
    const trouble_t none = { .fronts = 3, .limit = 60 };
    begin(&none, 3000 + (uint64_t)_i, none.fronts);
    lose(2);
    lb_share_front_forget(&fronts[0].front, fronts[2].front.name);
    want_only(1, 2, none.limit);
    settle(20 * SECOND);
    ck_assert_uint_ge(may_use(1, 0), 59);
    connect_to(NOWHERE, 0, 1);
    want_only(0, 2, none.limit);
    settle(20 * SECOND);
    ck_assert_uint_eq(fronts[0].in_flight[0], 30);
    start(2);
    want_only(0, 3, none.limit);
    settle(any_below(2 * SECOND));
    trouble.slow = 1000000;    /* its requests do not end */
    trouble.late = 2;
    fronts[0].engine = master;
    go_on_for(10 * SECOND);
    trouble.slow = 0;
    settle(20 * SECOND);
    check_is_used(0, 3);
    ck_assert_uint_ge(may_use(2, 0), 19);
    end();
}
END_TEST

START_TEST(all_of_it_is_used_again_after_everything_failed)
{
    trouble_t wild = everything;
    wild.crash = 0;
    wild.fronts = 5;
    begin(&wild, 7 + (uint64_t)_i, wild.fronts);
    settle(10 * SECOND);
    for (uint32_t round = 0; round < 10; round++) {
        for (uint64_t n = steps_done + 5000; steps_done < n;) {
            step();
        }
        for (uint32_t i = 0; i < wild.fronts; i++) {
            fronts[i].engine = master;
            fronts[i].paused_until = 0;
        }
        want_only(0, 2, wild.limit);
        settle(20 * SECOND);
        check_is_used(0, 2);
    }
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("share front");
    TCase *tc = tcase_create("share front");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, limit_holds_in_a_small_fleet);
    tcase_add_test(tc, limit_holds_whatever_fails);
    tcase_add_test(tc, limit_holds_with_a_store_that_nobody_would_use);
    tcase_add_test(tc, limit_holds_while_fronts_come_and_go);
    tcase_add_test(tc, limit_holds_while_one_after_the_other_is_cut_off);
    tcase_add_test(tc, smallest_limit_counts_while_they_differ);
    tcase_add_test(tc, front_that_cannot_read_what_others_say_takes_no_more);
    tcase_add_test(tc, front_that_was_forgotten_and_comes_back_joins_anew);
    tcase_add_test(tc, member_that_its_record_has_not_is_new_to_a_front);
    tcase_add_test(tc, call_that_comes_late_is_not_written);
    tcase_add_test(tc, epochs_go_on_from_the_greatest_that_a_front_knows);
    tcase_add_test(tc, front_that_starts_again_at_an_older_store_begins_anew);
    tcase_add_test(tc, front_that_ends_before_it_tells_its_floors_keeps_them);
    tcase_add_test(tc, record_that_vanishes_is_told_again);
    tcase_add_test(tc, new_front_waits_for_as_many_as_are_expected);
    tcase_add_test(tc, new_front_waits_until_the_others_would_be_back);
    tcase_add_test(tc, fleet_begins_as_soon_as_all_that_are_expected_have_met);
    tcase_add_test(tc, front_that_is_cut_off_for_days_is_not_forgotten);
    tcase_add_loop_test(tc, all_of_it_is_used_within_two_seconds, 0, 8);
    tcase_add_loop_test(tc, front_that_joins_waits_for_requests_to_end, 0, 8);
    tcase_add_loop_test(tc, floor_that_is_in_use_is_neither_lent_nor_given_up, 0, 20);
    tcase_add_loop_test(tc, all_of_it_is_used_again_after_everything_failed, 0, 4);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
