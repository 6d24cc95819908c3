/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* util_filter.h - see httpd.h of this folder. */
#ifndef FC_COMPAT_UTIL_FILTER_H
#define FC_COMPAT_UTIL_FILTER_H

#include_next "util_filter.h"

#include <stdbool.h>

#include "httpd.h"

/* Does httpd hold output that the client has not taken yet? */
static inline bool fc_connection_holds_output(const conn_rec *c)
{
#if FC_HTTPD_IS_2_5    /* each filter knows it; the last one writes */
    ap_filter_t *last = c->output_filters;

    while (last->next) {
        last = last->next;
    }
    return ap_filter_should_yield(last);
#else
    return c->data_in_output_filters;
#endif
}

#endif
