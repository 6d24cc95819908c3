/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* login.h - who is logged in. */
#ifndef MGR_LOGIN_H
#define MGR_LOGIN_H

#include "httpd.h"

/** Who is logged in; NULL: nobody, as without a name (mod_authn_anon takes that, too). */
const char *mgr_login_user(const request_rec *r);

#endif
