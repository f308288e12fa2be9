/* search.c: see search.h, and store/migrations/0003_search.sqlite.sql for why the index follows behind. */
#include "records/search.h"

#include "journal/mark.h"

enum { MERGE_PAGES = 200 }; /* of one step: a few milliseconds of the writer */

enum err search_catch_up(struct store *s, struct why *why)
{
    bool row = false;
    uint64_t newest = 0, mark = 0;
    struct stmt *q = store_stmt(s, SQL_SEARCH_NEWEST, why);
    enum err rc = stmt_step(q, &row, why);
    if (rc == OK && row) newest = (uint64_t)stmt_col_i64(q, 0);
    stmt_reset(q);
    if (rc == OK && newest) rc = mark_get(s, MARK_SEARCHED, &mark, why);
    if (rc != OK || newest <= mark) return rc;
    q = store_stmt(s, SQL_SEARCH_ADD, why);
    stmt_i64(q, 1, (int64_t)mark);
    stmt_i64(q, 2, (int64_t)newest);
    rc = stmt_run(q, why);
    return rc == OK ? mark_set(s, MARK_SEARCHED, newest, why) : rc;
}

/* How many rows this connection has changed since it was opened, the index's own included. */
static enum err count_work(struct store *s, int64_t *out, struct why *why)
{
    bool row = false;
    struct stmt *q = store_stmt(s, SQL_SEARCH_WORK, why);
    enum err rc = stmt_step(q, &row, why);
    *out = rc == OK && row ? stmt_col_i64(q, 0) : 0;
    stmt_reset(q);
    return rc;
}

/* As FTS5's page says: a negative number first, which takes every part into one merge; and less than two changes are none. */
enum err search_merge(void *merge, struct store *s, struct why *why)
{
    struct search_merge *m = merge;
    int64_t before = 0, after = 0;
    enum err rc = count_work(s, &before, why);
    struct stmt *q = rc == OK ? store_stmt(s, SQL_SEARCH_MERGE, why) : NULL;
    stmt_i64(q, 1, m->begun ? MERGE_PAGES : -MERGE_PAGES);
    if (rc == OK) rc = stmt_run(q, why);
    if (rc == OK) rc = count_work(s, &after, why);
    m->done = rc == OK && m->begun && after - before < 2;
    m->begun = true;
    return rc;
}
