/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* directive.c - see directive.h. */
#include "directive.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

bool fcgi_directive_size(const char *text, int64_t *bytes)
{
    char *unit;

    if (*text < '0' || *text > '9') {
        return false;
    }
    errno = 0;
    const long long number = strtoll(text, &unit, 10);
    const int shift = 10 * power_of(unit);
    if (errno || shift < 0 || number > INT64_MAX >> shift) {
        return false;
    }
    *bytes = (int64_t)number << shift;
    return true;
}
