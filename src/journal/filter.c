/* filter.c: blocks of one cache line, and the thread that fills them at the start. */
#include "journal/filter.h"

#include <stdlib.h>

#include "base/thread.h"
#include "store/store.h"

enum {
    BLOCK_BITS = 17, /* 2^17 blocks of 64 bytes */
    BLOCK_WORDS = 8,
    PROBES = 7, /* bits of a key, each named by PROBE_BITS of its second half */
    PROBE_BITS = 9,
    READ_PAGE = 4096 /* keys in one statement: the log can start anew between two */
};

struct block {
    _Alignas(
        64) _Atomic uint64_t word[BLOCK_WORDS]; /* the reading thread and the writer both add */
};

struct filter {
    struct block *blocks;
    char *database;
    struct log *log;
    pthread_t thread;
    _Atomic bool complete, stopping;
};

/* One of a key's bits: its first half names the block, nine bits of its second the bit in it. */
struct probe {
    _Atomic uint64_t *word;
    uint64_t bit;
};

static struct probe probe_of(const struct filter *f, const uint8_t key[FILTER_KEY_BYTES],
                             unsigned i)
{
    uint64_t half[2];
    memcpy(half, key, sizeof half);
    uint64_t n = half[1] >> i * PROBE_BITS;
    struct block *b = &f->blocks[half[0] >> (64 - BLOCK_BITS)];
    return (struct probe){ &b->word[n >> 6 & (BLOCK_WORDS - 1)], (uint64_t)1 << (n & 63) };
}

void filter_add(struct filter *f, const uint8_t key[FILTER_KEY_BYTES])
{
    for (unsigned i = 0; f && i < PROBES; i++) {
        struct probe p = probe_of(f, key, i);
        atomic_fetch_or_explicit(p.word, p.bit, memory_order_relaxed);
    }
}

bool filter_is_new(const struct filter *f, const uint8_t key[FILTER_KEY_BYTES])
{
    if (!f || !atomic_load_explicit(&f->complete, memory_order_acquire)) return false;
    for (unsigned i = 0; i < PROBES; i++) {
        struct probe p = probe_of(f, key, i);
        if (!(atomic_load_explicit(p.word, memory_order_relaxed) & p.bit)) return true;
    }
    return false;
}

static enum err read_page(struct filter *f, struct store *s, uint8_t last[FILTER_KEY_BYTES],
                          size_t *count, struct why *why)
{
    bool row = true;
    *count = 0;
    struct stmt *q = store_stmt(s, SQL_FILTER_KEYS, why);
    stmt_blob(q, 1, slice_of(last, FILTER_KEY_BYTES));
    stmt_i64(q, 2, READ_PAGE);
    enum err rc = OK;
    uint8_t key[FILTER_KEY_BYTES];
    while ((rc = stmt_step(q, &row, why)) == OK && row) {
        slice bytes = stmt_col_text(q, 0);
        if (bytes.len != FILTER_KEY_BYTES) continue; /* not ours: it is found by asking the table */
        memcpy(key, bytes.ptr, FILTER_KEY_BYTES);
        filter_add(f, key);
        (*count)++;
    }
    stmt_reset(q);
    if (*count > 0) memcpy(last, key, FILTER_KEY_BYTES);
    return rc;
}

static void *reader(void *arg)
{
    struct filter *f = arg;
    struct store *s = NULL;
    struct why why;
    uint8_t last[FILTER_KEY_BYTES] = { 0 };
    size_t count = 1;
    int64_t total = 0;
    enum err rc = store_open(f->database, STORE_READER, &s, &why);
    while (rc == OK && count > 0 && !atomic_load(&f->stopping)) {
        rc = read_page(f, s, last, &count, &why);
        total += (int64_t)count;
    }
    store_close(s);
    if (rc != OK)
        LOG(f->log, LOG_WARN, "keys.filter_failed", log_why(&why));
    else if (count == 0)
        atomic_store_explicit(&f->complete, true, memory_order_release);
    if (count == 0 && total > 0) LOG(f->log, LOG_INFO, "keys.filter_ready", log_int("keys", total));
    return NULL;
}

static void filter_free(struct filter *f)
{
    free(f->blocks);
    free(f->database);
    free(f);
}

struct filter *filter_start(const char *database, struct log *log)
{
    struct filter *f = calloc(1, sizeof *f);
    if (!f) return NULL;
    f->log = log;
    f->database = strdup(database);
    f->blocks = aligned_alloc(sizeof(struct block), sizeof(struct block) << BLOCK_BITS);
    if (f->blocks) memset(f->blocks, 0, sizeof(struct block) << BLOCK_BITS);
    struct why why;
    if (f->database && f->blocks && thread_start(&f->thread, "key filter", reader, f, &why) == OK)
        return f;
    filter_free(f);
    return NULL;
}

void filter_stop(struct filter *f)
{
    if (!f) return;
    atomic_store(&f->stopping, true);
    pthread_join(f->thread, NULL);
    filter_free(f);
}
