/* hub.c: see hub.h. */
#include "hub.h"

#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "config/tables.h"
#include "journal/mark.h"
#include "plugins.h"

enum { HUB_CONFIG_MAX = 4 * 1024 * 1024 };

static void must(enum err rc, const struct why *why)
{
    if (rc != OK) fprintf(stderr, "hub: %s: %s\n", err_name(rc), why->text);
    CHECK(rc == OK);
}

void hub_unlock(struct hub *h)
{
    store_close(h->store);
    h->store = NULL;
}

void hub_open(struct hub *h)
{
    const char *tmp = getenv("TMPDIR");
    struct why why;
    *h = (struct hub){ .log.level = LOG_LEVEL_COUNT };
    (void)snprintf(h->dir, sizeof h->dir, "%.40s/malote-XXXXXX", tmp ? tmp : "/tmp");
    CHECK(mkdtemp(h->dir));
    (void)snprintf(h->database, sizeof h->database, "%s/malote.db", h->dir);
    config_box_init(&h->config);
    hub_configure(h, "{}");
    must(store_open(h->database, STORE_WRITER, &h->store, &why), &why);
    must(store_migrate(h->store, clock_wall_ms(), &why), &why);
}

void hub_close(struct hub *h)
{
    hub_unlock(h);
    config_swap(&h->config, NULL);
    DIR *dir = opendir(h->dir);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        char path[512];
        (void)snprintf(path, sizeof path, "%s/%s", h->dir, entry->d_name);
        if (entry->d_name[0] != '.') (void)unlink(path);
    }
    if (dir) closedir(dir);
    (void)rmdir(h->dir);
}

struct journal *hub_journal(struct hub *h, bool interpret)
{
    struct journal *j = NULL;
    struct why why;
    struct journal_options o = { .database = h->database,
                                 .log = &h->log,
                                 .metrics = &h->metrics,
                                 .ids = &h->ids,
                                 .config = &h->config,
                                 .interpret = interpret };
    must(journal_start(&o, &j, &why), &why);
    return j;
}

/* ---- configuration ---- */

/* {"workspaces": ["shop"]}: beside `default`, with the ids 2, 3, ... */
static void read_workspaces(struct config *c, json *list)
{
    size_t count = yyjson_arr_size(list);
    c->workspaces = arena_new(&c->arena, struct workspace, count + 1);
    c->workspaces[c->workspace_count++] =
        (struct workspace){ .id = HUB_WORKSPACE, .name = SLICE("default"), .enabled = true };
    for (size_t i = 0; i < count; i++)
        c->workspaces[c->workspace_count++] = (struct workspace){
            .id = i + 2, .name = json_str(yyjson_arr_get(list, i)), .enabled = true
        };
}

/* A record's member `workspace`, by name; without it `default`. */
static const struct workspace *workspace_of(const struct config *c, json *v)
{
    json *name = json_get(v, "workspace");
    const struct workspace *w =
        config_workspace_by_name(c, name ? json_str(name) : SLICE("default"));
    CHECK(w);
    return w;
}

static void read_sources(struct config *c, json *list)
{
    struct why why;
    c->sources = arena_new(&c->arena, struct source, yyjson_arr_size(list));
    for (size_t i = 0; i < yyjson_arr_size(list); i++) {
        json *v = yyjson_arr_get(list, i);
        struct source *s = &c->sources[c->source_count++];
        const struct workspace *w = workspace_of(c, v);
        *s = (struct source){ .id = i + 1,
                              .workspace_id = w->id,
                              .workspace = w->name,
                              .name = json_str(json_get(v, "name")),
                              .kind = plugins_source(json_str(json_get(v, "kind"))) };
        CHECK(s->kind);
        must(tables_read_source(s->kind, v, &c->arena, s, &why), &why);
    }
}

static void read_destinations(struct config *c, json *list)
{
    struct why why;
    c->destinations = arena_new(&c->arena, struct destination, yyjson_arr_size(list));
    for (size_t i = 0; i < yyjson_arr_size(list); i++) {
        json *v = yyjson_arr_get(list, i);
        struct destination *d = &c->destinations[c->destination_count++];
        *d = (struct destination){ .id = i + 1,
                                   .workspace_id = workspace_of(c, v)->id,
                                   .name = json_str(json_get(v, "name")),
                                   .kind = plugins_dest(json_str(json_get(v, "kind"))) };
        CHECK(d->kind);
        must(tables_read_destination(d->kind, v, &c->arena, d, &why), &why);
    }
}

