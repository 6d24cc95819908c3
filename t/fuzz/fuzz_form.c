/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* fuzz_form.c - any text as a form: what comes of it is what a plain reader reads, and nothing does
 * when the plain reader finds an escape that is none. */
#include "body.h"
#include "form.h"
#include "httpd_alone.h"
#include "text_input.h"

bool mgr_body_is(request_rec *r, const char *type) { return false; }
int mgr_body_read(request_rec *r, apr_size_t limit, char **text, apr_size_t *bytes)
{
    return HTTP_INTERNAL_SERVER_ERROR;
}

typedef struct {
    const char *name, *value;
} pair_t;

typedef struct {
    apr_pool_t *p;
    apr_array_header_t *pairs;    /* of pair_t */
    bool is_broken;
} plain_t;

static const char *decoded(plain_t *plain, const char *from, const char *to)
{
    char *out = apr_palloc(plain->p, (apr_size_t)(to - from) + 1), *at = out;
    while (from < to) {
        unsigned byte = (unsigned char)*from++;
        if (byte == '+') {
            byte = ' ';
        }
        else if (byte == '%') {
            const char hex[] = { from < to ? from[0]
                                           : 'x',
                                 to - from > 1 ? from[1]
                                               : 'x',
                                 '\0' };
            const bool is_byte = strspn(hex, "0123456789abcdefABCDEF") == 2;
            byte = (unsigned)strtoul(hex, NULL, 16);
            from += 2;
            if (!is_byte || byte == 0) {
                plain->is_broken = true;
                break;
            }
        }
        *at++ = (char)byte;
    }
    *at = '\0';
    return out;
}

static void read_plainly(plain_t *plain, const char *text)
{
    for (size_t bytes; *text; text += bytes + (text[bytes] == '&')) {
        bytes = strcspn(text, "&");
        const char *end = text + bytes, *equals = memchr(text, '=', bytes);
        if (bytes > 0) {
            APR_ARRAY_PUSH(plain->pairs, pair_t) = (pair_t){
                decoded(plain, text, equals != NULL ? equals : end),
                decoded(plain, equals != NULL ? equals + 1 : end, end)
            };
        }
    }
}

/* For apr_table_do(): the values of a name. */
static int collect(void *values, const char *name, const char *value)
{
    apr_array_header_t *list = values;
    APR_ARRAY_PUSH(list, const char *) = value;
    return 1;
}

static void check_name(const plain_t *plain, const apr_table_t *table, const char *name)
{
    const bool is_many = strcasecmp(name, "w") == 0 || strcasecmp(name, "open") == 0;
    apr_array_header_t *found = apr_array_make(plain->p, 1, sizeof(const char *));
    int count = 0;
    const char *last = NULL;
    apr_table_do(collect, found, table, name, NULL);
    for (int i = 0; i < plain->pairs->nelts; i++) {
        const pair_t *pair = &APR_ARRAY_IDX(plain->pairs, i, pair_t);
        if (strcasecmp(pair->name, name) == 0) {
            last = pair->value;
            assert(!is_many
                   || (count < found->nelts
                       && strcmp(APR_ARRAY_IDX(found, count, const char *), last) == 0));
            count++;
        }
    }
    assert(found->nelts == (is_many ? count : 1));
    assert(is_many || strcmp(APR_ARRAY_IDX(found, 0, const char *), last) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(fc_span(data, size < 2000 ? size : 2000));
    plain_t plain = { .p = fuzz_pool() };
    apr_table_t *table;
    plain.pairs = apr_array_make(plain.p, 8, sizeof(pair_t));
    read_plainly(&plain, text);
    const int status = mgr_form_parse(plain.p, text, &table);
    assert(status == (plain.is_broken ? HTTP_BAD_REQUEST : OK));
    for (int i = 0; status == OK && i < plain.pairs->nelts; i++) {
        check_name(&plain, table, APR_ARRAY_IDX(plain.pairs, i, pair_t).name);
    }
    assert(status != OK || apr_table_elts(table)->nelts <= plain.pairs->nelts);
    free(text);
    return 0;
}
