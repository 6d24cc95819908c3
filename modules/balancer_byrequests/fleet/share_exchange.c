/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* share_exchange.c - see share_exchange.h.
 *
 * What a member may use lies in its row, and only there: the thread that writes it may be another
 * one next time, in another process. What this process remembers holds as long as the rows are as
 * it left them; else it asks the engine anew. */
#include "share_exchange.h"

#include <string.h>

#include "apr_strings.h"
#include "clock.h"
#include "fastcgi_log.h"
#include "gate.h"
#include "http_log.h"
#include "http_main.h"
#include "member.h"
#include "name_hash.h"
#include "seal.h"
#include "share_file.h"
#include "share_script.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;
APLOG_USE_MODULE(balancer_byrequests);

#define MARGIN_US  apr_time_from_sec(1)
#define HURRY_PART 8    /* of an interval: the next turn, while something is about to move */

/* Where a member of the front stands. */
typedef struct {
    lb_member_t member;
    uint32_t written_share, written_floor;    /* its row, as this process has left it */
    int64_t written_until;
} place_t;

/* Of the process whose thread talks to the engine. */
static struct {
    apr_pool_t *p;                    /* of a turn: members come and go */
    apr_pool_t *answer;               /* of the last answer */
    apr_pool_t *file;                 /* of what was read from the file */
    bool is_stale;                    /* another process has written the rows */
    lb_share_front_t front;
    place_t *places;                  /* as many as members */
    apr_array_header_t *kept;         /* floors from the file: of lb_share_told_t */
    bool is_begun;                    /* front is there */
    bool is_in_turn;
    const lb_ask_t *ask;              /* in this round; NULL: none */
    uint32_t told_of_met;             /* so many fronts are too few; 0: has not told of it */
    bool has_warned;                  /* of a record that cannot be read */
} share;

int lb_share_exchange_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                                  server_rec *s)
{
    const apr_array_header_t *all = lb_balancer_all();
    bool any = false;

    for (int i = 0; all && i < all->nelts; i++) {
        const lb_balancer_t *balancer = APR_ARRAY_IDX(all, i, lb_balancer_t *);
        any |= lb_fleet_settings_shares(balancer->settings->fleet, LB_FLEET_LIMITS);
    }
    if (any) {
        lb_share_file_make_folder(pconf, s);
    }
    if (any && lb_fleet_settings()->fronts == 0
        && ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_CONFIG) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s, FCLOGNO(0542)
                     "BalancerFleet: without fronts=, a new front that meets an empty store while "
                     "the others are cut off from it takes all of each shared limit. Fix: give the "
                     "number of fronts as fronts=");
    }
    return OK;
}

/* ---- The rows -------------------------------------------------------------------------------- */

static lb_table_t *table_of(const place_t *place)
{
    return place->member.balancer->ledger->table;
}

/* returns  did it get more? */
static bool write_row(place_t *place, lb_share_member_t *member, int64_t now)
{
    const uint32_t before = lb_table_share_of(place->member.row);

    member->in_flight = lb_ledger_set_part(table_of(place), lb_member_index(&place->member),
                                           member->share, member->floor, member->until);
    atomic_store(&place->member.row->part.is_new, member->is_new);
    place->written_share = member->share;
    place->written_floor = member->floor;
    place->written_until = member->until;
    return lb_share_now(member, now) > before;
}

static void read_row(place_t *place, lb_share_member_t *member)
{
    const lb_share_row_t *part = &place->member.row->part;

    member->share = place->written_share = atomic_load(&part->share);
    member->floor = place->written_floor = atomic_load(&part->floor);
    member->until = place->written_until = atomic_load(&part->until);
    member->is_new = atomic_load(&part->is_new) != 0;
}

static bool is_as_written(const place_t *place)
{
    const lb_share_row_t *part = &place->member.row->part;

    return place->written_share == atomic_load(&part->share)
           && place->written_floor == atomic_load(&part->floor)
           && place->written_until == atomic_load(&part->until);
}

static void write_rows(void)
{
    const int64_t now = fc_now();

    for (size_t i = 0; i < share.front.count; i++) {
        if (write_row(&share.places[i], &share.front.members[i], now)) {
            lb_gate_serve(share.places[i].member.balancer);
        }
    }
}

/* ---- The members ----------------------------------------------------------------------------- */

/* The same for all fronts that have the same configuration. */
static uint64_t key_of(const lb_member_t *member)
{
    const lb_balancer_t *balancer = member->balancer;
    const proxy_worker_shared *s = member->worker->s;
    const uint64_t key = fc_name_hash(fc_name_hash(FC_NAME_HASH_START, balancer->vhost),
                                      balancer->proxy->s->name);

    return fc_name_hash(fc_name_hash(key, s->uds_path), s->name_ex);
}

