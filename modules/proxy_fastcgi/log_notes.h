/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* log_notes.h - what the access log says of a request that was redirected inside httpd.
 * Knows    the names of the notes that these modules leave for a LogFormat.
 * Ignores  who has left them, and why.
 * Memory   none.   Threads: any, no state.
 *
 * Why: %{NAME}n means the last request of a chain: after an ErrorDocument, a file of httpd's own.
 * So a format would tell least of the requests that failed. */
#ifndef FCGI_LOG_NOTES_H
#define FCGI_LOG_NOTES_H

/** The hook before mod_log_config's. */
void fcgi_log_notes_register(void);

#endif
