/* route.c: matches routes and writes deliveries, unique by destination and key. */
#include "route/route.h"

#include "base/id.h"
#include "base/text.h"

bool route_matches(const struct route *r, uint64_t workspace_id, uint64_t source_id, slice type)
{
    if (!r->enabled || r->workspace_id != workspace_id || (r->from && r->from->id != source_id))
        return false;
    /* What the hub says of itself goes to who asks for it: "*" was written with the platforms' events in mind, and may lead to a
     * stranger, or to the very destination that fails. */
    bool asked = r->from || !event_is_own(type);
    /* And half a year of old chats is no news, even of a source that is named: only "history.…" means them. */
    bool old = event_is_history(type);
    for (size_t i = 0; i < r->pattern_count; i++) {
        bool meant =
            (asked || event_is_own(r->patterns[i])) && (!old || event_is_history(r->patterns[i]));
        if (meant && text_glob(r->patterns[i], type)) return true;
    }
    return false;
}

/* A delivery to be made: by a route, or named by its event (route 0). */
struct plan {
    const struct destination *to;
    uint64_t id, workspace_id, route_id, source_id, event_id;
    slice key;
    enum priority priority;
    int64_t delay_ms;
};

/* Inserts the row; *fresh tells whether the key was new. */
static enum err add(struct route_ctx *ctx, const struct plan *p, bool leased, int64_t due_ms,
                    bool *fresh, struct why *why)
{
    struct stmt *q = store_stmt(
        ctx->store, p->route_id ? SQL_ROUTE_DELIVERY_ADD : SQL_ROUTE_DELIVERY_ADD_NAMED, why);
    stmt_i64(q, 1, (int64_t)p->id);
    stmt_i64(q, 2, (int64_t)p->workspace_id);
    stmt_i64(q, 3, (int64_t)p->to->id);
    stmt_i64(q, 4, (int64_t)p->route_id);
    stmt_i64(q, 5, (int64_t)p->event_id);
    stmt_text(q, 6, p->key);
    stmt_i64(q, 7, leased ? DELIVERY_LEASED : DELIVERY_WAITING);
    stmt_i64(q, 8, p->priority);
    stmt_i64(q, 9, leased ? ctx->now_ms + LEASE_MS : due_ms);
    stmt_i64(q, 10, ctx->now_ms);
    enum err rc = stmt_run(q, why);
    *fresh = rc == OK && store_changes(ctx->store) > 0;
    return rc;
}

/* The row, and when there is room the delivery in memory. */
static enum err give(struct route_ctx *ctx, const struct plan *p, const struct outgoing_event *e,
                     struct why *why)
{
    bool fresh = false;
    /* An event of long ago, replayed, is not made later still. */
    int64_t due_ms = ctx->now_ms + p->delay_ms;
    /* A message is leased when it is sent (deliver.c, claim_most). */
    bool leased = ctx->room > 0 && p->delay_ms == 0 && p->to->enabled && p->to->hold.len == 0 &&
                  !p->to->kind->messages;
    enum err rc = add(ctx, p, leased, due_ms, &fresh, why);
    if (rc != OK || !fresh) return rc;
    ctx->created++;
    struct leased *d = leased ? leased_new(p->key, e->type, e->source, e->data) : NULL;
    if (!d) { /* no memory: the lease runs out and the store hands it out again */
        ctx->unborn++;
        return OK;
    }
    d->id = p->id;
    d->workspace_id = p->workspace_id;
    d->destination_id = p->to->id;
    d->event_id = p->event_id;
    d->priority = p->priority;
    d->source_id = p->source_id;
    d->due_ms = due_ms;
    d->lease_until_ms = ctx->now_ms + LEASE_MS;
    d->created_ms = ctx->now_ms;
    d->occurred_ms = e->occurred_ms;
    d->received_ms = e->received_ms;
    ctx->room--;
    *ctx->tail = d;
    ctx->tail = &d->next;
    return OK;
}

static enum err make(struct route_ctx *ctx, const struct route *r, uint64_t source_id,
                     uint64_t event_id, const struct outgoing_event *e, struct why *why)
{
    slice key;
    struct why reason = { .code = OK };
    enum err rc = r->to->kind->delivery_key(e, &r->to->cfg, ctx->arena, &key, &reason);
    if (rc == ERR_MISSING) return OK; /* no use for such events */
    if (rc !=
        OK) /* pure, so it is the event's fault: kept as failed, never passed over in silence */
        return why_set(why, ERR_SYNTAX, "route %.*s: %.150s", SLICE_ARG(r->name), reason.text);
    struct plan p = { .to = r->to,
                      .id = id_next(ctx->ids, ctx->now_ms),
                      .workspace_id = r->workspace_id,
                      .route_id = r->id,
                      .source_id = source_id,
                      .event_id = event_id,
                      .key = slice_sub(key, 0, DELIVERY_KEY_MAX),
                      .priority = r->priority,
                      .delay_ms = r->delay_ms };
    return give(ctx, &p, e, why);
}

enum err route_named(struct route_ctx *ctx, uint64_t workspace_id, uint64_t source_id,
                     uint64_t event_id, uint64_t destination_id, uint64_t delivery_id,
                     enum priority priority, const struct outgoing_event *e, struct why *why)
{
    const struct destination *to = config_destination_by_id(ctx->config, destination_id);
    if (!to || to->workspace_id != workspace_id || !to->kind->messages || delivery_id == 0)
        return why_set(why, ERR_MISSING, "the destination it names was deleted");
    struct plan p = { .to = to,
                      .id = delivery_id,
                      .workspace_id = workspace_id,
                      .source_id = source_id,
                      .event_id = event_id,
                      .key = arena_printf(ctx->arena, "message:%.*s", SLICE_ARG(e->id)),
                      .priority = priority };
    return p.key.ptr ? give(ctx, &p, e, why) : why_set(why, ERR_LIMIT, "arena full");
}

enum err route_event(struct route_ctx *ctx, uint64_t workspace_id, uint64_t source_id,
                     uint64_t event_id, const struct outgoing_event *e, struct why *why)
{
    enum err rc = OK;
    for (size_t i = 0; rc == OK && i < ctx->config->route_count; i++)
        if (route_matches(&ctx->config->routes[i], workspace_id, source_id, e->type))
            rc = make(ctx, &ctx->config->routes[i], source_id, event_id, e, why);
    return rc;
}

enum err route_preview(const struct config *config, uint64_t workspace_id, uint64_t source_id,
                       const struct outgoing_event *e, struct arena *arena,
                       void (*each)(void *ctx, const struct route *r, slice key), void *ctx)
{
    for (size_t i = 0; i < config->route_count; i++) {
        const struct route *r = &config->routes[i];
        slice key;
        if (!route_matches(r, workspace_id, source_id, e->type)) continue;
        enum err rc = r->to->kind->delivery_key(e, &r->to->cfg, arena, &key, NULL);
        if (rc == ERR_LIMIT) return rc;
        if (rc == OK) each(ctx, r, slice_sub(key, 0, DELIVERY_KEY_MAX));
    }
    return OK;
}
