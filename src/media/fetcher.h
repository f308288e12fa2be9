/* fetcher.h: shared by the files of the media thread (fetch.c, bucket.c); nothing of it is for others. */
#ifndef MALOTE_MEDIA_FETCHER_H
#define MALOTE_MEDIA_FETCHER_H

#include "deliver/wire.h"
#include "media/media.h"
#include "media/prune.h"

struct bucket;
struct item;
struct post;

/* How far the daily way through the files is (retain.c). */
struct retain {
    int64_t next_ms; /* monotonic */
    bool aged;       /* no more rows past their age */
    unsigned part;   /* of the depot, next to be looked through */
    struct prune_run run;
};

struct media_fetcher {
    struct media_options o;
    struct journal *journal;
    pthread_t thread;
    bool started;
    struct wire *wire;
    struct store *reader;
    struct item *under_way;
    size_t count;
    bool ended; /* something came to its end in this turn: there may be more to begin */
    struct post *posts;
    size_t post_count;
    struct bucket *bucket; /* NULL: files stay in the folder */
    struct retain retain;
    _Atomic bool woken, stopping;
};

/* ---- bucket.c: files to the bucket, from it, and out of it ---- */

MUST_CHECK enum err bucket_new(struct media_fetcher *m, struct why *why);
void bucket_free(struct bucket *b);
/* Begins what is due and can be; returns after how many ms there may be more. */
int64_t bucket_turn(struct bucket *b);
/* Ends what is under way: all of it is begun anew after the next start. */
void bucket_stop(struct bucket *b);

/* ---- post.c: files of ours to where messages go ---- */

int64_t post_turn(struct media_fetcher *m);
void post_stop(struct media_fetcher *m);

/* retain.c: a step, if it is time; returns after how many ms the next is due. */
void retain_start(struct media_fetcher *m);
int64_t retain_turn(struct media_fetcher *m);

/* adopt.c: before the first turn: what lies in the folder is to be carried up. */
void adopt_folder(struct media_fetcher *m);

/* How long a file waits after its failure number `tries` (from 0): twice as long each time, at most `doubled_max` times. */
static inline int64_t fetcher_wait_ms(int64_t first_ms, int64_t tries, int64_t doubled_max)
{
    return first_ms << (tries < doubled_max ? tries : doubled_max);
}

#endif
