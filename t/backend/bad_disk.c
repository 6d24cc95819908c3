/* Licensed under the Apache License, Version 2.0; see LICENSE.
 * bad_disk.c - a disk that fails when a test says so. For LD_PRELOAD, in front of httpd.
 *
 * BAD_DISK names a folder; the file BAD_DISK.fault beside it says what fails in files of it
 * (those without a name too):
 *   write NUMBER BYTES   an errno for what is written behind so many bytes of a file; what lies
 *                        before is written, as a disk does
 *   read NUMBER BYTES    likewise, also for pread() and sendfile()
 *   sendfile NUMBER BYTES    only that
 *   short 0 BYTES        the file ends there, for pread() and sendfile()
 *   sync NUMBER 0        fsync()
 * Without that file all is well. */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/types.h>
#include <unistd.h>

static int lies_on_disk(int fd, const char *disk)
{
    char link[64], path[PATH_MAX];

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    const ssize_t n = readlink(link, path, sizeof(path));
    return n > 0 && (size_t)n > strlen(disk) && strncmp(path, disk, strlen(disk)) == 0
           && path[strlen(disk)] == '/';
}

/* at       where in the file; negative: where it stands
 * returns  an errno for this operation, 0: it goes well, or ends; *bytes: what of it still goes
 *          well */
static int fault(const char *operation, int fd, off_t at, size_t *bytes)
{
    const char *disk = getenv("BAD_DISK");
    char file[PATH_MAX], what[16];
    long long after;
    int number = 0;

    if (!disk) {
        return 0;
    }
    snprintf(file, sizeof(file), "%s.fault", disk);
    FILE *in = fopen(file, "r");
    if (!in) {
        return 0;
    }
    const int fields = fscanf(in, "%15s %d %lld", what, &number, &after);
    fclose(in);
    if (fields != 3 || strcmp(what, operation) != 0 || !lies_on_disk(fd, disk)) {
        return 0;
    }
    at = at < 0 ? lseek(fd, 0, SEEK_CUR) : at;
    if (at + (long long)*bytes <= after && *bytes > 0) {
        return 0;
    }
    *bytes = at < after ? (size_t)(after - at) : 0;
    return number;
}

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

ssize_t write(int fd, const void *data, size_t bytes)
{
    REAL(write);
    const int number = fault("write", fd, -1, &bytes);
    errno = number;
    return number && bytes == 0 ? -1 : real(fd, data, bytes);
}

ssize_t read(int fd, void *data, size_t bytes)
{
    REAL(read);
    const int number = fault("read", fd, -1, &bytes);
    errno = number;
    return number && bytes == 0 ? -1 : real(fd, data, bytes);
}

ssize_t pread(int fd, void *data, size_t bytes, off_t at)
{
    REAL(pread);
    const int number = fault("read", fd, at, &bytes);
    fault("short", fd, at, &bytes);
    errno = number;
    return number && bytes == 0 ? -1 : real(fd, data, bytes, at);
}

ssize_t sendfile(int to, int fd, off_t *at, size_t bytes)
{
    REAL(sendfile);
    const int number = fault("read", fd, *at, &bytes) + fault("sendfile", fd, *at, &bytes);
    fault("short", fd, *at, &bytes);
    errno = number;
    return number && bytes == 0 ? -1 : real(to, fd, at, bytes);
}

int fsync(int fd)
{
    REAL(fsync);
    size_t nothing = 0;
    const int number = fault("sync", fd, -1, &nothing);
    errno = number;
    return number ? -1 : real(fd);
}
