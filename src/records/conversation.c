/* conversation.c: one thread of messages per person (or group), channel and account. Everything in it is a latest or a count, so
 * that the order of arrival does not matter. */
#include "records/conversation.h"

static void key(struct stmt *q, struct apply_ctx *ctx, uint64_t contact_id, slice peer,
                slice account, slice channel)
{
    stmt_i64(q, 1, (int64_t)ctx->workspace_id);
    stmt_i64(q, 2, (int64_t)contact_id);
    stmt_text(q, 3, peer);
    stmt_text(q, 4, account);
    stmt_text(q, 5, channel);
}

static void read_row(struct stmt *q, int from, struct conversation *c)
{
    c->window_until_ms = stmt_col_i64(q, from);
    c->last_message_ms = stmt_col_i64(q, from + 1);
    c->last_in_ms = stmt_col_i64(q, from + 2);
    c->last_out_ms = stmt_col_i64(q, from + 3);
    c->messages_in = stmt_col_i64(q, from + 4);
    c->messages_out = stmt_col_i64(q, from + 5);
    c->read_ms = stmt_col_i64(q, from + 6);
}

static enum err find(struct apply_ctx *ctx, uint64_t contact_id, slice peer, slice account,
                     slice channel, struct conversation *out, struct why *why)
{
    bool row = false;
    *out = (struct conversation){ .contact_id = contact_id };
    struct stmt *q = store_stmt(ctx->store, SQL_CONVERSATION_FIND, why);
    if (q) key(q, ctx, contact_id, peer, account, channel);
    enum err rc = stmt_step(q, &row, why);
    if (rc == OK && row) {
        out->id = (uint64_t)stmt_col_i64(q, 0);
        read_row(q, 1, out);
    }
    stmt_reset(q);
    return rc;
}

enum err conversation_of(struct apply_ctx *ctx, const struct message *m, uint64_t contact_id,
                         struct conversation *out, struct why *why)
{
    if (m->peer.len > 0) contact_id = 0; /* a group's conversation is nobody's own */
    *out = (struct conversation){ .id = 0 };
    if (contact_id == 0 && m->peer.len == 0) return OK;
    enum err rc = find(ctx, contact_id, m->peer, m->account, m->channel, out, why);
    if (rc != OK || out->id != 0) return rc;
    out->id = id_next(ctx->ids, ctx->now_ms);
    struct stmt *q = store_stmt(ctx->store, SQL_CONVERSATION_ADD, why);
    stmt_i64(q, 1, (int64_t)out->id);
    stmt_i64(q, 2, (int64_t)ctx->workspace_id);
    stmt_i64(q, 3, (int64_t)contact_id);
    stmt_text(q, 4, m->channel);
    stmt_text(q, 5, m->account);
    stmt_text(q, 6, m->peer);
    stmt_i64(q, 7, ctx->now_ms);
    return stmt_run(q, why);
}

static void raise(int64_t *value, int64_t to)
{
    if (to > *value) *value = to;
}

static enum err save(struct apply_ctx *ctx, const struct conversation *c, struct why *why)
{
    struct stmt *q = store_stmt(ctx->store, SQL_CONVERSATION_SET, why);
    stmt_i64(q, 1, (int64_t)ctx->workspace_id);
    stmt_i64(q, 2, (int64_t)c->id);
    stmt_i64(q, 3, c->window_until_ms);
    stmt_i64(q, 4, c->last_message_ms);
    stmt_i64(q, 5, c->last_in_ms);
    stmt_i64(q, 6, c->last_out_ms);
    stmt_i64(q, 7, c->messages_in);
    stmt_i64(q, 8, c->messages_out);
    stmt_i64(q, 9, ctx->now_ms);
    stmt_i64(q, 10, c->read_ms);
    return stmt_run(q, why);
}

enum err conversation_read(struct apply_ctx *ctx, uint64_t id, int64_t until_ms, struct why *why)
{
    struct stmt *q = store_stmt(ctx->store, SQL_CONVERSATION_READ, why);
    stmt_i64(q, 1, (int64_t)ctx->workspace_id);
    stmt_i64(q, 2, (int64_t)id);
    stmt_i64(q, 3, until_ms);
    stmt_i64(q, 4, ctx->now_ms);
    return stmt_run(q, why);
}

