/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fuzz_selection.c - any text as a query: what it selects is known and in bounds, no member
 * comes twice, and the query that we make of a selection selects the same. */
#include "body.h"
#include "httpd_alone.h"
#include "selection.h"
#include "text_input.h"

bool mgr_body_is(request_rec *r, const char *type) { return false; }
int mgr_body_read(request_rec *r, apr_size_t limit, char **text, apr_size_t *bytes)
{
    return HTTP_INTERNAL_SERVER_ERROR;
}

static lb_balancer_view_t balancer_of(apr_pool_t *p)
{
    static lb_member_view_t members[] = {
        { .name = "fcgi://b:10",
          .state = LB_STATE_OK,
          .settings.of[LB_SETTING_ROUTE].text = "b",
          .elected = 2 },
        { .name = "fcgi://a:9", .state = LB_STATE_ERROR, .elected = 3 },
        { .name = "fcgi://a:10",
          .state = LB_STATE_OK,
          .settings.of[LB_SETTING_ROUTE].text = "a",
          .elected = 2,
          .failures = 1 },
    };
    lb_balancer_view_t balancer = { .name = "balancer://x", .key = "x", .vhost = "v:80" };
    balancer.members = apr_array_make(p, 3, sizeof(lb_member_view_t));
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        APR_ARRAY_PUSH(balancer.members, lb_member_view_t) = members[i];
    }
    return balancer;
}

static void check_bounds(const mgr_selection_t *selection)
{
    bool is_known = *selection->sort == '\0';
    for (const mgr_sort_key_t *key = mgr_selection_sort_keys; key->key != NULL; key++) {
        is_known |= strcmp(key->key, selection->sort) == 0;
    }
    assert(is_known);
    assert(selection->refresh_seconds >= 0 && selection->refresh_seconds <= 3600);
}

/* Each member at most once; unsorted, as they are configured. */
static void check_members(apr_pool_t *p, const mgr_selection_t *selection)
{
    const lb_balancer_view_t balancer = balancer_of(p);
    const apr_array_header_t *list = mgr_selection_members(p, selection, &balancer);
    assert(mgr_selection_count(selection, &balancer) == list->nelts);
    assert(mgr_selection_is_partial(selection) || list->nelts == balancer.members->nelts);
    for (int i = 0; i < list->nelts; i++) {
        const lb_member_view_t *member = APR_ARRAY_IDX(list, i, const lb_member_view_t *);
        for (int k = 0; k < i; k++) {
            assert(APR_ARRAY_IDX(list, k, const lb_member_view_t *) != member);
            assert(*selection->sort || APR_ARRAY_IDX(list, k, const lb_member_view_t *) < member);
        }
    }
}

/* All keys that were opened, but the empty ones. */
static const char *opened(apr_pool_t *p, const mgr_selection_t *selection)
{
    apr_array_header_t *keys = apr_array_make(p, 4, sizeof(const char *));
    for (int i = 0; i < selection->open->nelts; i++) {
        const char *key = APR_ARRAY_IDX(selection->open, i, const char *);
        if (*key) {
            APR_ARRAY_PUSH(keys, const char *) = key;
        }
    }
    return apr_array_pstrcat(p, keys, '\n');
}

static void check_again(apr_pool_t *p, const mgr_selection_t *a, const mgr_selection_t *b)
{
    assert(strcmp(a->filter, b->filter) == 0 && strcmp(a->state, b->state) == 0);
    assert(strcmp(a->sort, b->sort) == 0 && a->is_descending == b->is_descending);
    assert(a->refresh_seconds == b->refresh_seconds && strcmp(opened(p, a), opened(p, b)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(fc_span(data, size < 2000 ? size : 2000));
    apr_pool_t *p = fuzz_pool();
    request_rec r = { .pool = p, .args = text };
    const mgr_selection_t selection = mgr_selection_read(&r);
    check_bounds(&selection);
    check_members(p, &selection);
    const char *query = mgr_selection_query(p, &selection);
    assert(*query == '?' && !strpbrk(query, "<>\"' \t\r\n"));
    r.args = apr_pstrdup(p, query + 1);
    const mgr_selection_t again = mgr_selection_read(&r);
    check_again(p, &selection, &again);
    free(text);
    return 0;
}
