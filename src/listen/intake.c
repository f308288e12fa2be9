/* intake.c: from bytes to an entry for the writer: what is let in, verified, split. Pure of sockets; runs on a listen loop.
 *
 * Order: path, method, limits of size (before a byte of the body is read), body, then verify, the source's rate, split, journal.
 * Refused requests are counted and never stored. */
#include <arpa/inet.h>

#include "base/clock.h"
#include "base/text.h"
#include "listen/exchange.h"

enum {
    BODY_FIRST_BYTES = 2048,
    API_ARENA_MAX = 32 * 1024 * 1024,
    DENIED_LINES_PER_MIN = 60 /* of a source, in the log; every denied request is counted */
};

static struct metrics *metrics_of(struct exchange *x) { return x->loop->owner->o.metrics; }

static void refuse(struct exchange *x, enum metric counter)
{
    metrics_add(metrics_of(x), counter, 1);
    if (!x->source) return;
    struct source_metrics *s = metrics_source(metrics_of(x), x->source->id);
    atomic_fetch_add_explicit(counter == METRIC_requests_denied ? &s->denied : &s->refused, 1,
                              memory_order_relaxed);
}

/* ---- headers ---- */

struct header_walk {
    struct arena *arena;
    struct header *at;
    size_t count;
    bool full;
};

static enum MHD_Result add_header(void *ctx, enum MHD_ValueKind kind UNUSED, const char *name,
                                  const char *value)
{
    struct header_walk *w = ctx;
    if (w->count == HEADERS_MAX) {
        w->full = true;
        return MHD_NO;
    }
    w->at[w->count].name = arena_dup(w->arena, slice_str(name));
    w->at[w->count].value = arena_dup(w->arena, slice_str(value));
    w->full = !w->at[w->count].name.ptr || !w->at[w->count].value.ptr;
    w->count++;
    return w->full ? MHD_NO : MHD_YES;
}

/* The client's address behind proxies we trust: the last hop of X-Forwarded-For that is none of them (RFC 7239, 5.2 in spirit). */
static slice client_address(struct exchange *x, const struct request *r)
{
    const struct guard *proxies = x->loop->owner->o.proxies;
    slice remote = slice_str(x->peer->address);
    if (!proxies || !guard_lists(proxies, (const struct sockaddr *)&x->peer->sockaddr))
        return remote;
    slice hops = { NULL, 0 };
    size_t line =
        r->header_count; /* several lines are one list (RFC 9110, 5.3): from the last hop to the first */
    while (hops.len > 0 || line > 0) {
        if (hops.len == 0) {
            const struct header *h = &r->headers[--line];
            if (slice_eq_nocase(h->name, SLICE("x-forwarded-for"))) hops = h->value;
            continue;
        }
        size_t from = hops.len;
        while (from > 0 && hops.ptr[from - 1] != ',') from--;
        slice hop = slice_trim(slice_sub(hops, from, hops.len));
        hops = slice_sub(hops, 0, from > 0 ? from - 1 : 0);
        char text[INET6_ADDRSTRLEN];
        struct sockaddr_in v4 = { .sin_family = AF_INET };
        struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
        if (hop.len == 0 || hop.len >= sizeof text) return remote;
        memcpy(text, hop.ptr, hop.len);
        text[hop.len] = '\0';
        bool is_v4 = inet_pton(AF_INET, text, &v4.sin_addr) == 1;
        if (!is_v4 && inet_pton(AF_INET6, text, &v6.sin6_addr) != 1) return remote;
        remote = hop;
        if (!guard_lists(proxies,
                         is_v4 ? (const struct sockaddr *)&v4 : (const struct sockaddr *)&v6))
            return remote;
    }
    return remote;
}

static bool read_request(struct exchange *x, struct request *r, struct arena *a, const char *method)
{
    struct header_walk w = { .arena = a, .at = arena_raw(a, HEADERS_MAX * sizeof(struct header)) };
    if (w.at) (void)MHD_get_connection_values(x->connection, MHD_HEADER_KIND, add_header, &w);
    if (!w.at || w.full) {
        refuse(x, METRIC_requests_refused);
        answer_error(x, 431, "too_many_headers", "at most %d headers are taken", HEADERS_MAX);
        return false;
    }
    slice uri = arena_dup(a, x->uri);
    size_t query = slice_find(uri, '?');
    *r = (struct request){ .method = arena_dup(a, slice_str(method)),
                           .path = slice_sub(uri, 0, query),
                           .query = query < uri.len ? slice_sub(uri, query + 1, uri.len)
                                                    : slice_of("", 0),
                           .headers = w.at,
                           .header_count = w.count,
                           .received_ms = clock_wall_ms() };
    r->remote = arena_dup(a, client_address(x, r));
    return true;
}

