/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fuzz_token.c - any text as a token: only what we would have made is taken, for its user and for
 * its time; and whatever is changed in one that we have made, it is not taken.
 * The input starts with the decisions: the length of the user's name, the place and the value of
 * the change; then come name and token. */
#include <stdbool.h>

#include "text_input.h"
#include "token.h"

static const unsigned char key[MGR_TOKEN_KEY_BYTES] = "0123456789abcdef0123456789abcde";
static const uint32_t now = 1700000000;

static bool looks_like_one(const char *token)
{
    if (strlen(token) != MGR_TOKEN_CHARS || token[8] != '-') {
        return false;
    }
    for (int i = 0; i < 8; i++) {
        if (!((token[i] >= '0' && token[i] <= '9') || (token[i] >= 'a' && token[i] <= 'f'))) {
            return false;
        }
    }
    return true;
}

static mgr_token_verdict_t expected(const char *user, const char *token)
{
    char made[MGR_TOKEN_CHARS + 1];
    if (!looks_like_one(token)) {
        return MGR_TOKEN_NONE;
    }
    const uint32_t when = (uint32_t)strtoul(token, NULL, 16);
    mgr_token_make(key, user, when, made);
    if (strcmp(made, token) != 0) {
        return MGR_TOKEN_FORGED;
    }
    return when <= now && now - when <= MGR_TOKEN_LIFE_SECONDS ? MGR_TOKEN_GOOD : MGR_TOKEN_EXPIRED;
}

static void check_made(const char *user, fuzz_turns_t *turns)
{
    char token[MGR_TOKEN_CHARS + 1], other[MGR_TOKEN_CHARS + 1];
    mgr_token_make(key, user, now, token);
    assert(looks_like_one(token) && mgr_token_judge(key, user, now, token) == MGR_TOKEN_GOOD);
    memcpy(other, token, sizeof(other));
    char *changed = &other[fuzz_turns_next(turns) % MGR_TOKEN_CHARS];
    *changed = (char)fuzz_turns_next(turns);
    const bool is_same = strcmp(token, other) == 0;
    assert((mgr_token_judge(key, user, now, other) == MGR_TOKEN_GOOD) == is_same);
    assert(mgr_token_is_same_secret(token, other) == is_same);
    assert(mgr_token_judge(key, *user == '\0' ? "-" : "", now, token) == MGR_TOKEN_FORGED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fc_span_t in = fc_span(data, size);
    fuzz_turns_t turns = fuzz_turns_take(&in);
    const size_t name_bytes = fuzz_turns_next(&turns) % 32;
    char *user = fuzz_text(fc_span(in.at, name_bytes < in.bytes ? name_bytes : in.bytes));
    char *token = fuzz_text(fc_span_after(in, name_bytes < in.bytes ? name_bytes : in.bytes));
    assert(mgr_token_judge(key, user, now, token) == expected(user, token));
    assert(mgr_token_is_same_secret(user, token) == (strcmp(user, token) == 0));
    check_made(user, &turns);
    free(user);
    free(token);
    return 0;
}
