/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* accept.h - how much a client wants an answer in a media type: the Accept header.
 * Knows    the header (RFC 9110, 12.5.1), and types that have versions.
 * Ignores  ranges such as text/...: they want what is sent anyway; which types there are.
 * Memory   none.   Threads: any, no state. */
#ifndef MGR_ACCEPT_H
#define MGR_ACCEPT_H

/** The quality of a type that the header names.
 *  accept    NULL: there is none
 *  version   its version: what the header names without one, or with this one, is meant
 *  returns   thousandths, the highest if it is named more than once; 0: it is not named */
int mgr_accept_quality(const char *accept, const char *type, const char *version);

#endif
