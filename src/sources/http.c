/* http.c: any platform that posts JSON: who signs how, where the type, the key and the record
 * fields stand, is all settings. How to use it: docs/sources/http.md.
 *
 * Why so: most platforms differ in places and words only; what needs code of its own gets a kind
 * of its own. What no setting names still arrives: the whole JSON is kept as `custom`, so a
 * route can use it. */
#include "base/money.h"
#include "records/fields.h"
#include "sources/clean.h"
#include "sources/source.h"
#include "verify/scheme.h"

enum setting_index {
    SET_SCHEME,
    SET_SECRET,
    SET_HEADER,
    SET_QUERY,
    SET_POINTER,
    SET_PREFIX,
    SET_ALGORITHM,
    SET_ENCODING,
    SET_SIGNED_TEXT,
    SET_TIMESTAMP_HEADER,
    SET_ID_HEADER,
    SET_TOLERANCE,
    SET_TYPE,
    SET_TYPE_POINTER,
    SET_TYPE_MAP,
    SET_KEY_POINTER,
    SET_TIME_POINTER,
    SET_FIELDS,
    SET_AMOUNT_UNIT,
    SET_CURRENCY,
    SET_COUNT
};

/* In the order of enum hash_kind. */
static const char *const algorithms[] = { "sha1", "sha256", "sha512", NULL };
static const char *const encodings[] = { "hex", "base64", NULL };
static const char *const amount_units[] = { "reais", "cents", NULL };

enum { PLACE_MAX = 128, CURRENCY_LEN = 3 };

static const struct setting settings[] = {
    [SET_SCHEME] = { .name = "scheme",
                     .type = SETTING_CHOICE,
                     .required = true,
                     .choices = scheme_name,
                     .help = "How requests prove where they come from; `none` only behind an "
                             "unguessable path." },
    [SET_SECRET] = { .name = "secret",
                     .type = SETTING_LIST,
                     .secret = true,
                     .help = "Secret, token or public key; two while it is being changed." },
    [SET_HEADER] = { .name = "header",
                     .type = SETTING_TEXT,
                     .max = PLACE_MAX,
                     .help = "token, hmac: header that holds the token or signature." },
    [SET_QUERY] = { .name = "query",
                    .type = SETTING_TEXT,
                    .max = PLACE_MAX,
                    .help = "token, hmac: query parameter that holds it instead." },
    [SET_POINTER] = { .name = "pointer",
                      .type = SETTING_TEXT,
                      .max = PLACE_MAX,
                      .help = "token: JSON Pointer to it in the body instead." },
    [SET_PREFIX] = { .name = "prefix",
                     .type = SETTING_TEXT,
                     .max = PLACE_MAX,
                     .help = "token, hmac: text in front of it, such as `sha256=` or `Bearer `." },
    [SET_ALGORITHM] = { .name = "algorithm",
                        .type = SETTING_CHOICE,
                        .fallback = "sha256",
                        .choices = algorithms,
                        .help = "hmac: digest." },
    [SET_ENCODING] = { .name = "encoding",
                       .type = SETTING_CHOICE,
                       .fallback = "hex",
                       .choices = encodings,
                       .help = "hmac: how the signature is written." },
    [SET_SIGNED_TEXT] = { .name = "signed_text",
                          .type = SETTING_TEXT,
                          .max = PLACE_MAX,
                          .help = "hmac: what is signed; {body}, {timestamp} and {id} are "
                                  "replaced. Default {body}." },
    [SET_TIMESTAMP_HEADER] = { .name = "timestamp_header",
                               .type = SETTING_TEXT,
                               .max = PLACE_MAX,
                               .help = "hmac: header with the Unix time that is signed along." },
    [SET_ID_HEADER] = { .name = "id_header",
                        .type = SETTING_TEXT,
                        .max = PLACE_MAX,
                        .help = "hmac: header with the id that is signed along." },
    [SET_TOLERANCE] = { .name = "tolerance",
                        .type = SETTING_INT,
                        .fallback = "0",
                        .max = SCHEME_TOLERANCE_MAX_S,
                        .help =
                            "Seconds a signature may be old or early; 0: the scheme's own (300)." },
    [SET_TYPE] = { .name = "type",
                   .type = SETTING_TEXT,
                   .max = EVENT_TYPE_MAX,
                   .help = "Event type of every request, or of those where type_pointer finds "
                           "nothing." },
    [SET_TYPE_POINTER] = { .name = "type_pointer",
                           .type = SETTING_TEXT,
                           .help = "JSON Pointer to the platform's own word for what happened." },
    [SET_TYPE_MAP] = { .name = "type_map",
                       .type = SETTING_MAP,
                       .help =
                           "The platform's word -> our type; other words become `http.<word>`." },
    [SET_KEY_POINTER] = { .name = "key_pointer",
                          .type = SETTING_TEXT,
                          .help = "JSON Pointer to the event's id; without it equal bodies are one "
                                  "event." },
    [SET_TIME_POINTER] = { .name = "time_pointer",
                           .type = SETTING_TEXT,
                           .help = "JSON Pointer to when it happened; without it the time of "
                                   "receipt is taken." },
    [SET_FIELDS] = { .name = "fields",
                     .type = SETTING_MAP,
                     .help = "Our field (contact.email, order.number, order.amount, ...) -> JSON "
                             "Pointer." },
    [SET_AMOUNT_UNIT] = { .name = "amount_unit",
                          .type = SETTING_CHOICE,
                          .fallback = "reais",
                          .choices = amount_units,
                          .help = "What the amounts count." },
    [SET_CURRENCY] = { .name = "currency",
                       .type = SETTING_TEXT,
                       .fallback = "BRL",
                       .max = CURRENCY_LEN,
                       .help = "Currency of the amounts, where no field says it." },
};
_Static_assert(ARRAY_LEN(settings) == SET_COUNT, "every setting is in the table");