static uint32_t kept_floor(uint64_t key)
{
    for (int i = 0; i < share.kept->nelts; i++) {
        const lb_share_told_t *told = &APR_ARRAY_IDX(share.kept, i, lb_share_told_t);
        if (told->member == key) {
            return told->floor;
        }
    }
    return 0;
}

/* httpd was started: what it had lent before, nobody knows. */
static void begin_row(lb_share_member_t *member, int64_t now)
{
    if (member->share == 0 && member->floor == 0 && member->until == 0) {
        member->floor = kept_floor(member->key);
        member->until = now + share.front.lease + share.front.margin;
        member->is_new = true;
    }
}

static const lb_share_member_t *find_before(const lb_share_member_t *before, size_t count,
                                            uint64_t key)
{
    for (size_t i = 0; i < count; i++) {
        if (before[i].key == key) {
            return &before[i];
        }
    }
    return NULL;
}

static void add_member(const lb_member_t *member, const lb_share_member_t *before,
                       size_t count_before, const place_t *places_before)
{
    lb_share_front_t *front = &share.front;
    const uint32_t limit = lb_table_limit_of(member->row);
    const uint64_t key = key_of(member);
    const lb_share_member_t *same = find_before(before, count_before, key);
    place_t *place = &share.places[front->count];
    lb_share_member_t *added = &front->members[front->count];

    if (limit == 0 || !atomic_load(&member->row->is_shared)) {
        return;
    }
    *added = same ? *same : (lb_share_member_t){ .key = key };
    *place = same ? places_before[same - before] : (place_t){ 0 };
    place->member = *member;
    if (!same || !is_as_written(place)) {
        share.is_stale |= same != NULL;
        read_row(place, added);
        begin_row(added, fc_now());
    }
    added->limit = limit;
    added->in_flight = atomic_load(&member->row->in_flight);
    added->want = added->in_flight + atomic_load(&member->row->waiting) + 1;
    front->count++;
}

/* Those who wait for any member are wanted by each as its part of them. */
static void add_waiting(const lb_balancer_t *balancer, size_t first)
{
    const uint32_t members = (uint32_t)(share.front.count - first);
    const uint32_t waiting = atomic_load(&balancer->row->waiting);

    for (size_t i = first; i < share.front.count; i++) {
        share.front.members[i].want += (waiting + members - 1) / members;
    }
}

static bool is_shared(const lb_balancer_t *balancer)
{
    return balancer->owner == balancer
           && lb_fleet_settings_shares(balancer->settings->fleet, LB_FLEET_LIMITS);
}

static size_t count_slots(void)
{
    const apr_array_header_t *all = lb_balancer_all();
    size_t n = 0;

    for (int i = 0; i < all->nelts; i++) {
        const lb_balancer_t *balancer = APR_ARRAY_IDX(all, i, lb_balancer_t *);
        n += is_shared(balancer) ? (size_t)balancer->slots : 0;
    }
    return n;
}

/* Who is there now, with what is known of them. */
static void list_members(void)
{
    const apr_array_header_t *all = lb_balancer_all();
    const lb_share_member_t *before = share.front.members;
    const size_t count_before = share.front.count;
    const place_t *places_before = share.places;
    apr_pool_t *p_before = share.p;
    const size_t slots = count_slots();
    lb_member_t member;

    apr_pool_create(&share.p, NULL);
    share.front.members = apr_pcalloc(share.p, (slots + 1) * sizeof(lb_share_member_t));
    share.front.telling = apr_pcalloc(share.p, (slots + 1) * sizeof(lb_share_told_t));
    share.places = apr_pcalloc(share.p, (slots + 1) * sizeof(place_t));
    share.front.count = 0;
    for (int i = 0; i < all->nelts; i++) {
        const lb_balancer_t *balancer = APR_ARRAY_IDX(all, i, lb_balancer_t *);
        const size_t first = share.front.count;
        for (int k = 0; is_shared(balancer) && lb_member_next(balancer, &k, &member)
                        && share.front.count < slots;) {
            add_member(&member, before, count_before, places_before);
        }
        if (share.front.count > first) {
            add_waiting(balancer, first);
        }
    }
    share.front.is_changed |= share.front.count < count_before;    /* their floors are not kept */
    if (p_before) {
        apr_pool_destroy(p_before);
    }
    if (share.is_stale) {    /* what this process remembers is of long ago */
        share.is_stale = false;
        lb_share_front_forget_state(&share.front);
        apr_pool_clear(share.file);
        share.kept = lb_share_file_load(share.file, &share.front);
    }
}

/* ---- The front ------------------------------------------------------------------------------- */

