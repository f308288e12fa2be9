/* buf.c: a capped growing buffer and the JSON writer on it. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"
#include "base/time.h"

enum { BUF_FIRST_BYTES = 1024 };

struct buf buf_in(struct arena *arena, size_t bytes_max)
{
    return (struct buf){ .arena = arena, .max = bytes_max };
}

/* Makes room for `more` bytes; doubles, so the garbage left in the arena is at most the final size. */
static bool grow(struct buf *b, size_t more)
{
    if (b->failed) return false;
    if (more <= b->cap - b->len) return true;
    if (more > b->max - b->len) return !(b->failed = true);
    size_t cap = b->cap ? b->cap : BUF_FIRST_BYTES;
    while (cap - b->len < more) cap *= 2;
    char *fresh = arena_raw(b->arena, cap);
    if (!fresh) return !(b->failed = true);
    if (b->len) memcpy(fresh, b->ptr, b->len);
    b->ptr = fresh;
    b->cap = cap;
    return true;
}

void buf_add(struct buf *b, slice s)
{
    if (s.len == 0 || !grow(b, s.len)) return;
    memcpy(b->ptr + b->len, s.ptr, s.len);
    b->len += s.len;
}

void buf_byte(struct buf *b, char c)
{
    if (grow(b, 1)) b->ptr[b->len++] = c;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (len < 0)
        b->failed = true;
    else if (grow(b, (size_t)len + 1)) { /* one more for vsnprintf's NUL */
        (void)vsnprintf(b->ptr + b->len, (size_t)len + 1, fmt, again);
        b->len += (size_t)len;
    }
    va_end(again);
}

slice buf_slice(const struct buf *b)
{
    return b->failed ? (slice){ NULL, 0 } : (slice){ b->ptr ? b->ptr : "", b->len };
}

/* ASCII that stands in a JSON string as it is: 0x20 to 0x7e but '"' and '\\'; a bit for each. */
static bool is_plain(unsigned char c)
{
    static const uint64_t plain[4] = { 0xfffffffb00000000u, 0x7fffffffefffffffu, 0, 0 };
    return plain[c >> 6] >> (c & 63) & 1;
}

/* Eight bytes at once, all of them plain? May say no for want of care, never yes. */
static bool are_plain(uint64_t w)
{
    const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
    uint64_t quote = w ^ ones * '"', slash = w ^ ones * '\\';
    return ((w | (w - ones * 0x20) | (quote - ones) | (slash - ones)) & high) == 0;
}

/* The ends of a string are looked at twice rather than byte by byte. */
static bool all_plain(slice s)
{
    uint64_t w;
    uint32_t head, tail;
    if (s.len >= sizeof w) {
        for (size_t i = 0; i + sizeof w <= s.len; i += sizeof w) {
            memcpy(&w, s.ptr + i, sizeof w);
            if (!are_plain(w)) return false;
        }
        memcpy(&w, s.ptr + s.len - sizeof w, sizeof w);
        return are_plain(w);
    }
    if (s.len >= sizeof head) {
        memcpy(&head, s.ptr, sizeof head);
        memcpy(&tail, s.ptr + s.len - sizeof tail, sizeof tail);
        return are_plain((uint64_t)head << 32 | tail);
    }
    for (size_t i = 0; i < s.len; i++)
        if (!is_plain((unsigned char)s.ptr[i])) return false;
    return true;
}

