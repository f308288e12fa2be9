/* campaign.h: what becomes of a campaign's recipients, followed from deliveries, messages and what people answer. Writer only, but for
 * the names. The campaign thread (campaign/) hands out; here is who hears of it.
 *
 * A recipient's state is no counter that somebody moves: from the moment it was handed out it is derived, each time something happens,
 * from the delivery and the message as they are stored (campaign_follow). Those only move forward whatever the order of arrival, and so
 * does it; nothing is counted twice, since counts are counted. */
#ifndef MALOTE_RECORDS_CAMPAIGN_H
#define MALOTE_RECORDS_CAMPAIGN_H

#include "records/apply.h"

enum campaign_state {
    CAMPAIGN_DRAFT,
    CAMPAIGN_RUNNING,
    CAMPAIGN_PAUSED,
    CAMPAIGN_FINISHED, /* everyone was handed out; states still follow */
    CAMPAIGN_CANCELLED,
    CAMPAIGN_STATE_COUNT
};
extern const char *const campaign_state_name[CAMPAIGN_STATE_COUNT];

/* The numbers are stored. */
enum campaign_recipient {
    RECIPIENT_WAITING,
    RECIPIENT_QUEUED,   /* its message is an event, and not tried yet */
    RECIPIENT_RETRYING, /* tried, to be tried again */
    RECIPIENT_ACCEPTED,
    RECIPIENT_SENT,
    RECIPIENT_DELIVERED,
    RECIPIENT_READ,
    RECIPIENT_FAILED,
    RECIPIENT_SKIPPED, /* never handed out, for a reason */
    RECIPIENT_CANCELLED,
    RECIPIENT_STATE_COUNT
};
extern const char *const campaign_recipient_name[RECIPIENT_STATE_COUNT];

/* Something happened, at `at_ms`, to delivery `delivery_id` or its message; the first time that it is known to be taken is when it was
 * sent. Nothing to do when it is no campaign's. */
MUST_CHECK enum err campaign_follow(struct store *store, uint64_t workspace_id,
                                    uint64_t delivery_id, int64_t at_ms, struct why *why);
/* A status of message `st->external_id` was applied. */
MUST_CHECK enum err campaign_status(struct apply_ctx *ctx, const struct message_status *st,
                                    struct why *why);
/* A campaign's message was applied: whom it went to. */
MUST_CHECK enum err campaign_went_to(struct apply_ctx *ctx, const struct message *m,
                                     uint64_t contact_id, struct why *why);
/* The person wrote (`m` NULL: did not, but told the channel), `stop`: and wants no more. Goes to the recipient whose message was
 * quoted, else to the latest that was sent to the person within the campaign's time; the first moment counts. */
MUST_CHECK enum err campaign_heard(struct apply_ctx *ctx, const struct message *m,
                                   uint64_t contact_id, bool stop, struct why *why);

#endif