static void begin_front(const lb_fleet_settings_t *settings)
{
    if (share.is_begun) {
        return;
    }
    apr_pool_create(&share.p, NULL);
    apr_pool_create(&share.answer, NULL);
    apr_pool_create(&share.file, NULL);
    apr_cpystrn(share.front.name, settings->front, sizeof(share.front.name));
    share.front.lease = settings->lease;
    share.front.margin = MARGIN_US;
    share.front.expected = (uint32_t)settings->fronts;
    share.kept = lb_share_file_load(share.file, &share.front);
    share.is_begun = true;
}

static const char *add_name(apr_pool_t *p, const char *draft, void *name)
{
    return apr_pstrcat(p, draft ? draft : "", *(const char **)name, " ", NULL);
}

static const char *empty_draft(apr_pool_t *p, const char *draft, void *unused)
{
    return "";
}

bool lb_share_exchange_forget(apr_pool_t *p, const char *front)
{
    return lb_board_edit(p, LB_KIND_SHARE, add_name, &front);
}

static void forget_fronts(apr_pool_t *p)
{
    char *names = lb_board_draft(p, LB_KIND_SHARE), *last;

    for (char *name = names ? apr_strtok(names, " ", &last) : NULL; name;
         name = apr_strtok(NULL, " ", &last)) {
        lb_share_front_forget(&share.front, name);
    }
    if (names && *names) {
        lb_board_edit(p, LB_KIND_SHARE, empty_draft, NULL);
    }
}

/* ---- Calls ----------------------------------------------------------------------------------- */

/* A record is worth nothing in another epoch. */
static lb_seal_t seal_of(const lb_fleet_round_t *round, const char *front, const char *epoch)
{
    return (lb_seal_t){ .secret = round->settings->secret,
                        .fleet = round->settings->name,
                        .kind = apr_pstrcat(round->p, "share ", epoch, NULL),
                        .front = front };
}

static const char *sealed_record(const lb_fleet_round_t *round)
{
    char *text = apr_palloc(round->p, LB_SHARE_RECORD_BYTES(share.front.count) + 1);
    const lb_seal_t seal = seal_of(round, share.front.name, share.front.epoch);
    const lb_sealed_t sealed = { .sequence = share.front.own_stamp + 1,
                                 .incarnation = lb_board_incarnation(),
                                 .text = text };

    return lb_share_front_tell(&share.front, text) > 0 ? lb_seal_close(round->p, &seal, &sealed)
                                                       : "";
}

static void ask(lb_fleet_round_t *round, const char *record)
{
    const lb_share_front_t *front = &share.front;
    const lb_share_other_t *gone = lb_share_front_gone(front, fc_now());
    apr_array_header_t *keys = apr_array_make(round->p, 1, sizeof(const char *));
    apr_array_header_t *args = apr_array_make(round->p, 8, sizeof(const char *));
    uint64_t random;

    ap_random_insecure_bytes(&random, sizeof(random));
    APR_ARRAY_PUSH(keys, const char *) = lb_round_key(round, "shares");
    APR_ARRAY_PUSH(args, const char *) = front->name;
    APR_ARRAY_PUSH(args, const char *) = front->epoch;
    APR_ARRAY_PUSH(args, const char *) =
        apr_psprintf(round->p, "%016" APR_UINT64_T_HEX_FMT, random);
    APR_ARRAY_PUSH(args, const char *) =
        apr_psprintf(round->p, "%" APR_UINT64_T_FMT, front->own_stamp);
    APR_ARRAY_PUSH(args, const char *) =
        front->kind == LB_SHARE_RAISE ? apr_psprintf(round->p, "%" APR_UINT64_T_FMT, front->stamp)
                                      : "";
    APR_ARRAY_PUSH(args, const char *) = record;
    APR_ARRAY_PUSH(args, const char *) = gone ? gone->name : "";
    APR_ARRAY_PUSH(args, const char *) =
        apr_psprintf(round->p, "%" APR_UINT64_T_FMT, gone ? gone->stamp : 0);
    share.ask = lb_round_run(round, lb_share_script, keys, args);
}

/* One call: what each member may use is applied, and kept, before it is told. */
static void call(lb_fleet_round_t *round)
{
    share.is_in_turn = lb_share_front_plan(&share.front, fc_now());
    write_rows();
    if (!share.is_in_turn) {
        return;
    }
    const char *record = sealed_record(round);
    if (share.front.is_changed && !lb_share_file_save(round->p, &share.front)) {
        share.is_in_turn = false;
        return;
    }
    share.front.is_changed = false;
    if (record) {
        ask(round, record);
    }
}

static void before(lb_fleet_round_t *round)
{
    share.ask = NULL;
    if (count_slots() == 0) {
        return;
    }
    if (!share.is_in_turn) {
        begin_front(round->settings);
        forget_fronts(round->p);
        list_members();
        lb_share_front_begin(&share.front);
    }
    call(round);
}

