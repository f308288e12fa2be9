/* deliveries.c: deliveries and their attempts over the API; retry, resend, cancel. */
#include "api/mask.h"
#include "api/routes.h"
#include "base/clock.h"
#include "records/campaign.h"

/* A waiting delivery of a destination that takes none is shown as held. */
static const char *state_shown(const struct destination *d, int64_t state)
{
    if (state == DELIVERY_WAITING && d && (!d->enabled || d->hold.len)) return "held";
    return delivery_state_name[state];
}

static void put_delivery(struct call *c, const struct config *config, struct stmt *q)
{
    struct buf *b = &c->out;
    const struct destination *d = config_destination_by_id(config, (uint64_t)stmt_col_i64(q, 1));
    const struct route *r = config_route_by_id(config, (uint64_t)stmt_col_i64(q, 2));
    int64_t state = stmt_col_i64(q, 5);
    put_id(b, "id", ID_DELIVERY, stmt_col_i64(q, 0));
    json_put_opt(b, "destination", d ? d->name : (slice){ NULL, 0 });
    json_put_opt(b, "route", r ? r->name : (slice){ NULL, 0 });
    put_id(b, "event", ID_EVENT, stmt_col_i64(q, 3));
    json_put_str(b, "key", c->key.pii ? stmt_col_text(q, 4) : mask_key(stmt_col_text(q, 4)));
    json_put_str(b, "state", slice_str(state_shown(d, state)));
    json_put_str(b, "priority", slice_str(priority_name[stmt_col_i64(q, 6)]));
    if (state == DELIVERY_WAITING) json_put_time(b, "due_at", stmt_col_i64(q, 7));
    json_put_i64(b, "attempts", stmt_col_i64(q, 8));
    json_put_opt(b, "reason", stmt_col_text(q, 9));
    json_put_opt(b, "remote_id", stmt_col_text(q, 12));
    json_put_time(b, "created_at", stmt_col_i64(q, 10));
    json_put_time(b, "updated_at", stmt_col_i64(q, 11));
}

struct delivery_filter {
    int64_t since_id, until_id, destination_id, state;
};

static enum err read_filter(struct call *c, struct delivery_filter *f, struct why *why)
{
    int64_t since_ms = 0, until_ms = 0;
    slice state = call_query(c, "state"), name = call_query(c, "destination");
    *f = (struct delivery_filter){ .until_id = INT64_MAX, .state = -1 };
    enum err rc = call_time(c, call_query(c, "since"), &since_ms, why);
    if (rc == OK) rc = call_time(c, call_query(c, "until"), &until_ms, why);
    if (rc != OK) return rc;
    f->since_id = (int64_t)id_at(since_ms);
    if (until_ms) f->until_id = (int64_t)id_at(until_ms + 1) - 1;
    for (int i = 0; state.len && i < DELIVERY_STATE_COUNT; i++)
        if (slice_eq(state, slice_str(delivery_state_name[i]))) f->state = i;
    if (slice_eq(state, SLICE("held")))
        f->state = DELIVERY_WAITING; /* then only those of held destinations are shown */
    if (state.len && f->state < 0)
        return why_set(why, ERR_SYNTAX,
                       "`state` is waiting, leased, held, delivered, dead or cancelled");
    if (name.len == 0) return OK;
    struct config *config = config_hold(&c->app->config);
    const struct destination *d = config_destination_by_name(config, c->key.workspace_id, name);
    f->destination_id = d ? (int64_t)d->id : 0;
    config_release(config);
    return d ? OK
             : why_set(why, ERR_MISSING, "there is no destination \"%.*s\"",
                       SLICE_ARG(slice_sub(name, 0, NAME_MAX_BYTES)));
}

void api_deliveries(struct call *c)
{
    struct why why;
    struct page page;
    struct delivery_filter f;
    bool row = true, held = slice_eq(call_query(c, "state"), SLICE("held"));
    enum err rc = page_read(c, &page, &why);
    if (rc == OK) rc = read_filter(c, &f, &why);
    if (rc != OK) {
        reply_err(c, rc, &why);
        return;
    }
    struct stmt *q = store_stmt(c->store, SQL_DELIVERIES_LIST, &why);
    stmt_i64(q, 1, (int64_t)c->key.workspace_id);
    stmt_i64(q, 2, page.before);
    stmt_i64(q, 3, f.since_id);
    stmt_i64(q, 4, f.until_id);
    stmt_i64(q, 5, f.destination_id);
    stmt_i64(q, 6, f.state);
    stmt_i64(q, 7, page.limit);
    struct config *config = config_hold(&c->app->config);
    page_begin(c);
    while ((rc = stmt_step(q, &row, &why)) == OK && row && page_item(&page, stmt_col_i64(q, 0))) {
        const struct destination *d =
            config_destination_by_id(config, (uint64_t)stmt_col_i64(q, 1));
        if (held && strcmp(state_shown(d, stmt_col_i64(q, 5)), "held") != 0) continue;
        json_begin_object(&c->out, NULL);
        put_delivery(c, config, q);
        json_end_object(&c->out);
    }
    stmt_reset(q);
    config_release(config);
    page_end(c, &page, ID_DELIVERY);
    if (rc == OK)
        reply_json(c, 200);
    else
        reply_err(c, rc, &why);
}

