/* http.c: any HTTP endpoint as a destination kind, signed as Standard Webhooks has it.
 *
 * webhook-id is the event's id and the same on every attempt; webhook-timestamp is the attempt's;
 * the signature covers "id.timestamp.body". Redirects are not followed: a signed body never changes
 * host. Source: standard-webhooks/standard-webhooks, spec/standard-webhooks.md. Guide:
 * docs/destinations/http.md. */
#include "dests/http.h"

#include "base/buf.h"
#include "base/text.h"
#include "crypto/hash.h"

enum {
    HTTP_BODY_MAX = 1024 * 1024,
    HTTP_SECRETS_MAX = 4,
    HTTP_SECRET_BYTES_MIN =
        16, /* Standard Webhooks asks for 24 to 64 bytes, but secrets of 18 are about (Svix) */
    HTTP_SECRET_BYTES_MAX = 64,
    HTTP_TEXT_BYTES_MAX = 256, /* longest secret that is plain text */
    HTTP_HEADERS_MAX = OUTGOING_HEADERS_MAX - 6,
    HTTP_WAIT_MS_MAX = 24 * 60 * 60 * 1000, /* no answer may put a delivery off for longer */
};

enum { HTTP_URL, HTTP_METHOD, HTTP_SECRET, HTTP_HEADERS, HTTP_SECRET_HEADERS, HTTP_SETTING_COUNT };

static const char *const methods[] = { "POST", "PUT", "PATCH", NULL };

static const struct setting settings[] = {
    [HTTP_URL] = { "url", SETTING_URL, .required = true, .help = "Where events are sent." },
    [HTTP_METHOD] = { "method", SETTING_CHOICE, .fallback = "POST", .choices = methods,
                      .help = "HTTP method." },
    [HTTP_SECRET] = { "secret", SETTING_LIST, .secret = true, .max = HTTP_TEXT_BYTES_MAX,
                      .help = "Signing secret, whsec_ and base64, or plain text; two while it is "
                              "being changed." },
    [HTTP_HEADERS] = { "headers", SETTING_MAP, .help = "Further headers." },
    [HTTP_SECRET_HEADERS] = { "secret_headers", SETTING_LIST, .secret = true,
                              .help = "Further headers that are secret, each as \"Name: value\"." },
};
_Static_assert(ARRAY_LEN(settings) == HTTP_SETTING_COUNT, "every setting has its row");

/* ---- settings ---- */

/* RFC 9110, 5.6.2. */
static bool is_token(slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!alnum && (c <= ' ' || !strchr("!#$%&'*+-.^_`|~", c))) return false;
    }
    return s.len > 0;
}

/* Headers that are made here or by the client; a second one would contradict them. */
static bool is_reserved(slice name)
{
    static const char *const names[] = { "host",
                                         "content-length",
                                         "content-type",
                                         "transfer-encoding",
                                         "connection",
                                         "user-agent",
                                         "expect",
                                         "te",
                                         "trailer",
                                         "upgrade",
                                         "webhook-id",
                                         "webhook-timestamp",
                                         "webhook-signature" };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (slice_eq_nocase(name, slice_str(names[i]))) return true;
    return false;
}

static enum err check_header(const char *setting, slice name, slice value, struct why *why)
{
    if (!is_token(name))
        return why_set(why, ERR_SYNTAX, "setting `%s`: not the name of a header", setting);
    if (is_reserved(name))
        return why_set(why, ERR_SYNTAX, "setting `%s`: this header is set by Malote itself",
                       setting);
    for (size_t i = 0; i < value.len; i++)
        if ((unsigned char)value.ptr[i] < ' ' || value.ptr[i] == 0x7f)
            return why_set(why, ERR_SYNTAX, "setting `%s`: a header's value is one line", setting);
    return OK;
}

static void split_header(slice line, slice *name, slice *value)
{
    size_t colon = slice_find(line, ':');
    *name = slice_trim(slice_sub(line, 0, colon));
    *value = slice_trim(slice_sub(line, colon + 1, line.len));
}

/* The key in base64; false when the text is none of a fitting size. */
static bool decode_key(slice text, uint8_t key[HTTP_SECRET_BYTES_MAX], size_t *len)
{
    return text_unbase64(text, false, key, HTTP_SECRET_BYTES_MAX, len) == OK &&
           *len >= HTTP_SECRET_BYTES_MIN;
}

static enum err check_secret(slice secret, struct why *why)
{
    uint8_t key[HTTP_SECRET_BYTES_MAX];
    size_t len;
    if (slice_starts(secret, SLICE("whsk_")) || slice_starts(secret, SLICE("whpk_")))
        return why_set(why, ERR_SYNTAX,
                       "setting `secret`: key pairs (whsk_, whpk_) are not supported, use whsec_");
    if (slice_starts(secret, SLICE("whsec_")) &&
        !decode_key(slice_sub(secret, 6, secret.len), key, &len))
        return why_set(why, ERR_SYNTAX,
                       "setting `secret`: whsec_ and base64 of %d to %d bytes are expected",
                       HTTP_SECRET_BYTES_MIN, HTTP_SECRET_BYTES_MAX);
    return OK;
}

