/* mark.c: the rows of the table `marks`. */
#include "journal/mark.h"

static const slice names[] = { SLICE_INIT("known"), SLICE_INIT("interpreted"),
                               SLICE_INIT("searched") };

enum err mark_get(struct store *s, enum mark mark, uint64_t *event_id, struct why *why)
{
    bool row = false;
    struct stmt *q = store_stmt(s, SQL_MARK_GET, why);
    stmt_text(q, 1, names[mark]);
    enum err rc = stmt_step(q, &row, why);
    if (rc == OK && !row) rc = why_set(why, ERR_IO, "database: a mark is missing");
    if (rc == OK) *event_id = (uint64_t)stmt_col_i64(q, 0);
    stmt_reset(q);
    return rc;
}

enum err mark_set(struct store *s, enum mark mark, uint64_t event_id, struct why *why)
{
    struct stmt *q = store_stmt(s, SQL_MARK_SET, why);
    stmt_text(q, 1, names[mark]);
    stmt_i64(q, 2, (int64_t)event_id);
    return stmt_run(q, why);
}
