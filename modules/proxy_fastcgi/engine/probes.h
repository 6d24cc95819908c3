/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* probes.h - places where a tracer (bpftrace, SystemTap, perf) may look at a request: USDT probes
 *            of the provider proxy_fastcgi. Each is one nop; make leaves them out where there is
 *            no <sys/sdt.h>.
 * Memory   none.   Threads: any.
 *
 * The first argument is the same address from begin to end of a request:
 *  begin       method, URI
 *  queued      -                             it waits for its turn
 *  elected     member                        it has its turn, at a member
 *  connected   member, us, kept              how long it took; was it a kept connection?
 *  sent        bytes                         all of the request
 *  first_byte  -                             of the response
 *  parked      -                             it waits without a thread
 *  resumed     -                             a thread has taken it up
 *  end         member, outcome, tries, status
 * At the end, member and outcome are "" when no member was tried; status is that for httpd, 0 when
 * the response is complete.
 * sent and first_byte come from health checks, too, with addresses of their own.
 * Texts are NUL-terminated. docs/monitoring/ has scripts that use them. */
#ifndef FCGI_PROBES_H
#define FCGI_PROBES_H

#ifdef FCGI_PROBES
#define SDT_USE_VARIADIC
#include <sys/sdt.h>
#define FCGI_PROBE(name, ...) STAP_PROBEV(proxy_fastcgi, name, __VA_ARGS__)
#define FCGI_PROBE_IF(condition, name, ...)   \
    do {                                      \
        if (condition) {                      \
            FCGI_PROBE(name, __VA_ARGS__);    \
        }                                     \
    } while (0)
#else
#define FCGI_PROBE(name, ...)               ((void)0)
#define FCGI_PROBE_IF(condition, name, ...) ((void)0)
#endif

#endif
