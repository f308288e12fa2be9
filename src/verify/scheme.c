/* scheme.c: one engine for all signature schemes.
 *
 * Way: recipe (a row of the table, or made from the settings) -> signatures, timestamp and id
 * out of the request -> the signed bytes as a list of parts -> compare with every live secret ->
 * look at the clock.
 * Why so: the schemes of the field differ in places, marks and encodings only; what could go
 * wrong is written once. */
#include "verify/scheme.h"

#include "base/text.h"

enum { TOLERANCE_S = 300, TOLERANCE_MERCADO_S = 900 };
/* From here on a timestamp counts milliseconds: 10^11 s is the year 5138. */
static const int64_t TIMESTAMP_MS_FROM = 100000000000, TIMESTAMP_MAX = 99999999999999;

const char *const scheme_name[] = {
    "none",       "token",        "hmac",   "standard-webhooks",
    "svix",       "stripe",       "github", "meta",
    "shopify",    "mercado-pago", "cakto",  "woovi-rsa",
    "woovi-hmac", "kiwify",       "eduzz",  NULL,
};
_Static_assert(ARRAY_LEN(scheme_name) == SCHEME_COUNT + 1, "every scheme has a name");

/* What a secret of the settings is. */
enum secret_form {
    SECRET_TEXT,  /* its bytes are the key */
    SECRET_WHSEC, /* base64, perhaps after "whsec_"; whpk_ is a public key and only good for v1a */
    SECRET_PEM,   /* a public RSA key */
};

/* How to check one scheme. */
struct recipe {
    slice header, query;  /* where the signatures stand */
    char separator;       /* between several of them; 0: there is one */
    slice prefix;         /* before each */
    slice prefix_ed25519; /* before one made with ed25519; empty: there are none */
    enum hash_kind hash;
    bool base64;
    enum secret_form secret;
    slice template;         /* what is signed */
    slice timestamp_header; /* where {timestamp} stands, or ... */
    slice timestamp_key;    /* ... its mark among the signatures: "t=" */
    bool milliseconds;      /* the timestamp may count them as well as seconds */
    slice id_header;
    int64_t tolerance_s;
};

#define S(text) SLICE_INIT(text)

/* Sources: docs/sources/http.md, "Schemes". Kiwify: SHA-1 over the raw body; bodies of the form
 * {"order": ...} are signed over the inner object by one account, not verified. Eduzz: hex is
 * not verified. Meta is GitHub's scheme with the app secret. */
static const struct recipe recipes[SCHEME_COUNT] = {
    [SCHEME_STANDARD_WEBHOOKS] = { .header = S("webhook-signature"),
                                   .separator = ' ',
                                   .prefix = S("v1,"),
                                   .prefix_ed25519 = S("v1a,"),
                                   .hash = HASH_SHA256,
                                   .base64 = true,
                                   .secret = SECRET_WHSEC,
                                   .template = S("{id}.{timestamp}.{body}"),
                                   .timestamp_header = S("webhook-timestamp"),
                                   .id_header = S("webhook-id"),
                                   .tolerance_s = TOLERANCE_S },
    [SCHEME_SVIX] = { .header = S("svix-signature"),
                      .separator = ' ',
                      .prefix = S("v1,"),
                      .prefix_ed25519 = S("v1a,"),
                      .hash = HASH_SHA256,
                      .base64 = true,
                      .secret = SECRET_WHSEC,
                      .template = S("{id}.{timestamp}.{body}"),
                      .timestamp_header = S("svix-timestamp"),
                      .id_header = S("svix-id"),
                      .tolerance_s = TOLERANCE_S },
    [SCHEME_STRIPE] = { .header = S("stripe-signature"),
                        .separator = ',',
                        .prefix = S("v1="),
                        .hash = HASH_SHA256,
                        .template = S("{timestamp}.{body}"),
                        .timestamp_key = S("t="),
                        .tolerance_s = TOLERANCE_S },
    [SCHEME_GITHUB] = { .header = S("x-hub-signature-256"),
                        .prefix = S("sha256="),
                        .hash = HASH_SHA256,
                        .template = S("{body}") },
    [SCHEME_META] = { .header = S("x-hub-signature-256"),
                      .prefix = S("sha256="),
                      .hash = HASH_SHA256,
                      .template = S("{body}") },
    [SCHEME_SHOPIFY] = { .header = S("x-shopify-hmac-sha256"),
                         .hash = HASH_SHA256,
                         .base64 = true,
                         .template = S("{body}") },
    [SCHEME_MERCADO_PAGO] = { .header = S("x-signature"),
                              .separator = ',',
                              .prefix = S("v1="),
                              .hash = HASH_SHA256,
                              .template = S("{manifest}"),
                              .timestamp_key = S("ts="),
                              .milliseconds = true,
                              .tolerance_s = TOLERANCE_MERCADO_S },
    [SCHEME_CAKTO] = { .header = S("x-cakto-signature"),
                       .separator = ',',
                       .prefix = S("v1="),
                       .hash = HASH_SHA256,
                       .template = S("{timestamp}.{body}"),
                       .timestamp_header = S("x-cakto-timestamp"),
                       .tolerance_s = TOLERANCE_S },
    [SCHEME_WOOVI_RSA] = { .header = S("x-webhook-signature"),
                           .base64 = true,
                           .secret = SECRET_PEM,
                           .template = S("{body}") },
    [SCHEME_WOOVI_HMAC] = { .header = S("x-openpix-signature"),
                            .hash = HASH_SHA1,
                            .base64 = true,
                            .template = S("{body}") },
    [SCHEME_KIWIFY] = { .query = S("signature"), .hash = HASH_SHA1, .template = S("{body}") },
    [SCHEME_EDUZZ] = { .header = S("x-signature"), .hash = HASH_SHA256, .template = S("{body}") },
};

