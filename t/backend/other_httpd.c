/* Licensed under the Apache License, Version 2.0; see LICENSE.
 * other_httpd.c - an httpd that sets another CGI variable than modules expect. For LD_PRELOAD: it
 * finds an LD_LIBRARY_PATH in its environment, and no module does. */
#include <dlfcn.h>
#include <string.h>

extern char **environ;

static char *find(const char *name)
{
    const size_t bytes = strlen(name);

    for (char **entry = environ; entry && *entry; entry++) {
        if (strncmp(*entry, name, bytes) == 0 && (*entry)[bytes] == '=') {
            return *entry + bytes + 1;
        }
    }
    return NULL;
}

static int is_program(const void *caller)
{
    Dl_info info;
    return dladdr(caller, &info) != 0 && !strstr(info.dli_fname, ".so");
}

char *getenv(const char *name)
{
    static char other[] = "/other";
    const void *caller = __builtin_return_address(0);

    return strcmp(name, "LD_LIBRARY_PATH") == 0 && is_program(caller) ? other : find(name);
}
