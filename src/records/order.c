/* order.c: an order is a state machine that only moves forward.
 *
 * States in their order: created, pending, refused, cancelled, paid, delivered, refunded, chargeback. The state is the highest
 * that any event told, so that it does not depend on the order of arrival: a late "pending" never undoes "paid". Details come
 * from the event that moved the state; an event from behind only fills what is still unknown. */
#include "records/apply.h"
#include "records/fields.h"

enum { ORDER_TEXT_MAX = 256 * 1024 };

static enum err load(struct apply_ctx *ctx, slice number, struct order *out, uint64_t *id,
                     uint64_t *contact_id, struct why *why)
{
    bool row = false;
    *id = 0;
    struct stmt *q = store_stmt(ctx->store, SQL_ORDER_GET, why);
    stmt_i64(q, 1, (int64_t)ctx->workspace_id);
    stmt_text(q, 2, number);
    enum err rc = stmt_step(q, &row, why);
    if (rc == OK && row) {
        *id = (uint64_t)stmt_col_i64(q, 0);
        *contact_id = (uint64_t)stmt_col_i64(q, 2);
        rc = fields_read_order(arena_dup(ctx->arena, stmt_col_text(q, 1)), ctx->arena, out);
    }
    stmt_reset(q);
    return rc;
}

static void merge(struct order *now, const struct order *fresh)
{
    bool behind = fresh->status < now->status;
    fields_merge(&fields_order, now, fresh, behind);
    if (fresh->has_amount && !(behind && now->has_amount)) {
        now->has_amount = true;
        now->amount = fresh->amount;
    }
    if (fresh->item_count > 0 && !(behind && now->item_count > 0)) {
        now->items = fresh->items;
        now->item_count = fresh->item_count;
    }
    if (!behind) now->status = fresh->status;
}

static void bind_amount(struct stmt *q, int n, const struct order *o)
{
    if (o->has_amount)
        stmt_i64(q, n, o->amount);
    else
        stmt_null(q, n);
}

enum err order_apply(struct apply_ctx *ctx, const struct order *o, uint64_t contact_id,
                     struct order *out, uint64_t *id, struct why *why)
{
    uint64_t known_contact = 0;
    *out = *o;
    enum err rc = load(ctx, o->number, out, id, &known_contact, why);
    if (rc != OK) return rc;
    bool fresh = *id == 0;
    if (fresh)
        *id = id_next(ctx->ids, ctx->now_ms);
    else
        merge(out, o);
    if (contact_id == 0) contact_id = known_contact;
    struct buf b = buf_in(ctx->arena, ORDER_TEXT_MAX);
    record_json_order(&b, NULL, out, 0);
    if (!buf_ok(&b)) return why_set(why, ERR_SYNTAX, "order larger than %d bytes", ORDER_TEXT_MAX);
    int64_t ws = (int64_t)ctx->workspace_id;
    struct stmt *q = store_stmt(ctx->store, fresh ? SQL_ORDER_ADD : SQL_ORDER_SET, why);
    if (fresh) {
        stmt_i64(q, 1, (int64_t)*id);
        stmt_i64(q, 2, ws);
        stmt_i64(q, 3, (int64_t)ctx->source_id);
        stmt_i64(q, 4, (int64_t)contact_id);
        stmt_text(q, 5, out->number);
        stmt_i64(q, 6, out->status);
        bind_amount(q, 7, out);
        stmt_text(q, 8, out->currency);
        stmt_i64(q, 9, out->created_ms ? out->created_ms : ctx->occurred_ms);
        stmt_i64(q, 10, out->paid_ms);
        stmt_i64(q, 11, ctx->now_ms);
        stmt_text(q, 12, buf_slice(&b));
    } else {
        stmt_i64(q, 1, ws);
        stmt_i64(q, 2, (int64_t)*id);
        stmt_i64(q, 3, (int64_t)contact_id);
        stmt_i64(q, 4, out->status);
        bind_amount(q, 5, out);
        stmt_text(q, 6, out->currency);
        stmt_i64(q, 7, out->paid_ms);
        stmt_i64(q, 8, ctx->now_ms);
        stmt_text(q, 9, buf_slice(&b));
    }
    return stmt_run(q, why);
}
