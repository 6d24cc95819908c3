/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* trace_rules.c - see trace_rules.h. */
#include "trace_rules.h"

#include <stdlib.h>

#include "apr_strings.h"
#include "fastcgi_log.h"
#include "http_log.h"

extern module AP_MODULE_DECLARE_DATA proxy_fastcgi_module;
APLOG_USE_MODULE(proxy_fastcgi);

#define RANDOM_BYTES 7                      /* of a trace id, at its end */
#define ALL_IDS      ((uint64_t)1 << 56)

/* ---- The directive --------------------------------------------------------------------------- */

static const char *set_switch(cmd_parms *cmd, fcgi_trace_rules_t *rules, const char *word)
{
    rules->is_on = ap_cstr_casecmp(word, "on") == 0;
    return rules->is_on || ap_cstr_casecmp(word, "off") == 0
               ? NULL
               : apr_psprintf(cmd->pool, "%s: '%s' is not On or Off", cmd->cmd->name, word);
}

/* A percentage, also of a fraction: 0.1% */
static const char *set_sample(cmd_parms *cmd, fcgi_trace_rules_t *rules, const char *value)
{
    const size_t digits = strspn(value, "0123456789.");
    char *end;
    const double percent = strtod(value, &end);

    if (digits == 0 || end != value + digits || percent > 100
        || (*end != '\0' && strcmp(end, "%") != 0)) {
        return apr_psprintf(cmd->pool, "%s: sample='%s' is not a percentage from 0 to 100, like "
                                       "sample=1%% or sample=0.1%%",
                            cmd->cmd->name, value);
    }
    rules->rejected = (uint64_t)((100 - percent) / 100 * (double)ALL_IDS);
    return NULL;
}

static const char *set_trust(cmd_parms *cmd, fcgi_trace_rules_t *rules, const char *value)
{
    const char *err = NULL;

    rules->trust = ap_expr_parse_cmd(cmd, value, 0, &err, NULL);
    return err ? apr_psprintf(cmd->pool, "%s: cannot parse the expression '%s': %s",
                              cmd->cmd->name, value, err)
               : NULL;
}

static const char *set_word(cmd_parms *cmd, fcgi_trace_rules_t *rules, const char *word)
{
    if (ap_cstr_casecmpn(word, "sample=", 7) == 0) {
        return set_sample(cmd, rules, word + 7);
    }
    if (ap_cstr_casecmpn(word, "trust=", 6) == 0) {
        return set_trust(cmd, rules, word + 6);
    }
    return apr_psprintf(cmd->pool, "%s: '%s' is not sample=percent or trust=expression",
                        cmd->cmd->name, word);
}

const char *fcgi_trace_rules_set(cmd_parms *cmd, const fcgi_trace_rules_t **place,
                                 char *const words[], int count)
{
    fcgi_trace_rules_t *rules = apr_pcalloc(cmd->pool, sizeof(*rules));
    const char *err = count > 0 ? set_switch(cmd, rules, words[0])
                                : apr_psprintf(cmd->pool, "%s: On or Off is missing",
                                               cmd->cmd->name);

    for (int i = 1; i < count && !err; i++) {
        err = set_word(cmd, rules, words[i]);
    }
    *place = rules;
    return err;
}

/* ---- For a request --------------------------------------------------------------------------- */

bool fcgi_trace_rules_trust(const fcgi_trace_rules_t *rules, request_rec *r)
{
    const char *err = NULL;

    if (!rules->trust) {
        return false;
    }
    const int is_trusted = ap_expr_exec(r, rules->trust, &err);
    if (is_trusted < 0) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r, FCLOGNO(0344)
                      "ProxyFCGITrace: cannot evaluate trust=, so the client is not trusted: %s",
                      err);
    }
    return is_trusted > 0;
}

bool fcgi_trace_rules_sample(const fcgi_trace_rules_t *rules,
                             const unsigned char trace_id[FCGI_TRACE_ID_BYTES])
{
    uint64_t random = 0;

    for (int i = FCGI_TRACE_ID_BYTES - RANDOM_BYTES; i < FCGI_TRACE_ID_BYTES; i++) {
        random = random << 8 | trace_id[i];
    }
    return random >= rules->rejected;
}
