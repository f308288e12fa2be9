/* ticket.c: the stretches of a conversation that somebody answers for.
 *
 * Rule: a ticket is opened by the first message that comes in after the last one was closed, and holds everything from then on
 * until it is closed. It is told by the times of the messages, not by their arrival: one that comes late stretches the ticket
 * behind it back to its own time, and takes along what was written since. */
#include "records/conversation.h"

struct ticket {
    uint64_t id;
    int64_t state, opened_ms, closed_ms, first_reply_ms;
};

static enum err read_one(struct stmt *q, struct ticket *out, struct why *why)
{
    bool row = false;
    *out = (struct ticket){ .id = 0 };
    enum err rc = stmt_step(q, &row, why);
    if (rc == OK && row)
        *out = (struct ticket){ (uint64_t)stmt_col_i64(q, 0), stmt_col_i64(q, 1),
                                stmt_col_i64(q, 2), stmt_col_i64(q, 3), stmt_col_i64(q, 4) };
    stmt_reset(q);
    return rc;
}

static enum err find(struct apply_ctx *ctx, enum sql sql, uint64_t conversation_id, int64_t at_ms,
                     struct ticket *out, struct why *why)
{
    struct stmt *q = store_stmt(ctx->store, sql, why);
    stmt_i64(q, 1, (int64_t)ctx->workspace_id);
    stmt_i64(q, 2, (int64_t)conversation_id);
    if (sql != SQL_TICKET_OF_CONVERSATION) stmt_i64(q, 3, at_ms);
    return read_one(q, out, why);
}

static enum err save(struct apply_ctx *ctx, const struct ticket *t, struct why *why)
{
    struct stmt *q = store_stmt(ctx->store, SQL_TICKET_SET, why);
    stmt_i64(q, 1, (int64_t)ctx->workspace_id);
    stmt_i64(q, 2, (int64_t)t->id);
    stmt_i64(q, 3, t->state);
    stmt_i64(q, 4, t->opened_ms);
    stmt_i64(q, 5, t->closed_ms);
    stmt_i64(q, 6, t->first_reply_ms);
    stmt_i64(q, 7, ctx->now_ms);
    return stmt_run(q, why);
}

/* The ticket's times have changed: what was written since `from_ms` belongs to it, and perhaps answers it. */
static enum err gather(struct apply_ctx *ctx, const struct conversation *c, struct ticket *t,
                       int64_t from_ms, struct why *why)
{
    bool row = false;
    struct stmt *q = store_stmt(ctx->store, SQL_TICKET_GATHER, why);
    stmt_i64(q, 1, (int64_t)ctx->workspace_id);
    stmt_i64(q, 2, (int64_t)t->id);
    stmt_i64(q, 3, (int64_t)c->id);
    stmt_i64(q, 4, from_ms);
    stmt_i64(q, 5, t->closed_ms);
    enum err rc = stmt_run(q, why);
    if (rc != OK) return rc;
    q = store_stmt(ctx->store, SQL_TICKET_FIRST_REPLY, why);
    stmt_i64(q, 1, (int64_t)ctx->workspace_id);
    stmt_i64(q, 2, (int64_t)c->id);
    stmt_i64(q, 3, t->opened_ms);
    stmt_i64(q, 4, (int64_t)t->id);
    rc = stmt_step(q, &row, why);
    if (rc == OK && row) t->first_reply_ms = stmt_col_i64(q, 0);
    stmt_reset(q);
    return rc == OK ? save(ctx, t, why) : rc;
}

static enum err open_new(struct apply_ctx *ctx, const struct conversation *c, int64_t at_ms,
                         struct ticket *t, struct why *why)
{
    *t = (struct ticket){ id_next(ctx->ids, ctx->now_ms), TICKET_OPEN, at_ms, 0, 0 };
    struct stmt *q = store_stmt(ctx->store, SQL_TICKET_ADD, why);
    stmt_i64(q, 1, (int64_t)t->id);
    stmt_i64(q, 2, (int64_t)ctx->workspace_id);
    stmt_i64(q, 3, (int64_t)c->id);
    stmt_i64(q, 4, (int64_t)c->contact_id);
    stmt_i64(q, 5, at_ms);
    stmt_i64(q, 6, ctx->now_ms);
    enum err rc = stmt_run(q, why);
    return rc == OK ? gather(ctx, c, t, at_ms, why) : rc;
}

