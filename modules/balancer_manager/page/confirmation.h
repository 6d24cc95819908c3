/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* confirmation.h - asks before a change that hurts when it was not meant. */
#ifndef MGR_CONFIRMATION_H
#define MGR_CONFIRMATION_H

#include "page.h"

/** Print what would happen, and a form that does it: visit->pending is not NULL. */
void mgr_confirmation_print(mgr_page_t *page);

#endif
