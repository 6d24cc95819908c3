/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* action.c - from the parameters of stock's forms to one lb_action_t.
 * Knows    the names and limits of the parameters.
 * Ignores  how a change is made (the balancer does it) and how the result is shown.
 * Memory   r->pool.   Threads: any, no state. */
#include "action.h"

#include <stdlib.h>
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>
#include <http_log.h>

#include "audit.h"
#include "balancers.h"
#include "changes.h"
#include "csrf.h"
#include "fastcgi_log.h"
#include "member_flag.h"

APLOG_USE_MODULE(balancer_manager);

/* A whole number from 0 to high; an empty field leaves the number as it is. */
static const char *take_number(apr_pool_t *p, const char *value, int high, int *out)
{
    const size_t digits = strspn(value, "0123456789");

    if (!*value) {
        return NULL;
    }
    if (value[digits] || digits > 9 || atoi(value) > high) {
        return apr_psprintf(p, "must be a whole number from 0 to %d", high);
    }
    *out = atoi(value);
    return NULL;
}

/* 1 to 100; like stock we take what follows the second decimal and forget it. */
static const char *take_weight(apr_pool_t *p, const char *value, lb_action_t *action)
{
    const size_t whole = strspn(value, "0123456789");
    const char *point = value + whole;
    const size_t decimals = *point == '.' ? strspn(point + 1, "0123456789") : 0;

    if (!*value) {
        return NULL;
    }
    if (whole >= 1 && whole <= 3 && (!*point || (decimals && !point[1 + decimals]))) {
        const int tenths = decimals >= 1 ? point[1] - '0' : 0;
        const int hundredths = decimals >= 2 ? point[2] - '0' : 0;
        const int weight = atoi(value) * 100 + tenths * 10 + hundredths;
        if (weight >= 100 && weight <= 10000) {
            action->weight_hundredths = weight;
            return NULL;
        }
    }
    return "must be a number from 1 to 100, such as 2 or 1.25";
}

static const char *take_lbset(apr_pool_t *p, const char *value, lb_action_t *action)
{
    return take_number(p, value, 99, &action->lbset);
}

static const char *take_route(apr_pool_t *p, const char *value, lb_action_t *action)
{
    action->route = value;
    return NULL;
}

static const char *take_redirect(apr_pool_t *p, const char *value, lb_action_t *action)
{
    action->redirect = value;
    return NULL;
}

static const char *take_drain_deadline(apr_pool_t *p, const char *value, lb_action_t *action)
{
    int seconds = -1;
    const char *wrong = take_number(p, value, 30 * 86400, &seconds);

    if (seconds >= 0) {
        action->drain_deadline = apr_time_from_sec(seconds);
    }
    return wrong;
}

static const char *take_lbmethod(apr_pool_t *p, const char *value, lb_action_t *action)
{
    action->lbmethod = *value ? value : NULL;
    return NULL;
}

static const char *take_timeout(apr_pool_t *p, const char *value, lb_action_t *action)
{
    int seconds = -1;
    const char *wrong = take_number(p, value, 7200, &seconds);

    if (seconds >= 0) {
        action->timeout = apr_time_from_sec(seconds);
    }
    return wrong;
}

static const char *take_max_attempts(apr_pool_t *p, const char *value, lb_action_t *action)
{
    return take_number(p, value, 99, &action->max_attempts);
}

static const char *take_nofailover(apr_pool_t *p, const char *value, lb_action_t *action)
{
    return take_number(p, value, 1, &action->nofailover);
}

/* Stock's page used to print "COOKIE | parameter": blanks are not part of either name. */
static const char *take_sticky(apr_pool_t *p, const char *value, lb_action_t *action)
{
    char *packed = apr_palloc(p, strlen(value) + 1);

    apr_collapse_spaces(packed, value);
    action->sticky = *packed ? packed : NULL;
    return NULL;
}

/* Ours: stock has nothing like it. An empty field of a page means nothing. */
static const char *take_new_address(apr_pool_t *p, const char *value, lb_action_t *action)
{
    action->new_address = *value ? value : NULL;
    return NULL;
}

static const char *take_removal(apr_pool_t *p, const char *value, lb_action_t *action)
{
    int is_wanted = 0;
    const char *wrong = take_number(p, value, 1, &is_wanted);

    action->remove_member = is_wanted;
    return wrong;
}

static const struct {
    const char *name;
    int is_for_member;
    const char *(*take)(apr_pool_t *p, const char *value, lb_action_t *action);
} fields[] = {
    {"w_lf", 1, take_weight},        {"w_ls", 1, take_lbset},          {"w_wr", 1, take_route},
    {"w_rr", 1, take_redirect},      {"b_lbm", 0, take_lbmethod},      {"b_tmo", 0, take_timeout},
    {"w_drain_deadline", 1, take_drain_deadline},
    {"b_max", 0, take_max_attempts}, {"b_sforce", 0, take_nofailover}, {"b_ss", 0, take_sticky},
    {"w_newaddr", 1, take_new_address}, {"b_wdelete", 1, take_removal},
};

static const char *field_value(const apr_table_t *form, const char *name, const char **wrong)
{
    const char *value = apr_table_get(form, name);

    *wrong = NULL;
    for (const char *c = value; c && *c; c++) {
        if (apr_iscntrl(*c)) {
            *wrong = "must not hold control characters";
        }
    }
    return value;
}

static void refuse_field(mgr_answer_t *answer, const char *name, const char *value,
                         const char *wrong)
{
    mgr_answer_refuse(answer, HTTP_BAD_REQUEST, "%s %s, not \"%s\".", name, wrong, value);
}

