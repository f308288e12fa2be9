/* fields.c: the tables of record structs and the loops over them. */
#include "records/fields.h"

#include "base/id.h"
#include "base/time.h"

#define TEXT(s, m)                                                                                 \
    {                                                                                              \
#m, FIELD_TEXT, offsetof(struct s, m), 0                                                   \
    }
#define INT(s, m, unknown)                                                                         \
    {                                                                                              \
#m, FIELD_INT, offsetof(struct s, m), unknown                                              \
    }
#define TIME(s, m, name)                                                                           \
    {                                                                                              \
        name, FIELD_TIME, offsetof(struct s, m), 0                                                 \
    }

/* The place in this table is stored with orders (order.c): new members go to the end. */
static const struct field order_fields[] = {
    TEXT(order, number),
    TEXT(order, reference),
    INT(order, base_amount, -1),
    INT(order, discount, -1),
    INT(order, fees, -1),
    TEXT(order, currency),
    TEXT(order, payment_method),
    INT(order, installments, 0),
    TEXT(order, coupon),
    TEXT(order, checkout_url),
    TEXT(order, reason),
    TEXT(order, sck),
    TEXT(order, callback),
    TEXT(order, source_tag),
    TEXT(order, subscription),
    TIME(order, created_ms, "created_at"),
    TIME(order, paid_ms, "paid_at"),
    TIME(order, refunded_ms, "refunded_at"),
    TIME(order, chargeback_ms, "chargeback_at"),
    TIME(order, cancelled_ms, "cancelled_at"),
};
static const struct field subscription_fields[] = {
    TEXT(subscription, number),
    INT(subscription, period, 0),
    INT(subscription, period_days, 0),
    TEXT(subscription, currency),
    TIME(subscription, next_charge_ms, "next_charge_at"),
    TIME(subscription, created_ms, "created_at"),
    TIME(subscription, cancelled_ms, "cancelled_at"),
    TEXT(subscription, product_id),
    TEXT(subscription, product_name),
    TEXT(subscription, offer_id),
};
static const struct field checkout_fields[] = {
    TEXT(checkout, number),
    { "abandoned", FIELD_BOOL, offsetof(struct checkout, abandoned), 0 },
    TEXT(checkout, url),
    TEXT(checkout, product_id),
    TEXT(checkout, product_name),
    TEXT(checkout, offer_id),
    TEXT(checkout, offer_name),
    INT(checkout, list_price, -1),
    TEXT(checkout, currency),
    TIME(checkout, created_ms, "created_at"),
};
static const struct field item_fields[] = {
    TEXT(order_item, id),    TEXT(order_item, name),       TEXT(order_item, category),
    TEXT(order_item, brand), INT(order_item, quantity, 0), INT(order_item, price, -1),
    TEXT(order_item, kind),
};

const struct fields fields_order = { order_fields, ARRAY_LEN(order_fields) };
const struct fields fields_subscription = { subscription_fields, ARRAY_LEN(subscription_fields) };
const struct fields fields_checkout = { checkout_fields, ARRAY_LEN(checkout_fields) };
static const struct fields fields_item = { item_fields, ARRAY_LEN(item_fields) };

static const void *at(const struct field *f, const void *record)
{
    return (const char *)record + f->offset;
}
static void *at_mut(const struct field *f, void *record) { return (char *)record + f->offset; }

void fields_write(struct buf *b, const struct fields *fields, const void *record)
{
    for (size_t i = 0; i < fields->count; i++) {
        const struct field *f = &fields->at[i];
        const void *p = at(f, record);
        switch (f->type) {
        case FIELD_TEXT: json_put_opt(b, f->name, *(const slice *)p); break;
        case FIELD_TIME: json_put_time(b, f->name, *(const int64_t *)p); break;
        case FIELD_BOOL:
            if (*(const bool *)p) json_put_bool(b, f->name, true);
            break;
        case FIELD_INT:
            if (*(const int64_t *)p != f->unknown) json_put_i64(b, f->name, *(const int64_t *)p);
            break;
        }
    }
}

void fields_read(const struct fields *fields, json *v, void *record)
{
    for (size_t i = 0; i < fields->count; i++) {
        const struct field *f = &fields->at[i];
        json *member = json_get(v, f->name);
        void *p = at_mut(f, record);
        if (!member) continue;
        switch (f->type) {
        case FIELD_TEXT: *(slice *)p = json_str(member); break;
        case FIELD_TIME:
            if (time_parse(json_str(member), p, NULL, NULL) != OK) *(int64_t *)p = 0;
            break;
        case FIELD_BOOL: *(bool *)p = json_truth(member); break;
        case FIELD_INT:
            if (!json_i64(member, p)) *(int64_t *)p = f->unknown;
            break;
        }
    }
}

bool fields_known(const struct field *f, const void *record)
{
    const void *p = at(f, record);
    switch (f->type) {
    case FIELD_TEXT: return ((const slice *)p)->len > 0;
    case FIELD_BOOL: return *(const bool *)p;
    case FIELD_INT: return *(const int64_t *)p != f->unknown;
    case FIELD_TIME: break;
    }
    return *(const int64_t *)p != 0;
}

