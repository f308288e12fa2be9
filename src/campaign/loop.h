/* loop.h: what the files of the campaign thread share: campaign.c, handout.c, collect.c and giveup.c only. */
#ifndef MALOTE_CAMPAIGN_LOOP_H
#define MALOTE_CAMPAIGN_LOOP_H

#include <pthread.h>

#include "campaign/campaign.h"

enum { PACE_SLACK_US = 1000000 };

struct campaigner {
    struct campaign_options o;
    struct journal *journal;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool woken;            /* under lock */
    _Atomic bool stopping; /* set under lock */
    _Atomic bool hungry;   /* a campaign waits for deliveries to be settled */
    /* The thread's own. */
    struct store *reader;
    struct arena arena; /* of one look at one campaign */
    uint64_t after_id;  /* the next look begins behind it: with very many, they take turns */
};

/* A campaign that has something to do, as it was read. */
struct campaign {
    uint64_t id, workspace_id, destination_id;
    int64_t state, per_minute, next_us;
    slice name, category, template, segment;
    slice limited; /* not empty: the channel takes no more for now */
    uint64_t segment_after;
    int64_t updated_ms; /* when it was started, or changed */
};

int64_t campaign_interval_us(int64_t per_minute);
/* handout.c: hands out up to `count` waiting recipients; *found: how many there were. Returns when all is on disk. */
MUST_CHECK enum err campaign_hand_out(struct campaigner *c, const struct campaign *m,
                                      struct config *config, const struct destination *to,
                                      int64_t count, int64_t *found, struct why *why);
/* giveup.c: pauses a campaign whose messages are refused one after another for one reason (*paused): what is wrong is then not the
 * recipient, and the list is not used up on it. An alert tells of it. */
MUST_CHECK enum err campaign_check(struct campaigner *c, const struct campaign *m,
                                   struct config *config, const struct destination *to,
                                   bool *paused, struct why *why);
/* collect.c: one step of taking contacts into a campaign; *more: there are others. */
MUST_CHECK enum err campaign_collect(struct campaigner *c, const struct campaign *m,
                                     const struct destination *to, bool *more, struct why *why);

#endif
