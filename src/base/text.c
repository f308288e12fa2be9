/* text.c: numbers, hex, base64, URL encoding and UTF-8, all over slices. */
#include "base/text.h"

enum err text_u64(slice in, uint64_t max, uint64_t *out, struct why *why)
{
    uint64_t n = 0;
    if (in.len == 0) return why_set(why, ERR_SYNTAX, "empty number");
    for (size_t i = 0; i < in.len; i++) {
        unsigned digit = (unsigned)(unsigned char)in.ptr[i] -
                         (unsigned)'0'; /* wraps past 9 for every other byte */
        if (digit > 9) return why_set(why, ERR_SYNTAX, "not a whole number (byte %zu)", i + 1);
        if (n > (UINT64_MAX - digit) / 10) return why_set(why, ERR_LIMIT, "number too large");
        n = n * 10 + digit;
    }
    if (n > max) return why_set(why, ERR_LIMIT, "number over %llu", (unsigned long long)max);
    *out = n;
    return OK;
}

enum err text_i64(slice in, int64_t min, int64_t max, int64_t *out, struct why *why)
{
    bool negative = in.len > 0 && in.ptr[0] == '-';
    uint64_t size = 0;
    enum err rc = text_u64(negative ? slice_sub(in, 1, in.len) : in, (uint64_t)INT64_MAX + negative,
                           &size, why);
    if (rc != OK) return rc;
    int64_t n = negative ? (int64_t)(0 - size) : (int64_t)size;
    if (n < min || n > max)
        return why_set(why, ERR_LIMIT, "number not in %lld..%lld", (long long)min, (long long)max);
    *out = n;
    return OK;
}

slice text_hex(slice in, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < in.len; i++) {
        unsigned char c = (unsigned char)in.ptr[i];
        out[2 * i] = digits[c >> 4];
        out[2 * i + 1] = digits[c & 15];
    }
    return slice_of(out, 2 * in.len);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

enum err text_unhex(slice in, uint8_t *out, size_t out_max, size_t *out_len)
{
    if (in.len % 2 != 0) return ERR_SYNTAX;
    if (in.len / 2 > out_max) return ERR_LIMIT;
    for (size_t i = 0; i < in.len; i += 2) {
        int high = hex_value(in.ptr[i]), low = hex_value(in.ptr[i + 1]);
        if (high < 0 || low < 0) return ERR_SYNTAX;
        out[i / 2] = (uint8_t)(high << 4 | low);
    }
    *out_len = in.len / 2;
    return OK;
}

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

slice text_base64(slice in, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < in.len; i += 3) {
        uint32_t v = (uint32_t)(unsigned char)in.ptr[i] << 16;
        if (i + 1 < in.len) v |= (uint32_t)(unsigned char)in.ptr[i + 1] << 8;
        if (i + 2 < in.len) v |= (uint32_t)(unsigned char)in.ptr[i + 2];
        out[n++] = base64_digits[v >> 18];
        out[n++] = base64_digits[v >> 12 & 63];
        out[n++] = i + 1 < in.len ? base64_digits[v >> 6 & 63] : '=';
        out[n++] = i + 2 < in.len ? base64_digits[v & 63] : '=';
    }
    return slice_of(out, n);
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

enum err text_unbase64(slice in, bool need_padding, uint8_t *out, size_t out_max, size_t *out_len)
{
    size_t pad = 0;
    while (pad < 2 && in.len > pad && in.ptr[in.len - 1 - pad] == '=') pad++;
    slice digits = slice_sub(in, 0, in.len - pad);
    if ((pad > 0 || need_padding) && in.len % 4 != 0) return ERR_SYNTAX;
    if (digits.len % 4 == 1) return ERR_SYNTAX;
    if (digits.len / 4 * 3 + (digits.len % 4 ? digits.len % 4 - 1 : 0) > out_max) return ERR_LIMIT;
    uint32_t v = 0;
    size_t n = 0, bits = 0;
    for (size_t i = 0; i < digits.len; i++) {
        int digit = base64_value(digits.ptr[i]);
        if (digit < 0) return ERR_SYNTAX;
        v = v << 6 | (uint32_t)digit;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[n++] = (uint8_t)(v >> bits);
            v &= (1u << bits) - 1;
        }
    }
    if (v != 0) return ERR_SYNTAX; /* set pad bits: a second spelling of the same bytes */
    *out_len = n;
    return OK;
}

slice text_url_decode(slice in, struct arena *arena)
{
    char *out = arena_alloc(arena, in.len + 1);
    if (!out) return (slice){ NULL, 0 };
    size_t n = 0;
    for (size_t i = 0; i < in.len; i++) {
        char c = in.ptr[i];
        if (c == '+')
            c = ' ';
        else if (c == '%' && i + 2 < in.len && hex_value(in.ptr[i + 1]) >= 0 &&
                 hex_value(in.ptr[i + 2]) >= 0) {
            c = (char)(hex_value(in.ptr[i + 1]) << 4 | hex_value(in.ptr[i + 2]));
            i += 2;
        }
        out[n++] = c;
    }
    return slice_of(out, n);
}

