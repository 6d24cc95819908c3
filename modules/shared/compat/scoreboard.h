/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* scoreboard.h - see httpd.h of this folder. */
#ifndef FC_COMPAT_SCOREBOARD_H
#define FC_COMPAT_SCOREBOARD_H

#include_next "scoreboard.h"

#include "httpd.h"

#if !FC_HTTPD_HAS(140, 29)    /* 2.4.64 */
#define ap_set_time_process_request(slot, from, to) ((void)(slot))
#endif

#endif
