/* meta_values.c: the computed parameters, in the order of the table.
 *
 * Each writes its parameter or nothing. "The order's own amount" is the only source of a Purchase's
 * value: a list price is a price tag, and Meta optimises on what it is told. */
#include "dests/meta_values.h"

#include "base/text.h"
#include "base/time.h"
#include "dests/meta_click.h"

enum {
    HASHED_MAX = 32,
    EXTINFO_COUNT = 16,
    LEAD_ID_MIN = 15,
    LEAD_ID_MAX = 17,
    BRAZIL_POSTCODE = 8,
    POSTCODE_AREA = 5
};

static slice text_at(const struct meta_event *m, const char *pointer)
{
    return slice_trim(json_text(json_at(m->root, slice_str(pointer))));
}

static bool is_purchase(const struct meta_event *m) { return slice_eq(m->name, SLICE("Purchase")); }

/* The value given, else the event's own. */
static slice text_of(const struct meta_event *m, const struct meta_param *p)
{
    slice given = slice_trim(json_text(meta_params_given(m, p)));
    return given.len > 0 || !p->from[0] ? given : text_at(m, p->from[0]);
}

/* ---- the event itself ---- */

void meta_values_event_name(struct meta_event *m, const struct meta_param *p, struct buf *b)
{
    json_put_str(b, p->name, m->name);
}

void meta_values_event_time(struct meta_event *m, const struct meta_param *p, struct buf *b)
{
    json_put_i64(b, p->name, m->time_ms / 1000);
}

void meta_values_event_id(struct meta_event *m, const struct meta_param *p, struct buf *b)
{
    json_put_str(b, p->name, m->key);
}

void meta_values_source_url(struct meta_event *m, const struct meta_param *p, struct buf *b)
{
    json_put_opt(b, p->name, m->source_url);
}

void meta_values_action_source(struct meta_event *m, const struct meta_param *p, struct buf *b)
{
    json_put_str(b, p->name, m->action_source);
}

slice meta_values_clean_url(slice url)
{
    size_t query = slice_find(url, '?');
    slice rest = slice_sub(url, query, url.len);
    bool address =
        slice_find(rest, '@') < rest.len || slice_find_slice(rest, SLICE("%40")) < rest.len;
    return address ? slice_sub(url, 0, query) : url;
}

void meta_values_referrer(struct meta_event *m, const struct meta_param *p, struct buf *b)
{
    slice url = meta_values_clean_url(text_of(m, p));
    if (url.len <= META_PARAM_TEXT_MAX) json_put_opt(b, p->name, url);
}

void meta_values_opt_out(struct meta_event *m, const struct meta_param *p, struct buf *b)
{
    json *given = meta_params_given(m, p);
    if (given)
        meta_params_put(p, given, b);
    else if (settings_get(m->cfg, META_OPT_OUT)->present)
        json_put_bool(b, p->name, settings_bool(m->cfg, META_OPT_OUT));
}

/* The one parameter that is sent empty: [] says "explicitly unrestricted". */
void meta_values_processing(struct meta_event *m, const struct meta_param *p, struct buf *b)
{
    const struct setting_value *options = settings_get(m->cfg, META_DATA_PROCESSING);
    if (!options->present) return;
    json_begin_array(b, p->name);
    for (size_t i = 0; i < options->count; i++) json_put_str(b, NULL, options->items[i].value);
    json_end_array(b);
}

void meta_values_processing_place(struct meta_event *m, const struct meta_param *p, struct buf *b)
{
    bool country = slice_ends(slice_str(p->name), SLICE("_country"));
    size_t index = country ? META_DATA_PROCESSING_COUNTRY : META_DATA_PROCESSING_STATE;
    const struct setting_value *options = settings_get(m->cfg, META_DATA_PROCESSING);
    if (options->count > 0) json_put_i64(b, p->name, settings_i64(m->cfg, index));
}

void meta_values_channel(struct meta_event *m, const struct meta_param *p, struct buf *b)
{
    if (slice_eq(m->action_source, SLICE("business_messaging")))
        json_put_opt(b, p->name, meta_ad_channel(m->root, &m->ad));
}

