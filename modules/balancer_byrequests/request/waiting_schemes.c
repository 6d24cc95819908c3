/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* waiting_schemes.c - see waiting_schemes.h. */
#include "waiting_schemes.h"

#include "apr_strings.h"
#include "source.h"

#define SCHEMES 4    /* fcgi and fcgis */

static const char *schemes[SCHEMES];

static bool is_one(const char *scheme)
{
    for (size_t i = 0; i < SCHEMES && schemes[i]; i++) {
        if (ap_cstr_casecmp(schemes[i], scheme) == 0) {
            return true;
        }
    }
    return false;
}

void lb_waiting_schemes_add(const char *scheme)
{
    for (size_t i = 0; i < SCHEMES && !is_one(scheme); i++) {
        if (!schemes[i]) {
            schemes[i] = scheme;
        }
    }
}

bool lb_waiting_schemes_are_all_of(const lb_balancer_t *balancer)
{
    lb_member_t member;

    for (int i = 0; lb_member_next(balancer, &i, &member);) {
        if (!is_one(member.worker->s->scheme)) {
            return false;
        }
    }
    for (int i = 0; i < balancer->sources->nelts; i++) {
        const lb_source_t *source = &APR_ARRAY_IDX(balancer->sources, i, lb_source_t);
        if (!is_one(source->template->s->scheme)) {
            return false;
        }
    }
    return true;
}
