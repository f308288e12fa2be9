/* source.c: helpers that every source kind uses on a request. */
#include "sources/source.h"

#include "base/text.h"
#include "crypto/hash.h"

slice request_header(const struct request *r, slice name)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (slice_eq_nocase(r->headers[i].name, name))
            return r->headers[i].value.ptr ? r->headers[i].value : slice_of("", 0);
    return (slice){ NULL, 0 };
}

size_t request_header_count(const struct request *r, slice name)
{
    size_t count = 0;
    for (size_t i = 0; i < r->header_count; i++) count += slice_eq_nocase(r->headers[i].name, name);
    return count;
}

bool request_copy(const struct request *r, struct arena *a, struct request *out)
{
    struct header *headers = arena_new(a, struct header, r->header_count ? r->header_count : 1);
    if (!headers) return false;
    for (size_t i = 0; i < r->header_count; i++)
        headers[i] =
            (struct header){ arena_dup(a, r->headers[i].name), arena_dup(a, r->headers[i].value) };
    *out = (struct request){ .method = arena_dup(a, r->method),
                             .path = arena_dup(a, r->path),
                             .query = arena_dup(a, r->query),
                             .headers = headers,
                             .header_count = r->header_count,
                             .body = arena_dup(a, r->body),
                             .remote = arena_dup(a, r->remote),
                             .received_ms = r->received_ms };
    return !a->full;
}

enum err request_json(struct request *r, struct arena *arena, json **root, struct why *why)
{
    *root = r->json;
    if (r->json) return OK;
    enum err rc = json_parse_lenient(r->body, arena, root, why);
    r->json = *root;
    return rc;
}

bool request_is_type(const struct request *r, slice type)
{
    slice value = request_header(r, SLICE("content-type"));
    return slice_eq_nocase(slice_trim(slice_sub(value, 0, slice_find(value, ';'))), type);
}

bool request_is_relayed(const struct request *r)
{
    return slice_eq(r->path, SLICE("/api/events")) || slice_eq(r->path, SLICE("/api/v1/events"));
}

bool event_is_own(slice type) { return slice_starts(type, SLICE("malote.")); }
bool event_is_message(slice type) { return slice_eq(type, SLICE("message.outgoing")); }
bool event_is_history(slice type) { return slice_starts(type, SLICE("history.")); }

struct event *event_list_add(struct event_list *list, struct arena *arena)
{
    if (list->count == EVENTS_PER_REQUEST_MAX) return NULL;
    if (list->count == list->cap) {
        size_t cap = list->cap ? list->cap * 4 : 4;
        struct event *at = arena_new(arena, struct event, cap);
        if (!at) return NULL;
        if (list->count) memcpy(at, list->at, list->count * sizeof *at);
        list->at = at;
        list->cap = cap;
    }
    return &list->at[list->count++];
}

slice event_key(struct arena *arena, const slice *parts, size_t count)
{
    size_t len = count ? count - 1 : 0, at = 0;
    for (size_t i = 0; i < count; i++) len += parts[i].len;
    char *out = arena_alloc(arena, len + 1);
    if (!out) return (slice){ NULL, 0 };
    for (size_t i = 0; i < count; i++) {
        if (i > 0) out[at++] = ':';
        for (size_t j = 0; j < parts[i].len; j++) {
            char c = parts[i].ptr[j];
            out[at++] = (unsigned char)c < 0x20 || c == 0x7f ? '_' : c;
        }
    }
    if (len > EVENT_KEY_MAX) {
        char hex[HASH_SHA256_HEX];
        slice tail = hash_sha256_hex(slice_of(out, len), hex);
        size_t keep = EVENT_KEY_MAX - tail.len - 1;
        while (keep > 0 && ((unsigned char)out[keep] & 0xc0) == 0x80)
            keep--; /* not in the middle of a character */
        out[keep] = '#';
        memcpy(out + keep + 1, tail.ptr, tail.len);
        len = keep + 1 + tail.len;
    }
    return slice_of(out, len);
}
