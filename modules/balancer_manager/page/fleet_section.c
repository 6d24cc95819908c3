/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fleet_section.c - see fleet_section.h.
 * Knows    that nobody may take old numbers for new ones: the age of what is known stands with each
 *          front, and what is too old is shown as such and not counted; the parameter forget.
 * Ignores  where the fleet comes from.
 * Memory   nothing of its own.   Threads: any, no state. */
#include "fleet_section.h"

#include <string.h>

#include "balancer_calls.h"
#include "hidden_field.h"
#include "quantity.h"
#include "state_sentence.h"

/* ---- Is it together? ------------------------------------------------------------------------- */

static void print_contact(mgr_page_t *page, const lb_fleet_view_t *fleet)
{
    mgr_html_t *html = page->html;

    mgr_html_raw(html, "<p>This is <b>");
    mgr_html_text(html, fleet->front);
    if (fleet->is_up) {
        mgr_html_raw(html, "</b>, in contact since ");
        mgr_quantity_time(html, fleet->since, page->now);
    }
    else {
        mgr_html_raw(html, "</b>, <b class=\"pill error\">alone since ");
        mgr_quantity_time(html, fleet->since, page->now);
        mgr_html_raw(html, "</b> (");
        mgr_html_text(html, fleet->error);
        mgr_html_raw(html, "): what others did is as of then");
    }
    if (fleet->checked_by) {
        mgr_html_raw(html, ". Health checks are made by <b>");
        mgr_html_text(html, fleet->checked_by);
        mgr_html_raw(html, "</b>");
    }
    mgr_html_raw(html, ".</p>\n");
}

/* ---- Fronts ---------------------------------------------------------------------------------- */

static void print_age(mgr_html_t *html, const lb_fleet_front_t *front)
{
    if (front->is_self) {
        mgr_html_raw(html, "now");
    }
    else if (front->age < 0) {
        mgr_html_raw(html, "nothing known");
    }
    else {
        mgr_html_raw(html, front->is_fresh ? "" : "<b class=\"pill error\">stale</b> ");
        mgr_quantity_duration(html, front->age);
    }
}

static void print_remark(mgr_html_t *html, const lb_fleet_front_t *front)
{
    if (front->problem) {
        mgr_html_text(html, front->problem);
    }
    else if (front->joined == LB_NOT_JOINED) {
        mgr_html_raw(html,
                     "<b class=\"pill error\">has not joined yet</b> no part of shared limits, "
                     "so no requests to these members");
    }
    else if (front->view && front->view->left_out > 0) {
        mgr_html_format(html, "%u members had no room and are left out", front->view->left_out);
    }
}

/* It is asked whether that is meant: front_change.c. */
static void print_forget(mgr_page_t *page, const lb_fleet_front_t *front)
{
    mgr_html_t *html = page->html;

    if (front->is_self || front->is_fresh || !page->is_for_browser
        || !mgr_rights_have(page->visit->rights, MGR_EDIT)) {
        return;
    }
    mgr_html_raw(html, " <form method=\"post\" action=\"");
    mgr_html_raw(html, page->action);
    mgr_html_raw(html, "\">");
    mgr_hidden_field_print(html, "nonce", page->visit->token);
    mgr_hidden_field_print(html, "forget", front->name);
    mgr_html_raw(html, "<button aria-label=\"Forget ");
    mgr_html_text(html, front->name);
    mgr_html_raw(html, "\">Forget</button></form>");
}

static void print_front(mgr_page_t *page, const lb_fleet_front_t *front)
{
    mgr_html_t *html = page->html;

    mgr_html_raw(html, "<tr><th scope=\"row\">");
    mgr_html_text(html, front->name);
    mgr_html_raw(html, front->is_self ? " (this one)</th><td>" : "</th><td>");
    mgr_html_text(html, front->view ? front->view->software : "");
    mgr_html_raw(html, "</td><td>");
    if (front->view) {
        mgr_html_count(html, front->view->generation);
    }
    mgr_html_raw(html, "</td><td>");
    print_age(html, front);
    mgr_html_raw(html, "</td><td>");
    print_remark(html, front);
    print_forget(page, front);
    mgr_html_raw(html, "</td></tr>\n");
}

static void print_fronts(mgr_page_t *page, const lb_fleet_view_t *fleet)
{
    mgr_html_t *html = page->html;

    mgr_html_raw(html,
                 "<table><thead><tr><th scope=\"col\">Front</th><th scope=\"col\">Version</th>"
                 "<th scope=\"col\">Generation</th><th scope=\"col\">Age of what is known</th>"
                 "<th scope=\"col\">Remark</th></tr></thead><tbody>\n");
    for (int i = 0; i < fleet->fronts->nelts; i++) {
        print_front(page, &APR_ARRAY_IDX(fleet->fronts, i, lb_fleet_front_t));
    }
    mgr_html_raw(html, "</tbody></table>\n");
}

/* ---- Members --------------------------------------------------------------------------------- */

static void print_of_limit(mgr_html_t *html, uint32_t count, bool has_limit, uint32_t limit)
{
    mgr_html_count(html, count);
    if (has_limit) {
        mgr_html_raw(html, " of ");
        mgr_html_count(html, limit);
    }
}

static void print_part(mgr_html_t *html, const lb_fleet_front_t *front,
                       const lb_front_member_t *said)
{
    mgr_html_raw(html, front->is_fresh ? "<li>" : "<li class=\"stale\">");
    mgr_html_text(html, front->name);
    mgr_html_raw(html, ": ");
    mgr_html_text(html, mgr_state_sentence_word(said->state));
    mgr_html_raw(html, ", ");
    print_of_limit(html, said->in_flight, said->is_shared, said->share);
    mgr_html_raw(html, " in flight");
    if (said->queued > 0) {
        mgr_html_format(html, ", %u waiting", said->queued);
    }
    mgr_html_raw(html, front->is_fresh ? "</li>" : " (stale)</li>");
}

