/* config.c: loads a snapshot, shares it, finds things in it. Checking what a person wrote is in draft.c. */
#include "config/config.h"

#include <stdlib.h>

#include "config/tables.h"
#include "plugins.h"

enum {
    CONFIG_ARENA_MAX = 64 * 1024 * 1024,
    CONFIG_CHANGE_MAX = 48 * 1024 * 1024, /* after a change by a person */
    CONFIG_SHARE_MAX = 8 * 1024 * 1024,   /* of one workspace; the owner's may have it all */
    SECRETS_TEXT_MAX = 256 * 1024,
    BUILTIN_BODY_MAX = 16 * 1024
};

slice config_seal_context(enum config_noun noun, uint64_t id, struct arena *arena)
{
    static const char *const words[] = { "source", "destination", "route" };
    return arena_printf(arena, "%s:%llu", words[noun], (unsigned long long)id);
}

static enum err open_settings(struct stmt *q, enum config_noun noun, uint64_t id,
                              const struct seal_key *key, struct arena *a, json **out,
                              struct why *why)
{
    slice secrets = SLICE("{}"), settings = arena_dup(a, stmt_col_text(q, 4)),
          sealed = stmt_col_text(q, 5);
    enum err rc = OK;
    if (sealed.len > 0)
        rc = seal_open(key, config_seal_context(noun, id, a), sealed, a, &secrets, why);
    return rc == OK ? tables_join(settings, secrets, a, out, why) : rc;
}

/* Puts the name of the record before what is wrong with it. */
static enum err blame(const char *noun, slice name, enum err rc, struct why *why)
{
    char text[WHY_TEXT_MAX];
    if (!why || rc == OK) return rc;
    /* It is the last of many, and may be another workspace's. */
    if (rc == ERR_LIMIT)
        return why_set(why, rc, "the configuration of all workspaces is too large");
    memcpy(text, why->text, sizeof text);
    text[sizeof text - 80] = '\0';
    return why_set(why, rc, "%s %.*s: %s", noun, SLICE_ARG(name), text);
}

static enum err load_source(const struct config *c, struct stmt *q, const struct seal_key *key,
                            struct arena *a, struct source *s, struct why *why)
{
    json *given = NULL;
    const struct workspace *w = config_workspace_by_id(c, (uint64_t)stmt_col_i64(q, 1));
    *s = (struct source){ .id = (uint64_t)stmt_col_i64(q, 0),
                          .workspace_id = (uint64_t)stmt_col_i64(q, 1),
                          .name = arena_dup(a, stmt_col_text(q, 2)),
                          .kind = plugins_source(stmt_col_text(q, 3)),
                          .created_ms = stmt_col_i64(q, 6),
                          .updated_ms = stmt_col_i64(q, 7) };
    if (!s->kind) return why_set(why, ERR_MISSING, "unknown kind");
    if (!w) return why_set(why, ERR_MISSING, "its workspace is gone");
    s->workspace = w->name;
    enum err rc = open_settings(q, CONFIG_SOURCE, s->id, key, a, &given, why);
    if (rc == OK) rc = tables_read_source(s->kind, given, a, s, why);
    s->enabled = s->enabled && w->enabled;
    return rc;
}

static enum err load_destination(const struct config *c, struct stmt *q, const struct seal_key *key,
                                 struct arena *a, struct destination *d, struct why *why)
{
    json *given = NULL;
    const struct workspace *w = config_workspace_by_id(c, (uint64_t)stmt_col_i64(q, 1));
    *d = (struct destination){ .id = (uint64_t)stmt_col_i64(q, 0),
                               .workspace_id = (uint64_t)stmt_col_i64(q, 1),
                               .name = arena_dup(a, stmt_col_text(q, 2)),
                               .kind = plugins_dest(stmt_col_text(q, 3)),
                               .created_ms = stmt_col_i64(q, 6),
                               .updated_ms = stmt_col_i64(q, 7),
                               .hold = arena_dup(a, stmt_col_text(q, 8)),
                               .hold_until_ms = stmt_col_i64(q, 9) };
    if (!d->kind) return why_set(why, ERR_MISSING, "unknown kind");
    if (!w) return why_set(why, ERR_MISSING, "its workspace is gone");
    enum err rc = open_settings(q, CONFIG_DESTINATION, d->id, key, a, &given, why);
    if (rc == OK) rc = tables_read_destination(d->kind, given, a, d, why);
    d->enabled = d->enabled && w->enabled;
    return rc;
}

