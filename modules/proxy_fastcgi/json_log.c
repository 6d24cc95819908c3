/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* json_log.c - see json_log.h. */
#include "json_log.h"

#include <stdbool.h>
#include <string.h>

#include "apr_strings.h"
#include "json_character.h"
#include "mod_log_config.h"

#define DIGITS_MAX 15    /* every reader of JSON keeps a number of so many exactly */

/* returns  "null" for NULL */
static const char *quoted(request_rec *r, const char *text)
{
    if (!text) {
        return "null";
    }
    char *json = apr_palloc(r->pool, FC_JSON_CHARACTER_MAX * strlen(text) + sizeof("\"\""));
    char *out = json;

    *out++ = '"';
    while (*text) {
        size_t takes = fc_json_plain_bytes(text), bytes = takes;
        if (takes > 0) {
            memcpy(out, text, bytes);
        }
        else {
            bytes = fc_json_character(text, &takes, out);
        }
        out += bytes;
        text += takes;
    }
    *out++ = '"';
    *out = '\0';
    return json;
}

/* ---- The parts ------------------------------------------------------------------------------- */

static const char *log_path(request_rec *r, char *unused)
{
    return quoted(r, r->uri);
}

static const char *log_query(request_rec *r, char *unused)
{
    return quoted(r, r->args);
}

static const char *log_method(request_rec *r, char *unused)
{
    return quoted(r, r->method);
}

static const char *log_protocol(request_rec *r, char *unused)
{
    return quoted(r, r->protocol);
}

static const char *log_user(request_rec *r, char *unused)
{
    return quoted(r, r->user);
}

static const char *log_server(request_rec *r, char *unused)
{
    return quoted(r, r->server->server_hostname);
}

static const char *log_header(request_rec *r, char *name)
{
    return quoted(r, apr_table_get(r->headers_in, name));
}

static const char *log_variable(request_rec *r, char *name)
{
    return quoted(r, apr_table_get(r->subprocess_env, name));
}

static const char *log_note(request_rec *r, char *name)
{
    return quoted(r, apr_table_get(r->notes, name));
}

/* JSON knows no zeros in front. */
static bool is_number(const char *text)
{
    const size_t digits = strspn(text, "0123456789");
    return digits > 0 && digits <= DIGITS_MAX && !text[digits] && (*text != '0' || digits == 1);
}

static const char *log_number(request_rec *r, char *name)
{
    const char *note = apr_table_get(r->notes, name);
    return note && is_number(note) ? note : "null";
}

/* RFC 3339, in UTC. */
static const char *log_time(request_rec *r, char *unused)
{
    apr_time_exp_t t;

    apr_time_exp_gmt(&t, r->request_time);
    return apr_psprintf(r->pool, "\"%04d-%02d-%02dT%02d:%02d:%02d.%06dZ\"", t.tm_year + 1900,
                        t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, t.tm_usec);
}

int fcgi_json_log_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    static struct {
        char tag[4];
        ap_log_handler_fn_t *log;
        int is_of_original;    /* of the client's request, before internal redirects, as %U is */
    } parts[] = {
        { "^JU", log_path, 1 },
        { "^Jq", log_query, 0 },
        { "^Jm", log_method, 0 },
        { "^JH", log_protocol, 0 },
        { "^Ju", log_user, 0 },
        { "^Jv", log_server, 0 },
        { "^Ji", log_header, 0 },
        { "^Je", log_variable, 0 },
        { "^Jn", log_note, 0 },
        { "^JN", log_number, 0 },
        { "^Jt", log_time, 0 },
    };
    APR_OPTIONAL_FN_TYPE(ap_register_log_handler) *add =
        APR_RETRIEVE_OPTIONAL_FN(ap_register_log_handler);

    for (size_t i = 0; add && i < sizeof(parts) / sizeof(parts[0]); i++) {
        add(pconf, parts[i].tag, parts[i].log, parts[i].is_of_original);
    }
    return OK;
}
