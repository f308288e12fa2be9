/* post.c: gives files of ours to the channels that messages with them go through. Part of the media thread.
 *
 * A delivery that carries a file the other side does not have is put aside by the delivery loop, with a row in media_uploads in the same
 * transaction (deliver/settle.c). Moves of that row: PENDING -> THERE, REFUSED, PENDING (later); and back to PENDING when somebody asks
 * again after `until_ms`. What is settled makes the deliveries due in the same transaction: they are sent, or end with the reason. One upload
 * for a file and a destination serves all of them. While a destination is on hold or disabled nothing is given to it: its deliveries are let go
 * of, wait with it, and ask again when they may be sent. Given twice (a kill, a lost answer) is harmless: nobody sees what is not sent. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "deliver/delivery.h"
#include "media/fetcher.h"

enum upload_state { UPLOAD_PENDING = 1, UPLOAD_THERE, UPLOAD_REFUSED };

enum {
    POSTS_MAX = 4,
    POSTS_LOOK_AT_MAX = 32,
    POST_ARENA_MAX = 1024 * 1024,
    POST_TIMEOUT_MS = 10 * 60 * 1000,
    POST_WAIT_FIRST_MS = 2000, /* after a failure; doubled */
    POST_DOUBLED_MAX = 8,
    POST_KEEP_MARGIN_MS =
        24 * 60 * 60 * 1000, /* before the other side lets go of a file it is given anew */
    REFUSAL_KEEP_MS =
        60 * 1000, /* long enough to end those that wait; a retry by hand then tries anew */
    POST_QUIET_MS = 60 * 1000
};

struct post {
    struct wire_call call; /* first */
    struct post *next;
    struct media_fetcher *owner;
    struct media_wait wait; /* for the bucket */
    bool waits;
    struct arena arena;
    struct config *config;
    const struct destination *to; /* in config */
    uint64_t workspace_id, media_id, destination_id;
    int64_t tries;
    slice account, mime, storage;
    struct wire_file file;
    /* how it ends */
    enum upload_state state;
    int64_t due_ms, until_ms;
    char remote_id[REMOTE_ID_MAX + 1];
    char problem[WHY_TEXT_MAX];
};

static enum err settle_post(void *ctx, struct store *s, struct why *why)
{
    const struct post *p = ctx;
    struct stmt *q = store_stmt(s, SQL_MEDIA_POST_SETTLE, why);
    stmt_i64(q, 1, (int64_t)p->media_id);
    stmt_i64(q, 2, (int64_t)p->destination_id);
    stmt_i64(q, 3, (int64_t)p->workspace_id);
    stmt_i64(q, 4, p->state);
    stmt_i64(q, 5, p->tries);
    stmt_i64(q, 6, p->due_ms);
    stmt_text(q, 7, p->account);
    stmt_text(q, 8, slice_str(p->remote_id));
    stmt_i64(q, 9, p->until_ms);
    stmt_text(q, 10, slice_str(p->problem));
    enum err rc = stmt_run(q, why);
    if (rc != OK || p->state == UPLOAD_PENDING) return rc;
    q = store_stmt(s, SQL_MEDIA_POST_RELEASE, why);
    stmt_i64(q, 1, (int64_t)p->media_id);
    stmt_i64(q, 2, (int64_t)p->destination_id);
    stmt_i64(q, 3, (int64_t)p->workspace_id);
    stmt_i64(q, 4, clock_wall_ms());
    stmt_text(q, 5, SLICE(DELIVERY_WAITS_FOR_FILE));
    return stmt_run(q, why);
}

static void post_free(struct post *p)
{
    struct media_fetcher *m = p->owner;
    struct post **link = &m->posts;
    while (*link && *link != p) link = &(*link)->next;
    if (*link) {
        *link = p->next;
        m->post_count--;
        m->ended = true;
    }
    if (p->file.fd >= 0) close(p->file.fd);
    config_release(p->config);
    arena_free(&p->arena);
    free(p);
}

static void post_end(struct post *p, enum upload_state state, const char *problem)
{
    struct media_fetcher *m = p->owner;
    struct why why;
    p->state = state;
    (void)snprintf(p->problem, sizeof p->problem, "%s", problem);
    if (journal_call(m->journal, settle_post, p, &why) != OK) /* it stays due */
        LOG(m->o.log, LOG_ERROR, "media.unsettled", log_why(&why));
    else if (state != UPLOAD_PENDING && m->o.released)
        m->o.released(m->o.ctx);
    post_free(p);
}

