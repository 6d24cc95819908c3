/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* worker_url.h - what mod_proxy lets pass in the URL of a worker.
 * Knows    scheme://host:port/path (RFC 3986, 3.2), with unix:/socket| before it or not, and that
 *          what is put in later ($1, %1, %{NAME}) cannot be judged.
 * Ignores  other schemes than FastCGI's, whether the host exists.
 * Memory   none.   Threads: any, no state. */
#ifndef FC_WORKER_URL_H
#define FC_WORKER_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/un.h>

/* The longest path of a unix socket, bytes. */
#define FC_SOCKET_PATH_MAX ((int)sizeof(((struct sockaddr_un *)0)->sun_path) - 1)

/** Where the URL proper begins: behind the '|' of a unix: socket. */
const char *fc_worker_url_behind_socket(const char *url);

/** Is its scheme one of FastCGI, fcgi or fcgis? And is it the one with TLS, fcgis? */
bool fc_worker_url_is_fastcgi(const char *url);
bool fc_worker_url_is_fcgis(const char *url);

/** What is wrong with its host and port. mod_proxy takes port 99999 for 34463, -1 for 65535 and 0
 *  for none, and shows passwords that it never sends.
 *  returns  NULL: nothing; else a sentence, without the password */
const char *fc_worker_url_mistake(const char *url);

/** Has it nothing behind its host, not even a slash? */
bool fc_worker_url_ends_at_host(const char *url);

/** Is one of the segments of this path "..", also with its dots or slashes encoded? */
bool fc_worker_url_climbs(const char *path, size_t bytes);

#endif