slice text_url_encode(slice in, struct arena *arena)
{
    static const char digits[] = "0123456789ABCDEF";
    char *out = arena_alloc(arena, 3 * in.len + 1);
    if (!out) return (slice){ NULL, 0 };
    size_t n = 0;
    for (size_t i = 0; i < in.len; i++) {
        unsigned char c = (unsigned char)in.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '.' || c == '_' || c == '~';
        if (plain) {
            out[n++] = (char)c;
        } else {
            out[n++] = '%';
            out[n++] = digits[c >> 4];
            out[n++] = digits[c & 15];
        }
    }
    return slice_of(out, n);
}

/* Compares an undecoded parameter name with a plain one. */
static bool name_is(slice raw, slice name)
{
    size_t at = 0;
    for (size_t i = 0; i < raw.len; i++, at++) {
        char c = raw.ptr[i];
        if (c == '+')
            c = ' ';
        else if (c == '%' && i + 2 < raw.len && hex_value(raw.ptr[i + 1]) >= 0 &&
                 hex_value(raw.ptr[i + 2]) >= 0) {
            c = (char)(hex_value(raw.ptr[i + 1]) << 4 | hex_value(raw.ptr[i + 2]));
            i += 2;
        }
        if (at >= name.len || name.ptr[at] != c) return false;
    }
    return at == name.len;
}

slice text_query_get(slice query, slice name, size_t *count)
{
    slice found = { NULL, 0 }, item, rest = query;
    size_t seen = 0;
    while (slice_cut(&rest, '&', &item)) {
        size_t eq = slice_find(item, '=');
        if (!name_is(slice_sub(item, 0, eq), name)) continue;
        if (seen++ == 0)
            found = eq < item.len ? slice_sub(item, eq + 1, item.len) : slice_of("", 0);
    }
    if (count) *count = seen;
    return found;
}

size_t text_utf8_step(slice s)
{
    if (s.len == 0) return 0;
    const unsigned char *p = (const unsigned char *)s.ptr;
    if (p[0] < 0x80) return 1;
    size_t need = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || s.len < need) return 0;
    for (size_t i = 1; i < need; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    if (p[0] == 0xe0 && p[1] < 0xa0) return 0; /* overlong */
    if (p[0] == 0xed && p[1] > 0x9f) return 0; /* surrogate */
    if (p[0] == 0xf0 && p[1] < 0x90) return 0; /* overlong */
    if (p[0] == 0xf4 && p[1] > 0x8f) return 0; /* past U+10FFFF */
    return need;
}

bool text_utf8_valid(slice s)
{
    for (size_t i = 0; i < s.len;) {
        size_t step = text_utf8_step(slice_sub(s, i, s.len));
        if (step == 0) return false;
        i += step;
    }
    return true;
}

size_t text_utf8_broken(slice s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    if (s.len < 2 || p[0] < 0xe0 || p[0] > 0xf4) return 1;
    unsigned char from = p[0] == 0xe0   ? 0xa0
                         : p[0] == 0xf0 ? 0x90
                                        : 0x80,
                  to = p[0] == 0xed   ? 0x9f
                       : p[0] == 0xf4 ? 0x8f
                                      : 0xbf;
    if (p[1] < from || p[1] > to) return 1;
    return p[0] >= 0xf0 && s.len > 2 && (p[2] & 0xc0) == 0x80 ? 3 : 2;
}

uint32_t text_utf8_get(slice s, size_t *step)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    *step = text_utf8_step(s);
    switch (*step) {
    case 1: return p[0];
    case 2: return (uint32_t)(p[0] & 31) << 6 | (p[1] & 63);
    case 3: return (uint32_t)(p[0] & 15) << 12 | (uint32_t)(p[1] & 63) << 6 | (p[2] & 63);
    case 4:
        return (uint32_t)(p[0] & 7) << 18 | (uint32_t)(p[1] & 63) << 12 |
               (uint32_t)(p[2] & 63) << 6 | (p[3] & 63);
    default: *step = 1; return 0xfffd;
    }
}

size_t text_utf8_put(uint32_t code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 63));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xe0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 63));
        out[2] = (char)(0x80 | (code & 63));
        return 3;
    }
    out[0] = (char)(0xf0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 63));
    out[2] = (char)(0x80 | (code >> 6 & 63));
    out[3] = (char)(0x80 | (code & 63));
    return 4;
}

slice text_lower(slice in, struct arena *arena)
{
    char *out = arena_alloc(arena, in.len + 1);
    if (!out) return (slice){ NULL, 0 };
    for (size_t i = 0; i < in.len; i++) {
        char c = in.ptr[i];
        out[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    }
    return slice_of(out, in.len);
}

bool text_glob(slice pattern, slice text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, mark = 0;
    while (t < text.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = p++;
            mark = t;
        } else if (p < pattern.len && pattern.ptr[p] == text.ptr[t]) {
            p++;
            t++;
        } else if (star != SIZE_MAX) { /* let the last star take one character more */
            p = star + 1;
            t = ++mark;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*') p++;
    return p == pattern.len;
}

bool text_is_digits(slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < '0' || s.ptr[i] > '9') return false;
    return s.len > 0;
}

slice text_utf8_cut(slice text, size_t max)
{
    if (text.len <= max) return text;
    while (max > 0 && ((unsigned char)text.ptr[max] & 0xc0) == 0x80) max--;
    return slice_sub(text, 0, max);
}
