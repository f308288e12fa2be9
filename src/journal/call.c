/* call.c: waiting for the writer, for threads that may. */
#include <pthread.h>

#include "journal/journal.h"

/* Something the writer will end, once. */
struct wait {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool end;
};

static void wait_init(struct wait *w)
{
    *w = (struct wait){ .end = false };
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->ended, NULL);
}

static void wait_signal(struct wait *w)
{
    pthread_mutex_lock(&w->lock);
    w->end = true;
    pthread_cond_signal(&w->ended);
    pthread_mutex_unlock(&w->lock);
}

static void wait_for(struct wait *w)
{
    pthread_mutex_lock(&w->lock);
    while (!w->end) pthread_cond_wait(&w->ended, &w->lock);
    pthread_mutex_unlock(&w->lock);
}

static void wait_destroy(struct wait *w)
{
    pthread_cond_destroy(&w->ended);
    pthread_mutex_destroy(&w->lock);
}

/* ---- a job ---- */

struct call {
    struct journal_job job;
    enum err (*run)(void *ctx, struct store *s, struct why *why);
    enum err (*run_entry)(void *ctx, struct store *s, bool *drop, struct why *why); /* or this */
    void *ctx;
    struct wait wait;
    enum err rc;
    struct why why;
};

static enum err call_run(struct journal_job *job, struct store *s, struct why *why)
{
    struct call *c = (struct call *)(void *)job;
    if (c->run) return c->run(c->ctx, s, why);
    bool drop = false;
    enum err rc = c->run_entry(c->ctx, s, &drop, why);
    if (drop) job->entry = NULL;
    return rc;
}

static void call_done(struct journal_job *job, enum err rc, const struct why *why)
{
    struct call *c = (struct call *)(void *)job;
    c->rc = rc;
    c->why = *why;
    wait_signal(&c->wait);
}

static enum err call(struct journal *j, struct call *c, struct why *why)
{
    CHECK(!journal_is_own_thread(j));
    wait_init(&c->wait);
    journal_post(j, &c->job);
    wait_for(&c->wait);
    wait_destroy(&c->wait);
    if (c->rc != OK && why) *why = c->why;
    return c->rc;
}

enum err journal_call(struct journal *j,
                      enum err (*run)(void *ctx, struct store *s, struct why *why), void *ctx,
                      struct why *why)
{
    struct call c = { .job = { .run = call_run, .done = call_done }, .run = run, .ctx = ctx };
    return call(j, &c, why);
}

enum err journal_call_entry(struct journal *j,
                            enum err (*run)(void *ctx, struct store *s, bool *drop,
                                            struct why *why),
                            void *ctx, struct journal_entry *e, struct why *why)
{
    struct call c = { .job = { .run = call_run, .done = call_done, .entry = e },
                      .run_entry = run,
                      .ctx = ctx };
    enum err rc = call(j, &c, why);
    if (rc != OK || !c.job.entry) journal_entry_free(e); /* else the journal's now */
    return rc;
}

/* ---- an entry ---- */

struct enter {
    struct wait wait;
    enum err rc;
    struct journal_receipt receipt;
};

static void entered(struct journal_entry *e, enum err rc, void *ctx)
{
    struct enter *n = ctx;
    n->rc = rc;
    n->receipt = journal_receipt_of(e);
    wait_signal(&n->wait);
}

/* `n` lives until the entry was answered: whoever expects it waits. */
static void expect(struct journal_entry *e, struct enter *n)
{
    e->done = entered;
    e->ctx = n;
}

enum err journal_enter(struct journal *j, struct journal_entry *e, struct journal_receipt *out,
                       struct why *why)
{
    struct enter n = { .rc = OK };
    CHECK(!journal_is_own_thread(j));
    wait_init(&n.wait);
    expect(e, &n);
    enum err rc = journal_offer(j, e);
    if (rc == OK)
        wait_for(&n.wait);
    else
        journal_entry_free(e);
    wait_destroy(&n.wait);
    if (rc != OK) return why_set(why, rc, "too many requests are waiting; send it again");
    *out = n.receipt;
    return n.rc == OK ? OK : why_set(why, ERR_IO, "the request could not be stored; send it again");
}
