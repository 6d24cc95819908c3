/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* share_script.h - share_script.lua as a text; it says there what it does. */
#ifndef LB_SHARE_SCRIPT_H
#define LB_SHARE_SCRIPT_H

extern const char lb_share_script[];

#endif
