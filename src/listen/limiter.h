/* limiter.h: token buckets by id (a source, an API key), shared by all threads. */
#ifndef MALOTE_LISTEN_LIMITER_H
#define MALOTE_LISTEN_LIMITER_H

#include <pthread.h>

#include "base/err.h"

enum { LIMITER_BUCKETS_MAX = 1024 };

struct limiter {
    pthread_mutex_t lock;
    struct {
        uint64_t id;
        double tokens;
        int64_t at_ms;
    } bucket[LIMITER_BUCKETS_MAX];
};

struct limit {
    bool allowed;
    uint32_t limit, remaining;
    int64_t reset_s; /* until a token is there (refused) or the bucket is full (allowed) */
};

void limiter_init(struct limiter *l);
/* Takes a token of `id`, whose bucket holds per_min tokens and refills in a minute. per_min 0: always allowed.
 * now_ms is monotonic. With more ids than buckets, the longest unused bucket is given to the new id. */
struct limit limiter_take(struct limiter *l, uint64_t id, uint32_t per_min, int64_t now_ms);

#endif
