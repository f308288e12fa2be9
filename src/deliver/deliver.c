/* deliver.c: the delivery loop. What it knows of a destination is in lane.c, how bytes travel in wire.c, how one batch is sent and
 * judged in batch.c, what it writes down in settle.c. */
#include "deliver/deliver.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/thread.h"
#include "crypto/hash.h"
#include "deliver/loop.h"

enum { POLL_MAX_MS = 1000, CLAIM_LOW_WATER = 64 };

/* ---- from other threads ---- */

size_t deliver_room(const struct deliver *d)
{
    int64_t held = atomic_load_explicit(&d->held, memory_order_relaxed);
    return held >= LEASED_MAX || atomic_load(&d->stopping) ? 0 : (size_t)(LEASED_MAX - held);
}

void deliver_hand(struct deliver *d, struct leased *list)
{
    int64_t now_us = clock_mono_us();
    struct leased *last = NULL;
    int64_t count = 0;
    for (struct leased *l = list; l; l = l->next) {
        l->ready_us = now_us;
        last = l;
        count++;
    }
    if (!last) return;
    atomic_fetch_add(&d->held, count);
    pthread_mutex_lock(&d->lock);
    *d->inbox_tail = list;
    d->inbox_tail = &last->next;
    pthread_mutex_unlock(&d->lock);
    wire_wake(d->wire);
}

void deliver_wake(struct deliver *d, int64_t due_ms)
{
    pthread_mutex_lock(&d->lock);
    if (due_ms < d->wake_at_ms) d->wake_at_ms = due_ms;
    pthread_mutex_unlock(&d->lock);
    wire_wake(d->wire);
}

void deliver_cancel(struct deliver *d, uint64_t id)
{
    struct cancel *c = malloc(sizeof *c);
    if (!c) return; /* it goes out although cancelled: the store tells so by its attempt */
    c->id = id;
    pthread_mutex_lock(&d->lock);
    c->next = d->cancels;
    d->cancels = c;
    pthread_mutex_unlock(&d->lock);
    wire_wake(d->wire);
}

void deliver_config_changed(struct deliver *d)
{
    wire_wake(d->wire); /* the loop compares generations itself */
}

/* ---- the loop's own ---- */

struct lane *loop_lane(struct deliver *d, uint64_t workspace_id, uint64_t id)
{
    for (struct lane *lane = d->lanes; lane; lane = lane->next)
        if (lane->id == id) return lane;
    struct lane *lane = calloc(1, sizeof *lane);
    CHECK(lane);
    lane_init(lane, workspace_id, id);
    lane->to = config_destination_by_id(d->config, id);
    lane->next = d->lanes;
    d->lanes = lane;
    return lane;
}

static void take_config(struct deliver *d)
{
    uint64_t generation = atomic_load(&d->o.config->generation);
    if (d->config && generation == d->generation) return;
    struct config *old = d->config;
    d->config = config_hold(d->o.config);
    d->generation = generation;
    for (size_t i = 0; i < d->config->destination_count; i++)
        (void)loop_lane(d, d->config->destinations[i].workspace_id, d->config->destinations[i].id);
    for (struct lane *lane = d->lanes; lane; lane = lane->next) {
        lane->to = config_destination_by_id(d->config, lane->id);
        lane->claim_at_ms = 0; /* a hold may have ended */
        if (lane->breaker == BREAKER_OPEN)
            lane->open_until_ms = 0; /* changed settings deserve a try */
        lane->paused_until_ms = lane->slow_until_ms = 0;
    }
    config_release(old);
}

/* The store says cancelled already: settling only frees it, since a result is written over a lease alone. */
static void drop(struct deliver *d, uint64_t id)
{
    struct leased *l = NULL;
    for (struct lane *lane = d->lanes; lane; lane = lane->next) {
        pair_forget(&lane->pairs, id);
        if (!l) l = lane_remove(lane, id);
    }
    if (l) loop_settle(d, settlement_new(l, DELIVERY_WAITING, clock_wall_ms(), ""));
}