/* What the request brings, before any of it is believed. */
struct proof {
    slice signatures[SCHEME_SIGNATURES_MAX]; /* as sent, prefix taken off */
    bool ed25519[SCHEME_SIGNATURES_MAX];
    size_t count;
    slice timestamp, id;
};

static enum err denied(struct why *why, const char *word)
{
    return why_set(why, ERR_DENIED, "%s", word);
}

bool scheme_find(slice name, enum scheme_kind *out)
{
    for (size_t i = 0; i < SCHEME_COUNT; i++) {
        if (!slice_eq(name, slice_str(scheme_name[i]))) continue;
        *out = (enum scheme_kind)i;
        return true;
    }
    return false;
}

/* The one value of header `name`; absent: *out has no ptr. */
static enum err take_header(const struct request *r, slice name, slice *out, struct why *why)
{
    *out = request_header(r, name);
    return request_header_count(r, name) > 1 ? denied(why, "repeated_header") : OK;
}

/* The one value of a query parameter, decoded; absent: *out has no ptr. */
static enum err take_query(const struct request *r, slice name, struct arena *arena, slice *out,
                           struct why *why)
{
    size_t count = 0;
    *out = text_query_get(r->query, name, &count);
    if (count > 1) return denied(why, "repeated_parameter");
    if (count == 0) return OK;
    *out = text_url_decode(*out, arena);
    return out->ptr ? OK : denied(why, "too_large");
}

/* ---- the signed bytes ---- */

struct parts {
    slice at[SCHEME_PARTS_MAX];
    size_t count;
};

static bool add_part(struct parts *p, slice s)
{
    if (p->count == SCHEME_PARTS_MAX) return false;
    p->at[p->count++] = s;
    return true;
}

/* Replaces {body}, {timestamp} and {id}; everything else is taken as it stands. Other braces:
 * scheme_check refuses them. */
static bool expand(slice template, const struct request *r, const struct proof *proof,
                   struct parts *out)
{
    const struct {
        slice mark, value;
    } marks[] = {
        { SLICE("{body}"), r->body },
        { SLICE("{timestamp}"), proof->timestamp },
        { SLICE("{id}"), proof->id },
    };
    while (template.len > 0) {
        size_t next = slice_find(template, '{'), taken = next;
        if (next > 0) {
            if (!add_part(out, slice_sub(template, 0, next))) return false;
        } else {
            taken = 1;
            slice value = slice_sub(template, 0, 1);
            for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
                if (!slice_starts(template, marks[i].mark)) continue;
                taken = marks[i].mark.len;
                value = marks[i].value;
            }
            if (!add_part(out, value)) return false;
        }
        template = slice_sub(template, taken, template.len);
    }
    return true;
}

/* Mercado Pago signs "id:<data.id>;request-id:<x-request-id>;ts:<ts>;"; what is absent is left
 * out with its name. The id comes from the query and is lowered. The body is not covered:
 * nothing in it may be believed. */
