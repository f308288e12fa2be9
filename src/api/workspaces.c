/* workspaces.c: workspaces over the API: made, disabled, deleted, and given an admin key. For the installation's owners alone.
 *
 * A workspace is never renamed: its name is in the URLs that platforms were given (/in/<workspace>/<source>), and in what other sources
 * say of whom they hand to. Deleting refuses while anything is in it: nothing here takes data away. */
#include "api/routes.h"
#include "base/clock.h"

/* Admins of other workspaces are told the same whatever they ask for, so that they learn no names. */
static bool is_owner(struct call *c)
{
    if (call_is_owner(c)) return true;
    reply_error(c, 403, "owner_only", "this needs an admin key of the workspace `default`");
    return false;
}

static void put_workspace(struct call *c, const struct config *config, const struct workspace *w)
{
    int64_t sources = 0, destinations = 0;
    for (size_t i = 0; i < config->source_count; i++)
        sources += config->sources[i].workspace_id == w->id && !config->sources[i].kind->builtin;
    for (size_t i = 0; i < config->destination_count; i++)
        destinations += config->destinations[i].workspace_id == w->id;
    put_id(&c->out, "id", ID_WORKSPACE, (int64_t)w->id);
    json_put_str(&c->out, "name", w->name);
    json_put_bool(&c->out, "enabled", w->enabled);
    json_put_i64(&c->out, "sources", sources);
    json_put_i64(&c->out, "destinations", destinations);
    json_put_time(&c->out, "created_at", w->created_ms);
}

static void list(struct call *c)
{
    struct config *config = config_hold(&c->app->config);
    page_begin(c);
    for (size_t i = 0; i < config->workspace_count; i++) {
        json_begin_object(&c->out, NULL);
        put_workspace(c, config, &config->workspaces[i]);
        json_end_object(&c->out);
    }
    page_end(c, &(struct page){ .limit = -1 }, ID_WORKSPACE);
    config_release(config);
    reply_json(c, 200);
}

/* key: of its admin, just made; empty: none to show. */
static void show(struct call *c, slice name, slice key, int status)
{
    struct config *config = config_hold(&c->app->config);
    const struct workspace *w = config_workspace_by_name(config, name);
    if (w) {
        json_begin_object(&c->out, NULL);
        put_workspace(c, config, w);
        if (key.len > 0) {
            json_begin_object(&c->out, "admin_key");
            json_put_str(&c->out, "name", SLICE("admin"));
            json_put_str(&c->out, "key", key);
            json_end_object(&c->out);
        }
        json_end_object(&c->out);
        reply_json(c, status);
    } else {
        reply_error(c, 404, "not_found", "there is no such workspace");
    }
    config_release(config);
}

/* ---- changing: on the writer, one at a time, and then the configuration is read anew ---- */

struct workspace_change {
    struct call *call;
    slice name, key;
    uint64_t id; /* 0: a new one */
    bool enabled, remove;
};

static enum err add(struct workspace_change *w, struct store *s, struct why *why)
{
    struct app *app = w->call->app;
    int64_t now_ms = clock_wall_ms();
    w->id = id_next(&app->ids, now_ms);
    struct stmt *q = store_stmt(s, SQL_WORKSPACES_ADD, why);
    stmt_i64(q, 1, (int64_t)w->id);
    stmt_text(q, 2, w->name);
    stmt_i64(q, 3, now_ms);
    return stmt_run(q, why);
}

static enum err is_empty(struct store *s, uint64_t id, struct why *why)
{
    static const struct {
        enum sql sql;
        const char *what;
    } parts[] = {
        { SQL_WORKSPACES_SOURCES, "sources" },   { SQL_WORKSPACES_DESTINATIONS, "destinations" },
        { SQL_WORKSPACES_REQUESTS, "requests" }, { SQL_WORKSPACES_CONTACTS, "contacts" },
        { SQL_WORKSPACES_FILES, "files" },       { SQL_WORKSPACES_CAMPAIGNS, "campaigns" },
    };
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        bool row = false;
        struct stmt *q = store_stmt(s, parts[i].sql, why);
        stmt_i64(q, 1, (int64_t)id);
        enum err rc = stmt_step(q, &row, why);
        stmt_reset(q);
        if (rc != OK) return rc;
        if (row)
            return why_set(why, ERR_CONFLICT,
                           "it still has %s: disable it instead, nothing is lost then",
                           parts[i].what);
    }
    return OK;
}

static enum err drop(struct store *s, uint64_t id, struct why *why)
{
    static const enum sql steps[] = { SQL_WORKSPACES_KEYS_DELETE, SQL_WORKSPACES_DELETE };
    enum err rc = is_empty(s, id, why);
    for (size_t i = 0; rc == OK && i < ARRAY_LEN(steps); i++) {
        struct stmt *q = store_stmt(s, steps[i], why);
        stmt_i64(q, 1, (int64_t)id);
        rc = stmt_run(q, why);
    }
    return rc;
}

