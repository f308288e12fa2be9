/* reread.c: requests that were authentic and could not be read when they came, read again: after an upgrade, or a change of their source.
 *
 * What was stored goes through the source kind's split once more; when that finds its events they are journalled like any, those that are
 * known as duplicates, in one transaction with the word that it was read. Else nothing changes. */
#include "api/routes.h"
#include "base/clock.h"
#include "interpret/interpret.h"

enum { REREAD_PAGE = 100, REREAD_PAGES = 10 /* of one call: others want the thread, too */ };

struct reread {
    uint64_t workspace_id, id;
    struct journal_receipt receipt;
};

/* ---- one ---- */

static enum err load(struct call *c, uint64_t id, uint64_t *source_id, struct arena *a,
                     struct request *r, struct why *why)
{
    bool row = false;
    slice problem, headers;
    struct stmt *q = store_stmt(c->store, SQL_REREAD_REQUEST, why);
    stmt_i64(q, 1, (int64_t)c->key.workspace_id);
    stmt_i64(q, 2, (int64_t)id);
    enum err rc = stmt_step(q, &row, why);
    if (rc == OK && row) {
        *source_id = (uint64_t)stmt_col_i64(q, 0);
        problem = stmt_col_text(q, 8);
        headers = arena_dup(a, stmt_col_text(q, 5));
        *r = (struct request){ .received_ms = stmt_col_i64(q, 1),
                               .method = arena_dup(a, stmt_col_text(q, 2)),
                               .path = arena_dup(a, stmt_col_text(q, 3)),
                               .query = arena_dup(a, stmt_col_text(q, 4)),
                               .remote = arena_dup(a, stmt_col_text(q, 6)),
                               .body = arena_dup(a, stmt_col_text(q, 7)) };
        if (slice_eq(problem, SLICE("erased")))
            rc = why_set(why, ERR_CONFLICT, "it was erased: nothing of it is left to be read");
        else if (problem.len == 0)
            rc = why_set(why, ERR_CONFLICT,
                         "it was read when it came; to understand its events again, replay them");
        else if (a->full)
            rc = why_set(why, ERR_LIMIT, "the request is too large to be handled");
        else
            rc = interpret_read_headers(headers, a, r, why);
    } else if (rc == OK) {
        rc = why_set(why, ERR_MISSING, "there is no such request");
    }
    stmt_reset(q);
    return rc;
}

/* Its source must be there and take requests, as if it came now. */
static enum err take_source(const struct config *config, uint64_t workspace_id, uint64_t source_id,
                            slice body, const struct source **out, struct why *why)
{
    const struct source *s = config_source_by_id(config, source_id);
    *out = s;
    if (!s || s->workspace_id != workspace_id || s->kind->builtin)
        return why_set(why, ERR_CONFLICT, "its source was deleted");
    if (!s->enabled)
        return why_set(why, ERR_CONFLICT, "its source %.*s is disabled", SLICE_ARG(s->name));
    if (body.len > s->body_max)
        return why_set(why, ERR_CONFLICT, "its body is larger than the `body_max` of %.*s",
                       SLICE_ARG(s->name));
    return OK;
}

/* On the writer: nobody else read it meanwhile, or erased it. */
static enum err claim(void *ctx, struct store *s, bool *drop UNUSED, struct why *why)
{
    const struct reread *r = ctx;
    struct stmt *q = store_stmt(s, SQL_REREAD_CLAIM, why);
    stmt_i64(q, 1, (int64_t)r->workspace_id);
    stmt_i64(q, 2, (int64_t)r->id);
    enum err rc = stmt_run(q, why);
    return rc == OK && store_changes(s) == 0
               ? why_set(why, ERR_CONFLICT, "it was read or erased meanwhile")
               : rc;
}

static void kept(struct journal_entry *e, enum err rc UNUSED, void *ctx)
{
    struct reread *r = ctx;
    r->receipt = journal_receipt_of(e);
}

/* Reads it again, and unless it is a dry run keeps what was found. ERR_CONFLICT: it cannot be read, why says why. */
static enum err reread_one(struct call *c, struct config *config, uint64_t id, bool dry_run,
                           struct journal_receipt *out, struct why *why)
{
    struct reread r = { .workspace_id = c->key.workspace_id, .id = id };
    struct request request;
    struct arena text;
    const struct source *source = NULL;
    struct journal_entry *e = NULL;
    uint64_t source_id = 0;
    arena_init(&text, 2 * BODY_MAX_HIGHEST);
    enum err rc = load(c, id, &source_id, &text, &request, why);
    if (rc == OK)
        rc = take_source(config, c->key.workspace_id, source_id, request.body, &source, why);
    if (rc == OK) {
        e = journal_entry_new(config, source);
        CHECK(e);
        rc = request_copy(&request, &e->arena, &e->request)
                 ? journal_entry_read(e, &c->app->log, why)
                 : why_set(why, ERR_LIMIT, "the request is too large to be handled");
    }
    if (rc == OK && e->problem.len)
        rc = why_set(why, ERR_CONFLICT, "it still cannot be read: %.*s", SLICE_ARG(e->problem));
    if (rc == OK && dry_run) *out = (struct journal_receipt){ id, (uint32_t)e->events.count, 0 };
    if (rc == OK && !dry_run) {
        e->reread = id;
        e->bytes = sizeof *e + e->arena.used;
        e->done = kept;
        e->ctx = &r;
        rc = journal_call_entry(c->app->journal, claim, &r, e, why);
        *out = r.receipt;
        e = NULL; /* the journal's */
    }
    journal_entry_free(e);
    arena_free(&text);
    return rc;
}

