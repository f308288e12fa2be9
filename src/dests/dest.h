/* dest.h: what a destination kind is. One file per kind in this folder, one `static const struct dest_kind`, one line in plugins.c.
 *
 * Every slot is pure: event, settings, reply and times in; outgoing request or verdict out. The queue (deliver/) decides when,
 * how often and with how much patience; a kind only says what to send and what an answer means. */
#ifndef MALOTE_DESTS_DEST_H
#define MALOTE_DESTS_DEST_H

#include "config/settings.h"

enum { DEST_ABI = 1 };
enum { DELIVERY_KEY_MAX = 300, OUTGOING_HEADERS_MAX = 24, BATCH_MAX = 1000 };
enum { REMOTE_ID_MAX = 255, PERSON_ID_MAX = 160 };

struct dest_header {
    slice name, value;
    bool secret; /* masked wherever it is shown */
};

/* What to send. Everything lives in the arena of the attempt. */
struct outgoing {
    slice method, url; /* the URL never holds a secret */
    struct dest_header headers[OUTGOING_HEADERS_MAX];
    size_t header_count;
    slice body;
};

/* An event as a destination kind sees it. */
struct outgoing_event {
    slice id;     /* "evt_..." */
    slice type;   /* "order.paid" */
    slice source; /* name of the source */
    int64_t occurred_ms, received_ms;
    slice data; /* the event's JSON, see docs/events.md */
};

/* One delivery to be sent, alone or in a batch. */
struct outgoing_delivery {
    slice id; /* "dlv_..." */
    struct outgoing_event event;
    slice key; /* as event_key slot gave it when the delivery was created; never changes */
    int64_t created_ms;
    int64_t first_attempt_ms; /* 0: this is the first */
    bool outcome_unknown; /* an earlier attempt may have arrived (time-out, reset after sending) */
    bool asked_again;     /* a person had it sent again after that, and knew */
    uint32_t attempt;     /* 1, 2, ... */
    slice file;           /* what the other side calls the file it carries; empty: not known */
    slice
        needs_file; /* render sets it with ERR_BUSY: "med_...", to be given to the other side first */
    slice
        recipient; /* render sets it where one may be asked to wait (verdict.pair): who it is for */
    slice
        part; /* render sets it: the bytes of the body that are this delivery's own (for the attempt's record) */
};

struct reply {
    int status;  /* HTTP status; 0 = none came (see error) */
    slice error; /* transport error in words when status is 0 */
    bool sent;   /* status 0: the request may have reached the other side */
    const struct dest_header *headers;
    size_t header_count;
    slice body;             /* cut to REPLY_BODY_MAX */
    int64_t retry_after_ms; /* from Retry-After (RFC 9110, 10.2.3), 0 when absent */
    int64_t elapsed_ms;
};

enum verdict_kind {
    VERDICT_DELIVERED,
    VERDICT_RETRY, /* this delivery again later; counts as an attempt */
    VERDICT_PAUSE, /* the other side asks for less: the whole destination waits; costs no attempt */
    VERDICT_DEAD,  /* never again by itself; reason says why */
    VERDICT_UNAUTHORISED, /* credentials or configuration are wrong: hold the destination, alert; costs no attempt */
    VERDICT_SPLIT, /* one of the batch is bad: send the halves (only for batches of two and more) */
    VERDICT_COUNT
};

