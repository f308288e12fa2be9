/* journal.c: the writer thread. See journal.h for the turn and its invariants. What a turn stores of a request is in keep.c; how a
 * turn that was committed gets to the disk, and who is told then, in tell.c. */
#include "journal/journal.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/thread.h"
#include "deliver/deliver.h"
#include "journal/checkpoint.h"
#include "journal/mark.h"
#include "journal/turn.h"
#include "records/search.h"

enum {
    /* Under pressure (turns full of requests) interpreting earns a twentieth of the time and spends it in one piece now and then: many
     * events in one commit share their pages, a few in each would double what every commit writes. Without pressure each turn
     * may take a little; with no request at all it goes on until one comes. */
    PRESSURE_REQUESTS = 16,
    INTERPRET_SHARE = 20,
    INTERPRET_PIECE_MIN_US = 2000,
    INTERPRET_PIECE_US = 5000,
    INTERPRET_BESIDE_US = 1000,
    INTERPRET_IDLE_US = 20000,
    INTERPRET_ALONE_US = 40000, /* nobody waits for anything */
    INTERPRET_TURN_MAX = 2048,  /* events in one turn */
    GATHER_US = 1000,
    GATHER_PRESSED_US = 10000,
    /* While the disk is busy with the turn before, a turn takes what comes, in pieces, and is committed when the disk is free or
     * when it has so many: a commit for each few of them would write the same pages again. */
    BESIDE_SYNC_REQUESTS = 40,
    BESIDE_SYNC_PIECE = 8,
    EMPTY_TRIES = 100,
    EMPTY_PAUSE_MS = 20,
};

enum err journal_offer(struct journal *j, struct journal_entry *e)
{
    e->bytes = sizeof *e + e->arena.used;
    pthread_mutex_lock(&j->lock);
    bool room = !j->stopping && j->queue.count < JOURNAL_QUEUE_MAX &&
                (j->queue.count == 0 || j->queue.bytes + e->bytes <= JOURNAL_QUEUE_BYTES_MAX);
    bool wake = false; /* outside the lock: who is woken inside it runs into it, and sleeps again */
    if (room) {
        list_push(&j->queue, e);
        wake = j->queue.count == j->wake_at;
        atomic_store_explicit(&j->o.metrics->journal_depth, (int64_t)j->queue.count,
                              memory_order_relaxed);
    }
    pthread_mutex_unlock(&j->lock);
    if (wake) pthread_cond_signal(&j->wake);
    return room ? OK : ERR_BUSY;
}

void journal_post(struct journal *j, struct journal_job *job)
{
    job->next = NULL;
    pthread_mutex_lock(&j->lock);
    *j->jobs.tail = job;
    j->jobs.tail = &job->next;
    atomic_store_explicit(&j->jobs_wait, true, memory_order_relaxed);
    pthread_mutex_unlock(&j->lock);
    pthread_cond_signal(&j->wake);
}

static enum err nothing(void *ctx UNUSED, struct store *s UNUSED, struct why *why UNUSED)
{
    return OK;
}

enum err journal_empty_log(struct journal *j, struct why *why)
{
    struct timespec pause = { 0, EMPTY_PAUSE_MS * 1000000L };
    atomic_store(&j->empty_asked, true);
    for (int i = 0; i < EMPTY_TRIES; i++) {
        enum err rc = journal_call(j, nothing, NULL, why); /* a turn: it is done after its commit */
        if (rc != OK) return rc;
        if (!atomic_load(&j->empty_asked)) return OK;
        nanosleep(&pause, NULL);
    }
    return atomic_load(&j->empty_asked) ? why_set(why, ERR_BUSY, "the log is still read") : OK;
}

bool journal_is_own_thread(const struct journal *j)
{
    return pthread_equal(pthread_self(), j->thread) || pthread_equal(pthread_self(), j->syncer);
}

void journal_replay(struct journal *j)
{
    pthread_mutex_lock(&j->lock);
    j->replay_asked = true;
    pthread_cond_signal(&j->wake);
    pthread_mutex_unlock(&j->lock);
}

/* ---- one turn ---- */

/* Turns come full of requests. */
static bool is_pressed(const struct journal *j) { return j->pressure >= PRESSURE_REQUESTS; }

