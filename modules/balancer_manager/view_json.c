/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* view_json.c - <manager>/v1/status. Names in it are an interface: they are added, never changed.
 * Knows    Jansson, and the names of the fields (README.md lists them).
 * Ignores  forms; the nonce stays out, as monitors store what they read.
 * Memory   Jansson's own, given back at the end.   Threads: any, no state. */
#include "view.h"

#include <string.h>

#include <apr_strings.h>
#include <ap_mpm.h>
#include <http_log.h>
#include <http_protocol.h>
#include <jansson.h>
#include <scoreboard.h>

#include "etag.h"
#include "fastcgi_log.h"
#include "utf8.h"
#include "wording.h"

APLOG_USE_MODULE(balancer_manager);

enum { STATUS_VERSION = 1, WEIGHT_DIGITS = 5 }; /* 99.25, and not 1.1000000000000001 */

typedef struct {
    apr_pool_t *p;
    int is_out_of_memory;
} writer_t;

/* A new value becomes the object's; Jansson frees it when it cannot be kept. */
static void put(writer_t *w, json_t *object, const char *name, json_t *value)
{
    if (json_object_set_new(object, name, value) != 0) {
        w->is_out_of_memory = 1;
    }
}

/* NULL and "" are absent: null. */
static void put_text(writer_t *w, json_t *object, const char *name, const char *text)
{
    put(w, object, name, text && *text ? json_string(mgr_utf8_mend(w->p, text)) : json_null());
}

static void put_count(writer_t *w, json_t *object, const char *name, apr_uint64_t count)
{
    put(w, object, name, json_integer((json_int_t)count));
}

static void put_signed(writer_t *w, json_t *object, const char *name, apr_int64_t number)
{
    put(w, object, name, json_integer(number));
}

/* A setting of 0 or less is not set: null. */
static void put_setting(writer_t *w, json_t *object, const char *name, apr_int64_t number)
{
    put(w, object, name, number > 0 ? json_integer(number) : json_null());
}

static void put_switch(writer_t *w, json_t *object, const char *name, int is_on)
{
    put(w, object, name, json_boolean(is_on));
}

/* What the configuration says: monitors compare it with the values above. */
static json_t *member_config_json(writer_t *w, const lb_member_view_t *member)
{
    json_t *o = json_object();

    put_text(w, o, "url", member->config_url);
    put(w, o, "weight", json_real(member->config_weight_hundredths / 100.0));
    put_signed(w, o, "lbset", member->config_lbset);
    put_text(w, o, "route", member->config_route);
    put_text(w, o, "redirect", member->config_redirect);
    put_count(w, o, "limit", member->config_limit);
    put_count(w, o, "queue_limit", member->config_queue_limit);
    put_signed(w, o, "queue_timeout_us", member->config_queue_timeout);
    return o;
}

static json_t *check_json(writer_t *w, const lb_member_view_t *member)
{
    json_t *o = json_object();

    put_text(w, o, "at", mgr_wording_time(w->p, member->checked_at));
    put_text(w, o, "outcome", member->check_outcome);
    put_count(w, o, "passes", member->check_passes);
    put_count(w, o, "fails", member->check_fails);
    put_signed(w, o, "took_us", member->check_took);
    return o;
}

static json_t *fpm_json(writer_t *w, const lb_member_view_t *member)
{
    json_t *o = json_object();

    put_text(w, o, "at", mgr_wording_time(w->p, member->fpm_numbers_at));
    put_count(w, o, "idle", member->fpm.idle);
    put_count(w, o, "active", member->fpm.active);
    put_count(w, o, "total", member->fpm.total);
    put_count(w, o, "listen_queue", member->fpm.listen_queue);
    put_count(w, o, "max_children_reached", member->fpm.max_children_reached);
    return o;
}