static void take_inbox(struct deliver *d)
{
    pthread_mutex_lock(&d->lock);
    struct leased *list = d->inbox;
    d->inbox = NULL;
    d->inbox_tail = &d->inbox;
    int64_t wake_at_ms = d->wake_at_ms;
    d->wake_at_ms = INT64_MAX;
    struct claim_job *claims = d->claims_done;
    d->claims_done = NULL;
    struct cancel *cancels = d->cancels;
    d->cancels = NULL;
    bool settled = d->settle_done;
    d->settle_done = false;
    pthread_mutex_unlock(&d->lock);
    for (struct leased *l = list, *next; l; l = next) {
        next = l->next;
        lane_push(loop_lane(d, l->workspace_id, l->destination_id), l);
    }
    for (struct lane *lane = d->lanes; lane; lane = lane->next)
        if (wake_at_ms < lane->claim_at_ms) lane->claim_at_ms = wake_at_ms;
    for (struct claim_job *c = claims, *next; c; c = next) {
        next = c->ctx;
        loop_claimed(d, c);
    }
    for (struct cancel *c = cancels, *next; c;
         c = next) { /* after everything that was leased before it */
        next = c->next;
        drop(d, c->id);
        free(c);
    }
    if (settled) loop_settled(d);
}

/* ---- claiming ---- */

static void claim_done(struct journal_job *job, enum err rc, const struct why *why UNUSED)
{
    struct claim_job *c = (struct claim_job *)(void *)job;
    struct deliver *d = c->ctx;
    c->job.rc = rc;
    if (rc == OK && c->list) {
        int64_t now_us = clock_mono_us();
        for (struct leased *l = c->list; l; l = l->next) l->ready_us = now_us;
        atomic_fetch_add(&d->held, (int64_t)c->count);
    }
    pthread_mutex_lock(&d->lock);
    c->ctx = d->claims_done; /* from here on the link of the list */
    d->claims_done = c;
    pthread_mutex_unlock(&d->lock);
    wire_wake(d->wire);
}

void loop_claimed(struct deliver *d, struct claim_job *c)
{
    struct lane *lane = loop_lane(d, c->workspace_id, c->destination_id);
    lane->claiming = false;
    if (c->job.rc != OK) {
        for (struct leased *l = c->list, *next; l;
             l = next) { /* committed nothing: still waiting in the store */
            next = l->next;
            leased_free(l);
        }
        lane->claim_at_ms = clock_wall_ms() + POLL_MAX_MS;
    } else {
        for (struct leased *l = c->list, *next; l; l = next) {
            next = l->next;
            lane_push(lane, l);
        }
        int64_t again_ms = c->more ? 0 : c->next_due_ms, soon_ms = clock_wall_ms() + POLL_MAX_MS;
        if (c->count == 0 && again_ms < soon_ms)
            again_ms = soon_ms; /* due, yet nothing was to be had */
        if (again_ms < lane->claim_at_ms) lane->claim_at_ms = again_ms;
    }
    free(c);
}

/* How many may be leased now. What a process that was killed had leased may have gone out, and a message to a person is then not sent
 * again by itself (dests/whatsapp_cloud.c): of those only what can be sent at once is leased, and the rest is safe in the store. */
static size_t claim_most(const struct lane *lane, enum lane_gate gate)
{
    if (!lane->to || !lane->to->kind->messages) return CLAIM_MAX;
    size_t busy = lane->under_way + lane->waiting, most = lane->to->concurrency;
    if (lane->to->rate_per_min > 0 && lane->tokens < (double)most)
        most = lane->tokens < 1 ? 1 : (size_t)lane->tokens;
    return gate == LANE_OPEN && busy < most ? most - busy : 0;
}

static void claim(struct deliver *d, struct lane *lane, enum lane_gate gate, int64_t now_ms)
{
    size_t most = claim_most(lane, gate), room = deliver_room(d);
    if (lane->claiming || !lane->to || lane->claim_at_ms > now_ms || most == 0 ||
        lane->waiting > CLAIM_LOW_WATER)
        return;
    struct claim_job *c = room > 0 ? calloc(1, sizeof *c) : NULL;
    if (!c) return;
    *c = (struct claim_job){ .job = { .run = claim_run, .done = claim_done },
                             .workspace_id = lane->workspace_id,
                             .destination_id = lane->id,
                             .max = room < most ? room : most,
                             .boot_ms = d->boot_ms,
                             .ctx = d };
    lane->claiming = true;
    lane->claim_at_ms = INT64_MAX;
    journal_post(d->journal, &c->job);
}

/* ---- settling ---- */

void loop_settle(struct deliver *d, struct settlement *s)
{
    s->next = NULL;
    *d->unsettled_tail = s;
    d->unsettled_tail = &s->next;
    struct lane *lane = loop_lane(d, s->delivery->workspace_id, s->delivery->destination_id);
    if (s->state != DELIVERY_WAITING) {
        pair_forget(&lane->pairs, s->delivery->id);
        return;
    }
    if (s->due_ms < lane->claim_at_ms) lane->claim_at_ms = s->due_ms;
}