/* What our own types say about the records they come with. */
static const struct {
    slice type;
    enum order_status order;
    enum subscription_status subscription;
} states[] = {
    { SLICE_INIT("order.created"), ORDER_CREATED, SUBSCRIPTION_NONE },
    { SLICE_INIT("order.pending"), ORDER_PENDING, SUBSCRIPTION_NONE },
    { SLICE_INIT("order.refused"), ORDER_REFUSED, SUBSCRIPTION_NONE },
    { SLICE_INIT("order.cancelled"), ORDER_CANCELLED, SUBSCRIPTION_NONE },
    { SLICE_INIT("order.paid"), ORDER_PAID, SUBSCRIPTION_NONE },
    { SLICE_INIT("order.delivered"), ORDER_DELIVERED, SUBSCRIPTION_NONE },
    { SLICE_INIT("order.refunded"), ORDER_REFUNDED, SUBSCRIPTION_NONE },
    { SLICE_INIT("order.chargeback"), ORDER_CHARGEBACK, SUBSCRIPTION_NONE },
    { SLICE_INIT("subscription.created"), ORDER_NONE, SUBSCRIPTION_ACTIVE },
    { SLICE_INIT("subscription.renewed"), ORDER_PAID, SUBSCRIPTION_ACTIVE },
    { SLICE_INIT("subscription.resumed"), ORDER_NONE, SUBSCRIPTION_ACTIVE },
    { SLICE_INIT("subscription.past_due"), ORDER_NONE, SUBSCRIPTION_PAST_DUE },
    { SLICE_INIT("subscription.paused"), ORDER_NONE, SUBSCRIPTION_PAUSED },
    { SLICE_INIT("subscription.cancelled"), ORDER_NONE, SUBSCRIPTION_CANCELLED },
};

/* ---- verify ---- */

