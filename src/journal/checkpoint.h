/* checkpoint.h: keeps the write-ahead log short without making requests wait.
 *
 * A checkpoint by the writer itself stalls every acknowledgement for as long as it takes; one beside it never ends under constant
 * load, since the log only starts anew when all of it is copied. So both: a thread of its own copies most of the log while the
 * writer goes on; then the writer copies the little that came meanwhile, and the log starts anew. */
#ifndef MALOTE_JOURNAL_CHECKPOINT_H
#define MALOTE_JOURNAL_CHECKPOINT_H

#include "base/log.h"
#include "store/store.h"

/* Pages are of 4 KiB. */
enum {
    /* When the thread begins. Under pressure little and often, since a copy takes a core and the disk for a while: 16,000 gave twice
     * the p99 of acknowledgements and no more of them. */
    CHECKPOINT_PAGES = 2000,
    /* When nobody presses, the writer interprets, which dirties the same pages again and again: the more commits one copy is of, the
     * fewer pages and syncs an event takes. It made a backlog's interpreting faster by a quarter. */
    CHECKPOINT_CALM_FACTOR = 12,
    /* At so many times that the writer does not wait for the thread any longer. Well above the calm one: a log that grew in calm is
     * not the writer's to copy when the pressure comes. */
    CHECKPOINT_MAX_FACTOR = 24,
};

struct checkpoint;

/* Starts the thread with a connection of its own. Thread: "checkpoint".
 *   pages    0 for CHECKPOINT_PAGES; the maximum grows and shrinks with it
 *   unsound  a sync of the log failed: nothing is copied, since what is copied must be in the log for good, or a power cut would mix
 *            old pages with new ones. Set here too when a copy fails. */
MUST_CHECK enum err checkpoint_start(const char *database, struct log *log, int64_t pages,
                                     _Atomic bool *unsound, struct checkpoint **out,
                                     struct why *why);
void checkpoint_stop(struct checkpoint *c);
/* The thread's connection will not delete the log when it is the last to close. */
void checkpoint_keep_log(struct checkpoint *c);
/* On the writer's thread: when a sync failed, brings everything onto the disk once more, which then counts again. */
MUST_CHECK enum err checkpoint_make_sound(struct checkpoint *c, struct store *writer,
                                          struct why *why);
/* All of the log into the database, and nothing left of it; on the writer's thread, outside of transactions. ERR_BUSY: not now. */
MUST_CHECK enum err checkpoint_empty(struct checkpoint *c, struct store *writer, struct why *why);
/* After each commit, on the writer's thread: `writer` is its connection. pressed: senders wait for its next turns. */
void checkpoint_after_commit(struct checkpoint *c, struct store *writer, bool pressed);

#endif
