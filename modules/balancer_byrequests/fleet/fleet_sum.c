/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fleet_sum.c - see fleet_sum.h. */
#include "fleet_sum.h"

#include <stdlib.h>

#include "apr_hash.h"
#include "apr_strings.h"

struct lb_fleet_sum_t {
    apr_pool_t *p;
    apr_array_header_t *members;       /* of lb_fleet_member_t * */
    apr_hash_t *by_name;
};

static const char *key_of(const lb_fleet_sum_t *sum, const lb_front_balancer_t *balancer,
                          const char *name)
{
    return apr_pstrcat(sum->p, balancer->vhost, "\n", balancer->key, "\n", name, NULL);
}

static lb_fleet_member_t *member_of(lb_fleet_sum_t *sum, const lb_front_balancer_t *balancer,
                                    const char *name)
{
    const char *key = key_of(sum, balancer, name);
    lb_fleet_member_t *member = apr_hash_get(sum->by_name, key, APR_HASH_KEY_STRING);

    if (!member) {
        member = apr_pcalloc(sum->p, sizeof(*member));
        member->vhost = balancer->vhost;
        member->key = balancer->key;
        member->name = name;
        member->parts = apr_array_make(sum->p, 2, sizeof(lb_fleet_part_t));
        apr_hash_set(sum->by_name, key, APR_HASH_KEY_STRING, member);
        APR_ARRAY_PUSH(sum->members, lb_fleet_member_t *) = member;
    }
    return member;
}

static void add_part(lb_fleet_member_t *member, int front, bool is_fresh,
                     const lb_front_member_t *said)
{
    APR_ARRAY_PUSH(member->parts, lb_fleet_part_t) =
        (lb_fleet_part_t){ .front = front, .said = said };
    if (is_fresh) {
        member->in_flight += said->in_flight;
        member->queued += said->queued;
        member->failing += said->is_failing;
        member->limit = member->limit ? member->limit : said->limit;
    }
}

static void add_front(lb_fleet_sum_t *sum, const apr_array_header_t *fronts, int i)
{
    const lb_fleet_front_t *front = &APR_ARRAY_IDX(fronts, i, lb_fleet_front_t);
    const apr_array_header_t *balancers = front->view ? front->view->balancers : NULL;

    for (int b = 0; balancers && b < balancers->nelts; b++) {
        const lb_front_balancer_t *balancer = &APR_ARRAY_IDX(balancers, b, lb_front_balancer_t);
        for (int k = 0; k < balancer->members->nelts; k++) {
            const lb_front_member_t *said =
                &APR_ARRAY_IDX(balancer->members, k, lb_front_member_t);
            add_part(member_of(sum, balancer, said->name), i, front->is_fresh, said);
        }
    }
}

static int by_front(const void *a, const void *b)
{
    return ((const lb_fleet_part_t *)a)->front - ((const lb_fleet_part_t *)b)->front;
}

static void sort_parts(lb_fleet_sum_t *sum)
{
    for (int i = 0; i < sum->members->nelts; i++) {
        apr_array_header_t *parts =
            APR_ARRAY_IDX(sum->members, i, lb_fleet_member_t *)->parts;
        qsort(parts->elts, (size_t)parts->nelts, sizeof(lb_fleet_part_t), by_front);
    }
}

const lb_fleet_sum_t *lb_fleet_sum(apr_pool_t *p, const apr_array_header_t *fronts)
{
    lb_fleet_sum_t *sum = apr_palloc(p, sizeof(*sum));

    sum->p = p;
    sum->members = apr_array_make(p, 16, sizeof(lb_fleet_member_t *));
    sum->by_name = apr_hash_make(p);
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < fronts->nelts; i++) {
            if (APR_ARRAY_IDX(fronts, i, lb_fleet_front_t).is_self == (pass == 0)) {
                add_front(sum, fronts, i);
            }
        }
    }
    sort_parts(sum);
    return sum;
}

apr_array_header_t *lb_fleet_sum_members(const lb_fleet_sum_t *sum)
{
    apr_array_header_t *members =
        apr_array_make(sum->p, sum->members->nelts + 1, sizeof(lb_fleet_member_t));

    for (int i = 0; i < sum->members->nelts; i++) {
        APR_ARRAY_PUSH(members, lb_fleet_member_t) =
            *APR_ARRAY_IDX(sum->members, i, lb_fleet_member_t *);
    }
    return members;
}

const lb_fleet_member_t *lb_fleet_sum_find(const lb_fleet_sum_t *sum,
                                           const lb_front_balancer_t *balancer, const char *name)
{
    return apr_hash_get(sum->by_name, key_of(sum, balancer, name), APR_HASH_KEY_STRING);
}