static json_t *member_json(writer_t *w, const lb_member_view_t *member)
{
    json_t *o = json_object();
    char *status = apr_pstrdup(w->p, member->status ? member->status : "");

    for (size_t n = strlen(status); n > 0 && status[n - 1] == ' '; n--) {
        status[n - 1] = '\0'; /* stock's words end with a blank each */
    }
    put_text(w, o, "name", member->name);
    put_text(w, o, "url", member->url);
    put_text(w, o, "etag", mgr_etag_text(w->p, member->revision));
    put_text(w, o, "scheme", member->scheme);
    put_text(w, o, "hostname", member->hostname);
    put_setting(w, o, "port", member->port);
    put_text(w, o, "state", member->state);
    put_text(w, o, "status", status);
    put_text(w, o, "route", member->route);
    put_text(w, o, "redirect", member->redirect);
    put(w, o, "weight", json_real(member->weight_hundredths / 100.0));
    put_signed(w, o, "lbset", member->lbset);
    put_signed(w, o, "lbstatus", member->lbstatus);
    put_count(w, o, "elected", member->elected);
    put_count(w, o, "in_flight", member->in_flight);
    put_count(w, o, "queued", member->queued);
    put_count(w, o, "limit", member->limit);
    put_count(w, o, "queue_limit", member->queue_limit);
    put_signed(w, o, "queue_timeout_us", member->queue_timeout);
    put_count(w, o, "failures", member->failures);
    put_text(w, o, "last_error", member->last_error);
    put_text(w, o, "last_error_at", mgr_wording_time(w->p, member->last_error_at));
    put_text(w, o, "drain_until", mgr_wording_time(w->p, member->drain_until));
    put_text(w, o, "next_trial_at", mgr_wording_time(w->p, member->next_trial_at));
    put_text(w, o, "state_since", mgr_wording_time(w->p, member->since));
    put_signed(w, o, "strikes", member->strikes);
    put_signed(w, o, "share_percent", member->share_percent);
    put(w, o, "check", member->is_checked ? check_json(w, member) : json_null());
    put(w, o, "fpm", member->fpm_numbers_at ? fpm_json(w, member) : json_null());
    put_signed(w, o, "retries", member->retries);
    put_count(w, o, "bytes_sent", member->bytes_sent);
    put_count(w, o, "bytes_read", member->bytes_read);
    put_signed(w, o, "retry_us", member->retry);
    put_signed(w, o, "pool_min", member->pool_min);
    put_signed(w, o, "pool_smax", member->pool_smax);
    put_signed(w, o, "pool_max", member->pool_max);
    put_setting(w, o, "ttl_us", member->ttl);
    put_setting(w, o, "timeout_us", member->timeout);
    put_setting(w, o, "acquire_us", member->acquire);
    put_setting(w, o, "recv_buffer_bytes", (apr_int64_t)member->recv_buffer_bytes);
    put_setting(w, o, "io_buffer_bytes", (apr_int64_t)member->io_buffer_bytes);
    put(w, o, "keepalive", member->keepalive < 0 ? json_null() : json_boolean(member->keepalive));
    put_text(w, o, "flush_packets", member->flush_packets);
    put_setting(w, o, "flush_wait_us", member->flush_wait);
    put(w, o, "config", member->is_added ? json_null() : member_config_json(w, member));
    return o;
}

static json_t *balancer_config_json(writer_t *w, const lb_balancer_view_t *balancer)
{
    json_t *o = json_object();
    const int attempts = balancer->config_max_attempts;

    put_text(w, o, "lbmethod", balancer->config_lbmethod);
    put_text(w, o, "sticky_cookie", balancer->config_sticky);
    put_text(w, o, "sticky_parameter", balancer->config_sticky_path);
    put_switch(w, o, "nofailover", balancer->config_nofailover);
    put_signed(w, o, "timeout_us", balancer->config_timeout);
    put(w, o, "max_attempts", attempts < 0 ? json_null() : json_integer(attempts));
    return o;
}

