/* tables.c: the common settings, and reading them beside a kind's own. */
#include "config/tables.h"

#include "base/text.h"

const char *const priority_name[PRIORITY_COUNT + 1] = { "high", "normal", "notify",
                                                        "low",  "retry",  NULL };

enum { SOURCE_PATH, SOURCE_BODY_MAX, SOURCE_RATE, SOURCE_ENABLED, SOURCE_ACCEPTS };
const struct setting config_source_common[] = {
    [SOURCE_PATH] = { "path", SETTING_TEXT, .max = 255,
                      .help = "URL path it listens on; without one: /in/<workspace>/<name>." },
    [SOURCE_BODY_MAX] = { "body_max", SETTING_INT, .min = 1024, .max = BODY_MAX_HIGHEST,
                          .help = "Largest body taken, in bytes; a larger one is answered 413. "
                                  "Without it 1048576, for whatsapp-cloud 4194304." },
    [SOURCE_RATE] = { "rate_per_min", SETTING_INT, .fallback = "0", .min = 0, .max = 10000000,
                      .help = "Requests a minute; 0 = unlimited. Beyond, 429." },
    [SOURCE_ENABLED] = { "enabled", SETTING_BOOL, .fallback = "true",
                         .help = "false: its path answers 404." },
    [SOURCE_ACCEPTS] = { TABLES_ACCEPTS, SETTING_LIST, .max = 2 * NAME_MAX_BYTES + 1,
                         .help = "Sources of other workspaces, as \"workspace/source\", which may "
                                 "hand it what they receive for it. Empty: none." },
};
const size_t config_source_common_count = ARRAY_LEN(config_source_common);

enum { DEST_ENABLED, DEST_RETRIES, DEST_RATE, DEST_CONCURRENCY, DEST_DEADLINE, DEST_TIMEOUT };
const struct setting config_dest_common[] = {
    [DEST_ENABLED] = { "enabled", SETTING_BOOL, .fallback = "true",
                       .help = "false: the kill switch; deliveries wait as held." },
    [DEST_RETRIES] = { "retries", SETTING_LIST, .max = 16,
                       .fallback = "[\"5s\",\"30s\",\"2m\",\"10m\",\"30m\",\"1h\",\"2h\",\"5h\","
                                   "\"10h\",\"10h\"]",
                       .help = "Waits between attempts; after the last the delivery is dead." },
    [DEST_RATE] = { "rate_per_min", SETTING_INT, .min = 0, .max = 10000000,
                    .help = "Requests a minute at most; 0 = unlimited. Without it unlimited, for "
                            "whatsapp-cloud 4800." },
    [DEST_CONCURRENCY] = { "concurrency", SETTING_INT, .fallback = "8", .min = 1, .max = 256,
                           .help = "Requests under way at once." },
    [DEST_DEADLINE] = { "deadline", SETTING_TEXT, .max = 16, .fallback = "0",
                        .help = "Give up so long after the event was routed (\"48h\"); 0 = only "
                                "when the retries are used up." },
    [DEST_TIMEOUT] = { "timeout", SETTING_TEXT, .max = 16, .fallback = "10s",
                       .help = "Longest wait for one answer." },
};
const size_t config_dest_common_count = ARRAY_LEN(config_dest_common);

enum { ROUTE_FROM, ROUTE_ON, ROUTE_TO, ROUTE_PRIORITY, ROUTE_DELAY, ROUTE_ENABLED };
const struct setting config_route_settings[] = {
    [ROUTE_FROM] = { "from", SETTING_TEXT, .max = NAME_MAX_BYTES,
                     .help = "Name of the source; without it, every source." },
    [ROUTE_ON] = { "on", SETTING_LIST, .required = true, .max = EVENT_TYPE_MAX,
                   .help = "Event types, with * as wildcard: [\"order.*\"]." },
    [ROUTE_TO] = { "to", SETTING_TEXT, .required = true, .max = NAME_MAX_BYTES,
                   .help = "Name of the destination." },
    [ROUTE_PRIORITY] = { "priority", SETTING_CHOICE, .fallback = "normal", .choices = priority_name,
                         .help = "Who goes first when a destination is busy." },
    [ROUTE_DELAY] = { "delay", SETTING_TEXT, .max = 16, .fallback = "0",
                      .help = "Send so long after the event (\"2h\")." },
    [ROUTE_ENABLED] = { "enabled", SETTING_BOOL, .fallback = "true",
                        .help = "false: makes no new deliveries." },
};
const size_t config_route_setting_count = ARRAY_LEN(config_route_settings);

const char *const tables_identity[] = { "name",       "kind",  "id",   "workspace", "created_at",
                                        "updated_at", "state", "hold", NULL };

enum err tables_join(slice settings, slice secrets, struct arena *a, json **out, struct why *why)
{
    slice inner = slice_sub(settings, 1, settings.len - 1),
          more = slice_sub(secrets, 1, secrets.len - 1);
    slice text = arena_printf(a, "{%.*s%s%.*s}", SLICE_ARG(inner), inner.len && more.len ? "," : "",
                              SLICE_ARG(more));
    return text.ptr ? json_parse(text, a, out, why) : why_set(why, ERR_LIMIT, "settings too large");
}

