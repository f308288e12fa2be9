/* lane.h: what the delivery loop knows of one destination: its queues by class, its limits, its breaker. Pure but for the lists:
 * times come in as arguments. Thread: "deliver".
 *
 * Breaker: closed -> open after BREAKER_FAILURES failures in a row; open -> half-open when its wait is over: one request goes out;
 * its success closes, its failure opens again for twice as long. Deliveries held by an open breaker lose no attempts.
 * Slow: from SLOW_FROM_PCT of the other side's rate limit on there is a wait between requests, which grows with it up to
 * SLOW_WAIT_MAX_MS, so that the limit recovers before it is refused and everything pauses. */
#ifndef MALOTE_DELIVER_LANE_H
#define MALOTE_DELIVER_LANE_H

#include "deliver/delivery.h"
#include "deliver/pair.h"

enum {
    BREAKER_FAILURES = 5,
    BREAKER_WAIT_FIRST_MS = 5000,
    BREAKER_WAIT_MAX_MS = 600000,
    PAUSE_WAIT_FIRST_MS = 60000,
    SLOW_FROM_PCT = 80, /* of the other side's rate limit */
    SLOW_WAIT_MAX_MS = 60000
};

enum breaker { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };

struct lane_queue {
    struct leased *head, **tail;
    size_t count;
    struct lane_queue *more; /* in the list of halves */
};

struct lane {
    struct lane *next;
    uint64_t id, workspace_id;
    const struct destination *to; /* in the loop's snapshot; NULL: deleted */
    struct lane_queue queue[PRIORITY_COUNT];
    size_t waiting; /* in all queues */
    struct lane_queue *
        halves; /* parts of a batch that was refused as a whole, each to be sent alone; malloc'ed */
    uint32_t turn;      /* weighted order among the classes */
    uint32_t under_way; /* requests */
    enum breaker breaker;
    uint32_t failures; /* in a row */
    bool suffers;      /* among those was an ordinary event's, not only the hub's own alerts */
    bool told;         /* of this outage: open, half-open and open again is one, until it closes */
    int64_t breaker_wait_ms, open_until_ms;
    int64_t paused_until_ms, pause_wait_ms;
    int64_t slow_until_ms; /* the other side's rate limit is nearly used up */
    struct pairs pairs;    /* recipients that must wait */
    double tokens;         /* of the rate limit */
    int64_t tokens_ms;
    bool claiming;       /* a claim is with the writer */
    int64_t claim_at_ms; /* the store may have something due at; INT64_MAX: nothing known */
};

void lane_init(struct lane *lane, uint64_t workspace_id, uint64_t id);
/* Takes a delivery into the queue of its class. */
void lane_push(struct lane *lane, struct leased *d);
/* The next delivery: classes in the ratio 16:8:4:2:1, none starves; NULL when empty. */
struct leased *lane_pop(struct lane *lane);
/* Takes delivery `id` out of the queues or a waiting half; NULL when it is not there. */
struct leased *lane_remove(struct lane *lane, uint64_t id);
/* The next half of a split batch, taken out of the lane (the caller frees it); NULL when there is none. */
struct lane_queue *lane_pop_half(struct lane *lane);
/* The oldest delivery's arrival (monotonic µs); INT64_MAX when empty. */
int64_t lane_oldest_us(const struct lane *lane);

enum lane_gate { LANE_OPEN, LANE_HELD, LANE_BROKEN, LANE_PAUSED, LANE_FULL };
/* May a request go out now? *again_ms: when to ask anew (INT64_MAX: when something happens). Opens a half-open breaker's gate for
 * one request. Takes no token. */
enum lane_gate lane_gate(struct lane *lane, int64_t now_ms, int64_t *again_ms);
/* A request goes out. */
void lane_sent(struct lane *lane, int64_t now_ms);
/* It did not go out after all: nothing was learnt of the destination. */
void lane_unsent(struct lane *lane);
/* Its verdict came; `ordinary`: it carried other events than the hub's own. True once in an outage, when the breaker has opened over an
 * ordinary event: that is worth an alert. Alerts that fail are not, or two of them could go on about each other for ever. */
bool lane_verdict(struct lane *lane, const struct verdict *v, bool ordinary, int64_t now_ms);

/* Wait before attempt number `attempts` + 1: the schedule's entry with up to 20 % on top (`chance` 0..1), at least `floor_ms`.
 * -1: the schedule is used up. Pure. */
int64_t lane_backoff_ms(const struct destination *to, uint32_t attempts, int64_t floor_ms,
                        double chance);

#endif