static bool to_interpret(const struct journal *j)
{
    return j->pending.head || j->stored.more || j->replaying.more;
}

/* What was told is interpreted from memory as long as there is room and nothing before it has to be read back from the store: events
 * stay in order. What was read back meanwhile is behind us. */
static void take_told(struct journal *j)
{
    if (j->lost && j->o.interpret) j->stored.more = true;
    j->lost = false;
    for (struct journal_entry *e; (e = list_pop(&j->told));) {
        bool room =
            j->pending.count < INTERPRET_QUEUE_MAX && j->pending.bytes < INTERPRET_QUEUE_BYTES_MAX;
        bool ahead = e->below > j->stored.after_id;
        if (room && ahead && !j->stored.more) {
            list_push(&j->pending, e);
            continue;
        }
        if (ahead) j->stored.more = true;
        journal_entry_free(e);
    }
}

/* So many waiting requests make the writer go on. */
static size_t worth_taking(const struct journal *j)
{
    return j->unsynced > 0 ? BESIDE_SYNC_PIECE : 1;
}

static bool must_start(const struct journal *j)
{
    if (j->under_way == TURNS_MAX - 1) return false;
    return j->jobs.head || j->stopping || j->replay_asked || j->queue.count >= worth_taking(j);
}

/* Waits for something to do. Between two waves of requests there is nothing to acknowledge for a moment. A turn for interpreting alone
 * would cost a sync that the next wave then waits for: so wait for that wave, a little, and interpret beside it. */
static void turn_wait(struct journal *j)
{
    struct timespec until =
        clock_after_us(CLOCK_REALTIME, is_pressed(j) ? GATHER_PRESSED_US : GATHER_US);
    bool gather = j->busy;
    for (;;) {
        take_told(j);
        if (must_start(j)) return;
        bool may_interpret = to_interpret(j) && j->under_way < TURNS_MAX - 1 && !j->queue.head;
        if (may_interpret && !gather) return;
        j->wake_at = worth_taking(j);
        if (may_interpret)
            gather = pthread_cond_timedwait(&j->wake, &j->lock, &until) == 0;
        else
            pthread_cond_wait(&j->wake, &j->lock);
    }
}

static struct turn *turn_begin(struct journal *j)
{
    struct turn *t = &j->turns[j->turn_at];
    *t = (struct turn){ .born = NULL };
    list_init(&t->entries);
    pthread_mutex_lock(&j->lock);
    turn_wait(j);
    if (j->replay_asked) {
        j->replaying = (struct interpret_backlog){ EVENT_REPLAYING, .more = j->o.interpret };
        j->replay_asked = false;
    }
    pthread_mutex_unlock(&j->lock);
    t->from_us = clock_mono_us();
    return t;
}

static void take_requests(struct journal *j, struct turn *t)
{
    while (j->queue.head && t->entries.count < JOURNAL_BATCH_MAX)
        list_push(&t->entries, list_pop(&j->queue));
    atomic_store_explicit(&j->o.metrics->journal_depth, (int64_t)j->queue.count,
                          memory_order_relaxed);
}

static void turn_take(struct journal *j, struct turn *t)
{
    pthread_mutex_lock(&j->lock);
    take_requests(j, t);
    t->jobs = j->jobs;
    j->jobs = (struct job_list){ .tail = &j->jobs.head };
    atomic_store_explicit(&j->jobs_wait, false, memory_order_relaxed);
    t->stopping = j->stopping && !j->queue.head;
    pthread_mutex_unlock(&j->lock);
}

/* Takes what came meanwhile, as long as the disk is busy anyway: storing it now is what the next sync need not wait for. False: the
 * turn is to be committed. */
static bool turn_grow(struct journal *j, struct turn *t)
{
    pthread_mutex_lock(&j->lock);
    int64_t from_us = 0;
    while (j->unsynced > 0 && !j->stopping && t->entries.count < BESIDE_SYNC_REQUESTS &&
           j->queue.count < BESIDE_SYNC_PIECE) {
        if (from_us == 0) from_us = clock_mono_us();
        j->wake_at = BESIDE_SYNC_PIECE;
        pthread_cond_wait(&j->wake, &j->lock);
    }
    size_t before = t->entries.count;
    if (before < BESIDE_SYNC_REQUESTS) take_requests(j, t);
    pthread_mutex_unlock(&j->lock);
    if (from_us > 0) t->waited_us += clock_mono_us() - from_us;
    return t->entries.count > before;
}