static void settle_done(struct journal_job *job, enum err rc, const struct why *why)
{
    struct settle_job *j = (struct settle_job *)(void *)job;
    struct deliver *d = j->ctx;
    if (rc != OK) LOG(d->o.log, LOG_ERROR, "settle.failed", log_why(why));
    j->job.rc = rc;
    bool wanted = false;
    for (const struct settlement *s = j->list; s; s = s->next) wanted = wanted || s->media_id;
    if (rc == OK && wanted && d->o.files_wanted) d->o.files_wanted(d->o.ctx);
    pthread_mutex_lock(&d->lock);
    d->settle_done = true;
    pthread_mutex_unlock(&d->lock);
    wire_wake(d->wire);
    if (d->o.settled) d->o.settled(d->o.ctx);
}

/* One settle job at a time: what comes in while it is with the writer makes the next one. */
void loop_settled(struct deliver *d)
{
    struct settle_job *j = &d->settling;
    d->settle_busy = false;
    if (j->job.rc != OK) { /* put back before the newer ones and try again */
        struct settlement **end = &j->list;
        while (*end) end = &(*end)->next;
        *end = d->unsettled;
        if (!d->unsettled) d->unsettled_tail = end;
        d->unsettled = j->list;
        j->list = NULL;
        d->settle_after_ms = clock_mono_ms() + POLL_MAX_MS;
        return;
    }
    int64_t count = 0;
    for (struct settlement *s = j->list, *next; s; s = next) {
        next = s->next;
        settlement_free(s);
        count++;
    }
    j->list = NULL;
    atomic_fetch_sub(&d->held, count);
}

static void settle(struct deliver *d)
{
    if (d->settle_busy || !d->unsettled || clock_mono_ms() < d->settle_after_ms) return;
    d->settling = (struct settle_job){ .job = { .run = settle_run, .done = settle_done },
                                       .ids = d->o.ids,
                                       .list = d->unsettled,
                                       .ctx = d };
    d->unsettled = NULL;
    d->unsettled_tail = &d->unsettled;
    d->settle_busy = true;
    journal_post(d->journal, &d->settling.job);
}

/* Gives every waiting delivery of a lane back to the store: others may need the room. */
static void give_back(struct deliver *d, struct lane *lane, int64_t due_ms)
{
    for (struct leased *l; (l = lane_pop(lane));)
        loop_settle(d, settlement_new(l, DELIVERY_WAITING, due_ms, ""));
    for (struct lane_queue *half; (half = lane_pop_half(lane)); free(half))
        for (struct leased *l = half->head, *next; l; l = next) {
            next = l->next;
            loop_settle(d, settlement_new(l, DELIVERY_WAITING, due_ms, ""));
        }
}

/* ---- one turn ---- */

/* Sends what may be sent now; returns when to look again (wall clock ms). */
static int64_t pump(struct deliver *d, struct lane *lane, int64_t now_ms)
{
    int64_t again_ms = INT64_MAX;
    for (;;) {
        enum lane_gate gate = lane_gate(lane, now_ms, &again_ms);
        if (gate == LANE_HELD) {
            if (lane->waiting || lane->halves) give_back(d, lane, now_ms);
            lane->claim_at_ms = INT64_MAX; /* until the configuration changes */
            return INT64_MAX;
        }
        if (gate == LANE_BROKEN || gate == LANE_PAUSED) {
            if (lane->waiting || lane->halves)
                give_back(d, lane,
                          now_ms); /* due: the gate alone keeps them, and it may open early */
            return again_ms;
        }
        claim(d, lane, gate, now_ms);
        bool claims = !lane->claiming && lane->waiting <= CLAIM_LOW_WATER && deliver_room(d) > 0 &&
                      claim_most(lane, gate) > 0;
        if (claims && lane->claim_at_ms < again_ms) again_ms = lane->claim_at_ms;
        if (gate == LANE_FULL || (lane->waiting == 0 && !lane->halves)) return again_ms;
        if (!lane->halves && lane->waiting < lane->to->batch_max) {
            int64_t linger_us = lane_oldest_us(lane) + lane->to->linger_ms * 1000 - clock_mono_us();
            int64_t ready_ms = now_ms + linger_us / 1000 + 1;
            if (linger_us > 0) return ready_ms < again_ms ? ready_ms : again_ms;
        }
        batch_send(d, lane, now_ms);
    }
}

static enum err nothing(void *ctx UNUSED, struct store *s UNUSED, struct why *why UNUSED)
{
    return OK;
}