static void print_member(mgr_html_t *html, const lb_fleet_view_t *fleet,
                         const lb_fleet_member_t *member)
{
    mgr_html_raw(html, "<tr><th scope=\"row\">");
    mgr_html_text(html, member->key);
    mgr_html_raw(html, " ");
    mgr_html_text(html, member->name);
    mgr_html_raw(html, "</th><td>");
    print_of_limit(html, member->in_flight, member->limit > 0, member->limit);
    mgr_html_raw(html, "</td><td>");
    mgr_html_count(html, member->queued);
    mgr_html_raw(html, "</td><td>");
    if (member->failing > 0) {
        mgr_html_format(html, "<b class=\"pill error\">at %u</b>", member->failing);
    }
    mgr_html_raw(html, "</td><td><ul>");
    for (int i = 0; i < member->parts->nelts; i++) {
        const lb_fleet_part_t *part = &APR_ARRAY_IDX(member->parts, i, lb_fleet_part_t);
        print_part(html, &APR_ARRAY_IDX(fleet->fronts, part->front, lb_fleet_front_t),
                   part->said);
    }
    mgr_html_raw(html, "</ul></td></tr>\n");
}

static void print_members(mgr_html_t *html, const lb_fleet_view_t *fleet)
{
    mgr_html_format(html,
                    "<details id=\"fleet-members\"><summary>%d members over all fronts</summary>\n",
                    fleet->members->nelts);
    mgr_html_raw(html, "<table><thead><tr><th scope=\"col\">Member</th>"
                       "<th scope=\"col\">In flight</th><th scope=\"col\">Waiting</th>"
                       "<th scope=\"col\">Failing</th><th scope=\"col\">Fronts</th></tr></thead>"
                       "<tbody>\n");
    for (int i = 0; i < fleet->members->nelts; i++) {
        print_member(html, fleet, &APR_ARRAY_IDX(fleet->members, i, lb_fleet_member_t));
    }
    mgr_html_raw(html, "</tbody></table></details>\n");
}

/* ---- Changes that do not hold here ----------------------------------------------------------- */

static const char *reason_of(const lb_fleet_change_t *change)
{
    static const struct {
        const char *here, *reason;
    } reasons[] = {
        { "pending", "the member is not here yet" },
        { "refused", "it cannot be done here: see the error log" },
        { "overridden", "changed for this front alone" },
        { "configured", "the configuration says something else" },
    };

    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (strcmp(change->here, reasons[i].here) == 0) {
            return reasons[i].reason;
        }
    }
    return NULL;
}

static void print_change(mgr_page_t *page, const lb_fleet_change_t *change)
{
    mgr_html_t *html = page->html;

    mgr_html_raw(html, "<tr><th scope=\"row\">");
    mgr_html_text(html, change->key);
    mgr_html_raw(html, " ");
    mgr_html_text(html, change->member ? change->member : "");
    mgr_html_raw(html, "</th><td>");
    mgr_html_text(html, change->setting);
    mgr_html_raw(html, " <b>");
    mgr_html_text(html, change->value);
    mgr_html_raw(html, "</b></td><td>");
    mgr_html_text(html, change->by);
    mgr_html_raw(html, " on ");
    mgr_html_text(html, change->front);
    mgr_html_raw(html, ", ");
    mgr_quantity_time(html, change->at, page->now);
    mgr_html_raw(html, "</td><td><b class=\"pill\">");
    mgr_html_text(html, change->here);
    mgr_html_raw(html, "</b> ");
    mgr_html_text(html, reason_of(change));
    mgr_html_raw(html, "</td></tr>\n");
}

static void print_changes(mgr_page_t *page, const lb_fleet_view_t *fleet)
{
    mgr_html_t *html = page->html;
    bool any = false;

    for (int i = 0; i < fleet->changes->nelts; i++) {
        const lb_fleet_change_t *change = &APR_ARRAY_IDX(fleet->changes, i, lb_fleet_change_t);
        if (!reason_of(change)) {
            continue;
        }
        if (!any) {
            mgr_html_raw(html, "<h3 id=\"fleet-changes\">Changes that do not hold here</h3>\n"
                               "<table aria-labelledby=\"fleet-changes\"><thead><tr>"
                               "<th scope=\"col\">Of</th><th scope=\"col\">Change</th>"
                               "<th scope=\"col\">By</th><th scope=\"col\">Here</th></tr></thead>"
                               "<tbody>\n");
        }
        any = true;
        print_change(page, change);
    }
    mgr_html_raw(html, any ? "</tbody></table>\n" : "");
}

void mgr_fleet_section_print(mgr_page_t *page)
{
    const lb_fleet_view_t *fleet = mgr_balancer_calls_fleet(page->html->r);

    if (!fleet) {
        return;
    }
    mgr_html_raw(page->html, "<section class=\"fleet\" id=\"fleet\" "
                             "aria-labelledby=\"fleet-title\"><h2 id=\"fleet-title\">Fleet ");
    mgr_html_text(page->html, fleet->name);
    mgr_html_raw(page->html, "</h2>\n");
    print_contact(page, fleet);
    print_fronts(page, fleet);
    print_changes(page, fleet);
    print_members(page->html, fleet);
    mgr_html_raw(page->html, "</section>\n");
}
