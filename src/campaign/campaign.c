/* campaign.c: the campaign thread: looks at each campaign that has something to do and sleeps until the next is due. See campaign.h. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/thread.h"
#include "campaign/loop.h"
#include "records/campaign.h"

enum {
    BUSY_MAX = 64, /* campaigns looked at in one turn; the others in the next */
    LOOK_ARENA_MAX = 64 * 1024 * 1024,
    LIST_ARENA_MAX = 8 * 1024 * 1024,
    POLL_MAX_MS = 60000, /* nothing is due */
    HUNGRY_MS = 1000,    /* a settlement should wake us long before */
    ERROR_WAIT_MS = 1000,
    TICK_MIN_MS = 50, /* at a high pace several go at once, in one commit */
};

/* ---- pure ---- */

int64_t campaign_interval_us(int64_t per_minute)
{
    return (60000000 + per_minute - 1) / per_minute;
}

int64_t campaign_ahead(int64_t per_minute)
{
    int64_t n = per_minute * CAMPAIGN_AHEAD_MS / 60000;
    return n < CAMPAIGN_AHEAD_MIN ? CAMPAIGN_AHEAD_MIN : n;
}

int64_t campaign_due(int64_t per_minute, int64_t next_us, int64_t now_us)
{
    if (next_us > now_us) return 0;
    int64_t from_us = next_us > now_us - PACE_SLACK_US ? next_us : now_us - PACE_SLACK_US;
    return (now_us - from_us) / campaign_interval_us(per_minute) + 1;
}

int64_t campaign_pace(int64_t per_minute, const struct destination *to)
{
    int64_t most = to->rate_per_min;
    return most > 0 && most < per_minute ? most : per_minute;
}

const char *campaign_waits_for(const struct destination *to)
{
    if (!to || !to->kind->messages) return "its destination was deleted";
    if (!to->enabled) return "its destination is paused";
    if (to->hold.len > 0) return "its destination is on hold";
    return NULL;
}

/* ---- cancelled: what was not sent is taken back, a step at a time ---- */

struct cancel {
    const struct campaign *campaign;
    int64_t now_ms;
    uint64_t id[CAMPAIGN_STEP_ROWS], delivery_id[CAMPAIGN_STEP_ROWS];
    size_t count;
    bool waiting, last;
};

static struct stmt *in_campaign(struct store *s, enum sql sql, const struct campaign *m,
                                struct why *why)
{
    struct stmt *q = store_stmt(s, sql, why);
    stmt_i64(q, 1, (int64_t)m->workspace_id);
    stmt_i64(q, 2, (int64_t)m->id);
    return q;
}

static enum err cancel_run(void *ctx, struct store *s, struct why *why)
{
    struct cancel *k = ctx;
    struct stmt *q = in_campaign(s, SQL_CAMPAIGN_CANCEL_WAITING, k->campaign, why);
    stmt_i64(q, 3, k->now_ms);
    stmt_i64(q, 4, CAMPAIGN_STEP_ROWS);
    enum err rc = stmt_run(q, why);
    k->waiting = rc == OK && store_changes(s) > 0;
    for (size_t i = 0; rc == OK && i < k->count; i++) {
        q = store_stmt(s, SQL_CAMPAIGN_CANCEL_DELIVERY, why);
        stmt_i64(q, 1, (int64_t)k->campaign->workspace_id);
        stmt_i64(q, 2, (int64_t)k->delivery_id[i]);
        stmt_i64(q, 3, k->now_ms);
        rc = stmt_run(q, why);
        if (rc == OK)
            rc = campaign_follow(s, k->campaign->workspace_id, k->delivery_id[i], k->now_ms, why);
        q = rc == OK ? store_stmt(s, SQL_CAMPAIGN_CANCEL_LOST, why) : NULL;
        stmt_i64(q, 1, (int64_t)k->campaign->workspace_id);
        stmt_i64(q, 2, (int64_t)k->id[i]);
        stmt_i64(q, 3, k->now_ms);
        if (rc == OK) rc = stmt_run(q, why);
    }
    if (rc == OK && k->last && !k->waiting)
        rc = stmt_run(in_campaign(s, SQL_CAMPAIGN_REST, k->campaign, why), why);
    return rc;
}

/* Those in one state of what was handed out, page by page. */
static enum err cancel_state(struct campaigner *c, struct cancel *k, int64_t state, bool *any,
                             struct why *why)
{
    const struct campaign *m = k->campaign;
    uint64_t after = 0;
    enum err rc = OK;
    do {
        bool row = true;
        *k = (struct cancel){ .campaign = m, .now_ms = clock_wall_ms() };
        struct stmt *q = in_campaign(c->reader, SQL_CAMPAIGN_QUEUED_DELIVERIES, m, why);
        stmt_i64(q, 3, (int64_t)after);
        stmt_i64(q, 4, CAMPAIGN_STEP_ROWS);
        stmt_i64(q, 5, state);
        while (k->count < CAMPAIGN_STEP_ROWS && (rc = stmt_step(q, &row, why)) == OK && row) {
            k->id[k->count] = after = (uint64_t)stmt_col_i64(q, 0);
            k->delivery_id[k->count++] = (uint64_t)stmt_col_i64(q, 1);
        }
        stmt_reset(q);
        *any = *any || k->count > 0;
        if (rc == OK && k->count > 0) rc = journal_call(c->journal, cancel_run, k, why);
    } while (rc == OK && k->count == CAMPAIGN_STEP_ROWS && !atomic_load(&c->stopping));
    return rc;
}

