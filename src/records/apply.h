/* apply.h: merges what an event says into the stored records; called by the writer inside its transaction. */
#ifndef MALOTE_RECORDS_APPLY_H
#define MALOTE_RECORDS_APPLY_H

#include "base/id.h"
#include "base/json.h"
#include "records/records.h"
#include "store/store.h"

/* The number of ours that was noted last, so that it is not noted again with each event that came by it. For one transaction, of which no
 * part is undone: what is rolled back must not be remembered as written. */
enum { OWN_SEEN_MAX = 256 };
struct own_seen {
    uint64_t workspace_id;
    int64_t in_app_ms;
    size_t len; /* 0: none */
    char text[OWN_SEEN_MAX];
};

/* What applying needs to know besides the changes. */
struct apply_ctx {
    struct store *store;
    struct id_maker *ids;
    struct arena *arena; /* of the event being applied */
    uint64_t workspace_id, source_id;
    slice origin; /* name of the source: noted beside each contact field */
    enum origin_rank rank;
    int64_t occurred_ms; /* of the event: decides between two words of the same rank */
    int64_t now_ms;
    uint64_t event_id;     /* noted where an event names nobody and is yet about somebody */
    struct own_seen *seen; /* NULL: nothing is remembered */
};

/* Where a message went; ids 0: nowhere. */
struct applied_message {
    uint64_t id, conversation_id, ticket_id, media_id;
    bool fresh; /* it was not known before */
};

/* The records as they are after the event; ids 0 where the event touches none. */
struct applied {
    uint64_t contact_id, order_id, subscription_id, checkout_id;
    struct contact contact;
    struct order order;
    struct subscription subscription;
    struct checkout checkout;
    struct applied_message message;
    bool number_changed; /* something new is known of our number */
    bool in_app_changed; /* own_state_apply */
};

/* Applies all of `changes`. Idempotent and independent of the order in which events arrive. ERR_* of the store; ERR_SYNTAX for a
 * record that would be larger than is kept: the event's fault, never to be mistaken for a full disk. */
MUST_CHECK enum err apply_changes(struct apply_ctx *ctx, const struct changes *changes,
                                  struct applied *out, struct why *why);

/* One file per record. `c` is what the event says; *out and *id the record afterwards. */
MUST_CHECK enum err contact_apply(struct apply_ctx *ctx, const struct contact *c,
                                  struct contact *out, uint64_t *id, struct why *why);
MUST_CHECK enum err order_apply(struct apply_ctx *ctx, const struct order *o, uint64_t contact_id,
                                struct order *out, uint64_t *id, struct why *why);
MUST_CHECK enum err subscription_apply(struct apply_ctx *ctx, const struct subscription *s,
                                       uint64_t contact_id, struct subscription *out, uint64_t *id,
                                       struct why *why);
MUST_CHECK enum err checkout_apply(struct apply_ctx *ctx, const struct checkout *c,
                                   uint64_t contact_id, struct checkout *out, uint64_t *id,
                                   struct why *why);
/* The channel took delivery `delivery_id` and calls its message `external_id`: the message that is known by its delivery gets that id,
 * and what was said of it meanwhile. Nothing to do when the delivery carries none. Without an apply_ctx: the delivery loop's
 * results call it too. */
MUST_CHECK enum err message_named(struct store *store, uint64_t workspace_id, uint64_t delivery_id,
                                  slice external_id, int64_t now_ms, struct why *why);

/* Messages. The contact is the other side, whoever wrote it. What is said of a message may come before it. */
MUST_CHECK enum err message_apply(struct apply_ctx *ctx, const struct message *m,
                                  uint64_t contact_id, struct applied_message *out,
                                  struct why *why);
MUST_CHECK enum err message_status_apply(struct apply_ctx *ctx, const struct message_status *s,
                                         struct why *why);
MUST_CHECK enum err message_edit_apply(struct apply_ctx *ctx, const struct message_edit *e,
                                       struct why *why);
/* We have read a message of somebody's, and those before it. *contact_id: whose, 0 when it is not known yet. */
MUST_CHECK enum err message_read_apply(struct apply_ctx *ctx, slice external_id,
                                       uint64_t *contact_id, struct why *why);
MUST_CHECK enum err message_reaction_apply(struct apply_ctx *ctx, const struct message_reaction *r,
                                           struct why *why);

/* A number of ours that was heard of. *changed: something new is known of it. */
MUST_CHECK enum err own_number_apply(struct apply_ctx *ctx, const struct own_number *n,
                                     bool *changed, struct why *why);
