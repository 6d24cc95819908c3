/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* wanted.c - see wanted.h. */
#include "wanted.h"

#include <unistd.h>

#include "apr_strings.h"
#include "balancer_setting.h"
#include "discovery_choice.h"
#include "member_template.h"
#include "name_hash.h"

apr_hash_t *lb_wanted_members(apr_pool_t *p, const lb_balancer_t *balancer)
{
    apr_hash_t *members = apr_hash_make(p);
    lb_member_t member;

    for (int i = 0; lb_member_next(balancer, &i, &member);) {
        apr_hash_set(members, member.worker->s->name_ex, APR_HASH_KEY_STRING,
                     apr_pmemdup(p, &member, sizeof(member)));
    }
    return members;
}

static const char *url_of(apr_pool_t *p, const lb_source_t *source, const lb_address_t *address)
{
    const bool is_inet6 = strchr(address->address, ':') != NULL;
    const char *where =
        apr_psprintf(p, is_inet6 ? "[%s]:%d" : "%s:%d", address->address, address->port);
    return lb_member_template_moved_url(p, lb_source_name(source), where);
}

/* Is it another line's member? One that is leaving makes room for ours. */
static bool is_taken(const lb_member_t *member, const lb_source_t *source)
{
    return member && lb_member_source(member) != source && !lb_member_leaves(member);
}

/* ---- Places ---------------------------------------------------------------------------------- */

static lb_srv_place_t place_of_line(const lb_source_t *source)
{
    const proxy_worker_shared *s = source->template->s;
    return (lb_srv_place_t){ .set = (uint32_t)s->lbset, .lbfactor = (uint32_t)s->lbfactor };
}

/* A record's set is counted from that of the line. */
static void add_set(lb_srv_place_t *place, const lb_source_t *source)
{
    const uint32_t max = (uint32_t)lb_settings[LB_SETTING_LBSET].max;

    place->set += (uint32_t)source->template->s->lbset;
    place->set = place->set < max ? place->set : max;
}

static void find_places(apr_pool_t *p, const lb_source_t *source, const lb_address_t *addresses,
                        size_t count, lb_srv_place_t *places)
{
    lb_srv_t *records = apr_pcalloc(p, (count + 1) * sizeof(*records));

    for (size_t i = 0; i < count; i++) {
        records[i] = (lb_srv_t){ addresses[i].priority, addresses[i].weight };
        places[i] = place_of_line(source);
    }
    if (source->params->kind == LB_DISCOVER_SRV) {
        lb_srv_order(records, count, places);
        for (size_t i = 0; i < count; i++) {
            add_set(&places[i], source);
        }
    }
}

/* ---- The choice ------------------------------------------------------------------------------ */

/* Something of this machine's own, that is the same after a restart. */
static uint64_t own_hash(void)
{
    char name[256] = "";

    gethostname(name, sizeof(name) - 1);
    return fc_name_hash(FC_NAME_HASH_START, name);
}

apr_hash_t *lb_wanted_of(apr_pool_t *p, const lb_source_t *source, const lb_answer_t *answer,
                         apr_hash_t *members, uint32_t *dropped)
{
    const lb_address_t *addresses = (const void *)answer->addresses->elts;
    const size_t count = (size_t)answer->addresses->nelts;
    lb_candidacy_t *candidacies = apr_pcalloc(p, (count + 1) * sizeof(*candidacies));
    lb_wanted_t *all = apr_pcalloc(p, (count + 1) * sizeof(*all));
    lb_srv_place_t *places = apr_pcalloc(p, (count + 1) * sizeof(*places));
    bool *is_chosen = apr_pcalloc(p, (count + 1) * sizeof(*is_chosen));
    apr_hash_t *wanted = apr_hash_make(p);
    const uint64_t own = own_hash();
    size_t n = 0;

    find_places(p, source, addresses, count, places);
    for (size_t i = 0; i < count; i++) {
        const char *url = url_of(p, source, &addresses[i]);
        const lb_member_t *member = url ? apr_hash_get(members, url, APR_HASH_KEY_STRING) : NULL;
        if (url && !is_taken(member, source)) {
            all[n] = (lb_wanted_t){ url, places[i] };
            candidacies[n++] = (lb_candidacy_t){ .priority = addresses[i].priority,
                                                 .is_member = member != NULL,
                                                 .hash = fc_name_hash(own, url) };
        }
    }
    *dropped =
        (uint32_t)lb_discovery_choice(candidacies, n, (size_t)source->params->max, is_chosen);
    for (size_t i = 0; i < n; i++) {
        if (is_chosen[i]) {
            apr_hash_set(wanted, all[i].url, APR_HASH_KEY_STRING, &all[i]);
        }
    }
    return wanted;
}