struct verdict {
    enum verdict_kind kind;
    int64_t wait_ms;           /* RETRY, PAUSE: at least so long; 0 = the queue's own backoff */
    char reason[WHY_TEXT_MAX]; /* for people; no secret, no personal data */
    /* How much of its rate limit the other side says is used up, 0..100; 0: it says nothing. Beside any kind: the queue slows the
     * destination down before it is refused. */
    unsigned used_pct;
    /* RETRY: the reason lies with this delivery's recipient, not with the destination: the breaker does not count it. */
    bool alone;
    /* RETRY: too many to this recipient: all that waits for it waits as long, and keeps its order. */
    bool pair;
    /* The other side said that it did not act, whatever its HTTP status: the outcome is known. */
    bool refused;
    /* DEAD, of a delivery with a file: the other side could not use what it was given. Giving it anew may help. */
    bool file_gone;
    /* DELIVERED: whom it went to, as the other side calls them: a number's digits, a user id; "": it does not say. */
    char wa_id[PERSON_ID_MAX + 1], user_id[PERSON_ID_MAX + 1];
    /* DELIVERED: what the other side calls it from now on (a message's id at its channel); "": it does not say. */
    char remote_id[REMOTE_ID_MAX + 1];
};
struct verdict verdict_of(enum verdict_kind kind, int64_t wait_ms, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
extern const char *const verdict_name[VERDICT_COUNT];

/* A file on its way to the other side. */
struct outgoing_file {
    slice mime;   /* as it was uploaded here */
    slice sha256; /* hex */
};

/* What a kind that carries messages to people adds: POST /api/messages asks it before it accepts one. Pure. */
struct dest_messages {
    const char *channel; /* "whatsapp": of records/'s conversations */
    /* Our own end: the conversations' account. */
    slice (*account)(const struct settings *cfg);
    /* Can this message be sent? ERR_SYNTAX says which member is wrong; values are not repeated. */
    enum err (*check)(json *message, const struct settings *cfg, struct why *why);
    /* May it be sent although the person has written nothing within the channel's window? */
    bool (*any_time)(json *message);
    /* Is it advertising, which a person may have asked not to get? */
    bool (*is_marketing)(json *message, const struct settings *cfg);

    /* Files of POST /api/media. Which one does the message carry ("med_...")? Empty: none. NULL: the channel takes no files, and so on. */
    slice (*file)(json *message);
    /* May a file of this type and size go with the message? */
    enum err (*file_fits)(json *message, slice mime, int64_t size, struct why *why);
    /* The request that gives the channel a file: its body is `before`, the file's bytes, `after`. */
    enum err (*upload)(const struct outgoing_file *f, const struct settings *cfg,
                       struct arena *arena, struct outgoing *out, slice *before, slice *after,
                       struct why *why);
    /* DELIVERED with remote_id, for upload_keep_ms; DEAD: never this file; any other: later. */
    struct verdict (*uploaded)(const struct reply *r, const struct settings *cfg,
                               struct arena *arena);
    int64_t upload_keep_ms;

    /* A template that the message is: its name and language. False: it is none. NULL: the channel knows no templates. */
    bool (*template)(json *message, slice *name, slice *language);
    /* Most requests a minute from a number that is used in the channel's app, too; 0: as many as else. */
    uint32_t app_rate_per_min;
    /* Does the answer to a probe say whether it is? NULL: it cannot. */
    bool (*says_in_app)(slice reply, struct arena *arena, bool *in_app);
};

struct dest_kind {
    const char *name; /* "meta-capi" */
    uint16_t abi;     /* DEST_ABI */
    const char *title;
    const struct setting *settings;
    size_t setting_count;
    uint32_t rate_per_min;                /* unless its setting says else; 0: unlimited */
    const struct dest_messages *messages; /* NULL: it sends events, not messages */

    /* Further checks of the settings. NULL: none. */
    enum err (*check)(const struct settings *cfg, struct why *why);

    /* Most deliveries of one request, 1..BATCH_MAX, and how long to wait for more (ms). NULL: 1 and 0. */
    void (*batch)(const struct settings *cfg, size_t *max, int64_t *linger_ms);

    /* The delivery's dedupe key for this event: two events with one key are one delivery, for ever.
     * OK with *key; ERR_MISSING: this destination has no use for such an event (no delivery is made, `why` says so). */
    enum err (*delivery_key)(const struct outgoing_event *e, const struct settings *cfg,
                             struct arena *arena, slice *key, struct why *why);

    /* May this delivery be sent at all, now? VERDICT_DELIVERED means yes (go on), VERDICT_DEAD says why not. NULL: always. */
    struct verdict (*admit)(const struct outgoing_delivery *d, const struct settings *cfg,
                            int64_t now_ms, struct arena *arena);

    /* Builds the request for deliveries d[0..count-1], all admitted, count <= batch max; sets each d[i].part.
     * ERR_LIMIT when the arena is full; ERR_BUSY when count is 1 and needs_file is set; ERR_SYNTAX when count is 1 and it cannot be rendered (dead, with why). */
    enum err (*render)(struct outgoing_delivery *d, size_t count, const struct settings *cfg,
                       int64_t now_ms, struct arena *arena, struct outgoing *out, struct why *why);

    /* What the reply means for all of the batch. */
    struct verdict (*judge)(const struct reply *r, size_t count, const struct settings *cfg,
                            struct arena *arena);

    /* A request that tests the credentials ("test connection"); judged by judge. NULL: there is none. */
    enum err (*probe)(const struct settings *cfg, int64_t now_ms, uint64_t nonce,
                      struct arena *arena, struct outgoing *out, struct why *why);
};

/* Helpers shared by kinds. */
void outgoing_header(struct outgoing *o, const char *name, slice value, bool secret);
slice reply_header(const struct reply *r, slice name);

#endif
