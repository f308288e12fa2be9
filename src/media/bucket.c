/* bucket.c: carries files to the S3 bucket, fetches those that somebody reads, deletes what nobody means any more. Part of the media
 * thread: its wire, its reading connection.
 *
 * The unit is a file, that is a digest, however many rows mean it. Moves of a row with `storage` set:
 *   PENDING -> DOWNLOADED carried | PENDING -> PENDING (later) failed | DOWNLOADED -> PENDING adopted from a folder, at the start
 * Invariants: (1) A file is under way once, in one direction: what would be carried while it is being deleted waits, and the other way
 * round. (2) A row with `storage` is on disk before its file is carried, and a removal is on disk before it is deleted: whatever kills
 * the process, the next one finds what it had to do, and doing it twice is doing it once. (3) Nothing is deleted that a row means.
 * A bucket that refuses or is away costs no tries: files wait, downloads from the platforms go on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "media/fetcher.h"

enum {
    PUTS_MAX = 4,
    GETS_MAX = 4,
    REMOVALS_MAX = 2,
    LOOK_AT_MAX = 64, /* rows read in one turn */
    WAITS_MAX = 64,   /* readers that wait at once */
    TRANSFER_ARENA_MAX = 256 * 1024,
    PUT_TIMEOUT_MS = 10 * 60 * 1000,
    GET_TIMEOUT_MS = 10 * 60 * 1000,
    REMOVE_TIMEOUT_MS = 30 * 1000,
    PAUSE_FIRST_MS = 1000, /* after a failure; doubled up to the next */
    PAUSE_MAX_MS = 5 * 60 * 1000,
    REMOVAL_DOUBLED_MAX = 10, /* of one file, by its tries: at most 17 minutes */
    QUIET_MS = 60 * 1000,
    LOOK_AGAIN_MS = 50
};

enum direction { PUT, GET, REMOVE };

struct transfer {
    struct wire_call call; /* first */
    struct transfer *next;
    struct bucket *bucket;
    enum direction what;
    char hash[FILES_HASH_LEN + 1];
    struct arena arena;
    struct wire_file file;    /* PUT */
    struct files_draft draft; /* GET */
    struct why why;           /* of the draft */
    int64_t tries;            /* REMOVE: before this one */
};

struct bucket {
    struct media_fetcher *m;
    struct transfer *under_way;
    size_t count[3];
    uint64_t drafts;
    /* Nothing is carried up until then. */
    int64_t pause_ms, paused_until_ms; /* monotonic */
    pthread_mutex_t lock;              /* what other threads touch: */
    struct media_wait *waits;
    size_t wait_count;
    bool closed;
    char problem[WHY_TEXT_MAX]; /* of the last failure; "": it works */
};

static slice hash_of(const struct transfer *t) { return slice_of(t->hash, FILES_HASH_LEN); }

static struct transfer *find(const struct bucket *b, slice hash)
{
    struct transfer *t = b->under_way;
    while (t && !slice_eq(hash_of(t), hash)) t = t->next;
    return t;
}

static void transfer_end(struct transfer *t)
{
    struct bucket *b = t->bucket;
    struct transfer **link = &b->under_way;
    while (*link && *link != t) link = &(*link)->next;
    if (*link) {
        *link = t->next;
        b->count[t->what]--;
        b->m->ended = true;
    }
    if (t->what == PUT && t->file.fd >= 0) close(t->file.fd);
    files_drop(&t->draft);
    arena_free(&t->arena);
    free(t);
}

static struct transfer *transfer_new(struct bucket *b, enum direction what, slice hash)
{
    struct transfer *t = calloc(1, sizeof *t);
    if (!t) return NULL;
    t->bucket = b;
    t->what = what;
    t->file.fd = t->draft.fd = -1;
    memcpy(t->hash, hash.ptr, FILES_HASH_LEN);
    arena_init(&t->arena, TRANSFER_ARENA_MAX);
    return t;
}

