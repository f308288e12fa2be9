/* events.c: events and requests over the API: lists, one, retry, replay. */
#include "api/mask.h"
#include "api/routes.h"
#include "base/clock.h"
#include "base/text.h"
#include "interpret/interpret.h"

enum { REPLAY_PAGE = 500, SECRETS_MAX = 64 };

/* ---- filters ---- */

struct filter {
    uint64_t source_id; /* 0 = any */
    int64_t state;      /* -1 = any */
    int64_t since_id, until_id;
    slice type; /* exact for lists, glob for replay */
};

static enum err read_filter(struct call *c, slice source, slice type, slice state, slice since,
                            slice until, struct filter *f, struct why *why)
{
    *f = (struct filter){ .state = -1, .until_id = INT64_MAX, .type = type };
    int64_t since_ms = 0, until_ms = 0;
    enum err rc = call_time(c, since, &since_ms, why);
    if (rc == OK) rc = call_time(c, until, &until_ms, why);
    if (rc != OK) return rc;
    f->since_id = (int64_t)id_at(since_ms);
    if (until_ms) f->until_id = (int64_t)id_at(until_ms + 1) - 1;
    if (source.len) {
        struct config *config = config_hold(&c->app->config);
        const struct source *s = config_source_by_name(config, c->key.workspace_id, source);
        f->source_id = s ? s->id : 0;
        config_release(config);
        if (!s)
            return why_set(why, ERR_MISSING, "there is no source \"%.*s\"",
                           SLICE_ARG(slice_sub(source, 0, NAME_MAX_BYTES)));
    }
    for (int i = 0; state.len && i < EVENT_STATE_COUNT; i++)
        if (slice_eq(state, slice_str(event_state_name[i]))) f->state = i;
    if (state.len && f->state < 0)
        return why_set(why, ERR_SYNTAX, "`state` is pending, done, failed, archived or replaying");
    return OK;
}

static slice source_name(const struct config *config, int64_t id)
{
    const struct source *s = config_source_by_id(config, (uint64_t)id);
    return s ? s->name : (slice){ NULL, 0 };
}

/* ---- events ---- */

static void put_event(struct call *c, const struct config *config, struct stmt *q)
{
    struct buf *b = &c->out;
    put_id(b, "id", ID_EVENT, stmt_col_i64(q, 0));
    json_put_opt(b, "source", source_name(config, stmt_col_i64(q, 1)));
    put_id(b, "request", ID_REQUEST, stmt_col_i64(q, 2));
    json_put_str(b, "type", stmt_col_text(q, 3));
    json_put_opt(b, "name", stmt_col_text(q, 4));
    json_put_str(b, "key", c->key.pii ? stmt_col_text(q, 5) : mask_key(stmt_col_text(q, 5)));
    json_put_time(b, "occurred_at", stmt_col_i64(q, 6));
    json_put_time(b, "received_at", stmt_col_i64(q, 7));
    json_put_str(b, "state", slice_str(event_state_name[stmt_col_i64(q, 8)]));
}

void api_events(struct call *c)
{
    struct why why;
    struct page page;
    struct filter f;
    bool row = true;
    enum err rc = page_read(c, &page, &why);
    if (rc == OK)
        rc = read_filter(c, call_query(c, "source"), call_query(c, "type"), call_query(c, "state"),
                         call_query(c, "since"), call_query(c, "until"), &f, &why);
    if (rc != OK) {
        reply_err(c, rc, &why);
        return;
    }
    struct stmt *q = store_stmt(c->store, SQL_EVENTS_LIST, &why);
    stmt_i64(q, 1, (int64_t)c->key.workspace_id);
    stmt_i64(q, 2, page.before);
    stmt_i64(q, 3, f.since_id);
    stmt_i64(q, 4, f.until_id);
    stmt_i64(q, 5, (int64_t)f.source_id);
    stmt_text(q, 6, f.type);
    stmt_i64(q, 7, f.state);
    stmt_i64(q, 8, page.limit);
    struct config *config = config_hold(&c->app->config);
    page_begin(c);
    while ((rc = stmt_step(q, &row, &why)) == OK && row && page_item(&page, stmt_col_i64(q, 0))) {
        json_begin_object(&c->out, NULL);
        put_event(c, config, q);
        json_end_object(&c->out);
    }
    stmt_reset(q);
    config_release(config);
    page_end(c, &page, ID_EVENT);
    if (rc == OK)
        reply_json(c, 200);
    else
        reply_err(c, rc, &why);
}

