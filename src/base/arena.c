/* arena.c: chained blocks with a maximum. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { ARENA_BLOCK_BYTES = 16 * 1024, ARENA_ALIGN = 16 };

struct arena_block {
    struct arena_block *older;
    size_t size, used;
    _Alignas(ARENA_ALIGN) char bytes[];
};

/* Countdown of the out-of-memory test loop; thread-local so that one test thread cannot fail another's allocation. */
static _Thread_local uint64_t fail_countdown;

void arena_fail_nth(uint64_t nth) { fail_countdown = nth; }

void arena_init(struct arena *a, size_t bytes_max) { *a = (struct arena){ .max = bytes_max }; }

void arena_reset(struct arena *a)
{
    a->full = false;
    if (!a->first) return;
    while (a->first->older) {
        struct arena_block *older = a->first->older;
        free(a->first);
        a->first = older;
    }
    a->first->used = 0;
    a->used = 0;
}

void arena_free(struct arena *a)
{
    while (a->first) {
        struct arena_block *older = a->first->older;
        free(a->first);
        a->first = older;
    }
    a->used = 0;
    a->full = false;
}

struct arena_mark arena_mark(const struct arena *a)
{
    return (struct arena_mark){ a->first, a->first ? a->first->used : 0, a->used, a->full };
}

void arena_rewind(struct arena *a, struct arena_mark mark)
{
    while (a->first != mark.first) {
        struct arena_block *older = a->first->older;
        free(a->first);
        a->first = older;
    }
    if (a->first) a->first->used = mark.block_used;
    a->used = mark.used;
    a->full = mark.full;
}

static void *refuse(struct arena *a)
{
    a->full = true;
    return NULL;
}

void *arena_raw(struct arena *a, size_t bytes)
{
    if (fail_countdown > 0 && --fail_countdown == 0) return refuse(a);
    if (bytes > a->max - a->used) return refuse(a);
    size_t rounded = (bytes + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    if (rounded == 0) rounded = ARENA_ALIGN;
    struct arena_block *block = a->first;
    if (!block || block->size - block->used < rounded) {
        size_t size = rounded > ARENA_BLOCK_BYTES ? rounded : ARENA_BLOCK_BYTES;
        struct arena_block *fresh = malloc(sizeof *fresh + size);
        if (!fresh) return refuse(a);
        fresh->older = block;
        fresh->size = size;
        fresh->used = 0;
        a->first = block = fresh;
    }
    void *out = block->bytes + block->used;
    block->used += rounded;
    a->used += rounded < a->max - a->used ? rounded : a->max - a->used;
    return out;
}

void *arena_alloc(struct arena *a, size_t bytes)
{
    void *out = arena_raw(a, bytes);
    return out ? memset(out, 0, bytes) : NULL;
}

void *arena_alloc_array(struct arena *a, size_t item_bytes, size_t count)
{
    size_t bytes;
    if (__builtin_mul_overflow(item_bytes, count, &bytes)) return refuse(a);
    return arena_alloc(a, bytes);
}

slice arena_dup(struct arena *a, slice s)
{
    char *copy = arena_raw(a, s.len + 1);
    if (!copy) return (slice){ NULL, 0 };
    if (s.len) memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    return (slice){ copy, s.len };
}

slice arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *text = len < 0 ? NULL : arena_raw(a, (size_t)len + 1);
    if (text) (void)vsnprintf(text, (size_t)len + 1, fmt, again);
    va_end(again);
    return text ? (slice){ text, (size_t)len } : (slice){ NULL, 0 };
}