static int read_fields(mgr_answer_t *answer, const apr_table_t *form, lb_action_t *action)
{
    int count = 0;

    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        const char *wrong;
        const char *value = field_value(form, fields[i].name, &wrong);
        if (!value || (fields[i].is_for_member && !answer->member)) {
            continue;
        }
        if (!wrong) {
            wrong = fields[i].take(answer->r->pool, value, action);
        }
        if (wrong) {
            refuse_field(answer, fields[i].name, value, wrong);
        }
        count++;
    }
    return count;
}

static int read_flags(mgr_answer_t *answer, const apr_table_t *form, lb_action_t *action)
{
    int count = 0;

    for (int i = 0; answer->member && i < MGR_MEMBER_FLAG_COUNT; i++) {
        const char letter = mgr_member_flags[i].letter;
        const char *name = apr_psprintf(answer->r->pool, "w_status_%c", letter);
        const char *value = apr_table_get(form, name);
        if (!value) {
            continue;
        }
        if (strcmp(value, "0") && strcmp(value, "1")) {
            refuse_field(answer, name, value, "must be 0 or 1");
            continue;
        }
        action->status[count].flag = letter;
        action->status[count].set = *value == '1';
        count++;
    }
    return count;
}

/* The page sends b_nwrkr with every form, so only text in it means something. */
static int read_new_member(mgr_answer_t *answer, const apr_table_t *form, lb_action_t *action)
{
    const char *wrong;
    const char *url = field_value(form, "b_nwrkr", &wrong);
    const char *sure = apr_table_get(form, "b_wyes");
    const int is_sure = sure && !strcmp(sure, "1");

    if (wrong) {
        refuse_field(answer, "b_nwrkr", url, wrong);
    }
    else if (url && *url && !is_sure) {
        mgr_answer_refuse(answer, HTTP_BAD_REQUEST,
                          "b_wyes must be 1 to confirm that %s is to be added.", url);
    }
    else if (is_sure && (!url || !*url)) {
        mgr_answer_refuse(answer, HTTP_BAD_REQUEST,
                          "b_nwrkr must hold the URL of the member to add.");
    }
    else if (is_sure) {
        action->new_member = url;
    }
    return action->new_member != NULL;
}

/* Look again, and tell the user and the log what is different now. */
static void report(mgr_answer_t *answer)
{
    request_rec *r = answer->r;
    const lb_balancer_view_t *before = answer->balancer;

    answer->balancers = mgr_balancers_snapshot(r);
    answer->balancer =
        mgr_balancers_find(r->pool, answer->balancers, before->key, before->vhost, before->nonce);
    if (!answer->balancer) {
        answer->member = NULL;
        return;
    }
    if (answer->member) {
        answer->member = mgr_balancers_find_member(r->pool, answer->balancer, answer->member->url);
    }
    apr_array_header_t *changes = mgr_changes_list(r->pool, before, answer->balancer);
    if (changes->nelts == 0) {
        mgr_answer_note(answer, "Nothing to change: everything was so already.");
        return;
    }
    for (int i = 0; i < changes->nelts; i++) {
        const char *change = APR_ARRAY_IDX(changes, i, const char *);
        mgr_answer_note(answer, "%s", change);
        mgr_audit_changed(r, &(mgr_audit_entry_t){.balancer = before->name,
                                                  .vhost = before->vhost, .what = change});
    }
}

/* Of the right balancer, and from our own page or from somebody who knows the nonce. */
static int check_sender(mgr_answer_t *answer, const apr_table_t *form)
{
    if (!apr_table_get(form, "b")) {
        return mgr_answer_refuse(answer, HTTP_BAD_REQUEST, "Parameter b (balancer) is missing.");
    }
    const int status = mgr_answer_choose_balancer(answer, form);
    if (status != OK) {
        return status;
    }
    const char *refusal = mgr_csrf_refusal_of_form(answer->r, apr_table_get(form, "nonce"),
                                                   answer->balancer->nonce);
    if (!refusal) {
        return OK;
    }
    mgr_audit_refused(answer->r, &(mgr_audit_entry_t){.balancer = answer->balancer->name,
                                                      .vhost = answer->balancer->vhost,
                                                      .what = "form", .after = refusal});
    return mgr_answer_refuse(answer, HTTP_FORBIDDEN, "Nothing was changed: %s.", refusal);
}

int mgr_action_run(mgr_answer_t *answer, const apr_table_t *form)
{
    int status = check_sender(answer, form);
    if (status == OK) {
        status = mgr_answer_need(answer, MGR_EDIT);
    }
    if (status == OK) {
        status = mgr_answer_choose_member(answer, form);
    }
    if (status != OK) {
        return status;
    }
    lb_action_t action = lb_action_none();
    action.balancer = answer->balancer->key;
    action.vhost = answer->balancer->vhost;
    action.member = answer->member ? answer->member->url : NULL;

    const int wishes = read_fields(answer, form, &action) + read_flags(answer, form, &action)
                       + read_new_member(answer, form, &action);
    if (answer->status != HTTP_OK) {
        return answer->status;
    }
    if (!wishes) {
        mgr_answer_note(answer, "The form asks for no change.");
        return OK;
    }
    const char *wrong = mgr_balancers_apply(answer->r, &action);
    if (wrong) {
        return mgr_answer_refuse(answer, HTTP_BAD_REQUEST, "Nothing was changed: %s", wrong);
    }
    report(answer);
    return OK;
}
