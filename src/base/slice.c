/* slice.c: searching, cutting and comparing byte slices. */
#include "base/slice.h"

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }

bool slice_eq_nocase(slice a, slice b)
{
    if (a.len != b.len) return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.ptr[i]) != lower(b.ptr[i])) return false;
    return true;
}

bool slice_starts(slice s, slice prefix)
{
    return s.len >= prefix.len && slice_eq(slice_sub(s, 0, prefix.len), prefix);
}

bool slice_ends(slice s, slice suffix)
{
    return s.len >= suffix.len && slice_eq(slice_sub(s, s.len - suffix.len, s.len), suffix);
}

size_t slice_find(slice s, char byte)
{
    if (s.len == 0) return 0;
    const char *at = memchr(s.ptr, byte, s.len);
    return at ? (size_t)(at - s.ptr) : s.len;
}

size_t slice_find_slice(slice s, slice needle)
{
    if (needle.len == 0) return 0;
    for (size_t from = 0; from + needle.len <= s.len;) {
        size_t at = from + slice_find(slice_sub(s, from, s.len), needle.ptr[0]);
        if (at + needle.len > s.len) break;
        if (memcmp(s.ptr + at, needle.ptr, needle.len) == 0) return at;
        from = at + 1;
    }
    return s.len;
}

bool slice_cut(slice *rest, char sep, slice *item)
{
    if (!rest->ptr) return false;
    size_t at = slice_find(*rest, sep);
    *item = slice_sub(*rest, 0, at);
    *rest = at < rest->len ? slice_sub(*rest, at + 1, rest->len) : (slice){ NULL, 0 };
    return true;
}

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

slice slice_trim(slice s)
{
    size_t from = 0, to = s.len;
    while (from < to && is_space(s.ptr[from])) from++;
    while (to > from && is_space(s.ptr[to - 1])) to--;
    return slice_sub(s, from, to);
}

int slice_cmp(slice a, slice b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter ? memcmp(a.ptr, b.ptr, shorter) : 0;
    if (order != 0) return order;
    return a.len < b.len ? -1 : a.len > b.len;
}
