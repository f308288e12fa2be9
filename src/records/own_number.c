/* own_number.c: our own numbers at a channel, and which of them the channel means when it speaks of an account. */
#include "records/apply.h"

/* A number that is used in the app shows it with each message from there: noted by the day, it is one write a day. */
enum { DAY_MS = 24 * 3600 * 1000 };

/* As one text, no part of which can run into the next. False: it is too long to be remembered. */
static bool write_seen(const struct own_number *n, struct own_seen *out)
{
    const slice parts[] = { n->channel, n->account, n->owner, n->number };
    out->len = 0;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (parts[i].len >= OWN_SEEN_MAX - out->len) return false;
        if (parts[i].len > 0) memcpy(out->text + out->len, parts[i].ptr, parts[i].len);
        out->len += parts[i].len;
        out->text[out->len++] = '\n';
    }
    return true;
}

enum err own_number_apply(struct apply_ctx *ctx, const struct own_number *n, bool *changed,
                          struct why *why)
{
    struct own_seen now = { .workspace_id = ctx->workspace_id }, *seen = ctx->seen;
    *changed = false;
    now.in_app_ms = n->in_app ? ctx->occurred_ms - ctx->occurred_ms % DAY_MS : 0;
    bool fits = seen && write_seen(n, &now);
    if (fits && seen->workspace_id == now.workspace_id && now.in_app_ms <= seen->in_app_ms &&
        slice_eq(slice_of(seen->text, seen->len), slice_of(now.text, now.len)))
        return OK;
    struct stmt *q = store_stmt(ctx->store, SQL_OWN_NUMBER_SEEN, why);
    stmt_i64(q, 1, (int64_t)ctx->workspace_id);
    stmt_text(q, 2, n->channel);
    stmt_text(q, 3, n->account);
    stmt_text(q, 4, n->owner);
    stmt_text(q, 5, n->number);
    stmt_i64(q, 6, now.in_app_ms);
    stmt_i64(q, 7, (int64_t)id_next(ctx->ids, ctx->now_ms));
    enum err rc = stmt_run(q, why);
    *changed = rc == OK && store_changes(ctx->store) > 0;
    if (!fits) now.len = 0;
    if (seen) *seen = now;
    return rc;
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