void meta_values_outcome(struct meta_event *m, const struct meta_param *p, struct buf *b)
{
    slice type = json_str(json_at(m->given, SLICE("/messaging_outcome_data/outcome_type")));
    if (!slice_eq(m->action_source, SLICE("business_messaging")) || type.len == 0 ||
        type.len > META_PARAM_TEXT_MAX)
        return;
    json_begin_object(b, p->name);
    json_put_str(b, "outcome_type", type);
    json_end_object(b);
}

/* The contact's click is for messaging events alone; what the event names itself goes with any. */
void meta_values_ad(struct meta_event *m, const struct meta_param *p, struct buf *b)
{
    bool click = slice_eq(slice_str(p->name), SLICE("ctwa_clid"));
    slice text = click ? m->ad.clid : m->ad.account;
    if (!slice_eq(m->action_source, SLICE("business_messaging")))
        meta_params_put(p, meta_params_given(m, p), b);
    else if (text.len <= META_PARAM_TEXT_MAX)
        json_put_opt(b, p->name, text);
}

/* ---- user_data, hashed ---- */

struct hashed {
    slice digest[HASHED_MAX];
    size_t count;
};

/* Adds a value unless it is unusable or there already. */
static void add_hashed(struct meta_event *m, enum meta_field field, slice raw, struct hashed *list)
{
    slice digest;
    if (list->count == HASHED_MAX) return;
    if (meta_normalise_hash(field, raw, &m->work, &digest) != OK) m->full = true;
    for (size_t i = 0; i < list->count; i++)
        if (slice_eq(list->digest[i], digest)) return;
    if (digest.len > 0) list->digest[list->count++] = digest;
}

/* First name and rest of a display name, for contacts that have only that one; the rest also for those whose first name it begins with (an
 * address book says no surname by itself). */
static void add_from_name(struct meta_event *m, enum meta_field field, struct hashed *list)
{
    slice name = text_at(m, "/contact/name"), first = text_at(m, "/contact/first_name");
    size_t blank = first.len > 0 ? first.len : slice_find(name, ' ');
    if (text_at(m, "/contact/last_name").len > 0) return;
    if (first.len > 0 && (field == META_FIELD_FN || !slice_starts(name, first) ||
                          first.len >= name.len || name.ptr[first.len] != ' '))
        return;
    if (field == META_FIELD_FN)
        add_hashed(m, field, slice_sub(name, 0, blank), list);
    else
        add_hashed(m, field, slice_sub(name, blank, name.len), list);
}

static void add_city(struct meta_event *m, slice raw, struct hashed *list)
{
    struct meta_normal normal;
    slice ascii = { NULL, 0 };
    add_hashed(m, META_FIELD_CT, raw, list);
    enum err rc = meta_normalise(META_FIELD_CT, raw, &m->work, &normal);
    if (rc == OK && normal.usable == META_TEXT)
        rc = meta_normalise_city_ascii(normal.text, m->arena, &ascii);
    if (rc != OK) m->full = true;
    add_hashed(m, META_FIELD_CT, ascii, list);
}

static slice country_of(const struct meta_event *m)
{
    slice country = text_at(m, "/contact/country");
    return country.len > 0 ? country : settings_text(m->cfg, META_COUNTRY);
}

static bool in_brazil(struct meta_event *m)
{
    struct meta_normal normal;
    if (meta_normalise(META_FIELD_COUNTRY, country_of(m), &m->work, &normal) != OK) m->full = true;
    return slice_eq(normal.text, SLICE("br"));
}

/* Code first, name second; only where the country says what the code means (SC is South Carolina
 * too). */
static void add_state(struct meta_event *m, slice raw, struct hashed *list)
{
    struct meta_normal normal;
    add_hashed(m, META_FIELD_ST, raw, list);
    if (!in_brazil(m)) return;
    if (meta_normalise(META_FIELD_ST, raw, &m->work, &normal) != OK) m->full = true;
    add_hashed(m, META_FIELD_ST, meta_normalise_state_twin(normal.text), list);
}

/* A CEP is stored without its dash, at which Meta's libraries cut it ("01310-100" -> 01310): send
 * what they would, and the whole. */
static void add_postcode(struct meta_event *m, slice raw, struct hashed *list)
{
    if (raw.len == BRAZIL_POSTCODE && in_brazil(m))
        add_hashed(m, META_FIELD_ZP, slice_sub(raw, 0, POSTCODE_AREA), list);
    add_hashed(m, META_FIELD_ZP, raw, list);
}

