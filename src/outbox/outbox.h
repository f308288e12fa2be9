/* outbox.h: what the hub has to say, made an event of its own source (sources/malote.c): a message that it was asked to send (POST
 * /api/messages, campaigns), an alert (the delivery loop, campaigns). Stored by a job of the writer that brings the entry with it. */
#ifndef MALOTE_OUTBOX_OUTBOX_H
#define MALOTE_OUTBOX_OUTBOX_H

#include "journal/journal.h"

enum { OUTBOX_TEXT_MAX = 64 * 1024, OUTBOX_ALERT_MAX = 4096 };

struct outbox_message {
    const struct destination *to; /* carries messages; in the configuration that is passed */
    json *message;                /* checked by its kind */
    slice
        key; /* the event is one by this and the destination; callers of the API cannot write a blank into theirs */
    uint64_t delivery_id,
        message_id;       /* chosen beforehand; message_id 0: no message of its own (a read mark) */
    uint64_t campaign_id; /* not 0: it waits behind what somebody waits for */
    int64_t at_ms;
};

/* The request and its one event, for struct journal_job's `entry`. NULL: too large. */
struct journal_entry *outbox_entry(struct config *config, struct log *log,
                                   const struct outbox_message *m);

/* What is wrong with a destination, with a campaign that sends through it, or with an account at a channel. No personal data, no secret. */
struct outbox_alert {
    slice alert;                     /* "destination_held" */
    const struct destination *to;    /* in the configuration that is passed. NULL: of an account, */
    uint64_t workspace_id, event_id; /* of that workspace, as this event told: once for it */
    slice account, number;           /* which account, and perhaps number */
    uint64_t campaign_id;            /* 0: of the destination */
    slice campaign;                  /* its name */
    slice reason;
    int64_t at_ms;
};

/* As outbox_entry. NULL: no memory. */
struct journal_entry *outbox_alert(struct config *config, struct log *log,
                                   const struct outbox_alert *a);

/* A number as people write it, or an id; what is no number stays for the destination's kind to judge. In `arena`. */
slice outbox_recipient(slice to, struct arena *arena);

/* The destination of the workspace that sends messages and is called `name`; "": the only one. ERR_MISSING: none, ERR_SYNTAX: several. */
MUST_CHECK enum err outbox_destination(const struct config *config, uint64_t workspace_id,
                                       slice name, const struct destination **out, struct why *why);

#endif