static enum err run_jobs(struct journal *j, struct turn *t, int64_t now_ms, struct why *why)
{
    for (struct journal_job *job = t->jobs.head; job; job = job->next) {
        enum err rc = store_savepoint(j->store, why);
        if (rc != OK) return rc;
        job->why.text[0] = '\0';
        job->rc = job->run(job, j->store, &job->why);
        if (job->rc == OK)
            rc = store_release(j->store, why);
        else
            store_undo(j->store);
        /* Behind the part that may be undone: what it knows of keys is in memory, and would not be. */
        if (rc == OK && job->rc == OK && job->entry)
            rc = keep_entry(j->store, j->o.ids, j->known, &j->minutes, job->entry, now_ms, why);
        if (rc != OK) return rc;
    }
    return OK;
}

/* To the next event that is to be interpreted: duplicates are not, they were when they came first. */
static void cursor_settle(struct cursor *c)
{
    while (c->entry && (c->event == c->entry->events.count || c->entry->event_ids[c->event] == 0)) {
        if (c->event < c->entry->events.count) {
            c->event++;
            continue;
        }
        c->entry = c->entry->next;
        c->event = 0;
    }
}

static size_t cursor_read(struct cursor c, struct interpret_item items[INTERPRET_ITEMS_MAX])
{
    size_t n = 0;
    for (cursor_settle(&c); c.entry && n < INTERPRET_ITEMS_MAX; n++) {
        struct journal_entry *e = c.entry;
        items[n] = (struct interpret_item){ &e->request,
                                            { .id = e->event_ids[c.event],
                                              .workspace_id = e->source->workspace_id,
                                              .source_id = e->source->id,
                                              .request_id = e->id,
                                              .event = e->events.at[c.event],
                                              .received_ms = e->request.received_ms } };
        c.event++;
        cursor_settle(&c);
    }
    return n;
}

static void cursor_move(struct cursor *c, size_t events)
{
    cursor_settle(c);
    for (; events > 0; events--) {
        c->event++;
        cursor_settle(c);
    }
}

static enum err interpret_memory(struct interpret_ctx *ctx, struct turn *t,
                                 struct interpret_limit *limit, struct why *why)
{
    struct interpret_item items[INTERPRET_ITEMS_MAX];
    enum err rc = OK;
    for (size_t n; rc == OK && interpret_goes_on(limit) && (n = cursor_read(t->at, items)) > 0;) {
        size_t handled = 0;
        rc = interpret_items(ctx, items, n, limit, &handled, why);
        cursor_move(&t->at, handled);
        if (handled > 0) t->stored.after_id = items[handled - 1].event.id;
    }
    return rc;
}

static size_t room_for_born(struct journal *j)
{
    size_t room = j->o.deliver ? deliver_room(j->o.deliver) : 0;
    pthread_mutex_lock(&j->lock);
    room = room > j->born_under_way ? room - j->born_under_way : 0;
    pthread_mutex_unlock(&j->lock);
    return room > LEASED_MAX - LEASED_BORN_MAX ? room - (LEASED_MAX - LEASED_BORN_MAX) : 0;
}

/* Interprets what earlier turns committed. Nothing of it is final before the commit. */
static enum err interpret_some(struct journal *j, struct turn *t, struct interpret_ctx *ctx,
                               int64_t piece_us, struct why *why)
{
    bool idle = piece_us == INTERPRET_IDLE_US;
    int64_t now_us = clock_mono_us();
    struct interpret_limit limit = { .events = INTERPRET_TURN_MAX,
                                     .until_us = now_us + piece_us,
                                     .requests = idle ? &j->o.metrics->journal_depth : NULL,
                                     .jobs = idle ? &j->jobs_wait : NULL,
                                     .alone_us = now_us + INTERPRET_ALONE_US };
    t->at = (struct cursor){ j->pending.head, j->pending_event };
    t->stored = j->stored;
    t->replaying = j->replaying;
    enum err rc = interpret_memory(ctx, t, &limit, why);
    /* Memory is first, then the store, in the order of the ids. */
    bool read = rc == OK && !t->at.entry;
    if (read && t->stored.more && interpret_goes_on(&limit))
        rc = interpret_stored(ctx, &t->stored, &limit, why);
    if (rc == OK && t->stored.after_id != j->stored.after_id)
        rc = mark_set(j->store, MARK_INTERPRETED, t->stored.after_id, why);
    if (rc == OK && read && !t->stored.more && t->replaying.more && interpret_goes_on(&limit))
        rc = interpret_stored(ctx, &t->replaying, &limit, why);
    return rc == OK ? search_catch_up(j->store, why) : rc;
}