static enum err set(struct store *s, uint64_t id, bool enabled, struct why *why)
{
    struct stmt *q = store_stmt(s, SQL_WORKSPACES_SET, why);
    stmt_i64(q, 1, (int64_t)id);
    stmt_i64(q, 2, enabled);
    return stmt_run(q, why);
}

static enum err change_run(void *arg, struct store *s, struct why *why)
{
    struct workspace_change *w = arg;
    struct app *app = w->call->app;
    if (w->remove) return drop(s, w->id, why);
    if (w->key.len == 0) return set(s, w->id, w->enabled, why);
    enum err rc = OK;
    if (w->id == 0) {
        rc = add(w, s, why);
        if (rc == OK) rc = config_check(s, &app->key, w->id, why);
    }
    return rc == OK ? keys_set_admin(s, &app->ids, w->id, w->key, why) : rc;
}

/* Whom a change is for: it must be there, or, for a new one, not. */
static enum err look(struct workspace_change *w, bool fresh, struct why *why)
{
    struct config *config = config_hold(&w->call->app->config);
    const struct workspace *known = config_workspace_by_name(config, w->name);
    bool full = config->workspace_count >= WORKSPACES_MAX;
    w->id = known ? known->id : 0;
    config_release(config);
    if (!fresh) return known ? OK : why_set(why, ERR_MISSING, "there is no such workspace");
    if (known)
        return why_set(why, ERR_CONFLICT, "there is a workspace \"%.*s\" already",
                       SLICE_ARG(w->name));
    return full ? why_set(why, ERR_CONFLICT, "there may be %d workspaces", WORKSPACES_MAX) : OK;
}

/* False: the answer is written. `what` is for the log, which is the record of who did it. */
static bool change(struct workspace_change *w, bool fresh, const char *what)
{
    struct call *c = w->call;
    struct why why;
    pthread_mutex_lock(&c->app->config_lock);
    enum err rc = look(w, fresh, &why);
    if (rc == OK && !fresh && w->id == WORKSPACE_OWNER)
        rc = why_set(&why, ERR_CONFLICT,
                     "the workspace `default` stays as it is; its admin key is MALOTE_ADMIN_KEY's");
    if (rc == OK) rc = journal_call(c->app->journal, change_run, w, &why);
    if (rc == OK) rc = app_reload(c->app, &why);
    pthread_mutex_unlock(&c->app->config_lock);
    if (rc == OK)
        LOG(&c->app->log, LOG_INFO, what, log_id("workspace", ID_WORKSPACE, w->id),
            log_str("name", w->name), log_id("by", ID_KEY, c->key.id));
    else
        reply_err(c, rc, &why);
    return rc == OK;
}

void api_workspaces(struct call *c)
{
    struct why why;
    json *body = NULL;
    char text[KEY_TEXT_MAX];
    if (!is_owner(c)) return;
    if (!slice_eq(c->x->request.method, SLICE("POST"))) {
        list(c);
        return;
    }
    struct workspace_change w = { .call = c, .key = keys_make(text) };
    enum err rc = call_body(c, false, &body, &why);
    if (rc == OK) w.name = json_str(json_get(body, "name"));
    if (rc == OK) rc = config_name_check(w.name, &why);
    if (rc != OK)
        reply_err(c, rc, &why);
    else if (change(&w, true, "workspace.created"))
        show(c, w.name, w.key, 201);
}

void api_workspace(struct call *c)
{
    struct workspace_change w = { .call = c, .name = c->param[0], .remove = true };
    if (!is_owner(c)) return;
    if (!slice_eq(c->x->request.method, SLICE("DELETE"))) {
        show(c, c->param[0], (slice){ NULL, 0 }, 200);
        return;
    }
    if (!change(&w, false, "workspace.deleted")) return;
    json_begin_object(&c->out, NULL);
    json_put_bool(&c->out, "deleted", true);
    json_end_object(&c->out);
    reply_json(c, 200);
}

static void set_enabled(struct call *c, bool enabled)
{
    struct workspace_change w = { .call = c, .name = c->param[0], .enabled = enabled };
    if (is_owner(c) && change(&w, false, enabled ? "workspace.enabled" : "workspace.disabled"))
        show(c, c->param[0], (slice){ NULL, 0 }, 200);
}

void api_workspace_enable(struct call *c) { set_enabled(c, true); }
void api_workspace_disable(struct call *c) { set_enabled(c, false); }

void api_workspace_key(struct call *c)
{
    char text[KEY_TEXT_MAX];
    struct workspace_change w = { .call = c, .name = c->param[0], .key = keys_make(text) };
    if (is_owner(c) && change(&w, false, "workspace.key_made")) show(c, c->param[0], w.key, 200);
}
