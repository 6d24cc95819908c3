/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* resolver_settings.c - see resolver_settings.h. */
#include "resolver_settings.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <string.h>

#include "apr_cstr.h"
#include "apr_network_io.h"
#include "apr_strings.h"
#include "httpd.h"
#include "parameter.h"

#define DNS_PORT 53

static const lb_resolver_settings_t initial = {
    .resolv_conf = "/etc/resolv.conf",
    .timeout = apr_time_from_sec(1),
    .retries = 2,
    .asks_inet = true,
    .asks_inet6 = true,
};

static const char whose[] = "BalancerResolver";    /* begins what is wrong */

static lb_resolver_settings_t current;
static bool is_written;

int lb_resolver_settings_pre_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp)
{
    current = initial;
    is_written = false;
    return OK;
}

const lb_resolver_settings_t *lb_resolver_settings(void)
{
    return &current;
}

static bool is_address(int family, const char *text)
{
    struct in6_addr address;    /* the larger one */
    return inet_pton(family, text, &address) == 1;
}

const char *lb_resolver_settings_server(apr_pool_t *p, const char *word)
{
    char *host, *scope;
    apr_port_t port = 0;

    if (is_address(AF_INET6, word)) {
        return apr_psprintf(p, "[%s]:%d", word, DNS_PORT);
    }
    if (apr_parse_addr_port(&host, &scope, &port, word, p) != APR_SUCCESS || !host || scope) {
        return NULL;
    }
    if (!port) {
        port = DNS_PORT;
    }
    return is_address(AF_INET, host)    ? apr_psprintf(p, "%s:%hu", host, port)
           : is_address(AF_INET6, host) ? apr_psprintf(p, "[%s]:%hu", host, port)
                                        : NULL;
}

static const char *take_server(apr_pool_t *p, lb_resolver_settings_t *settings, const char *word)
{
    const char *server = lb_resolver_settings_server(p, word);

    if (!server) {
        return apr_psprintf(p, "%s: %s is no address of a name server; use an IP address, as in "
                               "10.0.0.2, 10.0.0.2:53 or [2001:db8::53]:53",
                            whose, word);
    }
    if (!settings->servers) {
        settings->servers = apr_array_make(p, 2, sizeof(const char *));
    }
    if (settings->servers->nelts == LB_RESOLVER_SERVERS_MAX) {
        return apr_psprintf(p, "%s: %s: at most %d name servers can be named", whose, word,
                            LB_RESOLVER_SERVERS_MAX);
    }
    APR_ARRAY_PUSH(settings->servers, const char *) = server;
    return NULL;
}

/* ipv4=on|off, ipv6=on|off */
static const char *take_family(apr_pool_t *p, bool *asks, const char *word, const char *value)
{
    if (apr_cstr_casecmp(value, "on") == 0 || apr_cstr_casecmp(value, "off") == 0) {
        *asks = apr_cstr_casecmp(value, "on") == 0;
        return NULL;
    }
    return apr_psprintf(p, "%s: %s: use on or off", whose, word);
}

/* One word of the directive. */
static const char *take(apr_pool_t *p, lb_resolver_settings_t *settings, const char *word)
{
    static const fc_parameter_t parameters[] = {
        { "timeout", FC_DURATION, offsetof(lb_resolver_settings_t, timeout),
          apr_time_from_msec(100), apr_time_from_sec(30) },
        { "retries", FC_COUNT, offsetof(lb_resolver_settings_t, retries), 0, 5 },
    };
    const char *equals = strchr(word, '=');

    if (!equals) {
        return take_server(p, settings, word);
    }
    const char *key = apr_pstrmemdup(p, word, (apr_size_t)(equals - word));
    if (apr_cstr_casecmp(key, "ipv4") == 0) {
        return take_family(p, &settings->asks_inet, word, equals + 1);
    }
    if (apr_cstr_casecmp(key, "ipv6") == 0) {
        return take_family(p, &settings->asks_inet6, word, equals + 1);
    }
    const fc_parameter_t *parameter =
        fc_parameter_find(parameters, sizeof(parameters) / sizeof(parameters[0]), key);
    return parameter
               ? fc_parameter_set(parameter, settings, equals + 1, whose, p)
               : apr_psprintf(p, "%s: %s: use timeout=, retries=, ipv4= or ipv6=", whose, word);
}

const char *lb_resolver_settings_read(apr_pool_t *p, int count, char *const words[])
{
    if (is_written) {
        return "BalancerResolver is there twice: name all servers in one";
    }
    is_written = true;
    for (int i = 0; i < count; i++) {
        const char *wrong = take(p, &current, words[i]);
        if (wrong) {
            return wrong;
        }
    }
    return current.asks_inet || current.asks_inet6
               ? NULL
               : "BalancerResolver: ipv4=off ipv6=off leaves no addresses to ask for";
}
