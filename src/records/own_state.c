/* own_state.c: what a channel tells of our own end: merged, and read back for a number.
 *
 * A word is kept under what it names, an account and perhaps a number's digits, since the number's id may come to be known later, or never;
 * what holds for a number is looked up when somebody asks. So the order of arrival cannot matter. */
#include "records/apply.h"

/* A transfer takes a day, and what is repeated comes within seven. */
#define TRANSFER_MS ((int64_t)7 * 24 * 3600 * 1000)

enum err own_state_fact(struct store *s, uint64_t workspace_id, const struct own_number *who,
                        const struct own_fact *f, int64_t at_ms, struct why *why)
{
    if (who->owner.len == 0) return OK;
    struct stmt *q = store_stmt(s, SQL_OWN_STATE_FACT, why);
    stmt_i64(q, 1, (int64_t)workspace_id);
    stmt_text(q, 2, who->channel);
    stmt_text(q, 3, who->owner);
    stmt_text(q, 4, who->number);
    stmt_i64(q, 5, f->kind);
    stmt_i64(q, 6, at_ms);
    stmt_i64(q, 7, f->until_ms);
    stmt_text(q, 8, f->value);
    return stmt_run(q, why);
}

static enum err add_chunk(struct apply_ctx *ctx, const struct own_state *o, struct why *why)
{
    const struct own_chunk *c = o->chunk;
    struct stmt *q = store_stmt(ctx->store, SQL_OWN_STATE_CHUNK, why);
    stmt_i64(q, 1, (int64_t)ctx->workspace_id);
    stmt_text(q, 2, o->who.channel);
    stmt_text(q, 3, o->who.account);
    stmt_i64(q, 4, c->declined ? -1 : c->phase);
    stmt_i64(q, 5, c->declined ? 0 : c->chunk);
    stmt_i64(q, 6, c->progress);
    stmt_i64(q, 7, ctx->occurred_ms);
    return stmt_run(q, why);
}

enum err own_state_apply(struct apply_ctx *ctx, const struct own_state *o, bool *in_app,
                         struct why *why)
{
    enum err rc = OK;
    *in_app = false;
    for (size_t i = 0; rc == OK && i < o->fact_count; i++) {
        rc = own_state_fact(ctx->store, ctx->workspace_id, &o->who, &o->fact[i], ctx->occurred_ms,
                            why);
        *in_app =
            *in_app || (rc == OK && o->fact[i].kind == OWN_IN_APP && store_changes(ctx->store) > 0);
    }
    return rc == OK && o->chunk && o->who.account.len > 0 ? add_chunk(ctx, o, why) : rc;
}

static struct stmt *of_account(struct store *s, enum sql sql, uint64_t workspace_id,
                               const struct own_number *n, struct why *why)
{
    struct stmt *q = store_stmt(s, sql, why);
    stmt_i64(q, 1, (int64_t)workspace_id);
    stmt_text(q, 2, n->channel);
    stmt_text(q, 3, n->account);
    return q;
}

static enum err read_facts(struct store *s, uint64_t workspace_id, const struct own_number *n,
                           bool careful, struct arena *arena, struct own_view *out, struct why *why)
{
    bool row = true;
    enum err rc;
    struct stmt *q = store_stmt(s, SQL_OWN_STATE_FACTS, why);
    stmt_i64(q, 1, (int64_t)workspace_id);
    stmt_text(q, 2, n->channel);
    stmt_text(q, 3, n->owner);
    stmt_text(q, 4, n->number);
    stmt_i64(q, 5, careful);
    while ((rc = stmt_step(q, &row, why)) == OK && row) {
        int64_t kind = stmt_col_i64(q, 0);
        if (kind < 0 || kind >= OWN_FACT_COUNT || out->fact[kind].at_ms > 0) continue;
        out->fact[kind] = (struct own_view_fact){ .at_ms = stmt_col_i64(q, 1),
                                                  .until_ms = stmt_col_i64(q, 2),
                                                  .value = arena_dup(arena, stmt_col_text(q, 3)) };
    }
    stmt_reset(q);
    return rc == OK && arena->full ? why_set(why, ERR_LIMIT, "arena full") : rc;
}

static enum err read_history(struct store *s, uint64_t workspace_id, const struct own_number *n,
                             struct own_view *out, struct why *why)
{
    bool row = false;
    struct stmt *q = of_account(s, SQL_OWN_STATE_HISTORY, workspace_id, n, why);
    stmt_i64(q, 4, TRANSFER_MS);
    enum err rc = stmt_step(q, &row, why);
    if (rc == OK && row && stmt_col_i64(q, 0) > 0) {
        out->chunks = stmt_col_i64(q, 0);
        out->phase = stmt_col_i64(q, 1);
        out->progress = stmt_col_i64(q, 2);
        out->history_ms = stmt_col_i64(q, 3);
        out->done_ms = stmt_col_null(q, 4) ? 0 : stmt_col_i64(q, 4);
    }
    stmt_reset(q);
    if (rc != OK) return rc;
    q = of_account(s, SQL_OWN_STATE_DECLINED, workspace_id, n, why);
    rc = stmt_step(q, &row, why);
    if (rc == OK && row && stmt_col_i64(q, 1) > out->history_ms) {
        out->declined = stmt_col_i64(q, 0);
        out->declined_ms = stmt_col_i64(q, 1);
    }
    stmt_reset(q);
    return rc;
}

enum err own_state_read(struct store *s, uint64_t workspace_id, const struct own_number *n,
                        struct arena *arena, struct own_view *out, struct why *why)
{
    *out = (struct own_view){ .chunks = 0 };
    enum err rc = read_facts(s, workspace_id, n, false, arena, out, why);
    return rc == OK ? read_history(s, workspace_id, n, out, why) : rc;
}

enum err own_state_hold(struct store *s, uint64_t workspace_id, const struct own_number *n,
                        int64_t person_ms, int64_t now_ms, struct arena *arena,
                        struct own_view_fact *out, struct why *why)
{
    struct own_view view = { .chunks = 0 };
    *out = (struct own_view_fact){ .at_ms = 0 };
    enum err rc = read_facts(s, workspace_id, n, true, arena, &view, why);
    for (int kind = OWN_LINK; rc == OK && kind < OWN_FACT_COUNT; kind++) {
        const struct own_view_fact *f = &view.fact[kind];
        bool holds = f->value.len > 0 && (f->until_ms == 0 || f->until_ms > now_ms) &&
                     f->at_ms + OWN_STATE_SLACK_MS > person_ms;
        if (!holds) continue;
        if (f->at_ms > out->at_ms ||
            (f->at_ms == out->at_ms && slice_cmp(f->value, out->value) > 0))
            *out = *f;
    }
    return rc;
}
