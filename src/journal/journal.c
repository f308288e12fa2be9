/* journal.c: the writer thread. See journal.h for the turn and its invariants. What a turn stores of a request is in keep.c. */
#include "journal/journal.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "deliver/deliver.h"
#include "interpret/interpret.h"
#include "journal/checkpoint.h"
#include "journal/keep.h"
#include "journal/mark.h"

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
    INTERPRET_TURN_MAX = 512, /* events in one turn */
    RETRY_WAIT_MS = 100,      /* after a failed commit */
    GATHER_US = 1000,
};

struct entry_list {
    struct journal_entry *head, **tail;
    size_t count, bytes;
};

struct job_list {
    struct journal_job *head, **tail;
};

struct journal {
    struct journal_options o;
    struct store *store;
    struct checkpoint *checkpoint;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct entry_list queue;     /* under lock */
    struct job_list jobs;        /* under lock */
    bool stopping, replay_asked; /* under lock */

    /* The writer thread's own. */
    struct entry_list pending; /* committed, in memory, to be interpreted */
    size_t pending_event;      /* next event of pending.head */
    /* Events only in the store: those behind `pending` (stored.after_id is the mark "interpreted"), and those to be replayed. */
    struct interpret_backlog stored, replaying;
    struct arena arena;
    struct keep_minutes minutes;
    struct known *known;
    bool busy; /* the last turn had requests */
    size_t
        pressure; /* most requests of a recent turn: full turns and near-empty ones take turns under load */
    int64_t earned_us; /* time that interpreting has saved up */
};

static void list_init(struct entry_list *l) { *l = (struct entry_list){ .tail = &l->head }; }

static void list_push(struct entry_list *l, struct journal_entry *e)
{
    e->next = NULL;
    *l->tail = e;
    l->tail = &e->next;
    l->count++;
    l->bytes += e->bytes;
}

static struct journal_entry *list_pop(struct entry_list *l)
{
    struct journal_entry *e = l->head;
    if (!e) return NULL;
    l->head = e->next;
    if (!l->head) l->tail = &l->head;
    l->count--;
    l->bytes -= e->bytes;
    return e;
}

enum err journal_offer(struct journal *j, struct journal_entry *e)
{
    e->bytes = sizeof *e + e->arena.used;
    pthread_mutex_lock(&j->lock);
    bool room = !j->stopping && j->queue.count < JOURNAL_QUEUE_MAX &&
                (j->queue.count == 0 || j->queue.bytes + e->bytes <= JOURNAL_QUEUE_BYTES_MAX);
    if (room) {
        if (j->queue.count == 0) pthread_cond_signal(&j->wake);
        list_push(&j->queue, e);
        atomic_store_explicit(&j->o.metrics->journal_depth, (int64_t)j->queue.count,
                              memory_order_relaxed);
    }
    pthread_mutex_unlock(&j->lock);
    return room ? OK : ERR_BUSY;
}

void journal_post(struct journal *j, struct journal_job *job)
{
    job->next = NULL;
    pthread_mutex_lock(&j->lock);
    *j->jobs.tail = job;
    j->jobs.tail = &job->next;
    pthread_cond_signal(&j->wake);
    pthread_mutex_unlock(&j->lock);
}

bool journal_is_writer(const struct journal *j) { return pthread_equal(pthread_self(), j->thread); }

void journal_replay(struct journal *j)
{
    pthread_mutex_lock(&j->lock);
    j->replay_asked = true;
    pthread_cond_signal(&j->wake);
    pthread_mutex_unlock(&j->lock);
}

/* ---- one turn ---- */

/* An event of `pending`. */
struct cursor {
    struct journal_entry *entry; /* NULL: behind the last */
    size_t event;
};

struct turn {
    struct entry_list entries;
    struct job_list jobs;
    bool stopping;
    bool interpreting;
    struct leased *born; /* deliveries to hand over after the commit */
    uint64_t created, unborn;
    /* Where j->pending.head and j->pending_event, j->stored and j->replaying will stand. */
    struct cursor at;
    struct interpret_backlog stored, replaying;
};

