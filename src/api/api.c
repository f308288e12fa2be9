/* api.c: finds the route, checks the key, keeps the rate, calls the handler. */
#include "api/api.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "api/routes.h"
#include "base/clock.h"
#include "base/text.h"
#include "crypto/hash.h"

enum { QUERY_NAME_SHOWN_MAX = 40 };

/* Each API thread keeps its reading connection; it is closed when the thread ends (store_close by the key's destructor). */
static struct store *reader_of(struct app *app, struct why *why)
{
    struct store *s = pthread_getspecific(app->reader_key);
    if (s) return s;
    if (store_open(app->database, STORE_READER, &s, why) != OK) return NULL;
    (void)pthread_setspecific(app->reader_key, s);
    return s;
}

/* Does `path` fit the route? Parts in braces are taken into param. */
static bool fits(const char *route, slice path, slice param[API_PARAMS_MAX], struct arena *a)
{
    slice want = slice_str(route), w, p;
    size_t n = 0;
    for (;;) {
        bool more_want = slice_cut(&want, '/', &w), more_path = slice_cut(&path, '/', &p);
        if (more_want != more_path) return false;
        if (!more_want) return true;
        if (w.len > 0 && w.ptr[0] == '{') {
            if (p.len == 0 || n == API_PARAMS_MAX) return false;
            param[n++] = text_url_decode(p, a);
        } else if (!slice_eq(w, p)) {
            return false;
        }
    }
}

/* /api/v1/… means the same as /api/…. */
static slice without_version(slice path, struct arena *a)
{
    if (!slice_starts(path, SLICE("/api/v1/"))) return path;
    return arena_printf(a, "/api/%.*s", SLICE_ARG(slice_sub(path, 8, path.len)));
}

static bool is_loopback(slice remote)
{
    return slice_starts(remote, SLICE("127.")) || slice_eq(remote, SLICE("::1"));
}

static slice key_text(const struct request *r)
{
    slice key = request_header(r, SLICE("x-api-key")),
          bearer = request_header(r, SLICE("authorization"));
    if (key.len > 0) return key;
    if (bearer.len > 7 && slice_eq_nocase(slice_sub(bearer, 0, 7), SLICE("Bearer ")))
        return slice_trim(slice_sub(bearer, 7, bearer.len));
    return (slice){ NULL, 0 };
}

static void put_limit(struct call *c, const struct limit *l)
{
    if (l->limit == 0) return;
    reply_put_header(c, "RateLimit-Limit", arena_printf(c->x->arena, "%u", l->limit));
    reply_put_header(c, "RateLimit-Remaining", arena_printf(c->x->arena, "%u", l->remaining));
    reply_put_header(c, "RateLimit-Reset",
                     arena_printf(c->x->arena, "%lld", (long long)l->reset_s));
    if (!l->allowed)
        reply_put_header(c, "Retry-After",
                         arena_printf(c->x->arena, "%lld", (long long)l->reset_s));
}

/* Does the call change something in a workspace that was disabled? What the law asks for does not end with it. */
static bool is_ended(struct call *c, const struct api_route *r)
{
    slice method = c->x->request.method;
    if (r->handle == api_contact_erase || r->handle == api_media_prune) return false;
    if (slice_eq(method, SLICE("GET")) || slice_eq(method, SLICE("HEAD"))) return false;
    struct config *config = config_hold(&c->app->config);
    const struct workspace *w = config_workspace_by_id(config, c->key.workspace_id);
    bool ended = !w || !w->enabled;
    config_release(config);
    return ended;
}

/* Who calls, and may they? False: the answer is written. */
static bool admitted(struct call *c, const struct api_route *r)
{
    struct why why;
    slice key = key_text(&c->x->request);
    if (r->public || (r->open && key.len == 0 && is_loopback(c->x->request.remote))) return true;
    if (key.len == 0) {
        reply_put_header(c, "WWW-Authenticate", SLICE("Bearer"));
        reply_error(c, 401, "key_required",
                    "send an API key as X-API-Key or Authorization: Bearer");
        return false;
    }
    enum err rc = keys_find(c->store, key, &c->key, &why);
    if (rc == ERR_DENIED) {
        struct limit guess =
            limiter_take(&c->app->api_limiter, hash_u64(c->x->request.remote), 60, clock_mono_ms());
        if (!guess.allowed) {
            put_limit(c, &guess);
            reply_error(c, 429, "rate_limited", "too many unknown keys from this address");
        } else {
            reply_error(c, 401, "key_unknown", "this API key is not known");
        }
        return false;
    }
    if (rc != OK) {
        reply_err(c, rc, &why);
        return false;
    }
    struct limit l =
        limiter_take(&c->app->api_limiter, c->key.id, c->key.rate_per_min, clock_mono_ms());
    put_limit(c, &l);
    if (!l.allowed) {
        reply_error(c, 429, "rate_limited", "more than %u calls a minute with this key", l.limit);
        return false;
    }
    if (!keys_may(c->key.role, r->role)) {
        reply_error(c, 403, "role_denied", "this needs a key with the role %s",
                    key_role_name[r->role]);
        return false;
    }
    if (is_ended(c, r)) {
        reply_error(c, 403, "workspace_disabled",
                    "this workspace is disabled: it can be read, and people erased");
        return false;
    }
    return true;
}

