/* cakto.c: Cakto, a Brazilian sales platform. Facts and what is not verified:
 * docs/sources/cakto.md.
 *
 * Way: {secret, event, data} -> the row of `words` for the event's exact word -> record changes.
 * `data` is one order, or a list with the main order and its bumps, which is one sale; carts
 * have a shape of their own.
 * Why so: Cakto takes every answer for a delivery, so a request that cannot be kept must not be
 * answered at all (OVERLOAD_CUT), and one bad field must never cost the order: fields of a wrong
 * type count as absent. */
#include "base/text.h"
#include "base/time.h"
#include "crypto/hash.h"
#include "sources/cakto.h"
#include "sources/clean.h"
#include "verify/scheme.h"

static const struct setting settings[] = {
    [SET_SECRET] = { .name = "secret",
                     .type = SETTING_LIST,
                     .required = true,
                     .secret = true,
                     .max = 256,
                     .help = "Secret of the webhook at Cakto; two while it is being changed." },
    [SET_TOLERANCE] = { .name = "tolerance",
                        .type = SETTING_INT,
                        .fallback = "300",
                        .min = 30,
                        .max = SCHEME_TOLERANCE_MAX_S,
                        .help = "Seconds a header signature may be old or early." },
    [SET_SIGNED_ONLY] = { .name = "signed_only",
                          .type = SETTING_BOOL,
                          .fallback = "false",
                          .help =
                              "Refuse requests that prove themselves by the body's secret only." },
    [SET_RENEWALS_BY_PERIOD] = { .name = "renewals_by_period",
                                 .type = SETTING_BOOL,
                                 .fallback = "false",
                                 .help = "purchase_approved of a later period of a subscription "
                                         "is subscription.renewed, not order.paid." },
    [SET_PRODUCTS] = { .name = "products",
                       .type = SETTING_LIST,
                       .max = CLEAN_ID_MAX,
                       .help = "Ids or short ids of the products that count; others become "
                               "cakto.test." },
};
_Static_assert(ARRAY_LEN(settings) == SET_COUNT, "every setting is in the table");

/* subscription_created comes beside purchase_approved for the same order, so it says nothing
 * about the order's state: one sale, not two. A refused renewal is tried again by Cakto: past
 * due, not cancelled. */
static const struct cakto_word words[] = {
#define WORD(w, t, ...)                                                                            \
    {                                                                                              \
        .word = SLICE_INIT(w), .type = SLICE_INIT(t), __VA_ARGS__                                  \
    }
    WORD("purchase_approved", "order.paid", .order = ORDER_PAID, .when = WHEN_PAID),
    WORD("pix_gerado", "order.pending", .order = ORDER_PENDING, .when = WHEN_CREATED),
    WORD("boleto_gerado", "order.pending", .order = ORDER_PENDING, .when = WHEN_CREATED),
    WORD("picpay_gerado", "order.pending", .order = ORDER_PENDING, .when = WHEN_CREATED),
    WORD("openfinance_nubank_gerado", "order.pending", .order = ORDER_PENDING,
         .when = WHEN_CREATED),
    WORD("purchase_refused", "order.refused", .order = ORDER_REFUSED, .when = WHEN_CREATED),
    WORD("refund", "order.refunded", .order = ORDER_REFUNDED, .when = WHEN_REFUNDED),
    WORD("refund_requested", "order.refund_requested", .when = WHEN_RECEIVED),
    WORD("chargeback", "order.chargeback", .order = ORDER_CHARGEBACK, .when = WHEN_CHARGEBACK),
    WORD("initiate_checkout", "checkout.started", .cart = true, .when = WHEN_CREATED),
    WORD("checkout_abandonment", "checkout.abandoned", .cart = true, .when = WHEN_CREATED),
    WORD("subscription_created", "subscription.created", .subscription = SUBSCRIPTION_ACTIVE,
         .when = WHEN_PAID),
    WORD("subscription_renewed", "subscription.renewed", .order = ORDER_PAID,
         .subscription = SUBSCRIPTION_ACTIVE, .when = WHEN_PAID),
    WORD("subscription_canceled", "subscription.cancelled", .subscription = SUBSCRIPTION_CANCELLED,
         .when = WHEN_CANCELLED),
    WORD("subscription_renewal_refused", "subscription.past_due", .order = ORDER_REFUSED,
         .subscription = SUBSCRIPTION_PAST_DUE, .when = WHEN_CREATED),
    WORD("subscription_late", "subscription.past_due", .subscription = SUBSCRIPTION_PAST_DUE,
         .per_period = true),
    WORD("subscription_late_recovered", "subscription.renewed", .order = ORDER_PAID,
         .subscription = SUBSCRIPTION_ACTIVE, .when = WHEN_PAID, .per_period = true),
    WORD("subscription_paused", "subscription.paused", .subscription = SUBSCRIPTION_PAUSED,
         .per_period = true),
    WORD("subscription_resumed", "subscription.resumed", .subscription = SUBSCRIPTION_ACTIVE,
         .per_period = true),
#undef WORD
};

