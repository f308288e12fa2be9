/* json.c: yyjson with an arena as its allocator, a depth limit, and small readers. */
#include "base/json.h"

#include "base/text.h"

static void *arena_malloc(void *ctx, size_t size) { return arena_raw(ctx, size); }

static void *arena_realloc(void *ctx, void *ptr, size_t old_size, size_t size)
{
    if (size <= old_size) return ptr;
    void *fresh = arena_raw(ctx, size);
    if (fresh && ptr) memcpy(fresh, ptr, old_size);
    return fresh;
}

static void arena_nofree(void *ctx UNUSED, void *ptr UNUSED) {}

/* Is the tree deeper than JSON_DEPTH_MAX? yyjson parses without recursion and lays values out in reading order, each container
 * knowing where it ends, so one pass over them with a stack of ends is enough. Everything behind may then recurse. */
static bool too_deep(json *root)
{
    json *end[JSON_DEPTH_MAX];
    size_t depth = 0;
    for (json *v = root, *stop = unsafe_yyjson_get_next(root); v < stop; v++) {
        while (depth > 0 && v >= end[depth - 1]) depth--;
        if (!yyjson_is_ctn(v)) continue;
        if (depth == JSON_DEPTH_MAX) return true;
        end[depth++] = unsafe_yyjson_get_next(v);
    }
    return false;
}

enum err json_parse(slice text, struct arena *arena, json **root, struct why *why)
{
    *root = NULL;
    if (slice_trim(text).len == 0)
        return why_set(why, ERR_SYNTAX, "the body is empty, JSON was expected");
    yyjson_alc alc = { arena_malloc, arena_realloc, arena_nofree, arena };
    yyjson_read_err err;
    /* yyjson_read_opts copies the input unless told it may change it, hence the cast is safe. */
    yyjson_doc *doc = yyjson_read_opts((char *)(uintptr_t)text.ptr, text.len,
                                       YYJSON_READ_NUMBER_AS_RAW, &alc, &err);
    if (!doc && err.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION)
        return why_set(why, ERR_LIMIT, "JSON needs more memory than one request may use");
    if (!doc) return why_set(why, ERR_SYNTAX, "not JSON: %s at byte %zu", err.msg, err.pos);
    if (too_deep(yyjson_doc_get_root(doc)))
        return why_set(why, ERR_LIMIT, "JSON nested deeper than %d levels", JSON_DEPTH_MAX);
    *root = yyjson_doc_get_root(doc);
    return OK;
}

/* The four hex digits behind "\\u" at text[at]. */
static bool escaped_unit(slice text, size_t at, uint32_t *unit)
{
    uint8_t bytes[2];
    size_t len = 0;
    slice hex = slice_sub(text, at + 2, at + 6);
    if (at + 6 > text.len || text.ptr[at] != '\\' || text.ptr[at + 1] != 'u') return false;
    if (text_unhex(hex, bytes, sizeof bytes, &len) != OK || len != sizeof bytes) return false;
    *unit = (uint32_t)bytes[0] << 8 | bytes[1];
    return true;
}

/* One step through JSON text: so many bytes are taken together; *broken: they are a character that is none. */
static size_t take_step(slice text, size_t at, bool *broken)
{
    uint32_t unit, low;
    *broken = false;
    if (text.ptr[at] != '\\') {
        slice rest = slice_sub(text, at, text.len);
        size_t step = text_utf8_step(rest);
        *broken = step == 0;
        return step ? step : text_utf8_broken(rest);
    }
    if (!escaped_unit(text, at, &unit)) { /* the next is plain, a backslash too */
        unsigned char next = at + 1 < text.len ? (unsigned char)text.ptr[at + 1] : 0x80;
        return next < 0x80 ? 2 : 1;
    }
    if (unit < 0xd800 || unit > 0xdfff) return 6;
    if (unit <= 0xdbff && escaped_unit(text, at + 6, &low) && low >= 0xdc00 && low <= 0xdfff)
        return 12;
    *broken = true;
    return 6;
}

/* Text with U+FFFD for what is broken; .ptr NULL: nothing was, or the arena is full. */
static slice mend(slice text, struct arena *arena)
{
    static const slice stand_in = SLICE_INIT("\xef\xbf\xbd");
    size_t count = 0, len = 0, step;
    bool broken;
    for (size_t at = 0; at < text.len; at += step) {
        step = take_step(text, at, &broken);
        count += broken;
        len += broken ? stand_in.len : step;
    }
    char *out = count ? arena_raw(arena, len) : NULL;
    if (!out) return (slice){ NULL, 0 };
    for (size_t at = 0, to = 0; at < text.len; at += step) {
        step = take_step(text, at, &broken);
        slice put = broken ? stand_in : slice_sub(text, at, at + step);
        memcpy(out + to, put.ptr, put.len);
        to += put.len;
    }
    return slice_of(out, len);
}

enum err json_parse_lenient(slice text, struct arena *arena, json **root, struct why *why)
{
    struct arena_mark before = arena_mark(arena);
    enum err rc = json_parse(text, arena, root, why);
    if (rc != ERR_SYNTAX || text.len == 0) return rc;
    arena_rewind(arena, before);
    slice mended = mend(text, arena);
    return mended.ptr ? json_parse(mended, arena, root, why) : rc;
}

json *json_get(json *v, const char *key) { return yyjson_obj_get(v, key); }

json *json_get_slice(json *v, slice key)
{
    return key.ptr ? yyjson_obj_getn(v, key.ptr, key.len) : NULL;
}

json *json_at(json *v, slice pointer)
{
    return pointer.len == 0 ? v : yyjson_ptr_getn(v, pointer.ptr, pointer.len);
}

slice json_text(json *v)
{
    if (yyjson_is_raw(v)) return slice_of(yyjson_get_raw(v), yyjson_get_len(v));
    return json_str(v);
}

slice json_str(json *v)
{
    return yyjson_is_str(v) ? slice_of(yyjson_get_str(v), yyjson_get_len(v)) : (slice){ NULL, 0 };
}

slice json_get_text(json *v, const char *key) { return json_text(json_get(v, key)); }

bool json_truth(json *v)
{
    if (yyjson_is_bool(v)) return yyjson_get_bool(v);
    slice text = json_text(v);
    return slice_eq(text, SLICE("true")) || slice_eq(text, SLICE("1"));
}

bool json_i64(json *v, int64_t *out)
{
    slice text = json_text(v);
    return text.len > 0 && text_i64(text, INT64_MIN, INT64_MAX, out, NULL) == OK;
}

slice json_print(json *v, struct arena *arena)
{
    if (!v) return (slice){ NULL, 0 };
    yyjson_alc alc = { arena_malloc, arena_realloc, arena_nofree, arena };
    size_t len = 0;
    char *text = yyjson_val_write_opts(v, 0, &alc, &len, NULL);
    return text ? slice_of(text, len) : (slice){ NULL, 0 };
}
