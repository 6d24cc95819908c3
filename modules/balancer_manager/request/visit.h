/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* visit.h - one request to the manager: what it is about, and what it has come to. */
#ifndef MGR_VISIT_H
#define MGR_VISIT_H

#include <stdbool.h>

#include "httpd.h"
#include "mod_balancer_byrequests.h"
#include "rights.h"

/* What a form asks for, and is not done before it is confirmed. */
typedef struct {
    const char *deed;                   /* "Drain 2 members" */
    const char *effect;                 /* a sentence: what that means for them */
    const char *outcome;                /* and for the balancer; NULL: nothing */
    bool is_outage;                     /* nobody would be left to serve */
    apr_array_header_t *lines;          /* of const char *: the members */
    const apr_table_t *form;            /* to be posted again, with confirm=1 */
} mgr_pending_t;

/* The changes of one request: so many of the audit's, up to this number. */
typedef struct {
    uint64_t last;
    int count;
} mgr_done_t;

typedef struct {
    request_rec *r;
    const char *base;                   /* path of the manager, without a slash at its end */
    unsigned int rights;                /* see mgr_rights_have() */
    const char *token;                  /* for links and forms: `nonce`; "": may not change */
    apr_array_header_t *balancers;      /* of lb_balancer_view_t: the newest snapshot */
    const lb_balancer_view_t *balancer; /* the one that is chosen, NULL: none */
    const lb_member_view_t *member;     /* likewise */
    int status;                         /* HTTP */
    apr_array_header_t *notes;          /* of const char *: what the user should know */
    bool is_of_button;                  /* a form of the list's, not one to edit */
    const mgr_pending_t *pending;       /* to be confirmed; NULL: nothing is */
    bool is_done;                       /* what it asked for: see done */
    mgr_done_t done;
} mgr_visit_t;

/** A visit with status 200 and nothing to say, in r->pool; see mgr_visit_look(). */
mgr_visit_t *mgr_visit_make(request_rec *r, const char *base, unsigned int rights);

/** Take the snapshot that all views but JSON show: until then there are no balancers. */
void mgr_visit_look(mgr_visit_t *visit);

/** Is it for somebody with a browser, who asks for HTML? Scripts do not, and take links, and the
 *  status of a form, as stock has them. */
bool mgr_visit_is_for_browser(const mgr_visit_t *visit);

/** Add a note. */
void mgr_visit_note(mgr_visit_t *visit, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** Add a note, make `status` the visit's, and return it. */
int mgr_visit_refuse(mgr_visit_t *visit, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Refuse for lack of a right.
 *  returns  OK when the sender has it, else HTTP_FORBIDDEN */
int mgr_visit_need(mgr_visit_t *visit, mgr_right_t right);

/** Choose the balancer that the parameters b, vhost and nonce name. Of several virtual hosts, a
 *  request that names none means the one that it came to.
 *  returns  OK, also when there is no b; else the visit is refused: not found, or which one? */
int mgr_visit_choose_balancer(mgr_visit_t *visit, const apr_table_t *parameters);

/** Choose the chosen balancer's member that the parameter w names; returns as above. */
int mgr_visit_choose_member(mgr_visit_t *visit, const apr_table_t *parameters);

#endif