static enum err load_route(const struct config *c, struct stmt *q, struct arena *a, struct route *r,
                           struct why *why)
{
    json *given = NULL;
    *r = (struct route){ .id = (uint64_t)stmt_col_i64(q, 0),
                         .workspace_id = (uint64_t)stmt_col_i64(q, 1),
                         .name = arena_dup(a, stmt_col_text(q, 2)),
                         .created_ms = stmt_col_i64(q, 4),
                         .updated_ms = stmt_col_i64(q, 5) };
    enum err rc = json_parse(arena_dup(a, stmt_col_text(q, 3)), a, &given, why);
    if (rc == OK) rc = tables_read_route(c, given, a, r, why);
    return rc;
}

/* Room for one more item behind `count`; doubles inside the arena. */
static void *room(struct arena *a, void *items, size_t count, size_t item_bytes)
{
    if (count != 0 && (count & (count - 1)) != 0) return items;
    void *fresh = arena_alloc_array(a, item_bytes, count ? count * 2 : 1);
    if (fresh && count) memcpy(fresh, items, count * item_bytes);
    return fresh;
}

static enum err load_workspaces(struct store *store, struct config *c, struct why *why)
{
    struct stmt *q = store_stmt(store, SQL_CONFIG_WORKSPACES, why);
    bool row = true;
    enum err rc;
    while ((rc = stmt_step(q, &row, why)) == OK && row) {
        c->workspaces = room(&c->arena, c->workspaces, c->workspace_count, sizeof *c->workspaces);
        if (!c->workspaces) {
            rc = why_set(why, ERR_LIMIT, "configuration too large");
            break;
        }
        c->workspaces[c->workspace_count++] =
            (struct workspace){ .id = (uint64_t)stmt_col_i64(q, 0),
                                .name = arena_dup(&c->arena, stmt_col_text(q, 1)),
                                .enabled = stmt_col_i64(q, 2) != 0,
                                .created_ms = stmt_col_i64(q, 3) };
    }
    stmt_reset(q);
    return rc;
}

/* The hub's own sources: not in the table, so that nothing can take them away. Their id is the workspace's, which no other record has. */
static enum err add_builtin(struct config *c, const struct workspace *w, struct why *why)
{
    for (size_t i = 0; plugins_sources[i]; i++) {
        if (!plugins_sources[i]->builtin) continue;
        c->sources = room(&c->arena, c->sources, c->source_count, sizeof *c->sources);
        if (!c->sources) return why_set(why, ERR_LIMIT, "configuration too large");
        c->sources[c->source_count++] =
            (struct source){ .id = w->id,
                             .workspace_id = w->id,
                             .workspace = w->name,
                             .name = slice_str(plugins_sources[i]->name),
                             .kind = plugins_sources[i],
                             .body_max = BUILTIN_BODY_MAX,
                             .enabled = true };
    }
    return OK;
}

static void take_share(struct config *c, uint64_t workspace_id, size_t bytes)
{
    for (size_t i = 0; i < c->workspace_count; i++)
        if (c->workspaces[i].id == workspace_id) c->workspaces[i].bytes += bytes;
}

static enum err load_all(struct store *s, const struct seal_key *key, struct config *c,
                         struct why *why)
{
    static const struct {
        enum sql sql;
        const char *noun;
    } parts[] = {
        { SQL_CONFIG_SOURCES, "source" },
        { SQL_CONFIG_DESTINATIONS, "destination" },
        { SQL_CONFIG_ROUTES, "route" },
    };
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        struct stmt *q = store_stmt(s, parts[i].sql, why);
        bool row = true;
        enum err rc;
        while ((rc = stmt_step(q, &row, why)) == OK && row) {
            slice name = stmt_col_text(q, 2);
            size_t before = c->arena.used;
            if (i == CONFIG_SOURCE) {
                c->sources = room(&c->arena, c->sources, c->source_count, sizeof *c->sources);
                rc = c->sources
                         ? load_source(c, q, key, &c->arena, &c->sources[c->source_count++], why)
                         : ERR_LIMIT;
            } else if (i == CONFIG_DESTINATION) {
                c->destinations =
                    room(&c->arena, c->destinations, c->destination_count, sizeof *c->destinations);
                rc = c->destinations
                         ? load_destination(c, q, key, &c->arena,
                                            &c->destinations[c->destination_count++], why)
                         : ERR_LIMIT;
            } else {
                c->routes = room(&c->arena, c->routes, c->route_count, sizeof *c->routes);
                rc = c->routes ? load_route(c, q, &c->arena, &c->routes[c->route_count++], why)
                               : ERR_LIMIT;
            }
            if (rc != OK) {
                rc = blame(parts[i].noun, name, rc, why);
                break;
            }
            take_share(c, (uint64_t)stmt_col_i64(q, 1), c->arena.used - before);
        }
        stmt_reset(q);
        for (size_t w = 0; rc == OK && i == CONFIG_SOURCE && w < c->workspace_count; w++)
            rc = add_builtin(c, &c->workspaces[w], why); /* routes may name it */
        if (rc != OK) return rc;
    }
    return OK;
}

