/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* directive.c - see directive.h. */
#include "directive.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The digits at the front of `text`.
 * returns  what follows them, NULL when there are none or too many */
static const char *read_number(const char *text, long long *number)
{
    char *rest;

    if (*text < '0' || *text > '9') {
        return NULL;
    }
    errno = 0;
    *number = strtoll(text, &rest, 10);
    return errno ? NULL : rest;
}

/* How many times 1024 a unit stands for; -1 for no unit of ours. */
static int power_of(const char *unit)
{
    static const char units[] = "KkMmGg";
    if (*unit == '\0') {
        return 0;
    }
    const char *found = strchr(units, *unit);
    return found && unit[1] == '\0' ? (int)(found - units) / 2 + 1 : -1;
}

bool fc_directive_size(const char *text, int64_t *bytes)
{
    long long number;
    const char *unit = read_number(text, &number);
    const int shift = unit ? 10 * power_of(unit) : -1;

    if (shift < 0 || number > INT64_MAX >> shift) {
        return false;
    }
    *bytes = (int64_t)number << shift;
    return true;
}

bool fc_directive_duration(const char *text, int64_t *us)
{
    static const struct {
        const char *unit;
        int64_t us;
    } units[] = { { "", 1000000 },
                  { "ms", 1000 },
                  { "s", 1000000 },
                  { "m", 60000000 },
                  { "h", INT64_C(3600000000) } };
    long long number;
    const char *unit = read_number(text, &number);

    for (size_t i = 0; unit && i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(unit, units[i].unit) == 0 && number <= INT64_MAX / units[i].us) {
            *us = number * units[i].us;
            return true;
        }
    }
    return false;
}

bool fc_directive_count(const char *text, int min, int max, int *number)
{
    long long read;
    const char *rest = read_number(text, &read);

    if (!rest || *rest || read < min || read > max) {
        return false;
    }
    *number = (int)read;
    return true;
}
