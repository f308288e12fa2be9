/* draft.c: checks what a person wrote (API, file) and splits it into what may be shown and what must be sealed. */
#include "config/config.h"

#include "config/tables.h"
#include "plugins.h"

enum { DRAFT_TEXT_MAX = 256 * 1024 };

enum err config_name_check(slice name, struct why *why)
{
    if (name.len == 0) return why_set(why, ERR_SYNTAX, "`name` is required");
    if (name.len > NAME_MAX_BYTES)
        return why_set(why, ERR_SYNTAX, "`name` is longer than %d", NAME_MAX_BYTES);
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
            return why_set(why, ERR_SYNTAX, "`name`: only a-z, 0-9, - and _");
    }
    return OK;
}

static bool is_secret(const struct setting *table, size_t count, slice name)
{
    for (size_t i = 0; i < count; i++)
        if (table[i].secret && slice_eq(name, slice_str(table[i].name))) return true;
    return false;
}

/* Secrets not given now stay what they were. */
static void keep_old(json *old, json *given, struct buf *secrets)
{
    yyjson_obj_iter it = yyjson_obj_iter_with(old);
    for (json *key; (key = yyjson_obj_iter_next(&it));) {
        if (json_get_slice(given, json_str(key))) continue;
        json_put_raw(secrets, yyjson_get_str(key),
                     json_print(yyjson_obj_iter_get_val(key), secrets->arena));
    }
}

static enum err split(json *given, const struct setting *table, size_t count, slice old_secrets,
                      struct arena *a, struct config_draft *out, struct why *why)
{
    struct buf shown = buf_in(a, DRAFT_TEXT_MAX), secrets = buf_in(a, DRAFT_TEXT_MAX);
    json_begin_object(&shown, NULL);
    json_begin_object(&secrets, NULL);
    yyjson_obj_iter it = yyjson_obj_iter_with(given);
    for (json *key; (key = yyjson_obj_iter_next(&it));) {
        json *v = yyjson_obj_iter_get_val(key);
        bool skip = yyjson_is_null(v);
        for (size_t i = 0; tables_identity[i]; i++)
            skip = skip || slice_eq(json_str(key), slice_str(tables_identity[i]));
        if (skip) continue;
        bool hide = is_secret(table, count, json_str(key));
        json_put_raw(hide ? &secrets : &shown, yyjson_get_str(key), json_print(v, a));
    }
    json *old = NULL;
    if (old_secrets.len > 0 && json_parse(old_secrets, a, &old, NULL) == OK)
        keep_old(old, given, &secrets);
    json_end_object(&shown);
    json_end_object(&secrets);
    out->settings = buf_slice(&shown);
    out->secrets = buf_slice(&secrets);
    return buf_ok(&shown) && buf_ok(&secrets) ? OK : why_set(why, ERR_LIMIT, "settings too large");
}

static enum err check_source(const struct config *c, uint64_t ws, uint64_t id,
                             const struct source_kind *kind, struct config_draft *d,
                             struct arena *a, struct why *why)
{
    json *whole = NULL;
    const struct workspace *w = config_workspace_by_id(c, ws);
    struct source s = { .workspace_id = ws, .name = d->name };
    if (!w) return why_set(why, ERR_MISSING, "this workspace is gone");
    s.workspace = w->name;
    enum err rc = tables_join(d->settings, d->secrets, a, &whole, why);
    if (rc == OK) rc = tables_read_source(kind, whole, a, &s, why);
    if (rc == OK) rc = settings_check_given(&s.cfg, why);
    if (rc == OK && kind->check_given) rc = kind->check_given(&s.cfg, why);
    if (rc != OK) return rc;
    const struct source *same = config_source_by_name(c, ws, d->name),
                        *path = config_source_by_path(c, s.path);
    if (same && same->id != id)
        return why_set(why, ERR_CONFLICT, "there is a source \"%.*s\" already", SLICE_ARG(d->name));
    if (path && path->workspace_id != ws)
        return why_set(why, ERR_CONFLICT, "setting `path`: it is taken");
    if (path && path->id != id)
        return why_set(why, ERR_CONFLICT, "source \"%.*s\" listens on that path already",
                       SLICE_ARG(path->name));
    return OK;
}

static enum err check_destination(const struct config *c, uint64_t ws, uint64_t id,
                                  const struct dest_kind *kind, struct config_draft *d,
                                  struct arena *a, struct why *why)
{
    json *whole = NULL;
    struct destination to = { .workspace_id = ws, .name = d->name };
    enum err rc = tables_join(d->settings, d->secrets, a, &whole, why);
    if (rc == OK) rc = tables_read_destination(kind, whole, a, &to, why);
    if (rc == OK) rc = settings_check_given(&to.cfg, why);
    const struct destination *same = rc == OK ? config_destination_by_name(c, ws, d->name) : NULL;
    if (same && same->id != id)
        rc = why_set(why, ERR_CONFLICT, "there is a destination \"%.*s\" already",
                     SLICE_ARG(d->name));
    return rc;
}

static enum err check_route(const struct config *c, uint64_t ws, uint64_t id,
                            struct config_draft *d, struct arena *a, struct why *why)
{
    json *whole = NULL;
    struct settings cfg;
    struct route r = { .workspace_id = ws, .name = d->name };
    enum err rc = json_parse(d->settings, a, &whole, why);
    if (rc == OK)
        rc = settings_read(config_route_settings, config_route_setting_count, whole,
                           tables_identity, a, &cfg, why);
    if (rc == OK) rc = settings_check_given(&cfg, why);
    if (rc == OK) rc = tables_read_route(c, whole, a, &r, why);
    const struct route *same = rc == OK ? config_route_by_name(c, ws, d->name) : NULL;
    if (same && same->id != id)
        rc = why_set(why, ERR_CONFLICT, "there is a route \"%.*s\" already", SLICE_ARG(d->name));
    return rc;
}

enum err config_draft(const struct config *c, enum config_noun noun, uint64_t workspace_id,
                      uint64_t id, json *given, slice old_secrets, struct arena *arena,
                      struct config_draft *out, struct why *why)
{
    *out = (struct config_draft){ .secrets = SLICE("{}") };
    if (!yyjson_is_obj(given)) return why_set(why, ERR_SYNTAX, "a JSON object is expected");
    out->name = arena_dup(arena, json_str(json_get(given, "name")));
    out->kind = arena_dup(arena, json_str(json_get(given, "kind")));
    enum err rc = config_name_check(out->name, why);
    if (rc != OK) return rc;
    if (noun == CONFIG_ROUTE) {
        rc = split(given, NULL, 0, (slice){ NULL, 0 }, arena, out, why);
        return rc == OK ? check_route(c, workspace_id, id, out, arena, why) : rc;
    }
    const struct source_kind *source = noun == CONFIG_SOURCE ? plugins_source(out->kind) : NULL;
    const struct dest_kind *dest = noun == CONFIG_DESTINATION ? plugins_dest(out->kind) : NULL;
    if (!source && !dest)
        return why_set(why, ERR_MISSING, "unknown kind \"%.*s\"; see `malote kinds`",
                       SLICE_ARG(slice_sub(out->kind, 0, 40)));
    if (source && source->builtin)
        return why_set(why, ERR_CONFLICT, CONFIG_BUILTIN_WORD, source->name);
    rc = split(given, source ? source->settings : dest->settings,
               source ? source->setting_count : dest->setting_count, old_secrets, arena, out, why);
    if (rc != OK) return rc;
    return source ? check_source(c, workspace_id, id, source, out, arena, why)
                  : check_destination(c, workspace_id, id, dest, out, arena, why);
}
