/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* action.c - from the parameters of stock's forms, and ours, to lb_action_t.
 * Knows    the parameters that are no settings: b, w, vhost, action, confirm, ...
 * Ignores  how a change is made (the balancer does it) and how the result is shown.
 * Memory   r->pool.   Threads: any, no state. */
#include "action.h"

#include <string.h>

#include <apr_strings.h>

#include "balancers.h"
#include "commit.h"
#include "csrf.h"
#include "etag.h"
#include "field.h"

/* A form, as far as it is read. */
typedef struct {
    mgr_answer_t *answer;
    const apr_table_t *parameters;
    apr_array_header_t *members;    /* of const lb_member_view_t *, whom the action is for */
    lb_action_t action;             /* for each of them */
    mgr_right_t needs;
    int wishes;                     /* how many settings it has */
} form_t;

static const char *parameter(const form_t *form, const char *name)
{
    return apr_table_get(form->parameters, name);
}

static int is_one(const form_t *form, const char *name)
{
    const char *value = parameter(form, name);
    return value && !strcmp(value, "1");
}

/* ---- Who asks, and what it is about ---------------------------------------------------------- */

/* One who may change something, of a balancer that is there, and from our own page or from somebody
 * who knows the nonce: who has no right has no token either. */
static int check_sender(const form_t *form)
{
    mgr_answer_t *answer = form->answer;

    if (!parameter(form, "b")) {
        return mgr_answer_refuse(answer, HTTP_BAD_REQUEST, "Parameter b (balancer) is missing.");
    }
    const int status = mgr_answer_choose_balancer(answer, form->parameters);
    if (status != OK) {
        return status;
    }
    const char *why = mgr_rights_have(answer->rights, MGR_OPERATE)
                          ? mgr_csrf_refusal_of_form(answer->r, parameter(form, "nonce"),
                                                     answer->balancer->nonce)
                          : mgr_rights_refusal(answer->r, MGR_OPERATE);
    return why ? mgr_answer_refuse(answer, HTTP_FORBIDDEN, "%s",
                                   mgr_commit_refused(answer, "form", why))
               : OK;
}

static int choose_one(void *data, const char *name, const char *url)
{
    const form_t *form = data;
    mgr_answer_t *answer = form->answer;
    const lb_member_view_t *member =
        mgr_balancers_find_member(answer->r->pool, answer->balancer, url);

    if (!member) {
        mgr_answer_refuse(answer, HTTP_NOT_FOUND, "There is no member %s in %s.", url,
                          answer->balancer->name);
        return 0;
    }
    APR_ARRAY_PUSH(form->members, const lb_member_view_t *) = member;
    return 1;
}

static int choose_members(form_t *form)
{
    mgr_answer_t *answer = form->answer;
    const apr_array_header_t *all = answer->balancer->owner->members;

    if (is_one(form, "b_all")) {
        for (int i = 0; i < all->nelts; i++) {
            const lb_member_view_t *member = &APR_ARRAY_IDX(all, i, lb_member_view_t);
            if (strcmp(member->state, "removing") != 0) {
                APR_ARRAY_PUSH(form->members, const lb_member_view_t *) = member;
            }
        }
    }
    else {
        apr_table_do(choose_one, form, form->parameters, "w", NULL);
    }
    if (form->members->nelts == 1) {
        answer->member = APR_ARRAY_IDX(form->members, 0, const lb_member_view_t *);
    }
    return answer->status == HTTP_OK ? OK : answer->status;
}

/* ---- What it asks for ------------------------------------------------------------------------ */

static void refuse_field(const form_t *form, const char *name, const char *value,
                         const char *wrong)
{
    mgr_answer_refuse(form->answer, HTTP_BAD_REQUEST, "%s %s, not \"%s\".", name, wrong, value);
}

static void take(form_t *form, const mgr_field_t *field, const char *name, const char *value)
{
    const char *wrong = mgr_field_take(form->answer->r->pool, field, value, &form->action);

    if (wrong) {
        refuse_field(form, name, value, wrong);
    }
    form->needs = field->right > form->needs ? field->right : form->needs;
    form->wishes++;
}