static json_t *balancer_json(writer_t *w, const lb_balancer_view_t *balancer)
{
    json_t *o = json_object();
    json_t *members = json_array();

    put_text(w, o, "name", balancer->name);
    put_text(w, o, "key", balancer->key);
    put_text(w, o, "vhost", balancer->vhost);
    put_signed(w, o, "id", balancer->id);
    put_text(w, o, "etag", mgr_etag_text(w->p, balancer->revision));
    put_text(w, o, "lbmethod", balancer->lbmethod);
    put_text(w, o, "sticky_cookie", balancer->sticky);
    put_text(w, o, "sticky_parameter", balancer->sticky_path);
    put_switch(w, o, "path_delimiter_is_semicolon", balancer->path_delimiter_is_semicolon);
    put_switch(w, o, "nofailover", balancer->nofailover);
    put_switch(w, o, "forcerecovery", balancer->forcerecovery);
    put_signed(w, o, "timeout_us", balancer->timeout);
    put(w, o, "max_attempts",
        balancer->max_attempts < 0 ? json_null() : json_integer(balancer->max_attempts));
    put_count(w, o, "queued", balancer->queued);
    put_signed(w, o, "free_slots", balancer->free_slots);
    put_switch(w, o, "persistent", balancer->is_persistent);
    put(w, o, "config", balancer_config_json(w, balancer));
    for (int i = 0; i < balancer->members->nelts; i++) {
        const lb_member_view_t *member = &APR_ARRAY_IDX(balancer->members, i, lb_member_view_t);
        if (json_array_append_new(members, member_json(w, member)) != 0) {
            w->is_out_of_memory = 1;
        }
    }
    put(w, o, "members", members);
    return o;
}

static json_t *server_json(writer_t *w)
{
    json_t *o = json_object();
    int generation = 0;

    put_text(w, o, "software", ap_get_server_description());
    put_text(w, o, "restart_time",
             ap_exists_scoreboard_image()
                 ? mgr_wording_time(w->p, ap_scoreboard_image->global->restart_time)
                 : NULL);
    ap_mpm_query(AP_MPMQ_GENERATION, &generation);
    put_signed(w, o, "generation", generation);
    put_text(w, o, "now", mgr_wording_time(w->p, apr_time_now()));
    return o;
}

static int write_bytes(const char *bytes, size_t count, void *request)
{
    return ap_rwrite(bytes, (int)count, request) < 0 ? -1 : 0;
}

/* Sends the object and gives it back. */
static int send_object(request_rec *r, const writer_t *w, json_t *object)
{
    if (w->is_out_of_memory || !object) {
        json_decref(object);
        ap_log_rerror(APLOG_MARK, APLOG_ERR, APR_ENOMEM, r,
                      FCLOGNO(0603) "status as JSON: no memory for it");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    ap_set_content_type(r, "application/json");
    json_dump_callback(object, write_bytes, r, JSON_INDENT(2) | JSON_REAL_PRECISION(WEIGHT_DIGITS));
    ap_rputs("\n", r);
    json_decref(object);
    return OK;
}

int mgr_view_balancer_json_send(mgr_answer_t *answer)
{
    writer_t w = {.p = answer->r->pool};
    json_t *object = balancer_json(&w, answer->balancer);
    return send_object(answer->r, &w, object);
}

int mgr_view_member_json_send(mgr_answer_t *answer)
{
    writer_t w = {.p = answer->r->pool};
    json_t *object = member_json(&w, answer->member);
    return send_object(answer->r, &w, object);
}

int mgr_view_json_send(mgr_answer_t *answer)
{
    writer_t w = {.p = answer->r->pool};
    json_t *status = json_object();
    json_t *balancers = json_array();

    put_signed(&w, status, "version", STATUS_VERSION);
    put(&w, status, "server", server_json(&w));
    for (int i = 0; i < answer->balancers->nelts; i++) {
        const lb_balancer_view_t *balancer =
            &APR_ARRAY_IDX(answer->balancers, i, lb_balancer_view_t);
        if (json_array_append_new(balancers, balancer_json(&w, balancer)) != 0) {
            w.is_out_of_memory = 1;
        }
    }
    put(&w, status, "balancers", balancers);
    return send_object(answer->r, &w, status);
}