static void add_external_id(struct meta_event *m, const struct meta_param *p, struct hashed *list)
{
    slice from = settings_text(m->cfg, META_EXTERNAL_ID_FROM);
    if (!slice_eq(from, SLICE("contact")))
        add_hashed(m, META_FIELD_EXTERNAL_ID, text_at(m, p->from[0]), list);
    if (!slice_eq(from, SLICE("external_id")))
        add_hashed(m, META_FIELD_EXTERNAL_ID, text_at(m, p->from[1]), list);
}

/* All values of the field: the contact's, then those given as custom.meta.<name> (one, or an array;
 * plain or digests). */
void meta_values_hashed(struct meta_event *m, const struct meta_param *p, struct buf *b)
{
    struct hashed list = { .count = 0 };
    enum meta_field field = (enum meta_field)p->field;
    slice raw = text_at(m, p->from[0]);
    switch (field) {
    case META_FIELD_CT: add_city(m, raw, &list); break;
    case META_FIELD_ST: add_state(m, raw, &list); break;
    case META_FIELD_ZP: add_postcode(m, raw, &list); break;
    case META_FIELD_COUNTRY: add_hashed(m, field, country_of(m), &list); break;
    case META_FIELD_EXTERNAL_ID: add_external_id(m, p, &list); break;
    default: add_hashed(m, field, raw, &list);
    }
    if (field == META_FIELD_FN || field == META_FIELD_LN) add_from_name(m, field, &list);
    json *given = meta_params_given(m, p);
    yyjson_arr_iter it = yyjson_arr_iter_with(given);
    for (json *v = yyjson_is_arr(given) ? yyjson_arr_iter_next(&it) : given; v;
         v = yyjson_arr_iter_next(&it))
        add_hashed(m, field, json_text(v), &list);
    if (list.count == 0) return;
    json_begin_array(b, p->name);
    for (size_t i = 0; i < list.count; i++) json_put_str(b, NULL, list.digest[i]);
    json_end_array(b);
}

/* ---- user_data, as it is ---- */

void meta_values_ip(struct meta_event *m, const struct meta_param *p, struct buf *b)
{
    slice ip = text_of(m, p);
    if (meta_normalise_ip_ok(ip)) json_put_str(b, p->name, ip);
}

/* The click id and when it was first seen. Without a time of its own the event's is the earliest
 * one that is sure, or our receipt of it where its clock runs ahead; both are the same on each
 * attempt. */
static slice click_of(struct meta_event *m, int64_t *ms, bool *timed)
{
    slice click = text_at(m, "/contact/fbclid");
    *timed = time_parse(text_at(m, "/contact/fbclid_at"), ms, NULL, NULL) == OK && click.len > 0;
    if (!*timed) *ms = m->event->occurred_ms;
    if (!*timed && m->event->received_ms > 0 && m->event->received_ms < *ms)
        *ms = m->event->received_ms;
    if (click.len == 0) click = meta_click_from_url(text_at(m, "/contact/page_url"), m->arena);
    return meta_click_pick(click, text_at(m, "/contact/referrer"), m->arena);
}

void meta_values_fbc(struct meta_event *m, const struct meta_param *p, struct buf *b)
{
    int64_t ms = 0;
    bool timed;
    slice cookie = text_of(m, p), click = click_of(m, &ms, &timed);
    bool stored = meta_click_ok(cookie);
    if (!stored || (timed && ms > meta_click_ms(cookie))) {
        if (!stored) cookie = (slice){ NULL, 0 };
        bool wanted = meta_click_id_ok(click) && ms > 0;
        if (wanted) cookie = meta_click_merge(cookie, click, ms, META_CLICK_INDEX, m->arena);
        if (wanted && !cookie.ptr) m->full = true;
    }
    json_put_opt(b, p->name, cookie);
}

void meta_values_fbp(struct meta_event *m, const struct meta_param *p, struct buf *b)
{
    slice cookie = text_of(m, p);
    if (meta_click_ok(cookie)) json_put_str(b, p->name, cookie);
}

