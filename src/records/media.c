/* media.c: the file of a message, to be fetched. Adding it is all that happens here: what becomes of it is the fetcher's. */
#include "records/conversation.h"

enum err media_add(struct apply_ctx *ctx, const struct message *m, uint64_t message_id,
                   uint64_t *id, struct why *why)
{
    const struct media *f = m->media;
    bool lost = f->problem.len > 0;
    *id = id_next(ctx->ids, ctx->now_ms);
    struct stmt *q = store_stmt(ctx->store, SQL_MEDIA_ADD, why);
    stmt_i64(q, 1, (int64_t)*id);
    stmt_i64(q, 2, (int64_t)ctx->workspace_id);
    stmt_i64(q, 3, (int64_t)ctx->source_id);
    stmt_i64(q, 4, (int64_t)message_id);
    stmt_text(q, 5, m->channel);
    stmt_text(q, 6, m->account);
    stmt_text(q, 7, f->external_id);
    stmt_text(q, 8, f->kind);
    stmt_text(q, 9, f->mime);
    stmt_text(q, 10, f->sha256);
    stmt_i64(q, 11, f->size);
    stmt_text(q, 12, f->filename);
    stmt_i64(q, 13, lost ? MEDIA_FAILED : MEDIA_PENDING);
    stmt_i64(q, 14, lost ? 0 : ctx->now_ms);
    stmt_text(q, 15, f->url);
    stmt_i64(q, 16, f->url.len ? ctx->now_ms : 0);
    stmt_text(q, 17, f->problem);
    stmt_i64(q, 18, ctx->now_ms);
    return stmt_run(q, why);
}