static void put_deliveries(struct call *c, const struct config *config, int64_t event_id)
{
    struct why why;
    bool row = true;
    struct stmt *q = store_stmt(c->store, SQL_EVENTS_DELIVERIES, &why);
    stmt_i64(q, 1, (int64_t)c->key.workspace_id);
    stmt_i64(q, 2, event_id);
    json_begin_array(&c->out, "deliveries");
    while (stmt_step(q, &row, &why) == OK && row) {
        const struct destination *d =
            config_destination_by_id(config, (uint64_t)stmt_col_i64(q, 1));
        json_begin_object(&c->out, NULL);
        put_id(&c->out, "id", ID_DELIVERY, stmt_col_i64(q, 0));
        json_put_opt(&c->out, "destination", d ? d->name : (slice){ NULL, 0 });
        json_put_str(&c->out, "key",
                     c->key.pii ? stmt_col_text(q, 2) : mask_key(stmt_col_text(q, 2)));
        json_put_str(&c->out, "state", slice_str(delivery_state_name[stmt_col_i64(q, 3)]));
        json_put_i64(&c->out, "attempts", stmt_col_i64(q, 4));
        json_put_opt(&c->out, "reason", stmt_col_text(q, 6));
        json_end_object(&c->out);
    }
    stmt_reset(q);
    json_end_array(&c->out);
}

void api_event(struct call *c)
{
    struct why why;
    uint64_t id = 0;
    bool row = false;
    struct stmt *q = NULL;
    enum err rc = id_parse(ID_EVENT, c->param[0], &id) == OK
                      ? OK
                      : why_set(&why, ERR_MISSING, "there is no such event");
    if (rc == OK) {
        q = store_stmt(c->store, SQL_EVENTS_GET, &why);
        stmt_i64(q, 1, (int64_t)c->key.workspace_id);
        stmt_i64(q, 2, (int64_t)id);
        rc = stmt_step(q, &row, &why);
        if (rc == OK && !row) rc = why_set(&why, ERR_MISSING, "there is no such event");
    }
    if (rc == OK) {
        struct config *config = config_hold(&c->app->config);
        json_begin_object(&c->out, NULL);
        put_event(c, config, q);
        json_put_opt(&c->out, "problem", stmt_col_text(q, 9));
        json_put_time(&c->out, "interpreted_at", stmt_col_i64(q, 11));
        slice data = stmt_col_text(q, 10);
        if (data.len)
            json_put_raw(&c->out, "data", c->key.pii ? data : mask_personal(data, c->x->arena));
        stmt_reset(q);
        put_deliveries(c, config, (int64_t)id);
        json_end_object(&c->out);
        config_release(config);
        reply_json(c, 200);
        return;
    }
    stmt_reset(q);
    reply_err(c, rc, &why);
}

/* ---- retry and replay: the writer reads the events back from the store ---- */

struct replay_call {
    struct call *call;
    uint64_t *ids;
    size_t count, changed;
};

static enum err replay_run(void *arg, struct store *s, struct why *why)
{
    struct replay_call *p = arg;
    enum err rc = OK;
    for (size_t i = 0; rc == OK && i < p->count; i++) {
        struct stmt *q = store_stmt(s, SQL_EVENTS_REPLAY, why);
        stmt_i64(q, 1, (int64_t)p->call->key.workspace_id);
        stmt_i64(q, 2, (int64_t)p->ids[i]);
        rc = stmt_run(q, why);
        p->changed += store_changes(s) > 0;
    }
    return rc;
}

