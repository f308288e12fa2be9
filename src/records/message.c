/* message.c: one message, once, whatever told of it and in whatever order: the webhook, the history, the app, the hub's own sending.
 *
 * Invariants: (1) of two words about one message the better informed stays: a known type over a placeholder, then the greater
 * origin. (2) Its state only grows (message_set_state). (3) Statuses, edits and reactions are kept by the message's external id,
 * and looked up when it comes to be known. (4) What an edit replaces is kept as the first of the edits (MESSAGE_ORIGINAL). */
#include "records/campaign.h"
#include "records/conversation.h"

struct stored {
    uint64_t id, contact_id, conversation_id, ticket_id, media_id, delivery_id, campaign_id;
    int64_t direction, origin, at_ms, state, state_ms, edited_ms, revoked_ms;
    slice type, text;
};

static int informed(slice type)
{
    return slice_eq(type, SLICE("media_placeholder")) ? 0
           : slice_eq(type, SLICE("unsupported"))     ? 1
                                                      : 2;
}

/* A statement about the message with this id of the channel's: its first two parameters. */
static struct stmt *about(struct apply_ctx *ctx, enum sql id, slice external_id, struct why *why)
{
    struct stmt *q = store_stmt(ctx->store, id, why);
    stmt_i64(q, 1, (int64_t)ctx->workspace_id);
    stmt_text(q, 2, external_id);
    return q;
}

static enum err load(struct apply_ctx *ctx, slice external_id, struct stored *out, struct why *why)
{
    bool row = false;
    *out = (struct stored){ .id = 0 };
    struct stmt *q = about(ctx, SQL_MESSAGE_FIND, external_id, why);
    enum err rc = stmt_step(q, &row, why);
    if (rc == OK && row) {
        uint64_t *ids[] = { &out->id,         &out->contact_id, &out->conversation_id,
                            &out->ticket_id,  &out->media_id,   &out->delivery_id,
                            &out->campaign_id };
        for (size_t i = 0; i < ARRAY_LEN(ids); i++) *ids[i] = (uint64_t)stmt_col_i64(q, (int)i);
        out->direction = stmt_col_i64(q, 7);
        out->origin = stmt_col_i64(q, 8);
        out->type = arena_dup(ctx->arena, stmt_col_text(q, 9));
        out->at_ms = stmt_col_i64(q, 10);
        out->state = stmt_col_i64(q, 11);
        out->state_ms = stmt_col_i64(q, 12);
        out->edited_ms = stmt_col_i64(q, 13);
    }
    stmt_reset(q);
    return rc;
}

/* The latest edit and the first revocation that are known of a message. */
static enum err load_edits(struct apply_ctx *ctx, slice external_id, struct stored *s,
                           struct why *why)
{
    bool row = false;
    struct stmt *q = about(ctx, SQL_MESSAGE_EDIT_KNOWN, external_id, why);
    enum err rc = stmt_step(q, &row, why);
    if (rc == OK && row) {
        s->edited_ms = stmt_col_i64(q, 0);
        s->revoked_ms = stmt_col_i64(q, 1);
    }
    stmt_reset(q);
    if (rc != OK || s->edited_ms == 0) return rc;
    q = about(ctx, SQL_MESSAGE_EDIT_LATEST, external_id, why);
    rc = stmt_step(q, &row, why);
    if (rc == OK && row) s->text = arena_dup(ctx->arena, stmt_col_text(q, 0));
    stmt_reset(q);
    return rc;
}

/* The best of the statuses that came before the message. */
static enum err load_state(struct apply_ctx *ctx, slice external_id, struct stored *s,
                           struct why *why)
{
    bool row = false;
    struct stmt *q = about(ctx, SQL_MESSAGE_STATUS_BEST, external_id, why);
    enum err rc = stmt_step(q, &row, why);
    if (rc == OK && row) {
        int64_t rank = stmt_col_i64(q, 0), at = stmt_col_i64(q, 1);
        if (rank > s->state || (rank == s->state && at < s->state_ms)) {
            s->state = rank;
            s->state_ms = at;
        }
    }
    stmt_reset(q);
    return rc;
}