/* Ends a transaction of the turn: what it counted is then in the store and in the metrics, or nowhere. */
static enum err part_end(struct journal *j, enum err rc, struct why *why)
{
    if (rc == OK) rc = keep_write_minutes(j->store, &j->minutes, why);
    if (rc == OK)
        rc = store_commit_unsynced(j->store, why);
    else
        store_rollback(j->store);
    keep_end_minutes(&j->minutes, j->o.metrics, rc == OK);
    return rc;
}

/* One try to interpret a piece, in a transaction of its own. What it made of deliveries is the turn's. */
static enum err interpret_try(struct journal *j, struct turn *t, struct config *config,
                              int64_t now_ms, int64_t piece_us, bool *spoiled, struct why *why)
{
    size_t room = room_for_born(j);
    struct route_ctx route = { .store = j->store,
                               .ids = j->o.ids,
                               .arena = &j->arena,
                               .config = config,
                               .now_ms = now_ms,
                               .room = room,
                               .tail = &t->born };
    struct interpret_ctx ctx = { .store = j->store,
                                 .ids = j->o.ids,
                                 .log = j->o.log,
                                 .config = config,
                                 .arena = &j->arena,
                                 .now_ms = now_ms,
                                 .route = &route,
                                 .minutes = &j->minutes,
                                 .known = j->known,
                                 .handed = &t->handed,
                                 .apart = j->apart };
    enum err rc = store_begin(j->store, why);
    if (rc != OK) return rc;
    known_begin(j->known);
    rc = interpret_some(j, t, &ctx, piece_us, why);
    if (rc == OK) rc = known_merge(j->known, j->store, why);
    int64_t failed = 0;
    for (size_t i = 0; i < j->minutes.count; i++) failed += j->minutes.at[i].failed;
    rc = part_end(j, rc, why);
    known_end(j->known, rc == OK);
    *spoiled = ctx.spoiled;
    j->apart = ctx.spoiled || (j->apart && failed > 0);
    if (rc == OK) {
        t->created = route.created;
        t->born_count = room - route.room;
        t->unborn = route.unborn;
        t->held = ctx.held;
        t->noticed = ctx.noticed;
        return OK;
    }
    journal_entry_free_list(t->handed);
    t->handed = NULL;
    leased_free_list(t->born);
    t->born = NULL;
    return rc;
}

/* The turn's first transaction, of events that earlier turns kept. One that an event spoiled which cannot be understood is made again, each event then in a part of
 * its own: parts for all of them, always, would make SQLite copy each page that they change. */
static enum err interpret_piece(struct journal *j, struct turn *t, int64_t now_ms, int64_t piece_us,
                                struct why *why)
{
    bool spoiled = false;
    struct config *config = config_hold(j->o.config);
    enum err rc = interpret_try(j, t, config, now_ms, piece_us, &spoiled, why);
    if (spoiled) rc = interpret_try(j, t, config, now_ms, piece_us, &spoiled, why);
    config_release(config);
    t->interpreting = rc == OK;
    return rc;
}

/* How long this turn may interpret, µs; 0 = not now. */
static int64_t piece_time(struct journal *j)
{
    if (!j->o.interpret || !to_interpret(j)) return 0;
    if (atomic_load_explicit(&j->o.metrics->journal_depth, memory_order_relaxed) == 0)
        return INTERPRET_IDLE_US;
    if (!is_pressed(j)) return INTERPRET_BESIDE_US;
    if (j->earned_us < INTERPRET_PIECE_MIN_US) return 0;
    int64_t piece_us = j->earned_us < INTERPRET_PIECE_US ? j->earned_us : INTERPRET_PIECE_US;
    j->earned_us = 0;
    return piece_us;
}

