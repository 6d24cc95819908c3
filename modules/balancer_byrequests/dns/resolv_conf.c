/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* resolv_conf.c - see resolv_conf.h. */
#include "resolv_conf.h"

#include <stdlib.h>
#include <string.h>

#include "apr_strings.h"
#include "resolver_settings.h"

#define NDOTS_MAX 15    /* glibc's */

static const char spaces[] = " \t\r";

static const char *without_last_dot(apr_pool_t *p, const char *name)
{
    const size_t bytes = strlen(name);
    return bytes > 0 && name[bytes - 1] == '.' ? apr_pstrmemdup(p, name, bytes - 1) : name;
}

static void read_server(apr_pool_t *p, lb_resolv_conf_t *conf, const char *word)
{
    const char *server = lb_resolver_settings_server(p, word);
    if (server) {
        APR_ARRAY_PUSH(conf->servers, const char *) = server;
    }
}

/* The last line of them counts. */
static void read_search(apr_pool_t *p, lb_resolv_conf_t *conf, const char *word, char **rest)
{
    apr_array_clear(conf->search);
    for (; word; word = apr_strtok(NULL, spaces, rest)) {
        APR_ARRAY_PUSH(conf->search, const char *) = without_last_dot(p, word);
    }
}

static void read_options(lb_resolv_conf_t *conf, const char *word, char **rest)
{
    for (; word; word = apr_strtok(NULL, spaces, rest)) {
        if (strncmp(word, "ndots:", 6) == 0) {
            const int ndots = atoi(word + 6);
            conf->ndots = ndots < 0 ? 0 : ndots > NDOTS_MAX ? NDOTS_MAX
                                                            : ndots;
        }
    }
}

static void read_line(apr_pool_t *p, lb_resolv_conf_t *conf, char *line)
{
    char *rest;
    const char *key = apr_strtok(line, spaces, &rest);
    const char *word = key ? apr_strtok(NULL, spaces, &rest) : NULL;

    if (!word) {
        return;
    }
    if (strcmp(key, "nameserver") == 0) {
        read_server(p, conf, word);
    }
    else if (strcmp(key, "search") == 0 || strcmp(key, "domain") == 0) {
        read_search(p, conf, word, &rest);
    }
    else if (strcmp(key, "options") == 0) {
        read_options(conf, word, &rest);
    }
}

lb_resolv_conf_t lb_resolv_conf_read(apr_pool_t *p, const char *text)
{
    char *rest, *copy = apr_pstrdup(p, text);
    lb_resolv_conf_t conf = {
        .servers = apr_array_make(p, 3, sizeof(const char *)),
        .search = apr_array_make(p, 6, sizeof(const char *)),
        .ndots = 1,
    };

    for (char *line = apr_strtok(copy, "\n", &rest); line; line = apr_strtok(NULL, "\n", &rest)) {
        read_line(p, &conf, line);
    }
    return conf;
}

static int dots_in(const char *name)
{
    int dots = 0;
    for (; *name; name++) {
        dots += *name == '.';
    }
    return dots;
}

apr_array_header_t *lb_resolv_conf_names(apr_pool_t *p, const lb_resolv_conf_t *conf,
                                         const char *name)
{
    apr_array_header_t *names = apr_array_make(p, conf->search->nelts + 1, sizeof(const char *));
    const char *absolute = without_last_dot(p, name);
    const bool is_first = absolute != name || dots_in(name) >= conf->ndots;

    if (is_first) {
        APR_ARRAY_PUSH(names, const char *) = absolute;
    }
    for (int i = 0; i < conf->search->nelts && absolute == name; i++) {
        const char *domain = APR_ARRAY_IDX(conf->search, i, const char *);
        if (*domain) {
            APR_ARRAY_PUSH(names, const char *) = apr_pstrcat(p, name, ".", domain, NULL);
        }
    }
    if (!is_first) {
        APR_ARRAY_PUSH(names, const char *) = absolute;
    }
    return names;
}
