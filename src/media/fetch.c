/* fetch.c: the media thread. See media.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/thread.h"
#include "media/fetcher.h"

enum {
    ITEM_ARENA_MAX = 1024 * 1024,
    ITEM_TEXT_MAX = 4096,
    POLL_MAX_MS = 60000,
    LOOK_AGAIN_MS = 50
};

/* Waits before the second and the third try; a link that died costs no wait. */
static const int64_t retry_ms[MEDIA_TRIES_MAX] = { 0, 30 * 1000, 5 * 60 * 1000 };

enum step { STEP_LINK, STEP_BYTES };

/* One file under way. */
struct item {
    struct wire_call call; /* first */
    struct item *next;
    struct media_fetcher *owner;
    struct arena arena;
    struct config *config;
    const struct source *source; /* in config */
    uint64_t id, workspace_id, source_id;
    slice account, external_id, kind, sha256, url;
    int64_t size, url_ms, tries, created_ms, from_us;
    enum step step;
    bool link_was_fresh; /* asked for in this try */
    struct files_draft draft;
    struct why why; /* of the draft */
    /* how it ends */
    enum media_state state;
    int64_t due_ms;
    bool uncounted; /* the try does not count */
    bool written;   /* its row was there to be settled */
    char storage[FILES_HASH_LEN + 1];
    char problem[WHY_TEXT_MAX];
};

static void item_free(struct item *i)
{
    files_drop(&i->draft);
    config_release(i->config);
    arena_free(&i->arena);
    free(i);
}

/* ---- what is written down; on the writer thread ---- */

struct claim {
    struct item *item;
    int64_t now_ms;
    bool ours;
};

static enum err claim_run(void *ctx, struct store *s, struct why *why)
{
    struct claim *c = ctx;
    struct stmt *q = store_stmt(s, SQL_MEDIA_CLAIM, why);
    stmt_i64(q, 1, (int64_t)c->item->workspace_id);
    stmt_i64(q, 2, (int64_t)c->item->id);
    stmt_i64(q, 3, c->now_ms + MEDIA_LEASE_MS);
    stmt_i64(q, 4, c->now_ms);
    enum err rc = stmt_run(q, why);
    c->ours = rc == OK && store_changes(s) > 0;
    return rc;
}

static enum err settle_run(void *ctx, struct store *s, struct why *why)
{
    struct item *i = ctx;
    struct stmt *q = store_stmt(s, SQL_MEDIA_SETTLE, why);
    stmt_i64(q, 1, (int64_t)i->workspace_id);
    stmt_i64(q, 2, (int64_t)i->id);
    stmt_i64(q, 3, i->state);
    stmt_i64(q, 4, i->due_ms);
    stmt_i64(q, 5, i->uncounted);
    stmt_text(q, 6, slice_str(i->storage));
    stmt_i64(q, 7, i->size);
    stmt_text(q, 8, slice_str(i->problem));
    stmt_i64(q, 9, clock_wall_ms());
    enum err rc = stmt_run(q, why);
    i->written = rc != OK || store_changes(s) > 0;
    return rc;
}

/* ---- ends ---- */

/* Its message was erased while it came: nobody ever meant the file. Under the depot's lock. */
static void forget_file(struct item *i)
{
    struct media_fetcher *m = i->owner;
    struct why why = { .code = OK };
    bool used = true;
    enum err rc = prune_is_used(m->reader, slice_str(i->storage), &used, &why);
    if (!used) rc = depot_remove(m->o.depot, slice_str(i->storage), &why);
    if (rc != OK) LOG(m->o.log, LOG_ERROR, "media.not_removed", log_why(&why));
}

