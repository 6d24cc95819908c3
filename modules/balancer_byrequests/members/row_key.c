/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* row_key.c - see row_key.h. */
#include "row_key.h"

#include "apr_strings.h"
#include "name_hash.h"

uint64_t lb_row_key_of_member(const lb_balancer_t *balancer, const proxy_worker_shared *member)
{
    return fc_name_hash3(balancer->owner->proxy->s->sname, member->uds_path, member->name_ex);
}

uint64_t lb_row_key_of_slot(const lb_balancer_t *balancer, int slot)
{
    char number[16];
    apr_snprintf(number, sizeof(number), "%d", slot);
    return fc_name_hash3(balancer->owner->proxy->s->sname, "slot", number);
}

uint64_t lb_row_key_of_balancer(const lb_balancer_t *balancer)
{
    return fc_name_hash3(balancer->proxy->s->sname, "", "");
}