static const slice type_test = SLICE_INIT("cakto.test"),
                   type_renewed = SLICE_INIT("subscription.renewed");

const struct cakto_word *cakto_find(slice word)
{
    if (word.len == 0) return &words[0];
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (slice_eq(word, words[i].word)) return &words[i];
    return NULL;
}

/* ---- the body ---- */

/* A body taken apart. `main` is the order that counts as the sale; NULL when `data` holds no
 * object. */
struct body {
    slice event;
    json *data, *main;
};

/* Steps through the order of a body, or the orders of a list. */
static json *member(const struct body *b, size_t index)
{
    if (yyjson_is_arr(b->data)) return yyjson_arr_get(b->data, index);
    return index == 0 ? b->data : NULL;
}

/* In a list: the order of type "main", which need not be first; else the one without a parent;
 * else the first. */
static json *find_main(const struct body *b)
{
    json *parentless = NULL, *first = NULL, *o;
    for (size_t i = 0; (o = member(b, i)); i++) {
        if (!yyjson_is_obj(o)) continue;
        if (slice_eq(json_get_text(o, "offer_type"), SLICE("main"))) return o;
        if (!parentless && json_get_text(o, "parent_order").len == 0) parentless = o;
        if (!first) first = o;
    }
    return parentless ? parentless : first;
}

static enum err read_body(struct request *r, struct cleaner *cl, struct body *b, struct why *why)
{
    json *root = NULL;
    *b = (struct body){ 0 };
    enum err rc = request_json(r, cl->arena, &root, why);
    if (rc != OK) return rc;
    b->event = clean_id(cl, json_get(root, "event"));
    b->data = json_get(root, "data");
    if (yyjson_is_arr(b->data) && yyjson_arr_size(b->data) > ORDER_ITEMS_MAX)
        return why_set(why, ERR_LIMIT, "`data` lists more than %d orders", ORDER_ITEMS_MAX);
    b->main = find_main(b);
    if (cl->full) return clean_end(cl, why);
    return b->event.len > 0 ? OK : why_set(why, ERR_SYNTAX, "the body has no `event` word");
}

static json *subscription_of(const struct body *b) { return json_get(b->main, "subscription"); }

/* Cakto's word decides what an event is; but a sample of purchase_approved with current_period 8
 * was seen (whether each renewal comes so is not verified). Sellers who see it set
 * `renewals_by_period`: then it is a renewal from the second period on, unless it says that it
 * is the first payment (after a trial). */
static bool is_renewal(const struct body *b)
{
    json *s = subscription_of(b);
    int64_t period = 0, payments = 2;
    if (!json_i64(json_get(s, "current_period"), &period)) return false;
    (void)json_i64(json_get(s, "paid_payments_quantity"), &payments);
    return period > 1 && payments > 1;
}

/* An order of none of the products in the settings: other accounts' products, and Cakto's test
 * button. */
