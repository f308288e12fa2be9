/* media.h: fetches the files of messages before their links die.
 *
 * Way: records/ notes a file as pending -> [media] claims it, asks the platform for a link, streams the bytes into files.h's folder,
 * checks length and digest, and settles it through the writer. Thread: "media", with a wire and a reading connection of its own.
 * Moves:  PENDING -> DOWNLOADING claim | DOWNLOADING -> DOWNLOADED, PENDING (again later), FAILED, EXPIRED settle
 *         | DOWNLOADING -> PENDING take_back, at the start: the process that had it is gone
 * A file that does not come never holds up its message. Nothing is doubled: files are named by their digest. */
#ifndef MALOTE_MEDIA_MEDIA_H
#define MALOTE_MEDIA_MEDIA_H

#include "config/config.h"
#include "deliver/guard.h"
#include "journal/journal.h"
#include "media/files.h"

enum {
    MEDIA_PARALLEL_MAX = 8, /* downloads at once */
    MEDIA_TRIES_MAX = 3,    /* then it has failed, until a person asks again */
    MEDIA_TIMEOUT_MS = 10 * 60 * 1000,
    MEDIA_LEASE_MS = 15 * 60 * 1000,
};

struct media_options {
    const char *database;
    const struct files *files;
    struct log *log;
    struct metrics *metrics;
    struct config_box *config;
    const struct guard *guard;
    const char *ca_file;
};

struct media_fetcher;

MUST_CHECK enum err media_new(const struct media_options *options, struct media_fetcher **out,
                              struct why *why);
/* Starts the thread. */
MUST_CHECK enum err media_start(struct media_fetcher *m, struct journal *journal, struct why *why);
/* There may be something to fetch; from any thread, cheap. */
void media_wake(struct media_fetcher *m);
/* Ends downloads under way (they are begun anew after the next start) and the thread. Before the journal is stopped. */
void media_stop(struct media_fetcher *m);
/* After the journal was stopped: it calls media_wake. */
void media_free(struct media_fetcher *m);

#endif
