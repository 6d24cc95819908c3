/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* clock.h - the clock that durations and deadlines go by: nobody can set it, and it is one clock
 *           for all processes. The wall clock is only there to be shown, and for files.
 * Memory   none.   Threads: any, no state. */
#ifndef FC_CLOCK_H
#define FC_CLOCK_H

#include "apr_time.h"

/** Monotonic time in us. */
apr_time_t fc_now(void);

/** The same, up to some ms late, for a tenth of the cost. */
apr_time_t fc_now_roughly(void);

#endif
