/* hold.h: a channel says that an account of ours may not send any more, or that this is over: the destinations that send from it are put on
 * hold, or released.
 *
 * What holds is decided anew from all that was said (own_state_hold), so an old word that comes late changes nothing. Only holds that such a
 * word made (destinations.hold_owner) are ended here: one by a refused token or by a person's hand is not. The alert of each change is a
 * notice in the same transaction (records/notice.h). */
#ifndef MALOTE_INTERPRET_HOLD_H
#define MALOTE_INTERPRET_HOLD_H

#include "interpret/interpret.h"

/* In the event's transaction. guess: a number that nothing is known of may be meant. Sets ctx->held when a destination was changed. */
MUST_CHECK enum err hold_apply(struct interpret_ctx *ctx, const struct stored_event *e,
                               const struct account_hold *h, bool guess, struct why *why);

/* It came to be known which account number `n` is of: what was said of that account before holds for it, too. */
MUST_CHECK enum err hold_learned(struct interpret_ctx *ctx, uint64_t workspace_id,
                                 const struct own_number *n, struct why *why);

/* Those whose time is over, on the writer; on a snapshot's destinations. Tells of each by a notice. */
MUST_CHECK enum err hold_expire(struct store *s, struct id_maker *ids, struct log *log,
                                const struct config *config, int64_t now_ms, struct why *why);

#endif
