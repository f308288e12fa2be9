/* verify_fuzz.c: any header, query, secret and body through every scheme. The input is lines:
 * scheme number, signature, timestamp, id, query, secret, then the body. Properties: the same
 * verdict twice, a reason with every no, and a changed body never passes where the body is
 * signed. */
#include "fuzz.h"

#include "verify/scheme.h"

/* Where the schemes look; the same value stands in all of them. */
static const char *const signature_headers[] = {
    "webhook-signature",     "svix-signature", "stripe-signature",  "x-hub-signature-256",
    "x-shopify-hmac-sha256", "x-signature",    "x-cakto-signature", "x-webhook-signature",
    "x-openpix-signature",   "x-own",
};
static const char *const timestamp_headers[] = { "webhook-timestamp", "svix-timestamp",
                                                 "x-cakto-timestamp", "x-time" };
static const char *const id_headers[] = { "webhook-id", "svix-id", "x-request-id" };

enum { HEADERS_MAX = 24, LINES = 6 };

static size_t add(struct header *headers, size_t count, const char *const *names, size_t name_count,
                  slice value)
{
    if (value.len == 0) return count; /* absent */
    for (size_t i = 0; i < name_count; i++)
        headers[count++] = (struct header){ slice_str(names[i]), value };
    return count;
}

static bool signs_body(enum scheme_kind kind)
{
    return kind != SCHEME_NONE && kind != SCHEME_TOKEN && kind != SCHEME_MERCADO_PAGO;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct header headers[HEADERS_MAX];
    slice lines[LINES] = { { NULL, 0 } }, body = slice_of(data, size);
    for (size_t i = 0; i < LINES; i++)
        if (!slice_cut(&body, '\n', &lines[i])) return 0;
    size_t count = add(headers, 0, signature_headers, ARRAY_LEN(signature_headers), lines[1]);
    count = add(headers, count, timestamp_headers, ARRAY_LEN(timestamp_headers), lines[2]);
    count = add(headers, count, id_headers, ARRAY_LEN(id_headers), lines[3]);
    struct setting_pair secret = { .value = lines[5] };
    struct scheme s = { .secrets = &secret, .secret_count = 1 };
    s.kind =
        (enum scheme_kind)((lines[0].len ? (unsigned char)lines[0].ptr[0] : 0u) % SCHEME_COUNT);
    if (s.kind == SCHEME_HMAC) {
        s.header = SLICE("x-own");
        s.hash = HASH_SHA256;
        s.timestamp_header = SLICE("x-time");
        s.template = SLICE("{timestamp}.{body}");
    }
    if (s.kind == SCHEME_TOKEN) s.query = SLICE("signature");
    if (lines[5].len > SETTING_TEXT_MAX) return 0;
    arena_init(&a, FUZZ_ARENA_BYTES);
    struct request r = {
        .headers = headers, .header_count = count, .query = lines[4], .body = body
    };
    struct request same = r;
    struct why why = { 0 };
    enum err rc = scheme_verify(&s, &r, 1773144000000, &a, &why);
    CHECK(rc == OK || (rc == ERR_DENIED && why.text[0] != 0));
    CHECK(scheme_verify(&s, &same, 1773144000000, &a, NULL) == rc);
    bool proved_by_body = s.kind == SCHEME_CAKTO && lines[1].len + lines[2].len == 0;
    if (rc == OK && signs_body(s.kind) && !proved_by_body) {
        struct request longer = r;
        longer.body = arena_printf(&a, "%.*s ", SLICE_ARG(body));
        CHECK(scheme_verify(&s, &longer, 1773144000000, &a, NULL) == ERR_DENIED);
        CHECK(lines[5].len > 0);
    }
    arena_free(&a);
    return 0;
}
