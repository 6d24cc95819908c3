/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* log_notes.c - see log_notes.h. */
#include "log_notes.h"

#include "httpd.h"
#include "http_protocol.h"

static void hand_on(const request_rec *from, request_rec *to)
{
    static const char *const names[] = { "fcgi-end", "fcgi-member", "fcgi-tries", "fcgi-queue-us",
                                         "fcgi-connect-us", "fcgi-firstbyte-us",
                                         "fcgi-backend-us", "trace-id", "span-id" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = apr_table_get(from->notes, names[i]);
        if (value) {
            apr_table_setn(to->notes, names[i], value);
        }
    }
}

/* The last request that came to a member, or would have, is the one to tell of. */
static int tell_last(request_rec *r)
{
    request_rec *told = NULL, *last = r;

    for (request_rec *next = r->next ? r : NULL; next; next = next->next) {
        told = apr_table_get(next->notes, "fcgi-end") ? next : told;
        last = next;
    }
    if (told && told != last) {
        hand_on(told, last);
    }
    return DECLINED;
}

void fcgi_log_notes_register(void)
{
    ap_hook_log_transaction(tell_last, NULL, NULL, APR_HOOK_FIRST);
}
