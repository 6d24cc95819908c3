/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* recent_changes.h - the page's list of who has changed what, and who was refused. */
#ifndef MGR_RECENT_CHANGES_H
#define MGR_RECENT_CHANGES_H

#include "page.h"

/** Print the newest entries of the audit. */
void mgr_recent_changes_print(mgr_page_t *page);

#endif