/* A number that is used in its channel's app, too, may send less, whatever the settings say. */
static enum err look_at_numbers(struct store *s, struct config *c, struct why *why)
{
    enum err rc = OK;
    for (size_t i = 0; rc == OK && i < c->destination_count; i++) {
        struct destination *d = &c->destinations[i];
        const struct dest_messages *m = d->kind->messages;
        if (!m || m->app_rate_per_min == 0) continue;
        struct stmt *q = store_stmt(s, SQL_CONFIG_IN_APP, why);
        stmt_i64(q, 1, (int64_t)d->workspace_id);
        stmt_text(q, 2, slice_str(m->channel));
        stmt_text(q, 3, m->account(&d->cfg));
        rc = stmt_step(q, &d->in_app, why);
        stmt_reset(q);
        if (d->in_app && (d->rate_per_min == 0 || d->rate_per_min > m->app_rate_per_min))
            d->rate_per_min = m->app_rate_per_min;
    }
    return rc;
}

static int by_path(const void *a, const void *b)
{
    return slice_cmp((*(const struct source *const *)a)->path,
                     (*(const struct source *const *)b)->path);
}

static int by_id(const void *a, const void *b)
{
    uint64_t x = (*(const struct source *const *)a)->id, y = (*(const struct source *const *)b)->id;
    return (x > y) - (x < y);
}

static enum err sort_sources(struct config *c, struct why *why)
{
    size_t n = c->source_count ? c->source_count : 1;
    c->by_path = arena_alloc_array(&c->arena, sizeof(struct source *), n);
    c->by_id = arena_alloc_array(&c->arena, sizeof(struct source *), n);
    if (!c->by_path || !c->by_id) return why_set(why, ERR_LIMIT, "configuration too large");
    for (size_t i = 0; i < c->source_count; i++) {
        c->by_id[i] = &c->sources[i];
        if (c->sources[i].path.len > 0) c->by_path[c->path_count++] = &c->sources[i];
    }
    qsort(c->by_path, c->path_count, sizeof(struct source *), by_path);
    qsort(c->by_id, c->source_count, sizeof(struct source *), by_id);
    return OK;
}

static enum err load(struct store *s, const struct seal_key *key, size_t bytes_max,
                     struct config **out, struct why *why)
{
    *out = NULL;
    struct config *c = calloc(1, sizeof *c);
    if (!c) return why_set(why, ERR_LIMIT, "out of memory");
    atomic_init(&c->refs, 1);
    arena_init(&c->arena, bytes_max);
    enum err rc = load_workspaces(s, c, why);
    if (rc == OK) rc = load_all(s, key, c, why);
    if (rc == OK) rc = look_at_numbers(s, c, why);
    if (rc == OK) rc = sort_sources(c, why);
    if (rc == OK)
        *out = c;
    else
        config_release(c);
    return rc;
}

enum err config_load(struct store *s, const struct seal_key *key, struct config **out,
                     struct why *why)
{
    return load(s, key, CONFIG_ARENA_MAX, out, why);
}

enum err config_check(struct store *s, const struct seal_key *key, uint64_t workspace_id,
                      struct why *why)
{
    struct config *c = NULL;
    if (load(s, key, CONFIG_CHANGE_MAX, &c, why) != OK) return ERR_CONFLICT;
    const struct workspace *w = config_workspace_by_id(c, workspace_id);
    size_t bytes = w ? w->bytes : 0;
    config_release(c);
    return workspace_id == WORKSPACE_OWNER || bytes <= CONFIG_SHARE_MAX
               ? OK
               : why_set(why, ERR_CONFLICT,
                         "the workspace's configuration is too large: it may take %d MiB",
                         CONFIG_SHARE_MAX >> 20);
}

