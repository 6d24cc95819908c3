/* Licensed under the Apache License, Version 2.0; see LICENSE. */
/* replay.c - runs an entry point for libFuzzer over kept inputs, without libFuzzer:
 *     replay_NAME FILE-OR-DIRECTORY...
 * Each input has a process of its own, so that all that fail are named, and ten seconds. Exits with
 * 1 if one failed or there was none to run, with 2 if one cannot be read. */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "turns.h"

#define SECONDS_MAX 10

static unsigned inputs, failures;

static void fail(const char *what)
{
    fprintf(stderr, "replay: %s: %s\n", what, strerror(errno));
    exit(2);
}

/* In memory of just its size: a sanitizer sees what reads behind it. */
static fc_span_t contents_of(const char *path)
{
    FILE *file = fopen(path, "rb");
    long bytes = -1;
    if (file != NULL && fseek(file, 0, SEEK_END) == 0) {
        bytes = ftell(file);
        rewind(file);
    }
    unsigned char *at = bytes < 0 ? NULL : malloc(bytes > 0 ? (size_t)bytes : 1);
    if (at == NULL || fread(at, 1, (size_t)bytes, file) != (size_t)bytes) {
        fail(path);
    }
    fclose(file);
    return fc_span(at, (size_t)bytes);
}

static void run_input(const char *path)
{
    int status = 0;
    inputs++;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        fc_span_t input = contents_of(path);
        alarm(SECONDS_MAX);
        LLVMFuzzerTestOneInput(input.at, input.bytes);
        fuzz_turns_free(input);
        exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child) {
        fail("fork");
    }
    if (status != 0) {
        fprintf(stderr, "replay: %s fails (%s)\n", path,
                WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "see above");
        failures++;
    }
}

static void run_directory(const char *path, struct dirent **entries, int count)
{
    for (int i = 0; i < count; i++) {
        char *inside;
        if (entries[i]->d_name[0] != '.') {
            if (asprintf(&inside, "%s/%s", path, entries[i]->d_name) < 0) {
                fail(path);
            }
            run_input(inside);
            free(inside);
        }
        free(entries[i]);
    }
    free(entries);
}

static void run_path(const char *path)
{
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort);
    if (count >= 0) {
        run_directory(path, entries, count);
    }
    else if (errno == ENOTDIR) {
        run_input(path);
    }
    else {
        fail(path);
    }
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        run_path(argv[i]);
    }
    printf("%s: %u inputs, %u failures\n", basename(argv[0]), inputs, failures);
    if (inputs == 0) {
        fprintf(stderr, "replay: there is nothing to replay\n");
    }
    return inputs == 0 || failures > 0;
}