/* Gives everything back that was not sent. Nobody finds room since `stopping` was set, but a turn of the writer that looked before
 * may still be making deliveries, and a claim may wait for its turn. Both end, and hand over, before a call that is made now does:
 * the writer runs what it is asked in order, and tells of one turn before it begins the next. */
static void wind_up(struct deliver *d)
{
    batch_cancel_all(d);
    (void)!journal_call(d->journal, nothing, NULL, NULL); /* also when its commit fails */
    do {
        take_inbox(d);
        for (struct lane *lane = d->lanes; lane; lane = lane->next)
            give_back(d, lane, clock_wall_ms());
        settle(d);
        if (d->settle_busy || d->unsettled) wire_poll(d->wire, 50);
        /* When the store does not answer, the leases run out. */
    } while ((d->settle_busy || d->unsettled) && clock_mono_ms() <= d->stop_by_ms + LEASE_MS / 60);
}

/* Holds that are over by themselves. Asked for once a second until the configuration says that they are gone. */
static void release_due(struct deliver *d, int64_t now_ms)
{
    bool due = false;
    for (const struct lane *lane = d->lanes; lane; lane = lane->next)
        due = due || (lane->to && lane->to->hold_until_ms > 0 && lane->to->hold_until_ms <= now_ms);
    if (!due || clock_mono_ms() < d->release_after_ms) return;
    d->release_after_ms = clock_mono_ms() + POLL_MAX_MS;
    deliver_notices(d, true);
}

static void *loop(void *arg)
{
    struct deliver *d = arg;
    while (!atomic_load(&d->stopping) || d->under_way > 0) {
        if (atomic_load(&d->stopping) && clock_mono_ms() > d->stop_by_ms) break;
        take_config(d);
        take_inbox(d);
        int64_t now_ms = clock_wall_ms(), next_ms = now_ms + POLL_MAX_MS;
        for (struct lane *lane = d->lanes; lane && !atomic_load(&d->stopping); lane = lane->next) {
            int64_t again_ms = pump(d, lane, now_ms);
            if (again_ms < next_ms) next_ms = again_ms;
        }
        settle(d);
        alert_again(d);
        release_due(d, now_ms);
        atomic_store_explicit(&d->o.metrics->leased, atomic_load(&d->held), memory_order_relaxed);
        loop_publish(d);
        int64_t wait_ms = next_ms - now_ms;
        wire_poll(d->wire, wait_ms < 0 ? 0 : wait_ms > POLL_MAX_MS ? POLL_MAX_MS : wait_ms);
    }
    wind_up(d);
    return NULL;
}

enum err deliver_new(const struct deliver_options *options, struct deliver **out, struct why *why)
{
    struct deliver *d = calloc(1, sizeof *d);
    *out = NULL;
    if (!d) return why_set(why, ERR_LIMIT, "out of memory");
    d->o = *options;
    d->inbox_tail = &d->inbox;
    d->unsettled_tail = &d->unsettled;
    d->wake_at_ms = INT64_MAX;
    d->boot_ms = clock_wall_ms();
    hash_random(&d->chance, sizeof d->chance);
    pthread_mutex_init(&d->lock, NULL);
    enum err rc = wire_new(options->guard, options->metrics, options->ca_file, &d->wire, why);
    if (rc == OK)
        *out = d;
    else
        free(d);
    return rc;
}

enum err deliver_start(struct deliver *d, struct journal *journal, struct why *why)
{
    d->journal = journal;
    enum err rc = thread_start(&d->thread, "deliver", loop, d, why);
    d->started = rc == OK;
    if (rc == OK) deliver_notices(d, false); /* a process that was killed may have left some */
    return rc;
}

void deliver_stop(struct deliver *d, int64_t grace_ms)
{
    if (!d || !d->started) return;
    d->stop_by_ms = clock_mono_ms() + grace_ms;
    atomic_store(&d->stopping, true);
    wire_wake(d->wire);
    pthread_join(d->thread, NULL);
    d->started = false;
}

void deliver_free(struct deliver *d)
{
    if (!d) return;
    for (struct lane *lane = d->lanes, *next; lane; lane = next) {
        next = lane->next;
        for (struct leased *l; (l = lane_pop(lane));) leased_free(l);
        pair_free(&lane->pairs);
        free(lane);
    }
    leased_free_list(d->inbox);
    for (struct settlement *s = d->unsettled, *next; s; s = next) {
        next = s->next;
        settlement_free(s);
    }
    for (struct cancel *c = d->cancels, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    alert_forget(d);
    wire_free(d->wire);
    config_release(d->config);
    pthread_mutex_destroy(&d->lock);
    free(d);
}
