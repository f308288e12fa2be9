/* interpret.c: calls the source kind, applies its changes, writes the event's JSON and routes it. */
#include "interpret/interpret.h"

#include <stdlib.h>

#include "base/clock.h"
#include "interpret/hand.h"
#include "interpret/hold.h"
#include "records/apply.h"
#include "records/notice.h"

enum {
    EVENT_JSON_MAX = 1024 * 1024,
    INTERPRET_FIRST =
        4, /* stored events read at first: what is not reached in time is read again */
    INTERPRET_PAGE_BYTES = 8 * 1024 * 1024,
    ACCOUNT_SHOWN_MAX = 64,
    CUSTOM_OVERHEAD = 512
};

const char *const event_state_name[] = { "pending", "done", "failed", "archived", "replaying" };
_Static_assert(ARRAY_LEN(event_state_name) == EVENT_STATE_COUNT, "every state has a name");

/* The event's JSON, docs/events.md. */
static slice write_json(const struct stored_event *e, const struct source *s,
                        const struct changes *c, const struct applied *a, struct arena *arena)
{
    char id[ID_TEXT_MAX];
    struct buf b = buf_in(arena, EVENT_JSON_MAX);
    json_begin_object(&b, NULL);
    json_put_str(&b, "id", id_text(ID_EVENT, e->id, id));
    json_put_str(&b, "type", e->event.type);
    json_put_opt(&b, "name", e->event.name);
    json_put_str(&b, "source", s->name);
    json_put_str(&b, "kind", slice_str(s->kind->name));
    json_put_str(&b, "key", e->event.key);
    json_put_time(&b, "occurred_at", e->event.occurred_ms);
    json_put_time(&b, "received_at", e->received_ms);
    if (c->contact) record_json_contact(&b, "contact", &a->contact, a->contact_id);
    if (c->order) record_json_order(&b, "order", a->order_id ? &a->order : c->order, a->order_id);
    if (c->subscription)
        record_json_subscription(&b, "subscription",
                                 a->subscription_id ? &a->subscription : c->subscription,
                                 a->subscription_id);
    if (c->checkout)
        record_json_checkout(&b, "checkout", a->checkout_id ? &a->checkout : c->checkout,
                             a->checkout_id);
    if (c->message) {
        record_json_message(&b, "message", c->message, a->message.id);
        json_put_id(&b, "conversation", ID_CONVERSATION, a->message.conversation_id);
        json_put_id(&b, "ticket", ID_TICKET, a->message.ticket_id);
    }
    if (c->message_status) record_json_message_status(&b, "message_status", c->message_status);
    if (c->message_edit) record_json_message_edit(&b, "message_edit", c->message_edit);
    if (c->message_reaction)
        record_json_message_reaction(&b, "message_reaction", c->message_reaction);
    if (c->custom.len) json_put_raw(&b, "custom", c->custom);
    json_end_object(&b);
    return buf_slice(&b);
}

static enum err save_data(struct interpret_ctx *ctx, const struct stored_event *e,
                          const struct applied *a, slice problem, slice data, struct why *why)
{
    enum err rc = OK;
    bool exists = false;
    for (int turn = e->again ? 0 : 1; rc == OK && turn < 2 && !exists; turn++) {
        struct stmt *q = store_stmt(
            ctx->store, turn == 0 ? SQL_INTERPRET_DATA_SET : SQL_INTERPRET_DATA_ADD, why);
        stmt_i64(q, 1, (int64_t)e->id);
        stmt_i64(q, 2, (int64_t)e->workspace_id);
        stmt_i64(q, 3, (int64_t)a->contact_id);
        stmt_i64(q, 4, (int64_t)a->order_id);
        stmt_i64(q, 5, ctx->now_ms);
        stmt_text(q, 6, problem);
        stmt_text(q, 7, data);
        rc = stmt_run(q, why);
        exists = turn == 0 && rc == OK && store_changes(ctx->store) > 0;
    }
    return rc;
}

