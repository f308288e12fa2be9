/* checkpoint.c: the thread that copies the log, and the writer's share. */
#include "journal/checkpoint.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/thread.h"

/* Each pass copies what was committed during the one before, a tenth or less of it; the writer's share is what came during the
 * last: a few pages and a short sync instead of tens of milliseconds. */
enum { COPY_PASSES = 3, COPIER_NICE = 10 };

enum state { IDLE, WANTED, COPIED };

struct checkpoint {
    struct store *store;
    struct log *log;
    int64_t pages;
    _Atomic bool *unsound;
    pthread_t thread;
    pthread_mutex_t copying; /* held while pages are copied, or written once more */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    enum state
        state; /* under lock: writer IDLE -> WANTED, thread WANTED -> COPIED, writer COPIED -> IDLE */
    bool stopping; /* under lock */
};

static void copy(struct checkpoint *c, struct store *s)
{
    struct why why;
    pthread_mutex_lock(&c->copying);
    enum err rc = atomic_load(c->unsound) ? OK : store_checkpoint(s, &why);
    if (rc == ERR_IO) atomic_store(c->unsound, true);
    pthread_mutex_unlock(&c->copying);
    if (rc != OK) LOG(c->log, LOG_WARN, "checkpoint.failed", log_why(&why));
}

enum err checkpoint_empty(struct checkpoint *c, struct store *writer, struct why *why)
{
    pthread_mutex_lock(&c->copying);
    enum err rc = atomic_load(c->unsound) ? why_set(why, ERR_BUSY, "a sync failed before")
                                          : store_empty_log(writer, why);
    if (rc == ERR_IO) atomic_store(c->unsound, true);
    pthread_mutex_unlock(&c->copying);
    return rc;
}

enum err checkpoint_make_sound(struct checkpoint *c, struct store *writer, struct why *why)
{
    if (!atomic_load(c->unsound)) return OK;
    pthread_mutex_lock(&c->copying);
    enum err rc = store_log_rewrite(writer, why);
    if (rc == OK) atomic_store(c->unsound, false);
    pthread_mutex_unlock(&c->copying);
    return rc;
}

static void *copier(void *arg)
{
    struct checkpoint *c = arg;
    /* Copying takes tens of milliseconds of a core that acknowledgements want. On Linux a thread has a niceness of its own. */
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), COPIER_NICE);
    pthread_mutex_lock(&c->lock);
    while (!c->stopping) {
        if (c->state != WANTED) {
            pthread_cond_wait(&c->wake, &c->lock);
            continue;
        }
        pthread_mutex_unlock(&c->lock);
        for (int pass = 0; pass < COPY_PASSES; pass++) copy(c, c->store);
        pthread_mutex_lock(&c->lock);
        c->state = COPIED;
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

void checkpoint_after_commit(struct checkpoint *c, struct store *writer, bool pressed)
{
    int64_t pages = store_log_pages(writer);
    int64_t enough = pressed ? c->pages : CHECKPOINT_CALM_FACTOR * c->pages;
    pthread_mutex_lock(&c->lock);
    bool begun = c->state != IDLE;
    if (!begun && pages < enough) {
        pthread_mutex_unlock(&c->lock);
        return;
    }
    bool finish = c->state == COPIED || pages >= CHECKPOINT_MAX_FACTOR * c->pages;
    if (c->state == IDLE) {
        c->state = WANTED;
        pthread_cond_signal(&c->wake);
    }
    pthread_mutex_unlock(&c->lock);
    if (!finish) return;
    copy(
        c,
        writer); /* only what the thread has not; from the next commit on the log is written from its start */
    pthread_mutex_lock(&c->lock);
    if (c->state == COPIED) c->state = IDLE;
    pthread_mutex_unlock(&c->lock);
}

enum err checkpoint_start(const char *database, struct log *log, int64_t pages,
                          _Atomic bool *unsound, struct checkpoint **out, struct why *why)
{
    *out = NULL;
    struct checkpoint *c = calloc(1, sizeof *c);
    if (!c) return why_set(why, ERR_LIMIT, "out of memory");
    c->log = log;
    c->unsound = unsound;
    c->pages = pages ? pages : CHECKPOINT_PAGES;
    pthread_mutex_init(&c->copying, NULL);
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->wake, NULL);
    enum err rc = store_open(database, STORE_WRITER, &c->store, why);
    if (rc == OK) {
        rc = thread_start(&c->thread, "checkpoint", copier, c, why);
        if (rc != OK) store_close(c->store);
    }
    if (rc == OK)
        *out = c;
    else
        free(c);
    return rc;
}

void checkpoint_keep_log(struct checkpoint *c) { store_keep_log(c->store); }

void checkpoint_stop(struct checkpoint *c)
{
    if (!c) return;
    pthread_mutex_lock(&c->lock);
    c->stopping = true;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->lock);
    pthread_join(c->thread, NULL);
    store_close(c->store);
    pthread_cond_destroy(&c->wake);
    pthread_mutex_destroy(&c->lock);
    pthread_mutex_destroy(&c->copying);
    free(c);
}
