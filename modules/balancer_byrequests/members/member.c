/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* member.c - see member.h. */
#include "member.h"

#include "status_word.h"

lb_member_t lb_member_of(const lb_balancer_t *balancer, proxy_worker *worker)
{
    return (lb_member_t){ balancer, worker, balancer->member_rows[worker->s->index] };
}

bool lb_member_next(const lb_balancer_t *balancer, int *at, lb_member_t *member)
{
    const apr_array_header_t *workers = balancer->proxy->workers;

    while (*at < workers->nelts) {
        /* mod_proxy adds an array entry first and fills it in afterwards; the array was made large
         * enough and zeroed at start, so an unfinished entry reads as NULL. */
        proxy_worker *worker = APR_ARRAY_IDX(workers, (*at)++, proxy_worker *);
        if (worker && worker->s && lb_roster_lists(balancer->roster, worker)) {
            *member = lb_member_of(balancer, worker);
            return true;
        }
    }
    return false;
}

lb_member_t lb_member_at(const lb_balancer_t *balancer, uint32_t index)
{
    lb_member_t member;

    for (int i = 0; lb_member_next(balancer, &i, &member);) {
        if (lb_member_index(&member) == index) {
            return member;
        }
    }
    return (lb_member_t){ 0 };
}

uint32_t lb_member_index(const lb_member_t *member)
{
    return lb_table_member_index(member->balancer->ledger->table, member->row);
}

bool lb_member_is_admitted(const lb_member_t *member)
{
    return lb_roster_admits(member->balancer->roster, member->worker);
}

bool lb_member_is_listed(const lb_member_t *member)
{
    return lb_roster_lists(member->balancer->roster, member->worker);
}

void lb_member_note_change(const lb_member_t *member)
{
    atomic_fetch_add(&member->balancer->ledger->table->changes, 1);
}

unsigned int lb_member_change_status(const lb_member_t *member, unsigned int set,
                                     unsigned int cleared)
{
    const unsigned int before =
        lb_status_word_change(&member->worker->s->status, set, cleared);

    lb_member_note_change(member);
    return before;
}

bool lb_member_leaves(const lb_member_t *member)
{
    return lb_roster_leaves(member->balancer->roster, member->worker);
}

const lb_configured_t *lb_member_configured(const lb_member_t *member)
{
    return lb_roster_configured(member->balancer->roster, member->worker->s->index);
}

const lb_source_t *lb_member_source(const lb_member_t *member)
{
    return lb_roster_source(member->balancer->roster, member->worker->s->index);
}

lb_slot_t *lb_member_slot(const lb_member_t *member)
{
    return &member->balancer->roster->slots[member->worker->s->index];
}
