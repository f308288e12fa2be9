/* meta_capi.c: the Meta Conversions API as a destination kind: which events become which of Meta's,
 * once each.
 *
 * Why the key is "<event name>:<order>": Meta takes the first of two events with one name and one
 * event_id within 48 hours. Making event_id from the order, fixed when the delivery is created,
 * lets a repeated message, a second gateway, a resend by hand and the browser's pixel all count
 * once. Guide: docs/destinations/meta-capi.md. */
#include "dests/meta_capi.h"

#include "base/text.h"
#include "crypto/hash.h"
#include "dests/meta_params.h"

enum {
    META_BODY_MAX =
        4 * 1024 *
        1024, /* bytes of a request; Meta publishes no figure, 1000 events take about 2 MiB */
    META_NAME_MAX = 100, /* longest event name */
    TOKEN_MAX = 1024,
};
#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)
#define EVENT_AGE_MAX_MS (7 * DAY_MS)
#define STORE_EVENT_AGE_MAX_MS (62 * DAY_MS) /* action_source physical_store */
#define DEDUPE_WINDOW_MS (2 * DAY_MS)

static const char *const external_id_choices[] = { "both", "external_id", "contact", NULL };

static const struct setting settings[] = {
    [META_PIXEL_ID] = { "pixel_id", SETTING_TEXT, .required = true, .max = 20,
                        .help = "Id of the pixel or dataset, digits only (Events Manager > "
                                "Settings)." },
    [META_ACCESS_TOKEN] = { "access_token", SETTING_TEXT, .required = true, .secret = true,
                            .max = TOKEN_MAX,
                            .help = "Token of the Conversions API (Events Manager > Settings > "
                                    "Generate access token)." },
    [META_APP_SECRET] = { "app_secret", SETTING_TEXT, .secret = true, .max = 256,
                          .help = "Secret of the app; only when the app demands appsecret_proof." },
    [META_API_VERSION] = { "api_version", SETTING_TEXT, .fallback = "v25.0", .max = 8,
                           .help = "Version of the Graph API, such as v25.0." },
    [META_BASE_URL] = { "base_url", SETTING_URL, .fallback = "https://graph.facebook.com",
                        .help = "Where the Graph API is; for tests and gateways." },
    [META_TEST_EVENT_CODE] = { "test_event_code", SETTING_TEXT, .max = 64,
                               .help = "Shows events under Test events. They still count: leave it "
                                       "empty in production." },
    [META_MAP] = { "map", SETTING_MAP,
                   .help = "Event type to Meta's event name; replaces single entries of the "
                           "default, an empty name removes one, * is the event's own." },
    [META_ACTION_SOURCE] = { "action_source", SETTING_CHOICE, .fallback = "website",
                             .choices = meta_params_action_sources,
                             .help =
                                 "Where the events happen; renewals are always system_generated." },
    [META_EVENT_SOURCE_URL] = { "event_source_url", SETTING_URL,
                                .help = "Page of website events that name none themselves." },
    [META_EXTERNAL_ID_FROM] = { "external_id_from", SETTING_CHOICE, .fallback = "both",
                                .choices = external_id_choices,
                                .help = "What external_id is: your own id of the person, Malote's "
                                        "contact id, or both." },
    [META_COUNTRY] = { "country", SETTING_TEXT, .max = 2,
                       .help = "Country of contacts that have none, two letters, such as br." },
    [META_OPT_OUT] = { "opt_out", SETTING_BOOL,
                       .help = "true: use events for attribution only, not for delivery of ads." },
    [META_DATA_PROCESSING] = { "data_processing_options", SETTING_LIST, .max = 16,
                               .help = "[\"LDU\"] limits data use, [] says explicitly that it is "
                                       "not limited; absent: nothing is sent." },
    [META_DATA_PROCESSING_COUNTRY] = { "data_processing_options_country", SETTING_INT,
                                       .fallback = "0", .min = 0, .max = 1,
                                       .help = "With LDU: 1 = USA, 0 = Meta finds out." },
    [META_DATA_PROCESSING_STATE] = { "data_processing_options_state", SETTING_INT, .fallback = "0",
                                     .min = 0, .max = 1013,
                                     .help = "With LDU: 1000 = California and so on, 0 = Meta "
                                             "finds out." },
    [META_BATCH_SIZE] = { "batch_size", SETTING_INT, .fallback = "50", .min = 1, .max = BATCH_MAX,
                          .help = "Most events of one request." },
    [META_LINGER_MS] = { "linger_ms", SETTING_INT, .fallback = "200", .min = 0, .max = 60000,
                         .help = "How long to wait for more events before a request, in ms." },
};
_Static_assert(ARRAY_LEN(settings) == META_SETTING_COUNT, "every setting has its row");

