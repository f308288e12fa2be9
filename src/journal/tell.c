/* tell.c: the syncer thread: brings what the writer committed onto the disk, and only then tells everyone. See turn.h.
 *
 * Invariants: (1) turns are told in the order of their commits. (2) A turn is told "on disk" only after a sync that began when it was
 * committed, or, if an earlier one failed, after the log was written anew. (3) A turn whose sync failed is told so, although the store may have it:
 * its senders send again and are then known; its events are read back. */
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/thread.h"
#include "deliver/deliver.h"
#include "journal/turn.h"

static void count_entry(struct journal *j, const struct journal_entry *e)
{
    struct metrics *m = j->o.metrics;
    struct source_metrics *s = metrics_source(m, e->source->id);
    int64_t us = clock_mono_us() - e->offered_us;
    metrics_add(m, METRIC_events_stored, e->fresh);
    metrics_add(m, METRIC_events_duplicate, e->duplicates);
    atomic_fetch_add_explicit(&s->duplicates, e->duplicates, memory_order_relaxed);
    if (e->reread) return;           /* the request itself counted when it came */
    if (e->origin.request_id == 0) { /* one that was handed over: nobody waited for it */
        histogram_add(&m->ack, us);
        histogram_add(&s->ack, us);
        metrics_add(m, METRIC_requests_accepted, 1);
    }
    if (e->problem.len) metrics_add(m, METRIC_requests_unreadable, 1);
    atomic_fetch_add_explicit(&s->accepted, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&s->unreadable, e->problem.len > 0, memory_order_relaxed);
    atomic_store_explicit(&s->last_ms, e->request.received_ms, memory_order_relaxed);
}

/* Who is to be woken when all of a turn are answered. */
enum { WAKES_MAX = 8 };
struct wakes {
    struct journal_wake at[WAKES_MAX];
    size_t count;
};

static void answer(struct journal_entry *e, enum err rc, struct wakes *wakes)
{
    struct journal_wake wake = e->wake;
    e->done(e, rc, e->ctx);
    size_t i = 0;
    while (i < wakes->count && wakes->at[i].ctx != wake.ctx) i++;
    if (!wake.up || i < wakes->count) return;
    if (i < WAKES_MAX)
        wakes->at[wakes->count++] = wake;
    else
        wake.up(wake.ctx);
}

static void wake_all(const struct wakes *wakes)
{
    for (size_t i = 0; i < wakes->count; i++) wakes->at[i].up(wakes->at[i].ctx);
}

/* Answers, and puts what is to be interpreted into `told`. */
static void tell_entry(struct journal *j, struct journal_entry *e, struct entry_list *told,
                       struct wakes *wakes)
{
    count_entry(j, e);
    if (e->done) answer(e, OK, wakes);
    if (e->fresh > 0 && j->o.interpret)
        list_push(told, e);
    else
        journal_entry_free(e);
}

static void tell_done(struct journal *j, struct turn *t)
{
    struct entry_list told;
    struct wakes wakes = { .count = 0 };
    list_init(&told);
    /* First, as they were kept first: `told` is in the order of the ids, which the mark of what is interpreted relies on. */
    for (struct journal_entry *e = t->handed, *next; e; e = next) {
        next = e->next;
        tell_entry(j, e, &told, &wakes);
    }
    for (struct journal_entry *e; (e = list_pop(&t->entries));) tell_entry(j, e, &told, &wakes);
    wake_all(&wakes);
    /* Before the jobs: the turn made them before it took those, and the delivery loop, at its end, takes a job that is done for the
     * sign that nothing more comes (wind_up). */
    if (t->born) deliver_hand(j->o.deliver, t->born);
    for (struct journal_job *job = t->jobs.head, *next; job; job = next) {
        next = job->next;
        if (job->rc == OK && job->entry) tell_entry(j, job->entry, &told, &wakes);
        job->done(job, job->rc, &job->why);
    }
    metrics_add(j->o.metrics, METRIC_deliveries_created, t->created);
    if (t->unborn && j->o.deliver) deliver_wake(j->o.deliver, 0);
    if ((t->held || t->noticed) && j->o.deliver) deliver_notices(j->o.deliver, t->held);
    if (t->interpreting && j->o.interpreted) j->o.interpreted(j->o.interpreted_ctx);
    histogram_add(&j->o.metrics->commit, clock_mono_us() - t->from_us);
    metrics_add(j->o.metrics, METRIC_commits, 1);
    pthread_mutex_lock(&j->lock);
    for (struct journal_entry *e; (e = list_pop(&told));) list_push(&j->told, e);
    pthread_mutex_unlock(&j->lock);
}

