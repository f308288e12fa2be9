/* own_number.c: our own numbers at a channel, and which of them the channel means when it speaks of an account. */
#include "records/apply.h"

/* A number that is used in the app shows it with each message from there: noted by the day, it is one write a day. */
enum { DAY_MS = 24 * 3600 * 1000 };

enum err own_number_apply(struct apply_ctx *ctx, const struct own_number *n, struct why *why)
{
    struct stmt *q = store_stmt(ctx->store, SQL_OWN_NUMBER_SEEN, why);
    stmt_i64(q, 1, (int64_t)ctx->workspace_id);
    stmt_text(q, 2, n->channel);
    stmt_text(q, 3, n->account);
    stmt_text(q, 4, n->owner);
    stmt_text(q, 5, n->number);
    stmt_i64(q, 7, (int64_t)id_next(ctx->ids, ctx->now_ms));
    stmt_i64(q, 6, n->in_app ? ctx->occurred_ms - ctx->occurred_ms % DAY_MS : 0);
    return stmt_run(q, why);
}

enum err own_number_asked(struct store *s, uint64_t workspace_id, slice channel, slice account,
                          bool in_app, int64_t now_ms, struct why *why)
{
    struct stmt *q = store_stmt(s, SQL_OWN_NUMBER_ASKED, why);
    stmt_i64(q, 1, (int64_t)workspace_id);
    stmt_text(q, 2, channel);
    stmt_text(q, 3, account);
    stmt_i64(q, 4, in_app);
    stmt_i64(q, 5, now_ms);
    return stmt_run(q, why);
}

static enum err owner_is_known(struct store *s, uint64_t workspace_id, const struct own_number *n,
                               bool *known, struct why *why)
{
    struct stmt *q = store_stmt(s, SQL_OWN_NUMBER_OF_OWNER, why);
    stmt_i64(q, 1, (int64_t)workspace_id);
    stmt_text(q, 2, n->channel);
    stmt_text(q, 3, n->owner);
    enum err rc = stmt_step(q, known, why);
    stmt_reset(q);
    return rc;
}

enum err own_number_is_meant(struct store *s, uint64_t workspace_id, const struct own_number *n,
                             slice account, bool guess, bool *meant, struct why *why)
{
    bool row = false, known = false;
    *meant = false;
    struct stmt *q = store_stmt(s, SQL_OWN_NUMBER_GET, why);
    stmt_i64(q, 1, (int64_t)workspace_id);
    stmt_text(q, 2, n->channel);
    stmt_text(q, 3, account);
    enum err rc = stmt_step(q, &row, why);
    if (rc == OK && row)
        *meant = slice_eq(stmt_col_text(q, 0), n->owner) &&
                 (n->number.len == 0 || stmt_col_text(q, 1).len == 0 ||
                  slice_eq(stmt_col_text(q, 1), n->number));
    stmt_reset(q);
    if (rc != OK || row || !guess) return rc;
    rc = owner_is_known(s, workspace_id, n, &known, why);
    *meant = rc == OK && !known;
    return rc;
}

enum err own_number_list(struct store *s, uint64_t workspace_id, const struct own_number *n,
                         struct arena *arena, slice accounts[OWN_NUMBERS_MAX], size_t *count,
                         struct why *why)
{
    bool row = true;
    enum err rc;
    *count = 0;
    struct stmt *q = store_stmt(s, SQL_OWN_NUMBER_LIST, why);
    stmt_i64(q, 1, (int64_t)workspace_id);
    stmt_text(q, 2, n->channel);
    stmt_text(q, 3, n->owner);
    stmt_text(q, 4, n->number);
    stmt_i64(q, 5, OWN_NUMBERS_MAX);
    while ((rc = stmt_step(q, &row, why)) == OK && row && *count < OWN_NUMBERS_MAX)
        accounts[(*count)++] = arena_dup(arena, stmt_col_text(q, 0));
    stmt_reset(q);
    return rc == OK && arena->full ? why_set(why, ERR_LIMIT, "arena full") : rc;
}
