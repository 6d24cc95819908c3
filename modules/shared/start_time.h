/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* start_time.h - when httpd was started, all restarts since then not counted. */
#ifndef FC_START_TIME_H
#define FC_START_TIME_H

#include "apr_pools.h"
#include "apr_time.h"

/** us since the epoch. To be asked first while the configuration is read: that is the moment.
 *  process  the pool of the process, which outlives restarts */
apr_time_t fc_start_time(apr_pool_t *process);

#endif
