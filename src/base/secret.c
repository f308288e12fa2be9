/* secret.c: finds a secret in however many ways it may be written.
 *
 * Why so: a body is kept as it came, and nobody knows for certain what it is: so it is not parsed but read piece by piece, in every
 * way in which an escape could be meant, and what reads as the secret is covered where it stands. */
#include "base/secret.h"

#include "base/text.h"

/* How escapes are read; a later one within an earlier one's text. */
enum layer { LAYER_END, LAYER_JSON, LAYER_FORM };
enum { LAYERS_MAX = 2 };

static const enum layer readings[][LAYERS_MAX + 1] = {
    { LAYER_END },
    { LAYER_JSON },
    { LAYER_FORM },
    { LAYER_JSON, LAYER_FORM }, /* payload=%7B%22secret%22%3A%22a%5C%2Fb... */
    { LAYER_JSON, LAYER_JSON }, /* {"payload":"{\"secret\":\"a\\\/b... */
    { LAYER_FORM, LAYER_FORM }, /* url=https%3A%2F%2Fx%3Fsecret%3Da%252Fb... */
};

/* What some bytes of the text mean. */
struct piece {
    char meant[4]; /* a byte, or a character in UTF-8 */
    size_t count;  /* of `meant` */
    size_t len;    /* of the text; never less than count; 0 at its end */
    bool plus;     /* a '+': a blank in a form, itself in many a query */
};

/* The layer below. */
static struct piece read_piece(slice text, size_t at, const enum layer *layers);

static bool is(const struct piece *p, char c) { return p->count == 1 && p->meant[0] == c; }

/* `digits` hex digits from `at` on; *len: how much of the text they take. */
static bool read_hex(slice text, size_t at, const enum layer *below, int digits, uint32_t *out,
                     size_t *len)
{
    *out = 0;
    *len = 0;
    for (int i = 0; i < digits; i++) {
        uint8_t value;
        size_t bytes;
        struct piece p = read_piece(text, at + *len, below);
        char pair[2] = { '0', p.meant[0] };
        if (p.count != 1 || text_unhex(slice_of(pair, 2), &value, 1, &bytes) != OK) return false;
        *out = *out << 4 | value;
        *len += p.len;
    }
    return true;
}

/* \uXXXX, whose backslash is `first`; two of them for a character beyond the basic plane. */
static struct piece read_unicode(slice text, size_t at, const enum layer *below, struct piece first)
{
    uint32_t code, low;
    size_t len, low_len;
    struct piece u = read_piece(text, at + first.len, below), p = first;
    if (!read_hex(text, at + first.len + u.len, below, 4, &code, &len)) return first;
    p.len = first.len + u.len + len;
    if (code >= 0xd800 && code <= 0xdbff) {
        struct piece slash = read_piece(text, at + p.len, below);
        struct piece again = read_piece(text, at + p.len + slash.len, below);
        size_t head = slash.len + again.len;
        if (!is(&slash, '\\') || !is(&again, 'u') ||
            !read_hex(text, at + p.len + head, below, 4, &low, &low_len) || low < 0xdc00 ||
            low > 0xdfff)
            return first;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        p.len += head + low_len;
    }
    if (code >= 0xdc00 && code <= 0xdfff) return first;
    p.count = text_utf8_put(code, p.meant);
    return p;
}

static struct piece read_json(slice text, size_t at, const enum layer *below)
{
    static const char escaped[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    struct piece p = read_piece(text, at, below);
    if (!is(&p, '\\')) return p;
    struct piece next = read_piece(text, at + p.len, below);
    if (is(&next, 'u')) return read_unicode(text, at, below, p);
    for (size_t i = 0; i + 1 < sizeof escaped; i++) {
        if (!is(&next, escaped[i])) continue;
        p.meant[0] = meant[i];
        p.len += next.len;
        break;
    }
    return p;
}

static struct piece read_form(slice text, size_t at, const enum layer *below)
{
    uint32_t code;
    size_t len;
    struct piece p = read_piece(text, at, below);
    if (is(&p, '%') && read_hex(text, at + p.len, below, 2, &code, &len)) {
        p.meant[0] = (char)code;
        p.len += len;
    } else if (is(&p, '+')) {
        p.meant[0] = ' ';
        p.plus = true;
    }
    return p;
}

static struct piece read_piece(slice text, size_t at, const enum layer *layers)
{
    switch (*layers) {
    case LAYER_JSON: return read_json(text, at, layers + 1);
    case LAYER_FORM: return read_form(text, at, layers + 1);
    case LAYER_END: break;
    }
    struct piece p = { .count = 0 };
    if (at >= text.len) return p;
    p.meant[0] = text.ptr[at];
    p.count = p.len = 1;
    return p;
}

/* How much of the text from `at` on reads as the secret; 0: it does not. */
static size_t match(slice text, size_t at, slice secret, const enum layer *layers)
{
    size_t from = at;
    for (size_t n = 0; n < secret.len;) {
        struct piece p = read_piece(text, at, layers);
        bool same =
            p.count > 0 && p.count <= secret.len - n &&
            (memcmp(p.meant, secret.ptr + n, p.count) == 0 || (p.plus && secret.ptr[n] == '+'));
        if (!same) return 0;
        n += p.count;
        at += p.len;
    }
    return at - from;
}

static bool has_escapes(slice text, const enum layer *layers)
{
    for (; *layers != LAYER_END; layers++) {
        bool form = *layers == LAYER_FORM;
        if (form && slice_find(text, '%') == text.len && slice_find(text, '+') == text.len)
            return false;
        if (!form && layers[1] == LAYER_END && slice_find(text, '\\') == text.len) return false;
    }
    return true;
}

/* The next place that reads as the secret, text.len when there is none; *len: how much it takes. */
static size_t find(slice text, size_t at, slice secret, const enum layer *layers, size_t *len)
{
    while (at < text.len) {
        char c = text.ptr[at];
        bool escape = *layers != LAYER_END && (c == '\\' || c == '%' || c == '+');
        *len = escape || c == secret.ptr[0] ? match(text, at, secret, layers) : 0;
        if (*len > 0) return at;
        at += escape ? read_piece(text, at, layers).len : 1;
    }
    return text.len;
}

static slice hide(slice text, slice secret, const enum layer *layers, struct arena *arena)
{
    const slice mask = SLICE("***");
    _Static_assert(SECRET_LEN_MIN >= 3, "the mask is no longer than what it hides");
    size_t len = 0, n = 0, from = 0, at = find(text, 0, secret, layers, &len);
    if (at == text.len) return text;
    char *out = arena_raw(arena, text.len);
    if (!out) return mask;
    for (;;) {
        memcpy(out + n, text.ptr + from, at - from);
        n += at - from;
        if (at == text.len) return slice_of(out, n);
        memcpy(out + n, mask.ptr, mask.len);
        n += mask.len;
        from = at + len;
        at = find(text, from, secret, layers, &len);
    }
}

slice secret_hide(slice text, slice secret, struct arena *arena)
{
    if (secret.len < SECRET_LEN_MIN) return text;
    for (size_t i = 0; i < ARRAY_LEN(readings); i++)
        if (has_escapes(text, readings[i])) text = hide(text, secret, readings[i], arena);
    return text;
}
