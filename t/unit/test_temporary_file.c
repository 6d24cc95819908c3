/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* test_temporary_file.c - nothing is left behind: no name, and no file that stays open. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apr_portable.h"
#include "pool_fixture.h"
#include "run_suite.h"
#include "temporary_file.h"

static char folder[] = "/tmp/test_temporary_file.XXXXXX";

static void begin(void)
{
    set_up();
    ck_assert_ptr_nonnull(mkdtemp(folder));
    setenv("TMPDIR", folder, 1);
}

/* An empty folder goes. */
static void end(void)
{
    tear_down();
    ck_assert_int_eq(rmdir(folder), 0);
}

static apr_file_t *open_file(void)
{
    apr_file_t *file;

    ck_assert_int_eq(fcgi_temporary_file_open(&file, pool), APR_SUCCESS);
    return file;
}

static int number_of(apr_file_t *file)
{
    apr_os_file_t fd;

    ck_assert_int_eq(apr_os_file_get(&fd, file), APR_SUCCESS);
    return fd;
}

START_TEST(it_has_no_name_and_one_owner)
{
    const int fd = number_of(open_file());
    struct stat status;

    ck_assert_int_eq(fstat(fd, &status), 0);
    ck_assert_uint_eq(status.st_nlink, 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0600);
    ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
}
END_TEST

START_TEST(what_is_written_can_be_read)
{
    apr_file_t *file = open_file();
    apr_off_t start = 0;
    char text[4];

    ck_assert_int_eq(apr_file_write_full(file, "text", 4, NULL), APR_SUCCESS);
    ck_assert_int_eq(apr_file_seek(file, APR_SET, &start), APR_SUCCESS);
    ck_assert_int_eq(apr_file_read_full(file, text, sizeof(text), NULL), APR_SUCCESS);
    ck_assert_mem_eq(text, "text", 4);
}
END_TEST

START_TEST(it_ends_with_its_pool)
{
    const int fd = number_of(open_file());

    apr_pool_clear(pool);
    ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
    ck_assert_int_eq(errno, EBADF);
}
END_TEST

START_TEST(set_aside_it_ends_with_the_other_pool)
{
    apr_file_t *file = open_file(), *aside;
    apr_pool_t *other;
    const int fd = number_of(file);

    apr_pool_create(&other, NULL);
    ck_assert_int_eq(apr_file_setaside(&aside, file, other), APR_SUCCESS);
    apr_pool_clear(pool);
    ck_assert_int_ne(fcntl(fd, F_GETFD), -1);
    apr_pool_destroy(other);
    ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
}
END_TEST

START_TEST(a_folder_that_is_missing_is_an_error)
{
    apr_file_t *file;

    setenv("TMPDIR", "/no/such/folder", 1);
    ck_assert(APR_STATUS_IS_ENOENT(fcgi_temporary_file_open(&file, pool)));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("temporary_file");
    TCase *tc = tcase_create("open");

    tcase_add_checked_fixture(tc, begin, end);
    tcase_add_test(tc, it_has_no_name_and_one_owner);
    tcase_add_test(tc, what_is_written_can_be_read);
    tcase_add_test(tc, it_ends_with_its_pool);
    tcase_add_test(tc, set_aside_it_ends_with_the_other_pool);
    tcase_add_test(tc, a_folder_that_is_missing_is_an_error);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
