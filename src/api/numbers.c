/* numbers.c: our own numbers at a channel, with what it has told of them, read only. A number's digits are ours: no person's data. */
#include "api/routes.h"
#include "records/apply.h"

/* Of the statement's row, in the call's arena: the statement is read on while other statements run. */
static struct own_number read_number(struct call *c, struct stmt *q)
{
    struct arena *a = c->x->arena;
    return (struct own_number){ .channel = arena_dup(a, stmt_col_text(q, 1)),
                                .account = arena_dup(a, stmt_col_text(q, 2)),
                                .owner = arena_dup(a, stmt_col_text(q, 3)),
                                .number = arena_dup(a, stmt_col_text(q, 4)) };
}

static bool sends_from(const struct call *c, const struct destination *d,
                       const struct own_number *n)
{
    const struct dest_messages *m = d->kind->messages;
    return d->workspace_id == c->key.workspace_id && m &&
           slice_eq(slice_str(m->channel), n->channel) && slice_eq(m->account(&d->cfg), n->account);
}

static bool names(const struct setting_value *list, slice id)
{
    for (size_t i = 0; list && i < list->count; i++)
        if (slice_eq(list->items[i].value, id)) return true;
    return false;
}

/* Is the number the source's: named, or not said to be another's where nothing is named? */
static bool receives(const struct source *s, const struct own_number *n)
{
    const struct setting_value *numbers = settings_named(&s->cfg, "numbers"),
                               *others = settings_named(&s->cfg, "accounts");
    if (!numbers || !others) return false;
    if (names(numbers, n->account)) return true;
    return numbers->count == 0 && settings_map_find(others, n->account).len == 0 &&
           settings_map_find(others, n->owner).len == 0;
}

/* Who receives for others knows whose numbers are whose: those are not for this list. */
static bool is_ours(const struct call *c, const struct config *config, const struct own_number *n)
{
    bool given = false;
    for (size_t i = 0; i < config->destination_count; i++)
        if (sends_from(c, &config->destinations[i], n)) return true;
    for (size_t i = 0; i < config->source_count; i++) {
        const struct source *s = &config->sources[i];
        if (s->workspace_id != c->key.workspace_id) continue;
        if (receives(s, n)) return true;
        const struct setting_value *others = settings_named(&s->cfg, "accounts");
        given = given || (others && (settings_map_find(others, n->account).len > 0 ||
                                     settings_map_find(others, n->owner).len > 0));
    }
    return !given;
}

static void put_users(struct call *c, const struct config *config, const struct own_number *n)
{
    struct buf *b = &c->out;
    json_begin_array(b, "destinations");
    for (size_t i = 0; i < config->destination_count; i++) {
        const struct destination *d = &config->destinations[i];
        if (!sends_from(c, d, n)) continue;
        json_begin_object(b, NULL);
        json_put_str(b, "name", d->name);
        json_put_opt(b, "hold", d->hold);
        json_put_time(b, "hold_until", d->hold_until_ms);
        json_put_i64(b, "rate_per_min", d->rate_per_min);
        json_end_object(b);
    }
    json_end_array(b);
    json_begin_array(b, "sources");
    for (size_t i = 0; i < config->source_count; i++) {
        const struct source *s = &config->sources[i];
        if (s->workspace_id == c->key.workspace_id && receives(s, n))
            json_put_str(b, NULL, s->name);
    }
    json_end_array(b);
}

static void put_fact(struct buf *b, const char *key, const char *value,
                     const struct own_view_fact *f)
{
    if (f->at_ms == 0) return;
    json_begin_object(b, key);
    json_put_str(b, value, f->value);
    json_put_time(b, "at", f->at_ms);
    json_end_object(b);
}

static void put_history(struct buf *b, const struct own_view *v)
{
    if (v->chunks == 0 && v->declined_ms == 0) return;
    json_begin_object(b, "history");
    if (v->declined_ms > 0) {
        json_put_i64(b, "declined", v->declined);
        json_put_time(b, "at", v->declined_ms);
    } else {
        json_put_i64(b, "phase", v->phase);
        json_put_i64(b, "progress", v->progress);
        json_put_i64(b, "chunks", v->chunks);
        json_put_time(b, "at", v->history_ms);
        json_put_time(b, "done_at", v->done_ms);
    }
    json_end_object(b);
}

static enum err in_app(struct call *c, const struct own_number *n, bool *is, struct why *why)
{
    struct stmt *q = store_stmt(c->store, SQL_CONFIG_IN_APP, why);
    stmt_i64(q, 1, (int64_t)c->key.workspace_id);
    stmt_text(q, 2, n->channel);
    stmt_text(q, 3, n->account);
    enum err rc = stmt_step(q, is, why);
    stmt_reset(q);
    return rc;
}

static enum err put_number(struct call *c, const struct config *config, int64_t id,
                           const struct own_number *n, struct why *why)
{
    struct own_view v;
    struct buf *b = &c->out;
    bool app = false;
    enum err rc = own_state_read(c->store, c->key.workspace_id, n, c->x->arena, &v, why);
    if (rc == OK) rc = in_app(c, n, &app, why);
    if (rc != OK) return rc;
    json_begin_object(b, NULL);
    put_id(b, "id", ID_NUMBER, id);
    json_put_str(b, "channel", n->channel);
    json_put_str(b, "account", n->account);
    json_put_str(b, "owner", n->owner);
    json_put_opt(b, "number", n->number);
    json_put_opt(b, "name", v.fact[OWN_NAME].value);
    put_fact(b, "quality", "event", &v.fact[OWN_QUALITY]);
    put_fact(b, "limit", "people_per_day", &v.fact[OWN_LIMIT]);
    json_put_bool(b, "in_app", app);
    put_history(b, &v);
    put_fact(b, "account_update", "event", &v.fact[OWN_UPDATE]);
    put_users(c, config, n);
    json_end_object(b);
    return OK;
}

void api_numbers(struct call *c)
{
    struct why why;
    struct page page;
    bool row = true;
    enum err rc = page_read(c, &page, &why);
    if (rc != OK) {
        reply_err(c, rc, &why);
        return;
    }
    struct config *config = config_hold(&c->app->config);
    struct stmt *q = store_stmt(c->store, SQL_NUMBERS_LIST, &why);
    stmt_i64(q, 1, (int64_t)c->key.workspace_id);
    stmt_i64(q, 2, page.before);
    stmt_i64(q, 3, page.limit);
    page_begin(c);
    while (rc == OK && (rc = stmt_step(q, &row, &why)) == OK && row &&
           page_item(&page, stmt_col_i64(q, 0))) {
        struct own_number n = read_number(c, q);
        if (is_ours(c, config, &n)) rc = put_number(c, config, stmt_col_i64(q, 0), &n, &why);
    }
    stmt_reset(q);
    page_end(c, &page, ID_NUMBER);
    config_release(config);
    if (rc == OK)
        reply_json(c, 200);
    else
        reply_err(c, rc, &why);
}
