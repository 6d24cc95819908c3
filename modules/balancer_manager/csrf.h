/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* csrf.h - tells a change that our page or a script asked for from one that a foreign page did. */
#ifndef MGR_CSRF_H
#define MGR_CSRF_H

#include <httpd.h>

/** Compare without telling by the time it takes how much was right. */
int mgr_csrf_is_same_secret(const char *a, const char *b);

/** May this POST change something?
 *  expected the balancer's nonce; "" when it is configured to have none: then the request must
 *           say, by Origin or Referer, that it comes from this host
 *  given    the nonce that came with the form, or NULL
 *  returns  NULL when it may, else the reason why not */
const char *mgr_csrf_refusal(request_rec *r, const char *expected, const char *given);

#endif
