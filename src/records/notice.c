/* notice.c: see notice.h. */
#include "records/notice.h"

enum err notice_add(struct store *s, struct id_maker *ids, const struct notice *n, int64_t now_ms,
                    struct why *why)
{
    struct stmt *q = store_stmt(s, SQL_NOTICE_ADD, why);
    stmt_i64(q, 1, (int64_t)id_next(ids, now_ms));
    stmt_i64(q, 2, (int64_t)n->workspace_id);
    stmt_text(q, 3, n->alert);
    stmt_i64(q, 4, (int64_t)n->destination_id);
    stmt_i64(q, 5, (int64_t)n->event_id);
    stmt_text(q, 6, n->owner);
    stmt_text(q, 7, n->number);
    stmt_text(q, 8, n->reason);
    stmt_i64(q, 9, n->at_ms);
    return stmt_run(q, why);
}

enum err notice_take(struct store *s, struct arena *arena, struct notice *out, bool *found,
                     struct why *why)
{
    uint64_t id = 0;
    struct stmt *q = store_stmt(s, SQL_NOTICE_FIRST, why);
    enum err rc = stmt_step(q, found, why);
    *found = rc == OK && *found;
    if (*found) {
        id = (uint64_t)stmt_col_i64(q, 0);
        *out = (struct notice){ .workspace_id = (uint64_t)stmt_col_i64(q, 1),
                                .alert = arena_dup(arena, stmt_col_text(q, 2)),
                                .destination_id = (uint64_t)stmt_col_i64(q, 3),
                                .event_id = (uint64_t)stmt_col_i64(q, 4),
                                .owner = arena_dup(arena, stmt_col_text(q, 5)),
                                .number = arena_dup(arena, stmt_col_text(q, 6)),
                                .reason = arena_dup(arena, stmt_col_text(q, 7)),
                                .at_ms = stmt_col_i64(q, 8) };
    }
    stmt_reset(q);
    if (!*found) return rc;
    if (arena->full) return why_set(why, ERR_LIMIT, "arena full");
    q = store_stmt(s, SQL_NOTICE_DROP, why);
    stmt_i64(q, 1, (int64_t)out->workspace_id);
    stmt_i64(q, 2, (int64_t)id);
    return stmt_run(q, why);
}