static bool is_foreign(const struct settings *cfg, const struct body *b)
{
    const struct setting_value *products = settings_get(cfg, SET_PRODUCTS);
    json *product = json_get(b->main, "product");
    slice id = json_get_text(product, "id"), short_id = json_get_text(product, "short_id");
    if (products->count == 0 || id.len + short_id.len == 0) return false;
    for (size_t i = 0; i < products->count; i++) {
        slice known = products->items[i].value;
        if (known.len > 0 && (slice_eq(known, id) || slice_eq(known, short_id))) return false;
    }
    return true;
}

/* ---- verify and split ---- */

static enum err verify(struct request *r, const struct settings *cfg, int64_t now_ms,
                       struct arena *arena, struct why *why)
{
    const struct setting_value *secrets = settings_get(cfg, SET_SECRET);
    const struct scheme scheme = { .kind = SCHEME_CAKTO,
                                   .secrets = secrets->items,
                                   .secret_count = secrets->count,
                                   .tolerance_s = settings_i64(cfg, SET_TOLERANCE) };
    if (settings_bool(cfg, SET_SIGNED_ONLY) &&
        request_header_count(r, SLICE("x-cakto-signature")) == 0)
        return why_set(why, ERR_DENIED, "missing_signature");
    return scheme_verify(&scheme, r, now_ms, arena, why);
}

static enum err check(const struct settings *cfg, struct why *why)
{
    const struct setting_value *secrets = settings_get(cfg, SET_SECRET);
    const struct scheme scheme = { .kind = SCHEME_CAKTO,
                                   .secrets = secrets->items,
                                   .secret_count = secrets->count };
    return scheme_check(&scheme, why);
}

static int64_t occurred(enum cakto_when when, json *order)
{
    int64_t created = clean_time(json_get(order, "createdAt")), at = 0;
    switch (when) {
    case WHEN_RECEIVED: return 0;
    case WHEN_CREATED: return created;
    case WHEN_PAID: at = clean_time(json_get(order, "paidAt")); return at ? at : created;
    case WHEN_REFUNDED: return clean_time(json_get(order, "refundedAt"));
    case WHEN_CHARGEBACK: return clean_time(json_get(order, "chargedbackAt"));
    case WHEN_CANCELLED:
        at = clean_time(json_get(order, "canceledAt"));
        return at ? at : clean_time(json_get(json_get(order, "subscription"), "canceledAt"));
    }
    return 0;
}

/* E-mail of a cart, lower case; else the phone. */
static slice cart_person(struct cleaner *cl, json *cart)
{
    slice who = clean_value(cl, json_get(cart, "customerEmail"));
    if (who.len == 0) who = clean_value(cl, json_get(json_get(cart, "customer"), "email"));
    if (who.len == 0) who = clean_value(cl, json_get(cart, "customerCellphone"));
    slice lower = who.len > 0 ? text_lower(who, cl->arena) : who;
    if (who.len > 0 && !lower.ptr) cl->full = true;
    return lower;
}

/* Carts have no id: e-mail, offer and time of creation stand for it, the e-mail as a digest so
 * that keys hold no personal data. Empty without a time, as one person may leave many carts. */
static slice cart_number(struct cleaner *cl, json *cart)
{
    enum { PERSON_DIGITS = 32 };
    char hex[HASH_SHA256_HEX];
    slice who = cart_person(cl, cart);
    slice parts[] = { who, clean_id(cl, json_get(json_get(cart, "offer"), "id")),
                      clean_id(cl, json_get(cart, "createdAt")) };
    if (parts[2].len == 0) return (slice){ NULL, 0 };
    if (who.len > 0) parts[0] = slice_sub(hash_sha256_hex(who, hex), 0, PERSON_DIGITS);
    slice number = event_key(cl->arena, parts, ARRAY_LEN(parts));
    if (!number.ptr) cl->full = true;
    return number;
}

