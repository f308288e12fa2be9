/* apply.c: the whole configuration at once: all of it or nothing, in one transaction. What is not named is left alone unless pruned.
 *
 * Order: sources, destinations, then routes, each against a snapshot that has the ones before; pruning goes the other way. */
#include "api/routes.h"
#include "base/clock.h"
#include "config/change.h"

struct apply {
    struct call *call;
    json *given;
    bool dry_run, prune;
};

static const char *const plurals[] = { "sources", "destinations", "routes" };
static const char *const singulars[] = { "source", "destination", "route" };

static void put_step(struct call *c, const char *action, enum config_noun noun, slice name)
{
    json_begin_object(&c->out, NULL);
    json_put_str(&c->out, "action", slice_str(action));
    json_put_str(&c->out, "noun", slice_str(singulars[noun]));
    json_put_str(&c->out, "name", name);
    json_end_object(&c->out);
}

static uint64_t known(const struct config *c, enum config_noun noun, uint64_t ws, slice name)
{
    const struct source *s = noun == CONFIG_SOURCE ? config_source_by_name(c, ws, name) : NULL;
    const struct destination *d =
        noun == CONFIG_DESTINATION ? config_destination_by_name(c, ws, name) : NULL;
    const struct route *r = noun == CONFIG_ROUTE ? config_route_by_name(c, ws, name) : NULL;
    return s ? s->id : d ? d->id : r ? r->id : 0;
}

static enum err blame(enum config_noun noun, slice name, size_t index, enum err rc, struct why *why)
{
    char text[WHY_TEXT_MAX];
    memcpy(text, why->text, sizeof text);
    text[sizeof text - 100] = '\0';
    return name.len ? why_set(why, rc, "%s %.*s: %s", singulars[noun],
                              SLICE_ARG(slice_sub(name, 0, NAME_MAX_BYTES)), text)
                    : why_set(why, rc, "%s[%zu]: %s", plurals[noun], index, text);
}

static enum err put_all(struct apply *a, struct change_ctx *ctx, const struct config *config,
                        enum config_noun noun, struct why *why)
{
    json *items = json_get(a->given, plurals[noun]);
    if (!items || yyjson_is_null(items)) return OK;
    if (!yyjson_is_arr(items))
        return why_set(why, ERR_SYNTAX, "`%s` must be a list", plurals[noun]);
    for (size_t i = 0; i < yyjson_arr_size(items); i++) {
        json *item = yyjson_arr_get(items, i);
        slice name = json_get_text(item, "name"), old, old_secrets, now, now_secrets;
        uint64_t id = known(config, noun, ctx->workspace_id, name), out_id = 0;
        enum err rc = OK;
        for (size_t j = 0; j < i; j++)
            if (slice_eq(json_get_text(yyjson_arr_get(items, j), "name"), name))
                return why_set(why, ERR_CONFLICT, "two %s are called \"%.*s\"", plurals[noun],
                               SLICE_ARG(name));
        if (id) rc = change_read(ctx, noun, id, &old, &old_secrets, why);
        if (rc == OK) rc = change_put(ctx, config, noun, id, item, false, &out_id, why);
        if (rc == OK && id) rc = change_read(ctx, noun, id, &now, &now_secrets, why);
        if (rc != OK) return blame(noun, name, i, rc, why);
        bool same = id && slice_eq(old, now) && slice_eq(old_secrets, now_secrets);
        put_step(a->call, !id ? "create" : same ? "unchanged" : "change", noun, name);
    }
    return OK;
}

static bool named(json *items, slice name)
{
    for (size_t i = 0; i < yyjson_arr_size(items); i++)
        if (slice_eq(json_get_text(yyjson_arr_get(items, i), "name"), name)) return true;
    return false;
}

static enum err prune_all(struct apply *a, struct change_ctx *ctx, const struct config *config,
                          enum config_noun noun, struct why *why)
{
    json *items = json_get(a->given, plurals[noun]);
    size_t count = noun == CONFIG_SOURCE        ? config->source_count
                   : noun == CONFIG_DESTINATION ? config->destination_count
                                                : config->route_count;
    for (size_t i = 0; i < count; i++) {
        if (noun == CONFIG_SOURCE && config->sources[i].kind->builtin) continue;
        uint64_t ws = noun == CONFIG_SOURCE        ? config->sources[i].workspace_id
                      : noun == CONFIG_DESTINATION ? config->destinations[i].workspace_id
                                                   : config->routes[i].workspace_id;
        if (ws != ctx->workspace_id) continue; /* another's of that name would be taken for ours */
        slice name = noun == CONFIG_SOURCE        ? config->sources[i].name
                     : noun == CONFIG_DESTINATION ? config->destinations[i].name
                                                  : config->routes[i].name;
        uint64_t id = known(config, noun, ctx->workspace_id, name);
        if (!id || named(items, name)) continue;
        enum err rc = change_delete(ctx, noun, id, why);
        if (rc != OK) return rc;
        put_step(a->call, "delete", noun, name);
    }
    return OK;
}

