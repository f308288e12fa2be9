/* records.c: names of record fields and states, and the contact's part of an event's JSON (docs/events.md). The other records
 * are described by tables in fields.c. */
#include "records/records.h"

#include "base/id.h"

const char *const contact_field_name[CONTACT_FIELD_COUNT] = {
#define CONTACT_NAME(name) #name,
    CONTACT_FIELDS(CONTACT_NAME)
#undef CONTACT_NAME
};

const char *const order_status_name[] = { "",     "created",   "pending",  "refused",   "cancelled",
                                          "paid", "delivered", "refunded", "chargeback" };
_Static_assert(ARRAY_LEN(order_status_name) == ORDER_STATUS_COUNT, "every status has a name");

const char *const subscription_status_name[] = { "",       "trial",     "active", "past_due",
                                                 "paused", "cancelled", "expired" };
_Static_assert(ARRAY_LEN(subscription_status_name) == SUBSCRIPTION_STATUS_COUNT,
               "every status has a name");

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

void record_json_contact(struct buf *b, const char *key, const struct contact *c, uint64_t id)
{
    json_begin_object(b, key);
    json_put_id(b, "id", ID_CONTACT, id);
    for (size_t i = 0; i < CONTACT_FIELD_COUNT; i++)
        json_put_opt(b, contact_field_name[i], c->field[i]);
    json_put_time(b, "fbclid_at", c->fbclid_ms);
    json_put_opt(b, "document_error", c->document_error);
    json_put_opt(b, "phone_error", c->phone_error);
    json_end_object(b);
}
