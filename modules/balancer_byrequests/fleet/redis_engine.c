/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* redis_engine.c - see engine.h: a Redis or Valkey, behind sentinels or not.
 *
 * A table is a hash. Scripts are sent as they are (EVAL): so a server that has lost them, or
 * another one, needs no second round. */
#include "engine.h"

#include <string.h>

#include "apr_strings.h"
#include "redis_link.h"

struct lb_engine_t {
    const lb_fleet_settings_t *settings;
    lb_redis_link_t link;
    int first;                    /* the address that was good last */
};

lb_engine_t *lb_engine_create(apr_pool_t *p, const lb_fleet_settings_t *settings, int stop_fd)
{
    lb_engine_t *engine = apr_pcalloc(p, sizeof(*engine));

    engine->settings = settings;
    lb_redis_link_init(&engine->link, stop_fd);
    return engine;
}

void lb_engine_disconnect(lb_engine_t *engine)
{
    lb_redis_link_close(&engine->link);
}

lb_fault_t lb_engine_fault(const lb_engine_t *engine)
{
    return engine->link.fault;
}

const char *lb_engine_reason(const lb_engine_t *engine)
{
    return engine->link.reason;
}

const char *lb_engine_server(const lb_engine_t *engine)
{
    return engine->link.fd >= 0 ? engine->link.name : "";
}

/* ---- Errors ---------------------------------------------------------------------------------- */

/* By the word that an error begins with. */
static lb_fault_t fault_of(const char *error)
{
    static const struct {
        const char *word;
        lb_fault_t fault;
    } words[] = {
        { "NOAUTH", LB_FAULT_AUTH },
        { "WRONGPASS", LB_FAULT_AUTH },
        { "NOPERM", LB_FAULT_AUTH },
        { "READONLY", LB_FAULT_READONLY },
        { "MASTERDOWN", LB_FAULT_READONLY },
        { "OOM", LB_FAULT_FULL },
        { "MISCONF", LB_FAULT_FULL },
        { "NOREPLICAS", LB_FAULT_FULL },
        { "LOADING", LB_FAULT_LOADING },
        { "BUSY", LB_FAULT_LOADING },
    };
    const size_t bytes = strcspn(error, " ");

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strlen(words[i].word) == bytes && strncmp(error, words[i].word, bytes) == 0) {
            return words[i].fault;
        }
    }
    return LB_FAULT_ERROR;
}

static bool fail_by_reply(lb_redis_link_t *link, lb_fault_t fault, redisReply *reply)
{
    const bool is_ok = lb_redis_link_fail(link, fault, reply->str);

    freeReplyObject(reply);
    return is_ok;
}

/* A reply that is no error.
 * returns  NULL: the link is closed */
static redisReply *receive(lb_redis_link_t *link)
{
    redisReply *reply = lb_redis_link_receive(link);

    if (reply && reply->type == REDIS_REPLY_ERROR) {
        fail_by_reply(link, fault_of(reply->str), reply);
        return NULL;
    }
    return reply;
}

/* ---- Commands -------------------------------------------------------------------------------- */

static apr_array_header_t *command(apr_pool_t *p, const char *name)
{
    apr_array_header_t *words = apr_array_make(p, 8, sizeof(fc_span_t));

    APR_ARRAY_PUSH(words, fc_span_t) = fc_span_of(name);
    return words;
}

static void add_word(apr_array_header_t *words, const char *text)
{
    APR_ARRAY_PUSH(words, fc_span_t) = fc_span_of(text);
}

static void add_words(apr_array_header_t *words, const apr_array_header_t *texts)
{
    for (int i = 0; i < texts->nelts; i++) {
        add_word(words, APR_ARRAY_IDX(texts, i, const char *));
    }
}

static apr_array_header_t *command_for(apr_pool_t *p, const lb_ask_t *ask)
{
    static const char *const names[] = { [LB_ASK_PUT] = "HSET",
                                         [LB_ASK_REMOVE] = "HDEL",
                                         [LB_ASK_GET_ALL] = "HGETALL",
                                         [LB_ASK_RUN] = "EVAL" };
    apr_array_header_t *words = command(p, names[ask->kind]);

    if (ask->kind == LB_ASK_RUN) {
        add_word(words, ask->script);
        add_word(words, apr_itoa(p, ask->keys->nelts));
        add_words(words, ask->keys);
        add_words(words, ask->args);
        return words;
    }
    add_word(words, ask->table);
    if (ask->kind != LB_ASK_GET_ALL) {
        add_word(words, ask->field);
    }
    if (ask->kind == LB_ASK_PUT) {
        APR_ARRAY_PUSH(words, fc_span_t) = ask->value;
    }
    return words;
}