/* The message's own text, for a message that shows an edit's. */
static enum err set_original(struct apply_ctx *ctx, const struct message *m, const struct stored *s,
                             struct why *why)
{
    if (s->edited_ms == 0) return OK;
    struct stmt *q = about(ctx, SQL_MESSAGE_ORIGINAL_SET, m->external_id, why);
    stmt_i64(q, 3, m->at_ms);
    stmt_text(q, 4, m->text);
    return stmt_run(q, why);
}

static enum err add(struct apply_ctx *ctx, const struct message *m, const struct stored *s,
                    struct why *why)
{
    struct stmt *q = store_stmt(ctx->store, SQL_MESSAGE_ADD, why);
    const uint64_t ids[] = { s->id,         ctx->workspace_id,  ctx->source_id,
                             s->contact_id, s->conversation_id, s->ticket_id,
                             s->media_id,   m->delivery_id,     m->campaign_id };
    int n = 0;
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) stmt_i64(q, ++n, (int64_t)ids[i]);
    stmt_text(q, ++n, m->channel);
    stmt_text(q, ++n, m->account);
    stmt_text(q, ++n, m->external_id);
    stmt_i64(q, ++n, m->direction);
    stmt_i64(q, ++n, m->origin);
    stmt_text(q, ++n, m->type);
    stmt_i64(q, ++n, m->at_ms);
    stmt_i64(q, ++n, s->state);
    stmt_i64(q, ++n, s->state_ms);
    stmt_i64(q, ++n, s->edited_ms);
    stmt_i64(q, ++n, s->revoked_ms);
    stmt_i64(q, ++n, ctx->now_ms);
    stmt_text(q, ++n, m->reply_to);
    stmt_text(q, ++n, s->edited_ms ? s->text : m->text);
    stmt_text(q, ++n, m->data);
    stmt_i64(q, ++n, m->peer.len > 0);
    return stmt_run(q, why);
}

/* Was it marked as read before it came to be known? */
static enum err take_early_read(struct apply_ctx *ctx, const struct message *m,
                                struct conversation *c, uint64_t contact_id, struct why *why)
{
    bool row = false;
    if (m->direction != MESSAGE_IN) return OK;
    struct stmt *q = about(ctx, SQL_MESSAGE_READ_KNOWN, m->external_id, why);
    enum err rc = stmt_step(q, &row, why);
    int64_t event_id = rc == OK && row ? stmt_col_i64(q, 0) : 0;
    stmt_reset(q);
    if (rc != OK || !row) return rc;
    if (m->at_ms > c->read_ms) c->read_ms = m->at_ms;
    q = about(ctx, SQL_MESSAGE_READ_DONE, m->external_id, why);
    rc = stmt_run(q, why);
    q = rc == OK ? store_stmt(ctx->store, SQL_MESSAGE_READ_ABOUT, why) : NULL;
    stmt_i64(q, 1, (int64_t)ctx->workspace_id);
    stmt_i64(q, 2, event_id);
    stmt_i64(q, 3, (int64_t)contact_id);
    return rc == OK ? stmt_run(q, why) : rc;
}

static enum err add_new(struct apply_ctx *ctx, const struct message *m, uint64_t contact_id,
                        struct stored *s, struct why *why)
{
    struct conversation c;
    *s = (struct stored){ .id = m->id ? m->id : id_next(ctx->ids, ctx->now_ms),
                          .contact_id = contact_id,
                          .state = m->state,
                          .state_ms = m->state == MESSAGE_NO_STATE ? 0 : m->state_ms };
    enum err rc = conversation_of(ctx, m, contact_id, &c, why);
    s->conversation_id = c.id;
    if (rc == OK) rc = ticket_of(ctx, &c, m, &s->ticket_id, why);
    if (rc == OK) rc = take_early_read(ctx, m, &c, contact_id, why);
    if (rc == OK) rc = conversation_touch(ctx, &c, m, informed(m->type) > 0, why);
    if (rc == OK) rc = load_edits(ctx, m->external_id, s, why);
    if (rc == OK && m->direction == MESSAGE_OUT) rc = load_state(ctx, m->external_id, s, why);
    if (rc == OK && m->media) rc = media_add(ctx, m, s->id, &s->media_id, why);
    if (rc == OK) rc = set_original(ctx, m, s, why);
    return rc == OK ? add(ctx, m, s, why) : rc;
}

