/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* no_tls.h - what connections call of tls.c, for unit tests in which none has TLS: mod_ssl is not
 * there. */
#ifndef NO_TLS_H
#define NO_TLS_H

#include <check.h>

#include "tls.h"

void fcgi_tls_end(fcgi_tls_t *tls)
{
    ck_abort();
}

apr_status_t fcgi_tls_read(fcgi_tls_t *tls, unsigned char *buffer, size_t room, size_t *got)
{
    ck_abort();
}

apr_status_t fcgi_tls_write(fcgi_tls_t *tls, const fc_span_t *spans, size_t count,
                            size_t *written)
{
    ck_abort();
}

bool fcgi_tls_may_hold_data(const fcgi_tls_t *tls)
{
    ck_abort();
}

#endif
