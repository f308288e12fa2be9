/* order.c: an order is a state machine that only moves forward.
 *
 * States in their order: created, pending, refused, cancelled, paid, delivered, refunded, chargeback. The state is the highest
 * that any event told: a late "pending" never undoes "paid". Each detail is the word of the event with the highest state that
 * said anything about it; of two with the same state, of the one that happened later; and of two at the same instant the
 * greater. So nothing depends on the order of arrival.
 * Whose word a detail is stands beside it in the row: "told":[state,ms,details,...], where `details` is a sum of 2^place: mostly
 * one such triple, since events tell all of an order. */
#include "records/apply.h"
#include "records/fields.h"

enum { ORDER_TEXT_MAX = 256 * 1024, DETAILS_MAX = 32 };

/* Whose word it is. */
struct word {
    int64_t status, ms;
};

/* Amount and items come before the members of the table, which may grow. */
enum { DETAIL_AMOUNT, DETAIL_ITEMS, DETAIL_FIELDS };

struct told {
    struct word at[DETAILS_MAX];
};

static size_t detail_count(void)
{
    CHECK(DETAIL_FIELDS + fields_order.count <= DETAILS_MAX);
    return DETAIL_FIELDS + fields_order.count;
}

static const struct field *field_of(size_t detail)
{
    return &fields_order.at[detail - DETAIL_FIELDS];
}

static bool knows(const struct order *o, size_t detail)
{
    if (detail == DETAIL_AMOUNT) return o->has_amount;
    if (detail == DETAIL_ITEMS) return o->item_count > 0;
    return fields_known(field_of(detail), o);
}

static slice items_text(const struct order *o, struct arena *arena)
{
    struct buf b = buf_in(arena, ORDER_TEXT_MAX);
    fields_write_items(&b, o);
    return buf_slice(&b);
}

static int compare(const struct order *a, const struct order *b, size_t detail, struct arena *arena)
{
    if (detail == DETAIL_AMOUNT) return a->amount < b->amount ? -1 : a->amount > b->amount;
    if (detail == DETAIL_ITEMS) return slice_cmp(items_text(a, arena), items_text(b, arena));
    return fields_compare(field_of(detail), a, b);
}

static void copy(struct order *to, const struct order *from, size_t detail)
{
    if (detail == DETAIL_AMOUNT) {
        to->has_amount = true;
        to->amount = from->amount;
    } else if (detail == DETAIL_ITEMS) {
        to->items = from->items;
        to->item_count = from->item_count;
    } else {
        fields_copy(field_of(detail), to, from);
    }
}

/* Rows of before there was "told": all is the word of the state that the order is in. */
static void read_told(json *v, const struct order *o, struct told *out)
{
    int64_t status, ms, details;
    size_t count = yyjson_arr_size(v);
    for (size_t d = 0; d < DETAILS_MAX; d++) out->at[d] = (struct word){ o->status, 0 };
    for (size_t i = 0; i + 2 < count; i += 3) {
        if (!json_i64(yyjson_arr_get(v, i), &status) || !json_i64(yyjson_arr_get(v, i + 1), &ms) ||
            !json_i64(yyjson_arr_get(v, i + 2), &details))
            continue;
        for (size_t d = 0; d < DETAILS_MAX; d++)
            if (details >> d & 1) out->at[d] = (struct word){ status, ms };
    }
}

static void write_told(struct buf *b, const struct order *o, const struct told *t)
{
    size_t count = detail_count();
    uint64_t written = 0;
    json_begin_array(b, "told");
    for (size_t d = 0; d < count; d++) {
        uint64_t same = 0;
        if (!knows(o, d) || written >> d & 1) continue;
        for (size_t k = d; k < count; k++)
            if (knows(o, k) && t->at[k].status == t->at[d].status && t->at[k].ms == t->at[d].ms)
                same |= (uint64_t)1 << k;
        json_put_i64(b, NULL, t->at[d].status);
        json_put_i64(b, NULL, t->at[d].ms);
        json_put_i64(b, NULL, (int64_t)same);
        written |= same;
    }
    json_end_array(b);
}

static enum err load(struct apply_ctx *ctx, slice number, struct order *out, struct told *told,
                     uint64_t *id, uint64_t *contact_id, struct why *why)
{
    bool row = false;
    json *v = NULL;
    *id = 0;
    struct stmt *q = store_stmt(ctx->store, SQL_ORDER_GET, why);
    stmt_i64(q, 1, (int64_t)ctx->workspace_id);
    stmt_text(q, 2, number);
    enum err rc = stmt_step(q, &row, why);
    if (rc == OK && row) {
        *id = (uint64_t)stmt_col_i64(q, 0);
        *contact_id = (uint64_t)stmt_col_i64(q, 2);
        rc = json_parse(stmt_col_text(q, 1), ctx->arena, &v, NULL);
        if (rc == OK) rc = fields_read_order(v, ctx->arena, out);
        if (rc == OK) read_told(json_get(v, "told"), out, told);
    }
    stmt_reset(q);
    return rc;
}

/* What `fresh` says, and said at `word`, goes into the order where its word counts more. */
static void merge(struct order *now, struct told *told, const struct order *fresh, struct word word,
                  struct arena *arena)
{
    for (size_t d = 0; d < detail_count(); d++) {
        const struct word *old = &told->at[d];
        if (!knows(fresh, d)) continue;
        if (knows(now, d)) {
            bool more = word.status != old->status ? word.status > old->status
                        : word.ms != old->ms       ? word.ms > old->ms
                                                   : compare(fresh, now, d, arena) > 0;
            if (!more) continue;
        }
        copy(now, fresh, d);
        told->at[d] = word;
    }
    if (fresh->status > now->status) now->status = fresh->status;
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
    struct word word = { o->status, ctx->occurred_ms };
    struct told told;
    *out = *o;
    for (size_t d = 0; d < DETAILS_MAX; d++) told.at[d] = word;
    enum err rc = load(ctx, o->number, out, &told, id, &known_contact, why);
    if (rc != OK) return rc;
    bool fresh = *id == 0;
    if (fresh)
        *id = id_next(ctx->ids, ctx->now_ms);
    else
        merge(out, &told, o, word, ctx->arena);
    if (contact_id == 0) contact_id = known_contact;
    struct buf b = buf_in(ctx->arena, ORDER_TEXT_MAX);
    json_begin_object(&b, NULL);
    fields_write_order(&b, out);
    write_told(&b, out, &told);
    json_end_object(&b);
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