static struct scheme scheme_of(const struct settings *cfg)
{
    const struct setting_value *secrets = settings_get(cfg, SET_SECRET);
    struct scheme s = {
        .secrets = secrets->items,
        .secret_count = secrets->count,
        .tolerance_s = settings_i64(cfg, SET_TOLERANCE),
        .header = settings_text(cfg, SET_HEADER),
        .query = settings_text(cfg, SET_QUERY),
        .pointer = settings_text(cfg, SET_POINTER),
        .prefix = settings_text(cfg, SET_PREFIX),
        .base64 = slice_eq(settings_text(cfg, SET_ENCODING), SLICE("base64")),
        .template = settings_text(cfg, SET_SIGNED_TEXT),
        .timestamp_header = settings_text(cfg, SET_TIMESTAMP_HEADER),
        .id_header = settings_text(cfg, SET_ID_HEADER),
    };
    CHECK(scheme_find(settings_text(cfg, SET_SCHEME),
                      &s.kind)); /* the table of settings allows no other word */
    for (size_t i = 0; algorithms[i]; i++)
        if (slice_eq(settings_text(cfg, SET_ALGORITHM), slice_str(algorithms[i])))
            s.hash = (enum hash_kind)i;
    return s;
}

static enum err verify(struct request *r, const struct settings *cfg, int64_t now_ms,
                       struct arena *arena, struct why *why)
{
    const struct scheme s = scheme_of(cfg);
    return scheme_verify(&s, r, now_ms, arena, why);
}

/* ---- field names of the settings ---- */

enum owner { OWNER_CONTACT, OWNER_ORDER, OWNER_SUBSCRIPTION, OWNER_CHECKOUT, OWNER_ITEM };

/* One name of the `fields` setting: a contact field, a member of a record, or (both NULL and -1)
 * its amount. */
struct target {
    enum owner owner;
    int contact; /* enum contact_field, or -1 */
    const struct field *field;
};

static bool find_member(const struct fields *fields, slice name, const struct field **out)
{
    for (size_t i = 0; i < fields->count; i++) {
        if (!slice_eq(name, slice_str(fields->at[i].name))) continue;
        *out = &fields->at[i];
        return true;
    }
    return slice_eq(name, SLICE("amount")) && fields != &fields_checkout;
}

/* The one item of an order: these four names, kept in the same table form as the other records. */
static const struct field item_field[] = {
    { "id", FIELD_TEXT, offsetof(struct order_item, id), 0 },
    { "name", FIELD_TEXT, offsetof(struct order_item, name), 0 },
    { "quantity", FIELD_INT, offsetof(struct order_item, quantity), 0 },
    { "price", FIELD_INT, offsetof(struct order_item, price), -1 },
};
static const struct fields item_fields = { item_field, ARRAY_LEN(item_field) };

static bool find_target(slice name, struct target *out)
{
    static const struct {
        slice prefix;
        enum owner owner;
        const struct fields *fields;
    } owners[] = {
        { SLICE_INIT("order.item."), OWNER_ITEM, &item_fields }, /* before the shorter one */
        { SLICE_INIT("order."), OWNER_ORDER, &fields_order },
        { SLICE_INIT("subscription."), OWNER_SUBSCRIPTION, &fields_subscription },
        { SLICE_INIT("checkout."), OWNER_CHECKOUT, &fields_checkout },
    };
    *out = (struct target){ .contact = -1 };
    if (slice_starts(name, SLICE("contact."))) {
        name = slice_sub(name, SLICE("contact.").len, name.len);
        for (int i = 0; i < CONTACT_FIELD_COUNT; i++)
            if (slice_eq(name, slice_str(contact_field_name[i]))) out->contact = i;
        return out->contact >= 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(owners); i++) {
        if (!slice_starts(name, owners[i].prefix)) continue;
        out->owner = owners[i].owner;
        name = slice_sub(name, owners[i].prefix.len, name.len);
        if (find_member(owners[i].fields, name, &out->field))
            return out->owner != OWNER_ITEM || out->field;
        return false;
    }
    return false;
}