/* With i->storage set: under the depot's lock. */
static void end(struct item *i, enum media_state state, int64_t due_ms)
{
    struct media_fetcher *m = i->owner;
    struct why why;
    i->state = state;
    i->due_ms = due_ms;
    /* When this fails the lease runs out, and the file is fetched once more. */
    if (journal_call(m->journal, settle_run, i, &why) != OK)
        LOG(m->o.log, LOG_ERROR, "media.unsettled", log_id("media", ID_MEDIA, i->id),
            log_why(&why));
    if (i->storage[0] && !i->written) forget_file(i);
    if (i->storage[0]) {
        metrics_add(m->o.metrics, METRIC_media_downloaded, 1);
        histogram_add(&m->o.metrics->media, clock_mono_us() - i->from_us);
    } else if (state != MEDIA_PENDING) {
        metrics_add(m->o.metrics, METRIC_media_failed, 1);
        LOG(m->o.log, LOG_WARN, "media.failed", log_id("media", ID_MEDIA, i->id),
            log_cstr("why", i->problem));
    }
    struct item **link = &m->under_way;
    while (*link != i) link = &(*link)->next;
    *link = i->next;
    m->count--;
    m->ended = true;
    item_free(i);
}

/* Again later, or never. */
static void fail(struct item *i, int64_t wait_ms, const char *fmt, ...) PRINTF_LIKE(3, 4);
static void fail(struct item *i, int64_t wait_ms, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(i->problem, sizeof i->problem, fmt, args);
    va_end(args);
    if (i->tries >= MEDIA_TRIES_MAX) {
        end(i, MEDIA_FAILED, 0);
        return;
    }
    int64_t own_ms = retry_ms[i->tries];
    end(i, MEDIA_PENDING, clock_wall_ms() + (wait_ms > own_ms ? wait_ms : own_ms));
}

static void fail_for_good(struct item *i, enum media_state state, const char *what)
{
    (void)snprintf(i->problem, sizeof i->problem, "%s", what);
    end(i, state, 0);
}

/* ---- the two steps ---- */

static void on_link(struct wire_call *call);
static void on_bytes(struct wire_call *call);

static bool on_piece(struct wire_call *call, slice bytes)
{
    struct item *i = (struct item *)(void *)call;
    int64_t max = i->source->kind->media->size_max(i->kind);
    if (i->draft.size + (int64_t)bytes.len > max)
        return why_set(&i->why, ERR_SYNTAX, "larger than %lld bytes", (long long)max) == OK;
    return files_add(&i->draft, bytes, &i->why) == OK;
}

static void begin_step(struct item *i, enum step step)
{
    struct media_fetcher *m = i->owner;
    const struct source_media *kind = i->source->kind->media;
    struct why why = { .code = OK };
    i->step = step;
    i->call.out = (struct outgoing){ .header_count = 0 };
    i->call.arena = &i->arena;
    i->call.timeout_ms = MEDIA_TIMEOUT_MS;
    i->call.sink = step == STEP_BYTES ? on_piece : NULL;
    i->call.done = step == STEP_BYTES ? on_bytes : on_link;
    enum err rc =
        step == STEP_BYTES
            ? kind->fetch(i->url, &i->source->cfg, &i->arena, &i->call.out, &why)
            : kind->ask(i->account, i->external_id, &i->source->cfg, &i->arena, &i->call.out, &why);
    if (rc == OK && step == STEP_BYTES) {
        files_drop(&i->draft);
        i->why = (struct why){ .code = OK };
        rc = files_begin(&m->o.depot->kept, i->id, &i->draft, &why);
    }
    if (rc == OK && (rc = wire_send(m->wire, &i->call)) != OK)
        (void)why_set(&why, rc, "out of memory");
    if (rc == ERR_DENIED && step == STEP_BYTES && !i->link_was_fresh)
        begin_step(i, STEP_LINK); /* a payload's link that leads elsewhere is none */
    else if (rc == ERR_DENIED || rc == ERR_MISSING)
        fail_for_good(i, MEDIA_FAILED, why.text);
    else if (rc != OK)
        fail(i, 0, "%s", why.text);
}