/* ---- admission ---- */

static bool cors(struct exchange *x, const struct request *r)
{
    slice origin = request_header(r, SLICE("origin"));
    if (!x->source || !x->source->kind->cors || origin.len == 0) return true;
    if (!x->source->kind->cors_origin(&x->source->cfg, origin)) return false;
    answer_header(x, "Access-Control-Allow-Origin", "%.*s", SLICE_ARG(slice_sub(origin, 0, 150)));
    answer_header(x, "Vary", "Origin");
    return true;
}

static void preflight(struct exchange *x, const struct request *r)
{
    if (request_header(r, SLICE("origin")).len == 0 || !cors(x, r)) {
        refuse(x, METRIC_requests_denied);
        answer_error(x, 403, "origin_denied",
                     "this origin is not listed in the source's `origins`");
        return;
    }
    answer_header(x, "Access-Control-Allow-Methods", "POST");
    answer_header(x, "Access-Control-Allow-Headers", "Content-Type, X-Write-Key");
    answer_header(x, "Access-Control-Max-Age", "86400");
    x->status = 204;
    x->answer = (slice){ NULL, 0 };
    x->stage = STAGE_ANSWER;
}

/* Asked about authentic requests alone: if every request took a token, whoever knows the path could use up the source's budget with
 * unsigned rubbish and have the platform's own messages refused. */
static bool limited(struct exchange *x)
{
    struct limit l = limiter_take(&x->loop->owner->limiter, x->source->id, x->source->rate_per_min,
                                  clock_mono_ms());
    if (l.allowed) return false;
    refuse(x, METRIC_requests_limited);
    if (x->source->kind->overload ==
        OVERLOAD_CUT) { /* its platform takes any answer for a delivery */
        x->stage = STAGE_CUT;
        return true;
    }
    answer_header(x, "Retry-After", "%lld", (long long)l.reset_s);
    answer_header(x, "RateLimit-Limit", "%u", l.limit);
    answer_header(x, "RateLimit-Remaining", "%u", l.remaining);
    answer_header(x, "RateLimit-Reset", "%lld", (long long)l.reset_s);
    answer_error(x, 429, "rate_limited", "more than %u requests a minute for this source", l.limit);
    return true;
}

/* Content-Length against the limit before the body comes; 411 when there is neither a length nor chunks. */
static bool body_admitted(struct exchange *x, const struct request *r, bool needs_body)
{
    slice length = request_header(r, SLICE("content-length"));
    bool chunked = request_header(r, SLICE("transfer-encoding")).len > 0;
    uint64_t bytes = 0;
    size_t lengths = chunked;
    for (size_t i = 0; i < r->header_count; i++)
        lengths += slice_eq_nocase(r->headers[i].name, SLICE("content-length"));
    if (lengths >
        1) { /* a proxy before us may have taken the other one: where this request ends is anybody's guess */
        refuse(x, METRIC_requests_refused);
        answer_error(x, 400, "length_ambiguous",
                     "send one Content-Length, or a chunked body without one");
        return false;
    }
    if (length.ptr && text_u64(slice_trim(length), UINT64_MAX, &bytes, NULL) != OK)
        bytes = UINT64_MAX;
    if (bytes > x->body_max) {
        refuse(x, METRIC_requests_refused);
        answer_error(x, 413, "too_large", "the body may have %zu bytes", x->body_max);
        return false;
    }
    if (needs_body && !length.ptr && !chunked) {
        refuse(x, METRIC_requests_refused);
        answer_error(x, 411, "length_required", "send Content-Length or a chunked body");
        return false;
    }
    slice encoding = request_header(r, SLICE("content-encoding"));
    if (encoding.len > 0 && !slice_eq_nocase(slice_trim(encoding), SLICE("identity"))) {
        refuse(x, METRIC_requests_refused);
        answer_error(x, 415, "encoding_unsupported",
                     "compressed bodies are not taken: send the body as it is");
        return false;
    }
    x->body_cap = bytes > 0 ? (size_t)bytes : 0;
    return true;
}

