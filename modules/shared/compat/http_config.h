/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* http_config.h - see httpd.h of this folder. */
#ifndef FC_COMPAT_HTTP_CONFIG_H
#define FC_COMPAT_HTTP_CONFIG_H

#include_next "http_config.h"

#include "httpd.h"

#if !FC_HTTPD_IS_2_5    /* 2.4 has no directory for what is to last */
#define ap_state_dir_relative ap_runtime_dir_relative
#endif

#endif
