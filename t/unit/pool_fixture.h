/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* pool_fixture.h - a pool for each test of a program: tcase_add_checked_fixture(tc, set_up,
 * tear_down). */
#ifndef POOL_FIXTURE_H
#define POOL_FIXTURE_H

#include "apr_general.h"
#include "apr_pools.h"

static apr_pool_t *pool;

static void set_up(void)
{
    apr_initialize();
    apr_pool_create(&pool, NULL);
}

static void tear_down(void)
{
    apr_pool_destroy(pool);
    apr_terminate();
}

#endif
