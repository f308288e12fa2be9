/* whatsapp.h: what the files of the source kind `whatsapp-cloud` share.
 *
 *   whatsapp_cloud.c    settings, proof, handshake, split: a body into events
 *   whatsapp_home.c     whose a change is, when one app has several numbers
 *   whatsapp_walk.c     where in a body an event lies, and its part of it
 *   whatsapp_contact.c  who it is about
 *   whatsapp_account.c  our own end: the number, and whether it may send
 *   whatsapp_own.c      what else is told of it: state of numbers and templates, what its owner must hear of
 *   whatsapp_message.c  messages, edits, revocations, reactions
 *   whatsapp_stop.c     words by which a person asks for no marketing
 *   whatsapp_media.c    how files are fetched
 *   whatsapp_other.c    statuses, address book, preferences, the rest
 *   whatsapp_sample.c   a signed body for `malote send`
 *
 * Facts: docs/sources/whatsapp-cloud.md. */
#ifndef MALOTE_SOURCES_WHATSAPP_H
#define MALOTE_SOURCES_WHATSAPP_H

#include "sources/clean.h"
#include "sources/source.h"

enum {
    WA_APP_SECRET,
    WA_VERIFY_TOKEN,
    WA_NUMBERS,
    WA_TICKET_REOPEN,
    WA_ACCESS_TOKEN,
    WA_BASE_URL,
    WA_API_VERSION,
    WA_STOP_WORDS,
    WA_RESUME_WORDS,
    WA_ACCOUNTS,
    WA_SETTING_COUNT
};
enum {
    WA_SECRETS_MAX = 2, /* the old one and the new one */
    WA_CHALLENGE_MAX = 1024,
    WA_EARLY_MAX_MS = 5 * 60 * 1000 /* a time further ahead than this is no time */
};

/* The arrays of a change's value, each item of which is one event. */
enum whatsapp_part {
    WA_MESSAGE,    /* value.messages[] */
    WA_ECHO,       /* value.message_echoes[] */
    WA_STATUS,     /* value.statuses[] */
    WA_HISTORY,    /* value.history[].threads[].messages[], and the other two of field "history" */
    WA_CHUNK,      /* value.history[]: how far the history has come, or that it was declined */
    WA_SYNC,       /* value.state_sync[] */
    WA_PREFERENCE, /* value.user_preferences[] */
    WA_AUTOMATIC,  /* value.automatic_events[] */
    WA_ERRORS,     /* value.errors, all of them */
    WA_OTHER,      /* the change, of a number that is not the source's own */
    WA_WHOLE,      /* the change, or whatever else was found */
};

/* One event's place, and what stands around it. */
struct whatsapp_place {
    enum whatsapp_part part;
    bool echo; /* of message_echoes: ours, whatever stands in it */
    json *entry, *change, *value, *thread /* WA_HISTORY */, *item;
};

/* Finds the event's part of the body by its locator. ERR_SYNTAX when it is not there. */
MUST_CHECK enum err whatsapp_locate(json *root, slice locator, struct whatsapp_place *out,
                                    struct why *why);
/* Of an event's locator, the part that leads to its change. */
slice whatsapp_change_of(slice locator);

enum whatsapp_home {
    WA_OURS,
    WA_ELSEWHERE, /* another source's, which `accounts` names */
    WA_NOBODYS    /* the settings do not know the number */
};
/* Whose is the change? *account: the id that decides; *to: as `accounts` says. */
enum whatsapp_home whatsapp_home(const struct whatsapp_place *p, const struct settings *cfg,
                                 slice *account, slice *to);
/* The change, to be handed over. NULL: no memory. */
struct handover *whatsapp_home_part(const struct whatsapp_place *p, json *root, slice account,
                                    slice to, slice locator, struct cleaner *cl);
/* The type of an event that is a whole change of another number. */
#define WA_OTHER_TYPE SLICE("whatsapp.other_account")

/* Of a number as people write it, its digits. */
slice whatsapp_digits(slice shown, struct arena *arena);
/* The digits of our own number, as the change says. */
slice whatsapp_own_number(const struct whatsapp_place *p, struct arena *arena);
/* Is the message one of ours: an echo, or from our own number? */
bool whatsapp_is_ours(const struct whatsapp_place *p, struct arena *arena);

