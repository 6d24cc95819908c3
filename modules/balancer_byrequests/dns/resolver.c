/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* resolver.c - see resolver.h. */
#include "resolver.h"

#include <stdlib.h>
#include <string.h>

#include "apr_file_io.h"
#include "apr_strings.h"
#include "clock.h"
#include "dns_client.h"
#include "resolv_conf.h"

#define RESOLV_CONF_MAX (64 * 1024)
#define LOOKUPS_MAX     32    /* at once: a server drops what does not fit in its socket */
#define ROUND_MAX       apr_time_from_sec(60)

typedef struct {
    apr_pool_t *p;
    const lb_resolver_settings_t *settings;
    lb_resolv_conf_t conf;
    lb_dns_client_t *client;
    apr_array_header_t *lookups;        /* of lookup_t *, in the order to begin with them */
    int begun, running;
    const char *ended_by;               /* error of what was not answered */
} round_t;

typedef struct {
    round_t *round;
    const lb_question_t *asked;
    struct lookup *lookup;
    apr_hash_t *hosts;                  /* LB_DISCOVER_SRV: name -> host_t */
    const struct half *lost_by;         /* it has FAILED: what it still wants is not asked */
} question_t;

/* One type of a name. */
typedef struct half {
    struct lookup *lookup;
    uint16_t type;
    lb_dns_reply_t *reply;
    const char *server;
} half_t;

/* Records of a name: SRV alone, or those of one family or of both. */
typedef struct lookup {
    question_t *question;
    apr_array_header_t *names;          /* of const char *, one after the other */
    int name;
    half_t halves[2];
    int half_count, open;
    bool is_finished;
} lookup_t;

/* A host that an SRV record names: known from the additional section, or looked up. */
typedef struct {
    apr_array_header_t *addresses;      /* of const char * */
    uint32_t ttl;
    lookup_t *lookup;
} host_t;

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* ---- Looking a name up ----------------------------------------------------------------------- */

static void add_half(lookup_t *lookup, uint16_t type)
{
    lookup->halves[lookup->half_count++] = (half_t){ .lookup = lookup, .type = type };
}

static lookup_t *add_lookup(question_t *question, apr_array_header_t *names, bool is_service)
{
    round_t *round = question->round;
    lookup_t *lookup = apr_pcalloc(round->p, sizeof(*lookup));

    lookup->question = question;
    lookup->names = names;
    if (is_service) {
        add_half(lookup, LB_DNS_SRV);
    }
    if (!is_service && round->settings->asks_inet) {
        add_half(lookup, LB_DNS_A);
    }
    if (!is_service && round->settings->asks_inet6) {
        add_half(lookup, LB_DNS_AAAA);
    }
    APR_ARRAY_PUSH(round->lookups, lookup_t *) = lookup;
    return lookup;
}

static const char *name_of(const lookup_t *lookup)
{
    return APR_ARRAY_IDX(lookup->names, lookup->name, const char *);
}

static const half_t *half_that(const lookup_t *lookup, lb_answer_kind_t kind)
{
    for (int i = 0; i < lookup->half_count; i++) {
        if (lookup->halves[i].reply->kind == kind) {
            return &lookup->halves[i];
        }
    }
    return NULL;
}

/* The half that decides, when both are there: of a service's host the first one that is not empty,
 * else one that has records.
 * returns  NULL: both are empty */
static const half_t *result_of(const lookup_t *lookup)
{
    const half_t *records = half_that(lookup, LB_ANSWER_RECORDS);
    const half_t *failed = half_that(lookup, LB_ANSWER_FAILED);

    if (records && failed && lookup->question->asked->kind == LB_DISCOVER_SRV) {
        return records < failed ? records : failed;
    }
    return records ? records : failed;
}

static void note_reply(void *baton, lb_dns_reply_t *reply, const char *server);

static void ask(lookup_t *lookup)
{
    lookup->open = lookup->half_count;
    for (int i = 0; i < lookup->half_count; i++) {
        lb_dns_client_query(lookup->question->round->client, name_of(lookup),
                            lookup->halves[i].type, note_reply, &lookup->halves[i]);
    }
}

static void add_hosts(question_t *question, const lb_dns_reply_t *reply);

static void finish(lookup_t *lookup, const half_t *result)
{
    lookup->is_finished = true;
    lookup->question->round->running--;
    if (result && result->reply->kind == LB_ANSWER_FAILED) {
        lookup->question->lost_by = result;
    }
    else if (result && result->type == LB_DNS_SRV) {
        add_hosts(lookup->question, result->reply);
    }
}

static void note_reply(void *baton, lb_dns_reply_t *reply, const char *server)
{
    half_t *half = baton;
    lookup_t *lookup = half->lookup;

    half->reply = reply;
    half->server = server;
    if (--lookup->open > 0) {
        return;
    }
    if (!result_of(lookup) && lookup->name + 1 < lookup->names->nelts) {
        lookup->name++;
        ask(lookup);
    }
    else {
        finish(lookup, result_of(lookup));
    }
}