int fields_compare(const struct field *f, const void *a, const void *b)
{
    const void *x = at(f, a), *y = at(f, b);
    if (f->type == FIELD_TEXT) return slice_cmp(*(const slice *)x, *(const slice *)y);
    if (f->type == FIELD_BOOL) return *(const bool *)x - *(const bool *)y;
    int64_t m = *(const int64_t *)x, n = *(const int64_t *)y;
    return m < n ? -1 : m > n;
}

void fields_copy(const struct field *f, void *to, const void *from)
{
    static const size_t size[] = { [FIELD_TEXT] = sizeof(slice),
                                   [FIELD_INT] = sizeof(int64_t),
                                   [FIELD_TIME] = sizeof(int64_t),
                                   [FIELD_BOOL] = sizeof(bool) };
    memcpy(at_mut(f, to), at(f, from), size[f->type]);
}

void fields_merge(const struct fields *fields, void *record, const void *fresh, bool fill_only)
{
    for (size_t i = 0; i < fields->count; i++) {
        const struct field *f = &fields->at[i];
        /* A fact once true stays true: an absent one is not known to be false. */
        if (fields_known(f, fresh) && !(fill_only && fields_known(f, record)))
            fields_copy(f, record, fresh);
    }
}

/* Index of a state's name, 0 when it has none. */
static unsigned state_of(json *v, const char *const *names, unsigned count)
{
    for (unsigned i = 1; i < count; i++)
        if (slice_eq(json_get_text(v, "status"), slice_str(names[i]))) return i;
    return 0;
}

enum err fields_read_order(json *v, struct arena *arena, struct order *out)
{
    *out = (struct order){ .base_amount = -1, .discount = -1, .fees = -1 };
    fields_read(&fields_order, v, out);
    out->status = state_of(v, order_status_name, ORDER_STATUS_COUNT);
    out->has_amount = json_i64(json_get(v, "amount"), &out->amount);
    json *items = json_get(v, "items");
    size_t count = yyjson_arr_size(items);
    if (count > ORDER_ITEMS_MAX) count = ORDER_ITEMS_MAX;
    out->items = arena_new(arena, struct order_item, count ? count : 1);
    if (!out->items) return ERR_LIMIT;
    for (size_t i = 0; i < count; i++) {
        out->items[i].price = -1;
        fields_read(&fields_item, yyjson_arr_get(items, i), &out->items[i]);
    }
    out->item_count = count;
    return OK;
}

enum err fields_read_subscription(slice text, struct arena *arena, struct subscription *out)
{
    json *v = NULL;
    *out = (struct subscription){ .status = SUBSCRIPTION_NONE };
    enum err rc = json_parse(text, arena, &v, NULL);
    if (rc != OK) return rc;
    fields_read(&fields_subscription, v, out);
    out->status = state_of(v, subscription_status_name, SUBSCRIPTION_STATUS_COUNT);
    out->has_amount = json_i64(json_get(v, "amount"), &out->amount);
    return OK;
}

enum err fields_read_checkout(slice text, struct arena *arena, struct checkout *out)
{
    json *v = NULL;
    *out = (struct checkout){ .list_price = -1 };
    enum err rc = json_parse(text, arena, &v, NULL);
    if (rc == OK) fields_read(&fields_checkout, v, out);
    return rc;
}

void fields_write_items(struct buf *b, const struct order *o)
{
    json_begin_array(b, "items");
    for (size_t i = 0; i < o->item_count; i++) {
        json_begin_object(b, NULL);
        fields_write(b, &fields_item, &o->items[i]);
        json_end_object(b);
    }
    json_end_array(b);
}

void fields_write_order(struct buf *b, const struct order *o)
{
    json_put_opt(b, "status", slice_str(order_status_name[o->status]));
    if (o->has_amount) json_put_i64(b, "amount", o->amount);
    fields_write(b, &fields_order, o);
    if (o->item_count > 0) fields_write_items(b, o);
}

void record_json_order(struct buf *b, const char *key, const struct order *o, uint64_t id)
{
    json_begin_object(b, key);
    json_put_id(b, "id", ID_ORDER, id);
    fields_write_order(b, o);
    json_end_object(b);
}

void record_json_subscription(struct buf *b, const char *key, const struct subscription *s,
                              uint64_t id)
{
    json_begin_object(b, key);
    json_put_id(b, "id", ID_SUBSCRIPTION, id);
    json_put_opt(b, "status", slice_str(subscription_status_name[s->status]));
    if (s->has_amount) json_put_i64(b, "amount", s->amount);
    fields_write(b, &fields_subscription, s);
    json_end_object(b);
}

void record_json_checkout(struct buf *b, const char *key, const struct checkout *c, uint64_t id)
{
    json_begin_object(b, key);
    json_put_id(b, "id", ID_CHECKOUT, id);
    fields_write(b, &fields_checkout, c);
    json_end_object(b);
}
