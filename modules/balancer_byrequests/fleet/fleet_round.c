/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fleet_round.c - see fleet_round.h.
 *
 * What is fetched is as it was before what is put in the same round: so this front sees whether the
 * engine still has what it said last, and whether somebody else speaks in its name. */
#include "fleet_round.h"

#include <string.h>

#include "apr_strings.h"
#include "clock.h"
#include "fastcgi_log.h"
#include "http_log.h"
#include "http_main.h"
#include "name_hash.h"
#include "seal.h"
#include "wall_clock.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;
APLOG_USE_MODULE(balancer_byrequests);

/* A document is written again so often within a lease, though nothing has changed. */
#define SIGNS_IN_A_LEASE 3

/* A twin that is alone, because it sees this one, writes at least so often: see fleet_thread.c. */
#define TWIN_GONE_US apr_time_from_sec(8)

/* ---- Asking ---------------------------------------------------------------------------------- */

lb_fleet_round_t *lb_round_begin(apr_pool_t *p, const lb_fleet_settings_t *settings)
{
    lb_fleet_round_t *round = apr_pcalloc(p, sizeof(*round));

    round->p = p;
    round->settings = settings;
    round->asks = apr_array_make(p, 8, sizeof(lb_ask_t *));
    for (int kind = 0; kind < LB_KIND_COUNT; kind++) {
        round->sent[kind] = lb_board_sent(kind);
    }
    return round;
}

const char *lb_round_key(const lb_fleet_round_t *round, const char *name)
{
    return apr_psprintf(round->p, "fc:{%s}:%s", round->settings->name, name);
}

static lb_ask_t *ask(lb_fleet_round_t *round, lb_ask_kind_t kind)
{
    lb_ask_t *made = apr_pcalloc(round->p, sizeof(*made));

    made->kind = kind;
    APR_ARRAY_PUSH(round->asks, lb_ask_t *) = made;
    return made;
}

static lb_ask_t *ask_about_kind(lb_fleet_round_t *round, lb_ask_kind_t ask_kind,
                                lb_fleet_kind_t kind)
{
    lb_ask_t *made = ask(round, ask_kind);

    made->table = lb_round_key(round, lb_board_kind_word(kind));
    return made;
}

void lb_round_fetch(lb_fleet_round_t *round, lb_fleet_kind_t kind)
{
    if (!round->fetches[kind]) {
        round->fetches[kind] = ask_about_kind(round, LB_ASK_GET_ALL, kind);
    }
}

void lb_round_remove(lb_fleet_round_t *round, const char *front)
{
    for (int kind = 0; kind < LB_KIND_COUNT; kind++) {
        ask_about_kind(round, LB_ASK_REMOVE, kind)->field = front;
    }
}

const lb_ask_t *lb_round_run(lb_fleet_round_t *round, const char *script,
                             const apr_array_header_t *keys, const apr_array_header_t *args)
{
    lb_ask_t *made = ask(round, LB_ASK_RUN);

    made->script = script;
    made->keys = keys;
    made->args = args;
    return made;
}

static lb_seal_t seal_of(const lb_fleet_round_t *round, lb_fleet_kind_t kind, const char *front)
{
    return (lb_seal_t){ .secret = round->settings->secret,
                        .fleet = round->settings->name,
                        .kind = lb_board_kind_word(kind),
                        .front = front };
}

/* ---- What this front says -------------------------------------------------------------------- */

static void warn_of_size(lb_fleet_kind_t kind, size_t bytes)
{
    static bool has_warned[LB_KIND_COUNT];

    if (!has_warned[kind]) {
        has_warned[kind] = true;
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, ap_server_conf, FCLOGNO(0567)
                     "fleet: the %s of this front has %" APR_SIZE_T_FMT
                     " bytes, more than %" APR_SIZE_T_FMT ": other fronts do not get it",
                     lb_board_kind_word(kind), bytes, lb_board_kind_bytes_max(kind));
    }
}

static bool is_due(const lb_fleet_round_t *round, const lb_board_sent_t *sent, uint64_t hash)
{
    return sent->hash != hash || sent->is_missing
           || fc_now() - sent->at > round->settings->lease / SIGNS_IN_A_LEASE;
}

