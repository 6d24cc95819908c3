/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* status_section.c - see status_section.h. */
#include "status_section.h"

#include "http_protocol.h"
#include "mod_status.h"
#include "park.h"
#include "wait_policy.h"

static int show(request_rec *r, int flags)
{
    if (flags & AP_STATUS_SHORT) {
        ap_rprintf(r, "FCGIParked: %d\nFCGIParkedHere: %d\nFCGIParkedHereMost: %d\n"
                      "FCGIWaitingThreadsHere: %d\n",
                   fcgi_park_total(), fcgi_park_count(),
                   fcgi_park_most(), fcgi_wait_policy_threads());
        return OK;
    }
    ap_rprintf(r, "<hr />\n<h2>FastCGI requests that wait without a thread</h2>\n<dl>\n"
                  "<dt>Parked now: %d</dt>\n"
                  "<dt>In this process: %d parked, at most %d since its start; %d of "
                  "its threads wait for a backend</dt>\n</dl>\n",
               fcgi_park_total(),
               fcgi_park_count(), fcgi_park_most(), fcgi_wait_policy_threads());
    return OK;
}

void fcgi_status_section_register(void)
{
    APR_OPTIONAL_HOOK(ap, status_hook, show, NULL, NULL, APR_HOOK_MIDDLE);
}
