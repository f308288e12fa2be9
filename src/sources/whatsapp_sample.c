/* whatsapp_sample.c: a signed body as Meta sends it, for `malote send`. It counts like a real one: a person, a message, a ticket. */
#include "crypto/hash.h"
#include "base/text.h"
#include "sources/whatsapp.h"

enum { SAMPLE_MAX = 4096 };

static void put_item(struct buf *b, bool status, uint64_t nonce, int64_t now_ms)
{
    json_begin_object(b, NULL);
    json_put_str(b, "id", arena_printf(b->arena, "wamid.sample%llu", (unsigned long long)nonce));
    json_put_str(b, "timestamp", arena_printf(b->arena, "%lld", (long long)(now_ms / 1000)));
    if (status) {
        json_put_str(b, "status", SLICE("delivered"));
        json_put_str(b, "recipient_id", SLICE("5511999990001"));
    } else {
        json_put_str(b, "from", SLICE("5511999990001"));
        json_put_str(b, "type", SLICE("text"));
        json_begin_object(b, "text");
        json_put_str(b, "body", SLICE("Olá! Isto é um teste."));
        json_end_object(b);
    }
    json_end_object(b);
}

static void put_value(struct buf *b, const struct settings *cfg, bool status, uint64_t nonce,
                      int64_t now_ms)
{
    const struct setting_value *numbers = settings_get(cfg, WA_NUMBERS);
    json_begin_object(b, "metadata");
    json_put_str(b, "display_phone_number", SLICE("5511955550100"));
    json_put_str(b, "phone_number_id",
                 numbers->count ? numbers->items[0].value : SLICE("106540352242922"));
    json_end_object(b);
    json_begin_array(b, status ? "statuses" : "messages");
    put_item(b, status, nonce, now_ms);
    json_end_array(b);
}

/* "sha256=" and the HMAC over the body. */
static slice signature(slice secret, slice body, struct arena *arena)
{
    uint8_t mac[HASH_BYTES_MAX];
    char hex[HASH_SHA256_HEX];
    size_t len = hash_hmac(HASH_SHA256, secret, &body, 1, mac);
    slice text = text_hex(slice_of(mac, len), hex);
    return arena_printf(arena, "sha256=%.*s", SLICE_ARG(text));
}

enum err whatsapp_sample(slice name, const struct settings *cfg, int64_t now_ms, uint64_t nonce,
                         struct arena *arena, struct sample *out, struct why *why)
{
    const struct setting_value *secrets = settings_get(cfg, WA_APP_SECRET);
    bool status = slice_eq(name, SLICE("status"));
    if (name.len > 0 && !status && !slice_eq(name, SLICE("text")))
        return why_set(why, ERR_MISSING, "known are text and status");
    if (secrets->count == 0) return why_set(why, ERR_MISSING, "the source has no secret");
    struct buf b = buf_in(arena, SAMPLE_MAX);
    json_begin_object(&b, NULL);
    json_put_str(&b, "object", SLICE("whatsapp_business_account"));
    json_begin_array(&b, "entry");
    json_begin_object(&b, NULL);
    json_put_str(&b, "id", SLICE("0"));
    json_begin_array(&b, "changes");
    json_begin_object(&b, NULL);
    json_put_str(&b, "field", SLICE("messages"));
    json_begin_object(&b, "value");
    put_value(&b, cfg, status, nonce, now_ms);
    json_end_object(&b);
    json_end_object(&b);
    json_end_array(&b);
    json_end_object(&b);
    json_end_array(&b);
    json_end_object(&b);
    *out = (struct sample){ .query = SLICE(""), .body = buf_slice(&b), .header_count = 2 };
    out->headers[0] = (struct header){ SLICE("Content-Type"), SLICE("application/json") };
    out->headers[1] = (struct header){ SLICE("X-Hub-Signature-256"),
                                       signature(secrets->items[0].value, out->body, arena) };
    return buf_ok(&b) && out->headers[1].value.ptr ? OK : why_set(why, ERR_LIMIT, "arena full");
}