/* Which thing of its kind an event is about: order id, cart number, or a digest of the body. */
static enum err identity(struct request *r, const struct body *b, const struct cakto_word *w,
                         struct cleaner *cl, slice *out, struct why *why)
{
    *out = clean_id(cl, json_get(b->main, "id"));
    if (out->len > 0) return OK;
    if (cl->full) return clean_end(cl, why);
    if (w && !w->cart) {
        if (!b->main) return why_set(why, ERR_SYNTAX, "`data` holds no order");
        return why_set(why, ERR_SYNTAX, "the order has no usable `id`");
    }
    if (w) *out = cart_number(cl, b->main);
    if (out->len > 0) return OK;
    char hex[HASH_SHA256_HEX];
    *out = arena_dup(cl->arena, hash_sha256_hex(r->body, hex));
    if (!out->ptr) cl->full = true;
    return OK;
}

static enum err split(struct request *r, const struct settings *cfg, struct arena *arena,
                      struct event_list *out, struct why *why)
{
    struct cleaner cl = { .arena = arena };
    struct body b;
    slice what;
    enum err rc = read_body(r, &cl, &b, why);
    if (rc != OK) return rc;
    const struct cakto_word *w = cakto_find(b.event);
    rc = identity(r, &b, w, &cl, &what, why);
    if (rc != OK) return rc;
    slice key[] = { b.event, what, clean_id(&cl, json_get(subscription_of(&b), "current_period")) };
    struct event *e = event_list_add(out, arena);
    if (!e) return why_set(why, ERR_LIMIT, "too many events");
    e->name = b.event;
    e->locator = SLICE("");
    e->key = event_key(arena, key, w && w->per_period && key[2].len > 0 ? 3 : 2);
    e->type = w ? w->type : clean_type(&cl, SLICE("cakto"), b.event);
    if (w && w->order == ORDER_PAID && settings_bool(cfg, SET_RENEWALS_BY_PERIOD) && is_renewal(&b))
        e->type = type_renewed;
    if (is_foreign(cfg, &b)) e->type = type_test;
    e->occurred_ms = w ? occurred(w->when, b.main) : 0;
    if (!e->key.ptr || !e->type.ptr) cl.full = true;
    return clean_end(&cl, why);
}

/* ---- interpret ---- */

static slice text_at(struct cleaner *cl, json *v, const char *key)
{
    return clean_value(cl, json_get(v, key));
}

/* Keys of contact fields; in an order they stand in `customer` or beside it, in a cart they have
 * names of their own. Names of address keys are not verified. */
struct contact_key {
    const char *key;
    enum contact_field field;
};
static const struct contact_key customer_keys[] = {
    { "name", CONTACT_name },
    { "email", CONTACT_email },
    { "phone", CONTACT_phone },
    { "docNumber", CONTACT_document },
    { "birthDate", CONTACT_birth_date },
};
static const struct contact_key order_keys[] = {
    { "customerName", CONTACT_name },
    { "customerEmail", CONTACT_email },
    { "customerCellphone", CONTACT_phone },
    { "utm_source", CONTACT_utm_source },
    { "utm_medium", CONTACT_utm_medium },
    { "utm_campaign", CONTACT_utm_campaign },
    { "utm_term", CONTACT_utm_term },
    { "utm_content", CONTACT_utm_content },
    { "fbc", CONTACT_fbc },
    { "fbp", CONTACT_fbp },
};
static const struct contact_key address_keys[] = {
    { "street", CONTACT_street }, { "city", CONTACT_city },       { "state", CONTACT_state },
    { "zipcode", CONTACT_zip },   { "zipCode", CONTACT_zip },     { "zip_code", CONTACT_zip },
    { "cep", CONTACT_zip },       { "country", CONTACT_country },
};

static void read_keys(struct cleaner *cl, json *v, const struct contact_key *keys, size_t count,
                      struct contact *c)
{
    for (size_t i = 0; i < count; i++)
        if (c->field[keys[i].field].len == 0)
            clean_contact_value(cl, c, keys[i].field, json_get(v, keys[i].key));
}