static enum err set_state(struct interpret_ctx *ctx, const struct stored_event *e,
                          enum event_state state, struct why *why)
{
    struct stmt *q = store_stmt(ctx->store, SQL_INTERPRET_EVENT_STATE, why);
    stmt_i64(q, 1, (int64_t)e->workspace_id);
    stmt_i64(q, 2, (int64_t)e->id);
    stmt_i64(q, 3, state);
    return stmt_run(q, why);
}

/* Of one that comes for the first time the mark says it. */
static enum err set_done(struct interpret_ctx *ctx, const struct stored_event *e, struct why *why)
{
    return e->again ? set_state(ctx, e, EVENT_DONE, why) : OK;
}

/* What was understood before stays: deliveries may still be rendered from it. */
static enum err save_failure(struct interpret_ctx *ctx, const struct stored_event *e, slice problem,
                             struct why *why)
{
    struct applied nothing = { .contact_id = 0 };
    struct stmt *q = store_stmt(ctx->store, SQL_INTERPRET_DATA_FAILED, why);
    stmt_i64(q, 1, (int64_t)e->id);
    stmt_i64(q, 2, (int64_t)e->workspace_id);
    stmt_i64(q, 3, ctx->now_ms);
    stmt_text(q, 4, problem);
    enum err rc = stmt_run(q, why);
    if (rc != OK || store_changes(ctx->store) > 0) return rc;
    struct stored_event first = { .id = e->id, .workspace_id = e->workspace_id };
    return save_data(ctx, &first, &nothing, problem, (slice){ NULL, 0 }, why);
}

static bool is_final(enum err rc)
{
    return rc == ERR_SYNTAX || rc == ERR_MISSING || rc == ERR_DENIED;
}

/* The event's JSON when it was handed on: whose it is, and nothing of what it says. */
static slice write_handed(const struct stored_event *e, const struct source *s,
                          const struct source *to, slice account, struct arena *arena)
{
    struct changes none = { .contact = NULL };
    struct applied nothing = { .contact_id = 0 };
    struct buf b = buf_in(arena, 4 * NAME_MAX_BYTES + CUSTOM_OVERHEAD);
    json_begin_object(&b, NULL);
    json_put_str(&b, "account", account);
    json_put_str(&b, "handed_to",
                 arena_printf(arena, "%.*s/%.*s", SLICE_ARG(to->workspace), SLICE_ARG(to->name)));
    json_end_object(&b);
    none.custom = buf_slice(&b);
    return write_json(e, s, &none, &nothing, arena);
}

/* Makes the request for whom it belongs to. No route sees the event here: it is news there. */
static enum err hand_on(struct interpret_ctx *ctx, const struct request *r,
                        const struct stored_event *e, const struct source *s,
                        const struct handover *h, struct why *why)
{
    struct applied nothing = { .contact_id = 0 };
    enum err rc = hand_make(ctx, s, e, r, h, &ctx->hand, why);
    ctx->unclaimed = rc == ERR_MISSING;
    if (rc != OK) return rc;
    slice data = write_handed(e, s, ctx->hand->source, slice_sub(h->account, 0, ACCOUNT_SHOWN_MAX),
                              ctx->arena);
    if (data.len == 0) return why_set(why, ERR_SYNTAX, "too large to be handed on");
    rc = save_data(ctx, e, &nothing, (slice){ NULL, 0 }, data, why);
    return rc == OK ? set_done(ctx, e, why) : rc;
}

/* Whether an account may send: its destinations here; and whatever is told of it also elsewhere, by whom its numbers belong to. */
static enum err hold_all(struct interpret_ctx *ctx, const struct request *r,
                         const struct stored_event *e, const struct source *s,
                         const struct changes *c, struct why *why)
{
    enum err rc = c->hold ? hold_apply(ctx, e, c->hold, c->share == NULL, why) : OK;
    return rc == OK && c->share ? hand_share(ctx, s, e, r, c->share, why) : rc;
}