static bool to_interpret(const struct journal *j)
{
    return j->pending.head || j->stored.more || j->replaying.more;
}

/* Between two waves of requests there is nothing to acknowledge for a moment. A turn for interpreting alone would cost an fsync that
 * the next wave then waits for: so wait for that wave, a little, and interpret beside it. */
static void turn_gather(struct journal *j)
{
    if (!j->busy || j->queue.head || j->jobs.head || j->stopping || !to_interpret(j)) return;
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += GATHER_US * 1000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    (void)pthread_cond_timedwait(&j->wake, &j->lock, &until);
}

static void turn_take(struct journal *j, struct turn *t)
{
    pthread_mutex_lock(&j->lock);
    turn_gather(j);
    while (!j->queue.head && !j->jobs.head && !j->stopping && !j->replay_asked && !to_interpret(j))
        pthread_cond_wait(&j->wake, &j->lock);
    list_init(&t->entries);
    while (j->queue.head && t->entries.count < JOURNAL_BATCH_MAX)
        list_push(&t->entries, list_pop(&j->queue));
    t->jobs = j->jobs;
    j->jobs = (struct job_list){ .tail = &j->jobs.head };
    t->stopping = j->stopping && !j->queue.head;
    if (j->replay_asked) {
        j->replaying = (struct interpret_backlog){ EVENT_REPLAYING, .more = j->o.interpret };
        j->replay_asked = false;
    }
    atomic_store_explicit(&j->o.metrics->journal_depth, (int64_t)j->queue.count,
                          memory_order_relaxed);
    pthread_mutex_unlock(&j->lock);
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
    return room > LEASED_MAX - LEASED_BORN_MAX ? room - (LEASED_MAX - LEASED_BORN_MAX) : 0;
}

/* Interprets what earlier turns committed. Nothing of it is final before this turn's own commit. */
static enum err interpret_some(struct journal *j, struct turn *t, struct config *config,
                               int64_t now_ms, int64_t piece_us, struct why *why)
{
    struct interpret_limit limit = { INTERPRET_TURN_MAX, clock_mono_us() + piece_us,
                                     t->entries.count == 0 ? &j->o.metrics->journal_depth : NULL };
    struct route_ctx route = { .store = j->store,
                               .ids = j->o.ids,
                               .arena = &j->arena,
                               .config = config,
                               .now_ms = now_ms,
                               .room = room_for_born(j),
                               .tail = &t->born };
    struct interpret_ctx ctx = { j->store,  j->o.ids, j->o.log, j->o.metrics, config,
                                 &j->arena, now_ms,   &route,   &j->minutes };
    t->at = (struct cursor){ j->pending.head, j->pending_event };
    t->stored = j->stored;
    t->replaying = j->replaying;
    enum err rc = interpret_memory(&ctx, t, &limit, why);
    /* Memory is first, then the store, in the order of the ids. */
    bool read = rc == OK && !t->at.entry;
    if (read && t->stored.more && interpret_goes_on(&limit))
        rc = interpret_stored(&ctx, &t->stored, &limit, why);
    if (rc == OK && t->stored.after_id != j->stored.after_id)
        rc = mark_set(j->store, MARK_INTERPRETED, t->stored.after_id, why);
    if (rc == OK && read && !t->stored.more && t->replaying.more && interpret_goes_on(&limit))
        rc = interpret_stored(&ctx, &t->replaying, &limit, why);
    t->created = route.created;
    t->unborn = route.unborn;
    return rc;
}

/* How long this turn may interpret, µs; 0 = not now. */
static int64_t interpret_piece(struct journal *j, const struct turn *t)
{
    if (!j->o.interpret || !to_interpret(j)) return 0;
    if (t->entries.count == 0) return INTERPRET_IDLE_US;
    if (j->pressure < PRESSURE_REQUESTS) return INTERPRET_BESIDE_US;
    if (j->earned_us < INTERPRET_PIECE_MIN_US) return 0;
    int64_t piece_us = j->earned_us < INTERPRET_PIECE_US ? j->earned_us : INTERPRET_PIECE_US;
    j->earned_us = 0;
    return piece_us;
}

