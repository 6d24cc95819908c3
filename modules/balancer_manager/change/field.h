/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* field.h - what a request can change: the settings, and a few things more; how forms call them,
 *           and the right that each needs. */
#ifndef MGR_FIELD_H
#define MGR_FIELD_H

#include <jansson.h>
#include <stdbool.h>

#include "mod_balancer_byrequests.h"
#include "rights.h"

typedef struct {
    const char *form_name;         /* NULL: not in forms */
    const lb_setting_t *setting;   /* with the name in JSON; what is none of the balancer's settings
                                    * has a row of our own */
    mgr_right_t right;
    bool takes_empty;              /* in a form, "" is a value; else it leaves what is there */
    /* Check a text and write it to the change; NULL: as its setting says.
     * returns  NULL, else "must be ..." */
    const char *(*take)(apr_pool_t *p, const char *value, lb_change_t *change);
} mgr_field_t;

/** All of them; one without setting ends the list. */
extern const mgr_field_t mgr_fields[];

/** By its name in JSON; NULL: members, or balancers, have no such field. */
const mgr_field_t *mgr_field_find(const char *json_name, bool is_of_member);

/** What forms call a setting. */
const char *mgr_field_form_name(lb_setting_id_t id);

/** Take the value of a form, or of JSON.
 *  returns  NULL, else what is wrong: "must be ..." */
const char *mgr_field_take(apr_pool_t *p, const mgr_field_t *field, const char *value,
                           lb_change_t *change);
const char *mgr_field_take_json(apr_pool_t *p, const mgr_field_t *field, const json_t *value,
                                lb_change_t *change);

#endif
