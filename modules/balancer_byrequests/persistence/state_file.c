/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* state_file.c - see state_file.h.
 *
 * The folder belongs to the children's user, as they save; the parent, which may be root, trusts
 * nothing in it: it follows no links and overwrites no file. */
#include "state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ap_mmn.h"
#include "apr_strings.h"
#include "clock.h"
#include "fastcgi_log.h"
#include "http_config.h"
#include "http_log.h"
#include "state_json.h"
#include "unixd.h"

extern module AP_MODULE_DECLARE_DATA balancer_byrequests_module;
APLOG_USE_MODULE(balancer_byrequests);

#define FOLDER    "balancer-state"
#define FILE_NAME "balancer-state.json"
#define NEW_NAME  FILE_NAME ".new"

#define MAX_BYTES     (16 * 1024 * 1024)
#define LOCK_WAIT_US  apr_time_from_sec(2)
#define LOCK_AGAIN_US (5 * 1000)
#define CLOCK_SLACK   apr_time_from_sec(24 * 3600)

/* ---- The folder ------------------------------------------------------------------------------ */

static char *folder_path(apr_pool_t *p)
{
    return ap_state_dir_relative(p, FOLDER);
}

static int open_folder(const char *folder)
{
    return open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int make_private_folder(const char *folder)
{
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
        return -1;
    }
    const int fd = open_folder(folder);
    if (fd < 0) {
        return -1;
    }
    int rc = fchmod(fd, 0700);
    if (rc == 0 && geteuid() == 0) {
        rc = fchown(fd, ap_unixd_config.user_id, ap_unixd_config.group_id);
    }
    close(fd);
    return rc;
}

const char *lb_state_file_make_folder(apr_pool_t *p, server_rec *s)
{
    const char *folder = folder_path(p);

    if (!folder || make_private_folder(folder) != 0) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, folder ? errno : APR_EBADPATH, s, FCLOGNO(0450)
                     "BalancerPersist: cannot create the directory %s: changes are lost at a full "
                     "restart. Fix: set DefaultRuntimeDir to a writable directory with free space",
                     folder ? folder : FOLDER);
        return NULL;
    }
    return folder;
}

/* ---- Loading --------------------------------------------------------------------------------- */

/* returns  its text, NULL with *why set, NULL without *why when there is no file */
static char *read_file(apr_pool_t *p, int folder, size_t *bytes, const char **why)
{
    struct stat st;
    const int fd = openat(folder, FILE_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    *why = NULL;
    if (fd < 0) {
        *why = errno == ENOENT ? NULL : apr_psprintf(p, "it cannot be read: %s", strerror(errno));
        return NULL;
    }
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > MAX_BYTES) {
        *why = "it is not a regular file, or is larger than 16 MB";
        close(fd);
        return NULL;
    }
    char *text = apr_palloc(p, (apr_size_t)st.st_size + 1);
    ssize_t n = 1;
    for (*bytes = 0; n > 0 && *bytes < (size_t)st.st_size; *bytes += (size_t)(n > 0 ? n : 0)) {
        n = read(fd, text + *bytes, (size_t)st.st_size - *bytes);
    }
    if (n < 0) {
        *why = apr_psprintf(p, "it cannot be read: %s", strerror(errno));
    }
    close(fd);
    return *why ? NULL : text;
}

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

static void set_aside(apr_pool_t *p, int folder, const char *path, const char *why, server_rec *s)
{
    const char *aside = apr_psprintf(p, FILE_NAME ".broken-%" APR_TIME_T_FMT,
                                     apr_time_sec(apr_time_now()));
    const int rc = renameat(folder, FILE_NAME, folder, aside);

    ap_log_error(APLOG_MARK, APLOG_WARNING, rc == 0 ? 0 : errno, s, FCLOGNO(0451)
                 "%s/" FILE_NAME ": %s. All balancers start as configured; the file %s %s",
                 path, why, rc == 0 ? "is kept as" : "cannot be renamed to", aside);
}

lb_saved_state_t *lb_state_file_load(apr_pool_t *p, const char *folder, server_rec *s)
{
    const char *why;
    size_t bytes;
    const int fd = open_folder(folder);
    char *text = fd < 0 ? NULL : read_file(p, fd, &bytes, &why);
    lb_saved_state_t *state = text ? lb_state_json_read(p, text, bytes, &why) : NULL;

    if (fd < 0) {
        return NULL;
    }
    if (state) {
        why = wrong_age(p, state);
    }
    if (why) {
        set_aside(p, fd, folder, why, s);
        state = NULL;
    }
    close(fd);
    return state;
}

/* ---- Saving ---------------------------------------------------------------------------------- */

static apr_status_t lock_folder(int folder)
{
    const apr_time_t deadline = fc_now() + LOCK_WAIT_US;

    while (flock(folder, LOCK_EX | LOCK_NB) != 0) {    /* a killed process leaves no lock */
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return errno;
        }
        if (fc_now() >= deadline) {
            return APR_TIMEUP;
        }
        apr_sleep(LOCK_AGAIN_US);
    }
    return APR_SUCCESS;
}

static apr_status_t write_all(int fd, const char *text)
{
    size_t left = strlen(text);

    while (left > 0) {
        const ssize_t n = write(fd, text, left);
        if (n == 0 || (n < 0 && errno != EINTR)) {
            return n == 0 ? ENOSPC : errno;
        }
        text += n > 0 ? n : 0;
        left -= n > 0 ? (size_t)n : 0;
    }
    return fsync(fd) == 0 ? APR_SUCCESS : errno;
}

static apr_status_t replace_file(int folder, const char *text)
{
    if (unlinkat(folder, NEW_NAME, 0) != 0 && errno != ENOENT) {
        return errno;
    }
    const int fd = openat(folder, NEW_NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return errno;
    }
    apr_status_t rv = write_all(fd, text);
    if (close(fd) != 0 && rv == APR_SUCCESS) {
        rv = errno;
    }
    if (rv == APR_SUCCESS && renameat(folder, NEW_NAME, folder, FILE_NAME) != 0) {
        rv = errno;
    }
    if (rv != APR_SUCCESS) {    /* the room may be wanted */
        (void)unlinkat(folder, NEW_NAME, 0);
    }
    if (rv == APR_SUCCESS && fsync(folder) != 0) {
        rv = errno;
    }
    return rv;
}

apr_status_t lb_state_file_save(apr_pool_t *p, const char *folder,
                                const lb_saved_state_t *(*take)(apr_pool_t *p))
{
    const int fd = open_folder(folder);
    if (fd < 0) {
        return errno;
    }
    apr_status_t rv = lock_folder(fd);
    if (rv == APR_SUCCESS) {
        char *text = lb_state_json_write(take(p));
        rv = text ? replace_file(fd, text) : APR_ENOMEM;
        free(text);
    }
    close(fd);    /* unlocks */
    return rv;
}
