/* whatsapp_media.c: how the files of WhatsApp messages are fetched: GET /{version}/{id} for a link, then the link with the same token.
 * Facts: docs/sources/whatsapp-cloud.md, "Files". */
#include "base/text.h"
#include "crypto/hash.h"
#include "dests/dest.h"
#include "sources/whatsapp.h"

enum {
    LINK_MS = 4 * 60 * 1000, /* a link lives five minutes */
    DAY_MS = 86400000,
    KEEP_DAYS = 7, /* ids from webhooks */
    MIB = 1024 * 1024,
    SHA256_BASE64_LEN = 44
};

slice whatsapp_media_sha256(slice given, struct arena *arena)
{
    uint8_t bytes[HASH_SHA256_BYTES];
    size_t len = 0;
    enum err rc = given.len == HASH_SHA256_HEX ? text_unhex(given, bytes, sizeof bytes, &len)
                  : given.len == SHA256_BASE64_LEN
                      ? text_unbase64(given, true, bytes, sizeof bytes, &len)
                      : ERR_SYNTAX;
    if (rc != OK || len != sizeof bytes) return (slice){ NULL, 0 };
    char *out = arena_raw(arena, HASH_SHA256_HEX);
    return out ? text_hex(slice_of(bytes, sizeof bytes), out) : (slice){ NULL, 0 };
}

static int64_t size_max(slice kind)
{
    static const struct {
        slice kind;
        int64_t bytes;
    } most[] = {
        { SLICE_INIT("image"), 5 * MIB },
        { SLICE_INIT("sticker"), 1 * MIB },
        { SLICE_INIT("audio"), 16 * MIB },
        { SLICE_INIT("video"), 16 * MIB },
    };
    for (size_t i = 0; i < ARRAY_LEN(most); i++)
        if (slice_eq(kind, most[i].kind))
            return 2 * most[i].bytes; /* Meta's limits move; twice that is still no flood */
    return 100LL * MIB;
}

static enum err request(slice url, const struct settings *cfg, struct arena *arena,
                        struct outgoing *out, struct why *why)
{
    slice token = settings_text(cfg, WA_ACCESS_TOKEN);
    if (token.len == 0)
        return why_set(why, ERR_MISSING, "the source has no `access_token` to fetch files with");
    slice bearer = arena_printf(arena, "Bearer %.*s", SLICE_ARG(token));
    if (!url.ptr || !bearer.ptr) return why_set(why, ERR_LIMIT, "out of memory");
    *out = (struct outgoing){ .method = SLICE("GET"), .url = url };
    outgoing_header(out, "Authorization", bearer, true);
    outgoing_header(out, "User-Agent", SLICE("Malote"),
                    false); /* without one the link is refused */
    return OK;
}

/* An id becomes part of a path: digits and letters only, as all that were seen are. */
static bool is_id(slice id)
{
    for (size_t i = 0; i < id.len; i++) {
        char c = id.ptr[i];
        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
            c != '_' && c != '-')
            return false;
    }
    return id.len > 0 && id.len <= 256;
}

static enum err ask(slice account, slice id, const struct settings *cfg, struct arena *arena,
                    struct outgoing *out, struct why *why)
{
    if (!is_id(id)) return why_set(why, ERR_MISSING, "the id of the file is none");
    slice url = arena_printf(arena, "%.*s/%.*s/%.*s", SLICE_ARG(settings_text(cfg, WA_BASE_URL)),
                             SLICE_ARG(settings_text(cfg, WA_API_VERSION)), SLICE_ARG(id));
    if (is_id(account) && url.ptr)
        url = arena_printf(arena, "%.*s?phone_number_id=%.*s", SLICE_ARG(url), SLICE_ARG(account));
    return request(url, cfg, arena, out, why);
}

static enum err link_of(const struct reply *r, struct arena *arena, struct media_link *out,
                        struct why *why)
{
    json *root = NULL;
    enum err rc = json_parse(r->body, arena, &root, why);
    if (rc != OK) return rc;
    *out = (struct media_link){ .url = json_str(json_get(root, "url")),
                                .sha256 = whatsapp_media_sha256(json_str(json_get(root, "sha256")),
                                                                arena) };
    (void)json_i64(json_get(root, "file_size"), &out->size);
    if (out->size < 0) out->size = 0;
    return out->url.len ? OK : why_set(why, ERR_SYNTAX, "the answer holds no url");
}

/* "https://host/…" -> "https://host", "host:port". */
static bool split_url(slice url, slice *scheme, slice *host)
{
    size_t at = slice_find_slice(url, SLICE("://"));
    if (at == url.len) return false;
    *scheme = slice_sub(url, 0, at);
    slice rest = slice_sub(url, at + 3, url.len);
    size_t end = 0;
    while (end < rest.len && rest.ptr[end] != '/' && rest.ptr[end] != '?' && rest.ptr[end] != '#')
        end++;
    *host = slice_sub(rest, 0, end);
    return host->len > 0;
}

/* Is it the domain or a host in it? No user, no port: Meta's links have neither. */
static bool is_in(slice host, slice domain)
{
    if (host.len < domain.len) return false;
    slice tail = slice_sub(host, host.len - domain.len, host.len);
    return slice_eq_nocase(tail, domain) &&
           (host.len == domain.len || host.ptr[host.len - domain.len - 1] == '.') &&
           slice_find(host, '@') == host.len && slice_find(host, '\\') == host.len;
}

/* The token goes to Meta's hosts alone, whatever link a payload holds; and to where the operator said that the Graph API is. */
static bool is_trusted(slice url, const struct settings *cfg)
{
    static const slice domains[] = { SLICE_INIT("fbsbx.com"), SLICE_INIT("fbcdn.net"),
                                     SLICE_INIT("whatsapp.net") };
    slice scheme, host, own_scheme, own_host;
    if (!split_url(url, &scheme, &host)) return false;
    for (size_t i = 0; slice_eq_nocase(scheme, SLICE("https")) && i < ARRAY_LEN(domains); i++)
        if (is_in(host, domains[i])) return true;
    return split_url(settings_text(cfg, WA_BASE_URL), &own_scheme, &own_host) &&
           slice_eq_nocase(scheme, own_scheme) && slice_eq_nocase(host, own_host);
}

static enum err fetch(slice url, const struct settings *cfg, struct arena *arena,
                      struct outgoing *out, struct why *why)
{
    if (!is_trusted(url, cfg))
        return why_set(why, ERR_DENIED, "the link leads to a host that is not Meta's");
    return request(url, cfg, arena, out, why);
}

const struct source_media whatsapp_media_slot = {
    .link_ms = LINK_MS,
    .keep_ms = (int64_t)KEEP_DAYS * DAY_MS,
    .size_max = size_max,
    .ask = ask,
    .link = link_of,
    .fetch = fetch,
};