/* In `map`: the name that the event itself gives (custom.meta.event_name). */
#define OWN_NAME SLICE("*")

static const struct {
    const char *type, *name;
} default_map[] = {
    { "order.paid", "Purchase" },
    { "checkout.abandoned", "Lead" },
    { "order.refused", "Lead" },
    { "lead.created", "Lead" },
};

/* What WhatsApp conversions may be called; anything else fails with subcode 2804066. */
static const char *const messaging_names[] = {
    "Purchase",      "LeadSubmitted", "QualifiedLead",  "InitiateCheckout", "AddToCart",
    "ViewContent",   "OrderCreated",  "OrderShipped",   "OrderDelivered",   "OrderCanceled",
    "OrderReturned", "CartAbandoned", "RatingProvided", "ReviewProvided",
};

/* ---- settings ---- */

static bool is_visible(slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] <= ' ' || s.ptr[i] > '~') return false;
    return s.len > 0;
}

/* "v25.0": letter v, digits, a dot, digits. */
static bool is_version(slice s)
{
    uint64_t n;
    size_t dot = slice_find(s, '.');
    return s.len > 1 && s.ptr[0] == 'v' && text_u64(slice_sub(s, 1, dot), 999, &n, NULL) == OK &&
           text_u64(slice_sub(s, dot + 1, s.len), 999, &n, NULL) == OK;
}

/* Can it be what Meta calls an event? ':' ends it in keys. */
static bool is_event_name(slice name)
{
    return name.len <= META_NAME_MAX && is_visible(name) && slice_find(name, ':') == name.len;
}

static enum err check_map(const struct settings *cfg, struct why *why)
{
    const struct setting_value *map = settings_get(cfg, META_MAP);
    for (size_t i = 0; i < map->count; i++) {
        slice name = map->items[i].value;
        if (name.len > 0 && !is_event_name(name))
            return why_set(
                why, ERR_SYNTAX,
                "setting `map`: an event name has no blank, no ':' and at most %d characters",
                META_NAME_MAX);
    }
    return OK;
}

static enum err capi_check(const struct settings *cfg, struct why *why)
{
    uint64_t n;
    slice base = settings_text(cfg, META_BASE_URL), country = settings_text(cfg, META_COUNTRY);
    slice test_code = settings_text(cfg, META_TEST_EVENT_CODE);
    if (text_u64(settings_text(cfg, META_PIXEL_ID), UINT64_MAX, &n, NULL) != OK)
        return why_set(why, ERR_SYNTAX, "setting `pixel_id`: digits only");
    if (!is_visible(settings_text(cfg, META_ACCESS_TOKEN)))
        return why_set(why, ERR_SYNTAX, "setting `access_token`: a token has no blanks");
    if (!is_version(settings_text(cfg, META_API_VERSION)))
        return why_set(why, ERR_SYNTAX, "setting `api_version`: must look like v25.0");
    if (slice_find(base, '?') < base.len || slice_find(base, '#') < base.len)
        return why_set(why, ERR_SYNTAX, "setting `base_url`: no query and no fragment");
    if (test_code.len > 0 && !is_visible(test_code))
        return why_set(why, ERR_SYNTAX, "setting `test_event_code`: no blanks");
    if (country.len == 1)
        return why_set(why, ERR_SYNTAX, "setting `country`: two letters are expected");
    const struct setting_value *options = settings_get(cfg, META_DATA_PROCESSING);
    for (size_t i = 0; i < options->count; i++)
        if (!slice_eq(options->items[i].value, SLICE("LDU")))
            return why_set(why, ERR_SYNTAX, "setting `data_processing_options`: only LDU is known");
    return check_map(cfg, why);
}

static void capi_batch(const struct settings *cfg, size_t *max, int64_t *linger_ms)
{
    *max = (size_t)settings_i64(cfg, META_BATCH_SIZE);
    *linger_ms = settings_i64(cfg, META_LINGER_MS);
}

