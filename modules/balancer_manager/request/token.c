/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* token.c - see token.h. */
#include "token.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WHEN_DIGITS = 8,
    MAC_BYTES = 16
};

static const char digits[] = "0123456789abcdef";

/* returns  false when OpenSSL has failed */
static bool mac_of(const unsigned char *key, const char *user, const char *when, unsigned char *mac)
{
    const size_t bytes = WHEN_DIGITS + 1 + strlen(user);
    char *text = malloc(bytes + 1);
    bool is_made = false;

    if (text) {
        snprintf(text, bytes + 1, "%.*s|%s", WHEN_DIGITS, when, user);
        is_made = HMAC(EVP_sha256(), key, MGR_TOKEN_KEY_BYTES, (const unsigned char *)text, bytes,
                       mac, NULL)
                  != NULL;
        free(text);
    }
    return is_made;
}

void mgr_token_make(const unsigned char *key, const char *user, uint32_t now,
                    char out[MGR_TOKEN_CHARS + 1])
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    char *to = out + WHEN_DIGITS;

    snprintf(out, WHEN_DIGITS + 1, "%08x", (unsigned int)now);
    if (!mac_of(key, user, out, mac)) {
        *out = '\0';
        return;
    }
    *to++ = '-';
    for (int i = 0; i < MAC_BYTES; i++) {
        *to++ = digits[mac[i] >> 4];
        *to++ = digits[mac[i] & 15];
    }
    *to = '\0';
}

mgr_token_verdict_t mgr_token_judge(const unsigned char *key, const char *user, uint32_t now,
                                    const char *token)
{
    char expected[MGR_TOKEN_CHARS + 1];

    if (strlen(token) != MGR_TOKEN_CHARS || strspn(token, digits) != WHEN_DIGITS
        || token[WHEN_DIGITS] != '-') {
        return MGR_TOKEN_NONE;
    }
    const uint32_t when = (uint32_t)strtoul(token, NULL, 16);
    mgr_token_make(key, user, when, expected);
    if (!*expected || CRYPTO_memcmp(expected, token, MGR_TOKEN_CHARS) != 0) {
        return MGR_TOKEN_FORGED;
    }
    return now - when > MGR_TOKEN_LIFE_SECONDS ? MGR_TOKEN_EXPIRED : MGR_TOKEN_GOOD;
}

bool mgr_token_is_same_secret(const char *a, const char *b)
{
    const size_t bytes = strlen(a);
    return strlen(b) == bytes && CRYPTO_memcmp(a, b, bytes) == 0;
}
