/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* stray_handler.c - see stray_handler.h. */
#include "stray_handler.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "apr_lib.h"
#include "apr_strings.h"
#include "fastcgi_log.h"
#include "http_config.h"
#include "http_log.h"
#include "worker_url.h"

extern module AP_MODULE_DECLARE_DATA proxy_fastcgi_module;
APLOG_USE_MODULE(proxy_fastcgi);

static const char prefix[] = "proxy:";

#define PREFIX_BYTES (sizeof(prefix) - 1)

static bool is_for_mod_proxy(const char *name)
{
    return strncasecmp(name, prefix, PREFIX_BYTES) == 0;
}

/* No handler of httpd has ":/" in its name. */
static bool means_backend(const char *name)
{
    return is_for_mod_proxy(name) || strstr(name, ":/");
}

/* RFC 3986, 3.1, of a URL with a host. */
static bool has_scheme(const char *url)
{
    const char *at = url;

    while (apr_isalnum(*at) || *at == '+' || *at == '-' || *at == '.') {
        at++;
    }
    return at > url && strncmp(at, "://", 3) == 0;
}

const char *fcgi_stray_handler_mistake(apr_pool_t *p, const char *name)
{
    if (!means_backend(name)) {
        return NULL;
    }
    if (!is_for_mod_proxy(name)) {
        return "the name must begin with \"proxy:\"";
    }
    const char *url = name + PREFIX_BYTES;
    const char *behind = fc_worker_url_behind_socket(url);

    if (behind == url && strncasecmp(url, "unix:", 5) == 0) {
        return apr_psprintf(p, "there is no \"|\" with a URL behind the socket. "
                               "Fix: write it as in %s|fcgi://localhost",
                            name);
    }
    return has_scheme(behind) ? NULL
                              : "the URL has no scheme. Fix: write it as in "
                                "proxy:fcgi://127.0.0.1:9000 or "
                                "proxy:unix:/run/php.sock|fcgi://localhost";
}

static int refuse(request_rec *r)
{
    if (!r->handler || !means_backend(r->handler)) {
        return DECLINED;
    }
    const char *mistake = fcgi_stray_handler_mistake(r->pool, r->handler);

    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, FCLOGNO(0354)
                  "the handler \"%s\" is unknown, so %s is not sent: %s", r->handler, r->filename,
                  mistake ? mistake : "no module serves this scheme. Fix: correct it, or load the "
                                      "module");
    return HTTP_INTERNAL_SERVER_ERROR;
}

void fcgi_stray_handler_register(void)
{
    ap_hook_handler(refuse, NULL, NULL, APR_HOOK_LAST);
}
