/* hold.c: see hold.h. Which destinations: those whose number is known to belong to the account, and, if nothing is known of the
 * account's numbers yet, those whose number nothing is known of: a message too few is better than a number that is lost for good. Where
 * others' numbers come in, too, nothing is guessed: it may as well be one of theirs. */
#include "interpret/hold.h"

#include "records/apply.h"

static enum err put(struct interpret_ctx *ctx, const struct stored_event *e,
                    const struct destination *to, slice reason, struct why *why)
{
    struct stmt *q = store_stmt(ctx->store, SQL_HOLD_SET, why);
    stmt_i64(q, 1, (int64_t)to->workspace_id);
    stmt_i64(q, 2, (int64_t)to->id);
    stmt_text(q, 3, reason);
    stmt_i64(q, 4, ctx->now_ms);
    stmt_i64(q, 5, e->event.occurred_ms);
    enum err rc = stmt_run(q, why);
    if (rc != OK || store_changes(ctx->store) == 0) return rc;
    ctx->held = true;
    LOG(ctx->log, LOG_ERROR, "destination.held", log_str("destination", to->name),
        log_str("why", reason));
    return OK;
}

enum err hold_apply(struct interpret_ctx *ctx, const struct stored_event *e,
                    const struct account_hold *h, struct why *why)
{
    enum err rc = OK;
    for (size_t i = 0; rc == OK && i < ctx->config->destination_count; i++) {
        const struct destination *to = &ctx->config->destinations[i];
        const struct dest_messages *m = to->kind->messages;
        bool meant = false;
        if (to->workspace_id != e->workspace_id || !m) continue;
        if (!slice_eq(slice_str(m->channel), h->who.channel)) continue;
        rc = own_number_is_meant(ctx->store, e->workspace_id, &h->who, m->account(&to->cfg),
                                 h->part == NULL, &meant, why);
        if (rc == OK && meant) rc = put(ctx, e, to, h->reason, why);
    }
    return rc;
}