static bool is_gone(const struct item *i)
{
    int64_t keep_ms = i->source->kind->media->keep_ms;
    return keep_ms > 0 && clock_wall_ms() - i->created_ms > keep_ms;
}

static void on_link(struct wire_call *call)
{
    struct item *i = (struct item *)(void *)call;
    const struct reply *r = &call->reply;
    struct media_link link = { .size = 0 };
    struct why why;
    hide_secrets(call, &i->source->cfg);
    if (r->status == 404 || (r->status == 400 && is_gone(i))) {
        fail_for_good(i, MEDIA_EXPIRED, "the platform does not have the file any more");
    } else if (r->status != 200) {
        fail(i, r->retry_after_ms, "asking for a link: %s %d", r->status ? "answered" : "no answer",
             r->status);
    } else if (i->source->kind->media->link(r, &i->arena, &link, &why) != OK) {
        fail(i, 0, "asking for a link: %s", why.text);
    } else {
        i->url = link.url;
        i->link_was_fresh = true;
        if (i->sha256.len == 0) i->sha256 = link.sha256;
        if (i->size == 0) i->size = link.size;
        begin_step(i, STEP_BYTES);
    }
}

/* Length and digest as promised? */
static bool is_whole(struct item *i, slice digest)
{
    if (i->size > 0 && i->draft.size != i->size)
        return why_set(&i->why, ERR_IO, "%lld bytes came instead of %lld", (long long)i->draft.size,
                       (long long)i->size) == OK;
    if (i->sha256.len && !slice_eq(i->sha256, digest))
        return why_set(&i->why, ERR_IO, "the bytes are not those of the digest") == OK;
    return true;
}

static void on_bytes(struct wire_call *call)
{
    struct item *i = (struct item *)(void *)call;
    const struct reply *r = &call->reply;
    if ((r->status == 401 || r->status == 404) && !i->link_was_fresh) {
        begin_step(i, STEP_LINK); /* the link of the webhook has died: a new one, at once */
        return;
    }
    if (i->why.code == ERR_SYNTAX) {
        fail_for_good(i, MEDIA_FAILED, i->why.text);
        return;
    }
    if (r->status != 200) {
        if (i->why.code != OK)
            fail(i, 0, "%s", i->why.text);
        else
            fail(i, r->retry_after_ms, "downloading: %s %d", r->status ? "answered" : "broken off",
                 r->status);
        return;
    }
    struct depot *depot = i->owner->o.depot;
    slice digest = files_digest(&i->draft, i->storage);
    int64_t size = i->draft.size;
    depot_lock(depot); /* until its row says that somebody means it */
    if (!is_whole(i, digest) || files_keep(&depot->kept, &i->draft, digest, &i->why) != OK) {
        i->storage[0] = '\0';
        fail(i, 0, "%s", i->why.text);
    } else {
        i->size = size;
        end(i, depot->remote ? MEDIA_PENDING : MEDIA_DOWNLOADED,
            depot->remote ? clock_wall_ms() : 0);
    }
    depot_unlock(depot);
}

/* ---- the loop ---- */

static struct item *read_item(struct media_fetcher *m, struct stmt *q)
{
    struct item *i = calloc(1, sizeof *i);
    if (!i) return NULL;
    i->owner = m;
    i->draft.fd = -1;
    i->from_us = clock_mono_us();
    arena_init(&i->arena, ITEM_ARENA_MAX);
    i->id = (uint64_t)stmt_col_i64(q, 0);
    i->workspace_id = (uint64_t)stmt_col_i64(q, 1);
    i->source_id = (uint64_t)stmt_col_i64(q, 2);
    i->account = arena_dup(&i->arena, stmt_col_text(q, 3));
    i->external_id = arena_dup(&i->arena, stmt_col_text(q, 4));
    i->kind = arena_dup(&i->arena, stmt_col_text(q, 5));
    i->sha256 = arena_dup(&i->arena, stmt_col_text(q, 6));
    i->size = stmt_col_i64(q, 7);
    i->url = arena_dup(&i->arena, stmt_col_text(q, 8));
    i->url_ms = stmt_col_i64(q, 9);
    i->tries = stmt_col_i64(q, 10) + 1; /* this one */
    i->created_ms = stmt_col_i64(q, 11);
    return i;
}

