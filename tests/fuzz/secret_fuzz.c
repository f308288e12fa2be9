/* secret_fuzz.c: whatever the text, the secret does not stand in what is shown; nor does it when it is written with escapes.
 *
 * Input: one byte for the length of the secret, the secret, the text. */
#include "base/secret.h"

#include "fuzz.h"

/* The secret with every byte escaped. */
static slice escaped(slice secret, const char *form, struct arena *a)
{
    struct buf b = buf_in(a, 6 * secret.len);
    for (size_t i = 0; i < secret.len; i++) buf_printf(&b, form, (unsigned char)secret.ptr[i]);
    return buf_slice(&b);
}

static void check(slice before, slice middle, slice after, slice secret, struct arena *a)
{
    struct buf b = buf_in(a, before.len + middle.len + after.len);
    buf_add(&b, before);
    buf_add(&b, middle);
    buf_add(&b, after);
    slice text = buf_slice(&b), shown = secret_hide(text, secret, a);
    CHECK(shown.len <= text.len);
    /* What the mask itself is part of may read as the secret again. */
    if (slice_find(secret, '*') == secret.len) CHECK(slice_find_slice(shown, secret) == shown.len);
    if (middle.len > 0) CHECK(slice_find_slice(shown, SLICE("***")) < shown.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const slice none = { "", 0 };
    struct arena a;
    if (size < 1) return 0;
    arena_init(&a, FUZZ_ARENA_BYTES);
    slice rest = slice_of(data + 1, size - 1), secret = slice_sub(rest, 0, data[0] % 32u);
    slice text = slice_sub(rest, secret.len, rest.len);
    if (secret.len >= SECRET_LEN_MIN && text.len < 100000) {
        bool ascii = true;
        for (size_t i = 0; i < secret.len; i++)
            ascii = ascii && (unsigned char)secret.ptr[i] < 0x80;
        check(none, none, text, secret, &a);
        /* Quotes end what came before them: the escapes are not torn. */
        if (ascii) check(SLICE("\""), escaped(secret, "\\u%04x", &a), SLICE("\""), secret, &a);
        check(SLICE("\""), escaped(secret, "%%%02X", &a), SLICE("\""), secret, &a);
    }
    arena_free(&a);
    return 0;
}