/* ERR_LIMIT: no memory; the transfer is gone then. */
static enum err transfer_send(struct transfer *t, const char *method, int64_t timeout_ms,
                              void (*done)(struct wire_call *), struct why *why)
{
    struct bucket *b = t->bucket;
    const struct s3 *s3 = &b->m->o.depot->s3;
    slice payload = t->what == PUT ? hash_of(t) : (slice){ NULL, 0 };
    t->call.arena = &t->arena;
    t->call.timeout_ms = timeout_ms;
    t->call.signer = &s3->signer;
    t->call.file = t->what == PUT ? &t->file : NULL;
    t->call.done = done;
    enum err rc = s3_request(s3, method, s3_name(hash_of(t), &t->arena), payload, &t->arena,
                             &t->call.out, why);
    if (rc == OK && (rc = wire_send(b->m->wire, &t->call)) != OK)
        (void)why_set(why, rc, "out of memory");
    if (rc == OK) {
        t->next = b->under_way;
        b->under_way = t;
        b->count[t->what]++;
    } else {
        transfer_end(t);
    }
    return rc;
}

/* ---- what is written down; on the writer thread ---- */

struct note {
    enum sql sql;
    slice hash;
    int64_t at_ms;       /* $2; < 0: the statement has none */
    const char *problem; /* $3, and the time in $4; NULL: neither */
};

static enum err note_run(void *ctx, struct store *s, struct why *why)
{
    const struct note *n = ctx;
    struct stmt *q = store_stmt(s, n->sql, why);
    stmt_text(q, 1, n->hash);
    if (n->at_ms >= 0) stmt_i64(q, 2, n->at_ms);
    if (n->problem) stmt_text(q, 3, slice_str(n->problem));
    if (n->problem) stmt_i64(q, 4, clock_wall_ms());
    return stmt_run(q, why);
}

/* What cannot be written down is done again. */
static bool note(struct bucket *b, struct note n)
{
    struct why why;
    if (journal_call(b->m->journal, note_run, &n, &why) == OK) return true;
    LOG(b->m->o.log, LOG_ERROR, "media.unsettled", log_why(&why));
    return false;
}

/* Does the statement count any row? `unread`: what to believe when it cannot be read. */
static bool counts(struct bucket *b, enum sql sql, slice hash, bool unread)
{
    struct why why;
    bool row = false;
    struct stmt *q = store_stmt(b->m->reader, sql, &why);
    stmt_text(q, 1, hash);
    enum err rc = stmt_step(q, &row, &why);
    bool any = rc == OK ? row && stmt_col_i64(q, 0) > 0 : unread;
    stmt_reset(q);
    return any;
}

/* ---- how the bucket does ---- */

static void set_problem(struct bucket *b, const char *text)
{
    pthread_mutex_lock(&b->lock);
    bool fresh = (b->problem[0] == '\0') != (text[0] == '\0');
    (void)snprintf(b->problem, sizeof b->problem, "%s", text);
    pthread_mutex_unlock(&b->lock);
    if (fresh && text[0])
        LOG(b->m->o.log, LOG_ERROR, "media.bucket_failing", log_cstr("why", text));
    else if (fresh)
        LOG(b->m->o.log, LOG_INFO, "media.bucket_works", log_int("waited_ms", b->pause_ms));
}

static void works(struct bucket *b)
{
    set_problem(b, "");
    b->pause_ms = 0;
    b->paused_until_ms = 0;
}

static int64_t fails(struct bucket *b, const struct reply *r, const char *problem)
{
    int64_t now_ms = clock_mono_ms();
    metrics_add(b->m->o.metrics, METRIC_bucket_failures, 1);
    /* Several that were under way at once fail together: that is one failure. */
    if (now_ms >= b->paused_until_ms) {
        b->pause_ms = b->pause_ms ? b->pause_ms * 2 : PAUSE_FIRST_MS;
        if (b->pause_ms > PAUSE_MAX_MS) b->pause_ms = PAUSE_MAX_MS;
        if (b->pause_ms < r->retry_after_ms && r->retry_after_ms < PAUSE_MAX_MS)
            b->pause_ms = r->retry_after_ms;
        b->paused_until_ms = now_ms + b->pause_ms;
    }
    set_problem(b, problem);
    return b->pause_ms;
}

