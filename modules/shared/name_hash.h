/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* name_hash.h - FNV-1a of names and numbers: keys of rows that outlive restarts, and revisions.
 * Ignores  httpd: plain C11. */
#ifndef FC_NAME_HASH_H
#define FC_NAME_HASH_H

#include <stdint.h>

/** Before the first name. */
#define FC_NAME_HASH_START UINT64_C(14695981039346656037)

/** Go on with one more name, and a border behind it: "ab" and "c" are not "a" and "bc".
 *  source   FNV-1a, 64 bits (Fowler, Noll, Vo) */
uint64_t fc_name_hash(uint64_t hash, const char *name);

/** Go on with a number. */
uint64_t fc_name_hash_number(uint64_t hash, int64_t number);

/** Of three names; never 0. */
uint64_t fc_name_hash3(const char *first, const char *second, const char *third);

#endif
