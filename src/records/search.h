/* search.h: the words of messages, found by api/search.c. */
#ifndef MALOTE_RECORDS_SEARCH_H
#define MALOTE_RECORDS_SEARCH_H

#include "store/store.h"

/* Brings the index up to the newest message; once in a transaction, outside its parts: each part's end would write it. On the writer. */
MUST_CHECK enum err search_catch_up(struct store *s, struct why *why);

/* Makes one index of its parts, a step each call, so that nothing is left of words that were deleted; journal_call's run. */
struct search_merge {
    bool begun, done;
};
MUST_CHECK enum err search_merge(void *merge, struct store *s, struct why *why);

#endif