static enum err http_check(const struct settings *cfg, struct why *why)
{
    slice url = settings_text(cfg, HTTP_URL);
    const struct setting_value *secrets = settings_get(cfg, HTTP_SECRET),
                               *plain = settings_get(cfg, HTTP_HEADERS);
    const struct setting_value *hidden = settings_get(cfg, HTTP_SECRET_HEADERS);
    if (slice_find(url, '#') < url.len)
        return why_set(why, ERR_SYNTAX, "setting `url`: no fragment");
    if (secrets->count > HTTP_SECRETS_MAX)
        return why_set(why, ERR_SYNTAX, "setting `secret`: at most %d", HTTP_SECRETS_MAX);
    if (plain->count + hidden->count > HTTP_HEADERS_MAX)
        return why_set(why, ERR_SYNTAX,
                       "settings `headers` and `secret_headers`: at most %d together",
                       HTTP_HEADERS_MAX);
    enum err rc = OK;
    for (size_t i = 0; i < secrets->count && rc == OK; i++)
        rc = check_secret(secrets->items[i].value, why);
    for (size_t i = 0; i < plain->count && rc == OK; i++)
        rc = check_header("headers", plain->items[i].name, plain->items[i].value, why);
    for (size_t i = 0; i < hidden->count && rc == OK; i++) {
        slice name, value;
        split_header(hidden->items[i].value, &name, &value);
        rc = check_header("secret_headers", name, value, why);
    }
    return rc;
}

static enum err http_delivery_key(const struct outgoing_event *e, const struct settings *cfg UNUSED,
                                  struct arena *arena, slice *key, struct why *why)
{
    *key = arena_dup(arena, slice_sub(e->id, 0, DELIVERY_KEY_MAX));
    return key->ptr ? OK : why_set(why, ERR_LIMIT, "no memory left for the delivery's key");
}

/* ---- signature ---- */

static void put_signature(struct buf *b, slice key, slice id, slice timestamp, slice body)
{
    const slice parts[] = { id, SLICE("."), timestamp, SLICE("."), body };
    uint8_t mac[HASH_BYTES_MAX];
    char text[4 * ((HASH_BYTES_MAX + 2) / 3)];
    size_t len = hash_hmac(HASH_SHA256, key, parts, ARRAY_LEN(parts), mac);
    if (b->len > 0) buf_byte(b, ' ');
    buf_add(b, SLICE("v1,"));
    buf_add(b, text_base64(slice_of(mac, len), text));
}

/* One signature per secret, two for a secret without prefix that is base64 as well: the Standard
 * Webhooks libraries decode such a one, a receiver written by hand takes its characters. Either
 * finds its own. */
static void put_signatures(struct buf *b, slice secret, slice id, slice timestamp, slice body)
{
    uint8_t key[HTTP_SECRET_BYTES_MAX];
    size_t len;
    bool prefixed = slice_starts(secret, SLICE("whsec_"));
    if (decode_key(prefixed ? slice_sub(secret, 6, secret.len) : secret, key, &len))
        put_signature(b, slice_of(key, len), id, timestamp, body);
    if (!prefixed && secret.len > 0) put_signature(b, secret, id, timestamp, body);
}

slice http_signatures(const slice *secrets, size_t count, slice id, slice timestamp, slice body,
                      struct arena *arena)
{
    enum { SIGNATURE_BYTES_MAX = 64 };
    struct buf b = buf_in(arena, 2 * HTTP_SECRETS_MAX * SIGNATURE_BYTES_MAX);
    for (size_t i = 0; i < count; i++) put_signatures(&b, secrets[i], id, timestamp, body);
    return buf_slice(&b);
}

/* ---- requests ---- */

static bool add_header(struct outgoing *out, slice name, slice value, bool secret,
                       struct arena *arena)
{
    slice copy = arena_dup(arena, name); /* outgoing_header wants a NUL behind it */
    if (copy.ptr) outgoing_header(out, copy.ptr, value, secret);
    return copy.ptr != NULL;
}