void api_request_retry(struct call *c)
{
    struct why why;
    uint64_t id = 0;
    struct journal_receipt got = { 0 };
    enum err rc = id_parse(ID_REQUEST, c->param[0], &id) == OK
                      ? OK
                      : why_set(&why, ERR_MISSING, "there is no such request");
    if (rc == OK) {
        struct config *config = config_hold(&c->app->config);
        rc = reread_one(c, config, id, false, &got, &why);
        config_release(config);
    }
    if (rc != OK) {
        reply_err(c, rc, &why);
        return;
    }
    json_begin_object(&c->out, NULL);
    json_put_bool(&c->out, "retried", true);
    json_put_i64(&c->out, "events", got.events);
    json_put_i64(&c->out, "duplicates", got.duplicates);
    json_end_object(&c->out);
    reply_json(c, 200);
}

/* ---- many ---- */

struct many {
    uint64_t after, until;
    int64_t source_id; /* 0: any */
    bool dry_run;
    int64_t requests, events, duplicates, unread;
};

static enum err read_many(struct call *c, json *body, struct many *m, struct why *why)
{
    int64_t since_ms = 0, until_ms = 0, newest = (int64_t)id_next(&c->app->ids, clock_wall_ms());
    slice source = json_get_text(body, "source");
    enum err rc = call_time(c, json_get_text(body, "since"), &since_ms, why);
    if (rc == OK) rc = call_time(c, json_get_text(body, "until"), &until_ms, why);
    slice after = json_get_text(body, "after");
    uint64_t from = 0;
    if (rc == OK && after.len > 0 && id_parse(ID_REQUEST, after, &from) != OK)
        rc = why_set(why, ERR_SYNTAX, "`after` is the `next` of the answer before (req_...)");
    if (rc == OK && (json_get(body, "type") || json_get(body, "state")))
        rc = why_set(why, ERR_SYNTAX,
                     "filter by source, since and until: what was not read has no events");
    if (rc != OK) return rc;
    int64_t since = (int64_t)id_at(since_ms),
            until = until_ms ? (int64_t)id_at(until_ms + 1) - 1 : newest;
    if (since > 0 && (uint64_t)since - 1 > from) from = (uint64_t)since - 1;
    *m = (struct many){ .after = from,
                        .until = (uint64_t)(until < newest ? until : newest),
                        .dry_run = json_truth(json_get(body, "dry_run")) };
    if (source.len == 0) return OK;
    struct config *config = config_hold(&c->app->config);
    const struct source *s = config_source_by_name(config, c->key.workspace_id, source);
    m->source_id = s ? (int64_t)s->id : 0;
    config_release(config);
    return s ? OK
             : why_set(why, ERR_MISSING, "there is no source \"%.*s\"",
                       SLICE_ARG(slice_sub(source, 0, NAME_MAX_BYTES)));
}

static enum err read_page(struct call *c, struct many *m, uint64_t ids[REREAD_PAGE], size_t *count,
                          struct why *why)
{
    bool row = true;
    enum err rc;
    *count = 0;
    struct stmt *q = store_stmt(c->store, SQL_REREAD_PAGE, why);
    stmt_i64(q, 1, (int64_t)c->key.workspace_id);
    stmt_i64(q, 2, (int64_t)m->after);
    stmt_i64(q, 3, (int64_t)m->until);
    stmt_i64(q, 4, m->source_id);
    stmt_i64(q, 5, REREAD_PAGE);
    while ((rc = stmt_step(q, &row, why)) == OK && row && *count < REREAD_PAGE)
        ids[(*count)++] = m->after = (uint64_t)stmt_col_i64(q, 0);
    stmt_reset(q);
    return rc;
}

/* Each in a transaction of its own; one that still cannot be read is counted. */
static enum err reread_page(struct call *c, struct many *m, bool *more, struct why *why)
{
    uint64_t ids[REREAD_PAGE];
    size_t count = 0;
    enum err rc = read_page(c, m, ids, &count, why);
    struct config *config = config_hold(&c->app->config);
    for (size_t i = 0; rc == OK && i < count; i++) {
        struct journal_receipt got = { 0 };
        rc = reread_one(c, config, ids[i], m->dry_run, &got, why);
        m->requests += rc == OK;
        m->events += got.events;
        m->duplicates += got.duplicates;
        if (rc != ERR_CONFLICT && rc != ERR_LIMIT && rc != ERR_MISSING) continue;
        m->unread++;
        rc = OK;
    }
    config_release(config);
    *more = count == REREAD_PAGE;
    return rc;
}

void api_requests_retry(struct call *c)
{
    struct why why;
    json *body = NULL;
    struct many m;
    enum err rc = call_body(c, true, &body, &why);
    if (rc == OK) rc = read_many(c, body, &m, &why);
    bool more = true;
    for (int page = 0; rc == OK && more && page < REREAD_PAGES; page++)
        rc = reread_page(c, &m, &more, &why);
    if (rc != OK) {
        reply_err(c, rc, &why);
        return;
    }
    json_begin_object(&c->out, NULL);
    json_put_bool(&c->out, "dry_run", m.dry_run);
    json_put_i64(&c->out, "requests", m.requests);
    json_put_i64(&c->out, "events", m.events);
    json_put_i64(&c->out, "duplicates", m.duplicates);
    json_put_i64(&c->out, "unread", m.unread);
    if (more) put_id(&c->out, "next", ID_REQUEST, (int64_t)m.after);
    json_end_object(&c->out);
    reply_json(c, 200);
}
