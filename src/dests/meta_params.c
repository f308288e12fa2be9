/* meta_params.c: the table of the 86 parameters and the writer that walks it.
 *
 * Two ways into a parameter besides its own source: `custom.meta.<name>` always (the sender speaks
 * Meta's words), `custom.<name>` where the row says so: not for names a lead form might use for the
 * person (city, country, status, price), because custom_data is not hashed. Numbers follow the
 * reading of docs/destinations/meta-capi.md, "The 86 parameters". */
#include "dests/meta_params.h"

#include "base/text.h"
#include "dests/meta_values.h"

const char *const meta_params_action_sources[] = { "website",
                                                   "app",
                                                   "email",
                                                   "phone_call",
                                                   "chat",
                                                   "physical_store",
                                                   "system_generated",
                                                   "business_messaging",
                                                   "other",
                                                   NULL };
static const char *const segments[] = {
    "new_customer_to_business",          "new_customer_to_business_line",
    "new_customer_to_product_area",      "new_customer_to_medium",
    "existing_customer_to_business",     "existing_customer_to_business_line",
    "existing_customer_to_product_area", "existing_customer_to_medium",
    "customer_in_loyalty_program",       NULL
};
static const char *const delivery_categories[] = { "in_store", "curbside", "home_delivery", NULL };
static const char *const content_types[] = { "product", "product_group", NULL };

/* clang-format off */
#define EVENT(n, name, put)              { n, name, META_IN_EVENT, META_TYPE_TEXT, 0, false, { NULL }, NULL, put }
#define HASHED(n, name, field, ...)      { n, name, META_IN_USER, META_TYPE_HASHED, field, false, { __VA_ARGS__ }, NULL, meta_values_hashed }
#define USER(n, name, put, ...)          { n, name, META_IN_USER, META_TYPE_TEXT, 0, true, { __VA_ARGS__ }, NULL, put }
#define CUSTOM(n, name, type, put, ...)  { n, name, META_IN_CUSTOM, type, 0, false, { __VA_ARGS__ }, NULL, put }
#define PLAIN(n, name, type)             { n, name, META_IN_CUSTOM, type, 0, true, { NULL }, NULL, NULL }
#define CHOICE(n, name, list)            { n, name, META_IN_CUSTOM, META_TYPE_TEXT, 0, true, { NULL }, list, NULL }
#define ITEM(n, name, type, put, ...)    { n, name, META_IN_CONTENTS, type, 0, false, { __VA_ARGS__ }, NULL, put }
#define ORIGINAL(n, name, type)          { n, name, META_IN_ORIGINAL, type, 0, false, { NULL }, NULL, NULL }
#define APP(name, type, put)             { 0, name, META_IN_APP, type, 0, false, { NULL }, NULL, put }

