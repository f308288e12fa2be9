/* metrics.c: histograms by powers of two, and the Prometheus text. */
#include "metrics/metrics.h"

static const char *const names[] = {
#define METRIC_NAME(name, prometheus, help) prometheus,
    METRICS(METRIC_NAME)
#undef METRIC_NAME
};
static const char *const helps[] = {
#define METRIC_HELP(name, prometheus, help) help,
    METRICS(METRIC_HELP)
#undef METRIC_HELP
};

static size_t bucket_of(int64_t us)
{
    uint64_t v = us < 1 ? 1 : (uint64_t)us;
    unsigned top = 63u - (unsigned)__builtin_clzll(v);
    unsigned quarter = top >= 2 ? (unsigned)(v >> (top - 2)) & 3 : 0;
    size_t i = (size_t)top * 4 + quarter;
    return i < HISTOGRAM_BUCKETS ? i : HISTOGRAM_BUCKETS - 1;
}

static int64_t bucket_top(size_t i)
{
    uint64_t base = 1ull << (i / 4);
    if (base < 4) return (int64_t)(2 * base - 1); /* too narrow for quarters */
    return (int64_t)(base + base * (i % 4 + 1) / 4);
}

void histogram_add(struct histogram *h, int64_t us)
{
    if (us < 0) us = 0;
    atomic_fetch_add_explicit(&h->count, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&h->sum_us, (uint64_t)us, memory_order_relaxed);
    atomic_fetch_add_explicit(&h->bucket[bucket_of(us)], 1, memory_order_relaxed);
}

int64_t histogram_quantile(const struct histogram *h, double p)
{
    uint64_t count = atomic_load_explicit(&h->count, memory_order_relaxed), seen = 0;
    if (count == 0) return 0;
    uint64_t want = (uint64_t)((double)count * p);
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += atomic_load_explicit(&h->bucket[i], memory_order_relaxed);
        if (seen > want) return bucket_top(i);
    }
    return bucket_top(HISTOGRAM_BUCKETS - 1);
}

struct source_metrics *metrics_source(struct metrics *m, uint64_t source_id)
{
    size_t from = (size_t)(source_id * 0x9e3779b97f4a7c15u >> 32); /* ids end alike */
    for (size_t n = 0; n < SOURCES_METERED_MAX; n++) {
        struct source_metrics *s = &m->sources[(from + n) % SOURCES_METERED_MAX];
        uint64_t owner = atomic_load_explicit(&s->source_id, memory_order_acquire);
        if (owner == source_id) return s;
        if (owner == 0 && (atomic_compare_exchange_strong(&s->source_id, &owner, source_id) ||
                           owner == source_id))
            return s;
    }
    return &m->sources[SOURCES_METERED_MAX - 1];
}

static void put_gauge(struct buf *b, const char *name, const char *help, int64_t value)
{
    buf_printf(b, "# HELP %s %s\n# TYPE %s gauge\n%s %lld\n", name, help, name, name,
               (long long)value);
}

static void put_summary(struct buf *b, const char *name, const char *help,
                        const struct histogram *h)
{
    static const struct {
        const char *label;
        double p;
    } quantiles[] = { { "0.5", 0.5 }, { "0.95", 0.95 }, { "0.99", 0.99 } };
    buf_printf(b, "# HELP %s %s\n# TYPE %s summary\n", name, help, name);
    for (size_t i = 0; i < ARRAY_LEN(quantiles); i++)
        buf_printf(b, "%s{quantile=\"%s\"} %.6f\n", name, quantiles[i].label,
                   (double)histogram_quantile(h, quantiles[i].p) / 1e6);
    buf_printf(b, "%s_sum %.6f\n%s_count %llu\n", name, (double)atomic_load(&h->sum_us) / 1e6, name,
               (unsigned long long)atomic_load(&h->count));
}

void metrics_write(const struct metrics *m, struct buf *b)
{
    for (size_t i = 0; i < METRIC_COUNT; i++)
        buf_printf(b, "# HELP %s %s\n# TYPE %s counter\n%s %llu\n", names[i], helps[i], names[i],
                   names[i],
                   (unsigned long long)atomic_load_explicit(&m->counter[i], memory_order_relaxed));
    put_gauge(b, "malote_journal_depth", "Requests waiting for the writer",
              atomic_load(&m->journal_depth));
    put_gauge(b, "malote_interpret_depth", "Kept requests waiting to be interpreted",
              atomic_load(&m->interpret_depth));
    put_gauge(b, "malote_deliveries_in_memory", "Deliveries in the delivery loop",
              atomic_load(&m->leased));
    put_gauge(b, "malote_connections", "Open incoming connections", atomic_load(&m->connections));
    put_summary(b, "malote_ack_seconds", "From the last byte of a request to its acknowledgement",
                &m->ack);
    put_summary(b, "malote_commit_seconds", "One transaction of the writer", &m->commit);
    put_summary(b, "malote_process_seconds", "From a request to its records and deliveries",
                &m->process);
    put_summary(b, "malote_attempt_seconds", "One outgoing request", &m->attempt);
    put_summary(b, "malote_media_seconds", "A file of a message, until it is kept", &m->media);
}
