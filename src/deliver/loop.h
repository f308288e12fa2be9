/* loop.h: the delivery loop's state, shared by deliver.c, batch.c and alert.c only. */
#ifndef MALOTE_DELIVER_LOOP_H
#define MALOTE_DELIVER_LOOP_H

#include "deliver/deliver.h"
#include "deliver/lane.h"
#include "deliver/settle.h"
#include "deliver/wire.h"

struct batch;
struct alert_job;

struct cancel { /* an id to be dropped; malloc'ed */
    struct cancel *next;
    uint64_t id;
};

struct lane_view { /* what other threads may see of a lane */
    uint64_t id;
    struct deliver_status status;
};
enum { LANE_VIEWS_MAX = 1024 };

struct deliver {
    struct deliver_options o;
    struct journal *journal;
    struct wire *wire;
    pthread_t thread;
    bool started;
    _Atomic bool stopping;
    int64_t stop_by_ms;   /* monotonic; written before `stopping` */
    _Atomic int64_t held; /* deliveries in memory, from hand-over to settlement */

    pthread_mutex_t lock; /* guards what follows up to the next comment */
    struct leased *inbox, **inbox_tail;
    int64_t wake_at_ms;
    struct claim_job *claims_done;
    struct cancel *cancels;
    bool settle_done;
    struct alert_job *alerts; /* not committed: to be posted again */
    struct lane_view views[LANE_VIEWS_MAX];
    size_t view_count;

    /* The loop's own. */
    struct config *config;
    uint64_t generation;
    struct lane *lanes;
    struct batch *batches; /* under way */
    uint32_t under_way;
    struct settlement *unsettled, **unsettled_tail;
    struct settle_job settling;
    bool settle_busy;
    int64_t settle_after_ms, alerts_after_ms, release_after_ms, boot_ms;
    uint64_t chance; /* state of the jitter's generator */
};

struct lane *loop_lane(struct deliver *d, uint64_t workspace_id, uint64_t id);
/* Takes a settlement to be written with the next job. */
void loop_settle(struct deliver *d, struct settlement *s);
void loop_settled(struct deliver *d);
void loop_claimed(struct deliver *d, struct claim_job *c);
/* Copies what the API shows of the lanes. */
void loop_publish(struct deliver *d);

/* Forms a batch from the lane (or takes a half of a split one) and sends it. The lane's gate is open. */
void batch_send(struct deliver *d, struct lane *lane, int64_t now_ms);
void batch_cancel_all(struct deliver *d);

/* alert.c: puts the destination on hold and tells of it; tells that its breaker has opened. `config` holds `to`. */
void alert_held(struct deliver *d, struct config *config, const struct destination *to,
                const char *reason, int64_t now_ms);
void alert_broken(struct deliver *d, struct config *config, const struct destination *to,
                  const char *reason, int64_t now_ms);
/* Posts those again whose commit failed, at most once a second. */
void alert_again(struct deliver *d);
/* Frees those that never came to the store; the journal has ended. */
void alert_forget(struct deliver *d);

#endif
