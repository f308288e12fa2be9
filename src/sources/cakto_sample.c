/* cakto_sample.c: correctly signed requests as Cakto would send them, for `malote send` and for
 * trying a set-up. */
#include "base/text.h"
#include "crypto/hash.h"
#include "sources/cakto.h"
#include "sources/clean.h"

static void put_sample_subscription(struct buf *b, const struct cakto_word *w, uint64_t nonce,
                                    int64_t now_ms)
{
    enum { MONTH_DAYS = 30 };
    json_begin_object(b, "subscription");
    json_put_str(b, "id",
                 arena_printf(b->arena, "b7c7a7e0-0000-4000-8000-%012llx",
                              (unsigned long long)(nonce & 0xffffffffffff)));
    json_put_str(b, "status",
                 w->subscription == SUBSCRIPTION_CANCELLED ? SLICE("canceled") : SLICE("active"));
    json_put_i64(b, "current_period", slice_eq(w->type, SLICE("subscription.created")) ? 1 : 2);
    json_put_i64(b, "recurrence_period", MONTH_DAYS);
    json_put_str(b, "amount", SLICE("39.90"));
    json_put_time(b, "next_payment_date", now_ms + (int64_t)MONTH_DAYS * 24 * 3600 * 1000);
    json_put_time(b, "createdAt", now_ms);
    if (w->when == WHEN_CANCELLED) json_put_time(b, "canceledAt", now_ms);
    json_end_object(b);
}

static void put_sample_product(struct buf *b, const struct settings *cfg)
{
    const struct setting_value *products = settings_get(cfg, SET_PRODUCTS);
    json_begin_object(b, "product");
    json_put_str(b, "id",
                 products->count > 0 ? products->items[0].value
                                     : SLICE("0d5f7f0e-11aa-4c3e-9a51-0f4b6a4e0001"));
    json_put_str(b, "short_id", SLICE("ExPrd01"));
    json_put_str(b, "name", SLICE("Curso Exemplo"));
    json_end_object(b);
    json_begin_object(b, "offer");
    json_put_str(b, "id", SLICE("exOfr01"));
    json_put_str(b, "name", SLICE("Curso Exemplo"));
    json_put_money(b, "price", 3990);
    json_end_object(b);
}

static void put_sample_order(struct buf *b, const struct cakto_word *w, uint64_t nonce,
                             int64_t now_ms)
{
    json_put_str(b, "id",
                 arena_printf(b->arena, "%08x-0000-4000-8000-%012llx", (unsigned)(nonce >> 32),
                              (unsigned long long)(nonce & 0xffffffffffff)));
    json_put_str(b, "refId", arena_printf(b->arena, "S%06x", (unsigned)(nonce & 0xffffff)));
    json_begin_object(b, "customer");
    json_put_str(b, "name", SLICE("Cliente Exemplo"));
    json_put_str(b, "email", SLICE("cliente.exemplo@example.com"));
    json_put_str(b, "phone", SLICE("5511999990005"));
    json_put_str(b, "docNumber", SLICE("11144477735"));
    json_end_object(b);
    json_put_str(b, "offer_type", SLICE("main"));
    json_put_str(b, "parent_order", SLICE(""));
    json_put_money(b, "baseAmount", 3990);
    json_put_money(b, "amount", 3990);
    json_put_money(b, "fees", 299);
    json_put_str(b, "paymentMethod",
                 w->order == ORDER_REFUSED ? SLICE("credit_card") : SLICE("pix"));
    json_put_i64(b, "installments", 1);
    json_put_time(b, "createdAt", now_ms);
    if (w->when == WHEN_PAID) json_put_time(b, "paidAt", now_ms);
    if (w->when == WHEN_REFUNDED) json_put_time(b, "refundedAt", now_ms);
    if (w->when == WHEN_CHARGEBACK) json_put_time(b, "chargedbackAt", now_ms);
    if (slice_starts(w->word, SLICE("subscription_"))) put_sample_subscription(b, w, nonce, now_ms);
}

static void put_sample_cart(struct buf *b, uint64_t nonce, int64_t now_ms)
{
    json_put_str(b, "customerName", SLICE("Cliente Exemplo"));
    json_put_str(b, "customerEmail",
                 arena_printf(b->arena, "cliente.%llx@example.com", (unsigned long long)nonce));
    json_put_str(b, "customerCellphone", SLICE("11999990005"));
    json_put_time(b, "createdAt", now_ms);
}

/* Both proofs, as Cakto sends them now: the header pair and the secret in the body. */
static void sign_sample(struct sample *out, slice secret, int64_t now_ms, struct cleaner *cl)
{
    uint8_t mac[HASH_BYTES_MAX];
    char hex[2 * HASH_BYTES_MAX];
    slice seconds = arena_printf(cl->arena, "%lld", (long long)(now_ms / 1000));
    slice parts[] = { seconds, SLICE("."), out->body };
    slice digits =
        text_hex(slice_of(mac, hash_hmac(HASH_SHA256, secret, parts, ARRAY_LEN(parts), mac)), hex);
    slice signature = arena_printf(cl->arena, "v1=%.*s", SLICE_ARG(digits));
    if (!seconds.ptr || !signature.ptr) cl->full = true;
    out->headers[0] = (struct header){ SLICE("Content-Type"), SLICE("application/json") };
    out->headers[1] = (struct header){ SLICE("X-Cakto-Timestamp"), seconds };
    out->headers[2] = (struct header){ SLICE("X-Cakto-Signature"), signature };
    out->header_count = 3;
}

enum err cakto_sample(slice name, const struct settings *cfg, int64_t now_ms, uint64_t nonce,
                      struct arena *arena, struct sample *out, struct why *why)
{
    struct cleaner cl = { .arena = arena };
    const struct cakto_word *w = cakto_find(name);
    const struct setting_value *secrets = settings_get(cfg, SET_SECRET);
    if (!w)
        return why_set(
            why, ERR_MISSING,
            "known are purchase_approved, pix_gerado, boleto_gerado, purchase_refused, "
            "refund, chargeback, checkout_abandonment, subscription_* (docs/sources/cakto.md)");
    if (secrets->count == 0) return why_set(why, ERR_MISSING, "the source has no secret");
    struct buf b = buf_in(arena, CLEAN_JSON_MAX);
    json_begin_object(&b, NULL);
    json_put_str(&b, "secret", secrets->items[0].value);
    json_put_str(&b, "event", w->word);
    json_begin_object(&b, "data");
    if (w->cart)
        put_sample_cart(&b, nonce, now_ms);
    else
        put_sample_order(&b, w, nonce, now_ms);
    put_sample_product(&b, cfg);
    json_put_str(&b, "checkoutUrl", SLICE("https://pay.cakto.com.br/exOfr01"));
    json_end_object(&b);
    json_end_object(&b);
    *out = (struct sample){ .query = SLICE(""), .body = buf_slice(&b) };
    if (!buf_ok(&b))
        cl.full = true;
    else
        sign_sample(out, secrets->items[0].value, now_ms, &cl);
    return clean_end(&cl, why);
}