static void put_attempts(struct call *c, int64_t delivery_id)
{
    struct why why;
    bool row = true;
    struct arena *a = c->x->arena;
    struct stmt *q = store_stmt(c->store, SQL_DELIVERIES_ATTEMPTS, &why);
    stmt_i64(q, 1, (int64_t)c->key.workspace_id);
    stmt_i64(q, 2, delivery_id);
    json_begin_array(&c->out, "attempts_made");
    while (stmt_step(q, &row, &why) == OK && row) {
        slice request = stmt_col_text(q, 6), reply = stmt_col_text(q, 7);
        json_begin_object(&c->out, NULL);
        put_id(&c->out, "id", ID_ATTEMPT, stmt_col_i64(q, 0));
        json_put_time(&c->out, "at", stmt_col_i64(q, 1));
        json_put_i64(&c->out, "elapsed_ms", stmt_col_i64(q, 2));
        json_put_i64(&c->out, "status", stmt_col_i64(q, 3));
        json_put_str(&c->out, "verdict", slice_str(verdict_name[stmt_col_i64(q, 4)]));
        json_put_opt(&c->out, "reason", stmt_col_text(q, 5));
        if (request.len)
            json_put_raw(&c->out, "request", c->key.pii ? request : mask_personal(request, a));
        if (reply.len) json_put_raw(&c->out, "reply", c->key.pii ? reply : mask_personal(reply, a));
        json_end_object(&c->out);
    }
    stmt_reset(q);
    json_end_array(&c->out);
}

/* Writes delivery c->param[0] with its attempts, or the error. */
static void show(struct call *c, int status)
{
    struct why why;
    uint64_t id = 0;
    bool row = false;
    if (id_parse(ID_DELIVERY, c->param[0], &id) != OK) {
        reply_error(c, 404, "not_found", "there is no such delivery");
        return;
    }
    struct stmt *q = store_stmt(c->store, SQL_DELIVERIES_GET, &why);
    stmt_i64(q, 1, (int64_t)c->key.workspace_id);
    stmt_i64(q, 2, (int64_t)id);
    enum err rc = stmt_step(q, &row, &why);
    if (rc == OK && !row) rc = why_set(&why, ERR_MISSING, "there is no such delivery");
    if (rc == OK) {
        struct config *config = config_hold(&c->app->config);
        json_begin_object(&c->out, NULL);
        put_delivery(c, config, q);
        config_release(config);
    }
    stmt_reset(q);
    if (rc != OK) {
        reply_err(c, rc, &why);
        return;
    }
    put_attempts(c, (int64_t)id);
    json_end_object(&c->out);
    reply_json(c, status);
}

void api_delivery(struct call *c) { show(c, 200); }

struct move {
    struct call *call;
    enum sql sql;
    const char *reason;
    uint64_t id;
    bool moved;
};

static enum err move_run(void *arg, struct store *s, struct why *why)
{
    struct move *m = arg;
    struct stmt *q = store_stmt(s, m->sql, why);
    stmt_i64(q, 1, (int64_t)m->call->key.workspace_id);
    stmt_i64(q, 2, (int64_t)m->id);
    stmt_i64(q, 3, clock_wall_ms());
    stmt_text(q, 4, slice_str(m->reason));
    enum err rc = stmt_run(q, why);
    m->moved = store_changes(s) > 0;
    if (rc == OK && m->moved)
        rc = campaign_follow(s, m->call->key.workspace_id, m->id, clock_wall_ms(), why);
    return rc;
}

enum err api_delivery_move(struct call *c, enum sql sql, uint64_t id, const char *reason,
                           bool *moved, struct why *why)
{
    struct move m = { c, sql, reason, id, false };
    enum err rc = journal_call(c->app->journal, move_run, &m, why);
    *moved = m.moved;
    if (rc == OK && m.moved && sql == SQL_DELIVERIES_CANCEL)
        deliver_cancel(c->app->deliver, id);
    else if (rc == OK && m.moved)
        deliver_wake(c->app->deliver, 0);
    return rc;
}

static void act(struct call *c, enum sql sql, const char *reason, const char *refused)
{
    struct why why;
    uint64_t id = 0;
    bool moved = false;
    if (id_parse(ID_DELIVERY, c->param[0], &id) != OK) {
        reply_error(c, 404, "not_found", "there is no such delivery");
        return;
    }
    enum err rc = api_delivery_move(c, sql, id, reason, &moved, &why);
    if (rc != OK)
        reply_err(c, rc, &why);
    else if (moved)
        show(c, 200);
    else if (call_has(c, SQL_DELIVERIES_GET, id))
        reply_error(c, 409, "conflict", "%s", refused);
    else
        reply_error(c, 404, "not_found", "there is no such delivery");
}

void api_delivery_retry(struct call *c)
{
    act(c, SQL_DELIVERIES_RETRY, "retried by hand", "it is delivered (resend it) or under way");
}

void api_delivery_resend(struct call *c)
{
    act(c, SQL_DELIVERIES_RESEND, "resent by hand", "it is under way");
}

void api_delivery_cancel(struct call *c)
{
    act(c, SQL_DELIVERIES_CANCEL, "cancelled by hand", "it has ended");
}
