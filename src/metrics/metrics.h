/* metrics.h: counters and latency histograms, kept with relaxed atomics; read by /metrics and the statistics. */
#ifndef MALOTE_METRICS_METRICS_H
#define MALOTE_METRICS_METRICS_H

#include <stdatomic.h>

#include "base/buf.h"

/* Name, Prometheus name, help. */
#define METRICS(X)                                                                                 \
    X(requests_accepted, "malote_requests_accepted_total", "Requests kept and acknowledged")       \
    X(requests_denied, "malote_requests_denied_total", "Requests refused: signature or token")     \
    X(requests_refused, "malote_requests_refused_total",                                           \
      "Requests refused: not found, method, size, type")                                           \
    X(requests_limited, "malote_requests_limited_total", "Requests refused: rate limit")           \
    X(requests_overload, "malote_requests_overload_total", "Requests refused or cut: no room")     \
    X(requests_unreadable, "malote_requests_unreadable_total",                                     \
      "Authentic requests that could not be read")                                                 \
    X(connections_cut, "malote_connections_cut_total", "Connections cut: too slow")                \
    X(events_stored, "malote_events_stored_total", "Events stored")                                \
    X(events_duplicate, "malote_events_duplicate_total", "Events known already")                   \
    X(events_done, "malote_events_interpreted_total", "Events interpreted")                        \
    X(events_failed, "malote_events_failed_total", "Events that could not be interpreted")         \
    X(events_handed, "malote_events_handed_total",                                                 \
      "Events handed to the source that their account belongs to")                                 \
    X(events_unclaimed, "malote_events_unclaimed_total",                                           \
      "Events of an account that no source takes; they are failed, too")                           \
    X(commits, "malote_commits_total", "Transactions of the writer")                               \
    X(commit_failures, "malote_commit_failures_total", "Transactions that failed")                 \
    X(deliveries_created, "malote_deliveries_created_total", "Deliveries made by routes")          \
    X(deliveries_delivered, "malote_deliveries_delivered_total",                                   \
      "Deliveries the destination took")                                                           \
    X(deliveries_retried, "malote_deliveries_retried_total", "Attempts followed by a retry")       \
    X(deliveries_dead, "malote_deliveries_dead_total", "Deliveries given up")                      \
    X(attempts, "malote_attempts_total", "Outgoing requests")                                      \
    X(addresses_refused, "malote_addresses_refused_total",                                         \
      "Outgoing connections refused: private address")                                             \
    X(campaign_messages, "malote_campaign_messages_total", "Recipients of campaigns handed out")   \
    X(campaign_skipped, "malote_campaign_skipped_total", "Recipients of campaigns skipped")        \
    X(media_downloaded, "malote_media_downloaded_total", "Files of messages fetched")              \
    X(media_failed, "malote_media_failed_total", "Files of messages given up or gone")             \
    X(bucket_put, "malote_bucket_put_total", "Files carried to the S3 bucket")                     \
    X(bucket_got, "malote_bucket_got_total", "Files fetched from the S3 bucket")                   \
    X(bucket_removed, "malote_bucket_removed_total", "Files deleted from the S3 bucket")           \
    X(bucket_failures, "malote_bucket_failures_total", "Requests to the S3 bucket that failed")

enum metric {
#define METRIC_ENUM(name, prometheus, help) METRIC_##name,
    METRICS(METRIC_ENUM)
#undef METRIC_ENUM
        METRIC_COUNT
};

/* Powers of two with four steps each, from 1 µs to about an hour: at most 19 % off. */
enum { HISTOGRAM_BUCKETS = 128 };
struct histogram {
    _Atomic uint64_t count, sum_us;
    _Atomic uint64_t bucket[HISTOGRAM_BUCKETS];
};
void histogram_add(struct histogram *h, int64_t us);
/* Upper bound of the bucket that holds the p-th part (0..1), µs; 0 when empty. */
int64_t histogram_quantile(const struct histogram *h, double p);

enum { SOURCES_METERED_MAX = 1024 };
/* Since start, per source. Slots are given out once and never reused while the process lives. */
struct source_metrics {
    _Atomic uint64_t source_id; /* 0 = free */
    _Atomic uint64_t accepted, denied, refused, duplicates, unreadable, failed, done, handed,
        unclaimed;
    _Atomic int64_t last_ms;
    struct histogram ack, process; /* request -> 2xx; request -> records */
};

struct metrics {
    _Atomic uint64_t counter[METRIC_COUNT];
    _Atomic int64_t journal_depth, interpret_depth, leased, connections;
    _Atomic uint64_t interpret_spilled; /* 1 while pending events are only in the store */
    struct histogram ack, commit, process, attempt, media;
    struct source_metrics sources[SOURCES_METERED_MAX];
    int64_t started_ms;
};

static inline void metrics_add(struct metrics *m, enum metric which, uint64_t n)
{
    atomic_fetch_add_explicit(&m->counter[which], n, memory_order_relaxed);
}
/* The slot of a source; the last one is shared when there are more. */
struct source_metrics *metrics_source(struct metrics *m, uint64_t source_id);

/* Prometheus text format 0.0.4. */
void metrics_write(const struct metrics *m, struct buf *b);

#endif
