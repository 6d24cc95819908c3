/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* status_section.h - what mod_status shows of requests that wait without a thread.
 * Knows    mod_status's hook.   Threads  any. */
#ifndef FCGI_STATUS_SECTION_H
#define FCGI_STATUS_SECTION_H

/** If mod_status is there, add our section to its page. */
void fcgi_status_section_register(void);

#endif
