/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* csrf.h - tells a request that somebody has meant from one that a foreign page did. */
#ifndef MGR_CSRF_H
#define MGR_CSRF_H

#include "httpd.h"

/** In the parent, at start: have a key, the same one as before a restart.
 *  returns  OK or an HTTP status; the reason is logged */
int mgr_csrf_post_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);

/** The token for the links, forms and scripts of a page: letters, digits and "-", good for this
 *  user for 12 hours. In r->pool. */
const char *mgr_csrf_token(request_rec *r);

/** May this form change something? A secret of BalancerManagerToken is as good as a token.
 *  given    the parameter `nonce` that came with it, or NULL
 *  nonce    the balancer's own: as good as a token; "" when it is configured to have none: then the
 *           request must say, by Origin or Referer, that it comes from this host
 *  returns  NULL when it may, else the reason why not */
const char *mgr_csrf_refusal_of_form(request_rec *r, const char *given, const char *nonce);

/** May this JSON change something? It needs the header X-CSRF-Token. A foreign page cannot send
 *  JSON unasked (the browser asks with OPTIONS first), so who is logged in, and no browser, needs
 *  none.
 *  returns  NULL when it may, else the reason why not */
const char *mgr_csrf_refusal_of_json(request_rec *r);

#endif
