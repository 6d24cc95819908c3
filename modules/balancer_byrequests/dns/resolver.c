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
#define TIME_MAX        apr_time_from_sec(60)

/* Each service times each address of its host: two messages may stand for millions. */
#define ADDRESSES_MAX 8192

struct lb_resolution {
    apr_pool_t *p;
    const lb_resolver_settings_t *settings;
    lb_question_t question;
    apr_time_t deadline;
    lb_resolv_conf_t conf;
    lb_dns_client_t *client;
    apr_array_header_t *lookups;        /* of lookup_t *, in the order to begin with them; the first
                                           one is that of the name itself */
    int begun, running;
    apr_hash_t *hosts;                  /* LB_DISCOVER_SRV: name -> host_t */
    const struct half *lost_by;         /* it has FAILED: what it still wants is not asked */
};

/* One type of a name. */
typedef struct half {
    struct lookup *lookup;
    uint16_t type;
    lb_dns_reply_t *reply;
    const char *server;
} half_t;

/* Records of a name: SRV alone, or those of one family or of both. */
typedef struct lookup {
    lb_resolution_t *resolution;
    apr_array_header_t *names;          /* of const char *, one after the other */
    int name;
    half_t halves[2];
    int half_count, open;
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

static lookup_t *add_lookup(lb_resolution_t *resolution, apr_array_header_t *names,
                            bool is_service)
{
    lookup_t *lookup = apr_pcalloc(resolution->p, sizeof(*lookup));

    lookup->resolution = resolution;
    lookup->names = names;
    if (is_service) {
        add_half(lookup, LB_DNS_SRV);
    }
    if (!is_service && resolution->settings->asks_inet) {
        add_half(lookup, LB_DNS_A);
    }
    if (!is_service && resolution->settings->asks_inet6) {
        add_half(lookup, LB_DNS_AAAA);
    }
    APR_ARRAY_PUSH(resolution->lookups, lookup_t *) = lookup;
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

    if (records && failed && lookup->resolution->question.kind == LB_DISCOVER_SRV) {
        return records < failed ? records : failed;
    }
    return records ? records : failed;
}

static void note_reply(void *baton, lb_dns_reply_t *reply, const char *server);

static void ask(lookup_t *lookup)
{
    lookup->open = lookup->half_count;
    for (int i = 0; i < lookup->half_count; i++) {
        lb_dns_client_query(lookup->resolution->client, name_of(lookup),
                            lookup->halves[i].type, note_reply, &lookup->halves[i]);
    }
}

static void add_hosts(lb_resolution_t *resolution, const lb_dns_reply_t *reply);

static void finish(lookup_t *lookup, const half_t *result)
{
    lookup->resolution->running--;
    if (result && result->reply->kind == LB_ANSWER_FAILED) {
        lookup->resolution->lost_by = result;
    }
    else if (result && result->type == LB_DNS_SRV) {
        add_hosts(lookup->resolution, result->reply);
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

static void begin_lookups(lb_resolution_t *resolution)
{
    while (resolution->running < LOOKUPS_MAX && resolution->begun < resolution->lookups->nelts
           && !resolution->lost_by) {
        resolution->running++;
        ask(APR_ARRAY_IDX(resolution->lookups, resolution->begun++, lookup_t *));
    }
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

static host_t *add_host(lb_resolution_t *resolution, const char *name, const lb_host_t *told)
{
    apr_pool_t *p = resolution->p;
    host_t *host = apr_pcalloc(p, sizeof(*host));

    host->addresses = known_addresses(resolution->settings, told);
    if (host->addresses) {
        host->ttl = told->ttl;
        return host;
    }
    apr_array_header_t *names = apr_array_make(p, 1, sizeof(const char *));
    APR_ARRAY_PUSH(names, const char *) = name;
    host->lookup = add_lookup(resolution, names, false);
    return host;
}

/* A target of "." is no host: "the service is not available here" (RFC 2782). */
static bool is_usable(const lb_dns_srv_t *service)
{
    return *service->target && service->port;
}

static void add_hosts(lb_resolution_t *resolution, const lb_dns_reply_t *reply)
{
    resolution->hosts = apr_hash_make(resolution->p);
    for (int i = 0; i < reply->services->nelts; i++) {
        const lb_dns_srv_t *service = &APR_ARRAY_IDX(reply->services, i, lb_dns_srv_t);
        const char *name = service->target;
        if (is_usable(service) && !apr_hash_get(resolution->hosts, name, APR_HASH_KEY_STRING)) {
            apr_hash_set(resolution->hosts, name, APR_HASH_KEY_STRING,
                         add_host(resolution, name,
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
            const lb_address_t address = { .port = lookup->resolution->question.port };
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

static void answer_by_services(lb_answer_t *answer, const lb_resolution_t *resolution,
                               const lb_dns_reply_t *reply)
{
    answer->ttl = reply->ttl;
    for (int i = 0; i < reply->services->nelts && answer->addresses->nelts <= ADDRESSES_MAX; i++) {
        const lb_dns_srv_t *service = &APR_ARRAY_IDX(reply->services, i, lb_dns_srv_t);
        if (is_usable(service)) {
            add_service(answer, service,
                        apr_hash_get(resolution->hosts, service->target, APR_HASH_KEY_STRING));
        }
    }
    if (answer->addresses->nelts == 0) {
        answer->kind = LB_ANSWER_EMPTY;
        answer->error = "no_data";
    }
    else if (answer->addresses->nelts > ADDRESSES_MAX) {
        answer->kind = LB_ANSWER_FAILED;
        answer->error = "too_many";
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

static void answer_by_records(lb_answer_t *answer, const half_t *half)
{
    answer->kind = LB_ANSWER_RECORDS;
    answer->error = NULL;
    answer->name = name_of(half->lookup);
    answer->server = half->server;
    if (half->type == LB_DNS_SRV) {
        answer_by_services(answer, half->lookup->resolution, half->reply);
    }
    else {
        answer_by_addresses(answer, half->lookup);
    }
    sort_addresses(answer->addresses);
}

static bool is_complete(const lb_resolution_t *resolution)
{
    return resolution->running == 0 && resolution->begun == resolution->lookups->nelts;
}

lb_answer_t lb_resolver_answer(const lb_resolution_t *resolution)
{
    const lookup_t *lookup = APR_ARRAY_IDX(resolution->lookups, 0, lookup_t *);
    lb_answer_t answer = { .kind = LB_ANSWER_FAILED,
                           .error = "timeout",
                           .name = name_of(lookup),
                           .ttl = UINT32_MAX,
                           .addresses = apr_array_make(resolution->p, 4, sizeof(lb_address_t)) };

    if (resolution->lost_by) {
        answer_by_half(&answer, resolution->lost_by);
    }
    else if (is_complete(resolution)) {
        const half_t *result = result_of(lookup);
        if (result) {
            answer_by_records(&answer, result);
        }
        else {
            answer_by_half(&answer, &lookup->halves[0]);
        }
    }
    return answer;
}

/* ---- Asking ---------------------------------------------------------------------------------- */

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
static const apr_array_header_t *servers_of(const lb_resolution_t *resolution)
{
    if (resolution->settings->servers) {
        return resolution->settings->servers;
    }
    if (resolution->conf.servers->nelts == 0) {
        APR_ARRAY_PUSH(resolution->conf.servers, const char *) = "127.0.0.1:53";
    }
    return resolution->conf.servers;
}

lb_resolution_t *lb_resolver_begin(apr_pool_t *p, const lb_resolver_settings_t *settings,
                                   lb_question_t question)
{
    lb_resolution_t *resolution = apr_palloc(p, sizeof(*resolution));

    *resolution = (lb_resolution_t){
        .p = p,
        .settings = settings,
        .question = question,
        .deadline = fc_now() + TIME_MAX,
        .conf = lb_resolv_conf_read(p, read_text(p, settings->resolv_conf)),
        .lookups = apr_array_make(p, 4, sizeof(lookup_t *)),
    };
    resolution->client = lb_dns_client_open(p, servers_of(resolution), settings);
    add_lookup(resolution, lb_resolv_conf_names(p, &resolution->conf, question.name),
               question.kind == LB_DISCOVER_SRV);
    begin_lookups(resolution);
    return resolution;
}

bool lb_resolver_is_answered(const lb_resolution_t *resolution)
{
    return resolution->lost_by || is_complete(resolution) || fc_now() >= resolution->deadline;
}

/* Add what it waits for.
 * returns  us, at most */
static apr_interval_time_t add_wait(const lb_resolution_t *resolution, apr_array_header_t *polled)
{
    const apr_interval_time_t left = resolution->deadline - fc_now();
    const apr_interval_time_t next = lb_dns_client_sockets(resolution->client, polled);
    return next < left ? next : left;
}

void lb_resolver_wait(apr_pool_t *p, lb_resolution_t *const open[], int count, int stop_fd,
                      apr_interval_time_t at_most)
{
    apr_array_header_t *polled = apr_array_make(p, 1 + count, sizeof(struct pollfd));
    int *ends = apr_palloc(p, (apr_size_t)count * sizeof(*ends));

    APR_ARRAY_PUSH(polled, struct pollfd) = (struct pollfd){ .fd = stop_fd, .events = POLLIN };
    for (int i = 0; i < count; i++) {
        const apr_interval_time_t left = add_wait(open[i], polled);
        at_most = left < at_most ? left : at_most;
        ends[i] = polled->nelts;
    }
    struct pollfd *sockets = (struct pollfd *)polled->elts;
    if (poll(sockets, (nfds_t)polled->nelts, at_most > 0 ? (int)((at_most + 999) / 1000) : 0) < 0) {
        return;    /* by a signal, and nothing is known of the sockets */
    }
    for (int i = 0, begin = 1; i < count; begin = ends[i++]) {
        lb_dns_client_process(open[i]->client, sockets + begin, ends[i] - begin);
        begin_lookups(open[i]);
    }
}