static enum err apply_run(void *arg, struct store *s, struct why *why)
{
    struct apply *a = arg;
    struct app *app = a->call->app;
    struct change_ctx ctx = {
        s, &app->ids, &app->key, a->call->key.workspace_id, clock_wall_ms(), a->call->x->arena
    };
    struct config *config = NULL;
    enum err rc = config_load(s, &app->key, &config, why);
    if (rc == OK && a->prune) rc = prune_all(a, &ctx, config, CONFIG_ROUTE, why);
    for (int noun = CONFIG_SOURCE; rc == OK && noun <= CONFIG_ROUTE; noun++) {
        config_release(config);
        config = NULL;
        rc = config_load(s, &app->key, &config, why);
        if (rc == OK) rc = put_all(a, &ctx, config, (enum config_noun)noun, why);
    }
    /* Now no route uses them any more. */
    for (int noun = CONFIG_SOURCE; rc == OK && a->prune && noun <= CONFIG_DESTINATION; noun++)
        rc = prune_all(a, &ctx, config, (enum config_noun)noun, why);
    config_release(config);
    if (rc == OK) rc = config_check(s, &app->key, ctx.workspace_id, why);
    if (rc == OK && a->dry_run)
        return why_set(why, ERR_BUSY, "dry run"); /* undone: that is the point */
    return rc;
}

void api_apply(struct call *c)
{
    struct why why;
    struct apply a = { .call = c,
                       .dry_run = slice_eq(call_query(c, "dry_run"), SLICE("true")),
                       .prune = slice_eq(call_query(c, "prune"), SLICE("true")) };
    enum err rc = call_body(c, false, &a.given, &why);
    yyjson_obj_iter it = yyjson_obj_iter_with(a.given);
    for (json *key; rc == OK && (key = yyjson_obj_iter_next(&it));)
        if (!slice_eq(json_str(key), SLICE("sources")) &&
            !slice_eq(json_str(key), SLICE("destinations")) &&
            !slice_eq(json_str(key), SLICE("routes")))
            rc = why_set(&why, ERR_SYNTAX,
                         "unknown part `%.*s`; there are sources, destinations and routes",
                         SLICE_ARG(slice_sub(json_str(key), 0, 60)));
    if (rc != OK) {
        reply_err(c, rc, &why);
        return;
    }
    json_begin_object(&c->out, NULL);
    json_put_bool(&c->out, "dry_run", a.dry_run);
    json_begin_array(&c->out, "steps");
    pthread_mutex_lock(&c->app->config_lock);
    rc = journal_call(c->app->journal, apply_run, &a, &why);
    if (rc == OK)
        rc = app_reload(c->app, &why);
    else if (a.dry_run && rc == ERR_BUSY && slice_eq(slice_str(why.text), SLICE("dry run")))
        rc = OK;
    pthread_mutex_unlock(&c->app->config_lock);
    if (rc != OK) {
        reply_err(c, rc, &why);
        return;
    }
    json_end_array(&c->out);
    json_end_object(&c->out);
    reply_json(c, 200);
}

/* One record as it would stand in a file: name, kind, settings; secrets left out. */
static enum err export_one(struct call *c, enum config_noun noun, uint64_t id, slice name,
                           const char *kind, struct why *why)
{
    struct change_ctx ctx = { .store = c->store,
                              .key = &c->app->key,
                              .workspace_id = c->key.workspace_id,
                              .arena = c->x->arena };
    slice settings, secrets;
    json *shown = NULL;
    enum err rc = change_read(&ctx, noun, id, &settings, &secrets, why);
    if (rc == OK) rc = json_parse(settings, c->x->arena, &shown, why);
    if (rc != OK) return rc;
    json_begin_object(&c->out, NULL);
    json_put_str(&c->out, "name", name);
    if (kind) json_put_str(&c->out, "kind", slice_str(kind));
    yyjson_obj_iter it = yyjson_obj_iter_with(shown);
    for (json *key; (key = yyjson_obj_iter_next(&it));)
        json_put_raw(&c->out, yyjson_get_str(key),
                     json_print(yyjson_obj_iter_get_val(key), c->x->arena));
    json_end_object(&c->out);
    return OK;
}

void api_export(struct call *c)
{
    struct why why;
    struct config *config = config_hold(&c->app->config);
    uint64_t ws = c->key.workspace_id;
    enum err rc = OK;
    json_begin_object(&c->out, NULL);
    json_begin_array(&c->out, "sources");
    for (size_t i = 0; rc == OK && i < config->source_count; i++)
        if (config->sources[i].workspace_id == ws && !config->sources[i].kind->builtin)
            rc = export_one(c, CONFIG_SOURCE, config->sources[i].id, config->sources[i].name,
                            config->sources[i].kind->name, &why);
    json_end_array(&c->out);
    json_begin_array(&c->out, "destinations");
    for (size_t i = 0; rc == OK && i < config->destination_count; i++)
        if (config->destinations[i].workspace_id == ws)
            rc = export_one(c, CONFIG_DESTINATION, config->destinations[i].id,
                            config->destinations[i].name, config->destinations[i].kind->name, &why);
    json_end_array(&c->out);
    json_begin_array(&c->out, "routes");
    for (size_t i = 0; rc == OK && i < config->route_count; i++)
        if (config->routes[i].workspace_id == ws)
            rc = export_one(c, CONFIG_ROUTE, config->routes[i].id, config->routes[i].name, NULL,
                            &why);
    json_end_array(&c->out);
    json_end_object(&c->out);
    config_release(config);
    if (rc == OK)
        reply_json(c, 200);
    else
        reply_err(c, rc, &why);
}