void config_box_init(struct config_box *box)
{
    *box = (struct config_box){ .current = NULL };
    CHECK(pthread_mutex_init(&box->lock, NULL) == 0);
}

void config_swap(struct config_box *box, struct config *fresh)
{
    pthread_mutex_lock(&box->lock);
    struct config *old = box->current;
    box->current = fresh;
    atomic_fetch_add(&box->generation, 1);
    pthread_mutex_unlock(&box->lock);
    if (old) config_release(old);
}

struct config *config_hold(struct config_box *box)
{
    pthread_mutex_lock(&box->lock);
    struct config *c = box->current;
    if (c) atomic_fetch_add(&c->refs, 1);
    pthread_mutex_unlock(&box->lock);
    return c;
}

struct config *config_share(struct config *c)
{
    atomic_fetch_add(&c->refs, 1);
    return c;
}

void config_release(struct config *c)
{
    if (!c || atomic_fetch_sub(&c->refs, 1) != 1) return;
    arena_free(&c->arena);
    free(c);
}

const struct workspace *config_workspace_by_id(const struct config *c, uint64_t id)
{
    for (size_t i = 0; i < c->workspace_count; i++)
        if (c->workspaces[i].id == id) return &c->workspaces[i];
    return NULL;
}

const struct workspace *config_workspace_by_name(const struct config *c, slice name)
{
    for (size_t i = 0; i < c->workspace_count; i++)
        if (slice_eq(c->workspaces[i].name, name)) return &c->workspaces[i];
    return NULL;
}

const struct source *config_source_by_path(const struct config *c, slice path)
{
    size_t from = 0, to = c->by_path ? c->path_count : 0;
    while (from < to) { /* on the way of every request, with thousands of sources perhaps */
        size_t mid = from + (to - from) / 2;
        int order = slice_cmp(c->by_path[mid]->path, path);
        if (order == 0) return c->by_path[mid];
        if (order < 0)
            from = mid + 1;
        else
            to = mid;
    }
    for (size_t i = 0; !c->by_path && i < c->source_count; i++)
        if (c->sources[i].path.len > 0 && slice_eq(c->sources[i].path, path)) return &c->sources[i];
    return NULL;
}

const struct source *config_source_by_id(const struct config *c, uint64_t id)
{
    size_t from = 0, to = c->by_id ? c->source_count : 0;
    while (from < to) {
        size_t mid = from + (to - from) / 2;
        if (c->by_id[mid]->id == id) return c->by_id[mid];
        if (c->by_id[mid]->id < id)
            from = mid + 1;
        else
            to = mid;
    }
    for (size_t i = 0; !c->by_id && i < c->source_count; i++)
        if (c->sources[i].id == id) return &c->sources[i];
    return NULL;
}

const struct source *config_source_builtin(const struct config *c, uint64_t workspace_id)
{
    for (size_t i = 0; i < c->source_count; i++)
        if (c->sources[i].workspace_id == workspace_id && c->sources[i].kind->builtin)
            return &c->sources[i];
    return NULL;
}

/* The nouns are found alike. */
#define FIND_ID(noun, plural, type)                                                                \
    const struct type *config_##noun##_by_id(const struct config *c, uint64_t id)                  \
    {                                                                                              \
        for (size_t i = 0; i < c->noun##_count; i++)                                               \
            if (c->plural[i].id == id) return &c->plural[i];                                       \
        return NULL;                                                                               \
    }
#define FIND_NAME(noun, plural, type)                                                              \
    const struct type *config_##noun##_by_name(const struct config *c, uint64_t workspace_id,      \
                                               slice name)                                         \
    {                                                                                              \
        for (size_t i = 0; i < c->noun##_count; i++)                                               \
            if (c->plural[i].workspace_id == workspace_id && slice_eq(c->plural[i].name, name))    \
                return &c->plural[i];                                                              \
        return NULL;                                                                               \
    }
FIND_ID(destination, destinations, destination)
FIND_ID(route, routes, route)
FIND_NAME(source, sources, source)
FIND_NAME(destination, destinations, destination)
FIND_NAME(route, routes, route)