void meta_values_lead_id(struct meta_event *m, const struct meta_param *p, struct buf *b)
{
    slice id = text_of(m, p);
    uint64_t n;
    if (id.len >= LEAD_ID_MIN && id.len <= LEAD_ID_MAX && text_u64(id, UINT64_MAX, &n, NULL) == OK)
        json_put_str(b, p->name, id);
}

void meta_values_app_only(struct meta_event *m, const struct meta_param *p, struct buf *b)
{
    if (slice_eq(m->action_source, SLICE("app"))) meta_params_put(p, meta_params_given(m, p), b);
}

/* ---- custom_data ---- */

/* Whose amount is told, with its currency: the order's; for other events than Purchase also the
 * subscription's. */
static const char *money_of(const struct meta_event *m, int64_t *cents)
{
    if (json_i64(json_at(m->root, SLICE("/order/amount")), cents) && *cents >= 0)
        return "/order/currency";
    if (is_purchase(m)) return NULL;
    if (json_i64(json_at(m->root, SLICE("/subscription/amount")), cents) && *cents >= 0)
        return "/subscription/currency";
    return NULL;
}

void meta_values_value(struct meta_event *m, const struct meta_param *p, struct buf *b)
{
    int64_t cents;
    if (money_of(m, &cents))
        json_put_money(b, p->name, cents);
    else if (!is_purchase(m) || meta_params_is_automatic(m))
        meta_params_put(p, meta_params_given(m, p), b);
}

void meta_values_currency(struct meta_event *m, const struct meta_param *p, struct buf *b)
{
    int64_t cents;
    const char *from = money_of(m, &cents);
    slice raw = from ? text_at(m, from) : json_str(meta_params_given(m, p));
    struct meta_normal normal;
    if (meta_normalise(META_FIELD_CURRENCY, raw, &m->work, &normal) != OK) m->full = true;
    if (normal.usable != META_TEXT) return;
    char code[3];
    for (size_t i = 0; i < sizeof code; i++) code[i] = (char)(normal.text.ptr[i] - 'a' + 'A');
    json_put_str(b, p->name, slice_of(code, sizeof code));
}

/* Items in Meta's words (custom.meta.contents) or in ours (order.items); *ours tells which. NULL:
 * none. */
static json *items_of(const struct meta_event *m, bool *ours)
{
    json *given = json_get(m->given, "contents");
    *ours = !yyjson_is_arr(given);
    json *items = *ours ? json_at(m->root, SLICE("/order/items")) : given;
    return yyjson_is_arr(items) && yyjson_arr_size(items) > 0 ? items : NULL;
}

/* An event without items may name the one product it is about. */
static slice product(const struct meta_event *m, const char *field)
{
    static const char *const records[] = { "checkout", "subscription" };
    for (size_t i = 0; i < ARRAY_LEN(records); i++) {
        slice text = json_get_text(json_get(m->root, records[i]), field);
        if (text.len > 0 && text.len <= META_PARAM_TEXT_MAX) return text;
    }
    return (slice){ NULL, 0 };
}

void meta_values_content_ids(struct meta_event *m, const struct meta_param *p, struct buf *b)
{
    bool ours;
    json *given = meta_params_given(m, p), *items = items_of(m, &ours), *item;
    if (given) {
        meta_params_put(p, given, b);
        return;
    }
    size_t i, count, written = 0;
    struct buf before = *b;
    json_begin_array(b, p->name);
    yyjson_arr_foreach(items, i, count, item)
    {
        slice id = json_get_text(item, "id");
        if (id.len == 0 || id.len > META_PARAM_TEXT_MAX || i >= META_PARAM_LIST_MAX) continue;
        json_put_str(b, NULL, id);
        written++;
    }
    slice single = product(m, "product_id");
    if (!items && single.len > 0 && ++written) json_put_str(b, NULL, single);
    json_end_array(b);
    if (written > 0 || b->failed) return;
    b->len = before.len;
    b->comma = before.comma;
}

