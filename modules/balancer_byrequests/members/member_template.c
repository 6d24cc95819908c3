/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* member_template.c - see member_template.h. */
#include "member_template.h"

#include "apr_lib.h"
#include "apr_strings.h"
#include "apr_uri.h"
#include "check_params.h"
#include "fastcgi_log.h"
#include "http_log.h"
#include "member_params.h"
#include "worker_url.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;
APLOG_USE_MODULE(balancer_byrequests);

const char *lb_member_template_moved_url(apr_pool_t *p, const char *url, const char *address)
{
    apr_uri_t uri;
    char *host, *scope;
    apr_port_t port = 0;

    if (apr_parse_addr_port(&host, &scope, &port, address, p) != APR_SUCCESS || !host || scope
        || port == 0 || strpbrk(host, "/?#@\\%") || apr_uri_parse(p, url, &uri) != APR_SUCCESS) {
        return NULL;
    }
    for (const char *c = host; *c; c++) {
        if (apr_iscntrl(*c) || apr_isspace(*c)) {
            return NULL;
        }
    }
    uri.hostname = host;
    uri.port = port;
    uri.port_str = apr_itoa(p, port);
    ap_str_tolower(uri.hostname);
    if (port == ap_proxy_port_of_scheme(uri.scheme)) {
        uri.port_str = NULL;
    }
    return apr_uri_unparse(p, &uri, APR_URI_UNP_REVEALPASSWORD);
}

void lb_member_template_take_address(proxy_worker_shared *to, const proxy_worker_shared *from)
{
    memcpy(to->name, from->name, sizeof(to->name));
    memcpy(to->name_ex, from->name_ex, sizeof(to->name_ex));
    memcpy(to->scheme, from->scheme, sizeof(to->scheme));
    memcpy(to->uds_path, from->uds_path, sizeof(to->uds_path));
    memcpy(to->hostname, from->hostname, sizeof(to->hostname));
    memcpy(to->hostname_ex, from->hostname_ex, sizeof(to->hostname_ex));
    to->port = from->port;
    to->hash = from->hash;
    fc_worker_expire_address(to);
}

const char *lb_member_template_url_mistake(const char *url)
{
    if (ap_cstr_casecmpn(fc_worker_url_behind_socket(url), BALANCER_PREFIX,
                         sizeof(BALANCER_PREFIX) - 1)
        == 0) {
        return "a balancer cannot be a member of a balancer";
    }
    return fc_worker_url_mistake(url);
}

static const char *define(apr_pool_t *p, proxy_worker **worker, const proxy_balancer *proxy,
                          const char *url)
{
    const char *mistake = lb_member_template_url_mistake(url);
    const char *err = mistake ? NULL : ap_proxy_define_worker(p, worker, NULL, NULL, url, 0);

    if (mistake) {
        return mistake;    /* not with its password */
    }
    if (err) {
        return apr_psprintf(p, "%s: %s", url, err);
    }
    proxy_worker_shared *s = (*worker)->s;
    if (strlen(s->name_ex) == sizeof(s->name_ex) - 1) {
        return apr_psprintf(p, "%s exceeds mod_proxy's limit of %d characters", url,
                            (int)sizeof(s->name_ex) - 2);
    }
    if (strlen(s->uds_path) > FC_SOCKET_PATH_MAX) {    /* httpd 2.5 takes it */
        return apr_psprintf(p, "%s: the path of a unix socket is limited to %d bytes", url,
                            FC_SOCKET_PATH_MAX);
    }
    s->status = 0;    /* outside of balancers it would ignore errors */
    PROXY_COPY_CONF_PARAMS(*worker, proxy->sconf);
    return NULL;
}

proxy_worker *lb_member_template_make(apr_pool_t *pconf, lb_balancer_t *balancer)
{
    const apr_array_header_t *defaults = balancer->settings->member_defaults;
    proxy_worker *template;
    const char *err = define(pconf, &template, balancer->proxy, "http://" LB_TEMPLATE_HOST);

    if (!err) {
        template->balancer = balancer->proxy;    /* some parameters are those of members only */
        err = defaults ? lb_member_params_set_defaults(pconf, balancer->server, template, defaults)
                       : NULL;
    }
    if (err) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, balancer->server, FCLOGNO(0463)
                     "%s: %s", balancer->proxy->s->name, err);
    }
    return err ? NULL : template;
}

const char *lb_member_template_define(apr_pool_t *p, proxy_worker **worker,
                                      const lb_balancer_t *balancer, const proxy_worker *like,
                                      const char *url)
{
    const char *err = define(p, worker, balancer->proxy, url);

    if (!err) {
        const proxy_worker_shared own = *(*worker)->s;
        proxy_worker_shared *s = (*worker)->s;

        *s = *like->s;
        lb_member_template_take_address(s, &own);
        if (lb_check_params_are_ours(*worker)) {
            s->method = NONE;    /* of mod_proxy_hcheck's checks */
        }
    }
    return err;
}

const char *lb_member_template_rename(apr_pool_t *p, proxy_worker *worker,
                                      const lb_balancer_t *balancer, const char *url)
{
    proxy_worker *there;
    const char *err =
        lb_member_template_define(p, &there, balancer, balancer->owner->template, url);

    if (!err) {
        lb_member_template_take_address(worker->s, there->s);
        worker->hash = there->hash;
    }
    return err;
}
