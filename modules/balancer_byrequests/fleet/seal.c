/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* seal.c - see seal.h. */
#include "seal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "apr_escape.h"
#include "apr_strings.h"

#define VERSION "v1 "
#define NONE    "-"

/* The digest of `body`, which is all behind it.
 * returns  in hex, NONE without a secret; NULL: OpenSSL has failed */
static const char *digest_of(apr_pool_t *p, const lb_seal_t *seal, const char *body)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int bytes = 0;
    const apr_size_t names = strlen(seal->fleet) + strlen(seal->kind) + strlen(seal->front) + 3;
    const apr_size_t all = names + strlen(body);

    if (seal->secret.bytes == 0) {
        return NONE;
    }
    char *text = apr_palloc(p, all + 1);
    apr_snprintf(text, names, "%s%c%s%c%s", seal->fleet, 0, seal->kind, 0, seal->front);
    memcpy(text + names, body, all - names);
    return HMAC(EVP_sha256(), seal->secret.at, (int)seal->secret.bytes, (unsigned char *)text, all,
                digest, &bytes)
               ? apr_pescape_hex(p, digest, bytes, 0)
               : NULL;
}

const char *lb_seal_close(apr_pool_t *p, const lb_seal_t *seal, const lb_sealed_t *sealed)
{
    const char *body = apr_psprintf(p, "%" PRIu64 " %" PRIu64 " %s", sealed->sequence,
                                    sealed->incarnation, sealed->text);
    const char *digest = digest_of(p, seal, body);

    return digest ? apr_pstrcat(p, VERSION, digest, " ", body, NULL) : NULL;
}

/* Digits and one blank.
 * returns  what is behind them; NULL: they are none */
static const char *read_number(const char *text, uint64_t *number)
{
    const size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > 20 || text[digits] != ' ') {
        return NULL;
    }
    *number = strtoull(text, NULL, 10);
    return text + digits + 1;
}

/* Both are as long as the first. */
static bool is_same(const char *digest, const char *given, size_t given_bytes)
{
    return strlen(digest) == given_bytes && CRYPTO_memcmp(digest, given, given_bytes) == 0;
}

const char *lb_seal_open(apr_pool_t *p, const lb_seal_t *seal, const char *closed,
                         lb_sealed_t *sealed)
{
    if (strncmp(closed, VERSION, sizeof(VERSION) - 1) != 0) {
        return "it is of another version, or no document";
    }
    const char *given = closed + sizeof(VERSION) - 1;
    const size_t given_bytes = strcspn(given, " ");
    if (given[given_bytes] != ' ') {
        return "it is cut off";
    }
    const char *body = given + given_bytes + 1;
    const char *digest = digest_of(p, seal, body);
    if (!digest || !is_same(digest, given, given_bytes)) {
        return "its seal is broken: is secretfile= the same on all fronts?";
    }
    const char *rest = read_number(body, &sealed->sequence);
    sealed->text = rest ? read_number(rest, &sealed->incarnation) : NULL;
    return sealed->text ? NULL : "it has no numbers where they belong";
}
