/* deliver.h: the delivery loop: one thread that leases due deliveries, sends them and has the results written down.
 *
 * Way:   route (writer) -> [deliver] -> the world; results go back to the writer as one job per batch of attempts.
 * Thread: "deliver"; it owns all its state. Other threads talk to it by the functions below. */
#ifndef MALOTE_DELIVER_DELIVER_H
#define MALOTE_DELIVER_DELIVER_H

#include "deliver/delivery.h"
#include "deliver/guard.h"
#include "journal/journal.h"

struct deliver;

struct deliver_options {
    struct log *log;
    struct metrics *metrics;
    struct id_maker *ids;
    struct config_box *config;
    const struct guard *guard; /* which private networks may be reached; borrowed */
    const char *ca_file;       /* NULL: the system's certificates */
    /* The loop changed a destination in the store: load the configuration anew; writer thread. */
    void (*reload)(void *ctx);
    /* Results are on disk; quick. NULL: nobody asks. */
    void (*settled)(void *ctx);
    /* Deliveries wait for files of ours to be with the other side (on disk: media_uploads); quick. NULL: nobody gives them. */
    void (*files_wanted)(void *ctx);
    void *ctx; /* of these three */
};

/* Two steps, since the writer and the loop need each other: make, then start with the writer. */
MUST_CHECK enum err deliver_new(const struct deliver_options *options, struct deliver **out,
                                struct why *why);
MUST_CHECK enum err deliver_start(struct deliver *d, struct journal *journal, struct why *why);
/* Lets attempts under way end (at most grace_ms), gives the rest back to the store; the journal must still run. */
void deliver_stop(struct deliver *d, int64_t grace_ms);
void deliver_free(struct deliver *d);

/* How many more deliveries may be handed over in memory. From the writer thread. */
size_t deliver_room(const struct deliver *d);
/* Takes a list of leased deliveries. Wakes the loop. */
void deliver_hand(struct deliver *d, struct leased *list);
/* The store has waiting deliveries that the loop does not know of, due at due_ms (wall clock) or later. */
void deliver_wake(struct deliver *d, int64_t due_ms);
/* There are notices in the store (records/notice.h): they are told of from here on. `changed`: destinations were put on hold or released there
 * (interpret/hold.h), or may send at another rate: that is in force from here on. From any thread. */
void deliver_notices(struct deliver *d, bool changed);
/* Puts a destination of `config` on hold, as an answer that refuses its token does: in the store, with an alert. From any thread. */
void deliver_hold(struct deliver *d, struct config *config, const struct destination *to,
                  const char *reason);
/* A delivery was cancelled in the store: it is dropped from memory unless its request is under way. */
void deliver_cancel(struct deliver *d, uint64_t id);
/* The configuration was swapped: kill switches, limits and holds are read anew. */
void deliver_config_changed(struct deliver *d);

/* A request outside the queue (the "test connection" button), carried by the same wire and guard. Blocks the caller (not a loop
 * thread) until the answer or the destination's time-out. */
struct probe_result {
    struct verdict verdict;
    int status;
    int64_t elapsed_ms;
    char body[2048]; /* start of the reply */
    size_t body_len;
};
MUST_CHECK enum err deliver_probe(struct deliver *d, const struct destination *to,
                                  struct probe_result *out, struct why *why);

/* What the loop knows of a destination, for the API. */
struct deliver_status {
    const char *
        state; /* "ok", "disabled", "held", "broken" (breaker open), "probing" (half-open), "paused", "slowed" */
    int64_t until_ms; /* wall clock; when it will try again, 0 = not by itself */
    uint32_t in_memory, under_way;
};
struct deliver_status deliver_status_of(struct deliver *d, const struct destination *to);

#endif