/* ---- To the server that takes writes --------------------------------------------------------- */

static bool add_auth(lb_redis_link_t *link, const lb_fleet_settings_t *settings, apr_pool_t *p)
{
    apr_array_header_t *words = command(p, "AUTH");

    if (settings->user) {
        add_word(words, settings->user);
    }
    add_word(words, settings->password);
    return lb_redis_link_add(link, words);
}

static bool add_select(lb_redis_link_t *link, int db, apr_pool_t *p)
{
    apr_array_header_t *words = command(p, "SELECT");

    add_word(words, apr_itoa(p, db));
    return lb_redis_link_add(link, words);
}

/* returns  was there any? */
static bool freed(redisReply *reply)
{
    const bool is_there = reply != NULL;

    freeReplyObject(reply);
    return is_there;
}

/* Older servers have no word of its own for a wrong password. */
static bool expect_auth(lb_redis_link_t *link)
{
    redisReply *reply = lb_redis_link_receive(link);

    if (reply && reply->type == REDIS_REPLY_ERROR) {
        const lb_fault_t fault = fault_of(reply->str);
        return fail_by_reply(link, fault == LB_FAULT_ERROR ? LB_FAULT_AUTH : fault, reply);
    }
    return freed(reply);
}

static bool expect_ok(lb_redis_link_t *link)
{
    return freed(receive(link));
}

static bool is_replica(const redisReply *role)
{
    return role->type == REDIS_REPLY_ARRAY && role->elements > 0
           && role->element[0]->type == REDIS_REPLY_STRING
           && strcmp(role->element[0]->str, "master") != 0;
}

/* One that does not tell its role, or not to this user, takes writes or says READONLY later. */
static bool expect_master(lb_redis_link_t *link)
{
    redisReply *reply = lb_redis_link_receive(link);

    if (!reply) {
        return false;
    }
    if (reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "NOPERM", 6) != 0
        && fault_of(reply->str) != LB_FAULT_ERROR) {
        return fail_by_reply(link, fault_of(reply->str), reply);
    }
    const bool is_writable = !is_replica(reply);
    freeReplyObject(reply);
    return is_writable || lb_redis_link_fail(link, LB_FAULT_READONLY, "it is a replica");
}

static bool log_in(lb_engine_t *engine, apr_pool_t *p)
{
    const lb_fleet_settings_t *settings = engine->settings;
    lb_redis_link_t *link = &engine->link;

    if ((settings->password && !add_auth(link, settings, p))
        || (settings->url.db > 0 && !add_select(link, settings->url.db, p))
        || !lb_redis_link_add(link, command(p, "ROLE")) || !lb_redis_link_send(link)) {
        return false;
    }
    return (!settings->password || expect_auth(link))
           && (settings->url.db == 0 || expect_ok(link)) && expect_master(link);
}

static bool connect_to(lb_engine_t *engine, const char *host, apr_port_t port, apr_pool_t *p)
{
    return lb_redis_link_open(&engine->link, host, port, p) && log_in(engine, p);
}

/* ---- Sentinels ------------------------------------------------------------------------------- */

/* Host and port.
 * returns  false: it does not know the master */
static bool read_master(const redisReply *reply, lb_fleet_address_t *master, apr_pool_t *p)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2
        || reply->element[0]->type != REDIS_REPLY_STRING
        || reply->element[1]->type != REDIS_REPLY_STRING) {
        return false;
    }
    master->host = apr_pstrdup(p, reply->element[0]->str);
    master->port = (apr_port_t)apr_atoi64(reply->element[1]->str);
    return *master->host && master->port > 0;
}

/* Sentinels have the password of the servers, or none: then what they say of it does not matter. */
static bool ask_sentinel(lb_engine_t *engine, const lb_fleet_address_t *sentinel,
                         lb_fleet_address_t *master, apr_pool_t *p)
{
    const lb_fleet_settings_t *settings = engine->settings;
    lb_redis_link_t *link = &engine->link;
    apr_array_header_t *words = command(p, "SENTINEL");

    add_word(words, "get-master-addr-by-name");
    add_word(words, settings->url.master);
    if (!lb_redis_link_open(link, sentinel->host, sentinel->port, p)
        || (settings->password && !add_auth(link, settings, p))
        || !lb_redis_link_add(link, words) || !lb_redis_link_send(link)) {
        return false;
    }
    if (settings->password && !freed(lb_redis_link_receive(link))) {
        return false;
    }
    redisReply *reply = receive(link);
    if (!reply) {
        return false;
    }
    const bool knows = read_master(reply, master, p);
    freeReplyObject(reply);
    return knows
           || lb_redis_link_fail(link, LB_FAULT_NO_MASTER,
                                 apr_psprintf(p, "this sentinel does not know \"%s\"",
                                              settings->url.master));
}

