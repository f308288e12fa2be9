/* limiter.c: token buckets. */
#include "listen/limiter.h"

#include <string.h>

void limiter_init(struct limiter *l)
{
    memset(l, 0, sizeof *l);
    CHECK(pthread_mutex_init(&l->lock, NULL) == 0);
}

/* The bucket of id: probed from its hash; else the longest unused of those probed is taken over, full. */
static size_t bucket_of(struct limiter *l, uint64_t id, uint32_t per_min, int64_t now_ms)
{
    enum { PROBES = 16 };
    size_t from = (size_t)(id * 0x9e3779b97f4a7c15u >> 32), oldest = from % LIMITER_BUCKETS_MAX;
    for (size_t n = 0; n < PROBES; n++) {
        size_t i = (from + n) % LIMITER_BUCKETS_MAX;
        if (l->bucket[i].id == id) return i;
        if (l->bucket[i].at_ms < l->bucket[oldest].at_ms) oldest = i;
    }
    l->bucket[oldest].id = id;
    l->bucket[oldest].tokens = per_min;
    l->bucket[oldest].at_ms = now_ms;
    return oldest;
}

struct limit limiter_take(struct limiter *l, uint64_t id, uint32_t per_min, int64_t now_ms)
{
    if (per_min == 0) return (struct limit){ .allowed = true };
    pthread_mutex_lock(&l->lock);
    size_t i = bucket_of(l, id, per_min, now_ms);
    double tokens = l->bucket[i].tokens + (double)(now_ms - l->bucket[i].at_ms) * per_min / 60000;
    if (tokens > per_min) tokens = per_min;
    bool allowed = tokens >= 1;
    if (allowed) tokens -= 1;
    l->bucket[i].tokens = tokens;
    l->bucket[i].at_ms = now_ms;
    pthread_mutex_unlock(&l->lock);
    double missing = allowed ? (double)per_min - tokens : 1 - tokens;
    return (struct limit){ allowed, per_min, (uint32_t)tokens,
                           (int64_t)(missing * 60 / per_min) + 1 };
}
