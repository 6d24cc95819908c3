/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* share_file.c - see share_file.h. */
#include "share_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apr_strings.h"
#include "fastcgi_log.h"
#include "http_log.h"
#include "http_main.h"
#include "kept_file.h"
#include "state_file.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;
APLOG_USE_MODULE(balancer_byrequests);

#define FILE_NAME   "fleet-shares"
#define HEAD        "epoch "
#define MEMBERS_MAX 65536

static const char *folder;    /* of this configuration; NULL: it could not be made */

void lb_share_file_make_folder(apr_pool_t *p, server_rec *s)
{
    folder = lb_state_file_make_folder(p, s);
}

/* ---- Reading --------------------------------------------------------------------------------- */

static size_t lines_in(const char *text)
{
    size_t n = 0;

    for (; *text; text++) {
        n += *text == '\n';
    }
    return n;
}

/* returns  NULL: it is none of ours */
static apr_array_header_t *read_text(apr_pool_t *p, const char *text, lb_share_front_t *front)
{
    lb_share_record_t record;
    const int most = (int)lines_in(text);
    apr_array_header_t *floors = apr_array_make(p, most + 1, sizeof(lb_share_told_t));
    const char *rest = strchr(text, '\n');

    if (sscanf(text, HEAD "%40s", front->epoch) != 1 || !rest
        || !lb_share_record_read(rest + 1, &record, (lb_share_told_t *)floors->elts,
                                 (size_t)most)) {
        return NULL;
    }
    floors->nelts = (int)record.count;
    front->has_joined = record.has_joined;
    front->roster = record.roster;
    return floors;
}

apr_array_header_t *lb_share_file_load(apr_pool_t *p, lb_share_front_t *front)
{
    const char *why = NULL, *aside;
    size_t bytes = 0;
    char *text = folder ? lb_kept_file_read(p, folder, FILE_NAME, &bytes, &why) : NULL;
    apr_array_header_t *floors =
        text ? read_text(p, apr_pstrmemdup(p, text, bytes), front) : NULL;

    if (!floors && (text || why)) {
        const apr_status_t rv = lb_kept_file_set_aside(p, folder, FILE_NAME, &aside);
        ap_log_error(APLOG_MARK, APLOG_WARNING, rv, ap_server_conf, FCLOGNO(0570)
                     "%s/" FILE_NAME
                     ": %s. This front joins its fleet like a new one; the file %s %s",
                     folder, why ? why : "it is not of this version",
                     rv == 0 ? "is kept as" : "cannot be renamed to", aside);
    }
    if (!floors) {
        strcpy(front->epoch, "0");
        floors = apr_array_make(p, 1, sizeof(lb_share_told_t));
    }
    return floors;
}

/* ---- Saving ---------------------------------------------------------------------------------- */

static char *text_of(apr_pool_t *p, const void *data)
{
    const lb_share_front_t *front = data;
    lb_share_record_t record = { .has_joined = front->has_joined,
                                 .roster = front->roster,
                                 .count = front->count };
    char *text = malloc(sizeof(HEAD) + LB_SHARE_EPOCH_MAX + LB_SHARE_RECORD_BYTES(front->count));

    record.members = apr_pcalloc(p, (front->count + 1) * sizeof(lb_share_told_t));
    for (size_t i = 0; i < front->count; i++) {
        record.members[i] = (lb_share_told_t){ .member = front->members[i].key,
                                               .limit = front->members[i].limit,
                                               .floor = front->members[i].floor };
    }
    if (text) {
        lb_share_record_write(&record, text + sprintf(text, HEAD "%s\n", front->epoch));
    }
    return text;
}

bool lb_share_file_save(apr_pool_t *p, const lb_share_front_t *front)
{
    static bool has_warned;
    const apr_status_t rv =
        folder ? lb_kept_file_save(p, folder, FILE_NAME, text_of, front) : APR_EBADPATH;

    if (rv != APR_SUCCESS && !has_warned) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, rv, ap_server_conf, FCLOGNO(0571)
                     "fleet: cannot save this front's parts of shared limits to %s/" FILE_NAME
                     ": until that works it keeps the parts that it has",
                     folder ? folder : "the state folder");
    }
    has_warned = rv != APR_SUCCESS;
    return rv == APR_SUCCESS;
}