static void post_later(struct post *p, int64_t wait_ms, const char *problem)
{
    int64_t own_ms = fetcher_wait_ms(POST_WAIT_FIRST_MS, p->tries, POST_DOUBLED_MAX);
    p->tries++;
    p->due_ms = clock_wall_ms() + (wait_ms > own_ms ? wait_ms : own_ms);
    LOG(p->owner->o.log, LOG_WARN, "media.not_given", log_id("media", ID_MEDIA, p->media_id),
        log_cstr("why", problem));
    post_end(p, UPLOAD_PENDING, problem);
}

static void post_refused(struct post *p, const char *problem)
{
    p->remote_id[0] = '\0';
    p->until_ms = clock_wall_ms() + REFUSAL_KEEP_MS;
    post_end(p, UPLOAD_REFUSED, problem);
}

/* What is known is that nothing is known (until_ms 0): the deliveries ask again as soon as their destination lets them. */
static void post_put_off(struct post *p, const char *problem)
{
    p->remote_id[0] = '\0';
    p->until_ms = 0;
    post_end(p, UPLOAD_REFUSED, problem);
}

static void on_posted(struct wire_call *call)
{
    struct post *p = (struct post *)(void *)call;
    const struct dest_messages *kind = p->to->kind->messages;
    hide_secrets(call, &p->to->cfg);
    struct verdict v = kind->uploaded(&call->reply, &p->to->cfg, &p->arena);
    if (v.kind == VERDICT_DELIVERED) {
        memcpy(p->remote_id, v.remote_id, sizeof p->remote_id);
        p->until_ms = clock_wall_ms() + kind->upload_keep_ms - POST_KEEP_MARGIN_MS;
        post_end(p, UPLOAD_THERE, "");
    } else if (v.kind == VERDICT_DEAD) {
        post_refused(p, v.reason);
    } else if (v.kind == VERDICT_UNAUTHORISED && p->owner->o.refused) {
        p->owner->o.refused(p->owner->o.ctx, p->config, p->to, v.reason);
        post_put_off(p, v.reason); /* after the hold: jobs keep their order */
    } else {
        int64_t wait_ms =
            v.wait_ms > call->reply.retry_after_ms ? v.wait_ms : call->reply.retry_after_ms;
        post_later(p, wait_ms, v.reason);
    }
}

static void post_send(struct post *p)
{
    struct why why = { .code = OK };
    struct outgoing_file f = { p->mime, p->storage };
    const struct dest_messages *kind = p->to->kind->messages;
    enum err rc = kind->upload(&f, &p->to->cfg, &p->arena, &p->call.out, &p->file.before,
                               &p->file.after, &why);
    p->call.arena = &p->arena;
    p->call.timeout_ms = POST_TIMEOUT_MS;
    p->call.file = &p->file;
    p->call.done = on_posted;
    if (rc == OK && (rc = wire_send(p->owner->wire, &p->call)) != OK)
        (void)why_set(&why, rc, "out of memory");
    if (rc != OK) post_later(p, 0, why.text);
}

/* The file came from the bucket, or did not. */
static void on_file(struct media_wait *w, enum err rc, int fd, int64_t size, const struct why *why)
{
    struct post *p = (struct post *)(void *)((char *)w - offsetof(struct post, wait));
    p->waits = false;
    p->file.fd = fd;
    p->file.size = size;
    if (rc == OK)
        post_send(p);
    else if (rc == ERR_MISSING)
        post_refused(p, why->text);
    else
        post_later(p, 0, why->text);
}

