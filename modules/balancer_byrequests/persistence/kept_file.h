/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* kept_file.h - a file in a folder of ours that keeps a text over restarts: never half a text.
 * Knows    the lock, temporary file and rename; what is set aside.
 * Ignores  what the text means.
 * Memory   the caller's pool.
 * Threads  any, in any process: savers of one folder take turns; nobody else waits for them.
 *
 * The folder belongs to the children's user, as they save; the parent, which may be root, trusts
 * nothing in it: it follows no links and overwrites no file. */
#ifndef LB_KEPT_FILE_H
#define LB_KEPT_FILE_H

#include "httpd.h"

/** In the parent: make the folder, for the user of the children only.
 *  returns  0, or -1 with errno */
int lb_kept_file_make_folder(const char *folder);

/** Read a file.
 *  bytes    of the text, which no NUL ends
 *  why      set when it cannot be read; else NULL
 *  returns  NULL with *why, or without: there is no such file */
char *lb_kept_file_read(apr_pool_t *p, const char *folder, const char *name, size_t *bytes,
                        const char **why);

/** Rename a file that is broken.
 *  aside    its new name, in p
 *  returns  0, or an error number */
apr_status_t lb_kept_file_set_aside(apr_pool_t *p, const char *folder, const char *name,
                                    const char **aside);

/** Replace a file by what `take` tells; it is asked when nobody else saves.
 *  take     returns the text, to be freed with free(); NULL: no memory
 *  returns  when APR_SUCCESS the text is on disk */
typedef char *lb_kept_file_take_t(apr_pool_t *p, const void *data);
apr_status_t lb_kept_file_save(apr_pool_t *p, const char *folder, const char *name,
                               lb_kept_file_take_t *take, const void *data);

#endif
