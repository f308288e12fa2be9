/* turn.h: what the writer and the syncer share; for journal.c and tell.c only.
 *
 * Way of a turn:  journal.c: interpret, take, keep, commit -> [tell.c: sync, tell everyone] -> journal.c: what is to be interpreted.
 * The writer makes the next turn while the disk is busy with this one; turns are told in the order of their commits. A turn belongs
 * to the writer until tell_offer, to the syncer until its `told`, and is then free for the writer again. */
#ifndef MALOTE_JOURNAL_TURN_H
#define MALOTE_JOURNAL_TURN_H

#include <pthread.h>

#include "interpret/interpret.h"
#include "journal/journal.h"
#include "journal/keep.h"

struct checkpoint;

enum {
    TURNS_MAX = 4,      /* committed and not told yet, and the one being made */
    RETRY_WAIT_MS = 100 /* after a failed commit or sync */
};

struct entry_list {
    struct journal_entry *head, **tail;
    size_t count, bytes;
};

static inline void list_init(struct entry_list *l) { *l = (struct entry_list){ .tail = &l->head }; }

static inline void list_push(struct entry_list *l, struct journal_entry *e)
{
    e->next = NULL;
    *l->tail = e;
    l->tail = &e->next;
    l->count++;
    l->bytes += e->bytes;
}

static inline struct journal_entry *list_pop(struct entry_list *l)
{
    struct journal_entry *e = l->head;
    if (!e) return NULL;
    l->head = e->next;
    if (!l->head) l->tail = &l->head;
    l->count--;
    l->bytes -= e->bytes;
    return e;
}

struct job_list {
    struct journal_job *head, **tail;
};

/* An event of `pending`. */
struct cursor {
    struct journal_entry *entry; /* NULL: behind the last */
    size_t event;
};

struct turn {
    struct turn *next; /* in `committed` */
    struct entry_list entries;
    struct journal_entry *kept; /* the last of them that is stored */
    struct job_list jobs;
    bool stopping;
    bool interpreting;
    int64_t from_us;   /* monotonic */
    int64_t waited_us; /* for more requests, with some in hand */
    struct journal_entry
        *handed; /* requests that events handed to other sources: kept, to be told with the rest */
    struct leased *born; /* deliveries to hand over when it is on disk */
    size_t born_count;
    uint64_t created, unborn;
    bool held, noticed; /* of what was interpreted: struct interpret_ctx */
    /* Where j->pending.head and j->pending_event, j->stored and j->replaying will stand. */
    struct cursor at;
    struct interpret_backlog stored, replaying;
};

struct journal {
    struct journal_options o;
    struct store *store;
    struct store_log log;
    struct checkpoint *checkpoint;
    pthread_t thread, syncer;
    pthread_mutex_t lock;
    pthread_cond_t wake;    /* the writer's */
    pthread_cond_t to_sync; /* the syncer's */
    /* Under lock. */
    struct entry_list queue;
    struct job_list jobs;
    bool stopping, replay_asked;
    struct turn *committed, **committed_tail; /* for the syncer */
    size_t under_way;                         /* turns from their commit until they are told */
    size_t unsynced;                          /* those of them that the disk does not have yet */
    size_t wake_at;         /* so many in the queue are worth waking the writer for */
    size_t born_under_way;  /* their deliveries, on their way to the delivery loop */
    struct entry_list told; /* on disk, and answered: for the writer to interpret or to forget */
    bool
        lost; /* entries of a turn that failed to reach the disk: if it gets there after all, their events are to be read back */
    bool finished; /* the writer makes no more turns */

    _Atomic bool empty_asked; /* the log is to be emptied after a commit */
    _Atomic bool
        unsound; /* a sync of the log failed: none counts before the log was written anew */

    /* The writer thread's own. */
    struct turn turns[TURNS_MAX];
    size_t turn_at;
    struct entry_list pending; /* committed, in memory, to be interpreted */
    size_t pending_event;      /* next event of pending.head */
    /* Events only in the store: those behind `pending` (stored.after_id is the mark "interpreted"), and those to be replayed. */
    struct interpret_backlog stored, replaying;
    struct arena arena;
    struct keep_minutes minutes;
    struct known *known;
    bool busy; /* the last turn had requests */
    size_t
        pressure; /* most requests of a recent turn: full turns and near-empty ones take turns under load */
    _Atomic bool jobs_wait; /* since the turn began */
    int64_t earned_us;      /* time that interpreting has saved up */
    bool
        apart; /* an event of the last piece could not be understood: each gets a part of its own */
};

/* tell.c */
/* Starts the syncer's thread: "syncer". */
MUST_CHECK enum err tell_start(struct journal *j, struct why *why);
/* A turn that was committed; from now on the syncer's. */
void tell_offer(struct journal *j, struct turn *t);
/* Ends the thread when everything offered was told. */
void tell_stop(struct journal *j);
/* What the turn was asked for is not on disk. What may wait goes back to the head of the queue; the rest is told; the turn is then
 * empty of both. Waits a little. Either thread. */
void tell_failed(struct journal *j, struct turn *t, enum err rc, const struct why *why);

#endif
