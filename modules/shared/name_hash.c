/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* name_hash.c - see name_hash.h. */
#include "name_hash.h"

#define PRIME UINT64_C(1099511628211)

uint64_t fc_name_hash(uint64_t hash, const char *name)
{
    for (const unsigned char *c = (const unsigned char *)name; *c; c++) {
        hash = (hash ^ *c) * PRIME;
    }
    return (hash ^ 0xff) * PRIME;
}

uint64_t fc_name_hash_number(uint64_t hash, int64_t number)
{
    for (int shift = 0; shift < 64; shift += 8) {
        hash = (hash ^ ((uint64_t)number >> shift & 0xff)) * PRIME;
    }
    return hash;
}

uint64_t fc_name_hash3(const char *first, const char *second, const char *third)
{
    const uint64_t hash =
        fc_name_hash(fc_name_hash(fc_name_hash(FC_NAME_HASH_START, first), second), third);
    return hash ? hash : 1;
}