static enum err mercado_manifest(const struct request *r, const struct proof *proof,
                                 struct arena *arena, struct parts *out, struct why *why)
{
    slice id, request_id;
    enum err rc = take_query(r, SLICE("data.id"), arena, &id, why);
    if (rc == OK) rc = take_header(r, SLICE("x-request-id"), &request_id, why);
    if (rc != OK) return rc;
    if (id.len > 0) {
        id = text_lower(id, arena);
        if (!id.ptr) return denied(why, "too_large");
    }
    const slice pairs[][2] = {
        { SLICE("id:"), id },
        { SLICE("request-id:"), request_id },
        { SLICE("ts:"), proof->timestamp },
    };
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        if (pairs[i][1].len == 0) continue;
        if (slice_find(pairs[i][1], ';') < pairs[i][1].len) return denied(why, "bad_id");
        if (!add_part(out, pairs[i][0]) || !add_part(out, pairs[i][1]) ||
            !add_part(out, SLICE(";")))
            return denied(why, "too_large");
    }
    return OK;
}

/* ---- what was sent ---- */

static enum err add_signature(struct proof *proof, const struct recipe *c, slice item,
                              struct why *why)
{
    bool ed25519 = c->prefix_ed25519.len > 0 && slice_starts(item, c->prefix_ed25519);
    slice prefix = ed25519 ? c->prefix_ed25519 : c->prefix;
    if (!slice_starts(item, prefix)) return OK; /* another version: not ours to judge */
    if (proof->count == SCHEME_SIGNATURES_MAX) return denied(why, "too_many_signatures");
    proof->signatures[proof->count] = slice_sub(item, prefix.len, item.len);
    proof->ed25519[proof->count++] = ed25519;
    return OK;
}

static enum err read_signatures(const struct recipe *c, const struct request *r,
                                struct arena *arena, struct proof *proof, struct why *why)
{
    slice sent, item;
    enum err rc = c->query.len > 0 ? take_query(r, c->query, arena, &sent, why)
                                   : take_header(r, c->header, &sent, why);
    if (rc != OK) return rc;
    if (sent.len == 0) return denied(why, "missing_signature");
    if (c->separator == 0) {
        rc = add_signature(proof, c, sent, why);
        return rc != OK ? rc : proof->count == 0 ? denied(why, "bad_signature") : OK;
    }
    for (slice rest = sent; rc == OK && slice_cut(&rest, c->separator, &item);) {
        item = slice_trim(item);
        if (c->timestamp_key.len > 0 && slice_starts(item, c->timestamp_key)) {
            if (proof->timestamp.len > 0) return denied(why, "bad_timestamp");
            proof->timestamp = slice_sub(item, c->timestamp_key.len, item.len);
        } else {
            rc = add_signature(proof, c, item, why);
        }
    }
    return rc != OK ? rc : proof->count == 0 ? denied(why, "bad_signature") : OK;
}

static enum err read_proof(const struct recipe *c, const struct request *r, struct arena *arena,
                           struct proof *proof, struct why *why)
{
    enum err rc = read_signatures(c, r, arena, proof, why);
    if (rc == OK && c->timestamp_header.len > 0)
        rc = take_header(r, c->timestamp_header, &proof->timestamp, why);
    if (rc == OK && c->id_header.len > 0) rc = take_header(r, c->id_header, &proof->id, why);
    if (rc != OK) return rc;
    bool timed = c->timestamp_header.len > 0 || c->timestamp_key.len > 0;
    uint64_t number;
    if (timed && proof->timestamp.len == 0) return denied(why, "missing_timestamp");
    if (timed && text_u64(proof->timestamp, (uint64_t)TIMESTAMP_MAX, &number, NULL) != OK)
        return denied(why, "bad_timestamp");
    if (c->id_header.len == 0) return OK;
    if (proof->id.len == 0) return denied(why, "missing_id");
    /* "a.1" + ".2" and "a" + ".1.2" would be the same signed bytes: the mark that ends the id must
     * not be in it. */
    size_t mark = slice_find_slice(c->template, SLICE("{id}")) + SLICE("{id}").len;
    bool open_ended = mark >= c->template.len;
    if (!open_ended && slice_find(proof->id, c->template.ptr[mark]) < proof->id.len)
        return denied(why, "bad_id");
    return OK;
}

/* ---- comparing ---- */