static bool connect_through(lb_engine_t *engine, const lb_fleet_address_t *sentinel, apr_pool_t *p)
{
    lb_fleet_address_t master = { 0 };

    if (!ask_sentinel(engine, sentinel, &master, p)) {
        return false;
    }
    lb_redis_link_close(&engine->link);
    lb_redis_link_set_limit(&engine->link, LB_ENGINE_TIMEOUT);
    return connect_to(engine, master.host, master.port, p);
}

/* ---- All addresses --------------------------------------------------------------------------- */

static bool try_address(lb_engine_t *engine, int i, apr_pool_t *p)
{
    const lb_fleet_url_t *url = &engine->settings->url;
    const lb_fleet_address_t *address = &APR_ARRAY_IDX(url->addresses, i, lb_fleet_address_t);

    lb_redis_link_set_limit(&engine->link, LB_ENGINE_TIMEOUT);
    return url->master ? connect_through(engine, address, p)
                       : connect_to(engine, address->host, address->port, p);
}

static bool connect_any(lb_engine_t *engine, apr_pool_t *p)
{
    const int count = engine->settings->url.addresses->nelts;

    for (int tried = 0; tried < count; tried++) {
        const int i = (engine->first + tried) % count;
        if (try_address(engine, i, p)) {
            engine->first = i;
            return true;
        }
        if (engine->link.fault == LB_FAULT_STOPPED) {
            return false;
        }
    }
    return false;
}

bool lb_engine_connect(lb_engine_t *engine, apr_pool_t *p)
{
    const char *socket = engine->settings->url.socket;

    if (engine->link.fd >= 0) {
        return true;
    }
    if (!socket) {
        return connect_any(engine, p);
    }
    lb_redis_link_set_limit(&engine->link, LB_ENGINE_TIMEOUT);
    return lb_redis_link_open_socket(&engine->link, socket) && log_in(engine, p);
}

/* ---- A round --------------------------------------------------------------------------------- */

/* returns  false: it is neither a text nor a number */
static bool take_text(lb_ask_t *ask, const redisReply *reply, apr_pool_t *p)
{
    fc_span_t text = fc_span(NULL, 0);

    if (reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS) {
        text = fc_span(apr_pstrmemdup(p, reply->str, reply->len), reply->len);
    }
    else if (reply->type == REDIS_REPLY_INTEGER) {
        const char *number = apr_psprintf(p, "%" APR_INT64_T_FMT, (apr_int64_t)reply->integer);
        text = fc_span_of(number);
    }
    else if (reply->type != REDIS_REPLY_NIL) {
        return false;
    }
    APR_ARRAY_PUSH(ask->texts, fc_span_t) = text;
    return true;
}

static bool take_reply(lb_ask_t *ask, const redisReply *reply, apr_pool_t *p)
{
    if (reply->type != REDIS_REPLY_ARRAY) {
        return ask->kind != LB_ASK_GET_ALL && take_text(ask, reply, p);
    }
    for (size_t i = 0; i < reply->elements; i++) {
        if (!take_text(ask, reply->element[i], p)) {
            return false;
        }
    }
    return true;
}

static bool take_answer(lb_redis_link_t *link, lb_ask_t *ask, apr_pool_t *p)
{
    redisReply *reply = receive(link);

    if (!reply) {
        return false;
    }
    ask->texts = apr_array_make(p, 4, sizeof(fc_span_t));
    const bool is_taken = take_reply(ask, reply, p);
    freeReplyObject(reply);
    return is_taken
           || lb_redis_link_fail(link, LB_FAULT_PROTOCOL, "it is no answer to what was asked");
}

bool lb_engine_perform(lb_engine_t *engine, const apr_array_header_t *asks, apr_pool_t *p)
{
    lb_redis_link_t *link = &engine->link;

    lb_redis_link_set_limit(link, LB_ENGINE_TIMEOUT);
    for (int i = 0; i < asks->nelts; i++) {
        if (!lb_redis_link_add(link, command_for(p, APR_ARRAY_IDX(asks, i, lb_ask_t *)))) {
            return false;
        }
    }
    if (!lb_redis_link_send(link)) {
        return false;
    }
    for (int i = 0; i < asks->nelts; i++) {
        if (!take_answer(link, APR_ARRAY_IDX(asks, i, lb_ask_t *), p)) {
            return false;
        }
    }
    return true;
}
