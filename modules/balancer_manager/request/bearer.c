/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* bearer.c - see bearer.h.
 * Knows    the Bearer scheme (RFC 6750), files with a secret.
 * Ignores  what its user may do: rights.c, and httpd's Require.
 * Memory   secrets in pconf.   Threads: any, no state. */
#include "bearer.h"

#include <string.h>

#include "apr_file_io.h"
#include "apr_strings.h"
#include "fastcgi_log.h"
#include "http_log.h"
#include "http_request.h"
#include "manager_config.h"
#include "token.h"

extern module AP_MODULE_DECLARE_DATA balancer_manager_module;
APLOG_USE_MODULE(balancer_manager);

typedef struct {
    const char *text;
    const char *user;    /* who sends it is logged in as this one */
} secret_t;

enum {
    SHORTEST = 16,
    LONGEST = 512
};

/* ---- The directive --------------------------------------------------------------------------- */

/* The first line of a file, in `line`. */
static apr_status_t read_line(apr_pool_t *p, const char *path, char *line, int room,
                              apr_finfo_t *info)
{
    apr_file_t *file;
    apr_status_t rv = apr_file_open(&file, path, APR_READ | APR_BUFFERED, APR_OS_DEFAULT, p);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = apr_file_info_get(info, APR_FINFO_PROT, file);
    if (rv == APR_SUCCESS) {
        rv = apr_file_gets(line, room, file);
    }
    apr_file_close(file);
    if (rv == APR_SUCCESS) {
        line[strcspn(line, " \t\r\n")] = '\0';
    }
    return rv;
}

/* What the scheme allows: token68 (RFC 9110, 11.2). */
static bool is_secret(const char *text)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789-._~+/=";
    const size_t bytes = strlen(text);

    return bytes >= SHORTEST && bytes <= LONGEST && strspn(text, allowed) == bytes;
}

const char *mgr_bearer_take(cmd_parms *cmd, apr_array_header_t *secrets, const char *file,
                            const char *user)
{
    const char *path = ap_server_root_relative(cmd->pool, file);
    char line[LONGEST + 3];
    apr_finfo_t info;
    char reason[120];
    const apr_status_t rv =
        path ? read_line(cmd->temp_pool, path, line, sizeof(line), &info) : APR_EBADPATH;

    if (rv != APR_SUCCESS && rv != APR_EOF) {
        return apr_psprintf(cmd->pool, "BalancerManagerToken: cannot read %s: %s", file,
                            apr_strerror(rv, reason, sizeof(reason)));
    }
    if (rv == APR_EOF || !is_secret(line)) {
        return apr_psprintf(cmd->pool,
                            "BalancerManagerToken: the first line of %s must be a "
                            "secret of %d to %d letters, digits or -._~+/= : make one with "
                            "openssl rand -hex 32",
                            file, SHORTEST, LONGEST);
    }
    if (info.protection & (APR_WREAD | APR_WWRITE)) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, cmd->server, FCLOGNO(0650)
                     "BalancerManagerToken: every user on this machine can read or change %s: "
                     "chmod 600 %s",
                     path, path);
    }
    secret_t *secret = apr_palloc(cmd->pool, sizeof(*secret));
    *secret = (secret_t){ apr_pstrdup(cmd->pool, line), user ? user : "script" };
    APR_ARRAY_PUSH(secrets, secret_t *) = secret;
    return NULL;
}

/* ---- At run time ----------------------------------------------------------------------------- */

/* The secret that was sent, where one can be of use; else NULL. */
static const char *sent_secret(const request_rec *r)
{
    static const char scheme[] = "Bearer ";
    const char *given = apr_table_get(r->headers_in, "Authorization");

    if (!given || ap_cstr_casecmpn(given, scheme, sizeof(scheme) - 1) != 0
        || mgr_manager_config_of(r)->secrets->nelts == 0) {
        return NULL;
    }
    given += sizeof(scheme) - 1;
    return given + strspn(given, " ");
}

int mgr_bearer_force(request_rec *r)
{
    return sent_secret(r) ? OK : DECLINED;
}

static int log_in(request_rec *r, secret_t *secret)
{
    r->user = apr_pstrdup(r->pool, secret->user);
    r->ap_auth_type = apr_pstrdup(r->pool, "Bearer");
    ap_set_module_config(r->request_config, &balancer_manager_module, secret);
    return OK;
}

int mgr_bearer_authenticate(request_rec *r)
{
    const apr_array_header_t *secrets = mgr_manager_config_of(r)->secrets;
    const char *sent = sent_secret(r);

    if (!sent) {
        return DECLINED;
    }
    for (int i = 0; i < secrets->nelts; i++) {
        secret_t *secret = APR_ARRAY_IDX(secrets, i, secret_t *);
        if (mgr_token_is_same_secret(secret->text, sent)) {
            return log_in(r, secret);
        }
    }
    ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r, FCLOGNO(0651)
                  "manager: the bearer secret does not match any BalancerManagerToken");
    apr_table_setn(r->err_headers_out, "WWW-Authenticate", "Bearer error=\"invalid_token\"");
    return HTTP_UNAUTHORIZED;
}

bool mgr_bearer_is_sender(const request_rec *r)
{
    return ap_get_module_config(r->request_config, &balancer_manager_module) != NULL;
}
