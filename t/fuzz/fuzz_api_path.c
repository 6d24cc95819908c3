/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fuzz_api_path.c - any text as a path: the resource has just the names that it needs, and the path
 * that we would make of these names leads there again. */
#include "api_path.h"
#include "balancer_calls.h"
#include "httpd_alone.h"
#include "text_input.h"

bool mgr_balancer_calls_is_key_shared(const apr_array_header_t *snapshot,
                                      const lb_balancer_view_t *balancer)
{
    return false;
}

/* As mgr_router_pre_translate() does: all but %2F. */
static char *arrived(apr_pool_t *p, const char *url)
{
    char *path = apr_palloc(p, strlen(url) + 1), *to = path;
    for (; *url; url++) {
        const char hex[] = { *url == '%' ? url[1]
                                         : 'x',
                             *url == '%' ? url[2]
                                         : 'x',
                             '\0' };
        const bool is_decoded = *url == '%' && strcasecmp(hex, "2f") != 0;
        *to++ = is_decoded ? (char)strtoul(hex, NULL, 16) : *url;
        url += is_decoded ? 2 : 0;
    }
    *to = '\0';
    return path;
}

/* "reset" would be read as a verb. */
static bool has_a_path(const mgr_api_path_t *path)
{
    return path->resource != MGR_NO_RESOURCE && path->member && strcmp(path->member, "reset") != 0;
}

static void check_way_back(apr_pool_t *p, const mgr_api_path_t *path)
{
    request_rec r = { .pool = p };
    const mgr_visit_t visit = { .r = &r };
    const lb_balancer_view_t balancer = { .key = path->key, .vhost = "" };
    const char *url = mgr_api_path_of_member(&visit, &balancer, path->member);
    assert(strspn(url, "/%-._~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
           == strlen(url));
    const mgr_api_path_t again = mgr_api_path_parse(p, arrived(p, url));
    assert(again.resource == MGR_MEMBER && strcmp(again.key, path->key) == 0
           && strcmp(again.member, path->member) == 0);
}

static void check_names(const mgr_api_path_t *path)
{
    switch (path->resource) {
    case MGR_NO_RESOURCE:
        break;
    case MGR_AUDIT:
    case MGR_FLEET:
    case MGR_FORGET:
    case MGR_ALL_MEMBERS:
        assert(!path->key && !path->member);
        break;
    case MGR_BALANCER:
    case MGR_MEMBERS:
        assert(*path->key && !path->member);
        break;
    case MGR_MEMBER:
        assert(*path->key && *path->member);
        break;
    case MGR_RESET:
        assert(*path->key && (!path->member || *path->member));
        break;
    }
    assert(!path->member || !strcasestr(path->member, "%2f"));
    assert(path->resource == MGR_NO_RESOURCE || !path->key || !strchr(path->key, '/'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(fc_span(data, size));
    apr_pool_t *p = fuzz_pool();
    const mgr_api_path_t path = mgr_api_path_parse(p, text);
    check_names(&path);
    if (has_a_path(&path)) {
        check_way_back(p, &path);
    }
    free(text);
    return 0;
}