static void read_fields(form_t *form)
{
    for (const mgr_field_t *field = mgr_fields; field->json_name; field++) {
        const char *value = field->form_name ? parameter(form, field->form_name) : NULL;
        if (value && (!field->is_of_member || form->members->nelts > 0)) {
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
    if (form->members->nelts == 0) {
        mgr_answer_refuse(form->answer, HTTP_BAD_REQUEST,
                          "action is for members: parameter w, or b_all=1, is missing.");
    }
    else if (!strcmp(word, "remove")) {
        take(form, mgr_field_find("remove", 1), "action", "1");
    }
    else if (!strcmp(word, "reset")) {
        take(form, mgr_field_find("reset_counters", 1), "action", "1");
    }
    else {
        take(form, mgr_field_find("state", 1), "action", word);
    }
}

/* The page sends b_nwrkr with every form, so only text in it means something. */
static void read_new_member(form_t *form)
{
    const char *url = parameter(form, "b_nwrkr");
    const int is_sure = is_one(form, "b_wyes");

    if (url && *url && !is_sure) {
        mgr_answer_refuse(form->answer, HTTP_BAD_REQUEST,
                          "b_wyes must be 1 to confirm that %s is to be added.", url);
    }
    else if (is_sure && (!url || !*url)) {
        mgr_answer_refuse(form->answer, HTTP_BAD_REQUEST,
                          "b_nwrkr must hold the URL of the member to add.");
    }
    else if (is_sure) {
        form->action.new_member = url;
        form->needs = MGR_EDIT;
        form->wishes++;
    }
}

/* Of the one member, or of the balancer: a page that is no longer true changes nothing. */
static void read_etag(form_t *form)
{
    const char *etag = parameter(form, "etag");

    if (etag && *etag && form->members->nelts <= 1) {
        form->action.revision = mgr_etag_revision(etag);
        if (!form->action.revision) {
            refuse_field(form, "etag", etag, "must be what the page had");
        }
    }
}

/* ---- Before it is done ----------------------------------------------------------------------- */

static int is_usable(const lb_member_view_t *member)
{
    return !strcmp(member->state, "ok");
}

static int is_last_usable(const form_t *form)
{
    const lb_member_view_t *member = form->answer->member;
    const apr_array_header_t *all = form->answer->balancer->owner->members;
    int others = 0;

    for (int i = 0; i < all->nelts; i++) {
        const lb_member_view_t *other = &APR_ARRAY_IDX(all, i, lb_member_view_t);
        others += other != member && is_usable(other);
    }
    return is_usable(member) && others == 0;
}

/* What hurts when it was not meant. Stock's parameters are sent by scripts: they mean it. */
static int wants_confirmation(const form_t *form)
{
    const char *word = parameter(form, "action");

    if (is_one(form, "confirm")) {
        return 0;
    }
    if (form->members->nelts > 1) {
        return 1;
    }
    return word && (!strcmp(word, "remove") || !strcmp(word, "disable") || !strcmp(word, "stop")
                    || (!strcmp(word, "drain") && is_last_usable(form)));
}

static void ask_for_confirmation(const form_t *form)
{
    apr_pool_t *p = form->answer->r->pool;
    const char *word = parameter(form, "action");
    mgr_pending_t *pending = apr_palloc(p, sizeof(*pending));

    pending->form = form->parameters;
    pending->lines = apr_array_make(p, form->members->nelts, sizeof(const char *));
    for (int i = 0; i < form->members->nelts; i++) {
        const lb_member_view_t *member =
            APR_ARRAY_IDX(form->members, i, const lb_member_view_t *);
        APR_ARRAY_PUSH(pending->lines, const char *) =
            apr_psprintf(p, "%s %s (%s, %u in flight)", word && *word ? word : "change",
                         member->name, member->state, (unsigned int)member->in_flight);
    }
    form->answer->pending = pending;
}

/* ---- Doing it -------------------------------------------------------------------------------- */

/* The balancer's own settings go with the first. */
static apr_array_header_t *actions_of(const form_t *form)
{
    const lb_balancer_view_t *balancer = form->answer->balancer;
    apr_array_header_t *actions =
        apr_array_make(form->answer->r->pool, form->members->nelts + 1, sizeof(lb_action_t));
    int i = 0;

    do {
        lb_action_t action = form->action;
        action.balancer = balancer->key;
        action.vhost = balancer->vhost;
        if (i < form->members->nelts) {
            action.member = APR_ARRAY_IDX(form->members, i, const lb_member_view_t *)->url;
        }
        if (i > 0) {
            action.new_member = NULL;
        }
        APR_ARRAY_PUSH(actions, lb_action_t) = action;
    } while (++i < form->members->nelts);
    return actions;
}

static int commit(const form_t *form)
{
    mgr_answer_t *answer = form->answer;
    const lb_result_t *result = mgr_commit_run(answer, actions_of(form));

    for (int i = 0; i < result->errors->nelts; i++) {
        mgr_answer_refuse(answer, HTTP_BAD_REQUEST, "Nothing was changed: %s",
                          APR_ARRAY_IDX(result->errors, i, lb_action_error_t).why);
    }
    if (result->errors->nelts > 0) {
        if (mgr_commit_status(result->errors) == HTTP_PRECONDITION_FAILED) {
            answer->status = HTTP_PRECONDITION_FAILED;
        }
        return answer->status;
    }
    mgr_commit_tell(answer, answer->done);
    return OK;
}

static int read_form(form_t *form)
{
    mgr_answer_t *answer = form->answer;
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
    if (answer->status == HTTP_OK && form->wishes > 0
        && !mgr_rights_have(answer->rights, form->needs)) {
        mgr_answer_refuse(answer, HTTP_FORBIDDEN, "%s",
                          mgr_commit_refused(answer, "form",
                                             mgr_rights_refusal(answer->r, form->needs)));
    }
    return answer->status == HTTP_OK ? OK : answer->status;
}

int mgr_action_run(mgr_answer_t *answer, const apr_table_t *parameters)
{
    form_t form = {
        .answer = answer, .parameters = parameters, .action = lb_action_none(),
        .members = apr_array_make(answer->r->pool, 2, sizeof(const lb_member_view_t *)),
    };
    const int status = read_form(&form);

    if (status != OK) {
        return status;
    }
    if (!form.wishes) {
        mgr_answer_note(answer, "The form asks for no change.");
        return OK;
    }
    if (wants_confirmation(&form)) {
        ask_for_confirmation(&form);
        return OK;
    }
    return commit(&form);
}
