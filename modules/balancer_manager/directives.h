/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* directives.h - the directives of this module: each line goes to the file that knows what it
 *                means.
 * Memory   pconf, read-only at run time. */
#ifndef MGR_DIRECTIVES_H
#define MGR_DIRECTIVES_H

#include "httpd.h"
#include "http_config.h"

extern const command_rec mgr_directives[];

#endif