/* What is leased right now goes out, or comes back to the store: then it is found here again. */
static enum err cancel_step(struct campaigner *c, const struct campaign *m, int64_t *wait_ms,
                            struct why *why)
{
    bool any = false;
    struct cancel *k = arena_new(&c->arena, struct cancel, 1);
    if (!k) return why_set(why, ERR_LIMIT, "out of memory");
    k->campaign = m;
    enum err rc = cancel_state(c, k, RECIPIENT_QUEUED, &any, why);
    if (rc == OK) rc = cancel_state(c, k, RECIPIENT_RETRYING, &any, why);
    k->count = 0;
    k->last = !any;
    do {
        k->now_ms = clock_wall_ms();
        if (rc == OK) rc = journal_call(c->journal, cancel_run, k, why);
    } while (rc == OK && k->waiting && !atomic_load(&c->stopping));
    *wait_ms = any ? HUNGRY_MS : POLL_MAX_MS;
    if (any) atomic_store(&c->hungry, true);
    return rc;
}

/* ---- running ---- */

static enum err count_queued(struct campaigner *c, const struct campaign *m, int64_t *count,
                             struct why *why)
{
    bool row = false;
    struct stmt *q = in_campaign(c->reader, SQL_CAMPAIGN_QUEUED, m, why);
    enum err rc = stmt_step(q, &row, why);
    *count = rc == OK && row ? stmt_col_i64(q, 0) : 0;
    stmt_reset(q);
    return rc;
}

static enum err finish_run(void *ctx, struct store *s, struct why *why)
{
    struct stmt *q = in_campaign(s, SQL_CAMPAIGN_FINISH, ctx, why);
    stmt_i64(q, 3, clock_wall_ms());
    return stmt_run(q, why);
}

static int64_t until_next_ms(int64_t next_us)
{
    int64_t wait_ms = (next_us - clock_wall_ms() * 1000) / 1000 + 1;
    return wait_ms < TICK_MIN_MS ? TICK_MIN_MS : wait_ms;
}

static enum err run_step(struct campaigner *c, struct campaign *m, struct config *config,
                         const struct destination *to, int64_t *wait_ms, struct why *why)
{
    int64_t pace = campaign_pace(m->per_minute, to), queued = 0, found = 0;
    int64_t due = campaign_due(pace, m->next_us, clock_wall_ms() * 1000);
    *wait_ms = due > 0 ? TICK_MIN_MS : until_next_ms(m->next_us);
    if (due == 0) return OK;
    /* Said before looking: what is settled from here on wakes us. */
    atomic_store(&c->hungry, true);
    enum err rc = count_queued(c, m, &queued, why);
    int64_t room = campaign_ahead(pace) - queued;
    if (rc != OK) return rc;
    if (room <= 0) {
        *wait_ms = HUNGRY_MS;
        return OK;
    }
    bool paused = false;
    rc = campaign_check(c, m, config, to, &paused, why);
    if (rc != OK || paused) return rc;
    rc = campaign_hand_out(c, m, config, to, due < room ? due : room, &found, why);
    if (rc == OK && found == 0 && m->segment.len == 0) {
        *wait_ms = POLL_MAX_MS;
        rc = journal_call(c->journal, finish_run, m, why);
    }
    return rc;
}

/* One campaign; *wait_ms: when to look at it again. */
static enum err step(struct campaigner *c, struct campaign *m, struct config *config,
                     int64_t *wait_ms, struct why *why)
{
    const struct destination *to = config_destination_by_id(config, m->destination_id);
    bool more = false;
    enum err rc = OK;
    *wait_ms = POLL_MAX_MS;
    if (m->state == CAMPAIGN_CANCELLED) return cancel_step(c, m, wait_ms, why);
    if (!to || !to->kind->messages) return OK; /* until somebody cancels it */
    if (m->segment.len > 0) rc = campaign_collect(c, m, to, &more, why);
    if (rc == OK && m->state == CAMPAIGN_RUNNING && !campaign_waits_for(to))
        rc = run_step(c, m, config, to, wait_ms, why);
    if (more || m->segment.len > 0) *wait_ms = 0;
    return rc;
}

/* ---- the loop ---- */