enum err conversation_touch(struct apply_ctx *ctx, struct conversation *c, const struct message *m,
                            bool fresh, struct why *why)
{
    bool in = m->direction == MESSAGE_IN;
    bool placeholder =
        slice_eq(m->type, SLICE("media_placeholder")); /* whose it is, it may not know */
    /* A reaction of ours stands at the message it is about: it is no message in the thread, and answers nothing. */
    if (c->id == 0 || (!in && slice_eq(m->type, SLICE("reaction")))) return OK;
    if (fresh) *(in ? &c->messages_in : &c->messages_out) += 1;
    raise(&c->last_message_ms, m->at_ms);
    if (!placeholder) raise(in ? &c->last_in_ms : &c->last_out_ms, m->at_ms);
    /* Who answers has read. A campaign answers nobody. */
    if (!in && !placeholder && m->campaign_id == 0) raise(&c->read_ms, m->at_ms);
    if (in && m->origin > MESSAGE_BY_HISTORY)
        raise(&c->window_until_ms, m->at_ms + CONVERSATION_WINDOW_MS);
    return save(ctx, c, why);
}

/* A conversation of `gone` whose counterpart exists: poured into it. */
static enum err pour(struct apply_ctx *ctx, const struct conversation *from,
                     struct conversation *into, struct why *why)
{
    struct stmt *q = store_stmt(ctx->store, SQL_CONVERSATION_MOVE_MESSAGES, why);
    stmt_i64(q, 1, (int64_t)ctx->workspace_id);
    stmt_i64(q, 2, (int64_t)from->id);
    stmt_i64(q, 3, (int64_t)into->id);
    stmt_i64(q, 4, (int64_t)into->contact_id);
    enum err rc = stmt_run(q, why);
    if (rc == OK) rc = ticket_join(ctx, from->id, into, why);
    if (rc != OK) return rc;
    into->messages_in += from->messages_in;
    into->messages_out += from->messages_out;
    raise(&into->window_until_ms, from->window_until_ms);
    raise(&into->last_message_ms, from->last_message_ms);
    raise(&into->last_in_ms, from->last_in_ms);
    raise(&into->last_out_ms, from->last_out_ms);
    raise(&into->read_ms, from->read_ms);
    rc = save(ctx, into, why);
    if (rc != OK) return rc;
    q = store_stmt(ctx->store, SQL_CONVERSATION_DELETE, why);
    stmt_i64(q, 1, (int64_t)ctx->workspace_id);
    stmt_i64(q, 2, (int64_t)from->id);
    return stmt_run(q, why);
}

/* A conversation that only `gone` had: given over as it is. */
static enum err give(struct apply_ctx *ctx, const struct conversation *from, uint64_t kept,
                     struct why *why)
{
    struct conversation to = *from;
    struct stmt *q = store_stmt(ctx->store, SQL_CONVERSATION_GIVE, why);
    stmt_i64(q, 1, (int64_t)ctx->workspace_id);
    stmt_i64(q, 2, (int64_t)from->id);
    stmt_i64(q, 3, (int64_t)kept);
    stmt_i64(q, 4, ctx->now_ms);
    enum err rc = stmt_run(q, why);
    q = rc == OK ? store_stmt(ctx->store, SQL_CONVERSATION_MOVE_MESSAGES, why) : NULL;
    stmt_i64(q, 1, (int64_t)ctx->workspace_id);
    stmt_i64(q, 2, (int64_t)from->id);
    stmt_i64(q, 3, (int64_t)from->id);
    stmt_i64(q, 4, (int64_t)kept);
    if (rc == OK) rc = stmt_run(q, why);
    to.contact_id = kept;
    return rc == OK ? ticket_join(ctx, from->id, &to, why) : rc;
}

enum err conversation_join(struct apply_ctx *ctx, uint64_t gone, uint64_t kept, struct why *why)
{
    enum err rc = OK;
    bool row = true;
    while (rc == OK && row) { /* each turn takes one away */
        struct conversation from = { .contact_id = gone }, into;
        struct stmt *q = store_stmt(ctx->store, SQL_CONVERSATION_OF_CONTACT, why);
        stmt_i64(q, 1, (int64_t)ctx->workspace_id);
        stmt_i64(q, 2, (int64_t)gone);
        rc = stmt_step(q, &row, why);
        if (rc != OK || !row) {
            stmt_reset(q);
            break;
        }
        from.id = (uint64_t)stmt_col_i64(q, 0);
        slice peer = arena_dup(ctx->arena, stmt_col_text(q, 1)),
              account = arena_dup(ctx->arena, stmt_col_text(q, 2)),
              channel = arena_dup(ctx->arena, stmt_col_text(q, 3));
        read_row(q, 4, &from);
        stmt_reset(q);
        rc = find(ctx, kept, peer, account, channel, &into, why);
        if (rc == OK && into.id == 0)
            rc = give(ctx, &from, kept, why);
        else if (rc == OK)
            rc = pour(ctx, &from, &into, why);
    }
    return rc;
}
