/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fleet_fronts.c - see fleet_fronts.h. */
#include "fleet_fronts.h"

#include <stdlib.h>
#include <string.h>

#include "apr_strings.h"
#include "board.h"
#include "clock.h"
#include "own_view.h"
#include "view_document.h"

static void read_view(apr_pool_t *p, const lb_document_t *document, lb_fleet_front_t *front)
{
    const char *why = NULL;

    front->view = lb_view_document_read(p, document->text, strlen(document->text), &why);
    front->problem = why;
}

/* A part of none of them is no part: with a limit of less than one for each front, one of them may
 * have none. */
static lb_joined_t joined(const lb_front_view_t *view)
{
    lb_joined_t joined = LB_NO_LIMITS;

    for (int i = 0; view && i < view->balancers->nelts; i++) {
        const lb_front_balancer_t *balancer =
            &APR_ARRAY_IDX(view->balancers, i, lb_front_balancer_t);
        for (int k = 0; k < balancer->members->nelts; k++) {
            const lb_front_member_t *member =
                &APR_ARRAY_IDX(balancer->members, k, lb_front_member_t);
            if (member->is_shared && (member->floor > 0 || member->share > 0)) {
                return LB_JOINED;
            }
            joined = member->is_shared ? LB_NOT_JOINED : joined;
        }
    }
    return joined;
}

static lb_fleet_front_t front_of(apr_pool_t *p, const lb_document_t *document,
                                 const lb_fleet_settings_t *settings)
{
    lb_fleet_front_t front = { .name = document->front, .age = -1 };

    if (document->text) {
        front.age = fc_now() - document->changed_at;
        front.is_fresh = front.age <= settings->lease;
        read_view(p, document, &front);
        front.joined = joined(front.view);
    }
    if (document->flaw != LB_DOCUMENT_GOOD) {
        front.problem = document->flaw == LB_DOCUMENT_BROKEN
                            ? "the store has something else for it, without a valid seal"
                            : "what it says is too big";
    }
    return front;
}

/* What this front says is of now; who makes the checks is known to the one that talks. */
static lb_fleet_front_t self_of(apr_pool_t *p, const lb_fleet_settings_t *settings,
                                const lb_document_t *document)
{
    lb_front_view_t *view = lb_own_view(p);
    lb_fleet_front_t said = { 0 };

    if (document && document->text) {
        read_view(p, document, &said);
        view->makes_checks = said.view && said.view->makes_checks;
        view->left_out = said.view ? said.view->left_out : 0;
    }
    return (lb_fleet_front_t){ .name = settings->front,
                               .is_self = true,
                               .is_fresh = true,
                               .joined = joined(view),
                               .view = view };
}

/* It is gone, and so is what it said: another front was told to forget it. */
static bool is_forgotten(const lb_document_t *document, const lb_fleet_settings_t *settings)
{
    return !document->is_stored && document->flaw == LB_DOCUMENT_GOOD
           && fc_now() - document->changed_at > settings->lease;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const lb_fleet_front_t *)a)->name, ((const lb_fleet_front_t *)b)->name);
}

apr_array_header_t *lb_fleet_fronts(apr_pool_t *p, const lb_fleet_settings_t *settings)
{
    const apr_array_header_t *documents = lb_board_documents(p, LB_KIND_VIEW);
    apr_array_header_t *fronts =
        apr_array_make(p, documents->nelts + 1, sizeof(lb_fleet_front_t));
    const lb_document_t *own = NULL;

    for (int i = 0; i < documents->nelts; i++) {
        const lb_document_t *document = &APR_ARRAY_IDX(documents, i, lb_document_t);
        if (strcmp(document->front, settings->front) == 0) {
            own = document;
        }
        else if (!is_forgotten(document, settings)) {
            APR_ARRAY_PUSH(fronts, lb_fleet_front_t) = front_of(p, document, settings);
        }
    }
    APR_ARRAY_PUSH(fronts, lb_fleet_front_t) = self_of(p, settings, own);
    qsort(fronts->elts, (size_t)fronts->nelts, sizeof(lb_fleet_front_t), by_name);
    return fronts;
}
