/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* api_reply.h - what the JSON interface answers: results, and errors as RFC 9457 has them. */
#ifndef MGR_API_REPLY_H
#define MGR_API_REPLY_H

#include <jansson.h>

#include "httpd.h"

/** A text for JSON, whatever bytes it has; null for NULL. */
json_t *mgr_api_reply_text(apr_pool_t *p, const char *text);

/** Have a value given back when the pool goes. */
void mgr_api_reply_keep(apr_pool_t *p, json_t *json);

/** Send an object, and give it back; the status is OK.
 *  returns  OK or an HTTP status: NULL means that there was no memory for it (logged) */
int mgr_api_reply_send_result(request_rec *r, int status, json_t *object);

/** Send an error.
 *  more     an object whose members are added, such as errors; given back; NULL: none
 *  returns  OK: the body is sent, the status is set */
int mgr_api_reply_send(request_rec *r, int status, json_t *more, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
