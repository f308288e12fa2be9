/* records.c: names of record fields and states, and the record parts of an event's JSON (docs/events.md). */
#include "records/records.h"

#include "base/id.h"

const char *const contact_field_name[CONTACT_FIELD_COUNT] = {
#define CONTACT_NAME(name) #name,
    CONTACT_FIELDS(CONTACT_NAME)
#undef CONTACT_NAME
};

const char *const order_status_name[] = { "",          "created",   "pending",  "refused", "cancelled",
                                          "paid",      "delivered", "refunded", "chargeback" };
_Static_assert(ARRAY_LEN(order_status_name) == ORDER_STATUS_COUNT, "every status has a name");

const char *const subscription_status_name[] = { "", "trial", "active", "past_due", "paused", "cancelled", "expired" };
_Static_assert(ARRAY_LEN(subscription_status_name) == SUBSCRIPTION_STATUS_COUNT, "every status has a name");

struct order *order_new(struct arena *arena)
{
    struct order *o = arena_new(arena, struct order, 1);
    if (o) o->base_amount = o->discount = o->fees = -1;
    return o;
}

struct checkout *checkout_new(struct arena *arena)
{
    struct checkout *c = arena_new(arena, struct checkout, 1);
    if (c) c->list_price = -1;
    return c;
}

static void put_id(struct buf *b, enum id_kind kind, uint64_t id)
{
    char text[ID_TEXT_MAX];
    if (id) json_put_str(b, "id", id_text(kind, id, text));
}

static void put_known(struct buf *b, const char *key, int64_t value, int64_t unknown)
{
    if (value != unknown) json_put_i64(b, key, value);
}

void record_json_contact(struct buf *b, const struct contact *c, uint64_t id)
{
    json_begin_object(b, "contact");
    put_id(b, ID_CONTACT, id);
    for (size_t i = 0; i < CONTACT_FIELD_COUNT; i++) json_put_opt(b, contact_field_name[i], c->field[i]);
    json_put_time(b, "fbclid_at", c->fbclid_ms);
    json_put_opt(b, "document_error", c->document_error);
    json_put_opt(b, "phone_error", c->phone_error);
    json_end_object(b);
}

static void put_items(struct buf *b, const struct order *o)
{
    if (o->item_count == 0) return;
    json_begin_array(b, "items");
    for (size_t i = 0; i < o->item_count; i++) {
        const struct order_item *item = &o->items[i];
        json_begin_object(b, NULL);
        json_put_opt(b, "id", item->id);
        json_put_opt(b, "name", item->name);
        json_put_opt(b, "category", item->category);
        json_put_opt(b, "brand", item->brand);
        json_put_i64(b, "quantity", item->quantity);
        put_known(b, "price", item->price, -1);
        json_put_opt(b, "kind", item->kind);
        json_end_object(b);
    }
    json_end_array(b);
}

void record_json_order(struct buf *b, const struct order *o, uint64_t id)
{
    json_begin_object(b, "order");
    put_id(b, ID_ORDER, id);
    json_put_opt(b, "number", o->number);
    json_put_opt(b, "reference", o->reference);
    json_put_opt(b, "status", slice_str(order_status_name[o->status]));
    if (o->has_amount) json_put_i64(b, "amount", o->amount);
    put_known(b, "base_amount", o->base_amount, -1);
    put_known(b, "discount", o->discount, -1);
    put_known(b, "fees", o->fees, -1);
    json_put_opt(b, "currency", o->currency);
    json_put_opt(b, "payment_method", o->payment_method);
    put_known(b, "installments", o->installments, 0);
    json_put_opt(b, "coupon", o->coupon);
    json_put_opt(b, "checkout_url", o->checkout_url);
    json_put_opt(b, "reason", o->reason);
    json_put_opt(b, "sck", o->sck);
    json_put_opt(b, "callback", o->callback);
    json_put_opt(b, "source_tag", o->source_tag);
    json_put_opt(b, "subscription", o->subscription);
    put_items(b, o);
    json_put_time(b, "created_at", o->created_ms);
    json_put_time(b, "paid_at", o->paid_ms);
    json_put_time(b, "refunded_at", o->refunded_ms);
    json_put_time(b, "chargeback_at", o->chargeback_ms);
    json_put_time(b, "cancelled_at", o->cancelled_ms);
    json_end_object(b);
}

void record_json_subscription(struct buf *b, const struct subscription *s, uint64_t id)
{
    json_begin_object(b, "subscription");
    put_id(b, ID_SUBSCRIPTION, id);
    json_put_opt(b, "number", s->number);
    json_put_opt(b, "status", slice_str(subscription_status_name[s->status]));
    put_known(b, "period", s->period, 0);
    put_known(b, "period_days", s->period_days, 0);
    if (s->has_amount) json_put_i64(b, "amount", s->amount);
    json_put_opt(b, "currency", s->currency);
    json_put_time(b, "next_charge_at", s->next_charge_ms);
    json_put_time(b, "created_at", s->created_ms);
    json_put_time(b, "cancelled_at", s->cancelled_ms);
    json_put_opt(b, "product_id", s->product_id);
    json_put_opt(b, "product_name", s->product_name);
    json_put_opt(b, "offer_id", s->offer_id);
    json_end_object(b);
}

void record_json_checkout(struct buf *b, const struct checkout *c, uint64_t id)
{
    json_begin_object(b, "checkout");
    put_id(b, ID_CHECKOUT, id);
    json_put_opt(b, "number", c->number);
    if (c->abandoned) json_put_bool(b, "abandoned", true);
    json_put_opt(b, "url", c->url);
    json_put_opt(b, "product_id", c->product_id);
    json_put_opt(b, "product_name", c->product_name);
    json_put_opt(b, "offer_id", c->offer_id);
    json_put_opt(b, "offer_name", c->offer_name);
    put_known(b, "list_price", c->list_price, -1);
    json_put_opt(b, "currency", c->currency);
    json_put_time(b, "created_at", c->created_ms);
    json_end_object(b);
}
