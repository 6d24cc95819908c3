/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* ap_mpm.h - see httpd.h of this folder. */
#ifndef FC_COMPAT_AP_MPM_H
#define FC_COMPAT_AP_MPM_H

#include_next "ap_mpm.h"

#ifndef AP_MPMQ_CAN_WAITIO    /* 2.4.63; an MPM denies what it does not know */
#define AP_MPMQ_CAN_WAITIO 19
#endif

#endif
