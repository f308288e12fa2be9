/* dead.c: dead letters: deliveries that were given up and events that could not be understood, in one list. */
#include "api/mask.h"
#include "api/routes.h"
#include "base/clock.h"
#include "interpret/interpret.h"

enum { RETRY_PAGE = 200, RETRY_MAX = 100000 };

struct dead_filter {
    bool deliveries, events;
    int64_t destination_id;
    bool archived;
};

static enum err read_filter(struct call *c, slice kind, slice destination, struct dead_filter *f,
                            struct why *why)
{
    *f = (struct dead_filter){ true, true, 0, false };
    if (kind.len && !slice_eq(kind, SLICE("delivery")) && !slice_eq(kind, SLICE("event")))
        return why_set(why, ERR_SYNTAX, "`kind` is delivery or event");
    if (kind.len) f->deliveries = slice_eq(kind, SLICE("delivery")), f->events = !f->deliveries;
    if (destination.len == 0) return OK;
    struct config *config = config_hold(&c->app->config);
    const struct destination *d =
        config_destination_by_name(config, c->key.workspace_id, destination);
    f->destination_id = d ? (int64_t)d->id : 0;
    config_release(config);
    f->events = false;
    return d ? OK : why_set(why, ERR_MISSING, "there is no such destination");
}

static struct stmt *deliveries_of(struct call *c, const struct dead_filter *f, int64_t before,
                                  int64_t limit, struct why *why)
{
    struct stmt *q = store_stmt(c->store, SQL_DEAD_DELIVERIES, why);
    stmt_i64(q, 1, (int64_t)c->key.workspace_id);
    stmt_i64(q, 2, before);
    stmt_i64(q, 3, f->archived);
    stmt_i64(q, 4, f->destination_id);
    stmt_i64(q, 5, f->deliveries ? limit : 0);
    return q;
}

static struct stmt *events_of(struct call *c, const struct dead_filter *f, int64_t before,
                              int64_t limit, struct why *why)
{
    struct stmt *q = store_stmt(c->store, SQL_DEAD_EVENTS, why);
    stmt_i64(q, 1, (int64_t)c->key.workspace_id);
    stmt_i64(q, 2, f->archived ? EVENT_ARCHIVED : EVENT_FAILED);
    stmt_i64(q, 3, before);
    stmt_i64(q, 4, f->events ? limit : 0);
    return q;
}

static void put_dead_delivery(struct call *c, const struct config *config, struct stmt *q)
{
    const struct destination *d = config_destination_by_id(config, (uint64_t)stmt_col_i64(q, 1));
    json_begin_object(&c->out, NULL);
    put_id(&c->out, "id", ID_DELIVERY, stmt_col_i64(q, 0));
    json_put_str(&c->out, "kind", SLICE("delivery"));
    json_put_opt(&c->out, "destination", d ? d->name : (slice){ NULL, 0 });
    put_id(&c->out, "event", ID_EVENT, stmt_col_i64(q, 2));
    json_put_str(&c->out, "key", c->key.pii ? stmt_col_text(q, 3) : mask_key(stmt_col_text(q, 3)));
    json_put_i64(&c->out, "attempts", stmt_col_i64(q, 4));
    json_put_opt(&c->out, "reason", stmt_col_text(q, 5));
    json_put_time(&c->out, "created_at", stmt_col_i64(q, 6));
    json_put_time(&c->out, "died_at", stmt_col_i64(q, 7));
    json_end_object(&c->out);
}