static enum err build(slice id, slice body, const struct settings *cfg, int64_t now_ms,
                      struct arena *arena, struct outgoing *out, struct why *why)
{
    *out = (struct outgoing){ .method = settings_text(cfg, HTTP_METHOD),
                              .url = settings_text(cfg, HTTP_URL),
                              .body = body };
    const struct setting_value *secrets = settings_get(cfg, HTTP_SECRET),
                               *plain = settings_get(cfg, HTTP_HEADERS);
    const struct setting_value *hidden = settings_get(cfg, HTTP_SECRET_HEADERS);
    slice timestamp = arena_printf(arena, "%lld", (long long)(now_ms / 1000)),
          list[HTTP_SECRETS_MAX] = { { NULL, 0 } };
    size_t count = secrets->count < HTTP_SECRETS_MAX ? secrets->count : HTTP_SECRETS_MAX;
    for (size_t i = 0; i < count; i++) list[i] = secrets->items[i].value;
    slice signatures = http_signatures(list, count, id, timestamp, body, arena);
    bool fit = body.ptr && timestamp.ptr && signatures.ptr;
    outgoing_header(out, "Content-Type", SLICE("application/json"), false);
    outgoing_header(out, "User-Agent", SLICE("Malote/" MALOTE_VERSION), false);
    outgoing_header(out, "webhook-id", id, false);
    outgoing_header(out, "webhook-timestamp", timestamp, false);
    if (count > 0) outgoing_header(out, "webhook-signature", signatures, false);
    for (size_t i = 0; i < plain->count && fit; i++)
        fit = add_header(out, plain->items[i].name, plain->items[i].value, false, arena);
    for (size_t i = 0; i < hidden->count && fit; i++) {
        slice name, value;
        split_header(hidden->items[i].value, &name, &value);
        fit = add_header(out, name, value, true, arena);
    }
    return fit ? OK : why_set(why, ERR_LIMIT, "no memory left for the request");
}

static slice body_of(slice type, int64_t occurred_ms, slice data, struct arena *arena)
{
    struct buf b = buf_in(arena, HTTP_BODY_MAX);
    json_begin_object(&b, NULL);
    json_put_str(&b, "type", type);
    json_put_time(&b, "timestamp", occurred_ms);
    json_put_raw(&b, "data", data);
    json_end_object(&b);
    return buf_slice(&b);
}

static enum err http_render(struct outgoing_delivery *d, size_t count, const struct settings *cfg,
                            int64_t now_ms, struct arena *arena, struct outgoing *out,
                            struct why *why)
{
    json *root;
    CHECK(count == 1); /* the kind has no batch slot */
    enum err rc = json_parse(d->event.data, arena, &root, why);
    if (rc != OK) return rc;
    int64_t time_ms = d->event.occurred_ms ? d->event.occurred_ms : d->event.received_ms;
    slice body = body_of(d->event.type, time_ms, slice_trim(d->event.data), arena);
    d->part = body;
    return build(d->event.id, body, cfg, now_ms, arena, out, why);
}

static enum err http_probe(const struct settings *cfg, int64_t now_ms, uint64_t nonce,
                           struct arena *arena, struct outgoing *out, struct why *why)
{
    slice id = arena_printf(arena, "probe_%016llx", (unsigned long long)nonce);
    if (!id.ptr) return why_set(why, ERR_LIMIT, "no memory left for the request");
    return build(id, body_of(SLICE("malote.probe"), now_ms, SLICE("{}"), arena), cfg, now_ms, arena,
                 out, why);
}

/* ---- answers ---- */

/* First match wins; a wait the receiver asks for is kept. */
static const struct {
    int first, last;
    enum verdict_kind kind;
    const char *reason;
} answers[] = {
    { 200, 299, VERDICT_DELIVERED, "taken" },
    { 300, 399, VERDICT_DEAD,
      "the receiver redirects; a signed body never changes host, correct the url" },
    { 401, 401, VERDICT_UNAUTHORISED, "the receiver refuses the signature or the headers" },
    { 403, 403, VERDICT_UNAUTHORISED, "the receiver refuses the signature or the headers" },
    { 408, 408, VERDICT_RETRY, "the receiver was too slow" },
    { 410, 410, VERDICT_UNAUTHORISED, "gone: the receiver wants no more events" },
    { 425, 425, VERDICT_RETRY, "the receiver asks for a later attempt" },
    { 429, 429, VERDICT_RETRY, "the receiver asks for less" },
    { 400, 499, VERDICT_DEAD, "the receiver refuses the event" },
};

static struct verdict http_judge(const struct reply *r, size_t count UNUSED,
                                 const struct settings *cfg UNUSED, struct arena *arena UNUSED)
{
    int64_t wait_ms = r->retry_after_ms < HTTP_WAIT_MS_MAX ? r->retry_after_ms : HTTP_WAIT_MS_MAX;
    if (r->status == 0)
        return verdict_of(VERDICT_RETRY, 0, "no answer: %.*s",
                          SLICE_ARG(slice_sub(r->error, 0, 160)));
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        if (r->status < answers[i].first || r->status > answers[i].last) continue;
        bool waits = answers[i].kind == VERDICT_RETRY;
        return verdict_of(answers[i].kind, waits ? wait_ms : 0, "HTTP %d: %s", r->status,
                          answers[i].reason);
    }
    return verdict_of(VERDICT_RETRY, wait_ms, "HTTP %d: the receiver failed", r->status);
}

const struct dest_kind dest_http = {
    .name = "http",
    .abi = DEST_ABI,
    .title = "HTTP endpoint (Standard Webhooks)",
    .settings = settings,
    .setting_count = HTTP_SETTING_COUNT,
    .check = http_check,
    .delivery_key = http_delivery_key,
    .render = http_render,
    .judge = http_judge,
    .probe = http_probe,
};
