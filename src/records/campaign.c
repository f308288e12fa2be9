/* campaign.c: see campaign.h. */
#include "records/campaign.h"

#include "base/json.h"
#include "base/text.h"

const char *const campaign_state_name[] = { "draft", "running", "paused", "finished", "cancelled" };
_Static_assert(ARRAY_LEN(campaign_state_name) == CAMPAIGN_STATE_COUNT, "every state has a name");

const char *const campaign_recipient_name[] = { "waiting", "queued",    "retrying", "accepted",
                                                "sent",    "delivered", "read",     "failed",
                                                "skipped", "cancelled" };
_Static_assert(ARRAY_LEN(campaign_recipient_name) == RECIPIENT_STATE_COUNT,
               "every state has a name");
_Static_assert(MESSAGE_SENT == 2 && MESSAGE_DELIVERED == 3 && MESSAGE_READ == 4 &&
                   MESSAGE_FAILED == 6 && RECIPIENT_FAILED == 7,
               "campaign.sql has the numbers");

enum err campaign_follow(struct store *store, uint64_t workspace_id, uint64_t delivery_id,
                         int64_t at_ms, struct why *why)
{
    struct stmt *q = store_stmt(store, SQL_CAMPAIGN_FOLLOW, why);
    stmt_i64(q, 1, (int64_t)workspace_id);
    stmt_i64(q, 2, (int64_t)delivery_id);
    stmt_i64(q, 3, at_ms);
    return stmt_run(q, why);
}

/* The first id of a statement whose $1 is bound already; *id 0: there is none. */
static enum err first_id(struct stmt *q, uint64_t *id, struct why *why)
{
    bool row = false;
    enum err rc = stmt_step(q, &row, why);
    *id = rc == OK && row ? (uint64_t)stmt_col_i64(q, 0) : 0;
    stmt_reset(q);
    return rc;
}

/* The limits of the number or the account, as WhatsApp's destination reads them in an answer (dests/whatsapp_judge.c); here they come
 * after the message was taken. */
static bool is_limit(slice code)
{
    static const char *const limits[] = { "4", "80007", "130429", "131048" };
    for (size_t i = 0; i < ARRAY_LEN(limits); i++)
        if (slice_eq(code, slice_str(limits[i]))) return true;
    return false;
}

/* What is wrong is no one's fault in the list: nobody is used up on it. *again false: it was not failed by that, or has ended. */
static enum err try_again(struct apply_ctx *ctx, uint64_t delivery_id, slice reason, bool *again,
                          struct why *why)
{
    uint64_t campaign_id = 0;
    struct stmt *q = store_stmt(ctx->store, SQL_CAMPAIGN_OF_DELIVERY, why);
    stmt_i64(q, 1, (int64_t)ctx->workspace_id);
    stmt_i64(q, 2, (int64_t)delivery_id);
    enum err rc = first_id(q, &campaign_id, why);
    q = rc == OK ? store_stmt(ctx->store, SQL_CAMPAIGN_AGAIN, why) : NULL;
    stmt_i64(q, 1, (int64_t)ctx->workspace_id);
    stmt_i64(q, 2, (int64_t)delivery_id);
    stmt_i64(q, 3, ctx->now_ms);
    if (rc == OK) rc = stmt_run(q, why);
    *again = rc == OK && store_changes(ctx->store) > 0;
    if (!*again) return rc;
    q = store_stmt(ctx->store, SQL_CAMPAIGN_LIMITED, why);
    stmt_i64(q, 1, (int64_t)ctx->workspace_id);
    stmt_i64(q, 2, (int64_t)campaign_id);
    stmt_text(q, 3, reason);
    return stmt_run(q, why);
}