/* ---- to the bucket ---- */

static void carried(struct bucket *b, slice hash)
{
    struct why why;
    /* The rows first: a file that only the cache holds may be dropped. */
    if (!note(b, (struct note){ SQL_MEDIA_CARRIED, hash, clock_wall_ms(), NULL })) return;
    if (depot_carried(b->m->o.depot, hash, &why) != OK)
        LOG(b->m->o.log, LOG_ERROR, "media.not_cached",
            log_why(&why)); /* adopted at the next start */
    depot_shrink(b->m->o.depot);
}

static void on_put(struct wire_call *call)
{
    struct transfer *t = (struct transfer *)(void *)call;
    struct bucket *b = t->bucket;
    struct why why;
    if (s3_took(&call->reply)) {
        works(b);
        metrics_add(b->m->o.metrics, METRIC_bucket_put, 1);
        carried(b, hash_of(t));
    } else {
        (void)s3_refusal(&call->reply, &why);
        int64_t wait_ms = fails(b, &call->reply, why.text);
        (void)note(b, (struct note){ SQL_MEDIA_CARRY_LATER, hash_of(t), clock_wall_ms() + wait_ms,
                                     why.text });
    }
    transfer_end(t);
}

/* The file is gone from the folder, by a hand that is not ours: there is nothing to carry, but perhaps still something to fetch. */
static void lost(struct bucket *b, slice hash, const struct why *why)
{
    LOG(b->m->o.log, LOG_ERROR, "media.lost", log_why(why));
    (void)note(b, (struct note){ SQL_MEDIA_LOST, hash, clock_wall_ms(), NULL });
}

static void begin_put(struct bucket *b, slice hash)
{
    struct why why = { .code = OK };
    struct transfer *t = transfer_new(b, PUT, hash);
    if (!t) return;
    enum err rc = depot_read(b->m->o.depot, hash, &t->file.fd, &t->file.size, &why);
    if (rc == OK && counts(b, SQL_MEDIA_CARRIED_BEFORE, hash, false)) {
        carried(b, hash); /* the same bytes are in the bucket already */
        transfer_end(t);
    } else if (rc == OK) {
        if (transfer_send(t, "PUT", PUT_TIMEOUT_MS, on_put, &why) != OK)
            LOG(b->m->o.log, LOG_ERROR, "media.unsent", log_why(&why));
    } else {
        transfer_end(t);
        if (rc == ERR_MISSING) lost(b, hash, &why);
    }
}

struct due_file {
    char hash[FILES_HASH_LEN];
    int64_t tries;
};

/* Reads at most LOOK_AT_MAX files that are due, the oldest first; *next_ms: when the first is due that is not. */
static size_t read_due(struct bucket *b, enum sql sql, struct due_file *out, int64_t *next_ms)
{
    struct why why = { .code = OK };
    size_t count = 0;
    bool row = true;
    int64_t now_ms = clock_wall_ms();
    struct stmt *q = store_stmt(b->m->reader, sql, &why);
    stmt_i64(q, 1, LOOK_AT_MAX);
    while (count < LOOK_AT_MAX && stmt_step(q, &row, &why) == OK && row) {
        slice text = stmt_col_text(q, 0);
        int64_t due_ms = stmt_col_i64(q, 1);
        if (due_ms > now_ms) {
            if (due_ms - now_ms < *next_ms) *next_ms = due_ms - now_ms;
            break;
        }
        if (text.len != FILES_HASH_LEN) continue;
        memcpy(out[count].hash, text.ptr, FILES_HASH_LEN);
        out[count++].tries = stmt_col_i64(q, 2);
    }
    stmt_reset(q);
    if (why.code != OK) LOG(b->m->o.log, LOG_ERROR, "media.unread", log_why(&why));
    return count;
}