/* One element of contents; without an id it says nothing to Meta and is left out. */
static bool put_item(json *item, bool ours, struct buf *b)
{
    slice id = json_get_text(item, "id");
    if (id.len == 0 || id.len > META_PARAM_TEXT_MAX) return false;
    json_begin_object(b, NULL);
    for (size_t i = 0; i < META_PARAM_COUNT; i++) {
        const struct meta_param *p = &meta_params[i];
        if (p->place != META_IN_CONTENTS) continue;
        json *v = ours ? json_at(item, slice_str(p->from[0])) : json_get(item, p->name);
        int64_t n;
        if (p->type == META_TYPE_NUMBER && ours) { /* the price, in cents */
            if (json_i64(v, &n) && n >= 0) json_put_money(b, p->name, n);
        } else if (p->type == META_TYPE_WHOLE) { /* the quantity */
            if (json_i64(v, &n) && n >= 1) json_put_i64(b, p->name, n);
        } else {
            meta_params_put(p, v, b);
        }
    }
    json_end_object(b);
    return true;
}

void meta_values_contents(struct meta_event *m, const struct meta_param *p, struct buf *b)
{
    bool ours;
    json *items = items_of(m, &ours), *item;
    size_t i, count, written = 0;
    struct buf before = *b;
    json_begin_array(b, p->name);
    yyjson_arr_foreach(items, i, count, item)
    {
        if (written < META_PARAM_LIST_MAX && put_item(item, ours, b)) written++;
    }
    slice single = product(m, "product_id");
    if (!items && single.len > 0 && ++written) {
        json_begin_object(b, NULL);
        json_put_str(b, "id", single);
        json_put_opt(b, "title", product(m, "product_name"));
        json_end_object(b);
    }
    json_end_array(b);
    if (written > 0 || b->failed) return;
    b->len = before.len;
    b->comma = before.comma;
}

/* The ids are those of products unless the sender says they are of product groups. */
void meta_values_content_type(struct meta_event *m, const struct meta_param *p, struct buf *b)
{
    bool ours;
    size_t before = b->len;
    meta_params_put(p, meta_params_given(m, p), b);
    if (b->len > before) return;
    json *items = items_of(m, &ours), *item;
    bool any = json_get(m->given, "content_ids") || (!items && product(m, "product_id").len > 0);
    size_t i, count;
    yyjson_arr_foreach(items, i, count, item) any = any || json_get_text(item, "id").len > 0;
    if (any) json_put_str(b, p->name, SLICE("product"));
}

/* What is given, else the first item's. */
static void put_of_item(struct meta_event *m, const struct meta_param *p, const char *ours_name,
                        const char *meta_name, struct buf *b)
{
    bool ours;
    size_t before = b->len;
    meta_params_put(p, meta_params_given(m, p), b);
    json *items = items_of(m, &ours);
    if (b->len == before)
        meta_params_put(p, json_get(yyjson_arr_get_first(items), ours ? ours_name : meta_name), b);
}

void meta_values_content_name(struct meta_event *m, const struct meta_param *p, struct buf *b)
{
    size_t before = b->len;
    put_of_item(m, p, "name", "title", b);
    if (b->len == before) json_put_opt(b, p->name, product(m, "product_name"));
}

void meta_values_content_category(struct meta_event *m, const struct meta_param *p, struct buf *b)
{
    put_of_item(m, p, "category", "category", b);
}

void meta_values_num_items(struct meta_event *m, const struct meta_param *p, struct buf *b)
{
    bool ours;
    size_t i, count, before = b->len;
    int64_t sum = 0, n;
    json *items = items_of(m, &ours), *item;
    meta_params_put(p, meta_params_given(m, p), b);
    if (b->len > before) return;
    yyjson_arr_foreach(items, i, count, item)
    {
        if (!json_i64(json_get(item, "quantity"), &n) || n < 1) n = 1;
        if (__builtin_add_overflow(sum, n, &sum)) return;
    }
    if (sum > 0) json_put_i64(b, p->name, sum);
}

/* ---- app_data ---- */

/* Exactly 16 texts, empty ones included: the only place where an empty text means something. */
void meta_values_extinfo(struct meta_event *m, const struct meta_param *p, struct buf *b)
{
    json *v = meta_params_given(m, p), *item;
    size_t i, count;
    if (!yyjson_is_arr(v) || yyjson_arr_size(v) != EXTINFO_COUNT) return;
    json_begin_array(b, p->name);
    yyjson_arr_foreach(v, i, count, item) json_put_str(b, NULL, json_text(item));
    json_end_array(b);
}