static enum err set_state(struct apply_ctx *ctx, slice external_id, int64_t state, int64_t at_ms,
                          struct why *why)
{
    if (state == MESSAGE_NO_STATE) return OK;
    struct stmt *q = about(ctx, SQL_MESSAGE_SET_STATE, external_id, why);
    stmt_i64(q, 3, state);
    stmt_i64(q, 4, at_ms);
    stmt_i64(q, 5, ctx->now_ms);
    return stmt_run(q, why);
}

/* The content of the better informed word. */
static enum err replace(struct apply_ctx *ctx, const struct message *m, struct stored *s,
                        struct why *why)
{
    enum err rc = m->media && s->media_id == 0 ? media_add(ctx, m, s->id, &s->media_id, why) : OK;
    if (rc == OK) rc = set_original(ctx, m, s, why);
    if (rc != OK) return rc;
    if ((int64_t)m->origin > s->origin) s->origin = m->origin;
    struct stmt *q = store_stmt(ctx->store, SQL_MESSAGE_SET, why);
    stmt_i64(q, 1, (int64_t)ctx->workspace_id);
    stmt_i64(q, 2, (int64_t)s->id);
    stmt_i64(q, 3, (int64_t)s->media_id);
    stmt_i64(q, 4, m->direction);
    stmt_i64(q, 5, s->origin);
    stmt_text(q, 6, m->type);
    stmt_i64(q, 7, m->at_ms);
    stmt_text(q, 8, m->reply_to);
    stmt_text(q, 9, m->text);
    stmt_text(q, 10, m->data);
    stmt_i64(q, 11, ctx->now_ms);
    return stmt_run(q, why);
}

static enum err set_ours(struct apply_ctx *ctx, const struct message *m, struct stored *s,
                         struct why *why)
{
    if (m->delivery_id) s->delivery_id = m->delivery_id;
    if (m->campaign_id) s->campaign_id = m->campaign_id;
    if ((int64_t)m->origin > s->origin) s->origin = m->origin;
    struct stmt *q = store_stmt(ctx->store, SQL_MESSAGE_SET_OURS, why);
    stmt_i64(q, 1, (int64_t)ctx->workspace_id);
    stmt_i64(q, 2, (int64_t)s->id);
    stmt_i64(q, 3, (int64_t)s->ticket_id);
    stmt_i64(q, 4, (int64_t)s->delivery_id);
    stmt_i64(q, 5, (int64_t)s->campaign_id);
    stmt_i64(q, 6, s->origin);
    stmt_i64(q, 7, ctx->now_ms);
    return stmt_run(q, why);
}

/* Told again: by the same, by somebody better informed, or less. */
static enum err merge(struct apply_ctx *ctx, const struct message *m, struct stored *s,
                      struct why *why)
{
    struct conversation c;
    int now = informed(s->type), fresh = informed(m->type);
    bool better = fresh != now ? fresh > now : (int64_t)m->origin >= s->origin;
    enum err rc = conversation_of(ctx, m, s->contact_id, &c, why);
    bool ticket = s->ticket_id == 0 && m->origin > MESSAGE_BY_HISTORY && c.id == s->conversation_id;
    struct message known = *m; /* who tells it again may not know that it was a campaign's */
    if (known.campaign_id == 0) known.campaign_id = s->campaign_id;
    if (rc == OK && ticket) rc = ticket_of(ctx, &c, &known, &s->ticket_id, why);
    bool first = now == 0 && fresh > 0;
    if (rc == OK && c.id == s->conversation_id)
        rc = conversation_touch(ctx, &c, &known, first, why);
    if (rc == OK && better) rc = replace(ctx, m, s, why);
    if (rc == OK) rc = set_ours(ctx, m, s, why);
    return rc == OK ? set_state(ctx, m->external_id, m->state, m->state_ms, why) : rc;
}

