/* mark.h: how far work that follows the events has come: the id of the last event (of the last message: "searched") it is done with. A mark moves in the commit that
 * holds the work. */
#ifndef MALOTE_JOURNAL_MARK_H
#define MALOTE_JOURNAL_MARK_H

#include "store/store.h"

enum mark { MARK_KNOWN, MARK_INTERPRETED, MARK_SEARCHED };

MUST_CHECK enum err mark_get(struct store *s, enum mark mark, uint64_t *event_id, struct why *why);
MUST_CHECK enum err mark_set(struct store *s, enum mark mark, uint64_t event_id, struct why *why);

#endif