const struct meta_param meta_params[] = {
    EVENT(1, "event_name", meta_values_event_name),
    EVENT(2, "event_time", meta_values_event_time),
    EVENT(3, "event_id", meta_values_event_id),
    EVENT(4, "event_source_url", meta_values_source_url),
    EVENT(5, "action_source", meta_values_action_source),
    { 6, "referrer_url", META_IN_EVENT, META_TYPE_TEXT, 0, true, { "/contact/referrer" }, NULL, meta_values_referrer },
    { 7, "opt_out", META_IN_EVENT, META_TYPE_BOOL, 0, false, { NULL }, NULL, meta_values_opt_out },
    /* Documented at event level, but its sample and live answers (error 100) put it into
     * custom_data. */
    CHOICE(8, "customer_segmentation", segments),
    EVENT(9, "data_processing_options", meta_values_processing),
    EVENT(10, "data_processing_options_country", meta_values_processing_place),
    EVENT(11, "data_processing_options_state", meta_values_processing_place),

    HASHED(12, "em", META_FIELD_EM, "/contact/email"),
    HASHED(13, "ph", META_FIELD_PH, "/contact/phone"),
    HASHED(14, "fn", META_FIELD_FN, "/contact/first_name"),
    HASHED(15, "ln", META_FIELD_LN, "/contact/last_name"),
    HASHED(16, "ge", META_FIELD_GE, "/contact/gender"),
    HASHED(17, "db", META_FIELD_DB, "/contact/birth_date"),
    HASHED(18, "ct", META_FIELD_CT, "/contact/city"),
    HASHED(19, "st", META_FIELD_ST, "/contact/state"),
    HASHED(20, "zp", META_FIELD_ZP, "/contact/zip"),
    HASHED(21, "country", META_FIELD_COUNTRY, "/contact/country"),
    HASHED(22, "external_id", META_FIELD_EXTERNAL_ID, "/contact/external_id", "/contact/id"),
    USER(23, "client_ip_address", meta_values_ip, "/contact/client_ip"),
    USER(24, "client_user_agent", NULL, "/contact/user_agent"),
    USER(25, "fbc", meta_values_fbc, "/contact/fbc"),
    USER(26, "fbp", meta_values_fbp, "/contact/fbp"),
    USER(27, "subscription_id", NULL, "/subscription/number", "/order/subscription"),
    USER(28, "fb_login_id", NULL, NULL),
    USER(29, "lead_id", meta_values_lead_id, NULL),
    USER(30, "anon_id", meta_values_app_only, NULL),
    USER(31, "madid", meta_values_app_only, NULL),
    USER(32, "page_id", NULL, NULL),
    USER(33, "page_scoped_user_id", NULL, NULL),
    USER(34, "ctwa_clid", meta_values_ad, NULL),
    USER(35, "ig_account_id", NULL, NULL),
    USER(36, "ig_sid", NULL, NULL),

    CUSTOM(37, "value", META_TYPE_NUMBER, meta_values_value, NULL),
    CUSTOM(38, "currency", META_TYPE_TEXT, meta_values_currency, NULL),
    CUSTOM(39, "content_ids", META_TYPE_TEXTS, meta_values_content_ids, NULL),
    CUSTOM(40, "contents", META_TYPE_TEXTS, meta_values_contents, NULL),
    { 41, "content_type", META_IN_CUSTOM, META_TYPE_TEXT, 0, false, { NULL }, content_types, meta_values_content_type },
    CUSTOM(42, "content_name", META_TYPE_TEXT, meta_values_content_name, NULL),
    CUSTOM(43, "content_category", META_TYPE_TEXT, meta_values_content_category, NULL),
    CUSTOM(44, "num_items", META_TYPE_WHOLE, meta_values_num_items, NULL),
    CUSTOM(45, "order_id", META_TYPE_TEXT, NULL, "/order/number"),
    PLAIN(46, "predicted_ltv", META_TYPE_NUMBER),
    PLAIN(47, "net_revenue", META_TYPE_NUMBER),
    CHOICE(48, "delivery_category", delivery_categories),
    PLAIN(49, "search_string", META_TYPE_TEXT),
    CUSTOM(50, "status", META_TYPE_TEXT, NULL, NULL),
    PLAIN(51, "item_number", META_TYPE_TEXT),

    ITEM(52, "id", META_TYPE_TEXT, NULL, "/id"),
    ITEM(53, "quantity", META_TYPE_WHOLE, NULL, "/quantity"),
    ITEM(54, "item_price", META_TYPE_NUMBER, NULL, "/price"),
    { 55, "delivery_category", META_IN_CONTENTS, META_TYPE_TEXT, 0, false, { "/delivery_category" }, delivery_categories, NULL },
    ITEM(56, "title", META_TYPE_TEXT, NULL, "/name"),
    ITEM(57, "description", META_TYPE_TEXT, NULL, "/description"),
    ITEM(58, "brand", META_TYPE_TEXT, NULL, "/brand"),
    ITEM(59, "category", META_TYPE_TEXT, NULL, "/category"),

    ORIGINAL(60, "event_name", META_TYPE_TEXT),
    ORIGINAL(61, "event_time", META_TYPE_WHOLE),
    ORIGINAL(62, "order_id", META_TYPE_TEXT),
    ORIGINAL(63, "event_id", META_TYPE_TEXT),

    PLAIN(64, "lead_event_source", META_TYPE_TEXT),
    PLAIN(65, "product_catalog_id", META_TYPE_TEXT),
    PLAIN(66, "ad_type", META_TYPE_TEXT),
    PLAIN(67, "user_bucket", META_TYPE_SCALAR),
    CUSTOM(68, "availability", META_TYPE_TEXT, NULL, NULL),
    CUSTOM(69, "price", META_TYPE_NUMBER, NULL, NULL),
    CUSTOM(70, "city", META_TYPE_TEXT, NULL, NULL),
    CUSTOM(71, "region", META_TYPE_TEXT, NULL, NULL),
    CUSTOM(72, "country", META_TYPE_TEXT, NULL, NULL),
    CUSTOM(73, "postal_code", META_TYPE_TEXT, NULL, NULL),
    CUSTOM(74, "neighborhood", META_TYPE_TEXT, NULL, NULL),
    PLAIN(75, "dma_code", META_TYPE_TEXT),
    PLAIN(76, "checkin_date", META_TYPE_TEXT),
    PLAIN(77, "num_adults", META_TYPE_WHOLE),
    PLAIN(78, "num_children", META_TYPE_WHOLE),
    PLAIN(79, "num_infants", META_TYPE_WHOLE),
    PLAIN(80, "travel_start", META_TYPE_TEXT),
    PLAIN(81, "travel_end", META_TYPE_TEXT),
    PLAIN(82, "travel_class", META_TYPE_TEXT),
    PLAIN(83, "origin_airport", META_TYPE_TEXT),
    PLAIN(84, "destination_airport", META_TYPE_TEXT),
    PLAIN(85, "destination_ids", META_TYPE_TEXTS),
    PLAIN(86, "hotel_score", META_TYPE_SCALAR),
};
_Static_assert(ARRAY_LEN(meta_params) == META_PARAM_COUNT, "the list has 86 parameters");

