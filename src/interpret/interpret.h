/* interpret.h: from a stored event to records, the event's JSON and its deliveries. Runs on the writer thread.
 *
 * Way: journal -> [interpret] -> records/, route/.   A failure keeps the event, with its reason, as a dead letter (state failed). */
#ifndef MALOTE_INTERPRET_INTERPRET_H
#define MALOTE_INTERPRET_INTERPRET_H

#include "base/log.h"
#include "journal/journal.h"
#include "journal/keep.h"
#include "records/apply.h"
#include "route/route.h"

enum event_state {
    EVENT_PENDING, /* or done, when the mark "interpreted" has passed it */
    EVENT_DONE,
    EVENT_FAILED,
    EVENT_ARCHIVED,
    EVENT_REPLAYING, /* to be interpreted once more */
    EVENT_STATE_COUNT
};
extern const char *const event_state_name[EVENT_STATE_COUNT];

struct interpret_ctx {
    struct store *store;
    struct id_maker *ids;
    struct log *log;
    struct config *config; /* the current snapshot: routes and source settings */
    struct arena *arena;   /* reset for each event */
    int64_t now_ms;
    struct route_ctx *route;
    struct keep_minutes *minutes; /* running totals of the turn; interpret_event needs none */
    /* What is handed to other sources (hand.h) is kept at once: what that needs. NULL where nothing can be handed on. */
    struct known *known;
    struct journal_entry **handed; /* where kept requests are appended; theirs who called */
    size_t handed_bytes;           /* in memory, of all of them */
    struct journal_entry *hand;    /* of the event at hand; linked by next */
    bool unclaimed;                /* the event at hand: nobody takes it */
    /* Each event in a part of the transaction of its own. Without, one that cannot be understood spoils the whole transaction: */
    bool apart;
    bool spoiled;         /* set: roll back, and begin again with `apart` */
    bool held;            /* set: destinations were changed in the store (hold.h) */
    struct own_seen seen; /* of this transaction; used without `apart` alone */
    bool noticed;         /* set: there are notices to be told (records/notice.h) */
};

/* What is known of a stored event. */
struct stored_event {
    uint64_t id, workspace_id, source_id, request_id;
    struct event event; /* occurred_ms already set */
    int64_t received_ms;
    bool again; /* it may have been interpreted before */
};

/* Interprets one event inside the writer's transaction, in a part of its own. ERR_* only when the store fails: an event that
 * cannot be understood is OK and state failed. *done: whether it was understood. What it hands on is left in ctx->hand (hand_keep). */
MUST_CHECK enum err interpret_event(struct interpret_ctx *ctx, struct request *r,
                                    const struct stored_event *e, bool *done, struct why *why);

enum { INTERPRET_ITEMS_MAX = 32 };
struct interpret_item {
    struct request *request;
    struct stored_event event;
};

/* How long interpreting may go on in one turn. */
struct interpret_limit {
    size_t events;                   /* so many more; counted down by the callers */
    int64_t until_us;                /* monotonic */
    const _Atomic int64_t *requests; /* not NULL: only while no request waits for the writer */
    const _Atomic bool
        *jobs; /* not NULL: on until alone_us as long as no job waits for it either */
    int64_t alone_us;
};
bool interpret_goes_on(const struct interpret_limit *limit);

/* Interprets events in their order, within the limit, at least one; *handled tells how many. Counts them in the minutes' totals.
 * With ctx->apart the same as interpret_event for each. Without it is cheaper, since SQLite copies each page that changes in a part;
 * but when one of them cannot be understood, that is an error, and ctx->spoiled. */
MUST_CHECK enum err interpret_items(struct interpret_ctx *ctx, struct interpret_item *items,
                                    size_t count, struct interpret_limit *limit, size_t *handled,
                                    struct why *why);

/* Events to be read back from the store, in the order of their ids: EVENT_PENDING or EVENT_REPLAYING ones. */
struct interpret_backlog {
    enum event_state state;
    uint64_t after_id; /* those up to here are handled */
    bool more;         /* there may be others */
};

/* Interprets some of a backlog within the limit, at least one. Moves its after_id and more. */
MUST_CHECK enum err interpret_stored(struct interpret_ctx *ctx, struct interpret_backlog *backlog,
                                     struct interpret_limit *limit, struct why *why);

/* Headers of a request as JSON object text and back; the credential ones are left out when written. */
void interpret_write_headers(struct buf *b, const struct header *headers, size_t count);
MUST_CHECK enum err interpret_read_headers(slice text, struct arena *a, struct request *r,
                                           struct why *why);

#endif
