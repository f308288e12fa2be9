/* shuffle.h: the same changes in every order of arrival. Each order gets a workspace of its own in one database, so that nothing
 * is shared but the code. */
#ifndef MALOTE_TESTS_UNIT_RECORDS_SHUFFLE_H
#define MALOTE_TESTS_UNIT_RECORDS_SHUFFLE_H

#include "hub.h"
#include "records/apply.h"

/* The next order in lexicographic sequence, from 0, 1, 2, ...; false behind the last. */
static inline bool shuffle_next(size_t *order, size_t n)
{
    size_t i = n - 1, k = n - 1;
    while (i > 0 && order[i - 1] >= order[i]) i--;
    if (i == 0) return false;
    while (order[k] <= order[i - 1]) k--;
    size_t swap = order[i - 1];
    order[i - 1] = order[k];
    order[k] = swap;
    for (size_t a = i, b = n - 1; a < b; a++, b--) {
        swap = order[a];
        order[a] = order[b];
        order[b] = swap;
    }
    return true;
}

static inline struct apply_ctx shuffle_ctx(struct hub *h, uint64_t workspace_id, struct arena *a)
{
    return (struct apply_ctx){ .store = h->store,
                               .ids = &h->ids,
                               .arena = a,
                               .workspace_id = workspace_id,
                               .source_id = 1,
                               .origin = SLICE("shop"),
                               .rank = ORIGIN_PLATFORM,
                               .occurred_ms = 1000,
                               .now_ms = 5000 };
}

#endif