/* Those that were taken and not stored yet. */
static enum err keep_requests(struct journal *j, struct turn *t, int64_t now_ms, struct why *why)
{
    enum err rc = OK;
    struct journal_entry *e = t->kept ? t->kept->next : t->entries.head;
    for (; rc == OK && e; e = e->next) {
        rc = keep_entry(j->store, j->o.ids, j->known, &j->minutes, e, now_ms, why);
        t->kept = e;
    }
    return rc;
}

/* The turn's second transaction: what senders and callers wait for. */
static enum err keep_all(struct journal *j, struct turn *t, int64_t now_ms, struct why *why)
{
    enum err rc = store_begin(j->store, why);
    if (rc != OK) return rc;
    known_begin(j->known);
    do rc = keep_requests(j, t, now_ms, why);
    while (rc == OK && turn_grow(j, t));
    if (rc == OK) rc = run_jobs(j, t, now_ms, why);
    if (rc == OK) rc = known_merge(j->known, j->store, why);
    rc = part_end(j, rc, why);
    known_end(j->known, rc == OK);
    return rc;
}

/* Interpreting comes before the requests are taken: at its end it would hold up those that are stored. It has a transaction of its own,
 * so that neither is lost with the other; t->interpreting tells whether there is something to be told of it. */
static enum err turn_work(struct journal *j, struct turn *t, struct why *why)
{
    int64_t now_ms = clock_wall_ms();
    enum err rc = checkpoint_make_sound(j->checkpoint, j->store, why);
    int64_t piece_us = rc == OK ? piece_time(j) : 0;
    enum err understood = piece_us > 0 ? interpret_piece(j, t, now_ms, piece_us, why) : OK;
    turn_take(j, t);
    bool asked = t->entries.head || t->jobs.head;
    if (understood != OK && asked) {
        LOG(j->o.log, LOG_ERROR, "interpret.failed", log_why(why));
        metrics_add(j->o.metrics, METRIC_commit_failures, 1);
    }
    if (!asked) return rc == OK ? understood : rc;
    return rc == OK ? keep_all(j, t, clock_wall_ms(), why) : rc;
}

/* Takes interpreted entries off `pending`. */
static void pending_finish(struct journal *j, const struct turn *t)
{
    if (!t->interpreting) return;
    while (j->pending.head != t->at.entry) {
        struct journal_entry *e = list_pop(&j->pending);
        int64_t us = clock_mono_us() - e->offered_us;
        histogram_add(&j->o.metrics->process, us);
        histogram_add(&metrics_source(j->o.metrics, e->source->id)->process, us);
        journal_entry_free(e);
    }
    j->pending_event = t->at.event;
    j->stored = t->stored;
    j->replaying = t->replaying;
}

static void turn_end(struct journal *j, struct turn *t)
{
    pending_finish(j, t);
    j->turn_at = (j->turn_at + 1) % TURNS_MAX;
    tell_offer(j, t);
}

/* Parts what the turn was asked for, and could not store, from what it understood. That is told first: a job that ends must find the
 * deliveries that were made before it. */
static void turn_split(struct turn *t, struct turn *asked)
{
    *asked = (struct turn){ .born = NULL };
    list_init(&asked->entries);
    for (struct journal_entry *e; (e = list_pop(&t->entries));) list_push(&asked->entries, e);
    asked->jobs = t->jobs;
    t->jobs = (struct job_list){ .head = NULL };
}

static void *writer(void *arg)
{
    struct journal *j = arg;
    for (bool more = true; more;) {
        struct why why = { .code = OK };
        struct turn *t = turn_begin(j);
        enum err rc = turn_work(j, t, &why);
        more = !t->stopping;
        j->busy = t->entries.count > 0;
        j->pressure = t->entries.count > j->pressure ? t->entries.count : j->pressure * 15 / 16;
        if (j->busy)
            j->earned_us += (clock_mono_us() - t->from_us - t->waited_us) / INTERPRET_SHARE;
        if (rc == OK) {
            turn_end(j, t);
        } else {
            struct turn asked;
            turn_split(t, &asked);
            if (t->interpreting) turn_end(j, t);
            tell_failed(j, &asked, rc, &why);
        }
        if (atomic_load(&j->empty_asked) && checkpoint_empty(j->checkpoint, j->store, &why) == OK)
            atomic_store(&j->empty_asked, false);
        checkpoint_after_commit(j->checkpoint, j->store, is_pressed(j));
        atomic_store_explicit(&j->o.metrics->interpret_depth, (int64_t)j->pending.count,
                              memory_order_relaxed);
        atomic_store_explicit(&j->o.metrics->interpret_spilled, j->stored.more,
                              memory_order_relaxed);
    }
    tell_stop(j);
    return NULL;
}

