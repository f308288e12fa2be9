/* checkout.c: a checkout that was opened and perhaps abandoned; abandoned stays abandoned. */
#include "records/apply.h"
#include "records/fields.h"

enum { CHECKOUT_TEXT_MAX = 64 * 1024 };

enum err checkout_apply(struct apply_ctx *ctx, const struct checkout *c, uint64_t contact_id,
                        struct checkout *out, uint64_t *id, struct why *why)
{
    bool row = false;
    *out = *c;
    *id = 0;
    struct stmt *q = store_stmt(ctx->store, SQL_CHECKOUT_GET, why);
    stmt_i64(q, 1, (int64_t)ctx->workspace_id);
    stmt_text(q, 2, c->number);
    enum err rc = stmt_step(q, &row, why);
    if (rc == OK && row) {
        *id = (uint64_t)stmt_col_i64(q, 0);
        if (contact_id == 0) contact_id = (uint64_t)stmt_col_i64(q, 2);
        rc = fields_read_checkout(arena_dup(ctx->arena, stmt_col_text(q, 1)), ctx->arena, out);
    }
    stmt_reset(q);
    if (rc != OK) return rc;
    bool fresh = *id == 0;
    if (fresh)
        *id = id_next(ctx->ids, ctx->now_ms);
    else
        fields_merge(&fields_checkout, out, c, false);
    struct buf b = buf_in(ctx->arena, CHECKOUT_TEXT_MAX);
    record_json_checkout(&b, NULL, out, 0);
    if (!buf_ok(&b))
        return why_set(why, ERR_SYNTAX, "checkout larger than %d bytes", CHECKOUT_TEXT_MAX);
    q = store_stmt(ctx->store, fresh ? SQL_CHECKOUT_ADD : SQL_CHECKOUT_SET, why);
    int n = 0;
    if (fresh) stmt_i64(q, ++n, (int64_t)*id);
    stmt_i64(q, ++n, (int64_t)ctx->workspace_id);
    if (fresh)
        stmt_i64(q, ++n, (int64_t)ctx->source_id);
    else
        stmt_i64(q, ++n, (int64_t)*id);
    stmt_i64(q, ++n, (int64_t)contact_id);
    if (fresh) stmt_text(q, ++n, out->number);
    stmt_i64(q, ++n, out->abandoned);
    if (fresh) stmt_i64(q, ++n, out->created_ms ? out->created_ms : ctx->occurred_ms);
    stmt_i64(q, ++n, ctx->now_ms);
    stmt_text(q, ++n, buf_slice(&b));
    return stmt_run(q, why);
}