static enum err read_busy(struct campaigner *c, struct arena *arena, struct campaign *list,
                          size_t *count, struct why *why)
{
    bool row = true;
    enum err rc;
    *count = 0;
    struct stmt *q = store_stmt(c->reader, SQL_CAMPAIGN_BUSY, why);
    stmt_i64(q, 1, BUSY_MAX);
    stmt_i64(q, 2, (int64_t)c->after_id);
    while ((rc = stmt_step(q, &row, why)) == OK && row && *count < BUSY_MAX) {
        struct campaign *m = &list[(*count)++];
        *m = (struct campaign){ .id = (uint64_t)stmt_col_i64(q, 0),
                                .workspace_id = (uint64_t)stmt_col_i64(q, 1),
                                .destination_id = (uint64_t)stmt_col_i64(q, 2),
                                .state = stmt_col_i64(q, 3),
                                .category = arena_dup(arena, stmt_col_text(q, 4)),
                                .template = arena_dup(arena, stmt_col_text(q, 5)),
                                .per_minute = stmt_col_i64(q, 6),
                                .next_us = stmt_col_i64(q, 7),
                                .segment = arena_dup(arena, stmt_col_text(q, 8)),
                                .segment_after = (uint64_t)stmt_col_i64(q, 9),
                                .updated_ms = stmt_col_i64(q, 10),
                                .name = arena_dup(arena, stmt_col_text(q, 11)),
                                .limited = arena_dup(arena, stmt_col_text(q, 12)) };
    }
    stmt_reset(q);
    return rc == OK && arena->full ? why_set(why, ERR_LIMIT, "out of memory") : rc;
}

/* Looks at them, at most BUSY_MAX; returns when to look again, in ms. */
static int64_t look(struct campaigner *c, struct campaign *list)
{
    struct why why = { .code = OK };
    struct arena texts;
    size_t count = 0;
    int64_t next_ms = POLL_MAX_MS;
    arena_init(&texts, LIST_ARENA_MAX);
    enum err rc = read_busy(c, &texts, list, &count, &why);
    if (rc != OK) {
        LOG(c->o.log, LOG_ERROR, "campaign.failed", log_why(&why));
        next_ms = ERROR_WAIT_MS;
        count = 0;
    }
    if (c->after_id > 0 || count == BUSY_MAX) next_ms = TICK_MIN_MS;
    c->after_id = count == BUSY_MAX ? list[count - 1].id : 0;
    struct config *config = config_hold(c->o.config);
    for (size_t i = 0; i < count && !atomic_load(&c->stopping); i++) {
        int64_t wait_ms = POLL_MAX_MS;
        arena_reset(&c->arena);
        if (step(c, &list[i], config, &wait_ms, &why) != OK) {
            LOG(c->o.log, LOG_ERROR, "campaign.failed", log_id("campaign", ID_CAMPAIGN, list[i].id),
                log_why(&why));
            wait_ms = ERROR_WAIT_MS;
        }
        if (wait_ms < next_ms) next_ms = wait_ms;
    }
    config_release(config);
    arena_free(&texts);
    return next_ms;
}

static void sleep_until(struct campaigner *c, int64_t wait_ms)
{
    struct timespec until = clock_after_us(CLOCK_MONOTONIC, wait_ms * 1000);
    pthread_mutex_lock(&c->lock);
    while (!c->woken && !atomic_load(&c->stopping))
        if (pthread_cond_timedwait(&c->wake, &c->lock, &until) != 0) break;
    c->woken = false;
    pthread_mutex_unlock(&c->lock);
}

static void *run(void *arg)
{
    struct campaigner *c = arg;
    struct campaign *list = calloc(BUSY_MAX, sizeof *list);
    CHECK(list); /* at start, a few kB */
    while (!atomic_load(&c->stopping)) {
        atomic_store(&c->hungry, false);
        sleep_until(c, look(c, list));
    }
    free(list);
    return NULL;
}

void campaign_wake(struct campaigner *c)
{
    if (!c) return;
    pthread_mutex_lock(&c->lock);
    c->woken = true;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->lock);
}

void campaign_settled(struct campaigner *c)
{
    if (c && atomic_exchange(&c->hungry, false)) campaign_wake(c);
}

enum err campaign_new(const struct campaign_options *options, struct campaigner **out,
                      struct why *why)
{
    pthread_condattr_t attr;
    *out = NULL;
    struct campaigner *c = calloc(1, sizeof *c);
    if (!c) return why_set(why, ERR_LIMIT, "out of memory");
    c->o = *options;
    arena_init(&c->arena, LOOK_ARENA_MAX);
    pthread_mutex_init(&c->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&c->wake, &attr);
    pthread_condattr_destroy(&attr);
    enum err rc = store_open(options->database, STORE_READER, &c->reader, why);
    if (rc == OK)
        *out = c;
    else
        campaign_free(c);
    return rc;
}

enum err campaign_start(struct campaigner *c, struct journal *journal, struct why *why)
{
    c->journal = journal;
    enum err rc = thread_start(&c->thread, "campaign", run, c, why);
    c->started = rc == OK;
    return rc;
}

void campaign_stop(struct campaigner *c)
{
    if (!c || !c->started) return;
    pthread_mutex_lock(&c->lock);
    atomic_store(&c->stopping, true);
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->lock);
    pthread_join(c->thread, NULL);
    c->started = false;
}

void campaign_free(struct campaigner *c)
{
    if (!c) return;
    store_close(c->reader);
    arena_free(&c->arena);
    pthread_cond_destroy(&c->wake);
    pthread_mutex_destroy(&c->lock);
    free(c);
}
