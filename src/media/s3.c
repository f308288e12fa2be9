/* s3.c: see s3.h. Protocol: https://docs.aws.amazon.com/AmazonS3/latest/API/ (PutObject, GetObject, DeleteObject, error responses).
 *
 * What libcurl's signing gets wrong in one version or another is kept out of the requests: keys hold only characters that no encoding
 * touches, there is no query, and the payload's digest is always given (7.88 would sign "UNSIGNED-PAYLOAD" for a stream). */
#include "media/s3.h"

#include <stdio.h>

#include "base/text.h"

enum { CODE_MAX = 64, ENDPOINT_MIN = 10, KEY_TEXT_MAX = 256 };

#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

bool s3_is_place(const char *place)
{
    return place && slice_starts(slice_str(place), SLICE("s3://"));
}

/* Letters that go into a path, a host or a header as they are. */
static bool is_plain(slice s, const char *more)
{
    for (size_t i = 0; i < s.len; i++) {
        char ch = s.ptr[i];
        bool plain = (ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') || ch == '-' || ch == '.';
        for (const char *m = more; !plain && *m; m++) plain = ch == *m;
        if (!plain) return false;
    }
    return true;
}

#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static enum err read_place(slice place, slice *bucket, struct s3 *out, struct why *why)
{
    slice rest = slice_sub(place, 5, place.len);
    size_t slash = slice_find(rest, '/');
    *bucket = slice_sub(rest, 0, slash);
    slice prefix = slice_sub(rest, slash < rest.len ? slash + 1 : slash, rest.len);
    while (slice_ends(prefix, SLICE("/"))) prefix = slice_sub(prefix, 0, prefix.len - 1);
    if (bucket->len < 3 || bucket->len > S3_BUCKET_MAX || !is_plain(*bucket, ""))
        return why_set(why, ERR_SYNTAX,
                       "MALOTE_MEDIA: s3://bucket/prefix is expected; a bucket's name has 3 to 63 "
                       "of a-z, 0-9, - and .");
    if (prefix.len > S3_PREFIX_MAX || !is_plain(prefix, CAPITALS "_/") ||
        slice_starts(prefix, SLICE("/")) || slice_starts(prefix, SLICE(".")))
        return why_set(why, ERR_SYNTAX,
                       "MALOTE_MEDIA: the prefix has only letters, digits, -, _, . and /");
    slice walk = prefix,
          part; /* libcurl takes "." and ".." and "//" out of a path before it signs it */
    while (prefix.len && slice_cut(&walk, '/', &part))
        if (part.len == 0 || part.ptr[0] == '.')
            return why_set(why, ERR_SYNTAX,
                           "MALOTE_MEDIA: no part of the prefix is empty or begins with a dot");
    (void)snprintf(out->prefix, sizeof out->prefix, "%.*s", SLICE_ARG(prefix));
    return OK;
}

static enum err read_endpoint(slice endpoint, slice *scheme, slice *host, struct why *why)
{
    bool plain = slice_starts(endpoint, SLICE("http://"));
    while (slice_ends(endpoint, SLICE("/"))) endpoint = slice_sub(endpoint, 0, endpoint.len - 1);
    *scheme = plain ? SLICE("http") : SLICE("https");
    *host = slice_sub(endpoint, scheme->len + 3, endpoint.len);
    if ((!plain && !slice_starts(endpoint, SLICE("https://"))) || endpoint.len > S3_TEXT_MAX ||
        endpoint.len < ENDPOINT_MIN || !is_plain(*host, CAPITALS "_:[]"))
        return why_set(why, ERR_SYNTAX,
                       "MALOTE_S3_ENDPOINT: https://host or https://host:port, without a path");
    return OK;
}

/* A key that cannot stand in a header or a user name is a slip of the paste. */
static enum err read_keys(const struct s3_options *o, struct s3 *out, struct why *why)
{
    slice key = slice_str(o->key ? o->key : ""), secret = slice_str(o->secret ? o->secret : "");
    if (key.len == 0 || secret.len == 0)
        return why_set(why, ERR_SYNTAX, "MALOTE_S3_KEY and MALOTE_S3_SECRET are needed");
    for (size_t i = 0; i < key.len + secret.len; i++) {
        char ch = i < key.len ? key.ptr[i] : secret.ptr[i - key.len];
        if (ch <= ' ' || ch == 0x7f || (i < key.len && (ch == ':' || ch == '/')) ||
            key.len > KEY_TEXT_MAX || secret.len > KEY_TEXT_MAX)
            return why_set(why, ERR_SYNTAX, "MALOTE_S3_%s: not a key",
                           i < key.len ? "KEY" : "SECRET");
    }
    out->signer.key = o->key;
    out->signer.secret = o->secret;
    return OK;
}

enum err s3_read(const struct s3_options *o, struct s3 *out, struct why *why)
{
    char own[S3_TEXT_MAX];
    slice bucket = { NULL, 0 }, scheme, host;
    slice region = slice_str(o->region), style = slice_str(o->style ? o->style : "");
    *out = (struct s3){ .prefix = "" };
    if (region.len == 0 || region.len > 48 || !is_plain(region, ""))
        return why_set(why, ERR_SYNTAX, "MALOTE_S3_REGION: such as us-east-1");
    if (style.len > 0 && !slice_eq(style, SLICE("path")) && !slice_eq(style, SLICE("host")))
        return why_set(why, ERR_SYNTAX, "MALOTE_S3_STYLE is path or host");
    (void)snprintf(own, sizeof own, "https://s3.%s.amazonaws.com", o->region);
    enum err rc = read_place(slice_str(o->place), &bucket, out, why);
    if (rc == OK)
        rc = read_endpoint(slice_str(o->endpoint ? o->endpoint : own), &scheme, &host, why);
    if (rc == OK) rc = read_keys(o, out, why);
    if (rc != OK) return rc;
    /* A bucket with a dot has no certificate as a host. */
    bool by_path = style.len ? slice_eq(style, SLICE("path"))
                             : o->endpoint != NULL || slice_find(bucket, '.') < bucket.len;
    if (by_path)
        (void)snprintf(out->base, sizeof out->base, "%.*s://%.*s/%.*s", SLICE_ARG(scheme),
                       SLICE_ARG(host), SLICE_ARG(bucket));
    else
        (void)snprintf(out->base, sizeof out->base, "%.*s://%.*s.%.*s", SLICE_ARG(scheme),
                       SLICE_ARG(bucket), SLICE_ARG(host));
    (void)snprintf(out->signer.scope, sizeof out->signer.scope, "aws:amz:%s:s3", o->region);
    return OK;
}

slice s3_name(slice hash, struct arena *arena)
{
    return arena_printf(arena, "%.2s/%.*s", hash.ptr, SLICE_ARG(hash));
}

enum err s3_request(const struct s3 *s, const char *method, slice name, slice payload,
                    struct arena *arena, struct outgoing *out, struct why *why)
{
    slice url = arena_printf(arena, "%s/%s%s%.*s", s->base, s->prefix, s->prefix[0] ? "/" : "",
                             SLICE_ARG(name));
    slice digest = payload.len ? arena_dup(arena, payload) : SLICE(EMPTY_SHA256);
    if (!url.ptr || !digest.ptr || name.len == 0)
        return why_set(why, ERR_LIMIT, "no memory left for the request");
    *out = (struct outgoing){ .method = slice_str(method), .url = url };
    outgoing_header(out, "x-amz-content-sha256", digest, false);
    if (payload.len) outgoing_header(out, "Content-Type", SLICE("application/octet-stream"), false);
    return OK;
}

bool s3_took(const struct reply *r)
{
    return r->status == 200 && reply_header(r, SLICE("ETag")).len > 0;
}

/* The text between <name> and </name>, if it is a plain word: an answer may come from anybody in between. */
static slice element(slice xml, const char *name)
{
    slice open = slice_str(name);
    for (size_t i = 0; i + open.len + 2 < xml.len; i++) {
        slice at = slice_sub(xml, i, xml.len);
        if (at.ptr[0] != '<' || !slice_starts(slice_sub(at, 1, at.len), open) ||
            at.ptr[open.len + 1] != '>')
            continue;
        slice text = slice_sub(at, open.len + 2, at.len);
        text = slice_sub(text, 0, slice_find(text, '<'));
        return text.len <= CODE_MAX && is_plain(text, CAPITALS) ? text : (slice){ NULL, 0 };
    }
    return (slice){ NULL, 0 };
}

enum err s3_refusal(const struct reply *r, struct why *why)
{
    static const struct {
        const char *code;
        enum err rc;
        const char *words;
    } table[] = {
        { "NoSuchKey", ERR_MISSING, "the file is not in the bucket" },
        { "NoSuchBucket", ERR_DENIED, "there is no such bucket (MALOTE_MEDIA)" },
        { "AccessDenied", ERR_DENIED, "the key may not do this in the bucket" },
        { "InvalidAccessKeyId", ERR_DENIED, "the key is not known (MALOTE_S3_KEY)" },
        { "SignatureDoesNotMatch", ERR_DENIED, "the secret is wrong (MALOTE_S3_SECRET)" },
        { "AuthorizationHeaderMalformed", ERR_DENIED, "the region is wrong (MALOTE_S3_REGION)" },
        { "PermanentRedirect", ERR_DENIED,
          "the bucket is elsewhere (MALOTE_S3_REGION, MALOTE_S3_ENDPOINT)" },
        { "RequestTimeTooSkewed", ERR_DENIED, "this machine's clock is wrong" },
    };
    slice code = element(r->body, "Code"), region = element(r->body, "Region");
    if (r->status == 0)
        return why_set(why, ERR_REMOTE, "S3: %.*s", SLICE_ARG(slice_sub(r->error, 0, 160)));
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (slice_eq(code, slice_str(table[i].code)))
            return why_set(why, table[i].rc, "S3: %d %s: %s%s%.*s", r->status, table[i].code,
                           table[i].words, region.len ? "; expected: " : "", SLICE_ARG(region));
    if (r->status == 404 && code.len == 0) /* as to HEAD; a proxy's own page says no code either */
        return why_set(why, ERR_MISSING, "S3: 404: the file is not in the bucket");
    if (r->status == 200)
        return why_set(why, ERR_REMOTE, "S3: 200 without an ETag: this is no store's answer");
    if (r->status == 301 || r->status == 307)
        return why_set(why, ERR_DENIED,
                       "S3: %d: the bucket is elsewhere (MALOTE_S3_REGION, MALOTE_S3_ENDPOINT)",
                       r->status);
    return why_set(why, r->status == 401 || r->status == 403 ? ERR_DENIED : ERR_REMOTE,
                   "S3: %d %.*s", r->status, SLICE_ARG(code));
}