enum err api_events_replay(struct call *c, uint64_t *ids, size_t count, size_t *changed,
                           struct why *why)
{
    struct replay_call p = { .call = c, .ids = ids, .count = count };
    enum err rc = journal_call(c->app->journal, replay_run, &p, why);
    *changed = p.changed;
    if (rc == OK) journal_replay(c->app->journal);
    return rc;
}

void api_event_retry(struct call *c)
{
    struct why why;
    uint64_t id = 0;
    size_t changed = 0;
    enum err rc = id_parse(ID_EVENT, c->param[0], &id) == OK
                      ? OK
                      : why_set(&why, ERR_MISSING, "there is no such event");
    if (rc == OK) rc = api_events_replay(c, &id, 1, &changed, &why);
    if (rc == OK && changed == 0)
        rc = call_has(c, SQL_EVENTS_GET, id)
                 ? why_set(&why, ERR_CONFLICT, "it waits for interpretation already")
                 : why_set(&why, ERR_MISSING, "there is no such event");
    if (rc != OK) {
        reply_err(c, rc, &why);
        return;
    }
    json_begin_object(&c->out, NULL);
    json_put_bool(&c->out, "retried", true);
    json_end_object(&c->out);
    reply_json(c, 202);
}

struct replay {
    struct call *call;
    struct filter f;
    bool dry_run;
    const struct config *config;
    int64_t events, deliveries_new, deliveries_known;
    size_t shown;
};

enum { REPLAY_SHOWN_MAX = 100 };

static void preview(void *arg, const struct route *r, slice key)
{
    struct replay *p = arg;
    struct why why;
    bool row = false;
    struct stmt *q = store_stmt(p->call->store, SQL_EVENTS_DELIVERY_KNOWN, &why);
    stmt_i64(q, 1, (int64_t)p->call->key.workspace_id);
    stmt_i64(q, 2, (int64_t)r->to->id);
    stmt_text(q, 3, key);
    (void)!stmt_step(q, &row, &why);
    stmt_reset(q);
    p->deliveries_new += !row;
    p->deliveries_known += row;
    if (row || p->shown++ >= REPLAY_SHOWN_MAX) return;
    json_begin_object(&p->call->out, NULL);
    json_put_str(&p->call->out, "route", r->name);
    json_put_str(&p->call->out, "destination", r->to->name);
    json_put_str(&p->call->out, "key", p->call->key.pii ? key : mask_key(key));
    json_end_object(&p->call->out);
}

/* One page of matching events: previewed, or set to be replayed. *after moves on. */
static enum err replay_page(struct replay *p, int64_t *after, bool *more, struct why *why)
{
    struct call *c = p->call;
    uint64_t ids[REPLAY_PAGE];
    size_t count = 0, seen = 0, changed = 0;
    bool row = true;
    struct arena page_arena;
    arena_init(&page_arena, API_REPLY_MAX);
    struct stmt *q = store_stmt(c->store, SQL_EVENTS_REPLAY_PAGE, why);
    stmt_i64(q, 1, (int64_t)c->key.workspace_id);
    stmt_i64(q, 2, *after);
    stmt_i64(q, 3, p->f.until_id);
    stmt_i64(q, 4, (int64_t)p->f.source_id);
    stmt_i64(q, 5, p->f.state);
    stmt_i64(q, 6, REPLAY_PAGE);
    enum err rc;
    while ((rc = stmt_step(q, &row, why)) == OK && row) {
        char id[ID_TEXT_MAX];
        seen++;
        *after = stmt_col_i64(q, 0);
        slice type = stmt_col_text(q, 2);
        if (p->f.type.len && !text_glob(p->f.type, type)) continue;
        ids[count++] = (uint64_t)*after;
        if (!p->dry_run) continue;
        arena_reset(&page_arena);
        struct outgoing_event e = { id_text(ID_EVENT, (uint64_t)*after, id),
                                    type,
                                    source_name(p->config, stmt_col_i64(q, 1)),
                                    stmt_col_i64(q, 3),
                                    stmt_col_i64(q, 4),
                                    stmt_col_text(q, 5) };
        if (e.data.len)
            rc = route_preview(p->config, c->key.workspace_id, (uint64_t)stmt_col_i64(q, 1), &e,
                               &page_arena, preview, p);
        if (rc != OK) break;
    }
    stmt_reset(q);
    arena_free(&page_arena);
    if (rc == OK && !p->dry_run && count > 0) rc = api_events_replay(c, ids, count, &changed, why);
    p->events += (int64_t)count;
    *more = seen == REPLAY_PAGE;
    return rc;
}