static enum err turn_work(struct journal *j, struct turn *t, struct why *why)
{
    int64_t now_ms = clock_wall_ms();
    enum err rc = store_begin(j->store, why);
    if (rc != OK) return rc;
    known_begin(j->known);
    for (struct journal_entry *e = t->entries.head; rc == OK && e; e = e->next)
        rc = keep_entry(j->store, j->o.ids, j->known, &j->minutes, e, now_ms, why);
    if (rc == OK) rc = run_jobs(j, t, now_ms, why);
    if (rc == OK) rc = known_merge(j->known, j->store, why);
    int64_t piece_us = rc == OK ? interpret_piece(j, t) : 0;
    t->interpreting = piece_us > 0;
    if (t->interpreting) {
        struct config *config = config_hold(j->o.config);
        rc = interpret_some(j, t, config, now_ms, piece_us, why);
        config_release(config);
    }
    if (rc == OK) rc = keep_flush_minutes(j->store, &j->minutes, why);
    if (rc == OK)
        rc = store_commit(j->store, why);
    else
        store_rollback(j->store);
    known_end(j->known, rc == OK);
    return rc;
}

/* ---- after the commit ---- */

/* `read_back`: pending events are being read from the store, these among them (some perhaps in this very turn). */
static void entry_committed(struct journal *j, struct journal_entry *e, bool read_back)
{
    struct metrics *m = j->o.metrics;
    struct source_metrics *s = metrics_source(m, e->source->id);
    int64_t us = clock_mono_us() - e->offered_us;
    histogram_add(&m->ack, us);
    histogram_add(&s->ack, us);
    metrics_add(m, METRIC_requests_accepted, 1);
    metrics_add(m, METRIC_events_stored, e->fresh);
    metrics_add(m, METRIC_events_duplicate, e->duplicates);
    if (e->problem.len) metrics_add(m, METRIC_requests_unreadable, 1);
    atomic_fetch_add_explicit(&s->accepted, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&s->duplicates, e->duplicates, memory_order_relaxed);
    atomic_fetch_add_explicit(&s->unreadable, e->problem.len > 0, memory_order_relaxed);
    atomic_store_explicit(&s->last_ms, e->request.received_ms, memory_order_relaxed);
    if (e->done) e->done(e, OK, e->ctx);
    if (read_back || e->fresh == 0 || !j->o.interpret) {
        journal_entry_free(e);
        return;
    }
    bool room =
        j->pending.count < INTERPRET_QUEUE_MAX && j->pending.bytes < INTERPRET_QUEUE_BYTES_MAX;
    if (room && !j->stored.more) {
        list_push(&j->pending, e);
        return;
    }
    j->stored.more = true; /* from here on read back, so that events stay in order */
    journal_entry_free(e);
}

/* Takes finished entries off `pending`. */
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

static void turn_committed(struct journal *j, struct turn *t)
{
    bool read_back = j->stored.more;
    pending_finish(j, t);
    for (struct journal_entry *e; (e = list_pop(&t->entries));) entry_committed(j, e, read_back);
    for (struct journal_job *job = t->jobs.head, *next; job; job = next) {
        next = job->next;
        if (job->rc == OK && job->entry) entry_committed(j, job->entry, read_back);
        job->done(job, job->rc, &job->why);
    }
    metrics_add(j->o.metrics, METRIC_deliveries_created, t->created);
    if (t->born) deliver_hand(j->o.deliver, t->born);
    if (t->unborn && j->o.deliver) deliver_wake(j->o.deliver, 0);
}

static bool keeps_trying(const struct journal_entry *e)
{
    return e->overload == OVERLOAD_CUT &&
           clock_mono_us() - e->offered_us < (int64_t)ROOM_WAIT_MAX_MS * 1000;
}

