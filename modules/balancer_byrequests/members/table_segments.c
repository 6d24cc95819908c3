/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* table_segments.c - see table_segments.h. */
#include "table_segments.h"

#include "ap_mpm.h"
#include "apr_shm.h"
#include "apr_strings.h"
#include "fastcgi_log.h"
#include "http_log.h"
#include "member_config.h"
#include "member_counters.h"
#include "row_key.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;
APLOG_USE_MODULE(balancer_byrequests);

/* Rows beyond the need of the first start, so that most edited configurations find room in the
 * same segment; a bigger need gets one more segment. */
#define SPARE_BALANCER_ROWS 64
#define SPARE_MEMBER_ROWS   256
#define WAITERS             16384    /* memory that is only touched when so many wait */

/* What the process pool keeps over restarts. */
typedef struct {
    apr_array_header_t *ledgers;   /* of lb_ledger_t * */
    uint32_t generation;           /* of the configuration; counts up */
} table_set_t;

static const char table_set_key[] = "balancer_byrequests.tables." APR_STRINGIFY(LB_TABLE_VERSION);

static table_set_t *table_set(server_rec *s)
{
    apr_pool_t *process = s->process->pool;
    void *found = NULL;

    apr_pool_userdata_get(&found, table_set_key, process);
    if (!found) {
        table_set_t *set = apr_pcalloc(process, sizeof(*set));
        set->ledgers = apr_array_make(process, 2, sizeof(lb_ledger_t *));
        apr_pool_userdata_set(set, table_set_key, NULL, process);    /* the key, too, outlives us */
        found = set;
    }
    return found;
}

static lb_ledger_t *add_table(server_rec *s, table_set_t *set, uint32_t balancers,
                              uint32_t members)
{
    int daemons = 1;
    apr_shm_t *shm;

    ap_mpm_query(AP_MPMQ_HARD_LIMIT_DAEMONS, &daemons);
    const lb_table_size_t size = {
        .balancers = balancers + SPARE_BALANCER_ROWS,
        .members = members + SPARE_MEMBER_ROWS,
        /* two generations, and the dead whose rows nobody has given back yet */
        .processes = 2 * (uint32_t)daemons + 8,
        .waiters = WAITERS,
    };
    /* Anonymous memory: nothing is left behind by a crash. */
    apr_status_t rv = apr_shm_create(&shm, lb_table_bytes(size) + 64, NULL, s->process->pool);
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, rv, s, FCLOGNO(0401)
                     "no shared memory for the table of %u members", size.members);
        return NULL;
    }
    void *aligned = (void *)(((uintptr_t)apr_shm_baseaddr_get(shm) + 63) & ~(uintptr_t)63);
    lb_ledger_t *ledger = apr_pcalloc(s->process->pool, sizeof(*ledger));
    ledger->table = lb_table_init(aligned, size);
    ledger->generation = set->generation;
    atomic_store(&ledger->row, LB_NOBODY);
    APR_ARRAY_PUSH(set->ledgers, lb_ledger_t *) = ledger;
    return ledger;
}

/* One table for a balancer and all its members: they share its lock. If it has grown out of one,
 * it has rows there as long as a process knows them: the last is the one it has now.
 * returns  the one it had; else the first with room */
static lb_ledger_t *choose_table(server_rec *s, table_set_t *set, uint64_t key, uint32_t members)
{
    lb_ledger_t *with_room = NULL;

    for (int i = set->ledgers->nelts - 1; i >= 0; i--) {
        lb_ledger_t *ledger = APR_ARRAY_IDX(set->ledgers, i, lb_ledger_t *);
        if (lb_table_has_balancer(ledger->table, key)) {
            return ledger;
        }
        if (lb_table_has_room(ledger->table, members)) {
            with_room = ledger;
        }
    }
    return with_room ? with_room : add_table(s, set, 1, members);
}

const apr_array_header_t *lb_table_segments_ledgers(server_rec *s)
{
    return table_set(s)->ledgers;
}

/* returns  false when the table has no room for all of them */
static bool claim_members(lb_table_t *t, uint32_t generation, lb_balancer_t *balancer)
{
    lb_member_t member;
    bool all = true;

    for (int i = 0; lb_member_next(balancer, &i, &member);) {    /* of whom no row is known yet */
        const proxy_worker_shared *s = member.worker->s;
        lb_member_row_t *row =
            lb_table_claim_member(t, lb_row_key_of_member(balancer, s), generation);
        balancer->member_rows[s->index] = row;
        if (row) {
            lb_member_config_set_limits(row, lb_member_config_params(&member));
            lb_member_config_set_shared(row, balancer);
        }
    }
    for (int slot = 0; slot < balancer->slots; slot++) {
        if (!balancer->member_rows[slot]) {   /* for a member added at run time */
            balancer->member_rows[slot] =
                lb_table_claim_member(t, lb_row_key_of_slot(balancer, slot), generation);
        }
        all = all && balancer->member_rows[slot];
    }
    return all;
}

bool lb_table_segments_claim(server_rec *s, lb_balancer_t *balancer)
{
    table_set_t *set = table_set(s);
    const uint64_t key = lb_row_key_of_balancer(balancer);
    const uint32_t members = (uint32_t)balancer->slots;
    lb_ledger_t *ledger = choose_table(s, set, key, members);

    if (ledger && !claim_members(ledger->table, set->generation, balancer)) {
        /* it has grown out of its table: its counts begin anew in another */
        memset(balancer->member_rows, 0, members * sizeof(*balancer->member_rows));
        ledger = add_table(s, set, 1, members);
        if (ledger) {
            claim_members(ledger->table, set->generation, balancer);
        }
    }
    if (!ledger) {
        return false;
    }
    balancer->ledger = ledger;
    balancer->generation = set->generation;
    balancer->row = lb_table_claim_balancer(ledger->table, key, set->generation);
    if (balancer->row) {
        lb_member_counters_begin(balancer);
    }
    return balancer->row != NULL;
}

/* The first table has room for all, so that it nearly always stays the only one. */
static bool make_first_table(server_rec *main, table_set_t *set)
{
    uint32_t balancers = 0, members = 0;

    for (server_rec *s = main; s; s = s->next) {
        const proxy_server_conf *conf = ap_get_module_config(s->module_config, &proxy_module);
        for (int i = 0; i < conf->balancers->nelts; i++) {
            const proxy_balancer *proxy = &APR_ARRAY_IDX(conf->balancers, i, proxy_balancer);
            balancers++;
            members += (uint32_t)(proxy->workers->nelts + proxy->growth
                                  + lb_source_slots(proxy->workers));
        }
    }
    return add_table(main, set, balancers, members) != NULL;
}

bool lb_table_segments_open(server_rec *main)
{
    table_set_t *set = table_set(main);

    set->generation++;
    if (set->ledgers->nelts == 0) {
        return make_first_table(main, set);
    }
    for (int i = 0; i < set->ledgers->nelts; i++) {
        lb_ledger_t *ledger = APR_ARRAY_IDX(set->ledgers, i, lb_ledger_t *);
        ledger->generation = set->generation;
        lb_table_sweep(ledger->table, set->generation);
    }
    return true;
}
