/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* form_change.c - from the parameters of stock's forms, and ours, to lb_change_t.
 * Knows    the parameters that are no settings: b, w, vhost, action, confirm, ...
 * Ignores  how a change is made (the balancer does it) and how the result is shown.
 * Memory   r->pool.   Threads: any, no state. */
#include "form_change.h"

#include <string.h>

#include "apr_strings.h"
#include "balancer_calls.h"
#include "change_run.h"
#include "consequence.h"
#include "csrf.h"
#include "etag.h"
#include "field.h"

/* A form, as far as it is read. */
typedef struct {
    mgr_visit_t *visit;
    const apr_table_t *parameters;
    apr_array_header_t *members;    /* of const lb_member_view_t *, whom the change is for */
    lb_change_t change;             /* for each of them */
    int wishes;                     /* how many things it asks for */
} form_t;

static const char *parameter(const form_t *form, const char *name)
{
    return apr_table_get(form->parameters, name);
}

static bool is_one(const form_t *form, const char *name)
{
    const char *value = parameter(form, name);
    return value && strcmp(value, "1") == 0;
}

/* ---- Who asks, and what it is about ---------------------------------------------------------- */

/* As far as names go: who may not do it need not know whether the values are right. */
static mgr_right_t right_needed(const form_t *form)
{
    const char *button = parameter(form, "action");
    const bool has_members = parameter(form, "w") || is_one(form, "b_all");
    bool is_edit = is_one(form, "b_wyes") || (button && strcmp(button, "remove") == 0);

    for (const mgr_field_t *field = mgr_fields; field->setting; field++) {
        is_edit |= field->right == MGR_EDIT && field->form_name && parameter(form, field->form_name)
                   && (!field->setting->is_of_member || has_members);
    }
    return is_edit ? MGR_EDIT : MGR_OPERATE;
}

/* One who may do it, to a balancer that is there, and from our own page or from somebody who knows
 * the nonce: who has no right has no token either. */
static int check_sender(const form_t *form)
{
    mgr_visit_t *visit = form->visit;

    if (!parameter(form, "b")) {
        return mgr_visit_refuse(visit, HTTP_BAD_REQUEST, "Parameter b (balancer) is missing.");
    }
    const int status = mgr_visit_choose_balancer(visit, form->parameters);
    if (status != OK) {
        return status;
    }
    const mgr_right_t needed = right_needed(form);
    const char *why = mgr_rights_have(visit->rights, needed)
                          ? mgr_csrf_refusal_of_form(visit->r, parameter(form, "nonce"),
                                                     visit->balancer->nonce)
                          : mgr_rights_refusal(visit->r, needed);
    return why ? mgr_visit_refuse(visit, HTTP_FORBIDDEN, "%s",
                                  mgr_change_run_refused(visit, "form", why))
               : OK;
}

static int choose_one(void *data, const char *name, const char *url)
{
    const form_t *form = data;
    mgr_visit_t *visit = form->visit;
    const lb_member_view_t *member =
        mgr_balancer_calls_find_member(visit->r->pool, visit->balancer, url);

    if (!member) {
        mgr_visit_refuse(visit, HTTP_NOT_FOUND, "There is no member %s in %s.", url,
                         visit->balancer->name);
        return 0;
    }
    APR_ARRAY_PUSH(form->members, const lb_member_view_t *) = member;
    return 1;
}

static int choose_members(form_t *form)
{
    mgr_visit_t *visit = form->visit;
    const apr_array_header_t *all = visit->balancer->owner->members;

    if (is_one(form, "b_all")) {
        for (int i = 0; i < all->nelts; i++) {
            const lb_member_view_t *member = &APR_ARRAY_IDX(all, i, lb_member_view_t);
            if (!lb_member_view_leaves(member)) {
                APR_ARRAY_PUSH(form->members, const lb_member_view_t *) = member;
            }
        }
    }
    else {
        apr_table_do(choose_one, form, form->parameters, "w", NULL);
    }
    if (form->members->nelts == 1) {
        visit->member = APR_ARRAY_IDX(form->members, 0, const lb_member_view_t *);
    }
    return visit->status == HTTP_OK ? OK : visit->status;
}

/* ---- What it asks for ------------------------------------------------------------------------ */

static void refuse_field(const form_t *form, const char *name, const char *value,
                         const char *wrong)
{
    mgr_visit_refuse(form->visit, HTTP_BAD_REQUEST, "%s %s, not \"%s\".", name, wrong, value);
}

static void take(form_t *form, const mgr_field_t *field, const char *name, const char *value)
{
    const char *wrong = mgr_field_take(form->visit->r->pool, field, value, &form->change);

    if (wrong) {
        refuse_field(form, name, value, wrong);
    }
    form->wishes++;
}

static void read_fields(form_t *form)
{
    for (const mgr_field_t *field = mgr_fields; field->setting; field++) {
        const char *value = field->form_name ? parameter(form, field->form_name) : NULL;
        if (value && (!field->setting->is_of_member || form->members->nelts > 0)) {
            take(form, field, field->form_name, value);
        }
    }
}

/* The button of a plain form. */
static void read_button(form_t *form)
{
    const char *word = parameter(form, "action");

    if (!word || !*word) {
        return;
    }
    form->visit->is_of_button = true;
    if (form->members->nelts == 0) {
        mgr_visit_refuse(form->visit, HTTP_BAD_REQUEST,
                         "Nothing was changed: no member was selected. Select members of %s, or "
                         "all of them (parameter w, or b_all=1).",
                         form->visit->balancer->name);
    }
    else if (strcmp(word, "remove") == 0) {
        take(form, mgr_field_find("remove", true), "action", "1");
    }
    else if (strcmp(word, "reset") == 0) {
        take(form, mgr_field_find("reset_counters", true), "action", "1");
    }
    else {
        take(form, mgr_field_find("state", true), "action", word);
    }
}

