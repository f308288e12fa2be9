/* prune.h: takes files away: those whose rows were dropped, those past their age, and those that nobody means.
 *
 * A file is bytes under a digest (depot.h); rows of the table `media` mean it. The rows go first, in a transaction of the writer; then,
 * under the depot's lock, the bytes, unless another row means them. A kill in between leaves bytes that nobody means: prune_orphans. */
#ifndef MALOTE_MEDIA_PRUNE_H
#define MALOTE_MEDIA_PRUNE_H

#include "journal/journal.h"
#include "media/depot.h"

/* Does any row mean the digest? On any connection; what cannot be read is used. */
MUST_CHECK enum err prune_is_used(struct store *s, slice hash, bool *used, struct why *why);

/* Files whose rows were dropped in one step of the writer. */
enum { PRUNE_GONE_MAX = 200 };
struct prune_gone {
    char hash[PRUNE_GONE_MAX][FILES_HASH_LEN];
    size_t count;
    bool
        remote; /* there is a bucket: in the same transaction it is noted that they are to be deleted from it */
};
/* Runs `change` (workspace, id) on a file's row and notes its file; on the writer. */
MUST_CHECK enum err prune_drop(struct store *s, uint64_t workspace_id, uint64_t id, enum sql change,
                               struct prune_gone *gone, struct why *why);

/* Whoever takes away: a thread with a reading connection of its own. */
struct pruner {
    struct store *store;
    struct journal *journal;
    struct depot *depot;
};
/* After the step's commit: removes from this machine those files that no other row means, and forgets the list. *wake: the bucket has
 * something to do. */
MUST_CHECK enum err prune_bytes(const struct pruner *p, struct prune_gone *gone, int64_t *removed,
                                bool *wake, struct why *why);

/* One way through the rows, oldest first, a step at a time. */
struct prune_run {
    uint64_t
        workspace_id; /* 0: all of them, and only what came in: what was uploaded is the firm's own */
    int64_t before_ms; /* rows made before */
    bool dry_run;
    uint64_t after; /* how far it is */
    int64_t files, orphans, bytes;
    bool wake; /* as above */
};
/* The next step. *more: there may be another. */
MUST_CHECK enum err prune_old(const struct pruner *p, struct prune_run *run, bool *more,
                              struct why *why);
/* Bytes that nobody means, in one of the depot's FILES_PARTS parts. */
MUST_CHECK enum err prune_orphans(const struct pruner *p, struct prune_run *run, unsigned part,
                                  struct why *why);

#endif
