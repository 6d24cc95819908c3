/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* selection.c - chooses and sorts members.
 * Knows    the parameters filter, state, sort, order, refresh and open of the page.
 * Ignores  HTML.
 * Memory   the caller's pool.   Threads: any, no state. */
#include "selection.h"

#include <string.h>

#include "apr_lib.h"
#include "apr_strings.h"
#include "directive.h"
#include "escape.h"
#include "form.h"
#include "tally.h"

#define REFRESH_SECONDS 10
#define NOTABLE_ERRORS  1    /* of a hundred requests */

typedef const lb_member_view_t member_t;

static int compare_numbers(double a, double b)
{
    return (a > b) - (a < b);
}

bool mgr_selection_is_off(lb_state_t state)
{
    return state != LB_STATE_OK && state != LB_STATE_STANDBY && state != LB_STATE_SPARE
           && !lb_state_is_failed(state);
}

bool mgr_selection_is_notable(member_t *member)
{
    return lb_state_is_failed(member->state) || mgr_selection_is_off(member->state)
           || member->is_kept || member->strikes > 0 || member->missing_since
           || member->share_percent < 100
           || mgr_tally_error_percent(&member->recent) >= NOTABLE_ERRORS;
}

/* Failed, then notable, then off, then all that is in order. */
static int trouble(member_t *member)
{
    return lb_state_is_failed(member->state)     ? 3
           : mgr_selection_is_off(member->state) ? 1
           : mgr_selection_is_notable(member)    ? 2
                                                 : 0;
}

static int by_trouble(member_t *a, member_t *b)
{
    return trouble(b) - trouble(a);
}

static int by_configuration(member_t *a, member_t *b)
{
    return 0;
}

static int by_name(member_t *a, member_t *b)
{
    return apr_strnatcasecmp(a->name, b->name);
}

static int by_state(member_t *a, member_t *b)
{
    return strcmp(lb_state_word(a->state), lb_state_word(b->state));
}

static int by_weight(member_t *a, member_t *b)
{
    return compare_numbers(a->settings.of[LB_SETTING_WEIGHT].number,
                           b->settings.of[LB_SETTING_WEIGHT].number);
}

static int by_requests(member_t *a, member_t *b)
{
    return compare_numbers((double)a->elected, (double)b->elected);
}

static int by_in_flight(member_t *a, member_t *b)
{
    return compare_numbers(a->in_flight, b->in_flight);
}

static int by_rate(member_t *a, member_t *b)
{
    return compare_numbers(a->recent.requests, b->recent.requests);
}

static int by_first_byte(member_t *a, member_t *b)
{
    return compare_numbers((double)a->recent.p95, (double)b->recent.p95);
}

static int by_failures(member_t *a, member_t *b)
{
    return compare_numbers((double)a->failures, (double)b->failures);
}

static int by_errors(member_t *a, member_t *b)
{
    return compare_numbers(a->recent.failures, b->recent.failures);
}

static int by_downtime(member_t *a, member_t *b)
{
    return compare_numbers((double)a->downtime, (double)b->downtime);
}

static int by_check(member_t *a, member_t *b)
{
    return compare_numbers(a->check_fails, b->check_fails);
}

const mgr_sort_key_t mgr_selection_sort_keys[] = {
    { "config", "configuration", by_configuration },
    { "name", "member", by_name },
    { "state", "state", by_state },
    { "weight", "weight", by_weight },
    { "requests", "requests", by_requests },
    { "in_flight", "in flight", by_in_flight },
    { "rate", "requests/s", by_rate },
    { "first_byte", "first byte", by_first_byte },
    { "errors", "errors", by_errors },
    { "failures", "failures", by_failures },
    { "check", "failed checks", by_check },
    { "downtime", "downtime", by_downtime },
    { NULL },
};

/* returns  NULL when there is no such key */
static const mgr_sort_key_t *sort_key(const char *name)
{
    for (const mgr_sort_key_t *key = mgr_selection_sort_keys; key->key; key++) {
        if (strcmp(key->key, name) == 0) {
            return key;
        }
    }
    return NULL;
}

static const char *parameter(const apr_table_t *query, const char *name)
{
    const char *value = apr_table_get(query, name);
    return value ? value : "";
}

static int refresh_seconds(const char *text)
{
    int seconds = REFRESH_SECONDS;

    return !text || fc_directive_count(text, 1, 3600, &seconds) ? seconds : 0;
}

static int add_value(void *values, const char *name, const char *value)
{
    APR_ARRAY_PUSH((apr_array_header_t *)values, const char *) = value;
    return 1;
}

mgr_selection_t mgr_selection_read(request_rec *r)
{
    apr_array_header_t *open = apr_array_make(r->pool, 0, sizeof(const char *));
    apr_table_t *query;

    if (mgr_form_parse(r->pool, r->args, &query) != OK) {
        query = apr_table_make(r->pool, 0);
    }
    mgr_selection_t selection = {
        .filter = parameter(query, "filter"),
        .state = parameter(query, "state"),
        .sort = parameter(query, "sort"),
        .is_descending = strcmp(parameter(query, "order"), "desc") == 0,
        .refresh_seconds = refresh_seconds(apr_table_get(query, "refresh")),
        .open = open,
    };
    apr_table_do(add_value, open, query, "open", NULL);
    if (!sort_key(selection.sort)) {
        selection.sort = "";
    }
    return selection;
}

bool mgr_selection_is_partial(const mgr_selection_t *selection)
{
    return *selection->filter || *selection->state;
}

