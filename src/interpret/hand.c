/* hand.c: finds the source that an account belongs to, and gives it its part as a request of its own. */
#include "interpret/hand.h"

#include "records/apply.h"

/* "workspace/source", or a source of the same workspace. NULL: there is none. */
static const struct source *named(const struct config *c, const struct source *from, slice to)
{
    size_t at = slice_find(to, '/');
    if (at == to.len) return config_source_by_name(c, from->workspace_id, to);
    const struct workspace *w = config_workspace_by_name(c, slice_sub(to, 0, at));
    return w ? config_source_by_name(c, w->id, slice_sub(to, at + 1, to.len)) : NULL;
}

static bool accepts(const struct config *c, const struct source *to, const struct source *from)
{
    if (to->workspace_id == from->workspace_id) return true;
    for (size_t i = 0; to->accepts && i < to->accepts->count; i++)
        if (named(c, to, to->accepts->items[i].value) == from) return true;
    return false;
}

/* An id as it may be shown in a reason: plain, or nothing. */
static slice shown(slice account)
{
    for (size_t i = 0; i < account.len; i++)
        if (account.ptr[i] < '0' || account.ptr[i] > '9') return SLICE("?");
    return account.len > 0 && account.len < 32 ? account : SLICE("?");
}

/* One word for a source that is not there and for one that does not accept: who maps an account learns nothing of other workspaces. */
static enum err find(const struct config *c, const struct source *from, const struct handover *h,
                     const struct source **out, struct why *why)
{
    slice account = shown(h->account);
    *out = h->own ? from : named(c, from, h->to);
    if (!h->own && h->to.len == 0)
        return why_set(
            why, ERR_MISSING,
            "account %.*s belongs to no source here: add it to the settings of %.*s, then "
            "retry",
            SLICE_ARG(account), SLICE_ARG(from->name));
    if (!*out || (*out)->kind != from->kind || !accepts(c, *out, from))
        return why_set(
            why, ERR_MISSING, "account %.*s: %.*s is no %s source that accepts from %.*s/%.*s",
            SLICE_ARG(account), SLICE_ARG(slice_sub(h->to, 0, 80)), from->kind->name,
            SLICE_ARG(slice_sub(from->workspace, 0, 30)), SLICE_ARG(slice_sub(from->name, 0, 30)));
    if (!(*out)->enabled && !h->own)
        return why_set(why, ERR_MISSING, "account %.*s: %.*s is disabled", SLICE_ARG(account),
                       SLICE_ARG(slice_sub(h->to, 0, 100)));
    if (h->body.len > (*out)->body_max)
        return why_set(why, ERR_SYNTAX, "account %.*s: larger than the `body_max` of %.*s",
                       SLICE_ARG(account), SLICE_ARG(slice_sub(h->to, 0, 80)));
    return OK;
}

enum err hand_make(struct interpret_ctx *ctx, const struct source *from,
                   const struct stored_event *e, const struct request *r, const struct handover *h,
                   struct journal_entry **out, struct why *why)
{
    const struct source *to = NULL;
    *out = NULL;
    enum err rc = find(ctx->config, from, h, &to, why);
    if (rc != OK) return rc;
    struct journal_entry *n = journal_entry_new(ctx->config, to);
    if (!n) return why_set(why, ERR_BUSY, "out of memory");
    /* No path, no address, no headers: those are the receiving source's affair. */
    n->request = (struct request){ .method = SLICE("POST"),
                                   .body = arena_dup(&n->arena, h->body),
                                   .received_ms = r->received_ms };
    n->origin =
        (struct journal_origin){ e->workspace_id, e->request_id, arena_dup(&n->arena, h->locator) };
    rc = n->arena.full ? ERR_LIMIT : journal_entry_read(n, ctx->log, why);
    if (rc == OK && !n->arena.full) {
        n->bytes = sizeof *n + n->arena.used;
        *out = n;
        return OK;
    }
    journal_entry_free(n);
    return why_set(why, ERR_SYNTAX, "too large to be handed on");
}

/* Whom the settings name for a number. Empty: nobody. */
static slice named_for(const struct source *from, slice number)
{
    const struct setting_value *accounts = settings_named(&from->cfg, "accounts");
    return accounts ? settings_map_find(accounts, number) : (slice){ NULL, 0 };
}

static bool is_handed(const struct interpret_ctx *ctx, const struct source *to)
{
    for (const struct journal_entry *n = ctx->hand; n; n = n->next)
        if (n->source == to) return true;
    return false;
}

enum err hand_share(struct interpret_ctx *ctx, const struct source *from,
                    const struct stored_event *e, const struct request *r,
                    const struct own_share *share, struct why *why)
{
    slice numbers[OWN_NUMBERS_MAX];
    size_t count = 0;
    enum err rc =
        own_number_list(ctx->store, e->workspace_id, &share->who, ctx->arena, numbers, &count, why);
    for (size_t i = 0; rc == OK && i < count; i++) {
        struct handover part = *share->part;
        struct journal_entry *made = NULL;
        struct why reason = { .code = OK };
        part.account = numbers[i];
        part.to = named_for(from, numbers[i]);
        const struct source *to = part.to.len > 0 ? named(ctx->config, from, part.to) : NULL;
        if (part.to.len == 0 || to == from || (to && is_handed(ctx, to))) continue;
        rc = hand_make(ctx, from, e, r, &part, &made, &reason);
        if (rc == OK) {
            made->next = ctx->hand;
            ctx->hand = made;
        } else if (rc == ERR_MISSING || rc == ERR_SYNTAX) {
            LOG(ctx->log, LOG_WARN, "account.not_handed", log_id("event", ID_EVENT, e->id),
                log_why(&reason));
            rc = OK;
        } else {
            rc = why_set(why, rc, "%s", reason.text);
        }
    }
    return rc;
}

enum err hand_keep(struct interpret_ctx *ctx, struct why *why)
{
    for (struct journal_entry *n; (n = ctx->hand);) {
        CHECK(ctx->known && ctx->minutes && ctx->handed);
        enum err rc =
            keep_entry(ctx->store, ctx->ids, ctx->known, ctx->minutes, n, ctx->now_ms, why);
        if (rc != OK) return rc;
        ctx->hand = n->next;
        n->next = NULL;
        *ctx->handed = n;
        ctx->handed = &n->next;
        ctx->handed_bytes += n->bytes;
    }
    return OK;
}

void hand_drop(struct interpret_ctx *ctx)
{
    journal_entry_free_list(ctx->hand);
    ctx->hand = NULL;
}
