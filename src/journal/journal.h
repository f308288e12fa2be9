/* journal.h: the writer: one thread that holds the only writing connection, and commits everything that waits at once; and the
 * syncer, which brings the commits onto the disk while the writer makes the next.
 *
 * Way:    listen -> [journal] -> listen (2xx) and -> interpret -> deliver.   Thread: "writer".
 * One turn: interpret some of what was told before, and commit that; take the waiting requests and jobs, store and run them, and
 * commit; then the syncer: one fsync for all turns that were committed meanwhile, and everyone is told. While requests press,
 * interpreting gets a bounded share of the time.
 * Invariants: (1) `done` of an entry is called once: when it is on disk, or when that failed. (2) Nobody else writes.
 * (3) Every queue has a maximum; journal_offer says no instead of growing. */
#ifndef MALOTE_JOURNAL_JOURNAL_H
#define MALOTE_JOURNAL_JOURNAL_H

#include "base/log.h"
#include "config/config.h"
#include "metrics/metrics.h"

struct journal_wake {
    void (*up)(void *ctx);
    void *ctx;
};

/* Where a request that was handed over comes from: none for all others. */
struct journal_origin {
    uint64_t workspace_id, request_id; /* 0: none */
    slice locator;                     /* of its part in that request's body */
};

/* A request that was verified and split, on its way into the store. The writer owns it from journal_offer's OK until
 * journal_entry_free; it keeps `config` referenced. */
struct journal_entry {
    struct journal_entry *next;
    struct config *config;       /* reference held */
    const struct source *source; /* in config */
    enum overload
        overload; /* what the sender makes of a refusal: its platform's word, unless changed */
    struct arena arena; /* holds everything below */
    struct request request;
    struct event_list events;
    struct journal_origin origin;
    slice problem;      /* why an authentic request could not be read; empty: it could */
    uint64_t id;        /* of the request */
    uint64_t reread;    /* it is in the store already, unread until now: its id; 0: it is new */
    uint64_t below;     /* an id below those of its events, above all before */
    int64_t offered_us; /* monotonic */
    size_t bytes;       /* what it counts for in the queue's limit */
    bool stored;        /* false after commit: every event was a duplicate */
    uint32_t fresh, duplicates;
    uint64_t *event_ids; /* of the fresh ones; 0 for duplicates */
    /* Called on the syncer thread (on the writer's when it failed before); copies what it needs; NULL when nobody waits. rc: OK (on disk), ERR_LIMIT (disk full), ERR_IO, ERR_BUSY. */
    void (*done)(struct journal_entry *e, enum err rc, void *ctx);
    void *ctx;
    /* Called behind `done`, once for all entries of a turn with this ctx, so that who waits for many is woken once. NULL: nobody. */
    struct journal_wake wake;
};

struct journal_entry *journal_entry_new(struct config *config, const struct source *source);
void journal_entry_free(struct journal_entry *e);
/* All of a list linked by `next`. */
void journal_entry_free_list(struct journal_entry *e);
/* Makes an entry whose request is authentic ready for the writer: finds its events, or says in `problem` why it cannot be read; counts
 * the time of acknowledgement from here. ERR_LIMIT: too large to be handled; the entry is then good for nothing. */
MUST_CHECK enum err journal_entry_read(struct journal_entry *e, struct log *log, struct why *why);

/* What the sender is told of a request that is on disk. */
struct journal_receipt {
    uint64_t request;
    uint32_t events, duplicates;
};
enum { JOURNAL_RECEIPT_MAX = 160 };
struct journal_receipt journal_receipt_of(const struct journal_entry *e);
/* {"received":true,"request":"req_…","events":n,"duplicates":n} into out; returns it. */
slice journal_receipt_text(struct journal_receipt r, char out[JOURNAL_RECEIPT_MAX]);

/* Work for the writer besides requests: run() inside the transaction (in a part that is undone when it fails), then done() after
 * that is on disk with run's result, or the commit's error (after a failed sync it may be stored all the same). run() on the writer
 * thread; done() as an entry's. */
struct journal_job {
    struct journal_job *next;
    enum err (*run)(struct journal_job *job, struct store *store, struct why *why);
    void (*done)(struct journal_job *job, enum err rc, const struct why *why);
    /* NULL, or a request of the hub's own, read (journal_entry_read), that is stored in the same transaction when run says OK; run may
     * set it or take it away. The journal's after the commit, the job's while done gets an error. */
    struct journal_entry *entry;
    enum err rc;
    struct why why;
};

struct deliver;
struct journal;

struct journal_options {
    const char *database;
    struct log *log;
    struct metrics *metrics;
    struct id_maker *ids;
    struct config_box *config;
    struct deliver *deliver; /* where new deliveries are handed; may be NULL in tests */
    /* Something was interpreted and is on disk; on the syncer thread, quick. NULL: nobody asks. */
    void (*interpreted)(void *ctx);
    void *interpreted_ctx;
    bool interpret;           /* false: only keep (tests, bench) */
    size_t keys_in_memory;    /* known.h's memory_max; 0: KNOWN_MEMORY_MAX */
    int64_t checkpoint_pages; /* 0: CHECKPOINT_PAGES */
};

/* Opens the writing connection and starts the thread. */
MUST_CHECK enum err journal_start(const struct journal_options *options, struct journal **out,
                                  struct why *why);
/* Commits what waits, ends the thread, closes the connection. Entries offered later are refused. */
void journal_stop(struct journal *j);

/* Hands over an entry. ERR_BUSY: no room now; the caller keeps it. */
MUST_CHECK enum err journal_offer(struct journal *j, struct journal_entry *e);
/* Hands over a job; never refused (jobs are made by bounded things: threads of the API, the delivery loop). */
void journal_post(struct journal *j, struct journal_job *job);
/* Hands over an entry and waits until it is on disk; not from the writer thread. Takes the entry, also on error: ERR_BUSY no room,
 * else the commit's. Sets `done` and `ctx` itself. */
MUST_CHECK enum err journal_enter(struct journal *j, struct journal_entry *e,
                                  struct journal_receipt *out, struct why *why);
/* Posts a job and waits for its end; not from the writer thread. Returns run's or the commit's error. */
MUST_CHECK enum err journal_call(struct journal *j,
                                 enum err (*run)(void *ctx, struct store *s, struct why *why),
                                 void *ctx, struct why *why);
/* The same with a request of the hub's own, which is stored in the same transaction when run says OK and leaves *drop false. Takes the
 * entry. */
MUST_CHECK enum err journal_call_entry(struct journal *j,
                                       enum err (*run)(void *ctx, struct store *s, bool *drop,
                                                       struct why *why),
                                       void *ctx, struct journal_entry *e, struct why *why);
/* Something was erased: returns when nothing of it is left in the log either. ERR_BUSY: it was read all the time; it is then done as soon as
 * it can be. Not from the writer thread. */
MUST_CHECK enum err journal_empty_log(struct journal *j, struct why *why);
bool journal_is_own_thread(const struct journal *j); /* the writer or the syncer? */
/* Events were set to EVENT_REPLAYING: interpret them, after what is new. */
void journal_replay(struct journal *j);

#endif
