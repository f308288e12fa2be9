/* config_api.c: sources, destinations and routes over the API. The three nouns differ by a table, not by code. */
#include "api/routes.h"
#include "base/clock.h"
#include "config/change.h"
#include "plugins.h"
#include "records/apply.h"

/* ---- showing ---- */

static void put_times(struct buf *b, int64_t created_ms, int64_t updated_ms)
{
    json_put_time(b, "created_at", created_ms);
    json_put_time(b, "updated_at", updated_ms);
}

/* Settings as stored, and the names of the secrets that are set. */
static enum err put_settings(struct call *c, enum config_noun noun, uint64_t id, struct why *why)
{
    struct change_ctx ctx = { .store = c->store,
                              .key = &c->app->key,
                              .workspace_id = c->key.workspace_id,
                              .arena = c->x->arena };
    slice settings, secrets;
    json *shown = NULL, *hidden = NULL;
    enum err rc = change_read(&ctx, noun, id, &settings, &secrets, why);
    if (rc == OK) rc = json_parse(settings, c->x->arena, &shown, why);
    if (rc == OK) rc = json_parse(secrets, c->x->arena, &hidden, why);
    if (rc != OK) return rc;
    yyjson_obj_iter it = yyjson_obj_iter_with(shown);
    for (json *key; (key = yyjson_obj_iter_next(&it));)
        json_put_raw(&c->out, yyjson_get_str(key),
                     json_print(yyjson_obj_iter_get_val(key), c->x->arena));
    if (yyjson_obj_size(hidden) == 0) return OK;
    json_begin_array(&c->out, "secrets_set");
    it = yyjson_obj_iter_with(hidden);
    for (json *key; (key = yyjson_obj_iter_next(&it));) json_put_str(&c->out, NULL, json_str(key));
    json_end_array(&c->out);
    return OK;
}

static enum err put_source(struct call *c, const char *key, const struct source *s, struct why *why)
{
    json_begin_object(&c->out, key);
    put_id(&c->out, "id", ID_SOURCE, (int64_t)s->id);
    json_put_str(&c->out, "name", s->name);
    json_put_str(&c->out, "kind", slice_str(s->kind->name));
    enum err rc = put_settings(c, CONFIG_SOURCE, s->id, why);
    json_put_opt(&c->out, "listens_on", s->path);
    if (s->kind->builtin) json_put_bool(&c->out, "builtin", true);
    put_times(&c->out, s->created_ms, s->updated_ms);
    json_end_object(&c->out);
    return rc;
}

static enum err put_destination(struct call *c, const char *key, const struct destination *d,
                                struct why *why)
{
    struct deliver_status status = deliver_status_of(c->app->deliver, d);
    json_begin_object(&c->out, key);
    put_id(&c->out, "id", ID_DESTINATION, (int64_t)d->id);
    json_put_str(&c->out, "name", d->name);
    json_put_str(&c->out, "kind", slice_str(d->kind->name));
    enum err rc = put_settings(c, CONFIG_DESTINATION, d->id, why);
    json_put_str(&c->out, "state", slice_str(status.state));
    json_put_opt(&c->out, "hold", d->hold);
    json_put_time(&c->out, "tries_again_at", status.until_ms);
    put_times(&c->out, d->created_ms, d->updated_ms);
    json_end_object(&c->out);
    return rc;
}

static enum err put_route(struct call *c, const char *key, const struct route *r, struct why *why)
{
    json_begin_object(&c->out, key);
    put_id(&c->out, "id", ID_ROUTE, (int64_t)r->id);
    json_put_str(&c->out, "name", r->name);
    enum err rc = put_settings(c, CONFIG_ROUTE, r->id, why);
    put_times(&c->out, r->created_ms, r->updated_ms);
    json_end_object(&c->out);
    return rc;
}

/* Writes record `i` of the noun; false when there is none or it is another workspace's. */
static bool put_nth(struct call *c, const struct config *config, enum config_noun noun, size_t i,
                    enum err *rc, struct why *why)
{
    uint64_t ws = c->key.workspace_id;
    if (noun == CONFIG_SOURCE && i < config->source_count && config->sources[i].workspace_id == ws)
        *rc = put_source(c, NULL, &config->sources[i], why);
    else if (noun == CONFIG_DESTINATION && i < config->destination_count &&
             config->destinations[i].workspace_id == ws)
        *rc = put_destination(c, NULL, &config->destinations[i], why);
    else if (noun == CONFIG_ROUTE && i < config->route_count &&
             config->routes[i].workspace_id == ws)
        *rc = put_route(c, NULL, &config->routes[i], why);
    else
        return false;
    return true;
}

