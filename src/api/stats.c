/* stats.c: health, status, metrics, totals, and a source's own figures. */
#include <sys/statvfs.h>

#include "api/routes.h"
#include "base/clock.h"
#include "interpret/interpret.h"

enum { METRICS_TEXT_MAX = 1024 * 1024, DISK_LOW_BYTES = 256 * 1024 * 1024 };

void api_health(struct call *c)
{
    json_begin_object(&c->out, NULL);
    json_put_str(&c->out, "status", SLICE("ok"));
    json_put_str(&c->out, "version", SLICE(MALOTE_VERSION));
    json_end_object(&c->out);
    reply_json(c, 200);
}

/* What a caller sees of the whole hub: who has a key of `default`, or asks from this machine, all of it; others what is theirs. */
static bool sees(const struct call *c, uint64_t workspace_id)
{
    return c->key.id == 0 || call_is_owner(c) || c->key.workspace_id == workspace_id;
}

/* Of another workspace than `default`: with its name, for those who see several. */
static slice name_of(const struct call *c, const struct config *config, const struct destination *d)
{
    const struct workspace *w = config_workspace_by_id(config, d->workspace_id);
    if (!w || w->id == WORKSPACE_OWNER || c->key.workspace_id == w->id) return d->name;
    return arena_printf(c->x->arena, "%.*s/%.*s", SLICE_ARG(w->name), SLICE_ARG(d->name));
}

static void put_part(struct call *c, const char *name, bool good, const char *detail, bool *all)
{
    json_begin_object(&c->out, name);
    json_put_str(&c->out, "status", good ? SLICE("ok") : SLICE("failing"));
    json_put_opt(&c->out, "detail", slice_str(detail));
    json_end_object(&c->out);
    *all = *all && good;
}

static bool store_answers(struct call *c, struct why *why)
{
    bool row = false;
    struct stmt *q = store_stmt(c->store, SQL_STATS_READY, why);
    bool good = stmt_step(q, &row, why) == OK && row;
    stmt_reset(q);
    return good;
}

static enum err nothing(void *ctx UNUSED, struct store *s UNUSED, struct why *why UNUSED)
{
    return OK;
}

void api_health_detailed(struct call *c)
{
    struct why why = { .text = "" }, writer = { .text = "" };
    struct statvfs disk;
    bool all = true;
    json_begin_object(&c->out, NULL);
    json_begin_object(&c->out, "parts");
    put_part(c, "store", store_answers(c, &why), why.text, &all);
    put_part(c, "writer", journal_call(c->app->journal, nothing, NULL, &writer) == OK, writer.text,
             &all);
    bool room =
        statvfs(c->app->o.data, &disk) == 0 && disk.f_bavail * disk.f_frsize >= DISK_LOW_BYTES;
    put_part(c, "disk", room, room ? "" : "less than 256 MiB are free in the data folder", &all);
    char problem[WHY_TEXT_MAX];
    bool bucket = media_works(c->app->media, problem);
    if (c->app->depot.remote) put_part(c, "media", bucket, problem, &all);
    struct config *config = config_hold(&c->app->config);
    for (size_t i = 0; i < config->destination_count; i++) {
        const struct destination *d = &config->destinations[i];
        if (!sees(c, d->workspace_id)) continue;
        struct deliver_status s = deliver_status_of(c->app->deliver, d);
        slice name =
            arena_printf(c->x->arena, "destination:%.*s", SLICE_ARG(name_of(c, config, d)));
        bool good = strcmp(s.state, "ok") == 0 || strcmp(s.state, "disabled") == 0 ||
                    strcmp(s.state, "probing") == 0 || strcmp(s.state, "slowed") == 0;
        if (name.ptr)
            put_part(c, name.ptr, good,
                     good          ? ""
                     : d->hold.len ? arena_dup(c->x->arena, d->hold).ptr
                                   : s.state,
                     &all);
    }
    config_release(config);
    json_end_object(&c->out);
    json_put_str(&c->out, "status", all ? SLICE("ok") : SLICE("failing"));
    json_end_object(&c->out);
    reply_json(c, all ? 200 : 503);
}

static void put_quantiles(struct buf *b, const char *key, const struct histogram *h)
{
    json_begin_object(b, key);
    json_put_i64(b, "count", (int64_t)atomic_load(&h->count));
    json_put_i64(b, "p50_us", histogram_quantile(h, 0.5));
    json_put_i64(b, "p95_us", histogram_quantile(h, 0.95));
    json_put_i64(b, "p99_us", histogram_quantile(h, 0.99));
    json_end_object(b);
}