/* What its owner must hear of. Its event has a key of this one: however often it is interpreted, it is told once. */
static enum err give_notice(struct interpret_ctx *ctx, const struct stored_event *e,
                            const struct owner_notice *told, struct why *why)
{
    const struct notice n = { .workspace_id = e->workspace_id,
                              .event_id = e->id,
                              .alert = told->alert,
                              .owner = told->who.owner,
                              .number = told->who.number,
                              .reason = told->reason,
                              .at_ms = e->event.occurred_ms };
    ctx->noticed = true;
    return notice_add(ctx->store, ctx->ids, &n, ctx->now_ms, why);
}

/* A number that turns out to be used in the app, too, may send less: the configuration says so once it is read anew. Which number an account's
 * update is about is known only then. */
static void look_at_rate(struct interpret_ctx *ctx, const struct stored_event *e,
                         const struct changes *c, const struct applied *a)
{
    const struct own_number *n = a->number_changed ? c->own_number : NULL;
    for (size_t i = 0; i < ctx->config->destination_count; i++) {
        const struct destination *to = &ctx->config->destinations[i];
        const struct dest_messages *m = to->kind->messages;
        if (to->workspace_id != e->workspace_id || !m || m->app_rate_per_min == 0 || to->in_app)
            continue;
        bool named = n && n->in_app && slice_eq(slice_str(m->channel), n->channel) &&
                     slice_eq(m->account(&to->cfg), n->account);
        ctx->held = ctx->held || named || a->in_app_changed;
    }
}

/* All of one event; ERR_SYNTAX or ERR_MISSING when it cannot be understood, other errors are the store's. */
static enum err understand(struct interpret_ctx *ctx, struct request *r,
                           const struct stored_event *e, struct why *why)
{
    const struct source *s = config_source_by_id(ctx->config, e->source_id);
    if (!s) return why_set(why, ERR_MISSING, "its source was deleted");
    struct changes changes = { .contact = NULL };
    enum err rc = s->kind->interpret(r, &e->event, &s->cfg, ctx->arena, &changes, why);
    if (rc == ERR_LIMIT) return why_set(why, ERR_SYNTAX, "too large to be interpreted");
    if (rc != OK) return rc;
    struct apply_ctx apply = { ctx->store,
                               ctx->ids,
                               ctx->arena,
                               e->workspace_id,
                               e->source_id,
                               s->name,
                               s->kind->rank,
                               e->event.occurred_ms,
                               ctx->now_ms,
                               e->id,
                               ctx->apart ? NULL : &ctx->seen };
    bool changed = false;
    struct applied applied;
    if (changes.hand_over) {
        rc = hand_on(ctx, r, e, s, changes.hand_over, why);
        /* Which number is of which account is known here, too: what is said of the account alone is for all of them. */
        if (rc == OK && changes.own_number)
            rc = own_number_apply(&apply, changes.own_number, &changed, why);
        return rc == OK ? hold_all(ctx, r, e, s, &changes, why) : rc;
    }
    rc = apply_changes(&apply, &changes, &applied, why);
    if (rc != OK) return rc;
    slice data = write_json(e, s, &changes, &applied, ctx->arena);
    if (data.len == 0)
        return why_set(why, ERR_SYNTAX, "its JSON would be larger than %d bytes", EVENT_JSON_MAX);
    rc = save_data(ctx, e, &applied, (slice){ NULL, 0 }, data, why);
    if (rc == OK) rc = set_done(ctx, e, why);
    if (rc == OK) rc = hold_all(ctx, r, e, s, &changes, why);
    if (rc == OK && applied.number_changed)
        rc = hold_learned(ctx, e->workspace_id, changes.own_number, why);
    if (rc == OK && changes.notice) rc = give_notice(ctx, e, changes.notice, why);
    if (rc != OK) return rc;
    look_at_rate(ctx, e, &changes, &applied);
    char id[ID_TEXT_MAX];
    struct outgoing_event out = { id_text(ID_EVENT, e->id, id), e->event.type,  s->name,
                                  e->event.occurred_ms,         e->received_ms, data };
    if (changes.send_to)
        rc = route_named(ctx->route, e->workspace_id, e->source_id, e->id, changes.send_to,
                         changes.delivery_id, changes.send_later ? PRIORITY_LOW : PRIORITY_HIGH,
                         &out, why);
    return rc == OK ? route_event(ctx->route, e->workspace_id, e->source_id, e->id, &out, why) : rc;
}