/* Meta's name for an event type; empty when this destination has none. */
static slice meta_name(const struct settings *cfg, slice type, json *root)
{
    slice given = settings_map_get(cfg, META_MAP, type);
    if (slice_eq(given, OWN_NAME)) {
        slice own = json_str(json_at(root, SLICE("/custom/meta/event_name")));
        return is_event_name(own) ? own : (slice){ NULL, 0 };
    }
    if (given.ptr) return given;
    for (size_t i = 0; i < ARRAY_LEN(default_map); i++)
        if (slice_eq(type, slice_str(default_map[i].type))) return slice_str(default_map[i].name);
    return (slice){ NULL, 0 };
}

/* ---- identity ---- */

/* What the event is about: the order, else the checkout, else the event itself. Both of the first
 * two are known to a browser. */
static slice subject_of(json *root, slice event_id)
{
    static const char *const pointers[] = { "/order/number", "/checkout/number", "/key" };
    for (size_t i = 0; i < ARRAY_LEN(pointers); i++) {
        slice text = json_text(json_at(root, slice_str(pointers[i])));
        if (text.len > 0) return text;
    }
    return event_id;
}

/* A messaging event that Meta could credit to no conversation: most orders of a shop are such, and none of them is a failure. */
static bool is_uncredited(json *root, const struct settings *cfg, const struct outgoing_event *e)
{
    slice source = json_str(json_at(root, SLICE("/custom/meta/action_source")));
    if (source.len == 0) source = settings_text(cfg, META_ACTION_SOURCE);
    if (!slice_eq(source, SLICE("business_messaging"))) return false;
    const struct meta_ad ad =
        meta_ad_of(root, e->occurred_ms > 0 ? e->occurred_ms : e->received_ms);
    slice channel = meta_ad_channel(root, &ad);
    return channel.len == 0 || (slice_eq(channel, SLICE("whatsapp")) && ad.clid.len == 0);
}

static enum err capi_delivery_key(const struct outgoing_event *e, const struct settings *cfg,
                                  struct arena *arena, slice *key, struct why *why)
{
    json *root;
    *key = (slice){ NULL, 0 };
    enum err rc = json_parse(e->data, arena, &root, why);
    if (rc != OK) return rc;
    slice name = meta_name(cfg, e->type, root);
    if (name.len == 0)
        return why_set(why, ERR_MISSING, "no event name in `map` for this event type");
    if (slice_eq(json_text(json_at(root, SLICE("/contact/consent"))), SLICE("denied")))
        return why_set(why, ERR_MISSING, "the person has refused the use of data for advertising");
    if (is_uncredited(root, cfg, e))
        return why_set(why, ERR_MISSING, "no click on a click-to-WhatsApp ad within 7 days before");
    slice subject = subject_of(root, e->id);
    char hex[HASH_SHA256_HEX];
    /* The key goes out in clear as event_id: what is too long, or holds an e-mail address, goes as
     * its digest. */
    if (name.len + 1 + subject.len > DELIVERY_KEY_MAX || slice_find(subject, '@') < subject.len)
        subject = hash_sha256_hex(subject, hex);
    *key = arena_printf(arena, "%.*s:%.*s", SLICE_ARG(name), SLICE_ARG(subject));
    return key->ptr ? OK : why_set(why, ERR_LIMIT, "no memory left for the delivery's key");
}

/* Meta's name for the event is the key up to its first ':'. Not the map's answer of today: the map
 * may have changed since the delivery was created, the key never does. */
static slice name_of_key(slice key) { return slice_sub(key, 0, slice_find(key, ':')); }

/* ---- admission ---- */

static struct verdict dead(const char *reason) { return verdict_of(VERDICT_DEAD, 0, "%s", reason); }

static bool is_messaging_name(slice name)
{
    for (size_t i = 0; i < ARRAY_LEN(messaging_names); i++)
        if (slice_eq(name, slice_str(messaging_names[i]))) return true;
    return false;
}

/* Repeating is only safe while Meta remembers the event_id, and for messaging events it never
 * does. */
static const char *repeat_fault(const struct outgoing_delivery *d, const struct meta_event *m,
                                int64_t now_ms)
{
    if (!d->outcome_unknown || d->first_attempt_ms == 0) return NULL;
    if (slice_eq(m->action_source, SLICE("business_messaging")))
        return "outcome unknown: Meta does not recognise repeated messaging events, repeating "
               "could count twice";
    if (now_ms - d->first_attempt_ms > DEDUPE_WINDOW_MS)
        return "outcome unknown for 48 h: repeating could count twice";
    return NULL;
}

