/* pair.h: recipients of one destination that the other side wants fewer messages for. What waits for such a person goes one at a time and
 * in the order in which it was asked for; nobody else waits. Known in memory alone: after a restart the other side says it again.
 * Pure but for the list: times come in as arguments. Thread: "deliver". */
#ifndef MALOTE_DELIVER_PAIR_H
#define MALOTE_DELIVER_PAIR_H

#include "deliver/delivery.h"

enum {
    PAIRS_MAX =
        64, /* people of one destination; of more, the one whose wait ends first is let go */
    PAIR_WAITING_MAX =
        64, /* deliveries whose order is known; further ones wait too, in the order they come */
    PAIR_AGAIN_MS = 1000,    /* for each delivery that is before it */
    PAIR_LATE_MS = 60 * 1000 /* one that did not come back by then holds up nobody */
};

struct pair {
    struct pair *next;
    uint64_t who; /* the recipient's hash, never 0 */
    int64_t until_ms;
    uint64_t going; /* the delivery that is under way; 0: none */
    size_t count;
    struct {
        uint64_t id;
        int64_t due_ms;
    } waiting[PAIR_WAITING_MAX]; /* by id: the order in which they were made */
};

struct pairs {
    struct pair *first;
    size_t count;
};

/* May delivery `id` go to `who` now? 0: yes, and pair_done must be told of its end. Else: when it may ask again. */
int64_t pair_ask(struct pairs *p, uint64_t who, uint64_t id, int64_t now_ms);
/* It went and was answered, or did not go after all. */
void pair_done(struct pairs *p, uint64_t who, uint64_t id);
/* The other side wants fewer for `who`: nothing goes there until then, and `id` is the next unless an older one waits. */
void pair_wait(struct pairs *p, uint64_t who, uint64_t id, int64_t until_ms);
/* Delivery `id` will not come again; what is under way ends by pair_done all the same. */
void pair_forget(struct pairs *p, uint64_t id);
void pair_free(struct pairs *p);

#endif
