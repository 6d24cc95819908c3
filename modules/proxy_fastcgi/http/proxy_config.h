/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* proxy_config.h - the settings of mod_proxy_fastcgi: create, merge, set.
 * Knows    its directives.   Memory   pconf; read-only at run time. */
#ifndef FCGI_PROXY_CONFIG_H
#define FCGI_PROXY_CONFIG_H

#include "ap_expr.h"
#include "failover.h"
#include "http_config.h"
#include "trace_rules.h"

typedef enum {
    FCGI_BACKEND_UNSET,
    FCGI_BACKEND_FPM,        /* the default */
    FCGI_BACKEND_GENERIC
} fcgi_backend_type_t;

typedef enum {
    FCGI_BODY_UNSET,
    FCGI_BODY_SPOOL,         /* the default */
    FCGI_BODY_STREAM
} fcgi_body_mode_t;

/* One ProxyFCGISetEnvIf. */
typedef struct {
    ap_expr_info_t *condition;
    const char *name;
    ap_expr_info_t *value;   /* NULL: unset the variable */
} fcgi_env_rule_t;

/* Switches are 0 or 1, sizes bytes; negative: not set, see the functions below. */
typedef struct {
    fcgi_backend_type_t backend_type;
    fcgi_body_mode_t body_mode;
    int streams_over_limit;               /* bodies of known length over the spool limit */
    apr_off_t body_rate;                  /* bytes/s of a streamed body */
    apr_array_header_t *env_rules;        /* of fcgi_env_rule_t, outer sections first */
    apr_array_header_t *sendfile_roots;   /* of const char *, real paths; NULL: none */
    apr_off_t spool_limit_bytes;
    apr_off_t spool_memory_bytes;
    apr_off_t absorb_limit_bytes;
    fcgi_retry_set_t retry_on;            /* with retry_on_is_set */
    bool retry_on_is_set;
    int retries_non_idempotent;
    int ignores_client_abort;
    int redirects_internally;
    int checks_script;
    int passes_auth;
    const fcgi_trace_rules_t *trace;      /* NULL: not set */
} fcgi_proxy_config_t;

#define FCGI_SPOOL_LIMIT_DEFAULT  ((apr_off_t)1 << 30)
#define FCGI_SPOOL_MEMORY_DEFAULT ((apr_off_t)64 << 10)
#define FCGI_ABSORB_LIMIT_DEFAULT ((apr_off_t)1 << 30)
#define FCGI_BODY_RATE_DEFAULT    ((apr_off_t)8 << 10)

void *fcgi_proxy_config_create(apr_pool_t *p, char *path);
void *fcgi_proxy_config_merge(apr_pool_t *p, void *base, void *over);

/** The settings that hold for a request. */
const fcgi_proxy_config_t *fcgi_proxy_config_of(request_rec *r);

/** How much of a request body may be spooled. */
apr_off_t fcgi_proxy_config_spool_limit(const fcgi_proxy_config_t *config);

/** How much of it is kept in memory, before there is a file. */
apr_off_t fcgi_proxy_config_spool_memory(const fcgi_proxy_config_t *config);

/** How fast a client has to send a body that is streamed, bytes/s; 0: as slowly as it likes. */
apr_off_t fcgi_proxy_config_body_rate(const fcgi_proxy_config_t *config);

/** After which failures a request goes on to another member. */
fcgi_retry_set_t fcgi_proxy_config_retry_on(const fcgi_proxy_config_t *config);

/** How much of a response may wait for a slow client; 0: none. */
apr_off_t fcgi_proxy_config_absorb_limit(const fcgi_proxy_config_t *config);

/** The directives; switches are set by ap_set_flag_slot(). */
const char *fcgi_proxy_config_set_backend_type(cmd_parms *cmd, void *config, const char *arg);
const char *fcgi_proxy_config_set_body_mode(cmd_parms *cmd, void *config, const char *mode,
                                            const char *rate);
const char *fcgi_proxy_config_add_env_rule(cmd_parms *cmd, void *config, const char *condition,
                                           const char *name, const char *value);
const char *fcgi_proxy_config_add_sendfile_root(cmd_parms *cmd, void *config, const char *arg);
const char *fcgi_proxy_config_add_retry_word(cmd_parms *cmd, void *config, const char *arg);
const char *fcgi_proxy_config_set_spool_limit(cmd_parms *cmd, void *config, const char *size,
                                              const char *beyond);
const char *fcgi_proxy_config_set_spool_memory(cmd_parms *cmd, void *config, const char *arg);
const char *fcgi_proxy_config_set_absorb_limit(cmd_parms *cmd, void *config, const char *arg);
const char *fcgi_proxy_config_set_trace(cmd_parms *cmd, void *config, int count,
                                        char *const words[]);

#endif
