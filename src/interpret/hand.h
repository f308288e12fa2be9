/* hand.h: an event of an account that is another source's is handed to that source: the part of the body that tells it becomes a request
 * of the other's own, kept like any (journal/keep.c), in the transaction in which the event here is done.
 *
 * Why so: a platform that knows one callback for many accounts (Meta's apps) leaves it to the receiver whose account it is, and everything of
 * an account must live in one workspace: what is handed on is split, known, interpreted and routed there as if it had come to its own
 * path. The other's keys make it once, however often the same is handed on; a kill leaves both halves or none.
 * Both sides must agree: the source that receives names the other for the account, the other accepts from it (`accept_from`). So nobody pulls
 * what is another's by naming its account, and nobody pushes into a workspace that did not ask. */
#ifndef MALOTE_INTERPRET_HAND_H
#define MALOTE_INTERPRET_HAND_H

#include "interpret/interpret.h"

/* Whose it is, and the request for it: read and split. ERR_MISSING: no source takes it; ERR_SYNTAX: too large for that source. The event
 * is then kept as failed, as any that cannot be understood. Gives *out. */
MUST_CHECK enum err hand_make(struct interpret_ctx *ctx, const struct source *from,
                              const struct stored_event *e, const struct request *r,
                              const struct handover *h, struct journal_entry **out,
                              struct why *why);
/* Hands what is told of an account to all sources that numbers of it belong to, as the settings of `from` say and the numbers are
 * known here: to each once, but not to whom ctx->hand already goes. One that does not take it is left out, and the log says so. */
MUST_CHECK enum err hand_share(struct interpret_ctx *ctx, const struct source *from,
                               const struct stored_event *e, const struct request *r,
                               const struct own_share *share, struct why *why);
/* Stores what the event that was just understood hands on (ctx->hand), outside any part of the transaction that may be undone: which
 * keys are known is in memory. Takes it, to ctx->handed. */
MUST_CHECK enum err hand_keep(struct interpret_ctx *ctx, struct why *why);
/* Forgets them. */
void hand_drop(struct interpret_ctx *ctx);

#endif
