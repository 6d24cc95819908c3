/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* field.h - the settings that a request can change: their names in forms and in JSON, the values
 *           that they take, and the right that each needs. */
#ifndef MGR_FIELD_H
#define MGR_FIELD_H

#include <jansson.h>
#include <stdbool.h>

#include "mod_balancer_byrequests.h"
#include "rights.h"

/* What a value is in JSON. */
typedef enum {
    MGR_TEXT,
    MGR_WHOLE,
    MGR_LIMIT,
    MGR_NUMBER,
    MGR_SECONDS,
    MGR_SWITCH
} mgr_kind_t;

typedef struct {
    const char *form_name;     /* NULL: not in forms */
    const char *json_name;
    mgr_kind_t kind;
    bool is_of_member;         /* else of a balancer */
    mgr_right_t right;
    /* Check a text and write it to the action; "" changes nothing, or clears a text.
     * returns  NULL, else "must be ..." */
    const char *(*take)(apr_pool_t *p, const char *value, lb_action_t *action);
    char flag;                 /* of a member's status; then there is no take */
} mgr_field_t;

/** All of them; one without json_name ends the list. */
extern const mgr_field_t mgr_fields[];

/** By its name in JSON; NULL: members, or balancers, have no such setting. */
const mgr_field_t *mgr_field_find(const char *json_name, bool is_of_member);

/** Take the value of a form, or of JSON.
 *  returns  NULL, else what is wrong: "must be ..." */
const char *mgr_field_take(apr_pool_t *p, const mgr_field_t *field, const char *value,
                           lb_action_t *action);
const char *mgr_field_take_json(apr_pool_t *p, const mgr_field_t *field, const json_t *value,
                                lb_action_t *action);

#endif
