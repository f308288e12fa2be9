/* meta_click.c: checks, builds and merges the cookies; finds the click id in URLs. */
#include "dests/meta_click.h"

#include "base/text.h"

static bool is_token(slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] <= ' ' || s.ptr[i] > '~' || s.ptr[i] == '"' || s.ptr[i] == '\\') return false;
    return s.len > 0;
}

/* The parts of a cookie; false when there are more than five or fewer than four. */
static bool split(slice cookie, slice part[5], size_t *count)
{
    *count = 0;
    for (slice item; slice_cut(&cookie, '.', &item);) {
        if (*count == 5) return false;
        part[(*count)++] = item;
    }
    return *count >= 4;
}

bool meta_click_ok(slice cookie)
{
    slice part[5];
    size_t count;
    if (cookie.len > META_CLICK_BYTES_MAX || !split(cookie, part, &count)) return false;
    if (!slice_eq(part[0], SLICE("fb")) || !text_is_digits(part[1]) || !text_is_digits(part[2]) ||
        !is_token(part[3]))
        return false;
    return count == 4 || (is_token(part[4]) && (part[4].len == 2 || part[4].len == 8));
}

int64_t meta_click_ms(slice cookie)
{
    slice part[5];
    size_t count;
    int64_t ms = 0;
    if (!meta_click_ok(cookie) || !split(cookie, part, &count)) return 0;
    return text_i64(part[2], 0, INT64_MAX, &ms, NULL) == OK ? ms : 0;
}

bool meta_click_id_ok(slice fbclid)
{
    return fbclid.len <= META_CLICK_BYTES_MAX / 2 && is_token(fbclid) &&
           slice_find(fbclid, '.') == fbclid.len;
}

slice meta_click_build(slice fbclid, int64_t first_seen_ms, int index, struct arena *arena)
{
    if (!meta_click_id_ok(fbclid) || first_seen_ms <= 0 || index < 0) return (slice){ NULL, 0 };
    return arena_printf(arena, "fb.%d.%lld.%.*s", index, (long long)first_seen_ms,
                        SLICE_ARG(fbclid));
}

slice meta_click_merge(slice cookie, slice fbclid, int64_t now_ms, int index, struct arena *arena)
{
    slice part[5];
    size_t count;
    bool good = meta_click_ok(cookie);
    if (!meta_click_id_ok(fbclid)) return good ? cookie : (slice){ NULL, 0 };
    if (good && split(cookie, part, &count) && slice_eq(part[3], fbclid)) return cookie;
    return meta_click_build(fbclid, now_ms, index, arena);
}

slice meta_click_from_url(slice url, struct arena *arena)
{
    slice page = slice_sub(url, 0, slice_find(url, '#'));
    slice query = slice_sub(page, slice_find(page, '?') + 1, page.len);
    slice value = text_query_get(query, SLICE("fbclid"), NULL);
    return value.len ? text_url_decode(value, arena) : (slice){ NULL, 0 };
}

slice meta_click_pick(slice fbclid, slice referrer, struct arena *arena)
{
    return fbclid.len ? fbclid : meta_click_from_url(referrer, arena);
}