/* The time of day, so that another life of this httpd goes on with higher ones. */
static uint64_t first_sequence(void)
{
    return (uint64_t)lb_wall_clock_of(fc_now());
}

static void put(lb_fleet_round_t *round, lb_fleet_kind_t kind, const char *text, uint64_t sequence)
{
    const char *front = round->settings->front;
    const lb_seal_t seal = seal_of(round, kind, front);
    const lb_sealed_t sealed = { .sequence = sequence,
                                 .incarnation = lb_board_incarnation(),
                                 .text = text };
    const char *closed = lb_seal_close(round->p, &seal, &sealed);

    if (closed) {
        lb_ask_t *made = ask_about_kind(round, LB_ASK_PUT, kind);
        made->field = front;
        made->value = fc_span_of(closed);
        round->is_sent[kind] = true;
    }
}

void lb_round_publish(lb_fleet_round_t *round, lb_fleet_kind_t kind, const char *text)
{
    const lb_board_sent_t *last = &round->sent[kind];
    const uint64_t hash = fc_name_hash(FC_NAME_HASH_START, text);

    lb_round_fetch(round, kind);
    if (strlen(text) > lb_board_kind_bytes_max(kind)) {
        warn_of_size(kind, strlen(text));
        return;
    }
    if (!is_due(round, last, hash)) {
        return;
    }
    const lb_document_t *own = lb_board_document(round->p, kind, round->settings->front);
    const uint64_t seen = own ? own->sequence : 0;
    uint64_t sequence = last->sequence ? last->sequence : first_sequence();
    if (sequence < seen) {    /* of another life of this front, when the clock was later */
        sequence = seen;
    }
    put(round, kind, text, ++sequence);
    lb_board_set_sent(kind, (lb_board_sent_t){ .sequence = sequence,
                                               .hash = hash,
                                               .at = fc_now(),
                                               .twin_at = last->twin_at });
}

/* ---- What others say ------------------------------------------------------------------------- */

static void warn_of_flaw(const char *front, lb_fleet_kind_t kind, const char *why)
{
    ap_log_error(APLOG_MARK, APLOG_WARNING, 0, ap_server_conf, FCLOGNO(0562)
                 "fleet: the %s of the front %s is ignored: %s", lb_board_kind_word(kind), front,
                 why);
}

static void warn_of_crowd(const char *front)
{
    static bool has_warned;

    if (!has_warned) {
        has_warned = true;
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, ap_server_conf, FCLOGNO(0569)
                     "fleet: %d fronts are known already; %s and any other is ignored",
                     LB_FLEET_FRONTS_MAX, front);
    }
}

static void take_flaw(lb_document_t *document, lb_fleet_kind_t kind, lb_document_flaw_t flaw,
                      const char *why)
{
    if (document->flaw == LB_DOCUMENT_GOOD) {
        warn_of_flaw(document->front, kind, why);
    }
    document->flaw = flaw;
    document->flaws++;
}

/* An older one than is known: the engine has lost writes, or somebody plays it again. */
static void take_good(lb_document_t *document, const lb_sealed_t *sealed)
{
    document->flaw = LB_DOCUMENT_GOOD;
    document->is_stored = sealed->sequence >= document->sequence;
    if (sealed->sequence > document->sequence) {
        document->text = sealed->text;
        document->sequence = sealed->sequence;
        document->incarnation = sealed->incarnation;
        document->changed_at = fc_now();
    }
}

static void take_document(lb_fleet_round_t *round, lb_fleet_kind_t kind, const char *front,
                          fc_span_t closed)
{
    const lb_document_t *known = lb_board_document(round->p, kind, front);
    lb_document_t document = known ? *known : (lb_document_t){ .front = front };
    const lb_seal_t seal = seal_of(round, kind, front);
    lb_sealed_t sealed;

    const char *why = lb_seal_open(round->p, &seal, (const char *)closed.at, &sealed);
    if (why) {
        take_flaw(&document, kind, LB_DOCUMENT_BROKEN, why);
    }
    else if (strlen(sealed.text) > lb_board_kind_bytes_max(kind)) {
        take_flaw(&document, kind, LB_DOCUMENT_TOO_BIG, "it is too big");
    }
    else {
        take_good(&document, &sealed);
    }
    if (!lb_board_keep(kind, &document)) {
        warn_of_crowd(front);
    }
}