/* The key of one secret; false when it is of no use here. */
static bool read_secret(enum secret_form form, bool ed25519, slice secret, uint8_t *room,
                        size_t room_max, slice *key)
{
    *key = secret;
    if (secret.len == 0) return false;
    if (form != SECRET_WHSEC) return true;
    bool public = slice_starts(secret, SLICE("whpk_")),
         private = slice_starts(secret, SLICE("whsk_"));
    /* A public key taken for an HMAC key would let everyone sign. */
    if (private || public != ed25519) return false;
    if (public || slice_starts(secret, SLICE("whsec_")))
        secret = slice_sub(secret, slice_find(secret, '_') + 1, secret.len);
    size_t len = 0;
    if (text_unbase64(secret, false, room, room_max, &len) != OK || len == 0) return false;
    *key = slice_of(room, len);
    return true;
}

/* A signature in bytes; the right length is checked by whoever compares. */
static bool decode(const struct recipe *c, slice sent, uint8_t *room, size_t room_max, slice *out)
{
    size_t len = 0;
    enum err rc = c->base64 ? text_unbase64(sent, true, room, room_max, &len)
                            : text_unhex(sent, room, room_max, &len);
    *out = slice_of(room, len);
    return rc == OK && len > 0;
}

static bool verify_hmac(const struct recipe *c, slice key, const struct parts *parts,
                        const struct proof *proof)
{
    uint8_t mac[HASH_BYTES_MAX], room[HASH_BYTES_MAX];
    slice want = slice_of(mac, hash_hmac(c->hash, key, parts->at, parts->count, mac)), sent;
    bool good = false;
    for (size_t i = 0; i < proof->count; i++)
        if (!proof->ed25519[i] && decode(c, proof->signatures[i], room, sizeof room, &sent))
            good |= hash_equal(sent, want);
    return good;
}

/* RSA and ed25519 take one contiguous message. */
static slice join(const struct parts *parts, struct arena *arena)
{
    size_t len = 0, at = 0;
    if (parts->count == 1) return parts->at[0];
    for (size_t i = 0; i < parts->count; i++) len += parts->at[i].len;
    char *out = arena_alloc(arena, len + 1);
    if (!out) return (slice){ NULL, 0 };
    for (size_t i = 0; i < parts->count; i++) {
        if (parts->at[i].len) memcpy(out + at, parts->at[i].ptr, parts->at[i].len);
        at += parts->at[i].len;
    }
    return slice_of(out, len);
}

static bool verify_public(const struct recipe *c, slice key, slice message,
                          const struct proof *proof)
{
    enum { SIGNATURE_BYTES_MAX = 1024 }; /* RSA of 8192 bits */
    uint8_t room[SIGNATURE_BYTES_MAX];
    slice sent;
    for (size_t i = 0; i < proof->count; i++) {
        if (proof->ed25519[i] != (c->secret == SECRET_WHSEC)) continue;
        if (!decode(c, proof->signatures[i], room, sizeof room, &sent)) continue;
        if (c->secret == SECRET_PEM ? hash_rsa_verify(key, message, sent)
                                    : hash_ed25519_verify(key, message, sent))
            return true;
    }
    return false;
}

static enum err match(const struct recipe *c, const struct scheme *s, const struct parts *parts,
                      const struct proof *proof, struct arena *arena, struct why *why)
{
    uint8_t room[SETTING_TEXT_MAX];
    slice key, message = { NULL, 0 };
    bool good = false, any = false;
    for (size_t i = 0; i < s->secret_count; i++) {
        slice secret = s->secrets[i].value;
        any = any || secret.len > 0;
        if (c->secret != SECRET_PEM &&
            read_secret(c->secret, false, secret, room, sizeof room, &key))
            good |= verify_hmac(c, key, parts, proof);
        if (c->secret == SECRET_TEXT ||
            !read_secret(c->secret, true, secret, room, sizeof room, &key))
            continue;
        if (!message.ptr) message = join(parts, arena);
        if (!message.ptr) return denied(why, "too_large");
        good |= verify_public(c, key, message, proof);
    }
    if (!any) return denied(why, "no_secret");
    return good ? OK : denied(why, "bad_signature");
}