static const char *content_fault(struct meta_event *m, int64_t now_ms)
{
    bool store = slice_eq(m->action_source, SLICE("physical_store"));
    if (m->time_ms < now_ms - (store ? STORE_EVENT_AGE_MAX_MS : EVENT_AGE_MAX_MS))
        return store ? "older than 62 days: Meta would refuse it"
                     : "older than 7 days: Meta would refuse it";
    if (slice_eq(json_text(json_at(m->root, SLICE("/contact/consent"))), SLICE("denied")))
        return "the person has refused the use of data for advertising";
    if (slice_eq(m->action_source, SLICE("business_messaging")) && !is_messaging_name(m->name))
        return "Meta knows no messaging event of this name";
    if (!slice_eq(m->name, SLICE("Purchase"))) return NULL;
    int64_t cents;
    struct meta_normal currency;
    if (meta_params_is_automatic(m))
        return meta_params_has_own_money(m) ? NULL : "a Purchase without value and currency";
    if (!json_i64(json_at(m->root, SLICE("/order/amount")), &cents))
        return "order without an amount: Meta must not be told a guessed value";
    if (cents < 0) return "order with a negative amount: a Purchase has none";
    slice code = json_text(json_at(m->root, SLICE("/order/currency")));
    if (meta_normalise(META_FIELD_CURRENCY, code, &m->work, &currency) == OK &&
        currency.usable != META_TEXT)
        return "order without a currency: Meta must not be told a guessed value";
    return NULL;
}

static struct verdict capi_admit(const struct outgoing_delivery *d, const struct settings *cfg,
                                 int64_t now_ms, struct arena *arena)
{
    struct meta_event m;
    struct why why = { .code = OK };
    enum err rc =
        meta_params_read(&m, cfg, &d->event, name_of_key(d->key), d->key, now_ms, arena, &why);
    if (rc == ERR_SYNTAX)
        return verdict_of(VERDICT_DEAD, 0, "the event cannot be read: %s", why.text);
    const char *fault = rc == OK ? repeat_fault(d, &m, now_ms) : NULL;
    if (rc == OK && !fault) fault = content_fault(&m, now_ms);
    if (fault) return dead(fault);
    struct buf scratch = buf_in(arena, META_BODY_MAX);
    if (rc == OK) rc = meta_params_identify(&m, &scratch);
    /* A full arena is no fault of the event's: render meets it again and says so, and the queue
     * sends fewer at once. */
    if (rc == OK && !meta_params_identified(&m))
        return dead("nothing in it that identifies a person to Meta: it would refuse the event");
    return verdict_of(VERDICT_DELIVERED, 0, "%s", "");
}

/* ---- requests ---- */

/* Method, address and headers; the token stands in a header, since URLs get logged. */
static bool begin(struct outgoing *out, slice method, const char *rest, const struct settings *cfg,
                  struct arena *arena)
{
    slice base = settings_text(cfg, META_BASE_URL);
    while (base.len > 0 && base.ptr[base.len - 1] == '/') base.len--;
    *out = (struct outgoing){ .method = method };
    out->url = arena_printf(arena, "%.*s/%.*s/%.*s%s", SLICE_ARG(base),
                            SLICE_ARG(settings_text(cfg, META_API_VERSION)),
                            SLICE_ARG(settings_text(cfg, META_PIXEL_ID)), rest);
    slice bearer =
        arena_printf(arena, "Bearer %.*s", SLICE_ARG(settings_text(cfg, META_ACCESS_TOKEN)));
    if (!out->url.ptr || !bearer.ptr) return false;
    outgoing_header(out, "Authorization", bearer, true);
    outgoing_header(out, "User-Agent", SLICE("Malote/" MALOTE_VERSION), false);
    return true;
}