/* Nothing of the turn is on disk. What may wait goes back to the head of the queue; the rest is told. */
static void turn_failed(struct journal *j, struct turn *t, enum err rc, const struct why *why)
{
    LOG(j->o.log, LOG_ERROR, "commit.failed", log_why(why),
        log_int("requests", (int64_t)t->entries.count));
    metrics_add(j->o.metrics, METRIC_commit_failures, 1);
    keep_forget_minutes(&j->minutes);
    struct entry_list again;
    list_init(&again);
    for (struct journal_entry *e; (e = list_pop(&t->entries));) {
        if (keeps_trying(e) && !t->stopping) {
            list_push(&again, e);
            continue;
        }
        e->done(e, rc, e->ctx);
        journal_entry_free(e);
    }
    for (struct journal_job *job = t->jobs.head, *next; job; job = next) {
        next = job->next;
        job->done(job, rc, why);
    }
    for (struct leased *d = t->born, *next; d; d = next) {
        next = d->next;
        leased_free(d);
    }
    pthread_mutex_lock(&j->lock);
    for (struct journal_entry *e; (e = list_pop(&j->queue));) list_push(&again, e);
    list_init(&j->queue);
    for (struct journal_entry *e; (e = list_pop(&again));) list_push(&j->queue, e);
    pthread_mutex_unlock(&j->lock);
    struct timespec wait = { 0, RETRY_WAIT_MS * 1000000L };
    nanosleep(&wait, NULL);
}

static void *writer(void *arg)
{
    struct journal *j = arg;
    for (bool more = true; more;) {
        struct turn t = { .born = NULL };
        struct why why = { .code = OK };
        turn_take(j, &t);
        int64_t from_us = clock_mono_us();
        j->busy = t.entries.count > 0;
        j->pressure = t.entries.count > j->pressure ? t.entries.count : j->pressure * 15 / 16;
        enum err rc = turn_work(j, &t, &why);
        int64_t took_us = clock_mono_us() - from_us;
        if (j->busy) j->earned_us += took_us / INTERPRET_SHARE;
        histogram_add(&j->o.metrics->commit, took_us);
        metrics_add(j->o.metrics, METRIC_commits, 1);
        if (rc == OK)
            turn_committed(j, &t);
        else
            turn_failed(j, &t, rc, &why);
        checkpoint_after_commit(j->checkpoint, j->store); /* after everyone was told */
        atomic_store_explicit(&j->o.metrics->interpret_depth, (int64_t)j->pending.count,
                              memory_order_relaxed);
        atomic_store_explicit(&j->o.metrics->interpret_spilled, j->stored.more,
                              memory_order_relaxed);
        more = !t.stopping;
    }
    return NULL;
}

static void journal_free(struct journal *j)
{
    for (struct journal_entry *e; (e = list_pop(&j->pending));)
        journal_entry_free(e); /* pending in the store */
    arena_free(&j->arena);
    checkpoint_stop(j->checkpoint);
    known_close(j->known);
    store_close(j->store);
    pthread_cond_destroy(&j->wake);
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
    list_init(&j->queue);
    list_init(&j->pending);
    j->jobs.tail = &j->jobs.head;
    arena_init(&j->arena, INTERPRET_ARENA_MAX + BODY_MAX_HIGHEST);
    j->stored = (struct interpret_backlog){ EVENT_PENDING, .more = j->o.interpret };
    j->replaying = (struct interpret_backlog){ EVENT_REPLAYING, .more = j->o.interpret };
    enum err rc = store_open(options->database, STORE_WRITER, &j->store, why);
    if (rc == OK) rc = keep_ids_above(j->store, options->ids, why);
    if (rc == OK) rc = mark_get(j->store, MARK_INTERPRETED, &j->stored.after_id, why);
    if (rc == OK)
        rc = known_open(j->store, options->database, options->log,
                        options->keys_in_memory ? options->keys_in_memory : KNOWN_MEMORY_MAX,
                        &j->known, why);
    if (rc == OK) store_own_checkpoints(j->store);
    if (rc == OK) rc = checkpoint_start(options->database, options->log, &j->checkpoint, why);
    if (rc == OK && pthread_create(&j->thread, NULL, writer, j) != 0)
        rc = why_set(why, ERR_IO, "cannot start the writer thread");
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
