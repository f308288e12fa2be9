/* keep.h: what the writer stores of one request, and the running totals per source and minute. */
#ifndef MALOTE_JOURNAL_KEEP_H
#define MALOTE_JOURNAL_KEEP_H

#include "config/limits.h"
#include "journal/journal.h"
#include "journal/known.h"

struct keep_minute {
    uint64_t workspace_id, source_id;
    int64_t minute, requests, events, duplicates, unreadable, done, failed, handed, unclaimed;
};

struct keep_minutes {
    struct keep_minute
        *at; /* grows to what one transaction touched at most; freed by keep_free_minutes */
    size_t count, room;
    struct keep_minute spare;
};
void keep_free_minutes(struct keep_minutes *m);

/* The totals of a source in the minute of now_ms, to be added to; valid until the next call. Without memory: somewhere that is not
 * stored, since figures are no reason to refuse what they count. */
struct keep_minute *keep_minute(struct keep_minutes *m, uint64_t workspace_id, uint64_t source_id,
                                int64_t now_ms);
/* Into the store; they stay until the transaction's end: */
MUST_CHECK enum err keep_write_minutes(struct store *s, const struct keep_minutes *m,
                                       struct why *why);
/* ... committed: what was interpreted counts in the metrics, too. Else it never happened. The totals begin anew. */
void keep_end_minutes(struct keep_minutes *m, struct metrics *metrics, bool committed);

/* Lets `ids` go on above every id that was ever given to what the writer stores. */
MUST_CHECK enum err keep_ids_above(struct store *s, struct id_maker *ids, struct why *why);

/* Stores the entry's request and its events; sets id, event_ids, fresh, duplicates, stored. A request all of whose events are known
 * already is not stored again. One that is in the store (e->reread) keeps its row, which says that it was read. */
MUST_CHECK enum err keep_entry(struct store *s, struct id_maker *ids, struct known *known,
                               struct keep_minutes *m, struct journal_entry *e, int64_t now_ms,
                               struct why *why);

#endif