static void put_dead_event(struct call *c, const struct config *config, struct stmt *q)
{
    const struct source *s = config_source_by_id(config, (uint64_t)stmt_col_i64(q, 1));
    json_begin_object(&c->out, NULL);
    put_id(&c->out, "id", ID_EVENT, stmt_col_i64(q, 0));
    json_put_str(&c->out, "kind", SLICE("event"));
    json_put_opt(&c->out, "source", s ? s->name : (slice){ NULL, 0 });
    json_put_str(&c->out, "type", stmt_col_text(q, 2));
    json_put_str(&c->out, "key", c->key.pii ? stmt_col_text(q, 3) : mask_key(stmt_col_text(q, 3)));
    json_put_time(&c->out, "created_at", stmt_col_i64(q, 4));
    json_put_opt(&c->out, "reason", stmt_col_text(q, 5));
    json_end_object(&c->out);
}

/* Two lists, each newest first, merged by id: ids of both grow with time. */
void api_dead(struct call *c)
{
    struct why why;
    struct page page;
    struct dead_filter f;
    bool row_d = false, row_e = false, more = true;
    enum err rc = page_read(c, &page, &why);
    if (rc == OK)
        rc = read_filter(c, call_query(c, "kind"), call_query(c, "destination"), &f, &why);
    if (rc != OK) {
        reply_err(c, rc, &why);
        return;
    }
    f.archived = slice_eq(call_query(c, "archived"), SLICE("true"));
    struct stmt *d = deliveries_of(c, &f, page.before, page.limit, &why),
                *e = events_of(c, &f, page.before, page.limit, &why);
    struct config *config = config_hold(&c->app->config);
    page_begin(c);
    rc = stmt_step(d, &row_d, &why);
    if (rc == OK) rc = stmt_step(e, &row_e, &why);
    while (rc == OK && more && (row_d || row_e)) {
        bool delivery = row_d && (!row_e || stmt_col_i64(d, 0) > stmt_col_i64(e, 0));
        more = page_item(&page, stmt_col_i64(delivery ? d : e, 0));
        if (!more) break;
        if (delivery)
            put_dead_delivery(c, config, d);
        else
            put_dead_event(c, config, e);
        rc = delivery ? stmt_step(d, &row_d, &why) : stmt_step(e, &row_e, &why);
    }
    stmt_reset(d);
    stmt_reset(e);
    config_release(config);
    page_end(c, &page, ID_DELIVERY);
    if (rc == OK)
        reply_json(c, 200);
    else
        reply_err(c, rc, &why);
}

void api_dead_stats(struct call *c)
{
    struct why why;
    enum err rc = OK;
    int64_t total = 0;
    struct config *config = config_hold(&c->app->config);
    json_begin_object(&c->out, NULL);
    for (int events = 0; rc == OK && events < 2; events++) {
        bool row = true;
        struct stmt *q =
            store_stmt(c->store, events ? SQL_DEAD_EVENTS_STATS : SQL_DEAD_DELIVERIES_STATS, &why);
        stmt_i64(q, 1, (int64_t)c->key.workspace_id);
        json_begin_array(&c->out, events ? "events" : "deliveries");
        while ((rc = stmt_step(q, &row, &why)) == OK && row) {
            const struct source *s =
                events ? config_source_by_id(config, (uint64_t)stmt_col_i64(q, 0)) : NULL;
            const struct destination *d =
                events ? NULL : config_destination_by_id(config, (uint64_t)stmt_col_i64(q, 0));
            json_begin_object(&c->out, NULL);
            json_put_opt(&c->out, events ? "source" : "destination",
                         s   ? s->name
                         : d ? d->name
                             : (slice){ NULL, 0 });
            json_put_opt(&c->out, "reason", stmt_col_text(q, 1));
            json_put_i64(&c->out, "count", stmt_col_i64(q, 2));
            json_end_object(&c->out);
            total += stmt_col_i64(q, 2);
        }
        stmt_reset(q);
        json_end_array(&c->out);
    }
    json_put_i64(&c->out, "total", total);
    json_end_object(&c->out);
    config_release(config);
    if (rc == OK)
        reply_json(c, 200);
    else
        reply_err(c, rc, &why);
}

/* ---- one ---- */

