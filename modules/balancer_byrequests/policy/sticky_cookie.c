/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* sticky_cookie.c - see sticky_cookie.h. */
#include "sticky_cookie.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#define HASH_BYTES 32
#define KEPT_BYTES 16

/* The hash of `text` under `key`; the two may be one memory. */
static bool hash_under(const unsigned char *key, size_t key_bytes, const char *text,
                       unsigned char *hash)
{
    unsigned char result[HASH_BYTES];
    unsigned int bytes = 0;

    if (!HMAC(EVP_sha256(), key, (int)key_bytes, (const unsigned char *)text, strlen(text), result,
              &bytes)
        || bytes != HASH_BYTES) {
        return false;
    }
    memcpy(hash, result, HASH_BYTES);
    return true;
}

static void write_base64url(const unsigned char *bytes, char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned int held = 0, held_bits = 0;

    for (int i = 0; i < KEPT_BYTES; i++) {
        held = held << 8 | bytes[i];
        for (held_bits += 8; held_bits >= 6; held_bits -= 6) {
            *text++ = digits[held >> (held_bits - 6) & 63];
        }
    }
    *text++ = digits[held << (6 - held_bits) & 63];    /* 128 bits leave two over */
    *text = '\0';
}

bool lb_sticky_cookie_make(fc_span_t key, const char *balancer, const char *socket,
                           const char *url, lb_sticky_cookie_t *value)
{
    unsigned char hash[HASH_BYTES];

    /* Each hash is the key of the next, so that no border between the three can be moved. */
    if (!hash_under(key.at, key.bytes, balancer, hash)
        || !hash_under(hash, sizeof(hash), socket, hash)
        || !hash_under(hash, sizeof(hash), url, hash)) {
        value->text[0] = '\0';
        return false;
    }
    write_base64url(hash, value->text);
    return true;
}

bool lb_sticky_cookie_is(fc_span_t given, const lb_sticky_cookie_t *value)
{
    return given.bytes == LB_STICKY_COOKIE_CHARS && value->text[0] != '\0'
           && CRYPTO_memcmp(given.at, value->text, LB_STICKY_COOKIE_CHARS) == 0;
}