/* Sent where they apply, but no part of the list: messaging and app events cannot do without. */
static const struct meta_param further[] = {
    EVENT(0, "messaging_channel", meta_values_channel),
    EVENT(0, "messaging_outcome_data", meta_values_outcome),
    USER(0, "whatsapp_business_account_id", meta_values_ad, NULL),
    APP("advertiser_tracking_enabled", META_TYPE_FLAG, NULL),
    APP("application_tracking_enabled", META_TYPE_FLAG, NULL),
    APP("extinfo", META_TYPE_TEXTS, meta_values_extinfo),
    APP("campaign_ids", META_TYPE_TEXT, NULL),
    APP("install_referrer", META_TYPE_TEXT, NULL),
    APP("installer_package", META_TYPE_TEXT, NULL),
    APP("url_schemes", META_TYPE_TEXTS, NULL),
    APP("vendor_id", META_TYPE_TEXT, NULL),
    APP("windows_attribution_id", META_TYPE_TEXT, NULL),
};
/* clang-format on */

const struct meta_param *meta_params_find(enum meta_place place, slice name)
{
    for (size_t i = 0; i < META_PARAM_COUNT; i++)
        if (meta_params[i].place == place && slice_eq(slice_str(meta_params[i].name), name))
            return &meta_params[i];
    return NULL;
}

static json *custom_member(const struct meta_event *m, const char *name)
{
    json *v = json_get(m->given, name);
    return v ? v : json_get(json_get(m->root, "custom"), name);
}

json *meta_params_given(const struct meta_event *m, const struct meta_param *p)
{
    if (p->place == META_IN_ORIGINAL)
        return json_get(custom_member(m, "original_event_data"), p->name);
    if (p->place == META_IN_APP) return json_get(custom_member(m, "app_data"), p->name);
    return p->plain ? custom_member(m, p->name) : json_get(m->given, p->name);
}

enum { NUMBER_MAX = 24 }; /* longest number, characters */

/* A plain decimal number. Exponents are JSON too, but 1e999 is infinity to whoever reads it, and
 * spoils its batch. */
static bool is_number(slice s)
{
    size_t i = s.len > 0 && s.ptr[0] == '-', digits = 0;
    if (i + 1 < s.len && s.ptr[i] == '0' && s.ptr[i + 1] != '.') return false;
    for (; i < s.len && s.ptr[i] >= '0' && s.ptr[i] <= '9'; i++) digits++;
    if (digits == 0) return false;
    if (i == s.len) return true;
    if (s.ptr[i++] != '.' || i == s.len) return false;
    for (; i < s.len; i++)
        if (s.ptr[i] < '0' || s.ptr[i] > '9') return false;
    return true;
}

bool meta_params_is_automatic(const struct meta_event *m)
{
    return slice_eq(m->event->type, SLICE("whatsapp.automatic_event"));
}

bool meta_params_has_own_money(struct meta_event *m)
{
    struct meta_normal currency;
    slice value = json_text(json_get(m->given, "value"));
    if (meta_normalise(META_FIELD_CURRENCY, json_str(json_get(m->given, "currency")), &m->work,
                       &currency) != OK)
        m->full = true;
    return value.len <= NUMBER_MAX && is_number(value) && value.ptr[0] != '-' &&
           (m->full || currency.usable == META_TEXT);
}

