/* err.h: the error codes, the `struct why` that explains one, and the checks and attributes everyone uses.
 *
 * Families: final (SYNTAX, DENIED, LIMIT, MISSING, CONFLICT: the same input fails again), again (BUSY, IO, REMOTE: the same
 * input may work later), ours (BUG). api/reply.c maps them to HTTP statuses; nothing else does. */
#ifndef MALOTE_BASE_ERR_H
#define MALOTE_BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define UNUSED __attribute__((unused))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

enum err {
    OK = 0,
    ERR_SYNTAX,   /* input that cannot be read */
    ERR_DENIED,   /* signature, token or role does not allow it */
    ERR_LIMIT,    /* over a named maximum */
    ERR_MISSING,  /* no such thing */
    ERR_CONFLICT, /* exists already, or another state than asked for */
    ERR_BUSY,     /* locked or full: try again */
    ERR_IO,       /* disk, database or network failed */
    ERR_REMOTE,   /* the far side failed */
    ERR_BUG,      /* our own mistake */
    ERR_COUNT
};

enum { WHY_TEXT_MAX = 240 };

/* What went wrong, for people. Caller-owned, no allocation; never holds a secret or personal data. */
struct why {
    enum err code;
    char text[WHY_TEXT_MAX];
};

/* Short lower-case name of a code ("syntax"); never NULL. */
const char *err_name(enum err code);

/* Writes code and text into `why` (NULL is allowed) and returns code, so that `return why_set(...)` reads well. */
enum err why_set(struct why *why, enum err code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* A broken assumption of our own: prints where and aborts, also in release builds. Input must never reach one. */
#define CHECK(cond) ((cond) ? (void)0 : err_check_failed(#cond, __FILE__, __LINE__))
_Noreturn void err_check_failed(const char *cond, const char *file, int line);

#endif
