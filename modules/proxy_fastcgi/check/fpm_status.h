/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fpm_status.h - reads PHP-FPM's status page (pm.status_path) in its JSON form.
 * Knows    Jansson, and FPM's names.   Ignores  how the page was fetched.
 * Memory   Jansson's own, given back at the end.   Threads: any, no state. */
#ifndef FCGI_FPM_STATUS_H
#define FCGI_FPM_STATUS_H

#include <stdbool.h>
#include <stddef.h>

#include "mod_balancer_byrequests.h"

/** Read the page's text.
 *  returns  false when it is no such page; *numbers is then untouched
 *  source   sapi/fpm/fpm/fpm_status.c of PHP 5.4 to 8.4 */
bool fcgi_fpm_status_read(const char *text, size_t bytes, lb_fpm_numbers_t *numbers);

#endif
