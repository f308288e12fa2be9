/* known.c: two hash tables over the keys that known_keys does not hold yet. */
#include "journal/known.h"

#include <stdlib.h>

#include "crypto/hash.h"
#include "journal/filter.h"
#include "journal/mark.h"

enum {
    KEY_BYTES = FILTER_KEY_BYTES,
    MERGE_AHEAD =
        8, /* one more key carried over for so many taken: `merging` is empty before `fresh` is full, and just before:
                      * carried over faster, they would make turns of two speeds */
    READ_PAGE = 8192, /* events of one statement at the start */
};

/* As in known_keys. The last byte is odd: a zero marks a free slot. */
struct key {
    uint8_t bytes[KEY_BYTES];
    uint64_t workspace_id;
};

/* Open addressing from the slot that the key's highest bits name: walking the slots is walking the keys nearly in order. */
struct table {
    struct key *slots;
    size_t mask, count;
    uint64_t newest; /* event id */
};

struct known {
    struct table fresh, merging;
    size_t memory_max;
    unsigned shift;   /* from a key's first eight bytes to its slot */
    size_t merge_at;  /* next slot of `merging` */
    size_t merged_to; /* where the turn stands */
    bool mark_moved;  /* in this turn */
    size_t taken;     /* in this turn, the direct ones too */
    struct filter *filter;
    uint32_t *slots; /* of `fresh`, filled in this turn, in order */
    size_t slot_count;
};

static struct key key_of(uint64_t workspace_id, uint64_t source_id, slice text)
{
    uint8_t digest[HASH_BYTES_MAX];
    const uint64_t ids[] = { workspace_id, source_id };
    const slice parts[] = { slice_of(ids, sizeof ids), text };
    struct key key = { .workspace_id = workspace_id };
    hash_digest(HASH_SHA256, parts, 2, digest);
    memcpy(key.bytes, digest, KEY_BYTES);
    key.bytes[KEY_BYTES - 1] |= 1;
    return key;
}

static bool is_free(const struct key *slot) { return slot->bytes[KEY_BYTES - 1] == 0; }

/* The slot that holds the key, or the free one where it would go. */
static size_t find(const struct known *k, const struct table *t, const struct key *key)
{
    uint64_t first = 0;
    for (size_t i = 0; i < sizeof first; i++) first = first << 8 | key->bytes[i];
    size_t at = (size_t)(first >> k->shift);
    while (!is_free(&t->slots[at]) && memcmp(t->slots[at].bytes, key->bytes, KEY_BYTES) != 0)
        at = (at + 1) & t->mask;
    return at;
}

static struct stmt *key_stmt(struct store *s, enum sql id, const struct key *key, struct why *why)
{
    struct stmt *q = store_stmt(s, id, why);
    stmt_i64(q, 1, (int64_t)key->workspace_id);
    stmt_blob(q, 2, slice_of(key->bytes, KEY_BYTES));
    return q;
}

static enum err add_row(struct store *s, const struct key *key, bool *fresh, struct why *why)
{
    enum err rc = stmt_run(key_stmt(s, SQL_KNOWN_ADD, key, why), why);
    *fresh = rc == OK && store_changes(s) > 0;
    return rc;
}

static enum err find_row(struct store *s, const struct key *key, bool *found, struct why *why)
{
    struct stmt *q = key_stmt(s, SQL_KNOWN_FIND, key, why);
    enum err rc = stmt_step(q, found, why);
    stmt_reset(q);
    return rc;
}

/* Into `fresh`, where find() found room for it. */
static void put(struct known *k, size_t at, const struct key *key, uint64_t event_id)
{
    filter_add(k->filter, key->bytes);
    k->fresh.count += is_free(&k->fresh.slots[at]);
    k->fresh.slots[at] = *key;
    k->fresh.newest = event_id;
}

void known_begin(struct known *k)
{
    k->taken = k->slot_count = 0;
    k->merged_to = k->merge_at;
    k->mark_moved = false;
    if (k->fresh.count < k->memory_max || k->merging.count > 0) return;
    struct table empty = k->merging;
    k->merging = k->fresh;
    k->fresh = empty;
}

enum err known_take(struct known *k, struct store *s, uint64_t workspace_id, uint64_t source_id,
                    slice text, uint64_t event_id, bool *fresh, struct why *why)
{
    struct key key = key_of(workspace_id, source_id, text);
    *fresh = false;
    k->taken++;
    size_t at = find(k, &k->fresh, &key);
    if (!is_free(&k->fresh.slots[at])) return OK;
    if (k->merging.count && !is_free(&k->merging.slots[find(k, &k->merging, &key)])) return OK;
    bool found = false;
    enum err rc = OK;
    if (k->fresh.count >= k->memory_max) { /* there is no memory, or this turn took very many */
        rc = add_row(s, &key, fresh, why);
        if (*fresh) filter_add(k->filter, key.bytes);
        return rc;
    }
    if (!filter_is_new(k->filter, key.bytes)) rc = find_row(s, &key, &found, why);
    if (rc != OK || found) return rc;
    *fresh = true;
    put(k, at, &key, event_id);
    k->slots[k->slot_count++] = (uint32_t)at;
    return OK;
}

