/* depot.c: see depot.h. */
#include "media/depot.h"

#include <stdio.h>
#include <string.h>

enum { OLDEST_MAX = 128 }; /* dropped in one walk over the cache */

static enum err count_bytes(void *ctx, const struct files_entry *e, struct why *why UNUSED)
{
    *(int64_t *)ctx += e->size;
    return OK;
}

enum err depot_open(struct depot *d, const struct depot_options *o, struct why *why)
{
    char path[FILES_PATH_MAX];
    *d = (struct depot){ .cache_max = o->cache_max };
    CHECK(pthread_mutex_init(&d->lock, NULL) == 0);
    enum err rc = o->s3 ? s3_read(o->s3, &d->s3, why) : OK;
    if (rc == OK) rc = files_open(&d->kept, o->folder, why);
    if (rc != OK || !o->s3) return rc;
    d->remote = true;
    (void)snprintf(path, sizeof path, "%.900s/cache", o->folder);
    rc = files_open(&d->cache, path, why);
    return rc == OK ? files_each(&d->cache, INT64_MAX, count_bytes, &d->cache_bytes, why) : rc;
}

void depot_close(struct depot *d) { pthread_mutex_destroy(&d->lock); }

void depot_lock(struct depot *d) { pthread_mutex_lock(&d->lock); }

void depot_unlock(struct depot *d) { pthread_mutex_unlock(&d->lock); }

enum err depot_read(struct depot *d, slice hash, int *fd, int64_t *size, struct why *why)
{
    enum err rc = files_read(&d->kept, hash, fd, size, why);
    if (rc != ERR_MISSING || !d->remote) return rc;
    rc = files_read(&d->cache, hash, fd, size, why);
    if (rc == OK)
        (void)!files_size(&d->cache, hash, true, size, why); /* the oldest is dropped first */
    /* It may have been carried from the one to the other between the two looks. */
    return rc == ERR_MISSING ? files_read(&d->kept, hash, fd, size, why) : rc;
}

static int64_t size_in_cache(const struct depot *d, slice hash)
{
    int64_t size = 0;
    return files_size(&d->cache, hash, false, &size, NULL) == OK ? size : 0;
}

enum err depot_remove(struct depot *d, slice hash, struct why *why)
{
    enum err rc = files_remove(&d->kept, hash, why);
    if (rc != OK || !d->remote) return rc;
    d->cache_bytes -= size_in_cache(d, hash);
    return files_remove(&d->cache, hash, why);
}

enum err depot_carried(struct depot *d, slice hash, struct why *why)
{
    int64_t size = 0;
    depot_lock(d);
    int64_t before = size_in_cache(d, hash);
    enum err rc = files_move(&d->kept, &d->cache, hash, why);
    if (rc == OK) rc = files_size(&d->cache, hash, true, &size, why);
    if (rc == OK) d->cache_bytes += size - before;
    depot_unlock(d);
    return rc == ERR_MISSING ? OK : rc; /* carried before, or removed meanwhile */
}

enum err depot_cached(struct depot *d, struct files_draft *draft, slice hash, struct why *why)
{
    int64_t size = draft->size, before = size_in_cache(d, hash);
    enum err rc = files_keep(&d->cache, draft, hash, why);
    if (rc == OK) d->cache_bytes += size - before;
    return rc;
}

/* ---- dropping the oldest ---- */

struct old_file {
    char hash[FILES_HASH_LEN];
    int64_t size, at_ms;
};

struct oldest {
    struct old_file at[OLDEST_MAX]; /* the oldest first */
    size_t count;
};

static enum err see_age(void *ctx, const struct files_entry *e, struct why *why UNUSED)
{
    struct oldest *o = ctx;
    if (o->count == OLDEST_MAX && o->at[OLDEST_MAX - 1].at_ms <= e->at_ms) return OK;
    size_t i = o->count < OLDEST_MAX ? o->count++ : OLDEST_MAX - 1;
    for (; i > 0 && o->at[i - 1].at_ms > e->at_ms; i--) o->at[i] = o->at[i - 1];
    memcpy(o->at[i].hash, e->hash.ptr, FILES_HASH_LEN);
    o->at[i].size = e->size;
    o->at[i].at_ms = e->at_ms;
    return OK;
}

void depot_shrink(struct depot *d)
{
    bool dropped = true;
    depot_lock(d);
    int64_t want = d->cache_bytes > d->cache_max ? d->cache_max / 10 * 9 : INT64_MAX;
    while (dropped && d->cache_bytes > want) {
        struct oldest o = { .count = 0 };
        dropped = false;
        if (files_each(&d->cache, INT64_MAX, see_age, &o, NULL) != OK) break;
        for (size_t i = 0; i < o.count && d->cache_bytes > want; i++) {
            if (files_remove(&d->cache, slice_of(o.at[i].hash, FILES_HASH_LEN), NULL) != OK)
                continue;
            d->cache_bytes -= o.at[i].size;
            dropped = true;
        }
    }
    depot_unlock(d);
}

enum err depot_part(struct depot *d, unsigned part, int64_t before_ms,
                    enum err (*see)(void *ctx, const struct files_entry *e, struct why *why),
                    void *ctx, struct why *why)
{
    enum err rc = files_part(&d->kept, part, before_ms, see, ctx, why);
    return rc == OK && d->remote ? files_part(&d->cache, part, before_ms, see, ctx, why) : rc;
}