static size_t count_of(const struct config *config, enum config_noun noun)
{
    return noun == CONFIG_SOURCE        ? config->source_count
           : noun == CONFIG_DESTINATION ? config->destination_count
                                        : config->route_count;
}

static size_t index_of(const struct config *config, enum config_noun noun, uint64_t ws, slice name)
{
    const struct source *s = noun == CONFIG_SOURCE ? config_source_by_name(config, ws, name) : NULL;
    const struct destination *d =
        noun == CONFIG_DESTINATION ? config_destination_by_name(config, ws, name) : NULL;
    const struct route *r = noun == CONFIG_ROUTE ? config_route_by_name(config, ws, name) : NULL;
    if (s) return (size_t)(s - config->sources);
    if (d) return (size_t)(d - config->destinations);
    return r ? (size_t)(r - config->routes) : SIZE_MAX;
}

static uint64_t id_of(const struct config *config, enum config_noun noun, size_t i)
{
    return noun == CONFIG_SOURCE        ? config->sources[i].id
           : noun == CONFIG_DESTINATION ? config->destinations[i].id
                                        : config->routes[i].id;
}

static void list(struct call *c, enum config_noun noun)
{
    struct config *config = config_hold(&c->app->config);
    struct why why = { .code = OK };
    enum err rc = OK;
    page_begin(c);
    for (size_t i = 0; rc == OK && i < count_of(config, noun); i++)
        (void)put_nth(c, config, noun, i, &rc, &why);
    page_end(c, &(struct page){ .limit = -1 }, ID_SOURCE);
    config_release(config);
    if (rc == OK)
        reply_json(c, 200);
    else
        reply_err(c, rc, &why);
}

static void show(struct call *c, enum config_noun noun, slice name, int status)
{
    struct config *config = config_hold(&c->app->config);
    struct why why;
    enum err rc = OK;
    size_t i = index_of(config, noun, c->key.workspace_id, name);
    if (i == SIZE_MAX)
        rc = why_set(&why, ERR_MISSING, "there is no such name");
    else
        (void)put_nth(c, config, noun, i, &rc, &why);
    config_release(config);
    if (rc == OK)
        reply_json(c, status);
    else
        reply_err(c, rc, &why);
}

/* ---- changing ---- */

struct edit {
    struct call *call;
    enum config_noun noun;
    slice name; /* of the record to change; empty: a new one */
    json *given;
    bool merge, remove;
};

static enum err edit_run(void *arg, struct store *s, struct why *why)
{
    struct edit *e = arg;
    struct app *app = e->call->app;
    uint64_t ws = e->call->key.workspace_id, id = 0;
    struct change_ctx ctx = { s, &app->ids, &app->key, ws, clock_wall_ms(), e->call->x->arena };
    struct config *config = config_hold(&app->config);
    enum err rc = OK;
    if (e->name.len > 0) {
        size_t i = index_of(config, e->noun, ws, e->name);
        if (i == SIZE_MAX)
            rc = why_set(why, ERR_MISSING, "there is no such name");
        else if (e->noun == CONFIG_SOURCE && config->sources[i].kind->builtin)
            rc = why_set(why, ERR_CONFLICT, CONFIG_BUILTIN_WORD, config->sources[i].kind->name);
        else
            id = id_of(config, e->noun, i);
    }
    for (size_t i = 0; rc == OK && e->remove && e->noun != CONFIG_ROUTE && i < config->route_count;
         i++)
        if ((config->routes[i].from && config->routes[i].from->id == id) ||
            config->routes[i].to->id == id)
            rc = why_set(why, ERR_CONFLICT, "route \"%.*s\" uses it: delete or change that first",
                         SLICE_ARG(config->routes[i].name));
    if (rc == OK && e->remove)
        rc = change_delete(&ctx, e->noun, id, why);
    else if (rc == OK)
        rc = change_put(&ctx, config, e->noun, id, e->given, e->merge, &id, why);
    config_release(config);
    /* The whole must still load, or no later start would: a route may name what was renamed. */
    return rc == OK && !e->remove ? config_check(s, &app->key, ws, why) : rc;
}

/* Runs the edit on the writer, then swaps the configuration in. False: the answer is written. */
static bool edit(struct call *c, struct edit *e)
{
    struct why why;
    pthread_mutex_lock(
        &c->app->config_lock); /* one change at a time: each is checked against the last */
    enum err rc = journal_call(c->app->journal, edit_run, e, &why);
    if (rc == OK) rc = app_reload(c->app, &why);
    pthread_mutex_unlock(&c->app->config_lock);
    if (rc != OK) reply_err(c, rc, &why);
    return rc == OK;
}

