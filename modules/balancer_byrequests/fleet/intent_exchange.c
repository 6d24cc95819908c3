/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* intent_exchange.c - see intent_exchange.h.
 *
 * A front publishes all that it knows, of whatever front: what the engine forgets comes back, and
 * what was wanted on a front that is gone still holds. Wishes are merged first, and then made so
 * without a lock. Should another one for the same come in between, its wish is pending again, so
 * that in the end each setting has the value of its newest wish. What is static here only saves
 * work: another process begins anew. */
#include "intent_exchange.h"

#include <stdlib.h>
#include <string.h>

#include "apr_strings.h"
#include "clock.h"
#include "fastcgi_log.h"
#include "fleet_settings.h"
#include "http_log.h"
#include "http_main.h"
#include "intent_apply.h"
#include "intent_json.h"
#include "intent_keeper.h"
#include "intent_target.h"
#include "mod_balancer_byrequests.h"
#include "name_hash.h"
#include "setting.h"
#include "wall_clock.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;
APLOG_USE_MODULE(balancer_byrequests);

#define LOOK_AGAIN_US apr_time_from_sec(5)    /* a member may have come, or a slot be free */
#define FRESH_SECONDS 5                       /* so old may be what is said of drains that end */
#define SILENT_ROUNDS 4                       /* after a loss: others are to see what has lost */

static void (*told)(const apr_array_header_t *heard);

/* What was looked at already. */
static struct {
    uint64_t documents[LB_FLEET_FRONTS_MAX];
    uint64_t draft;
    apr_time_t at;
    apr_time_t drains_until;     /* time of day; of the last drain in the draft that ends */
    apr_time_t silent_until;     /* monotonic us: the store keeps what this front said last */
} seen;

void lb_intent_exchange_listen(void (*hear)(const apr_array_header_t *heard))
{
    told = hear;
}

static apr_time_t time_of_day(void)
{
    return lb_wall_clock_of(fc_now());
}

/* ---- What others want ------------------------------------------------------------------------ */

/* Wishes of others, and who has lost to whom by them. */
typedef struct {
    apr_pool_t *p;
    const apr_array_header_t *others;    /* of lb_intents_t * */
    apr_array_header_t *heard;           /* of lb_heard_t */
} merge_t;

static bool is_of_this_front(const lb_intent_t *wish)
{
    return strcmp(wish->stamp.front, lb_fleet_settings()->front) == 0;
}

/* Texts of the wishes are copied when it is told. */
static void tell_loss(const merge_t *merge, const lb_intent_t *winner, const lb_intent_t *loser)
{
    apr_pool_t *p = merge->p;
    const bool is_of_member = *loser->member != '\0';
    const lb_intent_target_t target = lb_intent_target_find(p, winner);

    if (!target.balancer) {
        return;
    }
    APR_ARRAY_PUSH(merge->heard, lb_heard_t) = (lb_heard_t){
        .changed = { .kind = LB_CHANGED_SETTING,
                     .balancer = apr_pstrdup(p, target.balancer->proxy->s->name),
                     .vhost = target.balancer->vhost,
                     .member = is_of_member ? lb_intent_target_url(loser->member) : NULL,
                     .setting = loser->setting,
                     .before = loser->value,
                     .after = apr_psprintf(p, "replaced by %s (%s)",
                                           lb_intent_apply_operator(p, winner), winner->value) },
        .by = lb_intent_apply_operator(p, loser),
    };
}

/* It is told on the front of the one and on that of the other, once. */
static bool note_loss(const merge_t *merge, lb_intent_t *winner, const lb_intent_t *loser)
{
    if (!lb_fleet_intent_is_conflict(winner, loser)
        || lb_fleet_intent_order(&winner->told, &loser->stamp) >= 0
        || !(is_of_this_front(winner) || is_of_this_front(loser))) {
        return false;
    }
    winner->told = loser->stamp;
    if (is_of_this_front(loser)) {
        seen.silent_until = fc_now() + SILENT_ROUNDS * lb_fleet_settings()->interval;
    }
    tell_loss(merge, winner, loser);
    return true;
}

static bool merge_wish(const merge_t *merge, lb_intents_t *own, const lb_intent_t *wish)
{
    const lb_intent_t *known = lb_fleet_intent_find(own, wish);
    const lb_intent_t before = known ? *known : (lb_intent_t){ 0 };
    lb_intent_t *winner = lb_fleet_intent_put(own, wish);

    if (winner) {
        if (before.stamp.counter) {
            note_loss(merge, winner, &before);
        }
        return true;
    }
    winner = lb_fleet_intent_find(own, wish);
    return winner && note_loss(merge, winner, wish);
}

static bool merge_all(lb_intents_t *own, void *data)
{
    const merge_t *merge = data;
    const uint64_t counter = own->counter;
    bool is_different = false;

    for (int i = 0; i < merge->others->nelts; i++) {
        const lb_intents_t *other = APR_ARRAY_IDX(merge->others, i, lb_intents_t *);
        lb_fleet_intent_see(own, other->counter);
        for (size_t k = 0; k < other->count; k++) {
            is_different |= merge_wish(merge, own, &other->entries[k]);
        }
    }
    return is_different || own->counter != counter;
}