/* Ends the body begun with {"data":[ by what belongs to the whole request. */
static void end_body(struct buf *b, const struct settings *cfg)
{
    uint8_t mac[HASH_BYTES_MAX];
    char hex[2 * HASH_BYTES_MAX];
    slice secret = settings_text(cfg, META_APP_SECRET),
          token = settings_text(cfg, META_ACCESS_TOKEN);
    json_end_array(b);
    json_put_opt(b, "test_event_code", settings_text(cfg, META_TEST_EVENT_CODE));
    if (secret.len > 0) {
        size_t len = hash_hmac(HASH_SHA256, secret, &token, 1, mac);
        json_put_str(b, "appsecret_proof", text_hex(slice_of(mac, len), hex));
    }
    json_end_object(b);
}

static enum err capi_render(struct outgoing_delivery *d, size_t count, const struct settings *cfg,
                            int64_t now_ms, struct arena *arena, struct outgoing *out,
                            struct why *why)
{
    struct {
        size_t from, to;
    } *parts = arena_alloc_array(arena, sizeof *parts, count);
    if (!parts || !begin(out, SLICE("POST"), "/events", cfg, arena))
        return why_set(why, ERR_LIMIT, "no memory left for the request");
    struct buf b = buf_in(arena, META_BODY_MAX);
    json_begin_object(&b, NULL);
    json_begin_array(&b, "data");
    for (size_t i = 0; i < count; i++) {
        struct meta_event m;
        enum err rc = meta_params_read(&m, cfg, &d[i].event, name_of_key(d[i].key), d[i].key,
                                       now_ms, arena, why);
        if (rc != OK) return rc;
        parts[i].from = b.len + (i > 0); /* behind the comma */
        rc = meta_params_write(&m, &b);
        if (rc != OK) return why_set(why, rc, "the request is larger than allowed");
        parts[i].to = b.len;
    }
    end_body(&b, cfg);
    if (!buf_ok(&b)) return why_set(why, ERR_LIMIT, "the request is larger than allowed");
    out->body = buf_slice(&b);
    for (size_t i = 0; i < count; i++) d[i].part = slice_sub(out->body, parts[i].from, parts[i].to);
    outgoing_header(out, "Content-Type", SLICE("application/json"), false);
    return OK;
}

/* With a test_event_code: one event that Events Manager shows under Test events. Without: the
 * dataset's name, which sends nothing but needs a right to read that a token made for events alone
 * may lack. */
static enum err capi_probe(const struct settings *cfg, int64_t now_ms, uint64_t nonce,
                           struct arena *arena, struct outgoing *out, struct why *why)
{
    bool post = settings_text(cfg, META_TEST_EVENT_CODE).len > 0;
    if (!begin(out, post ? SLICE("POST") : SLICE("GET"), post ? "/events" : "?fields=id,name", cfg,
               arena))
        return why_set(why, ERR_LIMIT, "no memory left for the request");
    if (!post) return OK;
    slice person, id = arena_printf(arena, "malote.probe:%016llx", (unsigned long long)nonce);
    struct buf work = meta_normalise_work(arena);
    enum err rc = meta_normalise_hash(META_FIELD_EM, SLICE("probe@malote.example"), &work, &person);
    if (rc != OK || !id.ptr) return why_set(why, ERR_LIMIT, "no memory left for the request");
    struct buf b = buf_in(arena, META_BODY_MAX);
    json_begin_object(&b, NULL);
    json_begin_array(&b, "data");
    json_begin_object(&b, NULL);
    json_put_str(&b, "event_name", SLICE("MaloteProbe"));
    json_put_i64(&b, "event_time", now_ms / 1000);
    json_put_str(&b, "event_id", id);
    json_put_str(&b, "action_source", SLICE("system_generated"));
    json_begin_object(&b, "user_data");
    json_begin_array(&b, "em");
    json_put_str(&b, NULL, person);
    json_end_array(&b);
    json_end_object(&b);
    json_end_object(&b);
    end_body(&b, cfg);
    if (!buf_ok(&b)) return why_set(why, ERR_LIMIT, "no memory left for the request");
    out->body = buf_slice(&b);
    outgoing_header(out, "Content-Type", SLICE("application/json"), false);
    return OK;
}

const struct dest_kind dest_meta_capi = {
    .name = "meta-capi",
    .abi = DEST_ABI,
    .title = "Meta Conversions API",
    .settings = settings,
    .setting_count = META_SETTING_COUNT,
    .check = capi_check,
    .batch = capi_batch,
    .delivery_key = capi_delivery_key,
    .admit = capi_admit,
    .render = capi_render,
    .judge = meta_judge,
    .probe = capi_probe,
};