/* ---- out of the bucket ---- */

static void removed(struct bucket *b, slice hash)
{
    struct why why;
    depot_lock(b->m->o.depot); /* once more: a reader's download may have ended meanwhile */
    bool used = counts(b, SQL_PRUNE_USED, hash, true);
    enum err rc = used ? OK : depot_remove(b->m->o.depot, hash, &why);
    depot_unlock(b->m->o.depot);
    if (rc != OK) LOG(b->m->o.log, LOG_ERROR, "media.not_removed", log_why(&why));
    (void)note(b, (struct note){ SQL_MEDIA_REMOVAL_DONE, hash, -1, NULL });
}

static void on_removed(struct wire_call *call)
{
    struct transfer *t = (struct transfer *)(void *)call;
    struct bucket *b = t->bucket;
    struct why why = { .code = OK };
    int status = call->reply.status;
    if (status == 200 || status == 204 || s3_refusal(&call->reply, &why) == ERR_MISSING) {
        metrics_add(b->m->o.metrics, METRIC_bucket_removed, 1);
        removed(b, hash_of(t));
    } else {
        /* No reason to stop carrying: a key may put files there without being allowed to delete any. */
        int64_t wait_ms = fetcher_wait_ms(PAUSE_FIRST_MS, t->tries, REMOVAL_DOUBLED_MAX);
        metrics_add(b->m->o.metrics, METRIC_bucket_failures, 1);
        LOG(b->m->o.log, LOG_ERROR, "media.not_removed", log_int("tries", t->tries + 1),
            log_why(&why));
        (void)note(b, (struct note){ SQL_MEDIA_REMOVAL_LATER, hash_of(t), clock_wall_ms() + wait_ms,
                                     NULL });
    }
    transfer_end(t);
}

static void begin_removal(struct bucket *b, slice hash, int64_t tries)
{
    struct why why;
    /* Somebody means it (again): it stays. From here on nobody can carry it until it is gone. */
    if (counts(b, SQL_PRUNE_USED, hash, true)) {
        (void)note(b, (struct note){ SQL_MEDIA_REMOVAL_DONE, hash, -1, NULL });
        return;
    }
    struct transfer *t = transfer_new(b, REMOVE, hash);
    if (t) t->tries = tries;
    if (t && transfer_send(t, "DELETE", REMOVE_TIMEOUT_MS, on_removed, &why) != OK)
        LOG(b->m->o.log, LOG_ERROR, "media.unsent", log_why(&why));
}

/* ---- from the bucket, for readers ---- */

/* Answers everyone who waits for the file (hash.len 0: everyone whose time is up at `now_ms`). */
static void answer(struct bucket *b, slice hash, int64_t now_ms, enum err rc, const struct why *why)
{
    struct media_wait *mine = NULL;
    pthread_mutex_lock(&b->lock);
    for (struct media_wait **link = &b->waits, *w; (w = *link);) {
        bool is_meant =
            hash.len ? slice_eq(slice_of(w->hash, FILES_HASH_LEN), hash) : w->until_ms <= now_ms;
        if (!is_meant) {
            link = &w->next;
            continue;
        }
        *link = w->next;
        w->next = mine;
        mine = w;
        b->wait_count--;
    }
    pthread_mutex_unlock(&b->lock);
    for (struct media_wait *w = mine, *next; w; w = next) {
        struct why own = { .code = OK };
        int fd = -1;
        int64_t size = 0;
        next = w->next;
        if (rc == OK) {
            enum err read =
                depot_read(b->m->o.depot, slice_of(w->hash, FILES_HASH_LEN), &fd, &size, &own);
            w->done(w, read, fd, size, &own);
        } else {
            w->done(w, rc, -1, 0, why);
        }
    }
}

static bool on_piece(struct wire_call *call, slice bytes)
{
    struct transfer *t = (struct transfer *)(void *)call;
    if (t->draft.size + (int64_t)bytes.len > MEDIA_SIZE_MAX)
        return why_set(&t->why, ERR_REMOTE, "S3: more bytes than any file has") == OK;
    return files_add(&t->draft, bytes, &t->why) == OK;
}