/* understand(), with what it leaves in memory made sure of. */
static enum err try_event(struct interpret_ctx *ctx, struct request *r,
                          const struct stored_event *e, struct why *why)
{
    arena_reset(ctx->arena);
    CHECK(!ctx->hand);
    ctx->unclaimed = false;
    /* A tree that lives with the request serves all its events: a body of megabytes with thousands of events would else be parsed
     * thousands of times. One that is parsed here lives in an arena that the next event resets. */
    json *shared = r->json;
    enum err rc = understand(ctx, r, e, why);
    r->json = shared;
    /* A full arena is the event's fault and no full disk; and whatever was built in it may lack a part. */
    if (ctx->arena->full && (rc == OK || rc == ERR_LIMIT || is_final(rc)))
        rc = why_set(why, ERR_SYNTAX, "too large to be interpreted");
    if (rc != OK) hand_drop(ctx);
    return rc;
}

/* Back to where `before` was taken: the store, and the deliveries made since. */
static void undo(struct interpret_ctx *ctx, const struct route_ctx *before)
{
    store_undo(ctx->store);
    *ctx->route = *before;
    leased_free_list(*before->tail);
    *before->tail = NULL;
}

enum err interpret_event(struct interpret_ctx *ctx, struct request *r, const struct stored_event *e,
                         bool *done, struct why *why)
{
    struct route_ctx before = *ctx->route;
    struct why reason = { .code = OK };
    *done = false;
    enum err rc = store_savepoint(ctx->store, why);
    if (rc != OK) return rc;
    rc = try_event(ctx, r, e, &reason);
    if (rc == OK) {
        *done = true;
        return store_release(ctx->store, why);
    }
    undo(ctx, &before);
    if (!is_final(rc)) return why_set(why, rc, "%s", reason.text);
    rc = save_failure(ctx, e, slice_str(reason.text), why);
    if (rc == OK) rc = set_state(ctx, e, EVENT_FAILED, why);
    LOG(ctx->log, LOG_WARN, "event.failed", log_id("event", ID_EVENT, e->id),
        log_str("type", e->event.type), log_cstr("why", reason.text));
    return rc;
}

static void count_event(struct interpret_ctx *ctx, const struct stored_event *e, bool done)
{
    struct keep_minute *n = keep_minute(ctx->minutes, e->workspace_id, e->source_id, ctx->now_ms);
    n->done += done;
    n->failed += !done;
    n->handed += done && ctx->hand;
    n->unclaimed += !done && ctx->unclaimed;
}

bool interpret_goes_on(const struct interpret_limit *limit)
{
    bool alone = limit->jobs && !atomic_load_explicit(limit->jobs, memory_order_relaxed);
    return limit->events > 0 && clock_mono_us() < (alone ? limit->alone_us : limit->until_us) &&
           !(limit->requests && atomic_load_explicit(limit->requests, memory_order_relaxed) > 0);
}

/* What is handed on stays in memory until it is on disk: when that is much, the turn ends. */
static void take_from(const struct interpret_ctx *ctx, struct interpret_limit *limit, size_t events)
{
    limit->events -= events < limit->events ? events : limit->events;
    if (ctx->handed_bytes >= INTERPRET_HANDED_BYTES_MAX) limit->events = 0;
}

