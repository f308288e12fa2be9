/* records_api.c: contacts and orders, read only: what the hub has understood. */
#include "api/mask.h"
#include "api/routes.h"
#include "records/apply.h"

/* "email":["value",rank,ms,"origin"] as stored, to {"email":{"value","origin","at"}}: where each field came from. */
static void put_fields(struct call *c, slice stored)
{
    json *v = NULL;
    json_begin_object(&c->out, "fields");
    if (json_parse(stored, c->x->arena, &v, NULL) == OK) {
        yyjson_obj_iter it = yyjson_obj_iter_with(v);
        for (json *key; (key = yyjson_obj_iter_next(&it));) {
            json *f = yyjson_obj_iter_get_val(key);
            int64_t ms = 0;
            (void)json_i64(yyjson_arr_get(f, 2), &ms);
            json_begin_object(&c->out, yyjson_get_str(key));
            json_put_str(&c->out, "value",
                         c->key.pii ? json_str(yyjson_arr_get(f, 0)) : SLICE("***"));
            json_put_str(&c->out, "origin", json_str(yyjson_arr_get(f, 3)));
            json_put_time(&c->out, "at", ms);
            json_end_object(&c->out);
        }
    }
    json_end_object(&c->out);
}

static void put_contact(struct call *c, struct stmt *q)
{
    json_begin_object(&c->out, NULL);
    put_id(&c->out, "id", ID_CONTACT, stmt_col_i64(q, 0));
    put_id(&c->out, "merged_into", ID_CONTACT, stmt_col_i64(q, 1));
    json_put_time(&c->out, "created_at", stmt_col_i64(q, 2));
    json_put_time(&c->out, "updated_at", stmt_col_i64(q, 3));
    put_fields(c, stmt_col_text(q, 4));
    json_end_object(&c->out);
}

/* Without "told", which is for merging alone (records/order.c). */
static slice shown_order(slice stored, struct arena *arena)
{
    json *v = NULL;
    struct buf b = buf_in(arena, API_REPLY_MAX);
    if (json_parse(stored, arena, &v, NULL) != OK) return SLICE("null");
    json_begin_object(&b, NULL);
    yyjson_obj_iter it = yyjson_obj_iter_with(v);
    for (json *key; (key = yyjson_obj_iter_next(&it));)
        if (!slice_eq(json_str(key), SLICE("told")))
            json_put_raw(&b, yyjson_get_str(key), json_print(yyjson_obj_iter_get_val(key), arena));
    json_end_object(&b);
    return buf_ok(&b) ? buf_slice(&b) : SLICE("null");
}

static void put_order(struct call *c, struct stmt *q)
{
    json_begin_object(&c->out, NULL);
    put_id(&c->out, "id", ID_ORDER, stmt_col_i64(q, 0));
    put_id(&c->out, "contact", ID_CONTACT, stmt_col_i64(q, 2));
    json_put_time(&c->out, "created_at", stmt_col_i64(q, 4));
    json_put_time(&c->out, "updated_at", stmt_col_i64(q, 5));
    slice order = shown_order(stmt_col_text(q, 6), c->x->arena);
    json_put_raw(&c->out, "order", c->key.pii ? order : mask_personal(order, c->x->arena));
    json_end_object(&c->out);
}

static void put_one(struct call *c, struct stmt *q, void (*put)(struct call *, struct stmt *),
                    struct why *why)
{
    bool row = false;
    enum err rc = stmt_step(q, &row, why);
    if (rc == OK && row) put(c, q);
    stmt_reset(q);
    if (rc != OK)
        reply_err(c, rc, why);
    else if (row)
        reply_json(c, 200);
    else
        reply_error(c, 404, "not_found", "there is no such record");
}

/* By identity: the one contact it belongs to, as a page of at most one. */
static void contact_by(struct call *c, enum contact_identity kind, slice value)
{
    struct why why;
    struct page page = { .limit = 2 };
    uint64_t id;
    enum err rc = contact_find(c->store, c->key.workspace_id, kind, value, &id, &why);
    if (rc != OK) {
        reply_err(c, rc, &why);
        return;
    }
    struct stmt *q = store_stmt(c->store, SQL_RECORDS_CONTACT, &why);
    stmt_i64(q, 1, (int64_t)c->key.workspace_id);
    stmt_i64(q, 2, (int64_t)id);
    page_put(c, q, &page, ID_CONTACT, put_contact);
}

void api_contacts(struct call *c)
{
    static const struct {
        const char *name;
        enum contact_identity kind;
    } by[] = { { "document", IDENTITY_DOCUMENT },
               { "email", IDENTITY_EMAIL },
               { "phone", IDENTITY_PHONE } };
    struct why why;
    struct page page;
    for (size_t i = 0; i < ARRAY_LEN(by); i++) {
        slice value = call_query(c, by[i].name);
        if (value.len == 0) continue;
        contact_by(c, by[i].kind, value);
        return;
    }
    enum err rc = page_read(c, &page, &why);
    if (rc != OK) {
        reply_err(c, rc, &why);
        return;
    }
    struct stmt *q = store_stmt(c->store, SQL_RECORDS_CONTACTS, &why);
    stmt_i64(q, 1, (int64_t)c->key.workspace_id);
    stmt_i64(q, 2, page.before);
    stmt_i64(q, 3, page.limit);
    page_put(c, q, &page, ID_CONTACT, put_contact);
}

void api_contact(struct call *c)
{
    struct why why;
    uint64_t id = 0;
    if (id_parse(ID_CONTACT, c->param[0], &id) != OK) {
        reply_error(c, 404, "not_found", "there is no such contact");
        return;
    }
    struct stmt *q = store_stmt(c->store, SQL_RECORDS_CONTACT, &why);
    stmt_i64(q, 1, (int64_t)c->key.workspace_id);
    stmt_i64(q, 2, (int64_t)id);
    put_one(c, q, put_contact, &why);
}

void api_orders(struct call *c)
{
    struct why why;
    struct page page;
    slice status = call_query(c, "status");
    int64_t state = 0;
    enum err rc = page_read(c, &page, &why);
    for (int i = 1; status.len && i < ORDER_STATUS_COUNT; i++)
        if (slice_eq(status, slice_str(order_status_name[i]))) state = i;
    if (rc == OK && status.len && state == 0) rc = why_set(&why, ERR_SYNTAX, "unknown `status`");
    if (rc != OK) {
        reply_err(c, rc, &why);
        return;
    }
    struct stmt *q = store_stmt(c->store, SQL_RECORDS_ORDERS, &why);
    stmt_i64(q, 1, (int64_t)c->key.workspace_id);
    stmt_i64(q, 2, page.before);
    stmt_i64(q, 3, state);
    stmt_i64(q, 4, page.limit);
    page_put(c, q, &page, ID_ORDER, put_order);
}

void api_order(struct call *c)
{
    struct why why;
    struct stmt *q = store_stmt(c->store, SQL_RECORDS_ORDER, &why);
    stmt_i64(q, 1, (int64_t)c->key.workspace_id);
    stmt_text(q, 2, c->param[0]);
    put_one(c, q, put_order, &why);
}
