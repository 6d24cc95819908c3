/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* login.c - see login.h. */
#include "login.h"

const char *mgr_login_user(const request_rec *r)
{
    return r->user && *r->user ? r->user : NULL;
}
