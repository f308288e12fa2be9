/* test.h: cmocka with the includes it wants, and helpers every unit test uses. */
#ifndef MALOTE_TESTS_UNIT_TEST_H
#define MALOTE_TESTS_UNIT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"

/* A copy in a heap block of exactly its size, so that the sanitizer sees one byte too many. Free with free((void *)s.ptr). */
static inline slice test_exact(slice s)
{
    char *copy = malloc(s.len ? s.len : 1);
    if (s.len) memcpy(copy, s.ptr, s.len);
    return slice_of(copy, s.len);
}

/* Reads a whole file under tests/ (argv[1] of the test program); aborts the test when it is not there. In `arena`. */
static inline slice test_file(const char *tests_dir, const char *name, struct arena *arena)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", tests_dir, name);
    FILE *f = fopen(path, "rb");
    if (!f) fail_msg("cannot open %s", path);
    fseek(f, 0, SEEK_END);
    size_t len = (size_t)ftell(f);
    rewind(f);
    char *bytes = arena_alloc(arena, len + 1);
    if (!bytes || fread(bytes, 1, len, f) != len) fail_msg("cannot read %s", path);
    fclose(f);
    return slice_of(bytes, len);
}

#define assert_slice(got, want)                                                                    \
    do {                                                                                           \
        slice got_ = (got), want_ = (want);                                                        \
        if (!slice_eq(got_, want_))                                                                \
            fail_msg("got \"%.*s\", want \"%.*s\"", SLICE_ARG(got_), SLICE_ARG(want_));            \
    } while (0)

#endif
