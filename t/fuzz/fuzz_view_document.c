/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fuzz_view_document.c - any bytes as what another front says: refused with a reason, or all of it
 * is in bounds; and what we write of it says the same. */
#include <string.h>

#include "text_input.h"
#include "view_document.h"

static void check_bounds(const lb_front_member_t *member)
{
    assert(*member->name != '\0');
    assert((unsigned int)member->state < LB_STATE_COUNT);
    assert(member->elected <= INT64_MAX && member->failures <= INT64_MAX);
}

/* returns  how many members there are */
static int check_members(const lb_front_view_t *view)
{
    int count = 0;

    for (int i = 0; i < view->balancers->nelts; i++) {
        const lb_front_balancer_t *b = &APR_ARRAY_IDX(view->balancers, i, lb_front_balancer_t);
        for (int k = 0; k < b->members->nelts; k++) {
            check_bounds(&APR_ARRAY_IDX(b->members, k, lb_front_member_t));
            count++;
        }
    }
    return count;
}

static void check_same_member(const lb_front_member_t *member, const lb_front_member_t *other)
{
    assert(strcmp(member->name, other->name) == 0 && member->state == other->state);
    assert(member->is_failing == other->is_failing && member->has_passed == other->has_passed);
    assert(member->in_flight == other->in_flight && member->queued == other->queued);
    assert(member->limit == other->limit && member->checked == other->checked);
    assert(member->share == other->share && member->floor == other->floor);
    assert(member->elected == other->elected && member->failures == other->failures);
}

/* Once written, members are in their order. */
static void check_same(const lb_front_view_t *view, const lb_front_view_t *other)
{
    assert(strcmp(view->software, other->software) == 0);
    assert(view->generation == other->generation && other->left_out == view->left_out);
    assert(view->balancers->nelts == other->balancers->nelts);
    for (int i = 0; i < view->balancers->nelts; i++) {
        const lb_front_balancer_t *a = &APR_ARRAY_IDX(view->balancers, i, lb_front_balancer_t);
        const lb_front_balancer_t *b = &APR_ARRAY_IDX(other->balancers, i, lb_front_balancer_t);
        assert(strcmp(a->vhost, b->vhost) == 0 && strcmp(a->key, b->key) == 0);
        assert(a->queued == b->queued && a->members->nelts == b->members->nelts);
        for (int k = 0; k < a->members->nelts; k++) {
            check_same_member(&APR_ARRAY_IDX(a->members, k, lb_front_member_t),
                              &APR_ARRAY_IDX(b->members, k, lb_front_member_t));
        }
    }
}

static const lb_front_view_t *written_again(apr_pool_t *p, const lb_front_view_t *view)
{
    const char *why;
    const char *text = lb_view_document_write(p, view);

    assert(text != NULL && strlen(text) <= LB_VIEW_DOCUMENT_MAX);
    const lb_front_view_t *again = lb_view_document_read(p, text, strlen(text), &why);
    assert(again != NULL);
    return again;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    apr_pool_t *p = fuzz_pool();
    char *exact = malloc(bytes + 1);
    const char *why = NULL;

    assert(exact != NULL);
    memcpy(exact, data, bytes);
    const lb_front_view_t *view = lb_view_document_read(p, exact, bytes, &why);
    free(exact);
    assert((view != NULL) == (why == NULL));
    if (view) {
        const int members = check_members(view);
        const lb_front_view_t *once = written_again(p, view);
        if (once->left_out == 0) {
            assert(check_members(once) == members);
            check_same(once, written_again(p, once));
        }
    }
    return 0;
}
