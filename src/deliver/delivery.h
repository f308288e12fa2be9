/* delivery.h: the states of a delivery, and the delivery as it is handed from the writer to the delivery loop.
 *
 *   waiting -> leased            claimed by this node, or born leased when the loop has room
 *   waiting -> cancelled, dead   by a person; deadline passed
 *   leased  -> delivered         the other side took it
 *   leased  -> waiting           retry later, given back (destination held, shutdown), lease ran out
 *   leased  -> dead              final refusal, retries or time used up
 *   leased  -> cancelled         by a person
 *   waiting, dead -> delivered   its outcome was unknown and the other side told of it later (records/message.sql)
 *   dead, cancelled, delivered -> waiting   retried or resent by a person: the same key, the same event id
 * `held` is not stored: a waiting delivery is held while its destination is disabled or on hold, so that the kill switch
 * touches one row and not a million. delivery_may is the one check; deliver/settle.sql moves only through states it allows. */
#ifndef MALOTE_DELIVER_DELIVERY_H
#define MALOTE_DELIVER_DELIVERY_H

#include "config/config.h"

enum delivery_state {
    DELIVERY_WAITING,
    DELIVERY_LEASED,
    DELIVERY_DELIVERED,
    DELIVERY_DEAD,
    DELIVERY_CANCELLED,
    DELIVERY_STATE_COUNT
};
extern const char *const delivery_state_name[DELIVERY_STATE_COUNT];

/* The reason of one that waits for its file to be with the other side; by it they are found when it is (media/post.sql). */
#define DELIVERY_WAITS_FOR_FILE "waits for its file"

/* May a delivery go from one state to the other? */
bool delivery_may(enum delivery_state from, enum delivery_state to);

/* A delivery in memory; one malloc'ed block, texts included. Owned by whoever holds it: the writer until it is handed over, then
 * the delivery loop until it is settled. */
struct leased {
    struct leased *next;
    uint64_t id, workspace_id, destination_id, event_id, source_id;
    enum priority priority;
    int64_t due_ms, created_ms, first_attempt_ms, occurred_ms, received_ms;
    int64_t lease_until_ms; /* wall clock: not to be sent after it */
    uint32_t attempts;
    bool outcome_unknown, asked_again;
    int64_t ready_us; /* monotonic: when it came into memory; for lingering */
    slice key, type, source, data;
    /* Of a delivery that carries a file and waited for it: "<account>/<the other side's id>", or "!<why it was refused>"; else empty. */
    slice file;
    size_t bytes; /* of the block */
    char text[];
};

/* A block with copies of the four texts; the rest zeroed. NULL when there is no memory. */
struct leased *leased_new(slice key, slice type, slice source, slice data);
struct leased *leased_with_file(slice key, slice type, slice source, slice data, slice file);
void leased_free(struct leased *d);
/* All of a list linked by `next`; NULL is an empty one. */
void leased_free_list(struct leased *list);

#endif
