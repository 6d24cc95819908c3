/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* state_file.c - see state_file.h. */
#include "state_file.h"

#include <errno.h>

#include "ap_mmn.h"
#include "apr_strings.h"
#include "fastcgi_log.h"
#include "http_log.h"
#include "kept_file.h"
#include "state_dir.h"
#include "state_json.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;
APLOG_USE_MODULE(balancer_byrequests);

#define FOLDER    "balancer-state"
#define FILE_NAME "balancer-state.json"

#define CLOCK_SLACK apr_time_from_sec(24 * 3600)

const char *lb_state_file_make_folder(apr_pool_t *p, server_rec *s)
{
    const char *folder = lb_state_dir_relative(p, FOLDER);

    if (!folder || lb_kept_file_make_folder(folder) != 0) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, folder ? errno : APR_EBADPATH, s, FCLOGNO(0450)
                     "BalancerPersist: cannot create the directory %s: changes are lost at a full "
                     "restart. Fix: set BalancerStateDir to a writable directory with free space",
                     folder ? folder : FOLDER);
        return NULL;
    }
    return folder;
}

/* ---- Loading --------------------------------------------------------------------------------- */

static const char *wrong_age(apr_pool_t *p, const lb_saved_state_t *state)
{
    const apr_time_t age = apr_time_now() - state->saved_at;

    if (age > LB_PERSISTENCE_MAX_AGE) {
        return apr_psprintf(p, "it is %" APR_TIME_T_FMT " days old, more than %" APR_TIME_T_FMT,
                            apr_time_sec(age) / 86400,
                            apr_time_sec(LB_PERSISTENCE_MAX_AGE) / 86400);
    }
    return age < -CLOCK_SLACK ? "it is dated in the future: is the clock right?" : NULL;
}

static void set_aside(apr_pool_t *p, const char *folder, const char *why, server_rec *s)
{
    const char *aside;
    const apr_status_t rv = lb_kept_file_set_aside(p, folder, FILE_NAME, &aside);

    ap_log_error(APLOG_MARK, APLOG_WARNING, rv, s, FCLOGNO(0451)
                 "%s/" FILE_NAME ": %s. All balancers start as configured; the file %s %s",
                 folder, why, rv == 0 ? "is kept as" : "cannot be renamed to", aside);
}

lb_saved_state_t *lb_state_file_load(apr_pool_t *p, const char *folder, server_rec *s)
{
    const char *why;
    size_t bytes;
    const char *text = lb_kept_file_read(p, folder, FILE_NAME, &bytes, &why);
    lb_saved_state_t *state = text ? lb_state_json_read(p, text, bytes, &why) : NULL;

    if (state) {
        why = wrong_age(p, state);
    }
    if (why) {
        set_aside(p, folder, why, s);
        state = NULL;
    }
    return state;
}

/* ---- Saving ---------------------------------------------------------------------------------- */

typedef const lb_saved_state_t *take_t(apr_pool_t *p);

static char *text_of(apr_pool_t *p, const void *take)
{
    return lb_state_json_write((*(take_t *const *)take)(p));
}

apr_status_t lb_state_file_save(apr_pool_t *p, const char *folder, take_t *take)
{
    return lb_kept_file_save(p, folder, FILE_NAME, text_of, &take);
}