static bool is_type(slice type)
{
    if (type.len == 0 || type.len > EVENT_TYPE_MAX || event_is_own(type)) return false;
    for (size_t i = 0; i < type.len; i++) {
        char c = type.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.'))
            return false;
    }
    return true;
}

static enum err check_fields(const struct settings *cfg, struct why *why)
{
    const struct setting_value *fields = settings_get(cfg, SET_FIELDS);
    bool needs[OWNER_ITEM + 1] = { false }, named[OWNER_ITEM + 1] = { false };
    for (size_t i = 0; i < fields->count; i++) {
        struct target t;
        slice name = fields->items[i].name, pointer = fields->items[i].value;
        if (!find_target(name, &t))
            return why_set(why, ERR_SYNTAX, "setting `fields`: no field `%.*s`",
                           SLICE_ARG(slice_sub(name, 0, 60)));
        if (pointer.len == 0 || pointer.ptr[0] != '/')
            return why_set(why, ERR_SYNTAX, "setting `fields`: a JSON Pointer begins with /");
        if (t.contact >= 0) continue;
        needs[t.owner == OWNER_ITEM ? OWNER_ORDER : t.owner] = true;
        if (t.owner != OWNER_ITEM && t.field && strcmp(t.field->name, "number") == 0)
            named[t.owner] = true;
    }
    static const char *const owner_name[] = { "contact", "order", "subscription", "checkout" };
    for (size_t i = 0; i < ARRAY_LEN(owner_name); i++)
        if (needs[i] && !named[i])
            return why_set(why, ERR_SYNTAX,
                           "setting `fields`: %s.number is needed, it says which one",
                           owner_name[i]);
    return OK;
}

static enum err check(const struct settings *cfg, struct why *why)
{
    static const enum setting_index pointers[] = { SET_TYPE_POINTER, SET_KEY_POINTER,
                                                   SET_TIME_POINTER };
    const struct scheme s = scheme_of(cfg);
    enum err rc = scheme_check(&s, why);
    if (rc != OK) return rc;
    for (size_t i = 0; i < ARRAY_LEN(pointers); i++) {
        slice pointer = settings_text(cfg, pointers[i]);
        if (pointer.len > 0 && pointer.ptr[0] != '/')
            return why_set(why, ERR_SYNTAX, "setting `%s`: a JSON Pointer begins with /",
                           settings[pointers[i]].name);
    }
    const struct setting_value *map = settings_get(cfg, SET_TYPE_MAP);
    slice type = settings_text(cfg, SET_TYPE), currency = settings_text(cfg, SET_CURRENCY);
    bool has_pointer = settings_text(cfg, SET_TYPE_POINTER).len > 0;
    if (type.len == 0 && !has_pointer)
        return why_set(why, ERR_SYNTAX, "one of `type` and `type_pointer` is needed");
    if (map->count > 0 && !has_pointer)
        return why_set(why, ERR_SYNTAX, "setting `type_map` needs `type_pointer`");
    bool good = type.len == 0 || is_type(type);
    for (size_t i = 0; i < map->count; i++) good = good && is_type(map->items[i].value);
    if (!good)
        return why_set(why, ERR_SYNTAX, "a type is 1 to %d of a-z, 0-9, _ and ., not malote.*",
                       EVENT_TYPE_MAX);
    for (size_t i = 0; i < currency.len; i++)
        if (currency.len != CURRENCY_LEN || currency.ptr[i] < 'A' || currency.ptr[i] > 'Z')
            return why_set(why, ERR_SYNTAX, "setting `currency`: three capital letters");
    return check_fields(cfg, why);
}

/* ---- split and interpret ---- */

