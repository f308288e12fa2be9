/* apply.c: one event's changes, record by record, in the order in which they refer to each other. */
#include "records/campaign.h"

/* What it means for campaigns, once contact and message are known. */
static enum err tell_campaigns(struct apply_ctx *ctx, const struct changes *changes,
                               uint64_t contact_id, struct why *why)
{
    const struct message *m = changes->message;
    bool stop =
        changes->contact && slice_eq(changes->contact->field[CONTACT_wa_marketing], SLICE("stop"));
    enum err rc = m ? campaign_went_to(ctx, m, contact_id, why) : OK;
    return rc == OK && (m || stop) ? campaign_heard(ctx, m, contact_id, stop, why) : rc;
}

enum err apply_changes(struct apply_ctx *ctx, const struct changes *changes, struct applied *out,
                       struct why *why)
{
    *out = (struct applied){ .contact_id = 0 };
    enum err rc = OK;
    if (changes->contact)
        rc = contact_apply(ctx, changes->contact, &out->contact, &out->contact_id, why);
    if (rc == OK && changes->order && changes->order->number.len)
        rc = order_apply(ctx, changes->order, out->contact_id, &out->order, &out->order_id, why);
    if (rc == OK && changes->subscription && changes->subscription->number.len)
        rc = subscription_apply(ctx, changes->subscription, out->contact_id, &out->subscription,
                                &out->subscription_id, why);
    if (rc == OK && changes->checkout && changes->checkout->number.len)
        rc = checkout_apply(ctx, changes->checkout, out->contact_id, &out->checkout,
                            &out->checkout_id, why);
    if (rc == OK && changes->message)
        rc = message_apply(ctx, changes->message, out->contact_id, &out->message, why);
    if (rc == OK) rc = tell_campaigns(ctx, changes, out->contact_id, why);
    if (rc == OK && changes->message_status)
        rc = message_status_apply(ctx, changes->message_status, why);
    if (rc == OK && changes->message_edit) rc = message_edit_apply(ctx, changes->message_edit, why);
    if (rc == OK && changes->message_reaction)
        rc = message_reaction_apply(ctx, changes->message_reaction, why);
    if (rc == OK && changes->message_read.len > 0)
        rc = message_read_apply(ctx, changes->message_read, &out->contact_id, why);
    if (rc == OK && changes->own_number)
        rc = own_number_apply(ctx, changes->own_number, &out->number_changed, why);
    if (rc == OK && changes->own_state)
        rc = own_state_apply(ctx, changes->own_state, &out->in_app_changed, why);
    if (rc == OK && changes->template_word) rc = template_apply(ctx, changes->template_word, why);
    return rc;
}