/* Name and kind of a changed record come from its URL and its past when the body leaves them out. */
static enum err complete(struct call *c, enum config_noun noun, slice name, json **given,
                         struct why *why)
{
    struct config *config = config_hold(&c->app->config);
    size_t i = index_of(config, noun, c->key.workspace_id, name);
    const char *kind = i == SIZE_MAX || noun == CONFIG_ROUTE ? NULL
                       : noun == CONFIG_SOURCE               ? config->sources[i].kind->name
                                                             : config->destinations[i].kind->name;
    config_release(config);
    slice kind_given = json_get_text(*given, "kind");
    if (kind && kind_given.len && !slice_eq(kind_given, slice_str(kind)))
        return why_set(why, ERR_SYNTAX, "the kind cannot be changed: it is %s", kind);
    struct buf b = buf_in(c->x->arena, API_BODY_MAX * 2);
    json_begin_object(&b, NULL);
    if (!json_get(*given, "name")) json_put_str(&b, "name", name);
    if (kind && !kind_given.len) json_put_str(&b, "kind", slice_str(kind));
    yyjson_obj_iter it = yyjson_obj_iter_with(*given);
    for (json *key; (key = yyjson_obj_iter_next(&it));)
        json_put_raw(&b, yyjson_get_str(key),
                     json_print(yyjson_obj_iter_get_val(key), c->x->arena));
    json_end_object(&b);
    return buf_ok(&b) ? json_parse(buf_slice(&b), c->x->arena, given, why)
                      : why_set(why, ERR_LIMIT, "too large");
}

static void collection(struct call *c, enum config_noun noun)
{
    struct why why;
    struct edit e = { .call = c, .noun = noun };
    if (!slice_eq(c->x->request.method, SLICE("POST"))) {
        list(c, noun);
        return;
    }
    enum err rc = call_body(c, false, &e.given, &why);
    if (rc != OK)
        reply_err(c, rc, &why);
    else if (edit(c, &e))
        show(c, noun, json_get_text(e.given, "name"), 201);
}

static void member(struct call *c, enum config_noun noun)
{
    struct why why;
    slice method = c->x->request.method, name = c->param[0];
    struct edit e = { .call = c,
                      .noun = noun,
                      .name = name,
                      .remove = slice_eq(method, SLICE("DELETE")),
                      .merge = slice_eq(method, SLICE("PATCH")) };
    if (slice_eq(method, SLICE("GET")) || slice_eq(method, SLICE("HEAD"))) {
        show(c, noun, name, 200);
        return;
    }
    enum err rc = e.remove ? OK : call_body(c, false, &e.given, &why);
    if (rc == OK && !e.remove) rc = complete(c, noun, name, &e.given, &why);
    if (rc != OK) {
        reply_err(c, rc, &why);
        return;
    }
    if (!edit(c, &e)) return;
    if (!e.remove) {
        show(c, noun, json_get_text(e.given, "name"), 200);
        return;
    }
    json_begin_object(&c->out, NULL);
    json_put_bool(&c->out, "deleted", true);
    json_end_object(&c->out);
    reply_json(c, 200);
}

void api_sources(struct call *c) { collection(c, CONFIG_SOURCE); }
void api_source(struct call *c) { member(c, CONFIG_SOURCE); }
void api_destinations(struct call *c) { collection(c, CONFIG_DESTINATION); }
void api_destination(struct call *c) { member(c, CONFIG_DESTINATION); }
void api_routes_list(struct call *c) { collection(c, CONFIG_ROUTE); }
void api_route_one(struct call *c) { member(c, CONFIG_ROUTE); }

/* ---- kill switch, hold, probe ---- */

static void set_enabled(struct call *c, bool enabled)
{
    struct why why;
    struct edit e = { .call = c, .noun = CONFIG_DESTINATION, .name = c->param[0], .merge = true };
    enum err rc = json_parse(enabled ? SLICE("{\"enabled\":true}") : SLICE("{\"enabled\":false}"),
                             c->x->arena, &e.given, &why);
    if (rc == OK) rc = complete(c, CONFIG_DESTINATION, c->param[0], &e.given, &why);
    if (rc != OK)
        reply_err(c, rc, &why);
    else if (edit(c, &e))
        show(c, CONFIG_DESTINATION, c->param[0], 200);
}

void api_pause(struct call *c) { set_enabled(c, false); }
void api_resume(struct call *c) { set_enabled(c, true); } /* a change of settings ends a hold too */

/* What the answer to a probe says of our number. */
struct asked {
    uint64_t workspace_id;
    slice channel, account;
    bool in_app;
    int64_t now_ms;
};

static enum err asked_run(void *ctx, struct store *s, struct why *why)
{
    const struct asked *a = ctx;
    return own_number_asked(s, a->workspace_id, a->channel, a->account, a->in_app, a->now_ms, why);
}

