/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* change_dialog.h - the settings of a member that are changed most, without leaving the page. */
#ifndef MGR_CHANGE_DIALOG_H
#define MGR_CHANGE_DIALOG_H

#include "page.h"

/** Print it, closed: for browsers, and who may operate. */
void mgr_change_dialog_print(mgr_page_t *page);

#endif
