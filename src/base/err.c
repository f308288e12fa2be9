/* err.c: names of error codes, and the text that goes with one. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const err_names[] = {
    "ok", "syntax", "denied", "limit", "missing", "conflict", "busy", "io", "remote", "bug",
};
_Static_assert(ARRAY_LEN(err_names) == ERR_COUNT, "every error has a name");

const char *err_name(enum err code)
{
    return (unsigned)code < ERR_COUNT ? err_names[code] : "unknown";
}

enum err why_set(struct why *why, enum err code, const char *fmt, ...)
{
    if (!why) return code;
    why->code = code;
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(why->text, sizeof why->text, fmt, args);
    va_end(args);
    return code;
}

void err_check_failed(const char *cond, const char *file, int line)
{
    fprintf(stderr, "malote: check failed: %s (%s:%d)\n", cond, file, line);
    abort();
}
