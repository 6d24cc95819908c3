/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* share_exchange.c - see share_exchange.h.
 *
 * If another process has written rows since this one did, it asks the engine anew. */
#include "share_exchange.h"

#include <string.h>

#include "apr_strings.h"
#include "clock.h"
#include "fastcgi_log.h"
#include "http_log.h"
#include "http_main.h"
#include "seal.h"
#include "share_file.h"
#include "share_rows.h"
#include "share_script.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;
APLOG_USE_MODULE(balancer_byrequests);

#define MARGIN_US  apr_time_from_sec(1)
#define HURRY_PART 8    /* of an interval: the next turn, while something is about to move */

/* Of the process whose thread talks to the engine. */
static struct {
    apr_pool_t *answer;               /* of the last answer */
    apr_pool_t *file;                 /* of what was read from the file */
    lb_share_front_t front;
    lb_share_rows_t rows;
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

/* ---- The front ------------------------------------------------------------------------------- */

static void begin_front(const lb_fleet_settings_t *settings)
{
    if (share.is_begun) {
        return;
    }
    apr_pool_create(&share.answer, NULL);
    apr_pool_create(&share.file, NULL);
    apr_cpystrn(share.front.name, settings->front, sizeof(share.front.name));
    share.front.lease = settings->lease;
    share.front.margin = MARGIN_US;
    share.front.expected = (uint32_t)settings->fronts;
    share.kept = lb_share_file_load(share.file, &share.front);
    share.is_begun = true;
}

static void list_members(void)
{
    if (!lb_share_rows_list(&share.rows, &share.front, share.kept)) {
        lb_share_front_forget_state(&share.front);
        apr_pool_clear(share.file);
        share.kept = lb_share_file_load(share.file, &share.front);
    }
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
    lb_share_rows_write(&share.rows, &share.front);
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
    if (lb_share_rows_slots() == 0) {
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
    lb_share_rows_write(&share.rows, &share.front);
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
    if (lb_share_rows_slots() == 0) {
        return;
    }
    begin_front(lb_fleet_settings());
    list_members();
    lb_share_rows_write(&share.rows, &share.front);
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
