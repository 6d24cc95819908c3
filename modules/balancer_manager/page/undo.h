/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* undo.h - the way back from what has just been changed. */
#ifndef MGR_UNDO_H
#define MGR_UNDO_H

#include "page.h"

/** Print a button that sets what this visit tells as changed to what it was; nothing when there is
 *  no such way, when somebody has changed it again, or when the user may not. */
void mgr_undo_print(mgr_page_t *page);

#endif