static enum err split(struct request *r, const struct settings *cfg, struct arena *arena,
                      struct event_list *out, struct why *why)
{
    struct cleaner cl = { .arena = arena };
    json *root = NULL;
    slice word = { NULL, 0 }, id = { NULL, 0 };
    char hex[HASH_SHA256_HEX];
    enum err rc = request_json(r, arena, &root, why);
    if (rc != OK) return rc;
    slice type_pointer = settings_text(cfg, SET_TYPE_POINTER),
          key_pointer = settings_text(cfg, SET_KEY_POINTER);
    slice time_pointer = settings_text(cfg, SET_TIME_POINTER);
    if (type_pointer.len > 0) word = clean_id(&cl, json_at(root, type_pointer));
    if (key_pointer.len > 0) id = clean_id(&cl, json_at(root, key_pointer));
    struct event *e = event_list_add(out, arena);
    if (!e) return why_set(why, ERR_LIMIT, "too many events");
    e->type =
        word.len > 0 ? settings_map_get(cfg, SET_TYPE_MAP, word) : settings_text(cfg, SET_TYPE);
    if (e->type.len == 0)
        e->type = clean_type(&cl, SLICE("http"), word.len > 0 ? word : SLICE("event"));
    e->name = word;
    e->locator = SLICE("");
    /* The word is part of the key: an order's id comes again with every step of the order. */
    const slice by_id[] = { word, id },
                by_body[] = { SLICE("body"), hash_sha256_hex(r->body, hex) };
    if (id.len == 0)
        e->key = event_key(arena, by_body, 2);
    else
        e->key = word.len > 0 ? event_key(arena, by_id, 2) : event_key(arena, by_id + 1, 1);
    e->occurred_ms = time_pointer.len > 0 ? clean_time(json_at(root, time_pointer)) : 0;
    if (!e->key.ptr) cl.full = true;
    return clean_end(&cl, why);
}

/* Records that are being filled; those without a number are dropped at the end. */
struct draft {
    struct contact *contact;
    struct order *order;
    struct order_item *item;
    struct subscription *subscription;
    struct checkout *checkout;
};

static bool draft_new(struct draft *d, struct arena *arena)
{
    d->contact = arena_new(arena, struct contact, 1);
    d->order = order_new(arena);
    d->item = arena_new(arena, struct order_item, 1);
    d->subscription = arena_new(arena, struct subscription, 1);
    d->checkout = checkout_new(arena);
    if (!d->contact || !d->order || !d->item || !d->subscription || !d->checkout) return false;
    *d->item = (struct order_item){ .quantity = 1, .price = -1 };
    return true;
}

static void *draft_of(const struct draft *d, enum owner owner)
{
    switch (owner) {
    case OWNER_ORDER: return d->order;
    case OWNER_ITEM: return d->item;
    case OWNER_SUBSCRIPTION: return d->subscription;
    case OWNER_CHECKOUT: return d->checkout;
    case OWNER_CONTACT: break;
    }
    return d->contact;
}

static int64_t read_money(const struct settings *cfg, json *v)
{
    int64_t cents = 0;
    if (!slice_eq(settings_text(cfg, SET_AMOUNT_UNIT), SLICE("cents"))) return clean_money(v);
    return money_cents_from_json(v, &cents, NULL) == OK ? cents : -1;
}

static void fill_amount(const struct draft *d, enum owner owner, int64_t cents)
{
    if (cents < 0) return;
    if (owner == OWNER_ORDER) {
        d->order->has_amount = true;
        d->order->amount = cents;
    } else {
        d->subscription->has_amount = true;
        d->subscription->amount = cents;
    }
}