/* A message of ours, told once more: its channel may have named it since. */
static enum err find_ours(struct apply_ctx *ctx, uint64_t id, slice *external_id, struct why *why)
{
    bool row = false;
    struct stmt *q = store_stmt(ctx->store, SQL_MESSAGE_EXTERNAL_ID, why);
    stmt_i64(q, 1, (int64_t)ctx->workspace_id);
    stmt_i64(q, 2, (int64_t)id);
    enum err rc = stmt_step(q, &row, why);
    if (rc == OK && row) *external_id = arena_dup(ctx->arena, stmt_col_text(q, 0));
    stmt_reset(q);
    return rc;
}

enum err message_apply(struct apply_ctx *ctx, const struct message *m, uint64_t contact_id,
                       struct applied_message *out, struct why *why)
{
    struct stored s;
    slice external_id = m->external_id;
    enum err rc = m->id ? find_ours(ctx, m->id, &external_id, why) : OK;
    if (rc == OK) rc = load(ctx, external_id, &s, why);
    if (rc != OK) return rc;
    out->fresh = s.id == 0;
    rc = out->fresh ? add_new(ctx, m, contact_id, &s, why) : merge(ctx, m, &s, why);
    out->id = s.id;
    out->conversation_id = s.conversation_id;
    out->ticket_id = s.ticket_id;
    out->media_id = s.media_id;
    return rc;
}

enum err message_named(struct store *store, uint64_t workspace_id, uint64_t delivery_id,
                       slice external_id, int64_t now_ms, struct why *why)
{
    bool row = false;
    int64_t rank = MESSAGE_ACCEPTED, at_ms = now_ms;
    struct stmt *q = store_stmt(store, SQL_MESSAGE_STATUS_BEST, why);
    stmt_i64(q, 1, (int64_t)workspace_id);
    stmt_text(q, 2, external_id);
    enum err rc = stmt_step(q, &row, why);
    if (rc == OK && row) { /* a status was faster than the answer */
        rank = stmt_col_i64(q, 0);
        at_ms = stmt_col_i64(q, 1);
    }
    stmt_reset(q);
    if (rc != OK) return rc;
    q = store_stmt(store, SQL_MESSAGE_NAME, why);
    stmt_i64(q, 1, (int64_t)workspace_id);
    stmt_i64(q, 2, (int64_t)delivery_id);
    stmt_text(q, 3, external_id);
    stmt_i64(q, 4, rank);
    stmt_i64(q, 5, at_ms);
    stmt_i64(q, 6, now_ms);
    rc = stmt_run(q, why);
    if (rc != OK || rank == MESSAGE_FAILED) return rc;
    q = store_stmt(store, SQL_MESSAGE_REACT, why);
    stmt_i64(q, 1, (int64_t)workspace_id);
    stmt_i64(q, 2, (int64_t)delivery_id);
    stmt_text(q, 3, external_id);
    stmt_i64(q, 4, at_ms);
    return stmt_run(q, why);
}

/* A status that carries a delivery's id proves that the delivery arrived, whatever became of its answer. */
static enum err prove(struct apply_ctx *ctx, const struct message_status *st, struct why *why)
{
    uint64_t id = 0;
    if (id_parse(ID_DELIVERY, st->callback, &id) != OK) return OK;
    struct stmt *q = store_stmt(ctx->store, SQL_MESSAGE_DELIVERY_PROVEN, why);
    stmt_i64(q, 1, (int64_t)ctx->workspace_id);
    stmt_i64(q, 2, (int64_t)id);
    stmt_text(q, 3, st->external_id);
    stmt_i64(q, 4, ctx->now_ms);
    enum err rc = stmt_run(q, why);
    if (rc != OK || store_changes(ctx->store) == 0) return rc;
    return message_named(ctx->store, ctx->workspace_id, id, st->external_id, ctx->now_ms, why);
}