static enum err read_contact(struct cleaner *cl, json *order, struct contact **out, struct why *why)
{
    struct contact *c = arena_new(cl->arena, struct contact, 1);
    if (!c) return why_set(why, ERR_LIMIT, "arena full");
    json *customer = json_get(order, "customer");
    json *addresses[] = { json_get(order, "address"), json_get(customer, "address"),
                          json_get(order, "shipping") };
    read_keys(cl, customer, customer_keys, ARRAY_LEN(customer_keys), c);
    read_keys(cl, order, order_keys, ARRAY_LEN(order_keys), c);
    for (size_t i = 0; i < ARRAY_LEN(addresses); i++)
        read_keys(cl, addresses[i], address_keys, ARRAY_LEN(address_keys), c);
    clean_contact_end(cl, c);
    *out = clean_contact_known(c) ? c : NULL;
    return OK;
}

/* Adds a part to a sum; -1 on either side: the sum is unknown. */
static int64_t plus(int64_t sum, int64_t part)
{
    return sum < 0 || part < 0 ? -1 : sum + part; /* MONEY_CENTS_MAX times ORDER_ITEMS_MAX fits */
}

/* Items, and the money of all members: the main order and its bumps are one charge. */
static enum err read_items(struct cleaner *cl, const struct body *b, struct order *o,
                           struct why *why)
{
    int64_t amount = 0;
    json *m;
    size_t room = yyjson_is_arr(b->data) ? yyjson_arr_size(b->data)
                                         : 1; /* split checked it against ORDER_ITEMS_MAX */
    o->items = arena_new(cl->arena, struct order_item, room ? room : 1);
    if (!o->items) return why_set(why, ERR_LIMIT, "arena full");
    o->base_amount = o->discount = o->fees = 0;
    for (size_t i = 0; (m = member(b, i)); i++) {
        if (!yyjson_is_obj(m)) continue;
        struct order_item *item = &o->items[o->item_count++];
        json *product = json_get(m, "product");
        bool typed = json_get_text(m, "offer_type").len > 0;
        item->id = text_at(cl, product, "id");
        if (item->id.len == 0) item->id = text_at(cl, product, "short_id");
        item->name = text_at(cl, product, "name");
        item->quantity = 1;
        item->price =
            clean_money(json_get(m, "amount")); /* what was charged; offer.price is a price tag */
        item->kind = m != b->main                      ? SLICE("bump")
                     : typed || yyjson_is_arr(b->data) ? SLICE("main")
                                                       : SLICE("");
        amount = plus(amount, item->price);
        o->base_amount = plus(o->base_amount, clean_money(json_get(m, "baseAmount")));
        o->discount = plus(o->discount, clean_money(json_get(m, "discount")));
        o->fees = plus(o->fees, clean_money(json_get(m, "fees")));
    }
    o->has_amount = amount >= 0;
    o->amount = o->has_amount ? amount : 0;
    return OK;
}

static slice subscription_number(struct cleaner *cl, const struct body *b)
{
    json *s = subscription_of(b);
    return clean_id(cl, yyjson_is_obj(s) ? json_get(s, "id") : s);
}

static enum err read_order(struct cleaner *cl, const struct body *b, const struct cakto_word *w,
                           struct order **out, struct why *why)
{
    struct order *o = order_new(cl->arena);
    json *m = b->main;
    if (!o) return why_set(why, ERR_LIMIT, "arena full");
    enum err rc = read_items(cl, b, o, why);
    if (rc != OK) return rc;
    o->number = clean_id(cl, json_get(m, "id"));
    o->reference = text_at(cl, m, "refId");
    o->status = w->order;
    o->currency = SLICE("BRL");
    o->payment_method = text_at(cl, m, "paymentMethod");
    o->installments = clean_count(json_get(m, "installments"), CLEAN_INSTALLMENTS_MAX);
    o->coupon = text_at(cl, m, "couponCode");
    o->checkout_url = text_at(cl, m, "checkoutUrl");
    o->reason = text_at(cl, m, "reason");
    if (o->reason.len == 0) o->reason = text_at(cl, m, "refund_reason");
    o->sck = text_at(cl, m, "sck");
    o->callback = text_at(cl, m, "callback");
    o->subscription = subscription_number(cl, b);
    o->created_ms = clean_time(json_get(m, "createdAt"));
    o->paid_ms = clean_time(json_get(m, "paidAt"));
    o->refunded_ms = clean_time(json_get(m, "refundedAt"));
    o->chargeback_ms = clean_time(json_get(m, "chargedbackAt"));
    o->cancelled_ms = clean_time(json_get(m, "canceledAt"));
    *out = o;
    return OK;
}