enum err known_keep(struct store *s, uint64_t workspace_id, uint64_t source_id, slice text,
                    struct why *why)
{
    bool fresh;
    struct key key = key_of(workspace_id, source_id, text);
    return add_row(s, &key, &fresh, why);
}

static enum err merge(struct known *k, struct store *s, size_t max, struct why *why)
{
    const struct table *t = &k->merging;
    if (t->count == 0) return OK;
    enum err rc = OK;
    for (size_t n = 0; rc == OK && n < max && k->merged_to <= t->mask; k->merged_to++) {
        bool fresh;
        if (is_free(&t->slots[k->merged_to])) continue;
        rc = add_row(s, &t->slots[k->merged_to], &fresh, why);
        n++;
    }
    if (rc != OK || k->merged_to <= t->mask) return rc;
    k->mark_moved = true;
    return mark_set(s, MARK_KNOWN, t->newest, why);
}

enum err known_merge(struct known *k, struct store *s, struct why *why)
{
    return merge(k, s, k->taken + (k->taken + MERGE_AHEAD - 1) / MERGE_AHEAD, why);
}

static void table_clear(struct table *t)
{
    memset(t->slots, 0, (t->mask + 1) * sizeof *t->slots);
    t->count = 0;
}

void known_end(struct known *k, bool committed)
{
    if (!committed) { /* the last in is the first out: no search path is broken */
        k->fresh.count -= k->slot_count;
        while (k->slot_count > 0) k->fresh.slots[k->slots[--k->slot_count]] = (struct key){ 0 };
        return;
    }
    k->merge_at = k->merged_to;
    if (!k->mark_moved) return;
    table_clear(&k->merging);
    k->merge_at = 0;
}

/* All of `fresh` into known_keys, in a transaction of its own. */
static enum err merge_all(struct known *k, struct store *s, struct why *why)
{
    known_begin(k);
    enum err rc = store_begin(s, why);
    if (rc != OK) return rc;
    rc = merge(k, s, SIZE_MAX, why);
    if (rc == OK)
        rc = store_commit(s, why);
    else
        store_rollback(s);
    known_end(k, rc == OK);
    return rc;
}

static enum err read_page(struct known *k, struct store *s, uint64_t *after_id, struct why *why)
{
    bool row = false;
    struct stmt *q = store_stmt(s, SQL_KNOWN_EVENTS, why);
    stmt_i64(q, 1, (int64_t)*after_id);
    stmt_i64(q, 2, READ_PAGE);
    enum err rc = OK;
    while (rc == OK && k->fresh.count < k->memory_max) {
        rc = stmt_step(q, &row, why);
        if (rc != OK || !row) break;
        struct key key =
            key_of((uint64_t)stmt_col_i64(q, 1), (uint64_t)stmt_col_i64(q, 2), stmt_col_text(q, 3));
        size_t at = find(k, &k->fresh, &key);
        *after_id = (uint64_t)stmt_col_i64(q, 0);
        put(k, at, &key, *after_id);
    }
    stmt_reset(q);
    return rc;
}

static enum err load(struct known *k, struct store *s, struct log *log, struct why *why)
{
    uint64_t after_id = 0, before;
    enum err rc = mark_get(s, MARK_KNOWN, &after_id, why);
    do {
        before = after_id;
        if (rc == OK) rc = read_page(k, s, &after_id, why);
        if (rc != OK || k->fresh.count < k->memory_max) continue;
        LOG(log, LOG_INFO, "keys.merging", log_int("keys", (int64_t)k->fresh.count),
            log_id("to", ID_EVENT, after_id));
        rc = merge_all(k, s, why);
    } while (rc == OK && after_id != before);
    return rc;
}

enum err known_open(struct store *s, const char *database, struct log *log, size_t memory_max,
                    struct known **out, struct why *why)
{
    *out = NULL;
    struct known *k = calloc(1, sizeof *k);
    if (!k) return why_set(why, ERR_LIMIT, "out of memory");
    k->memory_max = memory_max;
    k->shift = 62;
    while (((size_t)1 << (64 - k->shift)) * 3 / 4 < memory_max) k->shift--;
    size_t slots = (size_t)1 << (64 - k->shift);
    k->fresh.mask = k->merging.mask = slots - 1;
    k->fresh.slots = calloc(slots, sizeof *k->fresh.slots);
    k->merging.slots = calloc(slots, sizeof *k->merging.slots);
    k->slots = calloc(memory_max + 1, sizeof *k->slots);
    enum err rc = OK;
    if (!k->fresh.slots || !k->merging.slots || !k->slots)
        rc = why_set(why, ERR_LIMIT, "out of memory");
    if (rc == OK && memory_max > 0 && database) k->filter = filter_start(database, log);
    if (rc == OK && memory_max > 0) rc = load(k, s, log, why);
    if (rc == OK)
        *out = k;
    else
        known_close(k);
    return rc;
}

void known_close(struct known *k)
{
    if (!k) return;
    filter_stop(k->filter);
    free(k->fresh.slots);
    free(k->merging.slots);
    free(k->slots);
    free(k);
}
