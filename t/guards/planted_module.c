/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* planted_module.c - a handler with a mistake of each kind, for sanitizers.t to find. */
#include <stdlib.h>
#include <string.h>

#include "httpd.h"

#include "http_config.h"
#include "http_protocol.h"

static int say(request_rec *r, int number)
{
    ap_set_content_type(r, "text/plain");
    ap_rprintf(r, "%d\n", number);
    return OK;
}

/* Not inlined, so that the compiler cannot know better. */
__attribute__((noinline)) static int sum(const volatile unsigned char *bytes, size_t count)
{
    int result = 0;
    for (size_t i = 0; i < count; i++) {
        result += bytes[i];
    }
    return result;
}

static int handle(request_rec *r)
{
    if (!r->handler || strcmp(r->handler, "planted") != 0 || !r->args) {
        return DECLINED;
    }
    unsigned char *bytes = malloc(16);
    int result = 0;

    if (strcmp(r->args, "overflow") == 0) {
        memset(bytes, 1, 16);
        result = sum(bytes, 17);
    }
    else if (strcmp(r->args, "freed") == 0) {
        memset(bytes, 1, 16);
        free(bytes);
        return say(r, sum(bytes, 16));
    }
    else if (strcmp(r->args, "undefined") == 0) {
        volatile int shift = 40;
        result = 1 << shift;
    }
    else if (strcmp(r->args, "unset") == 0) {
        result = sum(bytes, 16) > 100 ? 1 : 2;
    }
    else if (strcmp(r->args, "leak") == 0) {
        bytes = NULL;
    }
    free(bytes);
    return say(r, result);
}

static void register_hooks(apr_pool_t *p)
{
    ap_hook_handler(handle, NULL, NULL, APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(planted) = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, register_hooks
};
