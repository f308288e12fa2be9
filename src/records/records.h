/* records.h: what the hub knows about people, orders, subscriptions, checkouts and messages, as plain structs.
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
    X(referrer)                                                                                    \
    X(wa_id)           /* WhatsApp's own form of the number: digits; where messages are sent to */ \
    X(wa_user_id)      /* business-scoped id: "BR.1349…" */                                      \
    X(wa_parent_id)    /* the same person for a group of businesses */                             \
    X(wa_username)     /* without '@' */                                                           \
    X(wa_name)         /* name in the profile: the person's own choice, often no real name */      \
    X(wa_saved)        /* "yes" or "no": is in the address book of the app */                      \
    X(wa_saved_name)   /* as the address book has it, be it no name of a person */                 \
    X(wa_marketing)    /* "stop" or "resume": may marketing be sent, by the person's own word */   \
    X(ctwa_clid)       /* click id of the latest ad that led here; the next three belong to it */  \
    X(ctwa_at)         /* when: the time of the message that it came with */                       \
    X(ctwa_account)    /* the WhatsApp account (WABA) that was written to */                       \
    X(ctwa_ad)         /* id of the ad or post */                                                  \
    X(ctwa_first_clid) /* of the first one */                                                      \
    X(ctwa_first_at)

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
    slice former_phone,
        former_wa_user_id; /* the same person under these, too: found by them, not shown */
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

/* ---- messages: one shape for all channels; what a channel has beside it stands in `data` ---- */

enum { MESSAGE_TEXT_MAX = 64 * 1024, MESSAGE_DATA_MAX = 512 * 1024, MESSAGE_ID_MAX = 512 };

enum message_direction { MESSAGE_IN = 1, MESSAGE_OUT = 2 };
extern const char *const message_direction_name[3]; /* "" for 0 */

/* How a message became known; a greater one is better informed. */
enum message_origin {
    MESSAGE_BY_HISTORY = 1, /* of long ago: opens no ticket and no window */
    MESSAGE_BY_ECHO,        /* written in the app, not by the hub */
    MESSAGE_BY_WEBHOOK,
    MESSAGE_BY_API, /* sent by the hub */
    MESSAGE_ORIGIN_COUNT
};
extern const char *const message_origin_name[MESSAGE_ORIGIN_COUNT];

/* Ranks: the state of a message only grows. FAILED is final for an attempt. The numbers are stored. */
enum message_state {
    MESSAGE_NO_STATE, /* incoming, or nothing heard of yet, or a word without a rank */
    MESSAGE_ACCEPTED, /* taken by the channel */
    MESSAGE_SENT,
    MESSAGE_DELIVERED,
    MESSAGE_READ,
    MESSAGE_PLAYED,
    MESSAGE_FAILED,
    MESSAGE_STATE_COUNT
};
extern const char *const message_state_name[MESSAGE_STATE_COUNT];

enum media_state {
    MEDIA_NONE,
    MEDIA_PENDING,
    MEDIA_DOWNLOADING,
    MEDIA_DOWNLOADED,
    MEDIA_FAILED,
    MEDIA_EXPIRED,
    MEDIA_STATE_COUNT
};
extern const char *const media_state_name[MEDIA_STATE_COUNT];

enum ticket_state { TICKET_NONE, TICKET_OPEN, TICKET_CLOSED, TICKET_STATE_COUNT };
extern const char *const ticket_state_name[TICKET_STATE_COUNT];

/* A file that belongs to a message; fetched later by its external id. */
struct media {
    slice external_id;
    slice kind;     /* "image", "audio", … */
    slice mime;     /* as given: "audio/ogg; codecs=opus" */
    slice sha256;   /* 64 lower-case hex digits; empty: not given, or not usable */
    slice filename; /* as given, for display: never a path */
    slice url;      /* lives for minutes */
    int64_t size;   /* bytes; 0 unknown */
    slice problem;  /* it will not come, and why; empty: it is to be fetched */
};