enum err interpret_items(struct interpret_ctx *ctx, struct interpret_item *items, size_t count,
                         struct interpret_limit *limit, size_t *handled, struct why *why)
{
    enum err rc = OK;
    size_t n = 0;
    for (; n < count && (n == 0 || interpret_goes_on(limit)); n++) {
        bool done = true;
        rc = ctx->apart ? interpret_event(ctx, items[n].request, &items[n].event, &done, why)
                        : try_event(ctx, items[n].request, &items[n].event, why);
        if (rc != OK) break;
        count_event(ctx, &items[n].event, done);
        rc = hand_keep(ctx, why);
        if (rc != OK) break;
        if (ctx->handed_bytes >= INTERPRET_HANDED_BYTES_MAX) limit->events = 0;
    }
    hand_drop(ctx);
    ctx->spoiled = ctx->spoiled || (!ctx->apart && is_final(rc));
    *handled = n;
    take_from(ctx, limit, n);
    return rc;
}

/* Headers that carry credentials: they are checked and then forgotten. */
static bool is_credential(slice name)
{
    static const slice names[] = {
        SLICE_INIT("authorization"),    SLICE_INIT("proxy-authorization"),
        SLICE_INIT("cookie"),           SLICE_INIT("x-api-key"),
        SLICE_INIT("x-write-key"),      SLICE_INIT("asaas-access-token"),
        SLICE_INIT("x-hotmart-hottok"), SLICE_INIT("x-pushinpay-token"),
        SLICE_INIT("client-token"),     SLICE_INIT("z-api-token"),
        SLICE_INIT("x-z-api-token"),    SLICE_INIT("x-z-api-security-token"),
        SLICE_INIT("x-auth-token"),     SLICE_INIT("x-access-token"),
        SLICE_INIT("x-webhook-token"),
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (slice_eq_nocase(name, names[i])) return true;
    return false;
}

void interpret_write_headers(struct buf *b, const struct header *headers, size_t count)
{
    json_begin_array(b, NULL);
    for (size_t i = 0; i < count; i++) {
        if (is_credential(headers[i].name)) continue;
        json_put_str(b, NULL, headers[i].name);
        json_put_str(b, NULL, headers[i].value);
    }
    json_end_array(b);
}

enum err interpret_read_headers(slice text, struct arena *a, struct request *r, struct why *why)
{
    json *list = NULL;
    enum err rc = json_parse(text, a, &list, why);
    if (rc != OK) return rc;
    size_t count = yyjson_arr_size(list) / 2;
    struct header *headers = arena_new(a, struct header, count ? count : 1);
    if (!headers) return why_set(why, ERR_LIMIT, "headers too large");
    for (size_t i = 0; i < count; i++) {
        headers[i].name = json_str(yyjson_arr_get(list, 2 * i));
        headers[i].value = json_str(yyjson_arr_get(list, 2 * i + 1));
    }
    r->headers = headers;
    r->header_count = count;
    return OK;
}

static enum err read_event(struct stmt *q, struct arena *a, struct stored_event *e, struct why *why)
{
    *e = (struct stored_event){ .id = (uint64_t)stmt_col_i64(q, 0),
                                .workspace_id = (uint64_t)stmt_col_i64(q, 1),
                                .source_id = (uint64_t)stmt_col_i64(q, 2),
                                .received_ms = stmt_col_i64(q, 8),
                                .request_id = (uint64_t)stmt_col_i64(q, 15) };
    e->event = (struct event){ .type = arena_dup(a, stmt_col_text(q, 3)),
                               .name = arena_dup(a, stmt_col_text(q, 4)),
                               .key = arena_dup(a, stmt_col_text(q, 5)),
                               .locator = arena_dup(a, stmt_col_text(q, 6)),
                               .occurred_ms = stmt_col_i64(q, 7) };
    return e->event.locator.ptr ? OK : why_set(why, ERR_LIMIT, "event too large");
}

static enum err read_request(struct stmt *q, struct arena *a, int64_t received_ms,
                             struct request *r, struct why *why)
{
    *r = (struct request){ .method = arena_dup(a, stmt_col_text(q, 9)),
                           .path = arena_dup(a, stmt_col_text(q, 10)),
                           .query = arena_dup(a, stmt_col_text(q, 11)),
                           .remote = arena_dup(a, stmt_col_text(q, 13)),
                           .body = arena_dup(a, stmt_col_text(q, 14)),
                           .received_ms = received_ms };
    if (!r->body.ptr) return why_set(why, ERR_LIMIT, "request too large");
    return interpret_read_headers(stmt_col_text(q, 12), a, r, why);
}

/* One page of stored events, copied out: the statement is closed before anything is written. */
struct page {
    struct arena arena;
    struct interpret_item item[INTERPRET_ITEMS_MAX];
    struct request request[INTERPRET_ITEMS_MAX];
    size_t count;
    bool more;
};

/* One parse for the events of one request. A body that cannot be parsed, or not here, is left to its source kind. */
static void share_trees(struct page *p)
{
    for (size_t i = 1; i < p->count; i++) {
        struct request *r = p->item[i].request;
        if (r == p->item[i - 1].request && !r->json)
            (void)!json_parse_lenient(r->body, &p->arena, &r->json, NULL);
    }
}

static enum err read_page(struct interpret_ctx *ctx, const struct interpret_backlog *backlog,
                          size_t max, struct page *p, struct why *why)
{
    bool again = backlog->state == EVENT_REPLAYING;
    struct stmt *q =
        store_stmt(ctx->store, again ? SQL_INTERPRET_REPLAYING : SQL_INTERPRET_PENDING, why);
    stmt_i64(q, 1, (int64_t)backlog->after_id);
    stmt_i64(q, 2, (int64_t)max);
    enum err rc = OK;
    p->count = 0;
    p->more = true;
    arena_reset(&p->arena);
    while (rc == OK && p->count < max && p->arena.used < INTERPRET_PAGE_BYTES) {
        rc = stmt_step(q, &p->more, why);
        if (rc != OK || !p->more) break;
        struct interpret_item *item = &p->item[p->count], *before = item - (p->count > 0);
        rc = read_event(q, &p->arena, &item->event, why);
        item->event.again = again;
        bool same = p->count > 0 && before->event.request_id == item->event.request_id;
        item->request = same ? before->request : &p->request[p->count];
        p->count++;
        if (rc == OK && !same)
            rc = read_request(q, &p->arena, item->event.received_ms, item->request, why);
    }
    stmt_reset(q);
    if (rc == OK) share_trees(p);
    return rc;
}

/* All of a page, whatever time it takes: a large request that was read and parsed for one of its events would be read and parsed anew
 * for each of the others. */
static enum err interpret_page(struct interpret_ctx *ctx, struct page *p,
                               struct interpret_limit *limit, size_t *handled, struct why *why)
{
    struct interpret_limit whole = { .events = p->count, .until_us = INT64_MAX };
    enum err rc = interpret_items(ctx, p->item, p->count, &whole, handled, why);
    take_from(ctx, limit, *handled);
    return rc;
}

enum err interpret_stored(struct interpret_ctx *ctx, struct interpret_backlog *backlog,
                          struct interpret_limit *limit, struct why *why)
{
    struct page *p = calloc(1, sizeof *p);
    if (!p) return why_set(why, ERR_LIMIT, "out of memory");
    arena_init(&p->arena, 2 * BODY_MAX_HIGHEST + INTERPRET_PAGE_BYTES);
    enum err rc = OK;
    size_t max = INTERPRET_FIRST;
    do {
        size_t handled = 0;
        rc = read_page(ctx, backlog, max, p, why);
        max = INTERPRET_ITEMS_MAX;
        if (rc == OK && p->count > 0) rc = interpret_page(ctx, p, limit, &handled, why);
        if (rc != OK) break;
        if (handled > 0) backlog->after_id = p->item[handled - 1].event.id;
        backlog->more = p->more || handled < p->count;
    } while (backlog->more && interpret_goes_on(limit));
    arena_free(&p->arena);
    free(p);
    return rc;
}