/* Why the channel says it failed: by code alone, its words may repeat what is nobody's business. */
static enum err set_reason(struct apply_ctx *ctx, const struct message_status *st,
                           uint64_t delivery_id, struct why *why)
{
    json *data = NULL;
    slice code = { NULL, 0 }, reason = SLICE("failed after it was sent");
    bool again = false;
    enum err rc = OK;
    if (json_parse(st->data, ctx->arena, &data, NULL) == OK)
        code = json_text(json_at(data, SLICE("/errors/0/code")));
    if (code.len <= 10 && text_is_digits(code))
        reason = arena_printf(ctx->arena, "failed after it was sent, code %.*s", SLICE_ARG(code));
    if (is_limit(code)) rc = try_again(ctx, delivery_id, reason, &again, why);
    if (rc != OK || again) return rc;
    struct stmt *q = store_stmt(ctx->store, SQL_CAMPAIGN_REASON, why);
    stmt_i64(q, 1, (int64_t)ctx->workspace_id);
    stmt_i64(q, 2, (int64_t)delivery_id);
    stmt_text(q, 3, reason);
    return stmt_run(q, why);
}

enum err campaign_status(struct apply_ctx *ctx, const struct message_status *st, struct why *why)
{
    uint64_t delivery_id = 0;
    if (st->state == MESSAGE_NO_STATE) return OK;
    struct stmt *q = store_stmt(ctx->store, SQL_CAMPAIGN_DELIVERY_OF, why);
    stmt_i64(q, 1, (int64_t)ctx->workspace_id);
    stmt_text(q, 2, st->external_id);
    enum err rc = first_id(q, &delivery_id, why);
    if (rc != OK || delivery_id == 0) return rc;
    rc = campaign_follow(ctx->store, ctx->workspace_id, delivery_id, st->at_ms, why);
    return rc == OK && st->state == MESSAGE_FAILED ? set_reason(ctx, st, delivery_id, why) : rc;
}

enum err campaign_went_to(struct apply_ctx *ctx, const struct message *m, uint64_t contact_id,
                          struct why *why)
{
    if (m->campaign_id == 0 || contact_id == 0) return OK;
    struct stmt *q = store_stmt(ctx->store, SQL_CAMPAIGN_CONTACT, why);
    stmt_i64(q, 1, (int64_t)ctx->workspace_id);
    stmt_i64(q, 2, (int64_t)m->delivery_id);
    stmt_i64(q, 3, (int64_t)contact_id);
    return stmt_run(q, why);
}

static enum err find_quoted(struct apply_ctx *ctx, slice external_id, uint64_t contact_id,
                            uint64_t *id, struct why *why)
{
    *id = 0;
    if (external_id.len == 0) return OK;
    struct stmt *q = store_stmt(ctx->store, SQL_CAMPAIGN_OF_QUOTED, why);
    stmt_i64(q, 1, (int64_t)ctx->workspace_id);
    stmt_text(q, 2, external_id);
    stmt_i64(q, 3, (int64_t)contact_id);
    return first_id(q, id, why);
}

enum err campaign_heard(struct apply_ctx *ctx, const struct message *m, uint64_t contact_id,
                        bool stop, struct why *why)
{
    uint64_t id = 0;
    bool wrote =
        m && m->direction == MESSAGE_IN && m->peer.len == 0 && m->origin == MESSAGE_BY_WEBHOOK;
    int64_t at_ms = m ? m->at_ms : ctx->occurred_ms;
    if (contact_id == 0 || (!wrote && !stop)) return OK;
    enum err rc = find_quoted(ctx, m ? m->reply_to : (slice){ NULL, 0 }, contact_id, &id, why);
    if (rc == OK && id == 0) {
        struct stmt *q = store_stmt(ctx->store, SQL_CAMPAIGN_OF_CONTACT, why);
        stmt_i64(q, 1, (int64_t)ctx->workspace_id);
        stmt_i64(q, 2, (int64_t)contact_id);
        stmt_i64(q, 3, at_ms);
        rc = first_id(q, &id, why);
    }
    if (rc != OK || id == 0) return rc;
    struct stmt *q = store_stmt(ctx->store, SQL_CAMPAIGN_HEARD, why);
    stmt_i64(q, 1, (int64_t)ctx->workspace_id);
    stmt_i64(q, 2, (int64_t)id);
    stmt_i64(q, 3, ctx->now_ms);
    stmt_i64(q, 4, at_ms);
    stmt_i64(q, 5, wrote);
    stmt_i64(q, 6, stop);
    return stmt_run(q, why);
}