static bool is_under_way(const struct media_fetcher *m, uint64_t id)
{
    for (const struct item *i = m->under_way; i; i = i->next)
        if (i->id == id) return true;
    return false;
}

static size_t share_of(const struct media_fetcher *m, uint64_t workspace_id)
{
    size_t n = 0;
    for (const struct item *i = m->under_way; i; i = i->next) n += i->workspace_id == workspace_id;
    return n;
}

/* The workspace that has its share under way; 0: none. There can be one. */
static uint64_t sated(const struct media_fetcher *m)
{
    _Static_assert(2 * MEDIA_SHARE_MAX > MEDIA_PARALLEL_MAX, "two have no room for their shares");
    for (const struct item *i = m->under_way; i; i = i->next)
        if (share_of(m, i->workspace_id) >= MEDIA_SHARE_MAX) return i->workspace_id;
    return 0;
}

static struct item *read_due(struct media_fetcher *m, int64_t now_ms)
{
    struct why why = { .code = OK };
    struct item *list = NULL;
    bool row = true;
    struct stmt *q = store_stmt(m->reader, SQL_MEDIA_DUE, &why);
    stmt_i64(q, 1, now_ms);
    stmt_i64(q, 2, MEDIA_PARALLEL_MAX);
    stmt_i64(q, 3, (int64_t)sated(m));
    while (stmt_step(q, &row, &why) == OK && row) {
        struct item *i = read_item(m, q);
        if (!i) break;
        i->next = list;
        list = i;
    }
    stmt_reset(q);
    if (why.code != OK) LOG(m->o.log, LOG_ERROR, "media.unread", log_why(&why));
    return list;
}

static void begin(struct media_fetcher *m, struct item *i, int64_t now_ms)
{
    struct why why;
    struct claim c = { .item = i, .now_ms = now_ms };
    enum err rc = journal_call(m->journal, claim_run, &c, &why);
    if (rc != OK || !c.ours) {
        item_free(i);
        return;
    }
    i->next = m->under_way;
    m->under_way = i;
    m->count++;
    i->config = config_hold(m->o.config);
    i->source = config_source_by_id(i->config, i->source_id);
    if (!i->source || !i->source->kind->media)
        fail_for_good(i, MEDIA_FAILED, "its source was deleted");
    else if (i->url.len && now_ms - i->url_ms < i->source->kind->media->link_ms)
        begin_step(i, STEP_BYTES);
    else
        begin_step(i, STEP_LINK);
}

static void begin_due(struct media_fetcher *m)
{
    int64_t now_ms = clock_wall_ms();
    for (struct item *i = read_due(m, now_ms), *next; i; i = next) {
        next = i->next;
        if (m->count >= MEDIA_PARALLEL_MAX || is_under_way(m, i->id) ||
            share_of(m, i->workspace_id) >= MEDIA_SHARE_MAX)
            item_free(i);
        else
            begin(m, i, now_ms);
    }
}

/* How long nothing is due, at most POLL_MAX_MS. */
static int64_t next_wait_ms(struct media_fetcher *m)
{
    struct why why;
    bool row = false;
    if (m->count >= MEDIA_PARALLEL_MAX) return POLL_MAX_MS;
    struct stmt *q = store_stmt(m->reader, SQL_MEDIA_NEXT_DUE, &why);
    stmt_i64(q, 1, (int64_t)sated(m));
    int64_t wait_ms = POLL_MAX_MS;
    if (stmt_step(q, &row, &why) == OK && row && !stmt_col_null(q, 0))
        wait_ms = stmt_col_i64(q, 0) - clock_wall_ms();
    stmt_reset(q);
    if (wait_ms < LOOK_AGAIN_MS) wait_ms = LOOK_AGAIN_MS;
    return wait_ms < POLL_MAX_MS ? wait_ms : POLL_MAX_MS;
}