static void fill(struct cleaner *cl, const struct settings *cfg, const struct draft *d,
                 const struct target *t, json *v)
{
    enum { COUNT_MAX = 1000000 };
    if (t->contact >= 0) {
        clean_contact_value(cl, d->contact, (enum contact_field)t->contact, v);
        return;
    }
    if (!t->field) {
        fill_amount(d, t->owner, read_money(cfg, v));
        return;
    }
    char *at = (char *)draft_of(d, t->owner) + t->field->offset;
    bool number = strcmp(t->field->name, "number") == 0;
    switch (t->field->type) {
    case FIELD_TEXT: *(slice *)(void *)at = number ? clean_id(cl, v) : clean_value(cl, v); break;
    case FIELD_TIME: *(int64_t *)(void *)at = clean_time(v); break;
    case FIELD_BOOL: *(bool *)(void *)at = json_truth(v); break;
    case FIELD_INT: /* amounts are unknown at -1, counts at 0 */
        if (t->field->unknown == -1)
            *(int64_t *)(void *)at = read_money(cfg, v);
        else if (clean_count(v, COUNT_MAX) > 0)
            *(int64_t *)(void *)at = clean_count(v, COUNT_MAX);
        break;
    }
}

/* The records that have a number, with what the event's type says about their state. */
static void finish(struct cleaner *cl, const struct draft *d, const struct event *e, slice currency,
                   struct changes *out)
{
    clean_contact_end(cl, d->contact);
    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        if (!slice_eq(e->type, states[i].type)) continue;
        d->order->status = states[i].order;
        d->subscription->status = states[i].subscription;
    }
    if (slice_eq(e->type, SLICE("checkout.abandoned"))) d->checkout->abandoned = true;
    if (d->order->has_amount && d->order->currency.len == 0) d->order->currency = currency;
    if (d->subscription->has_amount && d->subscription->currency.len == 0)
        d->subscription->currency = currency;
    if (d->checkout->list_price >= 0 && d->checkout->currency.len == 0)
        d->checkout->currency = currency;
    if (d->item->id.len + d->item->name.len > 0) {
        d->order->items = d->item;
        d->order->item_count = 1;
    }
    if (clean_contact_known(d->contact)) out->contact = d->contact;
    if (d->order->number.len > 0) out->order = d->order;
    if (d->subscription->number.len > 0) out->subscription = d->subscription;
    if (d->checkout->number.len > 0) out->checkout = d->checkout;
}

/* The whole body as an object: it is that already, or becomes {"body": ...}. */
static slice read_custom(struct cleaner *cl, json *root)
{
    slice text = clean_json(cl, root);
    if (yyjson_is_obj(root) || text.len == 0) return text;
    slice wrapped = arena_printf(cl->arena, "{\"body\":%.*s}", SLICE_ARG(text));
    if (!wrapped.ptr) cl->full = true;
    return wrapped;
}

static enum err interpret(struct request *r, const struct event *e, const struct settings *cfg,
                          struct arena *arena, struct changes *out, struct why *why)
{
    struct cleaner cl = { .arena = arena };
    const struct setting_value *fields = settings_get(cfg, SET_FIELDS);
    struct draft d;
    json *root = NULL;
    *out = (struct changes){ 0 };
    enum err rc = request_json(r, arena, &root, why);
    if (rc != OK) return rc;
    out->custom = read_custom(&cl, root);
    if (!draft_new(&d, arena)) return why_set(why, ERR_LIMIT, "arena full");
    for (size_t i = 0; i < fields->count; i++) {
        struct target t;
        json *v = json_at(root, fields->items[i].value);
        if (v && find_target(fields->items[i].name, &t)) fill(&cl, cfg, &d, &t, v);
    }
    finish(&cl, &d, e, settings_text(cfg, SET_CURRENCY), out);
    return clean_end(&cl, why);
}

static bool path_is_secret(const struct settings *cfg)
{
    return scheme_of(cfg).kind == SCHEME_NONE;
}

const struct source_kind source_http = {
    .name = "http",
    .abi = SOURCE_ABI,
    .title = "Any JSON webhook",
    .settings = settings,
    .setting_count = ARRAY_LEN(settings),
    .overload = OVERLOAD_REFUSE,
    .rank = ORIGIN_PLATFORM,
    .check = check,
    .path_is_secret = path_is_secret,
    .verify = verify,
    .split = split,
    .interpret = interpret,
};