static void read_routes(struct config *c, json *list)
{
    struct why why;
    c->routes = arena_new(&c->arena, struct route, yyjson_arr_size(list));
    for (size_t i = 0; i < yyjson_arr_size(list); i++) {
        json *v = yyjson_arr_get(list, i);
        struct route *r = &c->routes[c->route_count++];
        *r = (struct route){ .id = i + 1,
                             .workspace_id = workspace_of(c, v)->id,
                             .name = json_str(json_get(v, "name")) };
        must(tables_read_route(c, v, &c->arena, r, &why), &why);
    }
}

void hub_configure(struct hub *h, const char *text)
{
    struct config *c = calloc(1, sizeof *c);
    struct why why;
    json *root = NULL;
    CHECK(c);
    atomic_init(&c->refs, 1);
    arena_init(&c->arena, HUB_CONFIG_MAX);
    must(json_parse(slice_str(text), &c->arena, &root, &why), &why);
    read_workspaces(c, json_get(root, "workspaces"));
    read_sources(c, json_get(root, "sources"));
    read_destinations(c, json_get(root, "destinations"));
    read_routes(c, json_get(root, "routes"));
    config_swap(&h->config, c);
}

/* ---- looking into the database ---- */

static sqlite3 *look(const struct hub *h)
{
    sqlite3 *db = NULL;
    CHECK(sqlite3_open_v2(h->database, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK);
    (void)sqlite3_busy_timeout(db, 5000);
    return db;
}

static sqlite3_stmt *first(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *q = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &q, NULL) != SQLITE_OK)
        fprintf(stderr, "hub: %s\n", sqlite3_errmsg(db));
    CHECK(q);
    int code = sqlite3_step(q);
    CHECK(code == SQLITE_ROW || code == SQLITE_DONE);
    return q;
}

int64_t hub_count(const struct hub *h, const char *sql)
{
    sqlite3 *db = look(h);
    sqlite3_stmt *q = first(db, sql);
    int64_t n = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    sqlite3_close(db);
    return n;
}

slice hub_text(const struct hub *h, const char *sql, struct arena *arena)
{
    sqlite3 *db = look(h);
    sqlite3_stmt *q = first(db, sql);
    const void *bytes = sqlite3_column_blob(q, 0);
    slice text = arena_dup(arena, slice_of(bytes, (size_t)sqlite3_column_bytes(q, 0)));
    sqlite3_finalize(q);
    sqlite3_close(db);
    return text;
}

void hub_run(const struct hub *h, const char *sql)
{
    sqlite3 *db = look(h);
    char *error = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK) fprintf(stderr, "hub: %s\n", error);
    CHECK(!error);
    sqlite3_close(db);
}

/* ---- requests ---- */

struct journal_entry *hub_entry(struct hub *h, uint64_t source_id, slice body)
{
    struct why why;
    struct config *c = config_hold(&h->config);
    const struct source *s = config_source_by_id(c, source_id);
    CHECK(s);
    struct journal_entry *e = journal_entry_new(c, s);
    config_release(c);
    CHECK(e);
    e->request = (struct request){ .method = SLICE("POST"),
                                   .path = s->path,
                                   .remote = SLICE("192.0.2.1"),
                                   .body = arena_dup(&e->arena, body),
                                   .received_ms = clock_wall_ms() };
    must(journal_entry_read(e, &h->log, &why), &why);
    CHECK(e->problem.len == 0);
    return e;
}

enum err hub_pending(void *ctx, struct store *s, struct why *why)
{
    bool *pending = ctx;
    uint64_t mark = 0;
    enum err rc = mark_get(s, MARK_INTERPRETED, &mark, why);
    if (rc != OK) return rc;
    struct stmt *q = store_stmt(s, SQL_INTERPRET_PENDING, why);
    stmt_i64(q, 1, (int64_t)mark);
    stmt_i64(q, 2, 1);
    rc = stmt_step(q, pending, why);
    stmt_reset(q);
    return rc;
}
