/* keys_api.c: API keys over the API. A key is shown once, when it is made. */
#include "api/routes.h"
#include "base/clock.h"

static void list(struct call *c)
{
    struct why why = { .code = OK };
    bool row = true;
    enum err rc;
    struct stmt *q = store_stmt(c->store, SQL_KEYS_LIST, &why);
    stmt_i64(q, 1, (int64_t)c->key.workspace_id);
    page_begin(c);
    while ((rc = stmt_step(q, &row, &why)) == OK && row) {
        json_begin_object(&c->out, NULL);
        put_id(&c->out, "id", ID_KEY, stmt_col_i64(q, 0));
        json_put_str(&c->out, "name", stmt_col_text(q, 1));
        json_put_str(&c->out, "role", stmt_col_text(q, 2));
        json_put_i64(&c->out, "rate_per_min", stmt_col_i64(q, 3));
        json_put_bool(&c->out, "personal_data", stmt_col_i64(q, 4) != 0);
        json_put_time(&c->out, "created_at", stmt_col_i64(q, 5));
        json_end_object(&c->out);
    }
    stmt_reset(q);
    page_end(c, &(struct page){ .limit = -1 }, ID_KEY);
    if (rc == OK)
        reply_json(c, 200);
    else
        reply_err(c, rc, &why);
}

struct new_key {
    struct call *call;
    slice name, key;
    enum key_role role;
    int64_t rate;
    bool pii;
};

static enum err add_run(void *arg, struct store *s, struct why *why)
{
    struct new_key *k = arg;
    return keys_add(s, &k->call->app->ids, k->call->key.workspace_id, k->name, k->role,
                    (uint32_t)k->rate, k->pii, k->key, clock_wall_ms(), why);
}

static enum err read_key(json *body, struct new_key *k, struct why *why)
{
    slice role = json_get_text(body, "role");
    bool known = false;
    k->name = json_str(json_get(body, "name"));
    if (k->name.len == 0 || k->name.len > NAME_MAX_BYTES)
        return why_set(why, ERR_SYNTAX, "`name` is required (at most %d)", NAME_MAX_BYTES);
    for (int i = 0; i < ROLE_COUNT; i++)
        if (slice_eq(role, slice_str(key_role_name[i]))) k->role = (enum key_role)i, known = true;
    if (!known) return why_set(why, ERR_SYNTAX, "`role` is ingest, reader, operator or admin");
    json *rate = json_get(body, "rate_per_min");
    k->rate = KEY_RATE_DEFAULT;
    if (rate && (!json_i64(rate, &k->rate) || k->rate < 0 || k->rate > 1000000))
        return why_set(why, ERR_SYNTAX, "`rate_per_min` is 0 (unlimited) to 1000000");
    k->pii = json_truth(json_get(body, "personal_data"));
    return OK;
}

void api_keys(struct call *c)
{
    struct why why;
    json *body = NULL;
    struct new_key k = { .call = c };
    char text[KEY_TEXT_MAX];
    if (!slice_eq(c->x->request.method, SLICE("POST"))) {
        list(c);
        return;
    }
    enum err rc = call_body(c, false, &body, &why);
    if (rc == OK) rc = read_key(body, &k, &why);
    k.key = keys_make(text);
    if (rc == OK) rc = journal_call(c->app->journal, add_run, &k, &why);
    if (rc != OK) {
        reply_err(c, rc, &why);
        return;
    }
    json_begin_object(&c->out, NULL);
    json_put_str(&c->out, "name", k.name);
    json_put_str(&c->out, "role", slice_str(key_role_name[k.role]));
    json_put_str(&c->out, "key", k.key);
    json_end_object(&c->out);
    reply_json(c, 201);
}

struct drop {
    struct call *call;
    bool gone;
};

static enum err drop_run(void *arg, struct store *s, struct why *why)
{
    struct drop *d = arg;
    struct stmt *q = store_stmt(s, SQL_KEYS_DELETE, why);
    stmt_i64(q, 1, (int64_t)d->call->key.workspace_id);
    stmt_text(q, 2, d->call->param[0]);
    enum err rc = stmt_run(q, why);
    d->gone = store_changes(s) > 0;
    return rc;
}

void api_key(struct call *c)
{
    struct why why;
    struct drop d = { .call = c };
    enum err rc = journal_call(c->app->journal, drop_run, &d, &why);
    if (rc == OK && !d.gone) rc = why_set(&why, ERR_MISSING, "there is no such key");
    if (rc != OK) {
        reply_err(c, rc, &why);
        return;
    }
    json_begin_object(&c->out, NULL);
    json_put_bool(&c->out, "deleted", true);
    json_end_object(&c->out);
    reply_json(c, 200);
}
