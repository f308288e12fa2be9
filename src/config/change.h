/* change.h: writing sources, destinations and routes; in the writer's transaction. The API and `apply` both go through here. */
#ifndef MALOTE_CONFIG_CHANGE_H
#define MALOTE_CONFIG_CHANGE_H

#include "base/id.h"
#include "config/config.h"

struct change_ctx {
    struct store *store;
    struct id_maker *ids;
    const struct seal_key *key;
    uint64_t workspace_id;
    int64_t now_ms;
    struct arena *arena;
};

/* Stored settings and opened secrets (JSON texts) of a record; "{}" for none. */
MUST_CHECK enum err change_read(struct change_ctx *ctx, enum config_noun noun, uint64_t id,
                                slice *settings, slice *secrets, struct why *why);
/* Creates (id 0) or replaces a record from what a person wrote, checked against `c`. `merge`: members not given stay as they are
 * (PATCH); secrets not given stay in any case. *out_id gets the id. */
MUST_CHECK enum err change_put(struct change_ctx *ctx, const struct config *c,
                               enum config_noun noun, uint64_t id, json *given, bool merge,
                               uint64_t *out_id, struct why *why);
MUST_CHECK enum err change_delete(struct change_ctx *ctx, enum config_noun noun, uint64_t id,
                                  struct why *why);

#endif