struct dead_act {
    struct call *call;
    enum sql first, second; /* SQL_COUNT: none */
    uint64_t id;
    bool moved;
};

static enum err act_run(void *arg, struct store *s, struct why *why)
{
    struct dead_act *a = arg;
    enum err rc = OK;
    const enum sql sql[] = { a->first, a->second };
    for (size_t i = 0; rc == OK && i < ARRAY_LEN(sql) && sql[i] != SQL_COUNT; i++) {
        struct stmt *q = store_stmt(s, sql[i], why);
        stmt_i64(q, 1, (int64_t)a->call->key.workspace_id);
        stmt_i64(q, 2, (int64_t)a->id);
        if (sql[i] == SQL_DEAD_DELIVERY_ARCHIVE) stmt_i64(q, 3, clock_wall_ms());
        rc = stmt_run(q, why);
        if (i == 0) a->moved = store_changes(s) > 0;
        if (rc == OK && sql[i] == SQL_DEAD_EVENT_FORGET) { /* nothing is left to render them from */
            q = store_stmt(s, SQL_DEAD_EVENT_CANCEL, why);
            stmt_i64(q, 1, (int64_t)a->call->key.workspace_id);
            stmt_i64(q, 2, (int64_t)a->id);
            rc = stmt_run(q, why);
        }
        if (!a->moved) break;
    }
    return rc;
}

/* Which of the two lists an id is of. */
static bool dead_id(struct call *c, enum id_kind *kind, uint64_t *id)
{
    *kind = id_parse(ID_DELIVERY, c->param[0], id) == OK ? ID_DELIVERY : ID_EVENT;
    if (*kind == ID_DELIVERY || id_parse(ID_EVENT, c->param[0], id) == OK) return true;
    reply_error(c, 404, "not_found", "there is no such dead letter");
    return false;
}

static void answer(struct call *c, enum err rc, bool moved, const char *done, const struct why *why)
{
    if (rc != OK)
        reply_err(c, rc, why);
    else if (!moved)
        reply_error(c, 404, "not_found", "there is no such dead letter");
    else {
        json_begin_object(&c->out, NULL);
        json_put_bool(&c->out, done, true);
        json_end_object(&c->out);
        reply_json(c, 200);
    }
}

static void act(struct call *c, enum sql delivery, enum sql delivery_too, enum sql event,
                enum sql event_too, const char *done)
{
    struct why why;
    enum id_kind kind;
    struct dead_act a = { .call = c };
    if (!dead_id(c, &kind, &a.id)) return;
    a.first = kind == ID_DELIVERY ? delivery : event;
    a.second = kind == ID_DELIVERY ? delivery_too : event_too;
    enum err rc = journal_call(c->app->journal, act_run, &a, &why);
    answer(c, rc, a.moved, done, &why);
}

void api_dead_archive(struct call *c)
{
    act(c, SQL_DEAD_DELIVERY_ARCHIVE, SQL_COUNT, SQL_DEAD_EVENT_ARCHIVE, SQL_COUNT, "archived");
}

/* The event itself stays, without its data and out of the list: its key must stay known, or the platform's next copy would count. */
void api_dead_delete(struct call *c)
{
    act(c, SQL_DEAD_DELIVERY_DELETE, SQL_DEAD_DELIVERY_ATTEMPTS_DELETE, SQL_DEAD_EVENT_DELETE,
        SQL_DEAD_EVENT_FORGET, "deleted");
}

void api_dead_retry(struct call *c)
{
    struct why why;
    enum id_kind kind;
    uint64_t id;
    bool moved = false;
    size_t changed = 0;
    if (!dead_id(c, &kind, &id)) return;
    enum err rc = kind == ID_DELIVERY ? api_delivery_move(c, SQL_DELIVERIES_RETRY, id,
                                                          "retried by hand", &moved, &why)
                                      : api_events_replay(c, &id, 1, &changed, &why);
    answer(c, rc, moved || changed, "retried", &why);
}