/* `known`: remote_id and until_ms are what an earlier upload left, and still hold. */
static void begin_post(struct post *p, bool known)
{
    struct media_fetcher *m = p->owner;
    struct why why = { .code = OK };
    p->next = m->posts;
    m->posts = p;
    m->post_count++;
    if (!p->to || !p->to->kind->messages || !p->to->kind->messages->upload) {
        post_refused(p, "its destination was deleted");
        return;
    }
    if (!p->to->enabled || p->to->hold.len > 0) {
        post_put_off(p, "its destination is on hold");
        return;
    }
    if (p->storage.len != FILES_HASH_LEN) {
        post_refused(p, "the file was deleted");
        return;
    }
    if (known) {
        post_end(p, UPLOAD_THERE, "");
        return;
    }
    enum err rc = depot_read(m->o.depot, p->storage, &p->file.fd, &p->file.size, &why);
    if (rc == OK) {
        post_send(p);
    } else if (rc == ERR_MISSING && m->bucket) {
        memcpy(p->wait.hash, p->storage.ptr, FILES_HASH_LEN);
        p->wait.done = on_file;
        p->waits = true;
        rc = media_wait_for(m, &p->wait, &why);
        if (rc != OK) p->waits = false;
        if (rc != OK) post_later(p, 0, why.text);
    } else if (rc == ERR_MISSING) {
        post_refused(p, why.text);
    } else {
        post_later(p, 0, why.text);
    }
}

static struct post *read_post(struct media_fetcher *m, struct stmt *q)
{
    struct post *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    p->owner = m;
    p->file.fd = -1;
    arena_init(&p->arena, POST_ARENA_MAX);
    p->workspace_id = (uint64_t)stmt_col_i64(q, 0);
    p->media_id = (uint64_t)stmt_col_i64(q, 1);
    p->destination_id = (uint64_t)stmt_col_i64(q, 2);
    p->tries = stmt_col_i64(q, 3);
    p->account = arena_dup(&p->arena, stmt_col_text(q, 4));
    (void)snprintf(p->remote_id, sizeof p->remote_id, "%.*s", SLICE_ARG(stmt_col_text(q, 5)));
    p->until_ms = stmt_col_i64(q, 6);
    p->due_ms = stmt_col_i64(q, 7);
    p->storage = arena_dup(&p->arena, stmt_col_text(q, 8));
    p->mime = arena_dup(&p->arena, stmt_col_text(q, 9));
    return p;
}

static bool is_posting(const struct media_fetcher *m, const struct post *like)
{
    for (const struct post *p = m->posts; p; p = p->next)
        if (p->media_id == like->media_id && p->destination_id == like->destination_id) return true;
    return false;
}

/* Reads what is due; the list is linked by `next`, and none of it under way yet. */
static struct post *read_posts(struct media_fetcher *m, int64_t *next_ms)
{
    struct why why = { .code = OK };
    struct post *list = NULL;
    bool row = true;
    int64_t now_ms = clock_wall_ms();
    size_t room = POSTS_MAX - m->post_count;
    struct stmt *q = store_stmt(m->reader, SQL_MEDIA_POST_DUE, &why);
    stmt_i64(q, 1, POSTS_LOOK_AT_MAX);
    while (room > 0 && stmt_step(q, &row, &why) == OK && row) {
        struct post *p = read_post(m, q);
        if (!p) break;
        if (p->due_ms > now_ms) {
            if (p->due_ms - now_ms < *next_ms) *next_ms = p->due_ms - now_ms;
            post_free(p);
            break;
        }
        if (is_posting(m, p)) {
            post_free(p);
            continue;
        }
        p->next = list;
        list = p;
        room--;
    }
    stmt_reset(q);
    if (why.code != OK) LOG(m->o.log, LOG_ERROR, "media.unread", log_why(&why));
    return list;
}

int64_t post_turn(struct media_fetcher *m)
{
    int64_t next_ms = POST_QUIET_MS;
    if (m->post_count >= POSTS_MAX) return next_ms;
    for (struct post *p = read_posts(m, &next_ms), *next; p; p = next) {
        next = p->next;
        p->config = config_hold(m->o.config);
        p->to = config_destination_by_id(p->config, p->destination_id);
        const struct dest_messages *kind = p->to ? p->to->kind->messages : NULL;
        slice account = kind ? kind->account(&p->to->cfg) : (slice){ NULL, 0 };
        bool known =
            p->remote_id[0] && slice_eq(account, p->account) && p->until_ms > clock_wall_ms();
        p->account = account;
        if (!known) {
            p->remote_id[0] = '\0';
            p->until_ms = 0;
        }
        begin_post(p, known);
    }
    return next_ms;
}

void post_stop(struct media_fetcher *m)
{
    while (m->posts) {
        wire_cancel(m->wire, &m->posts->call);
        post_free(m->posts);
    }
}
