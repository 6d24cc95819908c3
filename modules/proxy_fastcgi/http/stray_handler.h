/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* stray_handler.h - a file whose handler means a backend and that nobody serves is not sent.
 * Knows    how SetHandler names a backend: proxy:[unix:/socket|]scheme://host.
 * Ignores  which schemes the loaded modules serve: mod_proxy has asked them all before.
 * Memory   the caller's pool.   Threads: any, no state.
 *
 * Why: with a mistake in the name ("proxy:unix:/run/php.sock", "fcgi://127.0.0.1:9000") or without
 * the module of its scheme, httpd would take the file for a plain one and send the source of a
 * script. */
#ifndef FCGI_STRAY_HANDLER_H
#define FCGI_STRAY_HANDLER_H

#include "httpd.h"

/** What is wrong with the name of a handler, whichever modules are loaded.
 *  returns  NULL: nothing, or it means no backend; else a sentence with the remedy */
const char *fcgi_stray_handler_mistake(apr_pool_t *p, const char *name);

/** The handler that comes before httpd's own, which sends files. */
void fcgi_stray_handler_register(void);

#endif