/* The event's type; "" for a message without a known kind of event. */
slice whatsapp_event_type(const struct whatsapp_place *p, struct cleaner *cl);
/* Does a value without its envelope say that the history was declined? So Meta's page prints it. */
bool whatsapp_is_declined(json *item);
/* Is it so far ahead of when it was received (0: not known) that it is no time? */
static inline bool whatsapp_is_early(int64_t at_ms, int64_t received_ms)
{
    return received_ms > 0 && at_ms > received_ms + WA_EARLY_MAX_MS;
}
/* Every member of an object but those, into the object that is open. */
void whatsapp_put_rest(struct buf *b, json *v, const char *const *left_out, size_t count,
                       struct cleaner *cl);
/* Instant of an item in ms; 0 unknown. */
int64_t whatsapp_time(json *item);

/* Which one of a group a status is about, by whichever of its names; empty for a person's. */
slice whatsapp_participant(struct cleaner *cl, json *status);

/* Text as it was written, but for characters that no store keeps; at most MESSAGE_TEXT_MAX bytes. */
slice whatsapp_text(struct cleaner *cl, json *v);

/* Is it a number (digits, perhaps with '+')? What is none may be a user id (contact_is_user_id). */
bool whatsapp_is_number(slice id);
/* Two ids of one person: the same, or one number in two forms. */
bool whatsapp_same_person(struct cleaner *cl, slice a, slice b);
/* Either put into the field it belongs to; a number fills phone and wa_id. */
void whatsapp_contact_id(struct cleaner *cl, struct contact *c, slice id);
/* "+5511999990005", with the ninth digit whichever form came; empty when it is no number. */
slice whatsapp_phone(struct cleaner *cl, slice id);
/* Who the item is about, with what `contacts` says of them. NULL: nobody. */
struct contact *whatsapp_contact(const struct whatsapp_place *p, bool ours, struct cleaner *cl);
/* The contact for a system message, moved to the new number or id. */
struct contact *whatsapp_moved_contact(const struct whatsapp_place *p, struct cleaner *cl);

/* The number of ours that the change is about; NULL: it names none. */
struct own_number *whatsapp_account_number(const struct whatsapp_place *p, struct cleaner *cl);
/* The account (WABA) that the change is of, as it says. */
slice whatsapp_account_of(const struct whatsapp_place *p);
/* Whom an update of the account or of one of its numbers is about, as it says; number empty: all of the account's. */
struct own_number whatsapp_account_named(const struct whatsapp_place *p, struct cleaner *cl);
/* Does the change say that we may not send any more, or that this is over? NULL: neither. */
struct account_hold *whatsapp_account_hold(const struct whatsapp_place *p, struct cleaner *cl);

/* A word of Meta's, in capitals: fit to be shown, or empty. */
slice whatsapp_word(json *v, const char *key);
/* What the change tells of our own end beside all that: out->own_state, template_word, notice. */
void whatsapp_own_read(const struct whatsapp_place *p, struct cleaner *cl, struct changes *out);

/* Interpreting, part by part. */
MUST_CHECK enum err whatsapp_read_message(const struct whatsapp_place *p, const struct request *r,
                                          const struct event *e, const struct settings *cfg,
                                          struct cleaner *cl, struct changes *out, struct why *why);
MUST_CHECK enum err whatsapp_read_status(const struct whatsapp_place *p, const struct request *r,
                                         const struct event *e, struct cleaner *cl,
                                         struct changes *out, struct why *why);
MUST_CHECK enum err whatsapp_read_other(const struct whatsapp_place *p, struct cleaner *cl,
                                        struct changes *out, struct why *why);

/* What the person says of marketing by the message as a whole: "stop", "resume", or empty. */
slice whatsapp_stop_word(json *message, const struct settings *cfg);
MUST_CHECK enum err whatsapp_stop_check(const struct settings *cfg, struct why *why);

/* Slot `sample` of the kind. */
MUST_CHECK enum err whatsapp_sample(slice name, const struct settings *cfg, int64_t now_ms,
                                    uint64_t nonce, struct arena *arena, struct sample *out,
                                    struct why *why);
/* Lower-case hex from hex or base64; empty when it is neither: a hash that cannot be compared is no reason to lose the file. */
slice whatsapp_media_sha256(slice given, struct arena *arena);
/* The kind's `media` slot. */
extern const struct source_media whatsapp_media_slot;

#endif