/* ---- Answers --------------------------------------------------------------------------------- */

static const char *text_at(int i)
{
    const fc_span_t *text = &APR_ARRAY_IDX(share.ask->texts, i, fc_span_t);
    return text->at ? (const char *)text->at : "";
}

static void note_unclear(const char *front, const char *why)
{
    share.front.is_unclear = true;
    if (!share.has_warned) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, ap_server_conf, FCLOGNO(0572)
                     "fleet: the shares of the front %s cannot be read: %s. Until they can, this "
                     "front takes no more than it has",
                     front, why);
    }
    share.has_warned = true;
}

/* "STAMP SEALED" */
static void take_record(const lb_fleet_round_t *round, const char *epoch, const char *name,
                        const char *text)
{
    lb_share_front_t *front = &share.front;
    const char *space = strchr(text, ' ');
    const lb_seal_t seal = seal_of(round, name, epoch);
    const size_t room = strlen(text) / 8;    /* a member's line is longer */
    lb_sealed_t sealed;

    if (front->other_count == LB_SHARE_FRONTS || !space || !lb_share_roster_is_name(name)) {
        note_unclear(name, "there are more fronts than that, or it is none");
        return;
    }
    const char *why = lb_seal_open(round->p, &seal, space + 1, &sealed);
    if (why) {
        note_unclear(name, why);
        return;
    }
    lb_share_other_t *other = &front->others[front->other_count];
    apr_cpystrn(other->name, name, sizeof(other->name));
    other->stamp = (uint64_t)apr_atoi64(text);
    if (!lb_share_record_read(sealed.text, &other->record,
                              apr_palloc(share.answer, (room + 1) * sizeof(lb_share_told_t)),
                              room)) {
        note_unclear(name, "it is not of this version");
        return;
    }
    front->other_count++;
}

static void take_records(const lb_fleet_round_t *round, const char *epoch)
{
    share.front.other_count = 0;
    share.front.is_unclear = false;
    apr_pool_clear(share.answer);
    for (int i = 3; i + 1 < share.ask->texts->nelts; i += 2) {
        take_record(round, epoch, text_at(i), text_at(i + 1));
    }
    share.has_warned &= share.front.is_unclear;
}

static void note_joined(bool had_joined)
{
    if (share.front.has_joined && !had_joined) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, ap_server_conf, FCLOGNO(0574)
                     "fleet: %s takes part in shared limits, as one of %u fronts", share.front.name,
                     share.front.roster.count);
    }
}

/* Once for each number of them. */
static void note_too_few(void)
{
    const lb_share_front_t *front = &share.front;
    const uint32_t met = lb_share_front_met(front);

    if (front->has_joined || met >= front->expected || met == share.told_of_met) {
        return;
    }
    share.told_of_met = met;
    ap_log_error(APLOG_MARK, APLOG_WARNING, 0, ap_server_conf, FCLOGNO(0543)
                 "fleet: %s has no part yet in shared limits, and sends no requests to members "
                 "that have them: %u of fronts=%u have met",
                 front->name, met, front->expected);
}

static void after(lb_fleet_round_t *round)
{
    const bool had_joined = share.front.has_joined;

    if (!share.ask || !share.ask->texts || share.ask->texts->nelts < 3) {
        share.is_in_turn = false;
        return;
    }
    const lb_share_answer_t answer = { .is_written = text_at(0)[0] == '1',
                                       .epoch = text_at(1),
                                       .stamp = (uint64_t)apr_atoi64(text_at(2)),
                                       .sent = round->sent_at,
                                       .received = fc_now() };
    take_records(round, answer.epoch);
    lb_share_front_take(&share.front, &answer);
    write_rows();
    note_joined(had_joined);
    note_too_few();
    if (share.front.is_eager) {
        round->next_in = round->settings->interval / HURRY_PART;
    }
}

static bool goes_on(void)
{
    return share.is_in_turn;
}

/* This front is alone: each share ends by itself. */
static void lost(apr_pool_t *p)
{
    size_t none = 0;

    share.is_in_turn = false;
    if (count_slots() == 0) {
        return;
    }
    begin_front(lb_fleet_settings());
    list_members();
    write_rows();
    for (size_t i = 0; i < share.front.count; i++) {
        none += share.front.members[i].floor == 0;
    }
    if (none > 0) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, ap_server_conf, FCLOGNO(0573)
                     "fleet: %s has no part yet in maxinflight of %" APR_SIZE_T_FMT
                     " members, as it has never met the other fronts, and sends them no requests "
                     "until it does. Fix: make BalancerFleet's store reachable, or take limits out "
                     "of fleet=",
                     share.front.name, none);
    }
}

const lb_exchange_t lb_share_exchange = {
    .name = "share", .before = before, .after = after, .goes_on = goes_on, .lost = lost
};