enum err message_status_apply(struct apply_ctx *ctx, const struct message_status *st,
                              struct why *why)
{
    struct stmt *q = about(ctx, SQL_MESSAGE_STATUS_ADD, st->external_id, why);
    stmt_text(q, 3, st->recipient);
    stmt_text(q, 4, st->word);
    stmt_i64(q, 5, st->at_ms);
    stmt_i64(q, 6, st->state);
    stmt_i64(q, 7, ctx->now_ms);
    stmt_text(q, 8, st->data);
    stmt_i64(q, 9, (int64_t)ctx->event_id);
    enum err rc = stmt_run(q, why);
    if (rc == OK) rc = prove(ctx, st, why);
    if (rc == OK) rc = set_state(ctx, st->external_id, st->state, st->at_ms, why);
    return rc == OK ? campaign_status(ctx, st, why) : rc;
}

enum err message_read_apply(struct apply_ctx *ctx, slice external_id, uint64_t *contact_id,
                            struct why *why)
{
    struct stored s;
    enum err rc = load(ctx, external_id, &s, why);
    if (rc != OK) return rc;
    *contact_id = s.contact_id;
    if (s.id != 0)
        return s.direction == MESSAGE_IN && s.conversation_id != 0
                   ? conversation_read(ctx, s.conversation_id, s.at_ms, why)
                   : OK;
    struct stmt *q = about(ctx, SQL_MESSAGE_READ_EARLY, external_id, why);
    stmt_i64(q, 3, (int64_t)ctx->event_id);
    return stmt_run(q, why);
}

enum err message_edit_apply(struct apply_ctx *ctx, const struct message_edit *e, struct why *why)
{
    struct stored s = { .id = 0 };
    struct stmt *q = about(ctx, SQL_MESSAGE_EDIT_ADD, e->external_id, why);
    stmt_text(q, 3, e->edit_id);
    stmt_i64(q, 4, e->kind);
    stmt_i64(q, 5, e->at_ms);
    stmt_text(q, 6, e->text);
    stmt_text(q, 7, e->data);
    enum err rc = stmt_run(q, why);
    if (rc == OK) rc = load_edits(ctx, e->external_id, &s, why);
    if (rc == OK && s.edited_ms > 0)
        rc = stmt_run(about(ctx, SQL_MESSAGE_ORIGINAL_KEEP, e->external_id, why), why);
    if (rc == OK && s.edited_ms > 0) {
        q = about(ctx, SQL_MESSAGE_SET_EDIT, e->external_id, why);
        stmt_text(q, 3, s.text);
        stmt_i64(q, 4, s.edited_ms);
        stmt_i64(q, 5, ctx->now_ms);
        rc = stmt_run(q, why);
    }
    if (rc == OK && s.revoked_ms > 0) {
        q = about(ctx, SQL_MESSAGE_SET_REVOKED, e->external_id, why);
        stmt_i64(q, 3, s.revoked_ms);
        stmt_i64(q, 4, ctx->now_ms);
        rc = stmt_run(q, why);
    }
    return rc;
}

enum err message_reaction_apply(struct apply_ctx *ctx, const struct message_reaction *r,
                                struct why *why)
{
    struct stmt *q = about(ctx, SQL_MESSAGE_REACTION_PUT, r->external_id, why);
    stmt_text(q, 3, r->reactor);
    stmt_text(q, 4, r->emoji);
    stmt_i64(q, 5, r->at_ms);
    stmt_text(q, 6, r->reaction_id);
    return stmt_run(q, why);
}
