/* notice.h: what the hub's owner is to be told, from the transaction in which it is learned until it is an event of the hub's own source
 * (deliver/alert.c): as durable as what it tells of. */
#ifndef MALOTE_RECORDS_NOTICE_H
#define MALOTE_RECORDS_NOTICE_H

#include "base/id.h"
#include "store/store.h"

/* About a destination, or (0) about an account, as an event told it. */
struct notice {
    uint64_t workspace_id, destination_id, event_id;
    slice alert; /* "destination_held" */
    slice owner, number;
    slice reason; /* no personal data, no secret */
    int64_t at_ms;
};

/* On the writer. */
MUST_CHECK enum err notice_add(struct store *s, struct id_maker *ids, const struct notice *n,
                               int64_t now_ms, struct why *why);
/* Takes the oldest out of the store; *found false: there is none. Texts in `arena`. */
MUST_CHECK enum err notice_take(struct store *s, struct arena *arena, struct notice *out,
                                bool *found, struct why *why);

#endif
