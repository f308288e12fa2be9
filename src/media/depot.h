/* depot.h: where the files of messages stay: in a folder (files.h), or in an S3 bucket with the folder for waiting room and cache.
 *
 * With a bucket a file is first `kept` in the folder, whole and on disk, as without one; the media thread (bucket.c) carries it up and
 * moves it into `cache`, from which the oldest are dropped. So what is in `kept` may be nowhere else, and what is in `cache` is in the
 * bucket too. Any thread; none of this waits for the network.
 *
 * The lock is held from the moment a file gets its name until a row that means it is on disk, and from the moment nobody is found to
 * mean a file until it is removed: else the one could slip between the other's two steps. */
#ifndef MALOTE_MEDIA_DEPOT_H
#define MALOTE_MEDIA_DEPOT_H

#include <pthread.h>

#include "media/files.h"
#include "media/s3.h"

struct depot {
    struct files kept, cache;
    struct s3 s3;
    bool remote; /* there is a bucket */
    int64_t cache_max, cache_bytes;
    pthread_mutex_t lock;
};

struct depot_options {
    const char *folder;
    const struct s3_options *s3; /* NULL: the folder is all */
    int64_t cache_max;           /* bytes */
};

MUST_CHECK enum err depot_open(struct depot *d, const struct depot_options *o, struct why *why);
void depot_close(struct depot *d);
void depot_lock(struct depot *d);
void depot_unlock(struct depot *d);

/* For reading, from this machine: a descriptor that the caller closes. ERR_MISSING: it is not here (but perhaps in the bucket). */
MUST_CHECK enum err depot_read(struct depot *d, slice hash, int *fd, int64_t *size,
                               struct why *why);
/* Gone from this machine; one that was not there is fine. Under the lock. */
MUST_CHECK enum err depot_remove(struct depot *d, slice hash, struct why *why);
/* A kept file is in the bucket now: it becomes one of the cache. Media thread. */
MUST_CHECK enum err depot_carried(struct depot *d, slice hash, struct why *why);
/* A draft (of d->cache) of bytes that came from the bucket. Media thread, under the lock; the draft is gone, also on error. */
MUST_CHECK enum err depot_cached(struct depot *d, struct files_draft *draft, slice hash,
                                 struct why *why);
/* Drops the oldest of the cache until it is nine tenths full, if it is over-full. Media thread. */
void depot_shrink(struct depot *d);
/* The files of this machine, as files_part. */
MUST_CHECK enum err depot_part(struct depot *d, unsigned part, int64_t before_ms,
                               enum err (*see)(void *ctx, const struct files_entry *e,
                                               struct why *why),
                               void *ctx, struct why *why);

#endif