/* A campaign answers nobody, and a reaction says nothing. As in ticket_first_reply. */
static bool answers(const struct message *m)
{
    return m->direction == MESSAGE_OUT && m->campaign_id == 0 &&
           !slice_eq(m->type, SLICE("reaction"));
}

enum err ticket_of(struct apply_ctx *ctx, const struct conversation *c, const struct message *m,
                   uint64_t *id, struct why *why)
{
    struct ticket t, next;
    *id = 0;
    if (c->id == 0 || m->origin == MESSAGE_BY_HISTORY) return OK;
    enum err rc = find(ctx, SQL_TICKET_BEFORE, c->id, m->at_ms, &t, why);
    if (rc != OK) return rc;
    bool inside = t.id != 0 && (t.state == TICKET_OPEN || m->at_ms <= t.closed_ms);
    if (inside) {
        *id = t.id;
        bool reply = answers(m) && (t.first_reply_ms == 0 || m->at_ms < t.first_reply_ms);
        if (!reply) return OK;
        t.first_reply_ms = m->at_ms;
        return save(ctx, &t, why);
    }
    if (m->direction == MESSAGE_OUT) return OK; /* we do not open tickets for ourselves */
    rc = find(ctx, SQL_TICKET_AFTER, c->id, m->at_ms, &next, why);
    if (rc != OK) return rc;
    if (next.id != 0) {
        next.opened_ms = m->at_ms;
        rc = gather(ctx, c, &next, m->at_ms, why);
    } else if (t.id != 0 && m->at_ms - t.closed_ms < m->ticket_reopen_ms) {
        int64_t from = t.closed_ms;
        t.state = TICKET_OPEN;
        t.closed_ms = 0;
        next = t;
        rc = gather(ctx, c, &next, from, why);
    } else {
        rc = open_new(ctx, c, m->at_ms, &next, why);
    }
    *id = next.id;
    return rc;
}

static enum err run3(struct apply_ctx *ctx, enum sql sql, uint64_t a, uint64_t b, uint64_t c,
                     struct why *why)
{
    struct stmt *q = store_stmt(ctx->store, sql, why);
    stmt_i64(q, 1, (int64_t)ctx->workspace_id);
    stmt_i64(q, 2, (int64_t)a);
    if (sql != SQL_TICKET_DELETE) {
        stmt_i64(q, 3, (int64_t)b);
        stmt_i64(q, 4, (int64_t)c);
    }
    return stmt_run(q, why);
}

enum err ticket_join(struct apply_ctx *ctx, uint64_t gone, const struct conversation *kept,
                     struct why *why)
{
    struct ticket theirs, ours;
    enum err rc = find(ctx, SQL_TICKET_OF_CONVERSATION, gone, 0, &theirs, why);
    if (rc == OK) rc = find(ctx, SQL_TICKET_OF_CONVERSATION, kept->id, 0, &ours, why);
    if (rc != OK) return rc;
    bool two = gone != kept->id && theirs.id != 0 && ours.id != 0;
    if (two) { /* one person's two open tickets are one, since the first of them */
        rc = run3(ctx, SQL_TICKET_MOVE_MESSAGES, theirs.id, ours.id, kept->id, why);
        if (rc == OK) rc = run3(ctx, SQL_TICKET_DELETE, theirs.id, 0, 0, why);
    }
    if (rc == OK) rc = run3(ctx, SQL_TICKET_MOVE, gone, kept->id, kept->contact_id, why);
    if (rc != OK || (!two && ours.id == 0 && theirs.id == 0)) return rc;
    struct ticket *open = ours.id != 0 ? &ours : &theirs;
    if (two && theirs.opened_ms < open->opened_ms) open->opened_ms = theirs.opened_ms;
    return gather(ctx, kept, open, open->opened_ms, why);
}
