/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* check_panic.c - see check_panic.h. */
#include "check_panic.h"

int lb_check_panic_default(uint32_t members)
{
    return members > 1 ? 50 : 100;
}

bool lb_check_panic(uint32_t usable, uint32_t out, int percent)
{
    return (uint64_t)out * 100 > (uint64_t)usable * (uint64_t)percent;
}