static enum subscription_status read_status(json *s)
{
    /* "inactive" is left out: what it means is not verified. */
    static const struct {
        slice word;
        enum subscription_status status;
    } statuses[] = {
        { SLICE_INIT("active"), SUBSCRIPTION_ACTIVE },
        { SLICE_INIT("trial"), SUBSCRIPTION_TRIAL },
        { SLICE_INIT("late"), SUBSCRIPTION_PAST_DUE },
        { SLICE_INIT("paused"), SUBSCRIPTION_PAUSED },
        { SLICE_INIT("canceled"), SUBSCRIPTION_CANCELLED },
        { SLICE_INIT("expired"), SUBSCRIPTION_EXPIRED },
    };
    slice word = json_str(json_get(s, "status"));
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
        if (slice_eq(word, statuses[i].word)) return statuses[i].status;
    return SUBSCRIPTION_NONE;
}

static enum err read_subscription(struct cleaner *cl, const struct body *b,
                                  const struct cakto_word *w, struct subscription **out,
                                  struct why *why)
{
    enum { PERIOD_MAX = 100000, PERIOD_DAYS_MAX = 36600 };
    json *s = subscription_of(b), *product = json_get(b->main, "product");
    slice number = subscription_number(cl, b);
    if (number.len == 0) return OK;
    struct subscription *sub = arena_new(cl->arena, struct subscription, 1);
    if (!sub) return why_set(why, ERR_LIMIT, "arena full");
    enum subscription_status said = read_status(s);
    /* The word decides, not the status beside it; but "created" may begin with a trial. */
    bool trial = w->subscription == SUBSCRIPTION_ACTIVE && said == SUBSCRIPTION_TRIAL;
    sub->number = number;
    sub->status = w->subscription == SUBSCRIPTION_NONE || trial ? said : w->subscription;
    sub->period = clean_count(json_get(s, "current_period"), PERIOD_MAX);
    sub->period_days = clean_count(json_get(s, "recurrence_period"), PERIOD_DAYS_MAX);
    int64_t amount = clean_money(json_get(s, "amount"));
    sub->has_amount = amount >= 0;
    sub->amount = sub->has_amount ? amount : 0;
    if (sub->has_amount) sub->currency = SLICE("BRL");
    sub->next_charge_ms = clean_time(json_get(s, "next_payment_date"));
    sub->created_ms = clean_time(json_get(s, "createdAt"));
    sub->cancelled_ms = clean_time(json_get(s, "canceledAt"));
    sub->product_id = text_at(cl, s, "product");
    if (sub->product_id.len == 0) sub->product_id = text_at(cl, product, "id");
    sub->product_name = text_at(cl, product, "name");
    sub->offer_id = text_at(cl, s, "offer");
    if (sub->offer_id.len == 0) sub->offer_id = text_at(cl, json_get(b->main, "offer"), "id");
    *out = sub;
    return OK;
}

static enum err read_checkout(struct cleaner *cl, const struct body *b, const struct cakto_word *w,
                              struct checkout **out, struct why *why)
{
    struct checkout *c = checkout_new(cl->arena);
    json *product = json_get(b->main, "product"), *offer = json_get(b->main, "offer");
    if (!c) return why_set(why, ERR_LIMIT, "arena full");
    c->number = clean_id(cl, json_get(b->main, "id"));
    if (c->number.len == 0) c->number = cart_number(cl, b->main);
    if (c->number.len == 0) return OK;
    c->abandoned = slice_eq(w->type, SLICE("checkout.abandoned"));
    c->url = text_at(cl, b->main, "checkoutUrl");
    c->product_id = text_at(cl, product, "id");
    if (c->product_id.len == 0) c->product_id = text_at(cl, product, "short_id");
    c->product_name = text_at(cl, product, "name");
    c->offer_id = text_at(cl, offer, "id");
    c->offer_name = text_at(cl, offer, "name");
    c->list_price = clean_money(json_get(offer, "price"));
    c->currency = text_at(cl, offer, "currency");
    if (c->currency.len == 0 && c->list_price >= 0) c->currency = SLICE("BRL");
    c->created_ms = clean_time(json_get(b->main, "createdAt"));
    *out = c;
    return OK;
}

