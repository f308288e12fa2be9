/* template.c: what a channel says of our templates, and whether one may be sent. */
#include "base/time.h"
#include "records/apply.h"

static struct stmt *of_template(struct apply_ctx *ctx, enum sql sql, const struct template_word *t,
                                struct why *why)
{
    struct stmt *q = store_stmt(ctx->store, sql, why);
    stmt_i64(q, 1, (int64_t)ctx->workspace_id);
    stmt_text(q, 2, t->channel);
    stmt_text(q, 3, t->owner);
    stmt_text(q, 4, t->name);
    stmt_text(q, 5, t->language);
    return q;
}

static enum err add(struct apply_ctx *ctx, const struct template_word *t, struct why *why)
{
    struct stmt *q = store_stmt(ctx->store, SQL_TEMPLATE_ADD, why);
    stmt_i64(q, 1, (int64_t)id_next(ctx->ids, ctx->now_ms));
    stmt_i64(q, 2, (int64_t)ctx->workspace_id);
    stmt_text(q, 3, t->channel);
    stmt_text(q, 4, t->owner);
    stmt_text(q, 5, t->name);
    stmt_text(q, 6, t->language);
    stmt_i64(q, 7, ctx->now_ms);
    return stmt_run(q, why);
}

enum err template_apply(struct apply_ctx *ctx, const struct template_word *t, struct why *why)
{
    enum err rc = add(ctx, t, why);
    if (rc == OK && t->state.len > 0) {
        struct stmt *q = of_template(ctx, SQL_TEMPLATE_STATE, t, why);
        stmt_text(q, 6, t->state);
        stmt_text(q, 7, t->reason);
        stmt_i64(q, 8, ctx->occurred_ms);
        rc = stmt_run(q, why);
    }
    const struct {
        enum sql sql;
        slice value;
    } rest[] = { { SQL_TEMPLATE_QUALITY, t->quality }, { SQL_TEMPLATE_CATEGORY, t->category } };
    for (size_t i = 0; rc == OK && i < ARRAY_LEN(rest); i++) {
        if (rest[i].value.len == 0) continue;
        struct stmt *q = of_template(ctx, rest[i].sql, t, why);
        stmt_text(q, 6, rest[i].value);
        stmt_i64(q, 7, ctx->occurred_ms);
        rc = stmt_run(q, why);
    }
    return rc;
}

/* What to do about it; NULL: it may be sent, as far as is known. */
static const char *remedy(slice state)
{
    static const struct {
        slice state;
        const char *what;
    } words[] = {
        { SLICE_INIT("REJECTED"), "edit it at the channel and have it approved" },
        { SLICE_INIT("PAUSED"), "wait until the channel ends the pause, or send another" },
        { SLICE_INIT("DISABLED"), "send another" },
        { SLICE_INIT("PENDING_DELETION"), "it is being deleted: send another" },
        { SLICE_INIT("DELETED"), "send another" },
    };
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (slice_eq(state, words[i].state)) return words[i].what;
    return NULL;
}

bool template_may_go(slice state) { return remedy(state) == NULL; }

slice template_language(slice language, struct arena *arena)
{
    char *out = language.len > 0 ? arena_raw(arena, language.len) : NULL;
    for (size_t i = 0; out && i < language.len; i++)
        out[i] = language.ptr[i] == '-' ? '_' : language.ptr[i];
    return out ? slice_of(out, language.len) : (slice){ NULL, 0 };
}

enum err template_check(struct store *s, uint64_t workspace_id, slice channel, slice account,
                        slice name, slice language, struct arena *arena, struct why *why)
{
    enum { SHOWN_MAX = 40 };
    bool row = false;
    char at[TIME_TEXT_MAX];
    struct why failure = { .code = OK };
    slice form = template_language(language, arena);
    struct stmt *q = store_stmt(s, SQL_TEMPLATE_OF_NUMBER, why);
    stmt_i64(q, 1, (int64_t)workspace_id);
    stmt_text(q, 2, channel);
    stmt_text(q, 3, account);
    stmt_text(q, 4, name);
    stmt_text(q, 5, form);
    enum err rc = stmt_step(q, &row, why);
    const char *what = rc == OK && row ? remedy(stmt_col_text(q, 0)) : NULL;
    if (what)
        rc = why_set(&failure, ERR_DENIED, "template %.*s (%.*s) is %.*s%s%.*s since %.*s: %s",
                     SLICE_ARG(slice_sub(name, 0, SHOWN_MAX)), SLICE_ARG(slice_sub(form, 0, 8)),
                     SLICE_ARG(stmt_col_text(q, 0)), stmt_col_text(q, 1).len > 0 ? ", " : "",
                     SLICE_ARG(slice_sub(stmt_col_text(q, 1), 0, SHOWN_MAX)),
                     (int)(SLICE("2026-03-12T12:00").len), time_format(stmt_col_i64(q, 2), at).ptr,
                     what);
    stmt_reset(q);
    if (what && why) *why = failure;
    return rc;
}