/* The pace follows what is known of the number: the configuration is loaded anew. */
static enum err take_answer(struct call *c, const struct destination *d,
                            const struct probe_result *r, struct why *why)
{
    const struct dest_messages *m = d->kind->messages;
    struct asked a = { .workspace_id = d->workspace_id, .now_ms = clock_wall_ms() };
    if (r->verdict.kind != VERDICT_DELIVERED || !m || !m->says_in_app ||
        !m->says_in_app(slice_of(r->body, r->body_len), c->x->arena, &a.in_app) ||
        a.in_app == d->in_app)
        return OK;
    a.channel = slice_str(m->channel);
    a.account = m->account(&d->cfg);
    enum err rc = journal_call(c->app->journal, asked_run, &a, why);
    return rc == OK ? app_reload(c->app, why) : rc;
}

void api_probe(struct call *c)
{
    struct why why;
    struct probe_result r;
    struct config *config = config_hold(&c->app->config);
    const struct destination *d =
        config_destination_by_name(config, c->key.workspace_id, c->param[0]);
    enum err rc = d ? deliver_probe(c->app->deliver, d, &r, &why)
                    : why_set(&why, ERR_MISSING, "there is no such destination");
    if (rc == OK) rc = take_answer(c, d, &r, &why);
    config_release(config);
    if (rc != OK) {
        reply_err(c, rc, &why);
        return;
    }
    json_begin_object(&c->out, NULL);
    json_put_bool(&c->out, "ok", r.verdict.kind == VERDICT_DELIVERED);
    json_put_str(&c->out, "verdict", slice_str(verdict_name[r.verdict.kind]));
    json_put_opt(&c->out, "reason", slice_str(r.verdict.reason));
    if (r.status) json_put_i64(&c->out, "status", r.status);
    json_put_i64(&c->out, "elapsed_ms", r.elapsed_ms);
    json_put_str(&c->out, "reply", slice_of(r.body, r.body_len));
    json_end_object(&c->out);
    reply_json(c, 200);
}

/* ---- kinds ---- */

static void put_table(struct buf *b, const struct setting *table, size_t count)
{
    static const char *const types[] = { "text", "url", "int", "bool", "choice", "list", "map" };
    for (size_t i = 0; i < count; i++) {
        const struct setting *s = &table[i];
        json_begin_object(b, NULL);
        json_put_str(b, "name", slice_str(s->name));
        json_put_str(b, "type", slice_str(types[s->type]));
        if (s->required) json_put_bool(b, "required", true);
        if (s->secret) json_put_bool(b, "secret", true);
        if (s->fallback) json_put_str(b, "default", slice_str(s->fallback));
        if (s->type == SETTING_INT) json_put_i64(b, "min", s->min), json_put_i64(b, "max", s->max);
        if (s->choices) {
            json_begin_array(b, "choices");
            for (size_t n = 0; s->choices[n]; n++) json_put_str(b, NULL, slice_str(s->choices[n]));
            json_end_array(b);
        }
        json_put_opt(b, "help", slice_str(s->help));
        json_end_object(b);
    }
}

static void put_kind(struct buf *b, const char *name, const char *title, const struct setting *own,
                     size_t own_count, const struct setting *common, size_t common_count)
{
    json_begin_object(b, NULL);
    json_put_str(b, "name", slice_str(name));
    json_put_str(b, "title", slice_str(title));
    json_begin_array(b, "settings");
    put_table(b, own, own_count);
    put_table(b, common, common_count);
    json_end_array(b);
    json_end_object(b);
}

void api_kinds(struct call *c)
{
    json_begin_object(&c->out, NULL);
    json_begin_array(&c->out, "sources");
    for (size_t i = 0; plugins_sources[i]; i++) {
        const struct source_kind *k = plugins_sources[i];
        if (k->builtin) continue; /* nobody can make one */
        put_kind(&c->out, k->name, k->title, k->settings, k->setting_count, config_source_common,
                 config_source_common_count);
    }
    json_end_array(&c->out);
    json_begin_array(&c->out, "destinations");
    for (size_t i = 0; plugins_dests[i]; i++)
        put_kind(&c->out, plugins_dests[i]->name, plugins_dests[i]->title,
                 plugins_dests[i]->settings, plugins_dests[i]->setting_count, config_dest_common,
                 config_dest_common_count);
    json_end_array(&c->out);
    json_begin_array(&c->out, "route_settings");
    put_table(&c->out, config_route_settings, config_route_setting_count);
    json_end_array(&c->out);
    json_end_object(&c->out);
    reply_json(c, 200);
}
