/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* recent_changes.h - the page's list of what has happened: states, changes, refusals. */
#ifndef MGR_RECENT_CHANGES_H
#define MGR_RECENT_CHANGES_H

#include "page.h"

/** Print the newest: changes of states, and the entries of the audit. */
void mgr_recent_changes_print(mgr_page_t *page);

#endif