static enum err check_time(slice timestamp, bool milliseconds, int64_t tolerance_s, int64_t now_ms,
                           struct why *why)
{
    int64_t sent_ms = 0;
    if (text_i64(timestamp, 0, TIMESTAMP_MAX, &sent_ms, NULL) != OK)
        return denied(why, "bad_timestamp");
    if (!milliseconds ||
        sent_ms < TIMESTAMP_MS_FROM) { /* in seconds: then ours counts in whole seconds too */
        sent_ms *= 1000;
        now_ms -= now_ms % 1000;
    }
    if (sent_ms < now_ms - tolerance_s * 1000) return denied(why, "expired");
    return sent_ms > now_ms + tolerance_s * 1000 ? denied(why, "too_new") : OK;
}

static enum err run(const struct recipe *c, const struct scheme *s, struct request *r,
                    int64_t now_ms, struct arena *arena, struct why *why)
{
    struct proof proof = { 0 };
    struct parts parts = { 0 };
    enum err rc = read_proof(c, r, arena, &proof, why);
    if (rc != OK) return rc;
    if (slice_eq(c->template, SLICE("{manifest}")))
        rc = mercado_manifest(r, &proof, arena, &parts, why);
    else if (!expand(c->template, r, &proof, &parts))
        rc = denied(why, "too_large");
    if (rc == OK) rc = match(c, s, &parts, &proof, arena, why);
    if (rc != OK || proof.timestamp.len == 0) return rc;
    int64_t tolerance_s = s->tolerance_s > 0 ? s->tolerance_s : c->tolerance_s;
    return check_time(proof.timestamp, c->milliseconds, tolerance_s, now_ms, why);
}

/* ---- tokens ---- */

static enum err verify_token(const struct scheme *s, struct request *r, struct arena *arena,
                             struct why *why)
{
    slice sent = { NULL, 0 };
    enum err rc = OK;
    json *root = NULL;
    if (s->header.len > 0)
        rc = take_header(r, s->header, &sent, why);
    else if (s->query.len > 0)
        rc = take_query(r, s->query, arena, &sent, why);
    else if (request_json(r, arena, &root, NULL) == OK)
        sent = json_str(json_at(root, s->pointer));
    if (rc != OK) return rc;
    if (sent.len == 0) return denied(why, "missing_token");
    if (!slice_starts(sent, s->prefix)) return denied(why, "wrong_token");
    sent = slice_sub(sent, s->prefix.len, sent.len);
    bool good = false, any = false;
    for (size_t i = 0; i < s->secret_count; i++) {
        any = any || s->secrets[i].value.len > 0;
        good |= s->secrets[i].value.len > 0 && hash_equal(sent, s->secrets[i].value);
    }
    return !any ? denied(why, "no_secret") : good ? OK : denied(why, "wrong_token");
}

/* Cakto signs newer webhooks in a pair of headers; older ones carry the secret in the body. One
 * header alone counts as signed, so that cutting the other off does not bring back the weaker
 * check. */
static enum err verify_cakto(const struct scheme *s, struct request *r, int64_t now_ms,
                             struct arena *arena, struct why *why)
{
    const struct recipe *c = &recipes[SCHEME_CAKTO];
    if (request_header_count(r, c->header) > 0 || request_header_count(r, c->timestamp_header) > 0)
        return run(c, s, r, now_ms, arena, why);
    struct scheme token = { .kind = SCHEME_TOKEN,
                            .secrets = s->secrets,
                            .secret_count = s->secret_count,
                            .pointer = SLICE("/secret") };
    return verify_token(&token, r, arena, why);
}

enum err scheme_verify(const struct scheme *s, struct request *r, int64_t now_ms,
                       struct arena *arena, struct why *why)
{
    CHECK((unsigned)s->kind < SCHEME_COUNT);
    switch (s->kind) {
    case SCHEME_NONE: return OK;
    case SCHEME_TOKEN: return verify_token(s, r, arena, why);
    case SCHEME_CAKTO: return verify_cakto(s, r, now_ms, arena, why);
    case SCHEME_HMAC: {
        const struct recipe own = { .header = s->header,
                                    .query = s->query,
                                    .prefix = s->prefix,
                                    .hash = s->hash,
                                    .base64 = s->base64,
                                    .template = s->template.len > 0 ? s->template : SLICE("{body}"),
                                    .timestamp_header = s->timestamp_header,
                                    .milliseconds = true,
                                    .id_header = s->id_header,
                                    .tolerance_s = TOLERANCE_S };
        return run(&own, s, r, now_ms, arena, why);
    }
    default: return run(&recipes[s->kind], s, r, now_ms, arena, why);
    }
}

