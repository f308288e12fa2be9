/* slice.h: bytes with a length. Whatever came from outside is a slice from the socket to the database.
 *
 * A slice borrows; it never owns. `.len` 0 means absent or empty; `.ptr` may then be NULL. Not NUL-terminated. */
#ifndef MALOTE_BASE_SLICE_H
#define MALOTE_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct slice {
    const char *ptr;
    size_t len;
} slice;

/* A slice of a string literal, usable in static initialisers. */
#define SLICE(literal) ((slice){ (literal), sizeof(literal) - 1 })
#define SLICE_INIT(literal)                                                                        \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }
/* For printf's "%.*s". */
#define SLICE_ARG(s) (int)(s).len, (s).ptr ? (s).ptr : ""

static inline slice slice_of(const void *ptr, size_t len) { return (slice){ ptr, len }; }
static inline slice slice_str(const char *text) { return (slice){ text, text ? strlen(text) : 0 }; }

static inline bool slice_eq(slice a, slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Bytes `from` .. `to` (exclusive), both cut to the slice's length. */
static inline slice slice_sub(slice s, size_t from, size_t to)
{
    if (to > s.len) to = s.len;
    if (from > to) from = to;
    return (slice){ s.ptr ? s.ptr + from : NULL, to - from };
}

/* ASCII case-insensitive equality: header names, hex, method words. Not constant-time. */
bool slice_eq_nocase(slice a, slice b);
bool slice_starts(slice s, slice prefix);
bool slice_ends(slice s, slice suffix);
/* Position of the first `byte`, or s.len. */
size_t slice_find(slice s, char byte);
/* Position of the first occurrence of needle, or s.len when there is none; an empty needle is found at 0. */
size_t slice_find_slice(slice s, slice needle);
/* Takes the part of *rest before `sep` into *item and moves *rest behind it. False when *rest was used up (ptr NULL). */
bool slice_cut(slice *rest, char sep, slice *item);
/* Without leading and trailing ASCII white space. */
slice slice_trim(slice s);
/* memcmp order, shorter first on a common prefix: <0, 0, >0. */
int slice_cmp(slice a, slice b);

#endif