/* What else a message to the buyer may need: the means to pay. Older bodies hold the boleto's
 * keys in `data` itself. */
static slice read_custom(struct cleaner *cl, json *order)
{
    static const struct {
        slice pointer;
        const char *name;
    } extras[] = {
        { SLICE_INIT("/pix/qrCode"), "pix_code" },
        { SLICE_INIT("/pix/expirationDate"), "pix_expires_at" },
        { SLICE_INIT("/boleto/barcode"), "boleto_barcode" },
        { SLICE_INIT("/boleto/boletoUrl"), "boleto_url" },
        { SLICE_INIT("/boleto/expirationDate"), "boleto_expires_on" },
        { SLICE_INIT("/barcode"), "boleto_barcode" },
        { SLICE_INIT("/boletoUrl"), "boleto_url" },
        { SLICE_INIT("/expirationDate"), "boleto_expires_on" },
        { SLICE_INIT("/picpay/paymentURL"), "picpay_url" },
        { SLICE_INIT("/picpay/qrCode"), "picpay_code" },
        { SLICE_INIT("/offer/id"), "offer_id" },
        { SLICE_INIT("/offer/name"), "offer_name" },
        { SLICE_INIT("/product/type"), "product_type" },
    };
    struct buf b = buf_in(cl->arena, CLEAN_JSON_MAX);
    bool written[ARRAY_LEN(extras)] = { false }, any = false;
    json_begin_object(&b, NULL);
    for (size_t i = 0; i < ARRAY_LEN(extras); i++) {
        slice value = clean_value(cl, json_at(order, extras[i].pointer));
        for (size_t j = 0; j < i; j++)
            if (written[j] && strcmp(extras[i].name, extras[j].name) == 0)
                value.len = 0; /* the first one counts */
        written[i] = value.len > 0;
        any = any || written[i];
        json_put_opt(&b, extras[i].name, value);
    }
    json_end_object(&b);
    if (!buf_ok(&b)) cl->full = true;
    return any ? buf_slice(&b) : (slice){ NULL, 0 };
}

static enum err interpret(struct request *r, const struct event *e,
                          const struct settings *cfg UNUSED, struct arena *arena,
                          struct changes *out, struct why *why)
{
    struct cleaner cl = { .arena = arena };
    struct body b;
    *out = (struct changes){ 0 };
    enum err rc = read_body(r, &cl, &b, why);
    if (rc != OK || slice_eq(e->type, type_test) || !b.main) return rc;
    const struct cakto_word *w = cakto_find(b.event);
    rc = read_contact(&cl, b.main, &out->contact, why);
    if (rc == OK && w && w->cart) rc = read_checkout(&cl, &b, w, &out->checkout, why);
    if (rc == OK && w && !w->cart) rc = read_order(&cl, &b, w, &out->order, why);
    if (rc == OK && w && !w->cart) rc = read_subscription(&cl, &b, w, &out->subscription, why);
    if (rc == OK && w) out->custom = read_custom(&cl, b.main);
    if (rc == OK) rc = clean_end(&cl, why);
    if (rc == OK && out->order && out->order->number.len == 0)
        rc = why_set(why, ERR_SYNTAX, "the order has no usable `id`");
    return rc;
}

const struct source_kind source_cakto = {
    .name = "cakto",
    .abi = SOURCE_ABI,
    .title = "Cakto",
    .settings = settings,
    .setting_count = ARRAY_LEN(settings),
    .overload = OVERLOAD_CUT,
    .rank = ORIGIN_PLATFORM,
    .check = check,
    .verify = verify,
    .split = split,
    .interpret = interpret,
    .sample = cakto_sample,
};
