/* change.c: one record of the configuration into the store, its secrets sealed. */
#include "config/change.h"

#include "base/text.h"
#include "config/tables.h"
#include "crypto/hash.h"
#include "plugins.h"

static const enum sql sql_read[] = { SQL_CONFIG_SECRETS_SOURCE, SQL_CONFIG_SECRETS_DESTINATION,
                                     SQL_CONFIG_SECRETS_ROUTE };
static const enum sql sql_add[] = { SQL_CONFIG_SOURCE_ADD, SQL_CONFIG_DESTINATION_ADD,
                                    SQL_CONFIG_ROUTE_ADD };
static const enum sql sql_set[] = { SQL_CONFIG_SOURCE_SET, SQL_CONFIG_DESTINATION_SET,
                                    SQL_CONFIG_ROUTE_SET };
static const enum sql sql_delete[] = { SQL_CONFIG_SOURCE_DELETE, SQL_CONFIG_DESTINATION_DELETE,
                                       SQL_CONFIG_ROUTE_DELETE };

enum { MERGED_TEXT_MAX = 256 * 1024 };

enum err change_read(struct change_ctx *ctx, enum config_noun noun, uint64_t id, slice *settings,
                     slice *secrets, struct why *why)
{
    bool row = false;
    *settings = *secrets = SLICE("{}");
    struct stmt *q = store_stmt(ctx->store, sql_read[noun], why);
    stmt_i64(q, 1, (int64_t)ctx->workspace_id);
    stmt_i64(q, 2, (int64_t)id);
    enum err rc = stmt_step(q, &row, why);
    if (rc == OK && row) {
        slice sealed = stmt_col_text(q, 1);
        *settings = arena_dup(ctx->arena, stmt_col_text(q, 0));
        if (sealed.len)
            rc = seal_open(ctx->key, config_seal_context(noun, id, ctx->arena), sealed, ctx->arena,
                           secrets, why);
    }
    stmt_reset(q);
    return rc;
}

/* `given` with the members of `old` that it does not have. */
static enum err merge_old(slice old, json *given, struct arena *a, json **out, struct why *why)
{
    json *was = NULL;
    enum err rc = json_parse(old, a, &was, why);
    if (rc != OK) return rc;
    struct buf b = buf_in(a, MERGED_TEXT_MAX);
    json_begin_object(&b, NULL);
    json *parts[] = { given, was };
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        yyjson_obj_iter it = yyjson_obj_iter_with(parts[i]);
        for (json *key; (key = yyjson_obj_iter_next(&it));)
            if (i == 0 || !json_get_slice(given, json_str(key)))
                json_put_raw(&b, yyjson_get_str(key), json_print(yyjson_obj_iter_get_val(key), a));
    }
    json_end_object(&b);
    return buf_ok(&b) ? json_parse(buf_slice(&b), a, out, why)
                      : why_set(why, ERR_LIMIT, "settings too large");
}

static enum err write_record(struct change_ctx *ctx, enum config_noun noun, uint64_t id, bool fresh,
                             const struct config_draft *d, struct why *why)
{
    slice sealed = { NULL, 0 };
    if (noun != CONFIG_ROUTE && d->secrets.len > 2) {
        enum err rc = seal_close(ctx->key, config_seal_context(noun, id, ctx->arena), d->secrets,
                                 ctx->arena, &sealed);
        if (rc != OK) return why_set(why, rc, "settings too large");
    }
    struct stmt *q = store_stmt(ctx->store, fresh ? sql_add[noun] : sql_set[noun], why);
    int n = 0;
    stmt_i64(q, ++n, (int64_t)(fresh ? id : ctx->workspace_id));
    stmt_i64(q, ++n, (int64_t)(fresh ? ctx->workspace_id : id));
    stmt_text(q, ++n, d->name);
    if (noun != CONFIG_ROUTE && fresh) stmt_text(q, ++n, d->kind);
    stmt_text(q, ++n, d->settings);
    if (noun != CONFIG_ROUTE) stmt_blob(q, ++n, sealed);
    stmt_i64(q, ++n, ctx->now_ms);
    return stmt_run(q, why);
}

/* A new source whose path is its only proof and was not given gets a random one. */
static enum err give_path(struct change_ctx *ctx, const struct config *c, json **given,
                          struct why *why)
{
    const struct source_kind *kind = plugins_source(json_get_text(*given, "kind"));
    const struct workspace *w = config_workspace_by_id(c, ctx->workspace_id);
    struct source s = { .workspace_id = ctx->workspace_id, .name = json_get_text(*given, "name") };
    if (!w || !kind || !kind->path_is_secret || json_get(*given, "path")) return OK;
    s.workspace = w->name;
    uint8_t bytes[16];
    char hex[2 * sizeof bytes];
    hash_random(bytes, sizeof bytes);
    slice path = arena_printf(ctx->arena, "{\"path\":\"/in/%.*s/%.*s/%.*s\"}", SLICE_ARG(w->name),
                              SLICE_ARG(slice_sub(s.name, 0, NAME_MAX_BYTES)),
                              SLICE_ARG(text_hex(slice_of(bytes, sizeof bytes), hex)));
    json *with = NULL;
    enum err rc = merge_old(path, *given, ctx->arena, &with, why);
    if (rc == OK && tables_read_source(kind, with, ctx->arena, &s, NULL) == OK &&
        kind->path_is_secret(&s.cfg))
        *given = with;
    return rc;
}

enum err change_put(struct change_ctx *ctx, const struct config *c, enum config_noun noun,
                    uint64_t id, json *given, bool merge, uint64_t *out_id, struct why *why)
{
    slice settings = SLICE("{}"), secrets = SLICE("{}");
    enum err rc = id ? change_read(ctx, noun, id, &settings, &secrets, why) : OK;
    if (rc == OK && merge) rc = merge_old(settings, given, ctx->arena, &given, why);
    if (rc == OK && id == 0 && noun == CONFIG_SOURCE && yyjson_is_obj(given))
        rc = give_path(ctx, c, &given, why);
    struct config_draft d;
    if (rc == OK)
        rc = config_draft(c, noun, ctx->workspace_id, id, given, secrets, ctx->arena, &d, why);
    if (rc != OK) return rc;
    bool fresh = id == 0;
    if (fresh) id = id_next(ctx->ids, ctx->now_ms);
    *out_id = id;
    rc = write_record(ctx, noun, id, fresh, &d, why);
    return rc == ERR_CONFLICT ? why_set(why, rc, "the name \"%.*s\" is taken", SLICE_ARG(d.name))
                              : rc;
}

enum err change_delete(struct change_ctx *ctx, enum config_noun noun, uint64_t id, struct why *why)
{
    enum err rc = OK;
    if (noun == CONFIG_DESTINATION) {
        struct stmt *q = store_stmt(ctx->store, SQL_CONFIG_DESTINATION_CANCEL, why);
        stmt_i64(q, 1, (int64_t)ctx->workspace_id);
        stmt_i64(q, 2, (int64_t)id);
        stmt_i64(q, 3, ctx->now_ms);
        rc = stmt_run(q, why);
    }
    struct stmt *q = rc == OK ? store_stmt(ctx->store, sql_delete[noun], why) : NULL;
    stmt_i64(q, 1, (int64_t)ctx->workspace_id);
    stmt_i64(q, 2, (int64_t)id);
    return rc == OK ? stmt_run(q, why) : rc;
}