/* ---- many ---- */

/* One page of either list: ids at or after `since` whose reason holds `reason`; *before moves on. */
static enum err read_ids(struct stmt *q, slice reason, int64_t since, int64_t *before,
                         uint64_t ids[RETRY_PAGE], size_t *count, bool *more, struct why *why)
{
    size_t seen = 0;
    bool row = true;
    enum err rc;
    while ((rc = stmt_step(q, &row, why)) == OK && row && stmt_col_i64(q, 0) >= since) {
        slice text = stmt_col_text(q, 5);
        *before = stmt_col_i64(q, 0);
        seen++;
        if (reason.len == 0 || slice_find_slice(text, reason) < text.len)
            ids[(*count)++] = (uint64_t)*before;
    }
    stmt_reset(q);
    *more = seen == RETRY_PAGE;
    return rc;
}

static enum err retry_deliveries(struct call *c, const struct dead_filter *f, slice reason,
                                 int64_t since, int64_t until, int64_t *count, struct why *why)
{
    int64_t before = until;
    for (bool more = true; more && *count < RETRY_MAX;) {
        uint64_t ids[RETRY_PAGE];
        size_t n = 0;
        struct stmt *q = deliveries_of(c, f, before, RETRY_PAGE, why);
        enum err rc = read_ids(q, reason, since, &before, ids, &n, &more, why);
        for (size_t i = 0; rc == OK && i < n; i++) {
            bool moved = false;
            rc = api_delivery_move(c, SQL_DELIVERIES_RETRY, ids[i], "retried by hand", &moved, why);
            *count += moved;
        }
        if (rc != OK) return rc;
    }
    return OK;
}

static enum err retry_events(struct call *c, const struct dead_filter *f, slice reason,
                             int64_t since, int64_t until, int64_t *count, struct why *why)
{
    int64_t before = until;
    for (bool more = true; more && *count < RETRY_MAX;) {
        uint64_t ids[RETRY_PAGE];
        size_t n = 0, changed = 0;
        struct stmt *q = events_of(c, f, before, RETRY_PAGE, why);
        enum err rc = read_ids(q, reason, since, &before, ids, &n, &more, why);
        if (rc == OK && n > 0) rc = api_events_replay(c, ids, n, &changed, why);
        *count += (int64_t)changed;
        if (rc != OK) return rc;
    }
    return OK;
}

void api_dead_retry_all(struct call *c)
{
    struct why why;
    json *body = NULL;
    struct dead_filter f = { .archived = false };
    int64_t since_ms = 0, until_ms = 0, deliveries = 0, events = 0;
    enum err rc = call_body(c, true, &body, &why);
    if (rc == OK)
        rc = read_filter(c, json_get_text(body, "kind"), json_get_text(body, "destination"), &f,
                         &why);
    if (rc == OK) rc = call_time(c, json_get_text(body, "since"), &since_ms, &why);
    if (rc == OK) rc = call_time(c, json_get_text(body, "until"), &until_ms, &why);
    int64_t since = (int64_t)id_at(since_ms),
            until = until_ms ? (int64_t)id_at(until_ms + 1) : INT64_MAX;
    if (rc == OK && json_get(body, "source"))
        rc = why_set(&why, ERR_SYNTAX, "filter by kind, destination, reason, since and until");
    slice reason = json_get_text(body, "reason");
    if (rc == OK && f.deliveries)
        rc = retry_deliveries(c, &f, reason, since, until, &deliveries, &why);
    if (rc == OK && f.events) rc = retry_events(c, &f, reason, since, until, &events, &why);
    if (rc != OK) {
        reply_err(c, rc, &why);
        return;
    }
    json_begin_object(&c->out, NULL);
    json_put_i64(&c->out, "deliveries", deliveries);
    json_put_i64(&c->out, "events", events);
    json_end_object(&c->out);
    reply_json(c, 202);
}