struct message {
    slice channel;     /* "whatsapp" */
    slice account;     /* our own end: the phone_number_id */
    slice external_id; /* the channel's id (wamid): identity within the workspace; never empty */
    slice peer;        /* the group's id; empty: the contact alone */
    enum message_direction direction;
    enum message_origin origin;
    slice type;     /* "text", "image", …, "unsupported"; "media_placeholder": not known yet */
    int64_t at_ms;  /* by the channel's word */
    slice text;     /* for display and search: body, caption, title of what was chosen */
    slice reply_to; /* external id of the quoted message */
    slice data;     /* JSON object; may be empty */
    enum message_state state; /* MESSAGE_NO_STATE: nothing is said of it */
    int64_t state_ms;
    struct media *media;      /* NULL: none */
    int64_t ticket_reopen_ms; /* a ticket closed for less than this is opened again; 0: a new one */
    uint64_t id;              /* chosen before it was sent (BY_API); else 0 */
    uint64_t delivery_id, campaign_id; /* of a message the hub sent; else 0 */
};

/* One word of the channel about the fate of an outgoing message. */
struct message_status {
    slice channel, account, external_id;
    slice recipient;          /* the participant of a group; else empty */
    slice word;               /* the channel's own: "sent", …, or one we do not know */
    enum message_state state; /* its rank for the message; NO_STATE: kept in the history only */
    int64_t at_ms;
    slice
        callback; /* what was sent along with the message to know it by (biz_opaque_callback_data) */
    slice data;   /* JSON object: pricing, conversation, errors */
};

/* ORIGINAL is never said by a channel: the text before the first edit, kept beside the edits (message.c). UNREAD: it was edited, and how
 * cannot be read; it is kept and replaces nothing. The numbers are stored. */
enum message_edit_kind {
    MESSAGE_EDIT = 1,
    MESSAGE_REVOKE,
    MESSAGE_ORIGINAL,
    MESSAGE_EDIT_UNREAD,
    MESSAGE_EDIT_KIND_COUNT
};
extern const char *const message_edit_name[MESSAGE_EDIT_KIND_COUNT];
struct message_edit {
    slice channel, account, external_id; /* of the message that is changed */
    slice edit_id;                       /* of the change */
    enum message_edit_kind kind;
    enum message_direction direction; /* whose message it is */
    int64_t at_ms;
    slice text; /* EDIT: the new text */
    slice data; /* EDIT: the channel's own fields of the new form */
};

struct message_reaction {
    slice channel, account, external_id; /* of the message reacted to */
    slice reaction_id;
    slice reactor; /* who, in one form; empty: ourselves */
    slice emoji;   /* empty: taken back */
    int64_t at_ms;
};

/* A number of ours at a channel. owner: the channel's account that it belongs to; number: its digits, empty when not said. */
enum { OWN_DIGITS_MAX = 15 }; /* E.164 */
struct own_number {
    slice channel, account, owner, number;
    bool in_app; /* it is used in the channel's app, too: of the number alone */
};

/* What a channel tells of our own end. The numbers are stored. From OWN_LINK on: whether it may send. */
enum own_fact_kind {
    OWN_QUALITY = 1, /* the channel's word for how the number does */
    OWN_LIMIT,       /* how many people a day it may write to: a number, or the channel's word */
    OWN_NAME,        /* the name that people see, approved */
    OWN_UPDATE,      /* the last thing that was said of the account */
    OWN_IN_APP,      /* used in the channel's app, too */
    OWN_LINK,        /* value: why it may not send; empty: that is over */
    OWN_BAN,
    OWN_RESTRICTION,
    OWN_DELETED,
    OWN_FACT_COUNT
};
struct own_fact {
    enum own_fact_kind kind;
    slice value;
    int64_t until_ms; /* it holds until then; 0: for good */
};
/* A piece of the number's history that came, or that it was declined. */
struct own_chunk {
    bool declined;
    int64_t phase, chunk, progress; /* declined: progress is the channel's code for that */
};
/* The event's time is when it was said. */
enum { OWN_FACTS_MAX = 3, OWN_CHUNK_MAX = 100000 };
struct own_state {
    struct own_number who; /* number empty: all of the owner's; account: of a chunk alone */
    struct own_fact fact[OWN_FACTS_MAX];
    size_t fact_count;
    const struct own_chunk *chunk; /* NULL: none */
};