static bool keeps_trying(const struct journal_entry *e)
{
    return e->overload == OVERLOAD_CUT &&
           clock_mono_us() - e->offered_us < (int64_t)ROOM_WAIT_MAX_MS * 1000;
}

void tell_failed(struct journal *j, struct turn *t, enum err rc, const struct why *why)
{
    LOG(j->o.log, LOG_ERROR, "commit.failed", log_why(why),
        log_int("requests", (int64_t)t->entries.count));
    metrics_add(j->o.metrics, METRIC_commit_failures, 1);
    struct entry_list again, over;
    list_init(&again);
    list_init(&over);
    pthread_mutex_lock(&j->lock);
    for (struct journal_entry *e; (e = list_pop(&t->entries));)
        list_push(keeps_trying(e) && !j->stopping ? &again : &over, e);
    for (struct journal_entry *e; (e = list_pop(&j->queue));) list_push(&again, e);
    j->queue = again;
    if (!again.head) list_init(&j->queue);
    pthread_mutex_unlock(&j->lock);
    struct wakes wakes = { .count = 0 };
    for (struct journal_entry *e; (e = list_pop(&over));) {
        answer(e, rc, &wakes);
        journal_entry_free(e);
    }
    wake_all(&wakes);
    for (struct journal_job *job = t->jobs.head, *next; job; job = next) {
        next = job->next;
        job->done(job, rc, why);
    }
    t->jobs = (struct job_list){ .head = NULL };
    struct timespec wait = { 0, RETRY_WAIT_MS * 1000000L };
    nanosleep(&wait, NULL);
}

/* One sync for all turns of the list. */
static void sync_and_tell(struct journal *j, struct turn *list)
{
    struct why why = { .code = OK };
    enum err rc = store_log_sync(&j->log, &why);
    if (rc != OK) atomic_store(&j->unsound, true);
    if (atomic_load(&j->unsound) && rc == OK) rc = why_set(&why, ERR_IO, "a sync failed before");
    size_t count = 0;
    for (struct turn *t = list; t; t = t->next) count++;
    pthread_mutex_lock(&j->lock);
    if (rc != OK) j->lost = true;
    j->unsynced -= count;
    pthread_mutex_unlock(&j->lock);
    pthread_cond_signal(&j->wake); /* the disk is free, before anyone is told */
    for (struct turn *t = list, *next; t; t = next) {
        next = t->next;
        if (rc == OK) {
            tell_done(j, t);
        } else {
            tell_failed(j, t, rc, &why);
            leased_free_list(t->born); /* the store has them, to be claimed when their lease ends */
            journal_entry_free_list(t->handed); /* and these, to be read back */
        }
        pthread_mutex_lock(&j->lock);
        j->under_way--;
        j->born_under_way -= t->born_count;
        pthread_mutex_unlock(&j->lock);
        pthread_cond_signal(&j->wake);
    }
}

static void *syncer(void *arg)
{
    struct journal *j = arg;
    pthread_mutex_lock(&j->lock);
    for (;;) {
        while (!j->committed && !j->finished) pthread_cond_wait(&j->to_sync, &j->lock);
        struct turn *list = j->committed;
        j->committed = NULL;
        j->committed_tail = &j->committed;
        if (!list) break;
        pthread_mutex_unlock(&j->lock);
        sync_and_tell(j, list);
        pthread_mutex_lock(&j->lock);
    }
    pthread_mutex_unlock(&j->lock);
    return NULL;
}

void tell_offer(struct journal *j, struct turn *t)
{
    t->next = NULL;
    pthread_mutex_lock(&j->lock);
    *j->committed_tail = t;
    j->committed_tail = &t->next;
    j->under_way++;
    j->unsynced++;
    j->born_under_way += t->born_count;
    pthread_mutex_unlock(&j->lock);
    pthread_cond_signal(&j->to_sync);
}

enum err tell_start(struct journal *j, struct why *why)
{
    return thread_start(&j->syncer, "syncer", syncer, j, why);
}

void tell_stop(struct journal *j)
{
    pthread_mutex_lock(&j->lock);
    j->finished = true;
    pthread_cond_signal(&j->to_sync);
    pthread_mutex_unlock(&j->lock);
    pthread_join(j->syncer, NULL);
}