/* The bytes as they came: those of the digest, and of somebody still? Then they are the cache's. */
static enum err take(struct transfer *t, struct why *why)
{
    struct depot *d = t->bucket->m->o.depot;
    char digest[FILES_HASH_LEN];
    if (!slice_eq(files_digest(&t->draft, digest), hash_of(t)))
        return why_set(why, ERR_REMOTE, "S3: the bytes in the bucket are not those of the file");
    depot_lock(d);
    enum err rc = counts(t->bucket, SQL_PRUNE_USED, hash_of(t), true)
                      ? depot_cached(d, &t->draft, hash_of(t), why)
                      : why_set(why, ERR_MISSING, "the file was deleted");
    depot_unlock(d);
    return rc;
}

static void on_got(struct wire_call *call)
{
    struct transfer *t = (struct transfer *)(void *)call;
    struct bucket *b = t->bucket;
    struct why why = { .code = OK };
    enum err rc = OK;
    if (call->reply.status == 200) {
        rc = take(t, &why);
        if (rc == OK) metrics_add(b->m->o.metrics, METRIC_bucket_got, 1);
    } else if (t->why.code != OK) {
        why = t->why;
        rc = why.code;
    } else {
        rc = s3_refusal(&call->reply, &why);
    }
    if (rc != OK) {
        char id
            [17]; /* enough to find it by, and not the whole of a digest that may be somebody's photograph */
        (void)snprintf(id, sizeof id, "%.16s", t->hash);
        metrics_add(b->m->o.metrics, METRIC_bucket_failures, 1);
        LOG(b->m->o.log, LOG_ERROR, "media.unreadable", log_cstr("file", id), log_why(&why));
        /* The operator's trouble, not the reader's right, nor the size of what he asked for. */
        if (rc == ERR_DENIED) rc = ERR_REMOTE;
        if (rc == ERR_LIMIT) rc = ERR_IO;
    }
    answer(b, hash_of(t), 0, rc, &why);
    transfer_end(t);
    depot_shrink(b->m->o.depot); /* after those who waited have it open */
}

static void begin_get(struct bucket *b, slice hash)
{
    struct why why = { .code = OK };
    struct transfer *t = transfer_new(b, GET, hash);
    if (!t) return;
    enum err rc = files_begin(&b->m->o.depot->cache, ++b->drafts, &t->draft, &why);
    t->call.sink = on_piece;
    if (rc == OK)
        rc = transfer_send(t, "GET", GET_TIMEOUT_MS, on_got, &why);
    else
        transfer_end(t);
    if (rc != OK) answer(b, hash, 0, rc, &why);
}

static void begin_gets(struct bucket *b)
{
    char hash[GETS_MAX][FILES_HASH_LEN];
    size_t count = 0;
    pthread_mutex_lock(&b->lock);
    for (struct media_wait *w = b->waits; w && count + b->count[GET] < GETS_MAX; w = w->next) {
        bool twice = find(b, slice_of(w->hash, FILES_HASH_LEN)) != NULL;
        for (size_t i = 0; i < count; i++)
            twice = twice || !memcmp(hash[i], w->hash, FILES_HASH_LEN);
        if (!twice) memcpy(hash[count++], w->hash, FILES_HASH_LEN);
    }
    pthread_mutex_unlock(&b->lock);
    for (size_t i = 0; i < count; i++) begin_get(b, slice_of(hash[i], FILES_HASH_LEN));
}

enum err media_wait_for(struct media_fetcher *m, struct media_wait *w, struct why *why)
{
    struct bucket *b = m->bucket;
    if (!b) return why_set(why, ERR_MISSING, "the file is gone from the media folder");
    w->until_ms = clock_mono_ms() + MEDIA_WAIT_MAX_MS;
    pthread_mutex_lock(&b->lock);
    bool room = !b->closed && b->wait_count < WAITS_MAX;
    if (room) {
        w->next = b->waits;
        b->waits = w;
        b->wait_count++;
    }
    pthread_mutex_unlock(&b->lock);
    if (!room) return why_set(why, ERR_BUSY, "too many files are being fetched; ask again");
    media_wake(m);
    return OK;
}

