/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* share_file.h - what a front keeps of its shares over restarts: epoch, roster, floors.
 * Knows    the file and its text.   Ignores  what is told to others.
 * Memory   the caller's pool.   Threads: any, in any process. */
#ifndef LB_SHARE_FILE_H
#define LB_SHARE_FILE_H

#include "apr_tables.h"
#include "httpd.h"
#include "share_front.h"

/** In the parent: make its folder. */
void lb_share_file_make_folder(apr_pool_t *p, server_rec *s);

/** Read it into the front. A file that is none of ours is as good as none (logged).
 *  returns  the floors that it had: of lb_share_told_t */
apr_array_header_t *lb_share_file_load(apr_pool_t *p, lb_share_front_t *front);

/** Save what the front says now.
 *  returns  false: it is not on disk (logged once) */
bool lb_share_file_save(apr_pool_t *p, const lb_share_front_t *front);

#endif
