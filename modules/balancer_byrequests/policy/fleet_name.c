/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fleet_name.c - see fleet_name.h. */
#include "fleet_name.h"

#include <string.h>

bool lb_fleet_name_is_valid(const char *name)
{
    static const char characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                     "0123456789.-_";
    const size_t bytes = strspn(name, characters);

    return bytes > 0 && bytes <= LB_FLEET_NAME_MAX && name[bytes] == '\0';
}
