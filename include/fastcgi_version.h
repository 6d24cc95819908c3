/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fastcgi_version.h - the version that all three modules report. */
#ifndef FASTCGI_VERSION_H
#define FASTCGI_VERSION_H

#define FASTCGI_CLUSTER_VERSION "1.0.0"
#define FASTCGI_CLUSTER_COMPONENT "FastCGI-Cluster/" FASTCGI_CLUSTER_VERSION

#endif