static void intake_source(struct exchange *x, const char *method)
{
    x->entry = journal_entry_new(x->config, x->source);
    CHECK(x->entry);
    struct request *r = &x->entry->request;
    if (!read_request(x, r, &x->entry->arena, method)) return;
    bool post = slice_eq(r->method, SLICE("POST"));
    if (slice_eq(r->method, SLICE("OPTIONS")) && x->source->kind->cors) {
        preflight(x, r);
        return;
    }
    bool hello = slice_eq(r->method, SLICE("GET")) && x->source->kind->handshake;
    if (!post && !hello) {
        refuse(x, METRIC_requests_refused);
        const char *gets = x->source->kind->handshake ? "GET, " : "",
                   *asks = x->source->kind->cors ? ", OPTIONS" : "";
        answer_header(x, "Allow", "%sPOST%s", gets, asks);
        answer_error(x, 405, "method_not_allowed", "this path takes %sPOST%s", gets, asks);
        return;
    }
    x->body_max = x->source->body_max;
    if (post && !cors(x, r)) {
        refuse(x, METRIC_requests_denied);
        answer_error(x, 403, "origin_denied",
                     "this origin is not listed in the source's `origins`");
        return;
    }
    if (!body_admitted(x, r, post)) return;
    x->stage = STAGE_BODY;
}

void intake_headers(struct exchange *x, const char *method, const char *version UNUSED)
{
    slice path = slice_sub(x->uri, 0, slice_find(x->uri, '?'));
    x->config = config_hold(x->loop->owner->o.config);
    x->source = x->config ? config_source_by_path(x->config, path) : NULL;
    if (x->source && !x->source->enabled) x->source = NULL;
    if (x->source) {
        intake_source(x, method);
        return;
    }
    arena_init(&x->arena, API_ARENA_MAX);
    x->api.arena = &x->arena;
    if (!read_request(x, &x->api.request, &x->arena, method)) return;
    size_t stream_max = x->loop->owner->o.streams
                            ? x->loop->owner->o.streams(x->api.request.method, x->api.request.path)
                            : 0;
    x->streamed = stream_max > 0;
    x->body_max = x->streamed ? stream_max : API_BODY_MAX;
    if (!body_admitted(x, &x->api.request, x->streamed)) return;
    x->stream_by_ms = clock_mono_ms() + STREAM_TIME_MAX_MS;
    x->stage = STAGE_BODY;
}

size_t intake_piece(struct exchange *x, const char *bytes, size_t len, bool *full)
{
    *full = false;
    if (x->stage != STAGE_BODY) return len;
    if (len > x->body_max - x->streamed_len) {
        refuse(x, METRIC_requests_refused);
        answer_error(x, 413, "too_large", "the body may have %zu bytes", x->body_max);
        return len;
    }
    if (!x->body && !(x->body = arena_raw(&x->arena, STREAM_PIECE_BYTES))) {
        answer_error(x, 503, "overloaded", "no memory left");
        return len;
    }
    if (len > STREAM_PIECE_BYTES - x->body_len) len = STREAM_PIECE_BYTES - x->body_len;
    memcpy(x->body + x->body_len, bytes, len);
    x->body_len += len;
    x->streamed_len += len;
    *full = x->body_len == STREAM_PIECE_BYTES;
    return len;
}

bool intake_hand(struct exchange *x, enum api_piece piece)
{
    x->api.piece = piece;
    x->api.request.body = slice_of(x->body, x->body_len);
    if (exchange_to_api(x)) return true;
    answer_header(x, "Retry-After", "%d", OVERLOAD_RETRY_S);
    answer_error(x, 503, "overloaded", "too many API requests are waiting");
    return false;
}

void intake_body(struct exchange *x, const char *bytes, size_t len)
{
    if (x->stage != STAGE_BODY) return;
    if (len > x->body_max - x->body_len) {
        refuse(x, METRIC_requests_refused);
        answer_error(x, 413, "too_large", "the body may have %zu bytes", x->body_max);
        return;
    }
    if (!x->body || x->body_len + len > x->body_cap) {
        size_t cap = x->body ? x->body_cap * 2 : x->body_cap;
        if (cap < BODY_FIRST_BYTES && (x->body || cap == 0)) cap = BODY_FIRST_BYTES;
        while (cap < x->body_len + len) cap *= 2;
        if (cap > x->body_max) cap = x->body_max;
        char *fresh = arena_raw(x->entry ? &x->entry->arena : &x->arena, cap);
        if (!fresh) {
            answer_error(x, 413, "too_large", "the body is too large");
            return;
        }
        if (x->body_len) memcpy(fresh, x->body, x->body_len);
        x->body = fresh;
        x->body_cap = cap;
    }
    memcpy(x->body + x->body_len, bytes, len);
    x->body_len += len;
}

/* ---- the whole request ---- */