void api_replay(struct call *c)
{
    struct why why;
    json *body = NULL;
    struct replay p = { .call = c };
    enum err rc = call_body(c, true, &body, &why);
    if (rc == OK)
        rc = read_filter(c, json_get_text(body, "source"), json_get_text(body, "type"),
                         json_get_text(body, "state"), json_get_text(body, "since"),
                         json_get_text(body, "until"), &p.f, &why);
    if (rc == OK && !json_get(body, "source") && !json_get(body, "type") &&
        !json_get(body, "since") && !json_get(body, "state") && !json_truth(json_get(body, "all")))
        rc = why_set(&why, ERR_SYNTAX,
                     "name a source, type, state or since; or {\"all\":true} to replay everything");
    if (rc != OK) {
        reply_err(c, rc, &why);
        return;
    }
    p.dry_run = json_truth(json_get(body, "dry_run"));
    struct config *config = config_hold(&c->app->config);
    p.config = config;
    json_begin_object(&c->out, NULL);
    json_put_bool(&c->out, "dry_run", p.dry_run);
    if (p.dry_run) json_begin_array(&c->out, "would_send");
    int64_t after = p.f.since_id > 0 ? p.f.since_id - 1 : 0,
            newest = (int64_t)id_next(&c->app->ids, clock_wall_ms());
    if (p.f.until_id > newest) p.f.until_id = newest; /* not what comes in meanwhile */
    for (bool more = true; rc == OK && more;) rc = replay_page(&p, &after, &more, &why);
    config_release(config);
    if (rc != OK) {
        reply_err(c, rc, &why);
        return;
    }
    if (p.dry_run) {
        json_end_array(&c->out);
        json_put_i64(&c->out, "new_deliveries", p.deliveries_new);
        json_put_i64(&c->out, "known_deliveries", p.deliveries_known);
    }
    json_put_i64(&c->out, "events", p.events);
    json_end_object(&c->out);
    reply_json(c, p.dry_run ? 200 : 202);
}

/* ---- requests ---- */

/* What a person can do about one that could not be read. */
static slice advice(slice problem)
{
    bool gone = problem.len == 0 || slice_eq(problem, SLICE("erased"));
    return gone ? (slice){ NULL, 0 }
                : SLICE("after an upgrade or a change of its source: malote retry REQUEST");
}

void api_requests(struct call *c)
{
    struct why why;
    struct page page;
    struct filter f;
    bool row = true;
    enum err rc = page_read(c, &page, &why);
    if (rc == OK)
        rc = read_filter(c, call_query(c, "source"), (slice){ NULL, 0 }, (slice){ NULL, 0 },
                         call_query(c, "since"), call_query(c, "until"), &f, &why);
    if (rc != OK) {
        reply_err(c, rc, &why);
        return;
    }
    struct stmt *q = store_stmt(c->store, SQL_REQUESTS_LIST, &why);
    stmt_i64(q, 1, (int64_t)c->key.workspace_id);
    stmt_i64(q, 2, page.before);
    stmt_i64(q, 3, f.since_id);
    stmt_i64(q, 4, f.until_id);
    stmt_i64(q, 5, (int64_t)f.source_id);
    stmt_i64(q, 6, slice_eq(call_query(c, "problem"), SLICE("true")));
    stmt_i64(q, 7, page.limit);
    struct config *config = config_hold(&c->app->config);
    page_begin(c);
    while ((rc = stmt_step(q, &row, &why)) == OK && row && page_item(&page, stmt_col_i64(q, 0))) {
        json_begin_object(&c->out, NULL);
        put_id(&c->out, "id", ID_REQUEST, stmt_col_i64(q, 0));
        json_put_opt(&c->out, "source", source_name(config, stmt_col_i64(q, 1)));
        json_put_time(&c->out, "received_at", stmt_col_i64(q, 2));
        json_put_str(&c->out, "method", stmt_col_text(q, 3));
        json_put_str(&c->out, "path", stmt_col_text(q, 4));
        json_put_i64(&c->out, "events", stmt_col_i64(q, 6));
        json_put_opt(&c->out, "problem", stmt_col_text(q, 7));
        json_put_opt(&c->out, "advice", advice(stmt_col_text(q, 7)));
        json_put_i64(&c->out, "bytes", stmt_col_i64(q, 8));
        json_end_object(&c->out);
    }
    stmt_reset(q);
    config_release(config);
    page_end(c, &page, ID_REQUEST);
    if (rc == OK)
        reply_json(c, 200);
    else
        reply_err(c, rc, &why);
}