/* The channel, asked, says whether the number is used in its app, too. Nothing happens for a number that was never heard of. */
MUST_CHECK enum err own_number_asked(struct store *s, uint64_t workspace_id, slice channel,
                                     slice account, bool in_app, int64_t now_ms, struct why *why);
/* Is our number `account` among those that `n` speaks of (n->account is not looked at)? With `guess` one that nothing is known of is, if
 * nothing is known of that owner either. On any connection. */
MUST_CHECK enum err own_number_is_meant(struct store *s, uint64_t workspace_id,
                                        const struct own_number *n, slice account, bool guess,
                                        bool *meant, struct why *why);
/* The numbers that `n` speaks of, as the workspace's webhooks named them: OWN_NUMBERS_MAX at most. In `arena`. */
enum { OWN_NUMBERS_MAX = 256 };
MUST_CHECK enum err own_number_list(struct store *s, uint64_t workspace_id,
                                    const struct own_number *n, struct arena *arena,
                                    slice accounts[OWN_NUMBERS_MAX], size_t *count,
                                    struct why *why);

/* What is told of our own end: own_state.c. */
/* *in_app: something new says that a number is used in the app, too. */
MUST_CHECK enum err own_state_apply(struct apply_ctx *ctx, const struct own_state *o, bool *in_app,
                                    struct why *why);
/* One word, said at at_ms. Nothing is kept of an owner without a name. */
MUST_CHECK enum err own_state_fact(struct store *s, uint64_t workspace_id,
                                   const struct own_number *who, const struct own_fact *f,
                                   int64_t at_ms, struct why *why);
struct own_view_fact {
    int64_t at_ms, until_ms; /* at_ms 0: nothing is known */
    slice value;
};
/* What is known of a number; times 0: nothing. */
struct own_view {
    struct own_view_fact fact[OWN_FACT_COUNT];
    int64_t chunks, phase, progress, history_ms, done_ms;
    int64_t declined, declined_ms; /* the history was declined since; the channel's code */
};
/* Of number `n`, as own_numbers has it. On any connection; texts in `arena`. */
MUST_CHECK enum err own_state_read(struct store *s, uint64_t workspace_id,
                                   const struct own_number *n, struct arena *arena,
                                   struct own_view *out, struct why *why);
/* A channel's time may be in whole seconds, behind ours. */
enum { OWN_STATE_SLACK_MS = 1000 };
/* Why number `n` (digits empty: any of the owner's) may not send now, and until when: the newest of the reasons that hold, but of none that
 * is older than what a person did (person_ms). out->value empty: it may. */
MUST_CHECK enum err own_state_hold(struct store *s, uint64_t workspace_id,
                                   const struct own_number *n, int64_t person_ms, int64_t now_ms,
                                   struct arena *arena, struct own_view_fact *out, struct why *why);

/* What is told of a template. */
MUST_CHECK enum err template_apply(struct apply_ctx *ctx, const struct template_word *t,
                                   struct why *why);
/* May a template in that state (the channel's word) be sent? Unknown words: yes, the channel decides. */
bool template_may_go(slice state);
/* May our number `account` send it? ERR_DENIED with the reason: the channel said no. OK also for what is not known. */
MUST_CHECK enum err template_check(struct store *s, uint64_t workspace_id, slice channel,
                                   slice account, slice name, slice language, struct arena *arena,
                                   struct why *why);

/* What a person is found by, strongest first; the numbers are stored. */
enum contact_identity {
    IDENTITY_EXTERNAL,
    IDENTITY_DOCUMENT,
    IDENTITY_EMAIL,
    IDENTITY_PHONE,
    IDENTITY_WA_USER,
    IDENTITY_COUNT
};
/* Whom the channel says a delivery's message went to: a number's digits, a user id; either may be empty. It need not be what was asked for
 * (Brazil's ninth digit, Mexico's 1), and is the same person. */
MUST_CHECK enum err contact_went_to(struct apply_ctx *ctx, uint64_t delivery_id, slice wa_id,
                                    slice user_id, struct why *why);
/* The contact an identity belongs to; *id 0: nobody's. On any connection. */
MUST_CHECK enum err contact_find(struct store *store, uint64_t workspace_id,
                                 enum contact_identity kind, slice value, uint64_t *id,
                                 struct why *why);
/* The contact that a message to `to` would reach: a number with its country code, or a user id. */
MUST_CHECK enum err contact_find_recipient(struct store *store, uint64_t workspace_id, slice to,
                                           uint64_t *id, struct why *why);
/* The text of one of a contact's stored fields (contacts.fields, parsed; NULL: none); empty when there is none. */
slice contact_text(json *fields, const char *name);

#endif
