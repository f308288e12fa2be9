/* search.c: see search.h, and store/migrations/0003_search.sqlite.sql for why the index follows behind. */
#include "records/search.h"

#include "journal/mark.h"

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
