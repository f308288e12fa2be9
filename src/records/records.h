/* records.h: what the hub knows about people, orders, subscriptions and checkouts, as plain structs.
 *
 * A source kind fills these as *changes* ("this event says so"); an empty slice or 0 means "says nothing". records/ merges them
 * into what is stored: monotonic, idempotent, field by field. Then the merged view is written into the event's JSON
 * (record_json), which destination kinds render from. Texts are borrowed from the arena of the unit of work. */
#ifndef MALOTE_RECORDS_RECORDS_H
#define MALOTE_RECORDS_RECORDS_H

#include "base/buf.h"

enum { ORDER_ITEMS_MAX = 100 };

/* Every contact field, in the order of storage and of the JSON. */
#define CONTACT_FIELDS(X)                                                                          \
    X(email)       /* as typed, trimmed, ASCII lower case */                                       \
    X(phone)       /* E.164: "+5511999990005" */                                                   \
    X(document)    /* CPF (11 digits) or CNPJ (14), checked */                                     \
    X(external_id) /* the firm's own id for the person */                                          \
    X(name)        /* display form */                                                              \
    X(first_name)                                                                                  \
    X(last_name)                                                                                   \
    X(birth_date) /* YYYY-MM-DD */                                                                 \
    X(gender)     /* "f" or "m" */                                                                 \
    X(city)                                                                                        \
    X(state)   /* UF for Brazil, else as given */                                                  \
    X(zip)     /* 8 digits for Brazil */                                                           \
    X(country) /* ISO 3166-1 alpha-2, lower case */                                                \
    X(street)                                                                                      \
    X(fbp)                                                                                         \
    X(fbc)                                                                                         \
    X(fbclid)                                                                                      \
    X(client_ip)  /* the visitor's, never the platform's */                                        \
    X(user_agent) /* the visitor's */                                                              \
    X(consent)    /* "granted" or "denied": may the data be used for advertising */                \
    X(utm_source)                                                                                  \
    X(utm_medium)                                                                                  \
    X(utm_campaign)                                                                                \
    X(utm_term)                                                                                    \
    X(utm_content)                                                                                 \
    X(page_url) /* landing page */                                                                 \
    X(referrer)

enum contact_field {
#define CONTACT_ENUM(name) CONTACT_##name,
    CONTACT_FIELDS(CONTACT_ENUM)
#undef CONTACT_ENUM
        CONTACT_FIELD_COUNT
};
extern const char *const contact_field_name[CONTACT_FIELD_COUNT];

/* Whose word counts more, field by field: a person's own form over a platform's record over a guess. */
enum origin_rank { ORIGIN_PLATFORM = 1, ORIGIN_LEAD = 2, ORIGIN_OPERATOR = 3 };

struct contact {
    slice field[CONTACT_FIELD_COUNT];
    slice
        document_error; /* why the platform's document was not taken ("repeated_digits"), for display; kept in the event */
    slice phone_error;
    int64_t fbclid_ms; /* when the click id was first seen; 0 unknown */
};

enum order_status {
    ORDER_NONE, /* the event says nothing about it */
    ORDER_CREATED,
    ORDER_PENDING,
    ORDER_REFUSED,
    ORDER_CANCELLED,
    ORDER_PAID,
    ORDER_DELIVERED,
    ORDER_REFUNDED,
    ORDER_CHARGEBACK,
    ORDER_STATUS_COUNT
};
extern const char *const order_status_name[ORDER_STATUS_COUNT]; /* "" for ORDER_NONE */

struct order_item {
    slice id, name, category, brand;
    int64_t quantity; /* >= 1 */
    int64_t price;    /* unit price in minor units; -1 unknown */
    slice kind;       /* "main", "bump" or "" */
};

struct order {
    slice
        number; /* the platform's id of the order: identity within the workspace; empty = no order here */
    slice reference; /* the short number shown to people */
    enum order_status status;
    bool has_amount; /* false: the charge is not known, and no one may guess it */
    int64_t amount;  /* what was charged, minor units */
    int64_t base_amount, discount, fees; /* minor units; -1 unknown */
    slice currency;                      /* ISO 4217, upper case */
    slice payment_method;
    int64_t installments; /* 0 unknown */
    slice coupon, checkout_url, reason /* of a refusal or refund */;
    slice sck, callback, source_tag;
    slice subscription; /* number of the subscription it belongs to */
    struct order_item *items;
    size_t item_count;
    int64_t created_ms, paid_ms, refunded_ms, chargeback_ms, cancelled_ms; /* 0 unknown */
};

enum subscription_status {
    SUBSCRIPTION_NONE,
    SUBSCRIPTION_TRIAL,
    SUBSCRIPTION_ACTIVE,
    SUBSCRIPTION_PAST_DUE,
    SUBSCRIPTION_PAUSED,
    SUBSCRIPTION_CANCELLED,
    SUBSCRIPTION_EXPIRED,
    SUBSCRIPTION_STATUS_COUNT
};
extern const char *const subscription_status_name[SUBSCRIPTION_STATUS_COUNT];

struct subscription {
    slice number; /* identity within the workspace; empty = none */
    enum subscription_status status;
    int64_t period;      /* ordinal of the current period; 0 unknown */
    int64_t period_days; /* 0 unknown */
    bool has_amount;
    int64_t amount; /* minor units per period */
    slice currency;
    int64_t next_charge_ms, created_ms, cancelled_ms; /* 0 unknown */
    slice product_id, product_name, offer_id;
};

/* A checkout that was opened, perhaps left. */
struct checkout {
    slice number; /* identity within the workspace; empty = none */
    bool abandoned;
    slice url, product_id, product_name, offer_id, offer_name;
    int64_t list_price; /* minor units, a price tag and never a charge; -1 unknown */
    slice currency;
    int64_t created_ms;
};

/* What one event changes. Members that it says nothing about are NULL. */
struct changes {
    struct contact *contact;
    struct order *order;
    struct subscription *subscription;
    struct checkout *checkout;
    slice
        custom; /* JSON object of whatever else the event carries for destinations; may be empty */
};

/* Zeroed, with the -1 "unknown" amounts set; NULL when the arena is full. */
struct order *order_new(struct arena *arena);
struct checkout *checkout_new(struct arena *arena);

/* Write the parts of an event's JSON under `key` (NULL: as an array element or the top value); id 0 = not stored yet. */
void record_json_contact(struct buf *b, const char *key, const struct contact *c, uint64_t id);
void record_json_order(struct buf *b, const char *key, const struct order *o, uint64_t id);
void record_json_subscription(struct buf *b, const char *key, const struct subscription *s,
                              uint64_t id);
void record_json_checkout(struct buf *b, const char *key, const struct checkout *c, uint64_t id);

#endif