/* What a channel says of a template of ours. Empty: nothing. */
struct template_word {
    slice channel, owner, name, language; /* the language as "pt_BR" */
    slice state, reason;                  /* the channel's words */
    slice quality, category;
};

/* The one form of a language: "pt-BR" becomes "pt_BR". In `arena`. */
slice template_language(slice language, struct arena *arena);

/* What the hub's owner should hear of: once for the event. */
struct owner_notice {
    slice alert; /* "account_security" */
    struct own_number who;
    slice reason; /* for people: no secret, no personal data */
};

/* The event is of an account that is not (or no longer) the source's that received it: interpret/hand.h. */
struct handover {
    slice account; /* its id, for people */
    slice to;      /* "workspace/source" as the settings say; empty: they do not know the account */
    bool own;      /* it is the source's own after all: it came before the settings said so */
    slice
        body; /* a body as the platform would send it, with nothing but the account's part in it */
    slice locator; /* where in the request's body that part is: a JSON Pointer */
};

/* The channel says that an account of ours may not send any more, or that this is over. */
struct account_hold {
    struct own_number
        who; /* account empty: it is not said by that; number empty: all of the owner's */
    enum own_fact_kind
        matter;       /* OWN_LINK...: what was said of one is not undone by a word on another */
    slice reason;     /* for people; empty: it is over */
    slice word;       /* what the channel calls it */
    int64_t until_ms; /* over by itself then; 0: not */
};

/* It is told of an account of which other sources may have numbers, too. */
struct own_share {
    struct own_number who;       /* number empty: all of the owner's */
    const struct handover *part; /* what tells it, `to` empty */
};

/* What one event changes. Members that it says nothing about are NULL. */
struct changes {
    const struct handover
        *hand_over; /* not NULL: nothing else is set but own_number, hold, share */
    struct contact *contact;
    struct order *order;
    struct subscription *subscription;
    struct checkout *checkout;
    struct message *message;
    struct message_status *message_status;
    struct message_edit *message_edit;
    struct message_reaction *message_reaction;
    slice message_read;            /* external id of a message of theirs that we have read */
    struct own_number *own_number; /* of ours, which it came by */
    struct own_state *own_state;
    struct template_word *template_word;
    struct owner_notice *notice;
    struct account_hold *hold;
    const struct own_share *share; /* NULL: whatever comes in there is the source's own */
    uint64_t
        send_to; /* id of the one destination it is to be sent to, beside what routes say; 0: none */
    uint64_t delivery_id; /* of that delivery, chosen beforehand */
    bool send_later;      /* nobody waits for it: behind what somebody waits for */
    slice
        custom; /* JSON object of whatever else the event carries for destinations; may be empty */
};

/* A business-scoped user id: a country's letters, a dot, letters and digits ("BR.1349…"; a parent's: "BR.ENT.1349…"). */
bool contact_is_user_id(slice id);

/* Zeroed, with the -1 "unknown" amounts set; NULL when the arena is full. */
struct order *order_new(struct arena *arena);
struct checkout *checkout_new(struct arena *arena);

/* Write the parts of an event's JSON under `key` (NULL: as an array element or the top value); id 0 = not stored yet. */
void record_json_contact(struct buf *b, const char *key, const struct contact *c, uint64_t id);
void record_json_order(struct buf *b, const char *key, const struct order *o, uint64_t id);
void record_json_subscription(struct buf *b, const char *key, const struct subscription *s,
                              uint64_t id);
void record_json_checkout(struct buf *b, const char *key, const struct checkout *c, uint64_t id);
void record_json_message(struct buf *b, const char *key, const struct message *m, uint64_t id);
void record_json_message_status(struct buf *b, const char *key, const struct message_status *s);
void record_json_message_edit(struct buf *b, const char *key, const struct message_edit *e);
void record_json_message_reaction(struct buf *b, const char *key, const struct message_reaction *r);

#endif
