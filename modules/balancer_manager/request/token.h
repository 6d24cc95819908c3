/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* token.h - a text that proves that its sender has read one of our pages lately.
 * Knows    HMAC-SHA256.
 * Ignores  httpd, the clock, where the key is (csrf.c knows them).
 * Memory   the caller's.   Threads: any, no state.
 *
 * A token is "when-mac": when it was made, in hexadecimal seconds, and the first half of
 * HMAC-SHA256(key, when | user). There is nothing to keep on the server, and it is as good after a
 * graceful restart. It names no balancer: one page changes many. */
#ifndef MGR_TOKEN_H
#define MGR_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

enum {
    MGR_TOKEN_KEY_BYTES = 32,
    MGR_TOKEN_CHARS = 8 + 1 + 32,
    MGR_TOKEN_LIFE_SECONDS = 12 * 3600
};

typedef enum {
    MGR_TOKEN_GOOD,
    MGR_TOKEN_NONE,       /* it does not look like one */
    MGR_TOKEN_FORGED,     /* of another user or key, or changed */
    MGR_TOKEN_EXPIRED
} mgr_token_verdict_t;

/** Make a token.
 *  now      seconds since 1970
 *  out      MGR_TOKEN_CHARS and a NUL: lower-case hexadecimal digits, and one "-"; "" when OpenSSL
 *           has failed */
void mgr_token_make(const unsigned char *key, const char *user, uint32_t now,
                    char out[MGR_TOKEN_CHARS + 1]);

mgr_token_verdict_t mgr_token_judge(const unsigned char *key, const char *user, uint32_t now,
                                    const char *token);

/** Compare without telling by the time it takes how much was right. */
bool mgr_token_is_same_secret(const char *a, const char *b);

#endif
