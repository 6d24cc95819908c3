/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* state_file.h - the file that keeps a saved state over restarts.
 * Knows    its folder and its name, which state is too old.
 * Ignores  how a file is replaced (kept_file.h), what the state means.
 * Threads  any, in any process: savers take turns; nobody else waits for them. */
#ifndef LB_STATE_FILE_H
#define LB_STATE_FILE_H

#include "httpd.h"
#include "saved_state.h"

/* Longer ago, and the state says nothing about today's cluster. A running httpd saves again now and
 * then, so it is the time for which httpd was down. */
#define LB_PERSISTENCE_MAX_AGE apr_time_from_sec(30 * 24 * 3600)

/** In the parent: make the folder of the file, for the user of the children only.
 *  returns  its path, NULL when it cannot be made (logged) */
const char *lb_state_file_make_folder(apr_pool_t *p, server_rec *s);

/** The saved state. A file that is broken, too old or of another version is renamed, with one
 *  warning.
 *  returns  NULL when there is none */
lb_saved_state_t *lb_state_file_load(apr_pool_t *p, const char *folder, server_rec *s);

/** Save what `take` tells; it is asked when nobody else saves.
 *  take     returns the state, in p
 *  returns  when APR_SUCCESS the state is on disk */
apr_status_t lb_state_file_save(apr_pool_t *p, const char *folder,
                                const lb_saved_state_t *(*take)(apr_pool_t *p));

#endif