/* ---- What the engine has of this front ------------------------------------------------------- */

/* Somebody else has just written under this name, knowing what this front wrote. */
static bool is_of_twin(const lb_fleet_round_t *round, lb_fleet_kind_t kind,
                       const lb_document_t *own)
{
    return round->sent[kind].sequence > 0 && own->is_stored
           && own->changed_at >= round->sent_at && own->incarnation != lb_board_incarnation()
           && own->sequence > round->sent[kind].sequence;
}

/* Is what was sent before this round not in the store, or one of another life with as high a number
 * as what is sent in it? */
static bool is_missing(const lb_fleet_round_t *round, lb_fleet_kind_t kind,
                       const lb_document_t *own, const lb_board_sent_t *sent)
{
    return round->is_sent[kind] ? own && own->sequence >= sent->sequence
                                : !own || !own->is_stored || own->sequence < sent->sequence
                                      || own->incarnation != lb_board_incarnation();
}

static void look_for_own(lb_fleet_round_t *round, lb_fleet_kind_t kind)
{
    const lb_document_t *own = lb_board_document(round->p, kind, round->settings->front);
    lb_board_sent_t sent = lb_board_sent(kind);
    const apr_time_t now = fc_now();

    if (own && is_of_twin(round, kind, own)) {
        sent.twin_at = now;
    }
    round->has_twin |= sent.twin_at > 0 && now - sent.twin_at < TWIN_GONE_US;
    sent.is_missing = is_missing(round, kind, own, &sent);
    lb_board_set_sent(kind, sent);
}

/* ---- All that was fetched -------------------------------------------------------------------- */

/* Of a table: field, value, field, value, ... */
static const char *field_at(const lb_ask_t *fetch, int i)
{
    const fc_span_t *field = &APR_ARRAY_IDX(fetch->texts, i, fc_span_t);
    const char *name = (const char *)field->at;

    return name && strlen(name) == field->bytes && lb_fleet_name_is_valid(name) ? name : NULL;
}

static bool has_field(const lb_ask_t *fetch, const char *name)
{
    for (int i = 0; i + 1 < fetch->texts->nelts; i += 2) {
        const char *field = field_at(fetch, i);
        if (field && strcmp(field, name) == 0) {
            return true;
        }
    }
    return false;
}

static void note_lost(lb_fleet_round_t *round, lb_fleet_kind_t kind)
{
    const apr_array_header_t *known = lb_board_documents(round->p, kind);

    for (int i = 0; i < known->nelts; i++) {
        lb_document_t document = APR_ARRAY_IDX(known, i, lb_document_t);
        if (document.is_stored && !has_field(round->fetches[kind], document.front)) {
            document.is_stored = false;
            lb_board_keep(kind, &document);
        }
    }
}

static void take_fetched(lb_fleet_round_t *round, lb_fleet_kind_t kind)
{
    const apr_array_header_t *texts = round->fetches[kind]->texts;

    for (int i = 0; i + 1 < texts->nelts; i += 2) {
        const char *front = field_at(round->fetches[kind], i);
        const fc_span_t closed = APR_ARRAY_IDX(texts, i + 1, fc_span_t);
        if (front && closed.at) {
            take_document(round, kind, front, closed);
        }
    }
    note_lost(round, kind);
    if (round->sent[kind].sequence > 0 || round->is_sent[kind]) {
        look_for_own(round, kind);
    }
}

bool lb_round_perform(lb_fleet_round_t *round, lb_engine_t *engine)
{
    round->sent_at = fc_now();
    if (!lb_engine_perform(engine, round->asks, round->p)) {
        return false;
    }
    round->answered_at = fc_now();
    for (int kind = 0; kind < LB_KIND_COUNT; kind++) {
        if (round->fetches[kind]) {
            take_fetched(round, kind);
        }
    }
    return true;
}

const apr_array_header_t *lb_round_documents(const lb_fleet_round_t *round, lb_fleet_kind_t kind)
{
    return lb_board_documents(round->p, kind);
}
