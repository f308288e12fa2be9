/* media.h: fetches the files of messages before their links die, and carries them to the bucket, if there is one.
 *
 * Way: records/ notes a file as pending -> [media] claims it, asks the platform for a link, streams the bytes into depot.h's folder,
 * checks length and digest, and settles it through the writer. Thread: "media", with a wire and a reading connection of its own.
 * Moves:  PENDING -> DOWNLOADING claim | DOWNLOADING -> DOWNLOADED, PENDING (again later), FAILED, EXPIRED settle
 *         | DOWNLOADING -> PENDING take_back, at the start: the process that had it is gone
 * With a bucket it is PENDING once more, with `storage` set, until bucket.c has carried it up.
 * A file that does not come never holds up its message. Nothing is doubled: files are named by their digest. */
#ifndef MALOTE_MEDIA_MEDIA_H
#define MALOTE_MEDIA_MEDIA_H

#include "config/config.h"
#include "deliver/guard.h"
#include "journal/journal.h"
#include "media/depot.h"

enum {
    MEDIA_PARALLEL_MAX = 8, /* downloads at once */
    MEDIA_SHARE_MAX = 6,    /* of one workspace: its slow files leave room for others' */
    MEDIA_TRIES_MAX = 3,    /* then it has failed, until a person asks again */
    MEDIA_TIMEOUT_MS = 10 * 60 * 1000,
    MEDIA_LEASE_MS = 15 * 60 * 1000,
    MEDIA_SIZE_MAX = 256 * 1024 * 1024, /* of any file; the kinds say less */
    MEDIA_WAIT_MAX_MS =
        25 * 1000, /* a reader waits so long for the bucket: less than most clients do */
};

struct media_options {
    const char *database;
    struct depot *depot;
    struct log *log;
    struct metrics *metrics;
    struct config_box *config;
    const struct guard *guard;
    const char *ca_file;
    int64_t keep_ms; /* files that came in longer ago are deleted; 0: none are */
    /* Deliveries that waited for a file may go; from the media thread. NULL: nobody waits. */
    void (*released)(void *ctx);
    /* A destination refuses our token at an upload: it is to be put on hold (`to` in `config`); from the media thread. NULL: nobody does. */
    void (*refused)(void *ctx, struct config *config, const struct destination *to,
                    const char *reason);
    void *ctx; /* of these two */
};

struct media_fetcher;

MUST_CHECK enum err media_new(const struct media_options *options, struct media_fetcher **out,
                              struct why *why);
/* Starts the thread. */
MUST_CHECK enum err media_start(struct media_fetcher *m, struct journal *journal, struct why *why);
/* There may be something to fetch; from any thread, cheap. */
void media_wake(struct media_fetcher *m);

/* Somebody who waits for a file that is in the bucket and not here. */
struct media_wait {
    struct media_wait *next;
    char hash[FILES_HASH_LEN];
    int64_t until_ms; /* monotonic; set by media_wait_for */
    /* Once, on the media thread: OK with a descriptor, from then on the callee's; ERR_MISSING: it is not in the bucket; ERR_BUSY: it takes
     * too long, or the hub ends; ERR_REMOTE, ERR_IO. */
    void (*done)(struct media_wait *w, enum err rc, int fd, int64_t size, const struct why *why);
};
/* OK: `w` stays the media thread's until done. ERR_BUSY: too many wait. ERR_MISSING: there is no bucket. From any thread. */
MUST_CHECK enum err media_wait_for(struct media_fetcher *m, struct media_wait *w, struct why *why);
/* All waits end now, and there are no new ones. Before listening stops. */
void media_end_waits(struct media_fetcher *m);
/* Does the bucket take files? Else why not. True without one. From any thread. */
bool media_works(struct media_fetcher *m, char problem[WHY_TEXT_MAX]);

/* Ends downloads under way (they are begun anew after the next start) and the thread. Before the journal is stopped. */
void media_stop(struct media_fetcher *m);
/* After the journal was stopped: it calls media_wake. */
void media_free(struct media_fetcher *m);

#endif