enum err tables_duration(slice text, int64_t *ms, struct why *why)
{
    static const struct {
        char unit;
        int64_t ms;
    } units[] = {
        { 's', 1000 },
        { 'm', 60000 },
        { 'h', 3600000 },
        { 'd', 86400000 },
    };
    const int64_t year_ms = 366LL * 86400000;
    int64_t unit_ms = 1000, n = 0;
    slice digits = text;
    if (slice_ends(text, SLICE("ms"))) {
        digits = slice_sub(text, 0, text.len - 2);
        unit_ms = 1;
    } else if (text.len > 0) {
        for (size_t i = 0; i < ARRAY_LEN(units); i++)
            if (text.ptr[text.len - 1] == units[i].unit) {
                unit_ms = units[i].ms;
                digits = slice_sub(text, 0, text.len - 1);
            }
    }
    if (text_i64(digits, 0, year_ms / unit_ms, &n, NULL) != OK)
        return why_set(why, ERR_SYNTAX, "\"%.*s\" is no duration; write 30s, 5m, 2h or 7d",
                       SLICE_ARG(slice_sub(text, 0, 20)));
    *ms = n * unit_ms;
    return OK;
}

/* Reads the kind's table followed by the common one; the kind's enum indexes the result from 0, the common one from kind_count. */
static enum err read_both(const struct setting *kind, size_t kind_count,
                          const struct setting *common, size_t common_count, json *given,
                          struct arena *a, struct settings *out, struct why *why)
{
    struct setting *table = arena_new(a, struct setting, kind_count + common_count);
    if (!table) return why_set(why, ERR_LIMIT, "configuration too large");
    if (kind_count) memcpy(table, kind, kind_count * sizeof *table);
    memcpy(table + kind_count, common, common_count * sizeof *table);
    return settings_read(table, kind_count + common_count, given, tables_identity, a, out, why);
}