/* The page sends b_nwrkr with every form, so only text in it means something. */
static void read_new_member(form_t *form)
{
    const char *url = parameter(form, "b_nwrkr");
    const bool is_sure = is_one(form, "b_wyes");

    if (url && *url && !is_sure) {
        mgr_visit_refuse(form->visit, HTTP_BAD_REQUEST,
                         "b_wyes must be 1 to confirm that %s is to be added.", url);
    }
    else if (is_sure && (!url || !*url)) {
        mgr_visit_refuse(form->visit, HTTP_BAD_REQUEST,
                         "b_nwrkr must be the URL of the member to add.");
    }
    else if (is_sure) {
        form->change.new_member = url;
        form->wishes++;
    }
}

/* Of the one member, or of the balancer: a page that is no longer true changes nothing. */
static void read_etag(form_t *form)
{
    const char *etag = parameter(form, "etag");

    if (etag && *etag && form->members->nelts <= 1) {
        form->change.revision = mgr_etag_revision(etag);
        if (!form->change.revision) {
            refuse_field(form, "etag", etag, "must be the value from the page");
        }
    }
}

/* ---- Before it is done ----------------------------------------------------------------------- */

/* The button that was pressed; "" for none. In a browser, a deadline is one to drain. */
static const char *button_of(const form_t *form)
{
    const char *word = parameter(form, "action");
    const char *deadline = parameter(form, mgr_field_form_name(LB_SETTING_DRAIN_DEADLINE));
    const bool drains = deadline && *deadline && mgr_visit_is_for_browser(form->visit);

    return word ? word : drains ? "drain"
                                : "";
}

/* What hurts when it was not meant. Stock's parameters are sent by scripts: they mean it. */
static bool wants_confirmation(const form_t *form)
{
    const char *word = button_of(form);

    if (is_one(form, "confirm")) {
        return false;
    }
    return form->members->nelts > 1 || strcmp(word, "remove") == 0 || strcmp(word, "disable") == 0
           || strcmp(word, "stop") == 0
           || mgr_consequence_is_outage(form->visit->balancer, word, form->members);
}

static void ask_for_confirmation(const form_t *form)
{
    mgr_visit_t *visit = form->visit;
    mgr_pending_t *pending = mgr_consequence_tell(visit->r->pool, visit->balancer,
                                                  button_of(form), form->members);

    pending->form = form->parameters;
    visit->pending = pending;
}

/* ---- Doing it -------------------------------------------------------------------------------- */

/* The balancer's own settings go with the first. */
static apr_array_header_t *changes_of(const form_t *form)
{
    const lb_balancer_view_t *balancer = form->visit->balancer;
    apr_array_header_t *changes =
        apr_array_make(form->visit->r->pool, form->members->nelts + 1, sizeof(lb_change_t));
    int i = 0;

    do {
        lb_change_t change = form->change;
        change.balancer = balancer->key;
        change.vhost = balancer->vhost;
        if (i < form->members->nelts) {
            change.member = APR_ARRAY_IDX(form->members, i, const lb_member_view_t *)->url;
        }
        if (i > 0) {
            change.new_member = NULL;
        }
        APR_ARRAY_PUSH(changes, lb_change_t) = change;
    } while (++i < form->members->nelts);
    return changes;
}

/* Each in a note; their status is the visit's. */
static int refuse_all(const form_t *form, const apr_array_header_t *errors)
{
    mgr_visit_t *visit = form->visit;

    for (int i = 0; i < errors->nelts; i++) {
        mgr_visit_refuse(visit, HTTP_BAD_REQUEST, "Nothing was changed: %s",
                         APR_ARRAY_IDX(errors, i, lb_change_error_t).why);
    }
    return visit->status;
}

static int make_changes(const form_t *form)
{
    mgr_visit_t *visit = form->visit;
    const lb_change_result_t *result = mgr_change_run(visit, changes_of(form));

    if (result->errors->nelts > 0) {
        refuse_all(form, result->errors);
        if (mgr_change_run_status(result->errors) == HTTP_PRECONDITION_FAILED) {
            visit->status = HTTP_PRECONDITION_FAILED;
        }
        return visit->status;
    }
    mgr_change_run_tell(visit, visit->done);
    return OK;
}

static int read_form(form_t *form)
{
    int status = check_sender(form);

    if (status == OK) {
        status = choose_members(form);
    }
    if (status != OK) {
        return status;
    }
    read_fields(form);
    read_button(form);
    read_new_member(form);
    read_etag(form);
    if (form->visit->status == HTTP_OK) {
        return OK;
    }
    /* what is wrong with the other values is for the balancer to say */
    return refuse_all(form, mgr_balancer_calls_check(form->visit->r, changes_of(form)));
}

int mgr_form_change_run(mgr_visit_t *visit, const apr_table_t *parameters)
{
    form_t form = {
        .visit = visit,
        .parameters = parameters,
        .members = apr_array_make(visit->r->pool, 2, sizeof(const lb_member_view_t *)),
    };
    const int status = read_form(&form);

    if (status != OK) {
        return status;
    }
    if (!form.wishes) {
        mgr_visit_note(visit, "The form contains no change.");
        return OK;
    }
    if (wants_confirmation(&form)) {
        ask_for_confirmation(&form);
        return OK;
    }
    return make_changes(&form);
}