static bool is_choice(const char *const *choices, slice text)
{
    for (size_t i = 0; choices && choices[i]; i++)
        if (slice_eq(text, slice_str(choices[i]))) return true;
    return choices == NULL;
}

static void put_text(const struct meta_param *p, slice text, struct buf *b)
{
    if (text.len > 0 && text.len <= META_PARAM_TEXT_MAX && is_choice(p->choices, text))
        json_put_str(b, p->name, text);
}

static void put_texts(const struct meta_param *p, json *v, struct buf *b)
{
    size_t written = 0;
    struct buf before = *b;
    yyjson_arr_iter it = yyjson_arr_iter_with(v); /* of something else: ends at once */
    json_begin_array(b, p->name);
    for (json *item = yyjson_is_arr(v) ? yyjson_arr_iter_next(&it) : v;
         item && written < META_PARAM_LIST_MAX; item = yyjson_arr_iter_next(&it)) {
        slice text = slice_trim(json_text(item));
        if (text.len == 0 || text.len > META_PARAM_TEXT_MAX) continue;
        json_put_str(b, NULL, text);
        written++;
    }
    json_end_array(b);
    if (written > 0 || b->failed) return;
    b->len = before.len;
    b->comma = before.comma;
}

void meta_params_put(const struct meta_param *p, json *v, struct buf *b)
{
    slice text = slice_trim(json_text(v));
    bool number = text.len <= NUMBER_MAX && is_number(text);
    int64_t whole;
    if (!v) return;
    switch ((enum meta_type)p->type) {
    case META_TYPE_TEXT: put_text(p, text, b); break;
    case META_TYPE_SCALAR:
        if (yyjson_is_raw(v) && number)
            json_put_raw(b, p->name, text);
        else
            put_text(p, text, b);
        break;
    case META_TYPE_NUMBER:
        if (number) json_put_raw(b, p->name, text);
        break;
    case META_TYPE_WHOLE:
        if (json_i64(v, &whole) && whole >= 0) json_put_i64(b, p->name, whole);
        break;
    case META_TYPE_BOOL:
        if (yyjson_is_bool(v) || text.len > 0) json_put_bool(b, p->name, json_truth(v));
        break;
    case META_TYPE_FLAG:
        if (yyjson_is_bool(v) || text.len > 0) json_put_i64(b, p->name, json_truth(v));
        break;
    case META_TYPE_TEXTS:
    case META_TYPE_HASHED: put_texts(p, v, b); break;
    }
}

/* What is said in Meta's words counts first, then the event's own data. */
static void put_param(struct meta_event *m, const struct meta_param *p, struct buf *b)
{
    size_t before = b->len;
    if (p->put)
        p->put(m, p, b);
    else
        meta_params_put(p, meta_params_given(m, p), b);
    for (size_t i = 0; !p->put && i < META_PARAM_FROM_MAX && p->from[i] && b->len == before; i++)
        meta_params_put(p, json_at(m->root, slice_str(p->from[i])), b);
    if (p->place == META_IN_USER && b->len > before)
        m->identifiers |= p->number ? UINT64_C(1) << (p->number - 12) : META_IDENTIFIER_OTHER;
}

/* All parameters of one place; true when at least one was written. */
static bool put_place(struct meta_event *m, enum meta_place place, const struct meta_param *params,
                      size_t count, struct buf *b)
{
    size_t start = b->len;
    for (size_t i = 0; i < count; i++)
        if (params[i].place == place) put_param(m, &params[i], b);
    return b->len > start;
}

/* The same as an object of its own; an empty one is taken back, since Meta refuses empty values. */
static void put_object(struct meta_event *m, enum meta_place place, const char *key, struct buf *b)
{
    struct buf before = *b;
    json_begin_object(b, key);
    bool any = put_place(m, place, meta_params, META_PARAM_COUNT, b);
    any = put_place(m, place, further, ARRAY_LEN(further), b) || any;
    json_end_object(b);
    if (any || b->failed) return;
    b->len = before.len;
    b->comma = before.comma;
}

