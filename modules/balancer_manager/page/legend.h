/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* legend.h - what the words of the page mean. */
#ifndef MGR_LEGEND_H
#define MGR_LEGEND_H

#include "page.h"

/** Print it, folded up. */
void mgr_legend_print(mgr_page_t *page);

#endif
