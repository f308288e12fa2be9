/* media_prune.c: deletes files of messages by age, and files that nobody means. Found on the API thread's reading connection; rows
 * are changed by the writer in steps of STEP_ROWS. */
#include "api/routes.h"
#include "base/clock.h"

enum {
    STEP_ROWS = 100,
    ORPHAN_AGE_MS = 60 * 60 * 1000 /* a younger one may be on its way to its row */
};

struct prune {
    struct call *call;
    bool dry_run;
    int64_t now_ms;
    uint64_t ids[STEP_ROWS];
    size_t count;
    struct media_gone gone;
    int64_t rows, orphans, removed, bytes;
};
_Static_assert((int)STEP_ROWS <= (int)MEDIA_GONE_MAX, "a step's files have room");

static enum err forget_run(void *ctx, struct store *s, struct why *why)
{
    struct prune *p = ctx;
    enum err rc = OK;
    for (size_t i = 0; rc == OK && i < p->count; i++) {
        rc = api_media_drop(s, p->call->key.workspace_id, p->ids[i], SQL_API_MEDIA_FORGET, &p->gone,
                            why);
    }
    return rc;
}

static enum err prune_old(struct prune *p, int64_t before_ms, struct why *why)
{
    struct call *c = p->call;
    uint64_t after = 0;
    enum err rc;
    do {
        bool row = true;
        p->count = 0;
        struct stmt *q = store_stmt(c->store, SQL_API_MEDIA_OLD, why);
        stmt_i64(q, 1, (int64_t)c->key.workspace_id);
        stmt_i64(q, 2, (int64_t)after);
        stmt_i64(q, 3, (int64_t)id_at(before_ms));
        stmt_i64(q, 4, STEP_ROWS);
        while ((rc = stmt_step(q, &row, why)) == OK && row && p->count < STEP_ROWS) {
            p->ids[p->count++] = after = (uint64_t)stmt_col_i64(q, 0);
            p->bytes += stmt_col_i64(q, 1);
        }
        stmt_reset(q);
        if (rc == OK && p->count && !p->dry_run)
            rc = journal_call(c->app->journal, forget_run, p, why);
        if (rc == OK) rc = api_media_remove(c, &p->gone, &p->removed, why);
        p->rows += (int64_t)p->count;
    } while (rc == OK && p->count == STEP_ROWS);
    return rc;
}

static enum err see_file(void *ctx, const struct files_entry *e, struct why *why)
{
    struct prune *p = ctx;
    struct depot *depot = &p->call->app->depot;
    bool used = true;
    depot_lock(depot);
    enum err rc = api_media_is_used(p->call->store, e->hash, &used, why);
    if (rc == OK && !used && !p->dry_run) rc = depot_remove(depot, e->hash, why);
    depot_unlock(depot);
    p->orphans += rc == OK && !used;
    p->bytes += rc == OK && !used ? e->size : 0;
    return rc;
}

void api_media_prune(struct call *c)
{
    struct why why;
    json *body = NULL;
    int64_t before_ms = 0;
    struct prune *p = arena_new(c->x->arena, struct prune, 1);
    enum err rc = p ? call_body(c, false, &body, &why) : why_set(&why, ERR_LIMIT, "out of memory");
    slice age = json_get_text(body, "older_than");
    if (rc == OK && age.len == 0)
        rc = why_set(&why, ERR_SYNTAX, "say how old in `older_than`: \"90d\", or a date");
    if (rc == OK) rc = call_time(c, age, &before_ms, &why);
    if (rc == OK)
        *p = (struct prune){ .call = c,
                             .now_ms = clock_wall_ms(),
                             .dry_run = json_truth(json_get(body, "dry_run")),
                             .gone.remote = c->app->depot.remote };
    if (rc == OK) rc = prune_old(p, before_ms, &why);
    /* The folder is everybody's: what nobody at all means is for an owner to remove. */
    if (rc == OK && call_is_owner(c))
        rc = depot_each(&c->app->depot, p->now_ms - ORPHAN_AGE_MS, see_file, p, &why);
    if (rc != OK) {
        reply_err(c, rc, &why);
        return;
    }
    json_begin_object(&c->out, NULL);
    json_put_bool(&c->out, "dry_run", p->dry_run);
    json_put_i64(&c->out, "files", p->rows);
    json_put_i64(&c->out, "orphans", p->orphans);
    json_put_i64(&c->out, "bytes", p->bytes);
    json_end_object(&c->out);
    reply_json(c, 200);
}