/* returns  is there anything to wait for? */
static bool begin_lookups(round_t *round)
{
    while (round->running < LOOKUPS_MAX && round->begun < round->lookups->nelts) {
        lookup_t *lookup = APR_ARRAY_IDX(round->lookups, round->begun++, lookup_t *);
        if (!lookup->question->lost_by) {
            round->running++;
            ask(lookup);
        }
    }
    return round->running > 0;
}

/* ---- Hosts of a service ---------------------------------------------------------------------- */

/* What the additional section says of a host, if it is all there is to know: IPv6 is not, where
 * there may be IPv4 as well.
 * returns  const char *; NULL: ask for it */
static apr_array_header_t *known_addresses(const lb_resolver_settings_t *settings,
                                           const lb_host_t *told)
{
    apr_array_header_t *addresses = !told                 ? NULL
                                    : settings->asks_inet ? told->inet
                                                          : told->inet6;
    return addresses && addresses->nelts > 0 ? addresses : NULL;
}

static host_t *add_host(question_t *question, const char *name, const lb_host_t *told)
{
    apr_pool_t *p = question->round->p;
    host_t *host = apr_pcalloc(p, sizeof(*host));

    host->addresses = known_addresses(question->round->settings, told);
    if (host->addresses) {
        host->ttl = told->ttl;
        return host;
    }
    apr_array_header_t *names = apr_array_make(p, 1, sizeof(const char *));
    APR_ARRAY_PUSH(names, const char *) = name;
    host->lookup = add_lookup(question, names, false);
    return host;
}

/* A target of "." is no host: "the service is not available here" (RFC 2782). */
static bool is_usable(const lb_dns_srv_t *service)
{
    return *service->target && service->port;
}

static void add_hosts(question_t *question, const lb_dns_reply_t *reply)
{
    question->hosts = apr_hash_make(question->round->p);
    for (int i = 0; i < reply->services->nelts; i++) {
        const lb_dns_srv_t *service = &APR_ARRAY_IDX(reply->services, i, lb_dns_srv_t);
        const char *name = service->target;
        if (is_usable(service) && !apr_hash_get(question->hosts, name, APR_HASH_KEY_STRING)) {
            apr_hash_set(question->hosts, name, APR_HASH_KEY_STRING,
                         add_host(question, name,
                                  apr_hash_get(reply->hosts, name, APR_HASH_KEY_STRING)));
        }
    }
}

/* ---- The answer ------------------------------------------------------------------------------ */

/* Of two with the same address and port, the one that SRV prefers is first. */
static int compare(const void *left, const void *right)
{
    const lb_address_t *a = left, *b = right;
    const int by_address = strcmp(a->address, b->address);

    return by_address                   ? by_address
           : a->port != b->port         ? a->port - b->port
           : a->priority != b->priority ? a->priority - b->priority
                                        : b->weight - a->weight;
}

static void sort_addresses(apr_array_header_t *addresses)
{
    lb_address_t *all = (lb_address_t *)addresses->elts;
    int kept = 0;

    qsort(all, (size_t)addresses->nelts, sizeof(*all), compare);
    for (int i = 0; i < addresses->nelts; i++) {
        if (kept == 0 || strcmp(all[i].address, all[kept - 1].address) != 0
            || all[i].port != all[kept - 1].port) {
            all[kept++] = all[i];
        }
    }
    addresses->nelts = kept;
}

static void add_addresses(lb_answer_t *answer, const apr_array_header_t *addresses,
                          lb_address_t address)
{
    for (int i = 0; i < addresses->nelts; i++) {
        apr_cpystrn(address.address, APR_ARRAY_IDX(addresses, i, const char *),
                    sizeof(address.address));
        APR_ARRAY_PUSH(answer->addresses, lb_address_t) = address;
    }
}

/* All addresses of a name, of the families that have answered. */
static void answer_by_addresses(lb_answer_t *answer, const lookup_t *lookup)
{
    for (int i = 0; i < lookup->half_count; i++) {
        const half_t *half = &lookup->halves[i];
        const lb_dns_reply_t *reply = half->reply;

        if (reply->kind == LB_ANSWER_RECORDS) {
            const lb_address_t address = { .port = lookup->question->asked->port };
            add_addresses(answer, reply->addresses, address);
            answer->ttl = least(answer->ttl, reply->ttl);
        }
        else if (reply->kind == LB_ANSWER_FAILED) {
            *(half->type == LB_DNS_A ? &answer->inet_failed : &answer->inet6_failed) = true;
            answer->error = reply->error;
        }
    }
}

/* The addresses of a host; there may be none. */
static void add_service(lb_answer_t *answer, const lb_dns_srv_t *service, const host_t *host)
{
    const half_t *result = host->lookup ? result_of(host->lookup) : NULL;
    const apr_array_header_t *addresses = result ? result->reply->addresses : host->addresses;
    const lb_address_t address = { .port = service->port,
                                   .priority = service->priority,
                                   .weight = service->weight,
                                   .target = service->target };

    if (addresses) {
        add_addresses(answer, addresses, address);
        answer->ttl = least(answer->ttl, result ? result->reply->ttl : host->ttl);
    }
}

