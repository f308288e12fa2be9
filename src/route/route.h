/* route.h: which deliveries follow from an event. Matching is pure; writing happens in the writer's transaction. */
#ifndef MALOTE_ROUTE_ROUTE_H
#define MALOTE_ROUTE_ROUTE_H

#include "deliver/delivery.h"

/* Does the route take events of this type from this source? The hub's own (malote.*) only when it names them or their source. Pure. */
bool route_matches(const struct route *r, uint64_t workspace_id, uint64_t source_id, slice type);

struct route_ctx {
    struct store *store;
    struct id_maker *ids;
    struct arena *arena;
    const struct config *config;
    int64_t now_ms;
    size_t room; /* deliveries that may be born leased and handed over in memory; decremented */
    struct leased **tail; /* where those are appended */
    uint64_t created;     /* counts new deliveries */
    uint64_t unborn;      /* ... of which are only in the store */
};

/* Writes one delivery for each matching route whose destination wants the event and has none under that key yet. */
MUST_CHECK enum err route_event(struct route_ctx *ctx, uint64_t workspace_id, uint64_t source_id,
                                uint64_t event_id, const struct outgoing_event *e, struct why *why);

/* Writes the delivery of an event that names its destination itself (outbox/), under an id chosen beforehand and the key
 * "message:<event>"; again: nothing. ERR_MISSING: there is no such destination any more. */
MUST_CHECK enum err route_named(struct route_ctx *ctx, uint64_t workspace_id, uint64_t source_id,
                                uint64_t event_id, uint64_t destination_id, uint64_t delivery_id,
                                enum priority priority, const struct outgoing_event *e,
                                struct why *why);

/* For a dry run: calls `each` for every delivery that would be made; reads nothing but the event. `known` is left to the caller. */
MUST_CHECK enum err route_preview(const struct config *config, uint64_t workspace_id,
                                  uint64_t source_id, const struct outgoing_event *e,
                                  struct arena *arena,
                                  void (*each)(void *ctx, const struct route *r, slice key),
                                  void *ctx);

#endif