void api_status(struct call *c)
{
    const struct metrics *m = &c->app->metrics;
    json_begin_object(&c->out, NULL);
    json_put_str(&c->out, "version", SLICE(MALOTE_VERSION));
    json_put_time(&c->out, "started_at", m->started_ms);
    json_put_i64(&c->out, "uptime_s", (clock_wall_ms() - m->started_ms) / 1000);
    json_put_i64(&c->out, "connections", atomic_load(&m->connections));
    json_put_i64(&c->out, "journal_depth", atomic_load(&m->journal_depth));
    json_put_i64(&c->out, "interpret_depth", atomic_load(&m->interpret_depth));
    json_put_i64(&c->out, "deliveries_in_memory", atomic_load(&m->leased));
    struct config *config = config_hold(&c->app->config);
    int64_t sources = 0, routes = 0;
    for (size_t i = 0; i < config->source_count; i++)
        sources += sees(c, config->sources[i].workspace_id);
    for (size_t i = 0; i < config->route_count; i++)
        routes += sees(c, config->routes[i].workspace_id);
    json_put_i64(&c->out, "sources", sources);
    json_put_i64(&c->out, "routes", routes);
    json_begin_array(&c->out, "destinations");
    for (size_t i = 0; i < config->destination_count; i++) {
        if (!sees(c, config->destinations[i].workspace_id)) continue;
        struct deliver_status s = deliver_status_of(c->app->deliver, &config->destinations[i]);
        json_begin_object(&c->out, NULL);
        json_put_str(&c->out, "name", name_of(c, config, &config->destinations[i]));
        json_put_str(&c->out, "state", slice_str(s.state));
        json_put_time(&c->out, "tries_again_at", s.until_ms);
        json_put_i64(&c->out, "in_memory", s.in_memory);
        json_put_i64(&c->out, "under_way", s.under_way);
        json_end_object(&c->out);
    }
    json_end_array(&c->out);
    config_release(config);
    json_end_object(&c->out);
    reply_json(c, 200);
}

void api_metrics(struct call *c)
{
    if (c->key.id != 0 && !call_is_owner(c)) {
        reply_error(c, 403, "owner_only", "the figures of the whole hub need a key of `default`");
        return;
    }
    struct buf b = buf_in(c->x->arena, METRICS_TEXT_MAX);
    metrics_write(&c->app->metrics, &b);
    c->x->type = SLICE("text/plain; version=0.0.4; charset=utf-8");
    c->out = b;
    reply_json(c, 200);
}

/* Sums of the running totals since a minute; source 0 = all. */
static enum err put_totals(struct call *c, const char *key, uint64_t source_id, int64_t from_minute,
                           struct why *why)
{
    static const char *const names[] = { "requests",    "events", "duplicates",  "unreadable",
                                         "interpreted", "failed", "handed_over", "unclaimed" };
    bool row = false;
    struct stmt *q = store_stmt(c->store, SQL_STATS_MINUTES, why);
    stmt_i64(q, 1, (int64_t)c->key.workspace_id);
    stmt_i64(q, 2, (int64_t)source_id);
    stmt_i64(q, 3, from_minute);
    enum err rc = stmt_step(q, &row, why);
    json_begin_object(&c->out, key);
    for (int i = 0; rc == OK && i < (int)ARRAY_LEN(names); i++)
        json_put_i64(&c->out, names[i], stmt_col_i64(q, i));
    if (rc == OK) {
        int64_t done = stmt_col_i64(q, 4), failed = stmt_col_i64(q, 5);
        if (done + failed > 0)
            json_put_raw(&c->out, "success_rate",
                         arena_printf(c->x->arena, "%.4f", (double)done / (double)(done + failed)));
    }
    json_end_object(&c->out);
    stmt_reset(q);
    return rc;
}

static enum err put_periods(struct call *c, uint64_t source_id, struct why *why)
{
    static const struct {
        const char *name;
        int64_t minutes;
    } periods[] = { { "last_hour", 60 }, { "last_day", 1440 }, { "last_30_days", 43200 } };
    int64_t now = clock_wall_ms() / 60000;
    enum err rc = OK;
    for (size_t i = 0; rc == OK && i < ARRAY_LEN(periods); i++)
        rc = put_totals(c, periods[i].name, source_id, now - periods[i].minutes + 1, why);
    return rc;
}