static void put_escaped(struct buf *b, slice s)
{
    static const char hex[] = "0123456789abcdef";
    size_t plain = 0; /* start of the run that needs no escape */
    for (size_t i = 0; i < s.len;) {
        uint64_t w;
        unsigned char c = (unsigned char)s.ptr[i];
        if (is_plain(c)) { /* nearly every byte */
            i++;
            for (; i + sizeof w <= s.len; i += sizeof w) {
                memcpy(&w, s.ptr + i, sizeof w);
                if (!are_plain(w)) break;
            }
            continue;
        }
        size_t step = 1;
        if (c >= 0x80) step = text_utf8_step(slice_sub(s, i, s.len));
        if (c >= 0x20 && c != '"' && c != '\\' && step > 0) {
            i += step;
            continue;
        }
        buf_add(b, slice_sub(s, plain, i));
        if (step == 0)
            buf_add(b, SLICE("\xef\xbf\xbd"));
        else if (c == '"' || c == '\\')
            buf_add(b, slice_of((char[]){ '\\', (char)c }, 2));
        else if (c == '\n')
            buf_add(b, SLICE("\\n"));
        else if (c == '\t')
            buf_add(b, SLICE("\\t"));
        else if (c == '\r')
            buf_add(b, SLICE("\\r"));
        else
            buf_add(b, slice_of((char[]){ '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] }, 6));
        plain = ++i;
    }
    buf_add(b, slice_sub(s, plain, s.len));
}

/* In quotes. Most strings are plain ones, and are copied in one piece. */
static void put_string(struct buf *b, slice s)
{
    if (!all_plain(s)) {
        buf_byte(b, '"');
        put_escaped(b, s);
        buf_byte(b, '"');
        return;
    }
    if (!grow(b, s.len + 2)) return;
    b->ptr[b->len] = '"';
    if (s.len > 0) memcpy(b->ptr + b->len + 1, s.ptr, s.len);
    b->ptr[b->len + 1 + s.len] = '"';
    b->len += s.len + 2;
}

static void put_key(struct buf *b, const char *key)
{
    if (b->comma) buf_byte(b, ',');
    b->comma = true;
    if (!key) return;
    put_string(b, slice_str(key));
    buf_byte(b, ':');
}

void json_begin_object(struct buf *b, const char *key)
{
    put_key(b, key);
    buf_byte(b, '{');
    b->comma = false;
}

void json_end_object(struct buf *b)
{
    buf_byte(b, '}');
    b->comma = true;
}

void json_begin_array(struct buf *b, const char *key)
{
    put_key(b, key);
    buf_byte(b, '[');
    b->comma = false;
}

void json_end_array(struct buf *b)
{
    buf_byte(b, ']');
    b->comma = true;
}

void json_put_str(struct buf *b, const char *key, slice value)
{
    put_key(b, key);
    put_string(b, value);
}

/* At least `width` digits into the end of `out`; returns where they begin. */
static size_t put_digits(char out[24], uint64_t value, size_t width)
{
    size_t at = 24;
    do out[--at] = (char)('0' + value % 10);
    while ((value /= 10) > 0 || 24 - at < width);
    return at;
}

static uint64_t size_of(int64_t value) { return value < 0 ? 0 - (uint64_t)value : (uint64_t)value; }

void json_put_i64(struct buf *b, const char *key, int64_t value)
{
    char digits[24];
    size_t at = put_digits(digits, size_of(value), 1);
    if (value < 0) digits[--at] = '-';
    put_key(b, key);
    buf_add(b, slice_of(digits + at, sizeof digits - at));
}

void json_put_bool(struct buf *b, const char *key, bool value)
{
    put_key(b, key);
    buf_add(b, value ? SLICE("true") : SLICE("false"));
}

void json_put_null(struct buf *b, const char *key)
{
    put_key(b, key);
    buf_add(b, SLICE("null"));
}

void json_put_raw(struct buf *b, const char *key, slice json)
{
    put_key(b, key);
    buf_add(b, json);
}

void json_put_opt(struct buf *b, const char *key, slice value)
{
    if (value.len) json_put_str(b, key, value);
}

void json_put_money(struct buf *b, const char *key, int64_t minor_units)
{
    char digits[24];
    size_t at = put_digits(digits, size_of(minor_units), 3), cents = sizeof digits - 2;
    if (minor_units < 0) digits[--at] = '-';
    put_key(b, key);
    buf_add(b, slice_of(digits + at, cents - at));
    buf_byte(b, '.');
    buf_add(b, slice_of(digits + cents, 2));
}

void json_put_time(struct buf *b, const char *key, int64_t unix_ms)
{
    if (unix_ms == 0) return;
    char text[TIME_TEXT_MAX];
    json_put_str(b, key, time_format(unix_ms, text));
}

void json_put_id(struct buf *b, const char *key, enum id_kind kind, uint64_t id)
{
    char text[ID_TEXT_MAX];
    if (id) json_put_str(b, key, id_text(kind, id, text));
}
