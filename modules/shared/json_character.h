/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* json_character.h - a text of any bytes, character by character, as it stands in a string of JSON.
 * Knows    what has to be escaped (RFC 8259, 7).
 * Ignores  the quotes, where the string goes.
 * Memory   the caller's.   Threads: any, no state. */
#ifndef FC_JSON_CHARACTER_H
#define FC_JSON_CHARACTER_H

#include <stddef.h>

#define FC_JSON_CHARACTER_MAX 6    /* bytes that one takes: \u0000 */

/** How many bytes at the begin of a text stand for themselves. */
size_t fc_json_plain_bytes(const char *text);

/** The first character of a text that is not empty; of what is none (utf8_character.h), its first
 *  byte.
 *  takes    set to how many bytes of the text it is
 *  returns  how many bytes of `out` it takes, without a NUL */
size_t fc_json_character(const char *text, size_t *takes, char out[FC_JSON_CHARACTER_MAX]);

#endif