static void warn_of_document(const lb_document_t *document, const char *why)
{
    ap_log_error(APLOG_MARK, APLOG_WARNING, 0, ap_server_conf, FCLOGNO(0580)
                 "fleet: what operators want on the front %s is ignored: %s", document->front, why);
}

/* Those that say something new.
 * room     counts all of their wishes */
static apr_array_header_t *read_documents(apr_pool_t *p, const apr_array_header_t *documents,
                                          int *room)
{
    apr_array_header_t *read = apr_array_make(p, documents->nelts + 1, sizeof(lb_intents_t *));

    for (int i = 0; i < documents->nelts && i < LB_FLEET_FRONTS_MAX; i++) {
        const lb_document_t *document = &APR_ARRAY_IDX(documents, i, lb_document_t);
        const char *why, *text = document->text ? document->text : "";
        const uint64_t hash =
            fc_name_hash(fc_name_hash(FC_NAME_HASH_START, document->front), text);
        if (hash == seen.documents[i] || !*text) {
            continue;
        }
        seen.documents[i] = hash;
        lb_intents_t *intents =
            lb_intent_json_read_other(p, text, strlen(text), time_of_day(), &why);
        if (intents) {
            APR_ARRAY_PUSH(read, lb_intents_t *) = intents;
            *room += (int)intents->count;
        }
        else {
            warn_of_document(document, why);
        }
    }
    return read;
}

static void hear_of(apr_pool_t *p, const apr_array_header_t *documents, apr_array_header_t *heard)
{
    int room = 0;
    const apr_array_header_t *read = read_documents(p, documents, &room);
    merge_t merge = { p, read, heard };

    if (read->nelts > 0) {
        lb_intent_keeper_edit(p, room, merge_all, &merge);
    }
}

/* ---- Making it so ---------------------------------------------------------------------------- */

/* The standings of those that are still the newest. */
static bool note_standings(lb_intents_t *own, void *data)
{
    const lb_intents_t *applied = data;
    bool is_different = false;

    for (size_t i = 0; i < applied->count; i++) {
        const lb_intent_t *wish = &applied->entries[i];
        lb_intent_t *now = lb_fleet_intent_find(own, wish);
        const bool is_same = now && lb_fleet_intent_order(&now->stamp, &wish->stamp) == 0
                             && now->standing != LB_INTENT_OVERRIDDEN;
        if (is_same && now->standing != wish->standing) {
            now->standing = wish->standing;
            is_different = true;
        }
    }
    return is_different;
}

static apr_time_t last_end_of_drains(const lb_intents_t *intents)
{
    const char *deadline = lb_settings[LB_SETTING_DRAIN_DEADLINE].name;
    apr_time_t last = 0;

    for (size_t i = 0; i < intents->count; i++) {
        const lb_intent_t *wish = &intents->entries[i];
        if (strcmp(wish->setting, deadline) == 0) {
            const apr_time_t end =
                wish->made_at + apr_time_from_sec(atoi(wish->value));
            last = end > last ? end : last;
        }
    }
    return last;
}

static void settle(apr_pool_t *p, apr_array_header_t *heard)
{
    uint64_t hash;
    lb_intents_t *intents = lb_intent_keeper_read(p, &hash);

    if (hash == seen.draft && fc_now() - seen.at < LOOK_AGAIN_US) {
        return;
    }
    seen.draft = hash;
    seen.at = fc_now();
    seen.drains_until = last_end_of_drains(intents);
    if (lb_intent_apply_all(p, intents, time_of_day(), heard)) {
        lb_intent_keeper_edit(p, 0, note_standings, intents);
    }
}

static void tell(const apr_array_header_t *heard)
{
    if (told && heard->nelts > 0) {
        told(heard);
    }
}

/* ---- The rounds ------------------------------------------------------------------------------ */

/* How long a drain still lasts, others reckon from when they read this: it may not be old. */
static const char *fresh(apr_pool_t *p, const char *draft)
{
    const apr_time_t now = time_of_day();
    const char *why;

    if (now >= seen.drains_until) {
        return draft;
    }
    const apr_time_t recently =
        apr_time_from_sec(apr_time_sec(now) / FRESH_SECONDS * FRESH_SECONDS);
    lb_intents_t *intents = lb_intent_json_read_own(p, draft, strlen(draft), 0, &why);
    char *text = intents ? lb_intent_json_write(intents, recently) : NULL;
    const char *copy = text ? apr_pstrdup(p, text) : draft;
    free(text);
    return copy;
}

static void before(lb_fleet_round_t *round)
{
    const char *draft = lb_board_draft(round->p, LB_KIND_INTENT);

    if (draft && fc_now() >= seen.silent_until) {
        lb_round_publish(round, LB_KIND_INTENT, fresh(round->p, draft));
    }
    lb_round_fetch(round, LB_KIND_INTENT);
}

static void after(lb_fleet_round_t *round)
{
    apr_array_header_t *heard = apr_array_make(round->p, 4, sizeof(lb_heard_t));

    hear_of(round->p, lb_round_documents(round, LB_KIND_INTENT), heard);
    settle(round->p, heard);
    tell(heard);
}

/* What was wanted before still is. */
static void lost(apr_pool_t *p)
{
    apr_array_header_t *heard = apr_array_make(p, 4, sizeof(lb_heard_t));

    settle(p, heard);
    tell(heard);
}

const lb_exchange_t lb_intent_exchange = {
    .name = "intent", .before = before, .after = after, .lost = lost
};
