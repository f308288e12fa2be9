/* conversation.h: what the appliers of messages share: the conversation a message belongs to, and its ticket. Writer only. */
#ifndef MALOTE_RECORDS_CONVERSATION_H
#define MALOTE_RECORDS_CONVERSATION_H

#include "records/apply.h"

enum { CONVERSATION_WINDOW_MS = 24 * 3600 * 1000 }; /* free-form after the person's last message */

struct conversation {
    uint64_t id, contact_id;
    int64_t window_until_ms, last_message_ms, last_in_ms, last_out_ms, messages_in, messages_out;
    int64_t read_ms; /* what came in until then was read, or answered by a person */
};

/* The conversation of a message, made when there is none. *out zeroed, id 0, when the message names neither person nor group. */
MUST_CHECK enum err conversation_of(struct apply_ctx *ctx, const struct message *m,
                                    uint64_t contact_id, struct conversation *out, struct why *why);
/* A message came to be known, or better known: the latest times only grow. `fresh`: it is to be counted, which is when more than
 * a placeholder is known of it. History moves no window. */
MUST_CHECK enum err conversation_touch(struct apply_ctx *ctx, struct conversation *c,
                                       const struct message *m, bool fresh, struct why *why);
/* All of it up to a moment was read. */
MUST_CHECK enum err conversation_read(struct apply_ctx *ctx, uint64_t id, int64_t until_ms,
                                      struct why *why);
/* Contact `gone` turned out to be `kept`: its conversations and their tickets become kept's. */
MUST_CHECK enum err conversation_join(struct apply_ctx *ctx, uint64_t gone, uint64_t kept,
                                      struct why *why);

/* The ticket that a message of `c` belongs to: opens, reopens or stretches one for an incoming message. *id 0: none.
 * The message itself must not be counted among the messages yet. */
MUST_CHECK enum err ticket_of(struct apply_ctx *ctx, const struct conversation *c,
                              const struct message *m, uint64_t *id, struct why *why);
/* All tickets of conversation `gone` become those of `kept`; two that are open become one. */
MUST_CHECK enum err ticket_join(struct apply_ctx *ctx, uint64_t gone,
                                const struct conversation *kept, struct why *why);

/* Adds the file of a message; *id its row. */
MUST_CHECK enum err media_add(struct apply_ctx *ctx, const struct message *m, uint64_t message_id,
                              uint64_t *id, struct why *why);

#endif
