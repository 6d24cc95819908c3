/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fleet_settings.c - see fleet_settings.h. */
#include "fleet_settings.h"

#include <stddef.h>

#include "apr_cstr.h"
#include "apr_file_io.h"
#include "apr_strings.h"
#include "fleet_share.h"
#include "parameter.h"
#include "secret_file.h"

#define PASSWORD_MAX 1024

/* A lease of fewer rounds would end with one that is late. */
#define ROUNDS_IN_A_LEASE 4

static const lb_fleet_settings_t initial = {
    .interval = apr_time_from_msec(500),
    .lease = apr_time_from_sec(5),
};

static const char whose[] = "BalancerFleet";    /* begins what is wrong */

static lb_fleet_settings_t current;
static bool is_written;

int lb_fleet_settings_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    current = initial;
    is_written = false;
    return OK;
}

const lb_fleet_settings_t *lb_fleet_settings(void)
{
    return is_written ? &current : NULL;
}

/* ---- ProxySet fleet= ------------------------------------------------------------------------- */

bool lb_fleet_settings_shares(unsigned int written, unsigned int part)
{
    const unsigned int parts = written == LB_FLEET_UNSET ? LB_FLEET_INTENT | LB_FLEET_VIEW
                                                         : written;
    return is_written && (parts & part);
}

static unsigned int part_of(const char *word)
{
    static const struct {
        const char *word;
        unsigned int part;
    } parts[] = { { "none", LB_FLEET_NONE },
                  { "intent", LB_FLEET_INTENT },
                  { "view", LB_FLEET_VIEW },
                  { "health", LB_FLEET_HEALTH },
                  { "limits", LB_FLEET_LIMITS } };

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (apr_cstr_casecmp(word, parts[i].word) == 0) {
            return parts[i].part;
        }
    }
    return LB_FLEET_UNSET;
}

const char *lb_fleet_settings_parts(apr_pool_t *p, const char *value, unsigned int *parts)
{
    unsigned int all = LB_FLEET_UNSET;
    char *list = apr_pstrdup(p, value), *state;

    for (char *word = apr_strtok(list, ",", &state); word; word = apr_strtok(NULL, ",", &state)) {
        const unsigned int part = part_of(word);
        if (part == LB_FLEET_UNSET) {
            return apr_psprintf(p,
                                "fleet=%s: \"%s\" is unknown; use intent, view, health and limits, "
                                "separated by commas, or none",
                                value, word);
        }
        all |= part;
    }
    if (all == LB_FLEET_UNSET || (all & LB_FLEET_NONE && all != LB_FLEET_NONE)) {
        return apr_psprintf(p,
                            "fleet=%s: use intent, view, health and limits, separated by commas, "
                            "or none alone",
                            value);
    }
    *parts = all;
    return NULL;
}

/* ---- BalancerFleet --------------------------------------------------------------------------- */

static const char *take_name(apr_pool_t *p, const char **name, const char *key, const char *value)
{
    if (!lb_fleet_name_is_valid(value)) {
        return apr_psprintf(p, "%s=%s: a name has 1 to %d letters, digits, dots, hyphens and "
                               "underscores",
                            key, value, LB_FLEET_NAME_MAX);
    }
    *name = value;
    return NULL;
}

/* A line without its end. */
static const char *read_password(apr_pool_t *p, const char *path, const char **password)
{
    char text[120], *line = apr_pcalloc(p, PASSWORD_MAX + 2);
    apr_size_t bytes = 0;
    apr_file_t *in;

    apr_status_t rv = apr_file_open(&in, path, APR_FOPEN_READ | APR_FOPEN_BINARY, 0, p);
    if (rv == APR_SUCCESS) {
        rv = apr_file_read_full(in, line, PASSWORD_MAX + 1, &bytes);
        apr_file_close(in);
    }
    if (rv != APR_SUCCESS && rv != APR_EOF) {
        return apr_psprintf(p, "the file %s cannot be read: %s", path,
                            apr_strerror(rv, text, sizeof(text)));
    }
    line[strcspn(line, "\r\n")] = '\0';
    if (!*line || bytes > PASSWORD_MAX) {
        return apr_psprintf(p,
                            "the file %s must have the password in its first line, of at most %d "
                            "bytes",
                            path, PASSWORD_MAX);
    }
    *password = line;
    return NULL;
}

static const char *take_file(const cmd_parms *cmd, bool is_secret, const char *key,
                             const char *value)
{
    apr_pool_t *p = cmd->pool;
    const char *path = ap_server_root_relative(p, value);

    if (!*value || !path) {
        return apr_psprintf(p, "%s=%s is not a valid path", key, value);
    }
    const char *wrong = is_secret ? lb_secret_file_read(p, path, &current.secret)
                                  : read_password(p, path, &current.password);
    if (wrong) {
        return apr_psprintf(p, "%s=: %s", key, wrong);
    }
    lb_secret_file_warn_of_readers(cmd, path);
    return NULL;
}

