/* arena.h: memory for one unit of work (a request, a batch, an attempt), given back at once.
 *
 * An arena is born with its maximum. When it is reached arena_alloc gives NULL and the caller answers ERR_LIMIT; the arena
 * never grows past it. Not thread-safe: one thread owns an arena at a time. */
#ifndef MALOTE_BASE_ARENA_H
#define MALOTE_BASE_ARENA_H

#include "base/err.h"
#include "base/slice.h"

struct arena_block;

struct arena {
    struct arena_block *first; /* the block handed out from; older ones follow */
    size_t used;               /* bytes handed out since the last reset */
    size_t max;                /* most bytes that may be handed out */
    bool
        full; /* an allocation was refused since the last reset: what was built here may lack a part */
};

/* An empty arena; the first block is allocated on first use. */
void arena_init(struct arena *a, size_t bytes_max);
/* Forgets everything handed out; keeps one block for the next unit of work. */
void arena_reset(struct arena *a);
/* Returns all memory to the system; the arena may be used again after it. */
void arena_free(struct arena *a);

/* Where an arena stands; going back to it gives back everything handed out since, so that a try that failed costs nothing. */
struct arena_mark {
    struct arena_block *first;
    size_t block_used, used;
    bool full;
};
struct arena_mark arena_mark(const struct arena *a);
void arena_rewind(struct arena *a, struct arena_mark mark);

/* 16-byte aligned, zeroed memory; NULL when the maximum is reached or the system has none left. */
void *arena_alloc(struct arena *a, size_t bytes);
/* The same, not zeroed: for what is filled at once. */
void *arena_raw(struct arena *a, size_t bytes);
#define arena_new(a, type, count) ((type *)arena_alloc_array((a), sizeof(type), (count)))
void *arena_alloc_array(struct arena *a, size_t item_bytes, size_t count);
/* A copy of s that lives as long as the arena, with a NUL behind it; .ptr NULL when full. */
slice arena_dup(struct arena *a, slice s);
/* Formatted text with a NUL behind it; .ptr NULL when full. */
slice arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Test hook: makes the nth allocation from now fail (1 = the next; 0 = never). Not for production code. */
void arena_fail_nth(uint64_t nth);

#endif