void media_end_waits(struct media_fetcher *m)
{
    if (!m || !m->bucket) return;
    pthread_mutex_lock(&m->bucket->lock);
    m->bucket->closed = true;
    for (struct media_wait *w = m->bucket->waits; w; w = w->next) w->until_ms = 0;
    pthread_mutex_unlock(&m->bucket->lock);
    media_wake(m);
}

bool media_works(struct media_fetcher *m, char problem[WHY_TEXT_MAX])
{
    problem[0] = '\0';
    if (!m || !m->bucket) return true;
    pthread_mutex_lock(&m->bucket->lock);
    memcpy(problem, m->bucket->problem, WHY_TEXT_MAX);
    pthread_mutex_unlock(&m->bucket->lock);
    return problem[0] == '\0';
}

/* ---- turns ---- */

/* A time-out ends the wait, not the download: who asks again finds it further on, or here. */
static int64_t end_waits(struct bucket *b)
{
    struct why why;
    int64_t now_ms = clock_mono_ms(), next_ms = QUIET_MS;
    (void)why_set(&why, ERR_BUSY, "the file is still being fetched; ask again");
    answer(b, (slice){ NULL, 0 }, now_ms, ERR_BUSY, &why);
    pthread_mutex_lock(&b->lock);
    for (const struct media_wait *w = b->waits; w; w = w->next)
        if (w->until_ms - now_ms < next_ms) next_ms = w->until_ms - now_ms;
    pthread_mutex_unlock(&b->lock);
    return next_ms;
}

int64_t bucket_turn(struct bucket *b)
{
    struct due_file due[LOOK_AT_MAX];
    int64_t next_ms = end_waits(b);
    begin_gets(b);
    size_t count = read_due(b, SQL_MEDIA_REMOVAL_DUE, due, &next_ms);
    for (size_t i = 0; i < count && b->count[REMOVE] < REMOVALS_MAX; i++) {
        slice hash = slice_of(due[i].hash, FILES_HASH_LEN);
        if (!find(b, hash)) begin_removal(b, hash, due[i].tries);
    }
    int64_t pause_ms = b->paused_until_ms - clock_mono_ms();
    if (pause_ms > 0) return pause_ms < next_ms ? pause_ms : next_ms;
    size_t puts_max = b->pause_ms ? 1 : PUTS_MAX; /* after a failure one goes ahead alone */
    count = read_due(b, SQL_MEDIA_CARRY_DUE, due, &next_ms);
    for (size_t i = 0; i < count && b->count[PUT] < puts_max; i++) {
        slice hash = slice_of(due[i].hash, FILES_HASH_LEN);
        if (!find(b, hash)) begin_put(b, hash);
    }
    return count == LOOK_AT_MAX && b->count[PUT] < puts_max ? LOOK_AGAIN_MS : next_ms;
}

/* ---- start and stop ---- */

enum err bucket_new(struct media_fetcher *m, struct why *why)
{
    struct bucket *b = calloc(1, sizeof *b);
    if (!b) return why_set(why, ERR_LIMIT, "out of memory");
    b->m = m;
    CHECK(pthread_mutex_init(&b->lock, NULL) == 0);
    m->bucket = b;
    return OK;
}

void bucket_stop(struct bucket *b)
{
    media_end_waits(b->m);
    (void)end_waits(b);
    for (struct transfer *t; (t = b->under_way);) {
        wire_cancel(b->m->wire, &t->call);
        transfer_end(t);
    }
}

void bucket_free(struct bucket *b)
{
    if (!b) return;
    CHECK(!b->under_way && !b->waits);
    pthread_mutex_destroy(&b->lock);
    free(b);
}