/* Values of the secret settings: they may stand in a body or query (Cakto's `secret` does) and are never shown. */
static size_t secrets_of(const struct source *s, slice out[SECRETS_MAX])
{
    size_t n = 0;
    for (size_t i = 0; s && i < s->cfg.count; i++) {
        const struct setting_value *v = &s->cfg.values[i];
        if (!s->cfg.table[i].secret || !v->present) continue;
        if (v->text.len && n < SECRETS_MAX) out[n++] = v->text;
        for (size_t j = 0; j < v->count && n < SECRETS_MAX; j++) out[n++] = v->items[j].value;
    }
    return n;
}

static void put_request(struct call *c, const struct config *config, struct stmt *q)
{
    struct buf *b = &c->out;
    const struct source *s = config_source_by_id(config, (uint64_t)stmt_col_i64(q, 1));
    slice secrets[SECRETS_MAX];
    size_t count = secrets_of(s, secrets);
    json_begin_object(b, NULL);
    put_id(b, "id", ID_REQUEST, stmt_col_i64(q, 0));
    json_put_opt(b, "source", s ? s->name : (slice){ NULL, 0 });
    json_put_time(b, "received_at", stmt_col_i64(q, 2));
    json_put_str(b, "method", stmt_col_text(q, 3));
    json_put_str(b, "path", stmt_col_text(q, 4));
    json_put_i64(b, "events", stmt_col_i64(q, 9));
    json_put_opt(b, "problem", stmt_col_text(q, 10));
    json_put_opt(b, "advice", advice(stmt_col_text(q, 10)));
    json_put_i64(b, "bytes", (int64_t)stmt_col_text(q, 8).len);
    if (c->key.pii && s) {
        json_put_str(b, "query", mask_secrets(stmt_col_text(q, 5), secrets, count, c->x->arena));
        json_put_str(b, "headers", mask_secrets(stmt_col_text(q, 6), secrets, count, c->x->arena));
        json_put_str(b, "remote", stmt_col_text(q, 7));
        json_put_str(b, "body", mask_secrets(stmt_col_text(q, 8), secrets, count, c->x->arena));
    } else {
        json_put_str(b, "hidden",
                     c->key.pii ? SLICE("its source was deleted: secrets in it could not be masked")
                                : SLICE("headers and body: this key may not see personal data"));
    }
    json_end_object(b);
}

void api_request(struct call *c)
{
    struct why why;
    uint64_t id = 0;
    bool row = false;
    if (id_parse(ID_REQUEST, c->param[0], &id) != OK) {
        reply_error(c, 404, "not_found", "there is no such request");
        return;
    }
    struct stmt *q = store_stmt(c->store, SQL_REQUESTS_GET, &why);
    stmt_i64(q, 1, (int64_t)c->key.workspace_id);
    stmt_i64(q, 2, (int64_t)id);
    enum err rc = stmt_step(q, &row, &why);
    if (rc == OK && !row) rc = why_set(&why, ERR_MISSING, "there is no such request");
    if (rc == OK) {
        struct config *config = config_hold(&c->app->config);
        put_request(c, config, q);
        config_release(config);
    }
    stmt_reset(q);
    if (rc == OK)
        reply_json(c, 200);
    else
        reply_err(c, rc, &why);
}
