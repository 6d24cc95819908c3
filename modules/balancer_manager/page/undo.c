/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* undo.c - see undo.h.
 * Knows    the audit, which has the values before; what one form can say: the same for all of its
 *          members.
 * Ignores  how a change is made.
 * Memory   r->pool.   Threads: any, no state. */
#include "undo.h"

#include "apr_strings.h"
#include "audit.h"
#include "balancer_calls.h"
#include "edit_form.h"
#include "field.h"
#include "hidden_field.h"
#include "setting_value.h"

/* As far as the entries have been looked at. */
typedef struct {
    mgr_page_t *page;
    const lb_balancer_view_t *balancer;
    apr_array_header_t *members;       /* of const char *, their URLs; none: the balancer itself */
    apr_table_t *values;               /* the form's */
    bool stays_here;                   /* the change was for this front alone: so is this one */
} undo_t;

static const mgr_audit_entry_t *entry_at(const apr_array_header_t *entries, int i)
{
    return &APR_ARRAY_IDX(entries, i, mgr_audit_entry_t);
}

/* What a form says for a value of the audit. */
static const char *form_value(const lb_setting_t *setting, const char *text)
{
    return setting->type != LB_SWITCH ? text : strcmp(text, "on") == 0 ? "1"
                                                                       : "0";
}

/* returns  NULL: a form cannot say it, or this user may not */
static const mgr_field_t *field_of(const undo_t *undo, const mgr_audit_entry_t *entry)
{
    const mgr_field_t *field = mgr_field_find(entry->what, *entry->member != '\0');
    const bool may = field && field->form_name && field->setting->id != LB_SETTING_COUNT
                     && field->setting->life == LB_IS_KEPT
                     && mgr_rights_have(undo->page->visit->rights, field->right);

    return may && (*entry->before || field->takes_empty) ? field : NULL;
}

/* Is it still as the entry has left it? */
static bool is_unchanged(const undo_t *undo, const mgr_audit_entry_t *entry,
                         const mgr_field_t *field)
{
    apr_pool_t *p = undo->page->visit->r->pool;
    const lb_setting_t *setting = field->setting;
    const lb_values_t *values = &undo->balancer->settings;

    if (setting->is_of_member) {
        const lb_member_view_t *member =
            mgr_balancer_calls_find_member(p, undo->balancer, entry->member);
        if (!member) {
            return false;
        }
        values = &member->settings;
    }
    return setting->id == LB_SETTING_STICKY
           || strcmp(fc_setting_value_text(p, setting, values->of[setting->id]), entry->after) == 0;
}

static void add_member(undo_t *undo, const char *url)
{
    for (int i = 0; i < undo->members->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(undo->members, i, const char *), url) == 0) {
            return;
        }
    }
    APR_ARRAY_PUSH(undo->members, const char *) = url;
}

/* returns  false when one form cannot say it */
static bool take(undo_t *undo, const mgr_audit_entry_t *entry)
{
    /* a deadline goes with draining */
    if (strcmp(entry->what, lb_settings[LB_SETTING_DRAIN_UNTIL].name) == 0) {
        return true;
    }
    const mgr_field_t *field = field_of(undo, entry);
    if (!field || !is_unchanged(undo, entry, field)) {
        return false;
    }
    const char *value = form_value(field->setting, entry->before);
    const char *other = apr_table_get(undo->values, field->form_name);
    if (other && strcmp(other, value) != 0) {
        return false;
    }
    apr_table_setn(undo->values, field->form_name, value);
    if (*entry->member) {
        add_member(undo, entry->member);
    }
    return true;
}

/* Each of its members got each of its values, or a form would say more than there was. */
static bool is_complete(const undo_t *undo, const apr_array_header_t *entries)
{
    const int values = apr_table_elts(undo->values)->nelts;
    int told = 0;

    for (int i = 0; i < entries->nelts; i++) {
        told += strcmp(entry_at(entries, i)->what, lb_settings[LB_SETTING_DRAIN_UNTIL].name) != 0;
    }
    return values > 0 && told == values * (undo->members->nelts > 0 ? undo->members->nelts : 1);
}

static bool look_at(undo_t *undo, const apr_array_header_t *entries)
{
    const mgr_visit_t *visit = undo->page->visit;

    for (int i = 0; i < entries->nelts; i++) {
        const mgr_audit_entry_t *entry = entry_at(entries, i);
        const char *key = strstr(entry->balancer, "://");
        const lb_balancer_view_t *balancer =
            key ? mgr_balancer_calls_find(visit->r->pool, visit->balancers, key + 3, entry->vhost)
                : NULL;
        if (!balancer || (undo->balancer && undo->balancer != balancer)) {
            return false;
        }
        undo->balancer = balancer;
        undo->stays_here = strcmp(entry->scope, "front") == 0;
        if (!take(undo, entry)) {
            return false;
        }
    }
    return is_complete(undo, entries);
}

static int print_value(void *html, const char *name, const char *value)
{
    mgr_hidden_field_print(html, name, value);
    return 1;
}

void mgr_undo_print(mgr_page_t *page)
{
    const mgr_visit_t *visit = page->visit;
    apr_pool_t *p = visit->r->pool;
    const apr_array_header_t *entries =
        mgr_audit_changes(p, visit->done.last, visit->done.count);
    undo_t undo = { .page = page,
                    .members = apr_array_make(p, 4, sizeof(const char *)),
                    .values = apr_table_make(p, 4) };

    if (visit->done.count == 0 || entries->nelts != visit->done.count
        || !look_at(&undo, entries)) {
        return;
    }
    mgr_html_raw(page->html, "<form method=\"post\" action=\"");
    mgr_html_raw(page->html, page->action);
    mgr_html_raw(page->html, "\">");
    mgr_edit_form_print_hidden(page, undo.balancer);
    for (int i = 0; i < undo.members->nelts; i++) {
        mgr_hidden_field_print(page->html, "w", APR_ARRAY_IDX(undo.members, i, const char *));
    }
    apr_table_do(print_value, page->html, undo.values, NULL);
    if (undo.stays_here) {
        mgr_hidden_field_print(page->html, "scope", "front");
    }
    mgr_hidden_field_print(page->html, "confirm", "1");
    mgr_html_raw(page->html, "<button>Undo</button></form>\n");
}
