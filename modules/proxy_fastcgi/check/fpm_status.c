/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fpm_status.c - see fpm_status.h. */
#include "fpm_status.h"

#include <jansson.h>
#include <string.h>

/* returns  false when there is no such number */
static bool read_number(const json_t *page, const char *name, uint32_t *number)
{
    const json_t *value = json_object_get(page, name);

    if (!json_is_integer(value) || json_integer_value(value) < 0
        || json_integer_value(value) > UINT32_MAX) {
        return false;
    }
    *number = (uint32_t)json_integer_value(value);
    return true;
}

static lb_pm_t read_process_manager(const json_t *page)
{
    static const char *const words[] = { [LB_PM_STATIC] = "static",
                                         [LB_PM_DYNAMIC] = "dynamic",
                                         [LB_PM_ONDEMAND] = "ondemand" };
    const char *word = json_string_value(json_object_get(page, "process manager"));

    for (int pm = LB_PM_STATIC; word && pm <= LB_PM_ONDEMAND; pm++) {
        if (strcmp(word, words[pm]) == 0) {
            return (lb_pm_t)pm;
        }
    }
    return LB_PM_UNKNOWN;
}

/* What only maxinflight=auto needs. */
static void read_pool(const json_t *page, lb_fpm_numbers_t *numbers)
{
    numbers->process_manager = read_process_manager(page);
    numbers->start_time = json_integer_value(json_object_get(page, "start time"));
    if (!read_number(page, "max active processes", &numbers->max_active)) {
        numbers->max_active = 0;
    }
}

bool fcgi_fpm_status_read(const char *text, size_t bytes, lb_fpm_numbers_t *numbers)
{
    json_t *page = json_loadb(text, bytes, 0, NULL);
    lb_fpm_numbers_t read;

    const bool is_whole = read_number(page, "idle processes", &read.idle)
                          && read_number(page, "active processes", &read.active)
                          && read_number(page, "total processes", &read.total)
                          && read_number(page, "listen queue", &read.listen_queue)
                          && read_number(page, "max children reached",
                                         &read.max_children_reached);
    if (is_whole) {
        read_pool(page, &read);
        *numbers = read;
    }
    json_decref(page);
    return is_whole;
}