/* ---- settings ---- */

static bool has(slice text, slice part) { return slice_find_slice(text, part) < text.len; }

static enum err check_template(const struct scheme *s, struct why *why)
{
    slice template = s->template.len > 0 ? s->template : SLICE("{body}"), rest = template,
          marks = SLICE("{");
    size_t braces = 0, known = 0, parts = 0;
    const slice names[] = { SLICE("{body}"), SLICE("{timestamp}"), SLICE("{id}") };
    for (; rest.len > 0; rest = slice_sub(rest, 1, rest.len)) {
        braces += slice_starts(rest, marks);
        for (size_t i = 0; i < ARRAY_LEN(names); i++) known += slice_starts(rest, names[i]);
    }
    parts = 2 * known + 1;
    if (braces != known || parts > SCHEME_PARTS_MAX)
        return why_set(why, ERR_SYNTAX,
                       "the signed text may hold {body}, {timestamp} and {id} only, a few times");
    if (!has(template, names[0]))
        return why_set(why, ERR_SYNTAX,
                       "the signed text must hold {body}: else anyone could change it");
    if (has(template, names[1]) != (s->timestamp_header.len > 0))
        return why_set(why, ERR_SYNTAX,
                       "a timestamp needs both its header and {timestamp} in the signed text");
    if (has(template, SLICE("{id}{")))
        return why_set(why, ERR_SYNTAX, "a mark must stand behind {id}: else the id has no end");
    if (has(template, names[2]) != (s->id_header.len > 0))
        return why_set(why, ERR_SYNTAX, "an id needs both its header and {id} in the signed text");
    return OK;
}

static enum err check_secrets(const struct scheme *s, struct why *why)
{
    uint8_t room[SETTING_TEXT_MAX];
    slice key;
    enum secret_form form = recipes[s->kind].secret;
    if (s->secret_count == 0)
        return why_set(why, ERR_SYNTAX, "scheme %s needs a secret", scheme_name[s->kind]);
    for (size_t i = 0; i < s->secret_count; i++) {
        slice secret = s->secrets[i].value;
        if (secret.len == 0) return why_set(why, ERR_SYNTAX, "a secret is empty");
        if (form == SECRET_PEM && !has(secret, SLICE("-----BEGIN PUBLIC KEY-----")))
            return why_set(why, ERR_SYNTAX, "the secret must be a public key in PEM");
        if (form == SECRET_WHSEC && !read_secret(form, false, secret, room, sizeof room, &key) &&
            !read_secret(form, true, secret, room, sizeof room, &key))
            return why_set(why, ERR_SYNTAX, "the secret must be base64, after whsec_ or whpk_");
    }
    return OK;
}

enum err scheme_check(const struct scheme *s, struct why *why)
{
    CHECK((unsigned)s->kind < SCHEME_COUNT);
    bool token = s->kind == SCHEME_TOKEN, hmac = s->kind == SCHEME_HMAC;
    size_t places = (s->header.len > 0) + (size_t)(s->query.len > 0) + (s->pointer.len > 0);
    if (token && places != 1)
        return why_set(
            why, ERR_SYNTAX,
            "scheme token needs exactly one of a header, a query parameter or a pointer");
    if (hmac && (places != 1 || s->pointer.len > 0))
        return why_set(why, ERR_SYNTAX,
                       "scheme hmac needs exactly one of a header or a query parameter");
    if (s->pointer.len > 0 && s->pointer.ptr[0] != '/')
        return why_set(why, ERR_SYNTAX, "a JSON Pointer begins with /");
    bool more = s->prefix.len + s->template.len + s->timestamp_header.len + s->id_header.len >
                (token ? s->prefix.len : 0);
    if (!token && !hmac && (places > 0 || more))
        return why_set(why, ERR_SYNTAX, "scheme %s knows its own headers: leave those settings out",
                       scheme_name[s->kind]);
    if (token && more)
        return why_set(why, ERR_SYNTAX, "scheme token signs nothing: leave those settings out");
    if (s->kind == SCHEME_NONE)
        return s->secret_count == 0
                   ? OK
                   : why_set(why, ERR_SYNTAX, "scheme none uses no secret: choose another scheme");
    enum err rc = check_secrets(s, why);
    return rc == OK && hmac ? check_template(s, why) : rc;
}
