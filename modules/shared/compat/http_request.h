/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* http_request.h - see httpd.h of this folder. */
#ifndef FC_COMPAT_HTTP_REQUEST_H
#define FC_COMPAT_HTTP_REQUEST_H

#include_next "http_request.h"

#include "httpd.h"

#if !FC_HTTPD_HAS(109, 0)    /* 2.4.49; before it AllowEncodedSlashes alone lets %2F in */
#define ap_hook_pre_translate_name(hook, before, after, order) ((void)(hook))
#endif

#endif