/* What a killed process had under way is nobody's: only one hub runs on a database. */
static enum err take_back(void *ctx, struct store *s, struct why *why)
{
    const int64_t *boot_ms = ctx;
    struct stmt *q = store_stmt(s, SQL_MEDIA_TAKE_BACK, why);
    stmt_i64(q, 1, *boot_ms);
    return stmt_run(q, why);
}

static void *fetcher(void *arg)
{
    struct media_fetcher *m = arg;
    struct why why;
    int64_t boot_ms = clock_wall_ms();
    if (journal_call(m->journal, take_back, &boot_ms, &why) != OK)
        LOG(m->o.log, LOG_ERROR, "media.unsettled", log_why(&why)); /* their leases run out */
    if (m->bucket) adopt_folder(m);
    retain_start(m);
    while (!atomic_load(&m->stopping)) {
        atomic_store(&m->woken, false);
        m->ended = false;
        begin_due(m);
        int64_t wait_ms = next_wait_ms(m), bucket_ms = m->bucket ? bucket_turn(m->bucket) : wait_ms;
        int64_t post_ms = post_turn(m), retain_ms = retain_turn(m);
        if (bucket_ms < wait_ms) wait_ms = bucket_ms;
        if (retain_ms < wait_ms) wait_ms = retain_ms;
        int64_t until_ms = clock_mono_ms() + (post_ms < wait_ms ? post_ms : wait_ms);
        /* Until something is due, something ended, or somebody says that there is more. */
        for (int64_t left; (left = until_ms - clock_mono_ms()) > 0 && !m->ended &&
                           !atomic_load(&m->woken) && !atomic_load(&m->stopping);)
            wire_poll(m->wire, left);
        if (m->count == MEDIA_PARALLEL_MAX) wire_poll(m->wire, LOOK_AGAIN_MS);
    }
    while (m->under_way) {
        struct item *i = m->under_way;
        wire_cancel(m->wire, &i->call);
        i->uncounted = true;
        end(i, MEDIA_PENDING, clock_wall_ms());
    }
    if (m->bucket) bucket_stop(m->bucket); /* tells posts that wait for a file */
    post_stop(m);
    return NULL;
}

void media_wake(struct media_fetcher *m)
{
    if (m && !atomic_exchange(&m->woken, true)) wire_wake(m->wire);
}

enum err media_new(const struct media_options *options, struct media_fetcher **out, struct why *why)
{
    *out = NULL;
    struct media_fetcher *m = calloc(1, sizeof *m);
    if (!m) return why_set(why, ERR_LIMIT, "out of memory");
    m->o = *options;
    enum err rc = store_open(options->database, STORE_READER, &m->reader, why);
    if (rc == OK) rc = wire_new(options->guard, options->metrics, options->ca_file, &m->wire, why);
    if (rc == OK && options->depot->remote) rc = bucket_new(m, why);
    if (rc == OK)
        *out = m;
    else
        media_free(m);
    return rc;
}

enum err media_start(struct media_fetcher *m, struct journal *journal, struct why *why)
{
    m->journal = journal;
    enum err rc = thread_start(&m->thread, "media", fetcher, m, why);
    m->started = rc == OK;
    return rc;
}

void media_stop(struct media_fetcher *m)
{
    if (!m || !m->started) return;
    atomic_store(&m->stopping, true);
    wire_wake(m->wire);
    pthread_join(m->thread, NULL);
    m->started = false;
}

void media_free(struct media_fetcher *m)
{
    if (!m) return;
    bucket_free(m->bucket);
    wire_free(m->wire);
    store_close(m->reader);
    free(m);
}