static const char *take_parameter(const cmd_parms *cmd, const char *key, const char *value)
{
    static const fc_parameter_t parameters[] = {
        { "fronts", FC_COUNT, offsetof(lb_fleet_settings_t, fronts), 1, LB_SHARE_FRONTS },
        { "interval", FC_DURATION, offsetof(lb_fleet_settings_t, interval),
          apr_time_from_msec(100), apr_time_from_sec(10) },
        { "lease", FC_DURATION, offsetof(lb_fleet_settings_t, lease), apr_time_from_sec(2),
          apr_time_from_sec(300) },
    };
    apr_pool_t *p = cmd->pool;

    if (apr_cstr_casecmp(key, "name") == 0) {
        return take_name(p, &current.name, key, value);
    }
    if (apr_cstr_casecmp(key, "front") == 0) {
        return take_name(p, &current.front, key, value);
    }
    if (apr_cstr_casecmp(key, "user") == 0) {
        current.user = value;
        return *value ? NULL : "user= is empty";
    }
    if (apr_cstr_casecmp(key, "passwordfile") == 0) {
        return take_file(cmd, false, key, value);
    }
    if (apr_cstr_casecmp(key, "secretfile") == 0) {
        return take_file(cmd, true, key, value);
    }
    const fc_parameter_t *parameter =
        fc_parameter_find(parameters, sizeof(parameters) / sizeof(parameters[0]), key);
    return parameter ? fc_parameter_set(parameter, &current, value, whose, p)
                     : apr_psprintf(p, "%s= is unknown; use name=, front=, user=, passwordfile=, "
                                       "secretfile=, fronts=, interval= or lease=",
                                    key);
}

static const char *take_url(apr_pool_t *p, const char *word)
{
    if (current.url_text) {
        return apr_psprintf(p, "%s: one URL is there already; several servers are written with "
                               "commas: redis://host,host",
                            word);
    }
    current.url_text = word;
    const char *wrong = lb_fleet_url_read(p, word, &current.url);
    return wrong ? apr_psprintf(p, "%s: %s", word, wrong) : NULL;
}

static const char *take_word(const cmd_parms *cmd, const char *word)
{
    const char *equals = strchr(word, '=');
    const char *scheme = strstr(word, "://");

    if (scheme && (!equals || scheme < equals)) {
        return take_url(cmd->pool, word);
    }
    if (!equals) {
        return apr_psprintf(cmd->pool, "%s: use a URL, as in redis://10.0.0.5/0, and key=value",
                            word);
    }
    return take_parameter(cmd, apr_pstrmemdup(cmd->pool, word, (apr_size_t)(equals - word)),
                          equals + 1);
}

/* Two fronts of one name would take each other's place. */
static const char *default_front(apr_pool_t *p)
{
    char *host = apr_palloc(p, APRMAXHOSTLEN + 1);

    if (current.front) {
        return NULL;
    }
    if (apr_gethostname(host, APRMAXHOSTLEN + 1, p) != APR_SUCCESS
        || !lb_fleet_name_is_valid(host) || strncmp(host, "localhost", 9) == 0) {
        return "this machine has no name of its own; use front=NAME";
    }
    current.front = host;
    return NULL;
}

static const char *check_all(apr_pool_t *p)
{
    if (!current.url_text) {
        return "the URL is missing, as in redis://10.0.0.5/0";
    }
    if (!current.name) {
        return "name= is missing: the name of the fleet, the same on all its fronts";
    }
    if (current.user && !current.password) {
        return "user= needs passwordfile=";
    }
    if (current.lease < ROUNDS_IN_A_LEASE * current.interval) {
        return apr_psprintf(p, "lease=%s is shorter than %d intervals of %s",
                            fc_parameter_duration(current.lease, p), ROUNDS_IN_A_LEASE,
                            fc_parameter_duration(current.interval, p));
    }
    return default_front(p);
}

const char *lb_fleet_settings_read(cmd_parms *cmd, int count, char *const words[])
{
    const char *wrong = NULL;

#ifndef LB_FLEET
    return "BalancerFleet: this module was built without libhiredis. Fix: install libhiredis-dev "
           "and build it again";
#endif
    if (is_written) {
        return "BalancerFleet is there twice: an httpd is a front of one fleet";
    }
    is_written = true;
    for (int i = 0; i < count && !wrong; i++) {
        wrong = take_word(cmd, words[i]);
    }
    if (!wrong) {
        wrong = check_all(cmd->pool);
    }
    return wrong && strncmp(wrong, whose, sizeof(whose) - 1) != 0
               ? apr_psprintf(cmd->pool, "%s: %s", whose, wrong)
               : wrong;
}
