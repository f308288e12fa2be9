/* disposition.c: see disposition.h. */
#include "base/disposition.h"

#include "base/buf.h"
#include "base/text.h"

enum { END_MAX = 16 /* bytes of ".pdf" */, HEADER_MAX = 8 * DISPOSITION_NAME_MAX };

/* Control characters, and those that make a name look like another: U+200E.., U+202A.., U+2066... */
static bool is_hidden(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code <= 0x9f) || (code >= 0x200b && code <= 0x200f) ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) ||
           code == 0xfeff;
}

/* Behind the last folder, only what may be in a name. */
static slice cleaned(slice name, struct arena *arena)
{
    struct buf b = buf_in(arena, name.len + 1);
    size_t from = 0, step;
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] == '/' || name.ptr[i] == '\\') from = i + 1;
    for (size_t i = from; i < name.len; i += step) {
        uint32_t code = text_utf8_get(slice_sub(name, i, name.len), &step);
        bool valid = text_utf8_step(slice_sub(name, i, name.len)) > 0;
        if (!valid || is_hidden(code) || code == '"') continue;
        buf_add(&b, slice_sub(name, i, i + step));
    }
    slice out = slice_trim(buf_slice(&b));
    while (out.len > 0 && out.ptr[0] == '.') out = slice_sub(out, 1, out.len);
    return slice_trim(out);
}

/* Whole characters, and its end stays. */
static slice shortened(slice name, struct arena *arena)
{
    size_t dot = name.len, keep;
    if (name.len <= DISPOSITION_NAME_MAX) return name;
    while (dot > 0 && name.ptr[dot - 1] != '.') dot--;
    slice end = dot > 1 ? slice_sub(name, dot - 1, name.len) : (slice){ NULL, 0 };
    if (end.len > END_MAX) end.len = 0;
    for (keep = DISPOSITION_NAME_MAX - end.len; (name.ptr[keep] & 0xc0) == 0x80;) keep--;
    return arena_printf(arena, "%.*s%.*s", SLICE_ARG(slice_sub(name, 0, keep)), SLICE_ARG(end));
}

slice disposition_of(const char *way, slice name, slice otherwise, struct arena *arena)
{
    struct buf b = buf_in(arena, HEADER_MAX);
    name = shortened(cleaned(name, arena), arena);
    if (name.len == 0) name = otherwise;
    buf_printf(&b, "%s; filename=\"", way);
    for (size_t i = 0, step; i < name.len; i += step) {
        uint32_t code = text_utf8_get(slice_sub(name, i, name.len), &step);
        buf_byte(&b, code < 0x7f && code != '%' ? (char)code : '_');
    }
    slice encoded = text_url_encode(name, arena);
    buf_printf(&b, "\"; filename*=UTF-8''%.*s", SLICE_ARG(encoded));
    return buf_ok(&b) && encoded.ptr ? buf_slice(&b) : (slice){ NULL, 0 };
}
