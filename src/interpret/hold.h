/* hold.h: a channel says that an account of ours may not send any more: the destinations that send from it are put on hold. */
#ifndef MALOTE_INTERPRET_HOLD_H
#define MALOTE_INTERPRET_HOLD_H

#include "interpret/interpret.h"

/* In the event's transaction; the alert follows from column `untold` when that is on disk (deliver/alert.c). Sets ctx->held. */
MUST_CHECK enum err hold_apply(struct interpret_ctx *ctx, const struct stored_event *e,
                               const struct account_hold *h, struct why *why);

#endif
