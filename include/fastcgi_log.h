/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fastcgi_log.h - numbers for log lines from DEBUG up; AH numbers belong to httpd.
 * Each number stands for one place and is never used again. Ranges:
 *   0200-0399 proxy_fastcgi   0400-0599 balancer_byrequests   0600-0799 balancer_manager */
#ifndef FASTCGI_LOG_H
#define FASTCGI_LOG_H

#define FCLOGNO(n) "FC" #n ": "

#endif