/* The last connection to close copies what is in the log and deletes it: not when that may be all that is left of what it copied in
 * part. The log stays then, and the next start reads it. */
static void keep_log_if_unsound(struct journal *j)
{
    struct why why;
    if (!j->checkpoint || checkpoint_make_sound(j->checkpoint, j->store, &why) == OK) return;
    LOG(j->o.log, LOG_ERROR, "log.unsound", log_why(&why));
    store_keep_log(j->store);
    checkpoint_keep_log(j->checkpoint);
}

static void journal_free(struct journal *j)
{
    for (struct journal_entry *e; (e = list_pop(&j->pending)) || (e = list_pop(&j->told));)
        journal_entry_free(e); /* pending in the store */
    arena_free(&j->arena);
    keep_log_if_unsound(j);
    checkpoint_stop(j->checkpoint);
    known_close(j->known);
    keep_free_minutes(&j->minutes);
    store_log_close(&j->log);
    store_close(j->store);
    pthread_cond_destroy(&j->wake);
    pthread_cond_destroy(&j->to_sync);
    pthread_mutex_destroy(&j->lock);
    free(j);
}

enum err journal_start(const struct journal_options *options, struct journal **out, struct why *why)
{
    *out = NULL;
    struct journal *j = calloc(1, sizeof *j);
    if (!j) return why_set(why, ERR_LIMIT, "out of memory");
    j->o = *options;
    pthread_mutex_init(&j->lock, NULL);
    pthread_cond_init(&j->wake, NULL);
    pthread_cond_init(&j->to_sync, NULL);
    list_init(&j->queue);
    list_init(&j->pending);
    list_init(&j->told);
    j->committed_tail = &j->committed;
    j->jobs.tail = &j->jobs.head;
    arena_init(&j->arena, INTERPRET_ARENA_MAX + BODY_MAX_HIGHEST);
    j->stored = (struct interpret_backlog){ EVENT_PENDING, .more = j->o.interpret };
    j->replaying = (struct interpret_backlog){ EVENT_REPLAYING, .more = j->o.interpret };
    enum err rc = store_open(options->database, STORE_WRITER, &j->store, why);
    if (rc == OK) rc = keep_ids_above(j->store, options->ids, why);
    /* What an earlier process left in the log, it may not have been able to sync. */
    if (rc == OK) rc = store_log_rewrite(j->store, why);
    if (rc == OK) rc = mark_get(j->store, MARK_INTERPRETED, &j->stored.after_id, why);
    if (rc == OK)
        rc = known_open(j->store, options->database, options->log,
                        options->keys_in_memory ? options->keys_in_memory : KNOWN_MEMORY_MAX,
                        &j->known, why);
    if (rc == OK) store_own_checkpoints(j->store);
    if (rc == OK)
        rc = checkpoint_start(options->database, options->log, options->checkpoint_pages,
                              &j->unsound, &j->checkpoint, why);
    if (rc == OK) rc = store_log_open(j->store, &j->log, why);
    if (rc == OK) rc = tell_start(j, why);
    if (rc == OK) {
        rc = thread_start(&j->thread, "writer", writer, j, why);
        if (rc != OK) tell_stop(j);
    }
    if (rc != OK)
        journal_free(j);
    else
        *out = j;
    return rc;
}

void journal_stop(struct journal *j)
{
    if (!j) return;
    pthread_mutex_lock(&j->lock);
    j->stopping = true;
    pthread_cond_signal(&j->wake);
    pthread_mutex_unlock(&j->lock);
    pthread_join(j->thread, NULL);
    journal_free(j);
}
