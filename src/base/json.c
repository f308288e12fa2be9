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