static void answer_received(struct exchange *x, struct journal_receipt r)
{
    x->answer = journal_receipt_text(r, x->text);
    x->status = 200;
    x->stage = STAGE_ANSWER;
}

/* No room, or the disk refuses: what the platform understands. */
static void overload(struct exchange *x, const char *code, const char *message)
{
    metrics_add(metrics_of(x), METRIC_requests_overload, 1);
    if (x->source->kind->overload == OVERLOAD_CUT) {
        x->stage = STAGE_CUT;
        return;
    }
    answer_header(x, "Retry-After", "%d", OVERLOAD_RETRY_S);
    answer_error(x, 503, code, "%s", message);
}

/* On the writer thread: the entry goes on to be interpreted, so everything needed is copied. */
static void journaled(struct journal_entry *e, enum err rc, void *ctx)
{
    struct exchange *x = ctx;
    x->entry = NULL;
    if (rc == OK)
        answer_received(x, journal_receipt_of(e));
    else
        overload(x, "storage_unavailable", "the request could not be stored; send it again");
    exchange_push(x);
}

/* True: the exchange is away, and from that moment the other thread's: nothing of it may be read here. */
static bool offer(struct exchange *x)
{
    if (journal_offer(x->loop->owner->o.journal, x->entry) == OK) return true;
    if (x->source->kind->overload == OVERLOAD_REFUSE || atomic_load(&x->loop->owner->stopping)) {
        overload(x, "overloaded", "too many requests are waiting; send it again");
        return false;
    }
    x->next = NULL; /* wait for room; intake_retry goes on */
    *x->loop->room_tail = x;
    x->loop->room_tail = &x->next;
    return true;
}

bool intake_retry(struct exchange *x, int64_t now_ms)
{
    if (now_ms - x->away_since_ms <= ROOM_WAIT_MAX_MS) return offer(x);
    overload(x, "overloaded", "");
    return false;
}

/* Nothing limits how often a stranger is refused: that must not fill the disk. */
static void log_denied(struct exchange *x, const char *verb, const struct why *why)
{
    struct listen *owner = x->loop->owner;
    if (!limiter_take(&owner->denied_lines, x->source->id, DENIED_LINES_PER_MIN, clock_mono_ms())
             .allowed)
        return;
    LOG(owner->o.log, LOG_WARN, verb, log_str("source", x->source->name),
        log_int("bytes", (int64_t)x->body_len), log_why(why));
}

static void denied(struct exchange *x, const struct why *why)
{
    refuse(x, METRIC_requests_denied);
    answer_error(x, 401, "denied", "signature or token is missing or wrong");
    log_denied(x, "request.denied", why);
}

static void intake_handshake(struct exchange *x)
{
    struct why why = { .code = OK };
    slice answer = { NULL, 0 };
    struct journal_entry *e = x->entry;
    if (x->source->kind->handshake(&e->request, &x->source->cfg, &e->arena, &answer, &why) != OK) {
        refuse(x, METRIC_requests_denied);
        /* What is wrong about the token is told to the log alone. */
        answer_error(x, 403, "denied", "%s",
                     why.code == ERR_SYNTAX ? why.text : "the verification token does not match");
        log_denied(x, "handshake.denied", &why);
        return;
    }
    if (limited(x)) return;
    x->answer = answer;
    x->type = SLICE("text/plain");
    x->status = 200;
    x->stage = STAGE_ANSWER;
}

static bool intake_events(struct exchange *x)
{
    struct journal_entry *e = x->entry;
    const struct source_kind *kind = x->source->kind;
    struct why why = { .code = OK };
    enum err rc =
        kind->verify(&e->request, &x->source->cfg, e->request.received_ms, &e->arena, &why);
    if (rc != OK) {
        denied(x, &why);
        return false;
    }
    if (limited(x)) return false;
    if (journal_entry_read(e, x->loop->owner->o.log, &why) != OK) {
        answer_error(x, 413, "too_large", "%s", why.text);
        return false;
    }
    e->done = journaled;
    e->wake = (struct journal_wake){ exchange_wake, x->loop };
    e->ctx = x;
    return offer(x);
}

bool intake_end(struct exchange *x)
{
    if (x->stage != STAGE_BODY) return false;
    x->away_since_ms = clock_mono_ms();
    if (!x->source) return intake_hand(x, x->streamed ? API_LAST : API_WHOLE);
    x->entry->request.body = slice_of(x->body, x->body_len);
    if (!slice_eq(x->entry->request.method, SLICE("GET"))) return intake_events(x);
    intake_handshake(x);
    return false;
}
