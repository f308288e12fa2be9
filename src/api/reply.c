/* reply.c: answers, parameters and paging of the API. */
#include "api/reply.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/time.h"
#include "config/tables.h"

bool call_has(struct call *c, enum sql sql, uint64_t id)
{
    bool row = false;
    struct stmt *q = store_stmt(c->store, sql, NULL);
    stmt_i64(q, 1, (int64_t)c->key.workspace_id);
    stmt_i64(q, 2, (int64_t)id);
    bool found = stmt_step(q, &row, NULL) == OK && row;
    stmt_reset(q);
    return found;
}

bool call_is_owner(const struct call *c) { return c->key.workspace_id == WORKSPACE_OWNER; }

void reply_json(struct call *c, int status)
{
    if (!buf_ok(&c->out)) {
        reply_error(c, 500, "too_large",
                    "the answer is too large; ask for fewer items with ?limit=");
        return;
    }
    c->x->status = status;
    c->x->body = buf_slice(&c->out);
}

void reply_error(struct call *c, int status, const char *code, const char *fmt, ...)
{
    char message[WHY_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    c->out = buf_in(c->x->arena, API_REPLY_MAX);
    json_begin_object(&c->out, NULL);
    json_begin_object(&c->out, "error");
    json_put_str(&c->out, "code", slice_str(code));
    json_put_str(&c->out, "message", slice_str(message));
    json_end_object(&c->out);
    json_end_object(&c->out);
    c->x->status = status;
    c->x->body = buf_slice(&c->out);
}

void reply_err(struct call *c, enum err rc, const struct why *why)
{
    static const struct {
        int status;
        const char *code;
    } table[ERR_COUNT] = {
        [ERR_SYNTAX] = { 400, "invalid" },         [ERR_DENIED] = { 403, "denied" },
        [ERR_LIMIT] = { 413, "too_large" },        [ERR_MISSING] = { 404, "not_found" },
        [ERR_CONFLICT] = { 409, "conflict" },      [ERR_BUSY] = { 503, "busy" },
        [ERR_IO] = { 503, "storage_unavailable" }, [ERR_REMOTE] = { 502, "remote_failed" },
        [ERR_BUG] = { 500, "internal" },
    };
    CHECK(rc != OK && (unsigned)rc < ERR_COUNT);
    reply_error(c, table[rc].status, table[rc].code, "%s", why->text);
}

void reply_put_header(struct call *c, const char *name, slice value)
{
    struct api_exchange *x = c->x;
    if (x->header_count == ARRAY_LEN(x->headers)) return;
    x->headers[x->header_count++] = (struct header){ slice_str(name), arena_dup(x->arena, value) };
}

slice call_query(struct call *c, const char *name)
{
    slice raw = text_query_get(c->x->request.query, slice_str(name), NULL);
    return raw.len ? text_url_decode(raw, c->x->arena) : (slice){ NULL, 0 };
}

enum err call_body(struct call *c, bool optional, json **out, struct why *why)
{
    *out = NULL;
    if (optional && slice_trim(c->x->request.body).len == 0) return OK;
    enum err rc = json_parse(c->x->request.body, c->x->arena, out, why);
    if (rc == OK && !yyjson_is_obj(*out))
        rc = why_set(why, ERR_SYNTAX, "the body must be a JSON object");
    return rc;
}

enum err call_time(struct call *c UNUSED, slice text, int64_t *ms, struct why *why)
{
    int64_t back_ms = 0;
    if (text.len == 0) return OK;
    if (tables_duration(text, &back_ms, NULL) == OK) {
        *ms = clock_wall_ms() - back_ms;
        return OK;
    }
    if (time_parse(text, ms, NULL, NULL) == OK) return OK;
    return why_set(why, ERR_SYNTAX, "\"%.*s\" is no time: write 2026-03-10T12:00:00Z or 24h",
                   SLICE_ARG(slice_sub(text, 0, 40)));
}

/* A cursor is the id of the last item shown, whatever its kind. */
static bool cursor_read(slice text, int64_t *id)
{
    uint64_t n = 0;
    for (int kind = 0; kind < ID_KIND_COUNT; kind++)
        if (id_parse((enum id_kind)kind, text, &n) == OK) {
            *id = (int64_t)n;
            return true;
        }
    return false;
}

enum err page_read(struct call *c, struct page *p, struct why *why)
{
    *p = (struct page){ .before = INT64_MAX, .limit = PAGE_DEFAULT };
    slice limit = call_query(c, "limit"), cursor = call_query(c, "cursor");
    if (limit.len && text_i64(limit, 1, PAGE_MAX, &p->limit, NULL) != OK)
        return why_set(why, ERR_SYNTAX, "`limit` is 1 to %d", PAGE_MAX);
    if (cursor.len && !cursor_read(cursor, &p->before))
        return why_set(why, ERR_SYNTAX, "`cursor` must be the `next` of an earlier page");
    p->limit++;
    return OK;
}

void page_begin(struct call *c)
{
    json_begin_object(&c->out, NULL);
    json_begin_array(&c->out, "items");
}

bool page_item(struct page *p, int64_t id)
{
    if (++p->shown == p->limit) return false;
    p->last_id = id;
    return true;
}

void page_end(struct call *c, const struct page *p, enum id_kind kind)
{
    json_end_array(&c->out);
    if (p->shown == p->limit) put_id(&c->out, "next", kind, p->last_id);
    json_end_object(&c->out);
}

void page_put(struct call *c, struct stmt *q, struct page *page, enum id_kind kind,
              void (*put)(struct call *, struct stmt *))
{
    struct why why = { .code = OK };
    bool row = true;
    enum err rc;
    page_begin(c);
    while ((rc = stmt_step(q, &row, &why)) == OK && row && page_item(page, stmt_col_i64(q, 0)))
        put(c, q);
    stmt_reset(q);
    page_end(c, page, kind);
    if (rc == OK)
        reply_json(c, 200);
    else
        reply_err(c, rc, &why);
}

void put_id(struct buf *b, const char *key, enum id_kind kind, int64_t id)
{
    json_put_id(b, key, kind, (uint64_t)id);
}
