/* fill.c: see fill.h. */
#include "campaign/fill.h"

#include "base/brazil.h"

/* One string, cut at its placeholders. */
struct piece {
    slice text;            /* before the placeholder */
    slice name, otherwise; /* name .ptr NULL: none, the string ends here */
};

/* Takes the next piece of *rest. False: a placeholder that is not well written. */
static bool take(slice *rest, struct piece *p)
{
    size_t open = slice_find_slice(*rest, SLICE("{{"));
    *p = (struct piece){ .text = slice_sub(*rest, 0, open) };
    if (open == rest->len) {
        *rest = (slice){ NULL, 0 };
        return true;
    }
    slice inner = slice_sub(*rest, open + 2, rest->len);
    size_t close = slice_find_slice(inner, SLICE("}}"));
    if (close == inner.len) return false;
    *rest = slice_sub(inner, close + 2, inner.len);
    inner = slice_sub(inner, 0, close);
    size_t bar = slice_find(inner, '|');
    p->name = slice_trim(slice_sub(inner, 0, bar));
    p->otherwise =
        bar < inner.len ? slice_trim(slice_sub(inner, bar + 1, inner.len)) : (slice){ NULL, 0 };
    return p->name.len > 0 && p->name.len <= FILL_NAME_MAX && slice_find(inner, '{') == inner.len;
}

slice fill_name(slice name, struct arena *arena)
{
    name = slice_trim(name);
    if (name.len == 0 || name.len > FILL_NAME_MAX) return (slice){ NULL, 0 };
    char *room = arena_alloc(arena, name.len + 1); /* a NUL behind it: it becomes a JSON key */
    if (!room) return (slice){ NULL, 0 };
    slice folded = brazil_fold(name, room);
    room[folded.len] = '\0';
    for (size_t i = 0; i < folded.len; i++)
        if ((unsigned char)folded.ptr[i] < 0x20) return (slice){ NULL, 0 };
    return folded;
}

slice fill_value(slice value, struct arena *arena)
{
    char *out = arena_raw(arena, value.len ? value.len : 1);
    size_t n = 0;
    if (!out) return (slice){ NULL, 0 };
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        bool blank = c <= ' ' || c == 0x7f;
        if (blank && (n == 0 || out[n - 1] == ' ')) continue;
        out[n++] = blank ? ' ' : value.ptr[i];
    }
    while (n > 0 && out[n - 1] == ' ') n--;
    return slice_of(out, n);
}

struct fill {
    json *values; /* NULL: each is "x" */
    struct arena *arena;
    struct buf out;
    slice missing;
    enum err rc;
};

static slice value_of(struct fill *f, const struct piece *p)
{
    if (!f->values) return SLICE("x");
    slice value = json_text(json_get_slice(f->values, fill_name(p->name, f->arena)));
    if (value.len == 0) value = p->otherwise;
    if (value.len == 0 && f->rc == OK) {
        f->rc = ERR_SYNTAX;
        f->missing = p->name;
    }
    return value;
}

static void put_string(struct fill *f, const char *key, slice rest)
{
    struct piece p;
    struct buf text = buf_in(f->arena, FILL_TEXT_MAX);
    if (slice_find_slice(rest, SLICE("{{")) == rest.len) {
        json_put_str(&f->out, key, rest);
        return;
    }
    while (rest.ptr) {
        if (!take(&rest, &p)) {
            f->rc = f->rc == OK ? ERR_BUG : f->rc; /* fill_check was not asked */
            return;
        }
        buf_add(&text, p.text);
        if (p.name.ptr) buf_add(&text, value_of(f, &p));
    }
    if (!buf_ok(&text)) f->out.failed = true;
    json_put_str(&f->out, key, buf_slice(&text));
}

/* Depth is bounded by JSON_DEPTH_MAX at parsing, so recursion is too. */
static void put(struct fill *f, const char *key, json *v)
{
    if (yyjson_is_str(v)) {
        put_string(f, key, json_str(v));
    } else if (yyjson_is_obj(v)) {
        json_begin_object(&f->out, key);
        yyjson_obj_iter it = yyjson_obj_iter_with(v);
        for (json *k; (k = yyjson_obj_iter_next(&it));)
            put(f, yyjson_get_str(k), yyjson_obj_iter_get_val(k));
        json_end_object(&f->out);
    } else if (yyjson_is_arr(v)) {
        size_t i, max;
        json *one;
        json_begin_array(&f->out, key);
        yyjson_arr_foreach(v, i, max, one) put(f, NULL, one);
        json_end_array(&f->out);
    } else {
        json_put_raw(&f->out, key, json_print(v, f->arena));
    }
}

enum err fill_render(json *template, json *values, struct arena *arena, slice *out, slice *missing,
                     struct why *why)
{
    struct fill f = { .values = values, .arena = arena, .out = buf_in(arena, FILL_TEXT_MAX) };
    put(&f, NULL, template);
    *missing = f.missing;
    *out = buf_slice(&f.out);
    /* Without memory a name is not found, either: that is no fault of the recipient's. */
    if (!buf_ok(&f.out) || arena->full) return why_set(why, ERR_LIMIT, "the message is too large");
    if (f.rc == ERR_SYNTAX)
        return why_set(why, f.rc, "no value for {{%.*s}}", SLICE_ARG(f.missing));
    return f.rc == OK ? OK : why_set(why, f.rc, "a placeholder is not well written");
}

enum err fill_check(json *v, struct why *why)
{
    enum err rc = OK;
    if (yyjson_is_str(v)) {
        struct piece p;
        slice rest = json_str(v);
        while (rest.ptr)
            if (!take(&rest, &p))
                return why_set(why, ERR_SYNTAX,
                               "a placeholder is written {{name}} or {{name|what else}}, the name "
                               "at most %d bytes",
                               FILL_NAME_MAX);
    } else if (yyjson_is_obj(v)) {
        yyjson_obj_iter it = yyjson_obj_iter_with(v);
        for (json *k; rc == OK && (k = yyjson_obj_iter_next(&it));) {
            if (slice_find(json_str(k), '\0') < json_str(k).len)
                return why_set(why, ERR_SYNTAX, "a NUL in a member's name");
            rc = fill_check(yyjson_obj_iter_get_val(k), why);
        }
    } else if (yyjson_is_arr(v)) {
        size_t i, max;
        json *one;
        yyjson_arr_foreach(v, i, max, one) if (rc == OK) rc = fill_check(one, why);
    }
    return rc;
}