static enum err check_path(slice path, struct why *why)
{
    if (path.ptr[0] != '/') return why_set(why, ERR_SYNTAX, "setting `path`: must start with /");
    for (size_t i = 0; i < path.len; i++) {
        char c = path.ptr[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    strchr("/-_.~", c);
        if (!good || c == '\0')
            return why_set(why, ERR_SYNTAX, "setting `path`: only letters, digits and / - _ . ~");
    }
    static const char *const ours[] = { "/health", "/status", "/metrics" };
    for (size_t i = 0; i < ARRAY_LEN(ours); i++)
        if (slice_eq(path, slice_str(ours[i])) ||
            (slice_starts(path, slice_str(ours[i])) && path.ptr[strlen(ours[i])] == '/'))
            return why_set(why, ERR_CONFLICT, "setting `path`: %s is the hub's own", ours[i]);
    if (request_is_relayed(&(struct request){ .path = path })) /* what comes there is told by it */
        return why_set(why, ERR_CONFLICT, "setting `path`: %.*s is the hub's own", SLICE_ARG(path));
    if (slice_ends(path, SLICE("/stats")))
        return why_set(why, ERR_CONFLICT, "setting `path`: must not end in /stats");
    return OK;
}

/* Paths come before the API's own, and a path is whose it is first: so other workspaces than the owner's stay below their own name. */
static enum err check_workspace_path(const struct source *s, struct why *why)
{
    slice rest = s->path, in, name;
    if (s->workspace_id == WORKSPACE_OWNER) return OK;
    bool below = slice_cut(&rest, '/', &in) && slice_cut(&rest, '/', &in) &&
                 slice_cut(&rest, '/', &name) && rest.len > 0;
    if (below && slice_eq(in, SLICE("in")) && slice_eq(name, s->workspace)) return OK;
    return why_set(why, ERR_SYNTAX,
                   "setting `path`: in this workspace it must begin with /in/%.*s/",
                   SLICE_ARG(s->workspace));
}

/* Is one part of the path long enough to be a secret? What it is made of is the operator's care. */
static bool is_unguessable(slice path)
{
    for (slice part, rest = path; slice_cut(&rest, '/', &part);)
        if (part.len >= SECRET_PATH_MIN) return true;
    return false;
}

enum err tables_read_source(const struct source_kind *kind, json *given, struct arena *a,
                            struct source *out, struct why *why)
{
    size_t n = kind->setting_count;
    enum err rc = read_both(kind->settings, n, config_source_common, config_source_common_count,
                            given, a, &out->cfg, why);
    if (rc != OK) return rc;
    out->path = settings_text(&out->cfg, n + SOURCE_PATH);
    if (out->path.len == 0)
        out->path =
            arena_printf(a, "/in/%.*s/%.*s", SLICE_ARG(out->workspace), SLICE_ARG(out->name));
    if (!out->path.ptr) return why_set(why, ERR_LIMIT, "configuration too large");
    rc = kind->check ? kind->check(&out->cfg, why) : OK;
    if (rc == OK) rc = check_path(out->path, why);
    if (rc == OK) rc = check_workspace_path(out, why);
    if (rc == OK && kind->path_is_secret && kind->path_is_secret(&out->cfg) &&
        !is_unguessable(out->path))
        rc = why_set(
            why, ERR_SYNTAX,
            "setting `path`: nothing else proves the sender, so a part of it must be random, at "
            "least %d characters; leave it out and one is made",
            SECRET_PATH_MIN);
    if (rc != OK) return rc;
    size_t own_max = kind->body_max ? kind->body_max : BODY_MAX_DEFAULT;
    bool given_max = settings_get(&out->cfg, n + SOURCE_BODY_MAX)->present;
    out->body_max = given_max ? (size_t)settings_i64(&out->cfg, n + SOURCE_BODY_MAX) : own_max;
    out->rate_per_min = (uint32_t)settings_i64(&out->cfg, n + SOURCE_RATE);
    out->enabled = settings_bool(&out->cfg, n + SOURCE_ENABLED);
    out->accepts = settings_get(&out->cfg, n + SOURCE_ACCEPTS);
    for (size_t i = 0; i < out->accepts->count; i++) {
        slice from = out->accepts->items[i].value, workspace = { NULL, 0 };
        if (!slice_cut(&from, '/', &workspace) || workspace.len == 0 || from.len == 0)
            return why_set(why, ERR_SYNTAX, "setting `accept_from`: write workspace/source");
    }
    return OK;
}

enum err tables_read_destination(const struct dest_kind *kind, json *given, struct arena *a,
                                 struct destination *out, struct why *why)
{
    size_t n = kind->setting_count;
    enum err rc = read_both(kind->settings, n, config_dest_common, config_dest_common_count, given,
                            a, &out->cfg, why);
    if (rc != OK) return rc;
    const struct setting_value *retries = settings_get(&out->cfg, n + DEST_RETRIES);
    if (retries->count > RETRIES_MAX)
        return why_set(why, ERR_SYNTAX, "setting `retries`: at most %d", RETRIES_MAX);
    for (size_t i = 0; rc == OK && i < retries->count; i++)
        rc = tables_duration(retries->items[i].value, &out->retry_ms[i], why);
    out->retry_count = retries->count;
    if (rc == OK)
        rc = tables_duration(settings_text(&out->cfg, n + DEST_DEADLINE), &out->deadline_ms, why);
    if (rc == OK)
        rc = tables_duration(settings_text(&out->cfg, n + DEST_TIMEOUT), &out->timeout_ms, why);
    if (rc != OK) return rc;
    if (out->timeout_ms < 100 || out->timeout_ms > 120000)
        return why_set(why, ERR_SYNTAX, "setting `timeout`: must be 100ms to 120s");
    out->enabled = settings_bool(&out->cfg, n + DEST_ENABLED);
    out->rate_per_min = settings_get(&out->cfg, n + DEST_RATE)->present
                            ? (uint32_t)settings_i64(&out->cfg, n + DEST_RATE)
                            : kind->rate_per_min;
    out->concurrency = (uint32_t)settings_i64(&out->cfg, n + DEST_CONCURRENCY);
    out->batch_max = 1;
    out->linger_ms = 0;
    if (kind->batch) kind->batch(&out->cfg, &out->batch_max, &out->linger_ms);
    CHECK(out->batch_max >= 1 && out->batch_max <= BATCH_MAX);
    return kind->check ? kind->check(&out->cfg, why) : OK;
}

enum err tables_read_route(const struct config *c, json *given, struct arena *a, struct route *out,
                           struct why *why)
{
    struct settings cfg;
    enum err rc = settings_read(config_route_settings, config_route_setting_count, given,
                                tables_identity, a, &cfg, why);
    if (rc != OK) return rc;
    slice from = settings_text(&cfg, ROUTE_FROM), to = settings_text(&cfg, ROUTE_TO);
    const struct setting_value *on = settings_get(&cfg, ROUTE_ON);
    if (from.len > 0 && !(out->from = config_source_by_name(c, out->workspace_id, from)))
        return why_set(why, ERR_MISSING, "setting `from`: there is no source \"%.*s\"",
                       SLICE_ARG(from));
    if (!(out->to = config_destination_by_name(c, out->workspace_id, to)))
        return why_set(why, ERR_MISSING, "setting `to`: there is no destination \"%.*s\"",
                       SLICE_ARG(to));
    out->patterns = arena_new(a, slice, on->count);
    if (!out->patterns) return why_set(why, ERR_LIMIT, "configuration too large");
    for (size_t i = 0; i < on->count; i++) out->patterns[i] = on->items[i].value;
    out->pattern_count = on->count;
    slice priority = settings_text(&cfg, ROUTE_PRIORITY);
    while (!slice_eq(priority, slice_str(priority_name[out->priority]))) out->priority++;
    out->enabled = settings_bool(&cfg, ROUTE_ENABLED);
    return tables_duration(settings_text(&cfg, ROUTE_DELAY), &out->delay_ms, why);
}
