/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* kept_file.c - see kept_file.h. */
#include "kept_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apr_strings.h"
#include "clock.h"
#include "unixd.h"

#define MAX_BYTES     (16 * 1024 * 1024)
#define LOCK_WAIT_US  apr_time_from_sec(2)
#define LOCK_AGAIN_US (5 * 1000)

/* ---- The folder ------------------------------------------------------------------------------ */

static int open_folder(const char *folder)
{
    return open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int lb_kept_file_make_folder(const char *folder)
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

/* ---- Reading --------------------------------------------------------------------------------- */

static bool is_readable(int fd, struct stat *st)
{
    return fstat(fd, st) == 0 && S_ISREG(st->st_mode) && st->st_size <= MAX_BYTES;
}

/* returns  false: see errno */
static bool read_whole(int fd, char *text, size_t size, size_t *bytes)
{
    ssize_t n = 1;

    for (*bytes = 0; n > 0 && *bytes < size; *bytes += (size_t)(n > 0 ? n : 0)) {
        n = read(fd, text + *bytes, size - *bytes);
    }
    return n >= 0;
}

char *lb_kept_file_read(apr_pool_t *p, const char *folder, const char *name, size_t *bytes,
                        const char **why)
{
    struct stat st;
    char *text = NULL;
    const int dir = open_folder(folder);
    const int fd = dir < 0 ? -1
                           : openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    const int error = errno;

    *why = NULL;
    if (dir >= 0) {
        close(dir);
    }
    if (fd < 0) {
        *why = dir < 0 || error == ENOENT
                   ? NULL
                   : apr_psprintf(p, "it cannot be read: %s", strerror(error));
        return NULL;
    }
    if (!is_readable(fd, &st)) {
        *why = "it is not a regular file, or is larger than 16 MB";
    }
    else {
        text = apr_palloc(p, (apr_size_t)st.st_size + 1);
        if (!read_whole(fd, text, (size_t)st.st_size, bytes)) {
            *why = apr_psprintf(p, "it cannot be read: %s", strerror(errno));
        }
    }
    close(fd);
    return *why ? NULL : text;
}

apr_status_t lb_kept_file_set_aside(apr_pool_t *p, const char *folder, const char *name,
                                    const char **aside)
{
    const int dir = open_folder(folder);

    *aside = apr_psprintf(p, "%s.broken-%" APR_TIME_T_FMT, name, apr_time_sec(apr_time_now()));
    const apr_status_t rv = dir >= 0 && renameat(dir, name, dir, *aside) == 0 ? 0 : errno;
    if (dir >= 0) {
        close(dir);
    }
    return rv;
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

static apr_status_t replace(int folder, const char *name, const char *new_name, const char *text)
{
    if (unlinkat(folder, new_name, 0) != 0 && errno != ENOENT) {
        return errno;
    }
    const int fd = openat(folder, new_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return errno;
    }
    apr_status_t rv = write_all(fd, text);
    if (close(fd) != 0 && rv == APR_SUCCESS) {
        rv = errno;
    }
    if (rv == APR_SUCCESS && renameat(folder, new_name, folder, name) != 0) {
        rv = errno;
    }
    if (rv != APR_SUCCESS) {    /* the room may be wanted */
        (void)unlinkat(folder, new_name, 0);
    }
    if (rv == APR_SUCCESS && fsync(folder) != 0) {
        rv = errno;
    }
    return rv;
}

apr_status_t lb_kept_file_save(apr_pool_t *p, const char *folder, const char *name,
                               lb_kept_file_take_t *take, const void *data)
{
    const int fd = open_folder(folder);
    if (fd < 0) {
        return errno;
    }
    apr_status_t rv = lock_folder(fd);
    if (rv == APR_SUCCESS) {
        char *text = take(p, data);
        rv = text ? replace(fd, name, apr_pstrcat(p, name, ".new", NULL), text) : APR_ENOMEM;
        free(text);
    }
    close(fd);    /* unlocks */
    return rv;
}