static void answer_by_services(lb_answer_t *answer, const question_t *question,
                               const lb_dns_reply_t *reply)
{
    answer->ttl = reply->ttl;
    for (int i = 0; i < reply->services->nelts; i++) {
        const lb_dns_srv_t *service = &APR_ARRAY_IDX(reply->services, i, lb_dns_srv_t);
        if (is_usable(service)) {
            add_service(answer, service,
                        apr_hash_get(question->hosts, service->target, APR_HASH_KEY_STRING));
        }
    }
    if (answer->addresses->nelts == 0) {
        answer->kind = LB_ANSWER_EMPTY;
        answer->error = "no_data";
    }
}

/* By a half that has no records. */
static void answer_by_half(lb_answer_t *answer, const half_t *half)
{
    answer->kind = half->reply->kind;
    answer->error = half->reply->error;
    answer->ttl = half->reply->ttl;
    answer->name = name_of(half->lookup);
    answer->server = half->server;
}

static void answer_by_records(lb_answer_t *answer, const question_t *question, const half_t *half)
{
    answer->kind = LB_ANSWER_RECORDS;
    answer->name = name_of(half->lookup);
    answer->server = half->server;
    if (half->type == LB_DNS_SRV) {
        answer_by_services(answer, question, half->reply);
    }
    else {
        answer_by_addresses(answer, half->lookup);
    }
    sort_addresses(answer->addresses);
}

/* Is all there that the question wanted to know? */
static bool is_answered(const question_t *question)
{
    const apr_array_header_t *lookups = question->round->lookups;

    for (int i = 0; i < lookups->nelts; i++) {
        const lookup_t *lookup = APR_ARRAY_IDX(lookups, i, lookup_t *);
        if (lookup->question == question && !lookup->is_finished) {
            return false;
        }
    }
    return true;
}

static void write_answer(const question_t *question, lb_answer_t *answer)
{
    const round_t *round = question->round;
    const lookup_t *lookup = question->lookup;

    *answer = (lb_answer_t){ .kind = LB_ANSWER_FAILED,
                             .error = round->ended_by,
                             .name = name_of(lookup),
                             .ttl = UINT32_MAX,
                             .addresses = apr_array_make(round->p, 4, sizeof(lb_address_t)) };
    if (question->lost_by) {
        answer_by_half(answer, question->lost_by);
    }
    else if (is_answered(question)) {
        const half_t *result = result_of(lookup);
        if (result) {
            answer_by_records(answer, question, result);
        }
        else {
            answer_by_half(answer, &lookup->halves[0]);
        }
    }
}

/* ---- A round --------------------------------------------------------------------------------- */

static const char *read_text(apr_pool_t *p, const char *path)
{
    apr_file_t *file;
    apr_size_t bytes = 0;
    char *text = apr_palloc(p, RESOLV_CONF_MAX);

    if (apr_file_open(&file, path, APR_FOPEN_READ, 0, p) == APR_SUCCESS) {
        apr_file_read_full(file, text, RESOLV_CONF_MAX - 1, &bytes);
        apr_file_close(file);
    }
    text[bytes] = '\0';
    return text;
}

/* As resolv.conf(5) has it: without any, the one on this machine. */
static const apr_array_header_t *servers_of(const round_t *round)
{
    if (round->settings->servers) {
        return round->settings->servers;
    }
    if (round->conf.servers->nelts == 0) {
        APR_ARRAY_PUSH(round->conf.servers, const char *) = "127.0.0.1:53";
    }
    return round->conf.servers;
}

static void begin_round(round_t *round, question_t *questions, const lb_question_t *asked,
                        int count)
{
    round->conf = lb_resolv_conf_read(round->p, read_text(round->p, round->settings->resolv_conf));
    round->client = lb_dns_client_open(round->p, servers_of(round), round->settings);
    round->lookups = apr_array_make(round->p, count, sizeof(lookup_t *));
    for (int i = 0; i < count; i++) {
        questions[i] = (question_t){ .round = round, .asked = &asked[i] };
        questions[i].lookup = add_lookup(
            &questions[i], lb_resolv_conf_names(round->p, &round->conf, asked[i].name),
            asked[i].kind == LB_DISCOVER_SRV);
    }
}

void lb_resolver_ask(apr_pool_t *p, const lb_resolver_settings_t *settings,
                     const lb_question_t *asked, int count, int stop_fd, lb_answer_t *answers)
{
    const apr_time_t deadline = fc_now() + ROUND_MAX;
    round_t round = { .p = p, .settings = settings };
    question_t *questions = apr_palloc(p, (apr_size_t)count * sizeof(*questions));

    begin_round(&round, questions, asked, count);
    while (begin_lookups(&round)) {
        if (!lb_dns_client_wait(round.client, stop_fd, deadline)) {
            round.ended_by = fc_now() < deadline ? "stopped" : "timeout";
            break;
        }
    }
    lb_dns_client_close(round.client);
    for (int i = 0; i < count; i++) {
        write_answer(&questions[i], &answers[i]);
    }
}