/* Those that read all there is, for seconds or minutes: one at a time, so that a thread is left for everybody else. */
static bool is_long(const struct api_route *r)
{
    return r->handle == api_contact_erase || r->handle == api_contact_export ||
           r->handle == api_requests_retry || r->handle == api_media_prune;
}

static void handle(struct call *c, const struct api_route *r)
{
    if (!is_long(r)) {
        r->handle(c);
    } else if (atomic_exchange(&c->app->long_call, true)) {
        reply_put_header(c, "Retry-After", SLICE("5"));
        reply_error(c, 503, "busy",
                    "another call that reads everything is under way (erasing, exporting, pruning "
                    "files, reading requests again): try again");
    } else {
        r->handle(c);
        atomic_store(&c->app->long_call, false);
    }
}

/* GET <path of a source>/stats. */
static const struct api_route of_source = { .role = ROLE_READER, .open = true };
static bool source_stats(struct call *c, slice path)
{
    if (!slice_ends(path, SLICE("/stats"))) return false;
    struct config *config = config_hold(&c->app->config);
    const struct source *s = config_source_by_path(config, slice_sub(path, 0, path.len - 6));
    bool seen = s && admitted(c, &of_source);
    if (seen && (c->key.id == 0 || c->key.workspace_id == s->workspace_id))
        api_source_stats(c, s);
    else if (seen)
        reply_error(c, 404, "not_found", "there is nothing at this path");
    config_release(config);
    return s != NULL;
}

static bool is_named(slice names, slice name)
{
    slice one;
    while (slice_cut(&names, ' ', &one))
        if (one.len > 0 && slice_eq(one, name)) return true;
    return false;
}

/* A filter that is not known would answer everything, as if it had matched. False: the answer is written. Not asked where no parameter
 * is known, nor of a body that is handed over: its query is the source's. */
static bool query_known(struct call *c, const struct api_route *r)
{
    slice rest = c->x->request.query, item;
    if (!r->query || r->handle == api_ingest) return true;
    while (slice_cut(&rest, '&', &item)) {
        slice name = text_url_decode(slice_sub(item, 0, slice_find(item, '=')), c->x->arena);
        if (item.len == 0 || is_named(slice_str(r->query), name)) continue;
        reply_error(c, 400, "parameter_unknown", "there is no parameter \"%.*s\" here; known: %s",
                    SLICE_ARG(slice_sub(name, 0, QUERY_NAME_SHOWN_MAX)), r->query);
        return false;
    }
    return true;
}

/* Every method that the path takes, each once: HEAD goes wherever GET does. */
static slice methods_of(struct call *c, slice path)
{
    static const char *const methods[] = { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE" };
    struct buf b = buf_in(c->x->arena, 256);
    for (size_t m = 0; m < ARRAY_LEN(methods); m++) {
        const char *as = strcmp(methods[m], "HEAD") == 0 ? "GET" : methods[m];
        bool takes = false;
        for (size_t i = 0; i < api_route_count && !takes; i++)
            takes = strcmp(api_routes[i].method, as) == 0 &&
                    fits(api_routes[i].path, path, c->param, c->x->arena);
        if (takes) buf_printf(&b, "%s%s", b.len ? ", " : "", methods[m]);
    }
    return buf_slice(&b);
}

static void dispatch(struct call *c)
{
    slice method = c->x->request.method, path = without_version(c->x->request.path, c->x->arena);
    if (slice_eq(method, SLICE("HEAD"))) method = SLICE("GET");
    for (size_t i = 0; i < api_route_count; i++) {
        const struct api_route *r = &api_routes[i];
        if (!fits(r->path, path, c->param, c->x->arena)) continue;
        if (!slice_eq(method, slice_str(r->method))) continue;
        if (admitted(c, r) && query_known(c, r)) handle(c, r);
        return;
    }
    if (slice_eq(method, SLICE("GET")) && source_stats(c, path)) return;
    metrics_add(&c->app->metrics, METRIC_requests_refused, 1);
    slice allow = methods_of(c, path);
    if (allow.len > 0) {
        reply_put_header(c, "Allow", allow);
        reply_error(c, 405, "method_not_allowed", "this path takes %.*s", SLICE_ARG(allow));
        return;
    }
    reply_error(c, 404, "not_found", "there is nothing at this path");
}

bool api_handle(struct api_exchange *x, void *ctx)
{
    struct call c = { .app = ctx, .x = x, .out = buf_in(x->arena, API_REPLY_MAX) };
    struct why why = { .code = OK };
    c.store = reader_of(c.app, &why);
    if (c.store && x->kept) /* a piece of a body: who sends it was asked before the first */
        api_upload_piece(&c);
    else if (c.store)
        dispatch(&c);
    else if (slice_eq(x->request.path, SLICE("/health")))
        api_health(&c);
    else
        reply_err(&c, ERR_IO, &why);
    return !c.later;
}
