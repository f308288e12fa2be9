/* templates.c: templates of ours that a channel has told of, read only. */
#include "api/routes.h"
#include "records/apply.h"

static void put_template(struct call *c, struct stmt *q)
{
    struct buf *b = &c->out;
    json_begin_object(b, NULL);
    put_id(b, "id", ID_TEMPLATE, stmt_col_i64(q, 0));
    json_put_str(b, "channel", stmt_col_text(q, 1));
    json_put_str(b, "owner", stmt_col_text(q, 2));
    json_put_str(b, "name", stmt_col_text(q, 3));
    json_put_str(b, "language", stmt_col_text(q, 4));
    json_put_opt(b, "state", stmt_col_text(q, 5));
    json_put_opt(b, "reason", stmt_col_text(q, 6));
    json_put_time(b, "state_at", stmt_col_i64(q, 7));
    json_put_bool(b, "sendable", template_may_go(stmt_col_text(q, 5)));
    json_put_opt(b, "quality", stmt_col_text(q, 8));
    json_put_time(b, "quality_at", stmt_col_i64(q, 9));
    json_put_opt(b, "category", stmt_col_text(q, 10));
    json_put_time(b, "category_at", stmt_col_i64(q, 11));
    json_end_object(b);
}

void api_templates(struct call *c)
{
    struct why why;
    struct page page;
    enum err rc = page_read(c, &page, &why);
    if (rc != OK) {
        reply_err(c, rc, &why);
        return;
    }
    struct stmt *q = store_stmt(c->store, SQL_TEMPLATES_LIST, &why);
    stmt_i64(q, 1, (int64_t)c->key.workspace_id);
    stmt_i64(q, 2, page.before);
    stmt_text(q, 3, call_query(c, "name"));
    stmt_text(q, 4, call_query(c, "state"));
    stmt_i64(q, 5, page.limit);
    page_put(c, q, &page, ID_TEMPLATE, put_template);
}