/* As people search: without regard to ASCII case. */
static bool contains(const char *text, const char *piece)
{
    const size_t bytes = strlen(piece);

    for (; text && *text; text++) {
        if (ap_cstr_casecmpn(text, piece, bytes) == 0) {
            return true;
        }
    }
    return false;
}

static unsigned int states_that(bool (*is)(lb_state_t state))
{
    unsigned int states = 0;

    for (lb_state_t state = 0; state < LB_STATE_COUNT; state++) {
        states |= (unsigned int)is(state) << state;
    }
    return states;
}

/* The states that the parameter means, as bits. */
static unsigned int states_of(const char *word)
{
    const unsigned int all = (1u << LB_STATE_COUNT) - 1;
    lb_state_t state = 0;

    if (!*word) {
        return all;
    }
    if (strcmp(word, "attention") == 0) {
        return all & ~(1u << LB_STATE_OK);
    }
    if (strcmp(word, "failed") == 0) {
        return states_that(lb_state_is_failed);
    }
    if (strcmp(word, "off") == 0) {
        return states_that(mgr_selection_is_off);
    }
    while (state < LB_STATE_COUNT && strcmp(word, lb_state_word(state)) != 0) {
        state++;
    }
    return all & 1u << state;
}

static bool is_balancer_meant(const mgr_selection_t *selection, const lb_balancer_view_t *balancer)
{
    const char *filter = selection->filter;
    return !*filter || contains(balancer->name, filter) || contains(balancer->vhost, filter);
}

/* A selection, as it is about one balancer. */
typedef struct {
    const char *filter;
    bool is_meant;           /* all of it, as far as names go */
    unsigned int states;
} criteria_t;

static criteria_t criteria_of(const mgr_selection_t *selection, const lb_balancer_view_t *balancer)
{
    return (criteria_t){ selection->filter, is_balancer_meant(selection, balancer),
                         states_of(selection->state) };
}

static bool is_selected(const criteria_t *criteria, member_t *member)
{
    return criteria->states & 1u << member->state
           && (criteria->is_meant || contains(member->name, criteria->filter)
               || contains(member->settings.of[LB_SETTING_ROUTE].text, criteria->filter));
}

int mgr_selection_count(const mgr_selection_t *selection, const lb_balancer_view_t *balancer)
{
    const criteria_t criteria = criteria_of(selection, balancer);
    int count = 0;

    for (int i = 0; i < balancer->members->nelts; i++) {
        count += is_selected(&criteria, &APR_ARRAY_IDX(balancer->members, i, lb_member_view_t));
    }
    return count;
}

bool mgr_selection_is_open(const mgr_selection_t *selection, const lb_balancer_view_t *balancer)
{
    for (int i = 0; i < selection->open->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(selection->open, i, const char *), balancer->key) == 0) {
            return true;
        }
    }
    return false;
}

/* A stable order: members that compare as equal stay as they are configured. */
static void merge_sort(member_t **members, member_t **spare, int count,
                       mgr_compare_t *compare, int sign)
{
    if (count < 2) {
        return;
    }
    const int half = count / 2;
    int left = 0, right = half, at = 0;

    merge_sort(members, spare, half, compare, sign);
    merge_sort(members + half, spare, count - half, compare, sign);
    while (left < half && right < count) {
        const bool is_left = sign * compare(members[left], members[right]) <= 0;
        spare[at++] = is_left ? members[left++] : members[right++];
    }
    memcpy(spare + at, members + left, (size_t)(half - left) * sizeof(*members));
    memcpy(members, spare, (size_t)(at + half - left) * sizeof(*members));
}

apr_array_header_t *mgr_selection_members(apr_pool_t *p, const mgr_selection_t *selection,
                                          const lb_balancer_view_t *balancer)
{
    const int all = balancer->members->nelts;
    apr_array_header_t *selected = apr_array_make(p, all, sizeof(member_t *));
    const criteria_t criteria = criteria_of(selection, balancer);
    const mgr_sort_key_t *key = sort_key(selection->sort);

    for (int i = 0; i < all; i++) {
        member_t *member = &APR_ARRAY_IDX(balancer->members, i, lb_member_view_t);
        if (is_selected(&criteria, member)) {
            APR_ARRAY_PUSH(selected, member_t *) = member;
        }
    }
    if (key || selection->puts_trouble_first) {
        merge_sort((member_t **)selected->elts,
                   apr_palloc(p, (apr_size_t)all * sizeof(member_t *)), selected->nelts,
                   key ? key->compare : by_trouble, key && selection->is_descending ? -1 : 1);
    }
    return selected;
}

static const char *joined(apr_pool_t *p, const char *query, const char *name, const char *value)
{
    return *value ? apr_pstrcat(p, query, query[1] ? "&" : "", name, "=",
                                mgr_escape_query(p, value), NULL)
                  : query;
}

const char *mgr_selection_query(apr_pool_t *p, const mgr_selection_t *selection)
{
    const char *query = joined(p, "?", "filter", selection->filter);

    query = joined(p, query, "state", selection->state);
    query = joined(p, query, "sort", selection->sort);
    query = joined(p, query, "order", selection->is_descending ? "desc" : "");
    for (int i = 0; i < selection->open->nelts; i++) {
        query = joined(p, query, "open", APR_ARRAY_IDX(selection->open, i, const char *));
    }
    return selection->refresh_seconds == REFRESH_SECONDS
               ? query
               : joined(p, query, "refresh", apr_itoa(p, selection->refresh_seconds));
}
