/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* utf8_character.h - which bytes make a character of UTF-8 that every reader of JSON and XML
 *                    accepts.
 * Knows    the shape of UTF-8 (RFC 3629, 4); that XML knows no control characters.
 * Ignores  where text goes, how it is quoted.
 * Memory   none.   Threads: any, no state. */
#ifndef FC_UTF8_CHARACTER_H
#define FC_UTF8_CHARACTER_H

#include <stddef.h>

/* What stands for a byte that is in none. */
#define FC_UTF8_REPLACEMENT "\xEF\xBF\xBD"

/** How many bytes the well-formed character at `text` has. A NUL ends every check.
 *  returns  0: there is none, or it is one that XML does not know (controls but for tab and line
 *           ends, U+FFFE and U+FFFF) */
size_t fc_utf8_character_bytes(const unsigned char *text);

#endif