enum err meta_params_write(struct meta_event *m, struct buf *b)
{
    m->identifiers = 0;
    m->full = false;
    json_begin_object(b, NULL);
    put_place(m, META_IN_EVENT, meta_params, META_PARAM_COUNT, b);
    put_place(m, META_IN_EVENT, further, ARRAY_LEN(further), b);
    put_object(m, META_IN_USER, "user_data", b);
    put_object(m, META_IN_CUSTOM, "custom_data", b);
    put_object(m, META_IN_ORIGINAL, "original_event_data", b);
    if (slice_eq(m->action_source, SLICE("app"))) put_object(m, META_IN_APP, "app_data", b);
    json_end_object(b);
    return m->full || !buf_ok(b) ? ERR_LIMIT : OK;
}

enum err meta_params_identify(struct meta_event *m, struct buf *scratch)
{
    m->identifiers = 0;
    m->full = false;
    for (size_t i = 0; i < META_PARAM_COUNT + ARRAY_LEN(further); i++) {
        const struct meta_param *p =
            i < META_PARAM_COUNT ? &meta_params[i] : &further[i - META_PARAM_COUNT];
        if (p->place != META_IN_USER) continue;
        put_param(m, p, scratch);
        if (meta_params_identified(m)) break;
    }
    return m->full || !buf_ok(scratch) ? ERR_LIMIT : OK;
}

/* A later period of a subscription is charged by the platform, nobody visited a page for it. */
static bool is_renewal(const struct meta_event *m)
{
    int64_t period = 0;
    if (slice_eq(m->event->type, SLICE("subscription.renewed"))) return true;
    return json_i64(json_at(m->root, SLICE("/subscription/period")), &period) && period > 1;
}

static slice url_of(const struct meta_event *m)
{
    static const char *const places[] = { "/custom/meta/event_source_url", "/order/checkout_url",
                                          "/checkout/url", "/contact/page_url" };
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        slice url = slice_trim(json_str(json_at(m->root, slice_str(places[i]))));
        bool whole = slice_starts(url, SLICE("https://")) || slice_starts(url, SLICE("http://"));
        if (whole && url.len <= META_PARAM_TEXT_MAX) return meta_values_clean_url(url);
    }
    return settings_text(m->cfg, META_EVENT_SOURCE_URL);
}

/* A website event must name its page. Without one it is declared as what we know it to be: a
 * message of the platform. */
static slice action_source_of(const struct meta_event *m)
{
    slice given = json_str(json_get(m->given, "action_source")),
          source = settings_text(m->cfg, META_ACTION_SOURCE);
    if (given.len > 0 && is_choice(meta_params_action_sources, given))
        source = given;
    else if (is_renewal(m))
        return SLICE("system_generated");
    if (slice_eq(source, SLICE("website")) && m->source_url.len == 0)
        return SLICE("system_generated");
    return source;
}

enum err meta_params_read(struct meta_event *m, const struct settings *cfg,
                          const struct outgoing_event *event, slice name, slice key, int64_t now_ms,
                          struct arena *arena, struct why *why)
{
    *m =
        (struct meta_event){ .cfg = cfg, .event = event, .arena = arena, .name = name, .key = key };
    m->work = meta_normalise_work(arena);
    enum err rc = json_parse(event->data, arena, &m->root, why);
    if (rc != OK) return rc;
    if (!yyjson_is_obj(m->root)) return why_set(why, ERR_SYNTAX, "the event is no JSON object");
    m->given = json_at(m->root, SLICE("/custom/meta"));
    m->source_url = url_of(m);
    m->action_source = action_source_of(m);
    m->time_ms = event->occurred_ms > 0 ? event->occurred_ms : event->received_ms;
    if (m->time_ms > now_ms) m->time_ms = now_ms;
    if (slice_eq(m->action_source, SLICE("business_messaging")))
        m->ad = meta_ad_of(m->root, m->time_ms);
    return OK;
}

#define BIT(number) (UINT64_C(1) << ((number)-12))
bool meta_params_identified(const struct meta_event *m)
{
    static const uint64_t refused[] = {
        BIT(18) | BIT(21) | BIT(19) | BIT(20) | BIT(16) |
            BIT(24),       /* ct country st zp ge client_user_agent */
        BIT(17) | BIT(24), /* db client_user_agent */
        BIT(14) | BIT(16), /* fn ge */
        BIT(15) | BIT(16), /* ln ge */
    };
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        if ((m->identifiers & ~refused[i]) == 0) return false;
    return true;
}
#undef BIT
