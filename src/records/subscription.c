/* subscription.c: a subscription goes back and forth (late, paid again, paused, resumed), so its state is that of the latest event
 * by the event's own time; at the same instant the state further on wins. Late messages change nothing that is newer. */
#include "records/apply.h"
#include "records/fields.h"

enum { SUBSCRIPTION_TEXT_MAX = 64 * 1024 };

static enum err load(struct apply_ctx *ctx, slice number, struct subscription *out, uint64_t *id,
                     uint64_t *contact_id, int64_t *status_ms, struct why *why)
{
    bool row = false;
    *id = 0;
    struct stmt *q = store_stmt(ctx->store, SQL_SUBSCRIPTION_GET, why);
    stmt_i64(q, 1, (int64_t)ctx->workspace_id);
    stmt_text(q, 2, number);
    enum err rc = stmt_step(q, &row, why);
    if (rc == OK && row) {
        *id = (uint64_t)stmt_col_i64(q, 0);
        *contact_id = (uint64_t)stmt_col_i64(q, 2);
        *status_ms = stmt_col_i64(q, 3);
        rc = fields_read_subscription(arena_dup(ctx->arena, stmt_col_text(q, 1)), ctx->arena, out);
    }
    stmt_reset(q);
    return rc;
}

enum err subscription_apply(struct apply_ctx *ctx, const struct subscription *s,
                            uint64_t contact_id, struct subscription *out, uint64_t *id,
                            struct why *why)
{
    uint64_t known_contact = 0;
    int64_t status_ms = ctx->occurred_ms;
    *out = *s;
    enum err rc = load(ctx, s->number, out, id, &known_contact, &status_ms, why);
    if (rc != OK) return rc;
    bool fresh = *id == 0;
    if (fresh) {
        *id = id_next(ctx->ids, ctx->now_ms);
        if (s->status == SUBSCRIPTION_NONE)
            status_ms = 0; /* no state yet, so none that a later event is behind */
    } else {
        bool behind = ctx->occurred_ms < status_ms ||
                      (ctx->occurred_ms == status_ms && s->status < out->status);
        fields_merge(&fields_subscription, out, s, behind);
        if (s->has_amount && !(behind && out->has_amount)) {
            out->has_amount = true;
            out->amount = s->amount;
        }
        if (!behind && s->status != SUBSCRIPTION_NONE) {
            out->status = s->status;
            status_ms = ctx->occurred_ms;
        }
    }
    if (contact_id == 0) contact_id = known_contact;
    struct buf b = buf_in(ctx->arena, SUBSCRIPTION_TEXT_MAX);
    record_json_subscription(&b, NULL, out, 0);
    if (!buf_ok(&b))
        return why_set(why, ERR_SYNTAX, "subscription larger than %d bytes", SUBSCRIPTION_TEXT_MAX);
    struct stmt *q =
        store_stmt(ctx->store, fresh ? SQL_SUBSCRIPTION_ADD : SQL_SUBSCRIPTION_SET, why);
    int n = 0;
    if (fresh) stmt_i64(q, ++n, (int64_t)*id);
    stmt_i64(q, ++n, (int64_t)ctx->workspace_id);
    if (fresh)
        stmt_i64(q, ++n, (int64_t)ctx->source_id);
    else
        stmt_i64(q, ++n, (int64_t)*id);
    stmt_i64(q, ++n, (int64_t)contact_id);
    if (fresh) stmt_text(q, ++n, out->number);
    stmt_i64(q, ++n, out->status);
    stmt_i64(q, ++n, status_ms);
    stmt_i64(q, ++n, ctx->now_ms);
    stmt_text(q, ++n, buf_slice(&b));
    return stmt_run(q, why);
}