/* The counters are the whole hub's. */
static void put_since_start(struct call *c)
{
    const struct metrics *m = &c->app->metrics;
    json_begin_object(&c->out, "since_start");
    json_put_i64(&c->out, "deliveries_created",
                 (int64_t)atomic_load(&m->counter[METRIC_deliveries_created]));
    json_put_i64(&c->out, "deliveries_delivered",
                 (int64_t)atomic_load(&m->counter[METRIC_deliveries_delivered]));
    json_put_i64(&c->out, "deliveries_retried",
                 (int64_t)atomic_load(&m->counter[METRIC_deliveries_retried]));
    json_put_i64(&c->out, "deliveries_dead",
                 (int64_t)atomic_load(&m->counter[METRIC_deliveries_dead]));
    json_put_i64(&c->out, "attempts", (int64_t)atomic_load(&m->counter[METRIC_attempts]));
    json_put_i64(&c->out, "requests_denied",
                 (int64_t)atomic_load(&m->counter[METRIC_requests_denied]));
    put_quantiles(&c->out, "acknowledged_in", &m->ack);
    put_quantiles(&c->out, "processed_in", &m->process);
    put_quantiles(&c->out, "attempts_took", &m->attempt);
    json_end_object(&c->out);
}

void api_stats(struct call *c)
{
    struct why why;
    json_begin_object(&c->out, NULL);
    enum err rc = put_periods(c, 0, &why);
    if (call_is_owner(c)) put_since_start(c);
    json_end_object(&c->out);
    if (rc == OK)
        reply_json(c, 200);
    else
        reply_err(c, rc, &why);
}

static enum err put_last_events(struct call *c, const struct source *s, struct why *why)
{
    bool row = true;
    enum err rc;
    struct stmt *q = store_stmt(c->store, SQL_STATS_SOURCE_EVENTS, why);
    stmt_i64(q, 1, (int64_t)s->workspace_id);
    stmt_i64(q, 2, (int64_t)s->id);
    stmt_i64(q, 3, INT64_MAX);
    json_begin_array(&c->out, "last_events");
    while ((rc = stmt_step(q, &row, why)) == OK && row) {
        json_begin_object(&c->out, NULL);
        put_id(&c->out, "id", ID_EVENT, stmt_col_i64(q, 0));
        json_put_str(&c->out, "type", stmt_col_text(q, 1));
        json_put_opt(&c->out, "name", stmt_col_text(q, 2));
        json_put_str(&c->out, "state", slice_str(event_state_name[stmt_col_i64(q, 3)]));
        json_put_time(&c->out, "received_at", stmt_col_i64(q, 4));
        json_end_object(&c->out);
    }
    stmt_reset(q);
    json_end_array(&c->out);
    return rc;
}

void api_source_stats(struct call *c, const struct source *s)
{
    struct why why;
    static const struct source_metrics nothing;
    const struct source_metrics *m = metrics_source(&c->app->metrics, s->id);
    /* More sources than slots: the last one is many sources', perhaps of several workspaces. */
    if (atomic_load(&m->source_id) != s->id) m = &nothing;
    c->key.workspace_id = s->workspace_id;
    int64_t failed = (int64_t)atomic_load(&m->failed), done = (int64_t)atomic_load(&m->done);
    json_begin_object(&c->out, NULL);
    json_put_str(&c->out, "source", s->name);
    json_put_str(&c->out, "kind", slice_str(s->kind->name));
    json_put_str(&c->out, "health",
                 failed > 0 && failed * 20 > done ? SLICE("failing") : SLICE("ok"));
    json_put_time(&c->out, "last_request_at", atomic_load(&m->last_ms));
    enum err rc = put_periods(c, s->id, &why);
    json_begin_object(&c->out, "since_start");
    json_put_i64(&c->out, "accepted", (int64_t)atomic_load(&m->accepted));
    json_put_i64(&c->out, "denied", (int64_t)atomic_load(&m->denied));
    json_put_i64(&c->out, "refused", (int64_t)atomic_load(&m->refused));
    json_put_i64(&c->out, "duplicates", (int64_t)atomic_load(&m->duplicates));
    json_put_i64(&c->out, "unreadable", (int64_t)atomic_load(&m->unreadable));
    json_put_i64(&c->out, "handed_over", (int64_t)atomic_load(&m->handed));
    json_put_i64(&c->out, "unclaimed", (int64_t)atomic_load(&m->unclaimed));
    put_quantiles(&c->out, "acknowledged_in", &m->ack);
    put_quantiles(&c->out, "processed_in", &m->process);
    json_end_object(&c->out);
    if (rc == OK) rc = put_last_events(c, s, &why);
    json_end_object(&c->out);
    if (rc == OK)
        reply_json(c, 200);
    else
        reply_err(c, rc, &why);
}
