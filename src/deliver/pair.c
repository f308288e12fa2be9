/* pair.c: recipients that must wait, and the order of what waits for them. */
#include "deliver/pair.h"

#include <stdlib.h>

static struct pair *find(const struct pairs *p, uint64_t who)
{
    struct pair *at = who ? p->first : NULL;
    while (at && at->who != who) at = at->next;
    return at;
}

static void drop(struct pairs *p, struct pair *gone)
{
    struct pair **at = &p->first;
    while (*at != gone) at = &(*at)->next;
    *at = gone->next;
    p->count--;
    free(gone);
}

static void take_out(struct pair *q, size_t i)
{
    q->count--;
    for (; i < q->count; i++) q->waiting[i] = q->waiting[i + 1];
}

/* What was settled otherwise, or is kept by the destination's own wait, must not hold up the rest for ever. */
static void forget_late(struct pair *q, int64_t now_ms)
{
    for (size_t i = q->count; i-- > 0;)
        if (q->waiting[i].due_ms + PAIR_LATE_MS < now_ms) take_out(q, i);
}

static void take_id(struct pair *q, uint64_t id)
{
    size_t i = 0;
    while (i < q->count && q->waiting[i].id != id) i++;
    if (i < q->count) take_out(q, i);
}

/* How many of those that wait are before it. */
static size_t before(const struct pair *q, uint64_t id)
{
    size_t i = 0;
    while (i < q->count && q->waiting[i].id < id) i++;
    return i;
}

static void put_in(struct pair *q, uint64_t id, int64_t due_ms)
{
    size_t i = before(q, id);
    if (i < q->count && q->waiting[i].id == id) {
        q->waiting[i].due_ms = due_ms;
        return;
    }
    if (q->count == PAIR_WAITING_MAX) return;
    for (size_t k = q->count++; k > i; k--) q->waiting[k] = q->waiting[k - 1];
    q->waiting[i].id = id;
    q->waiting[i].due_ms = due_ms;
}

int64_t pair_ask(struct pairs *p, uint64_t who, uint64_t id, int64_t now_ms)
{
    struct pair *q = find(p, who);
    if (!q) return 0;
    forget_late(q, now_ms);
    size_t ahead = before(q, id) + (q->going ? 1 : 0);
    if (q->until_ms <= now_ms && ahead == 0) {
        take_id(q, id);
        q->going = id;
        return 0;
    }
    int64_t from_ms = q->until_ms > now_ms ? q->until_ms : now_ms;
    int64_t due_ms = from_ms + (int64_t)ahead * PAIR_AGAIN_MS;
    put_in(q, id, due_ms);
    return due_ms;
}

void pair_done(struct pairs *p, uint64_t who, uint64_t id)
{
    struct pair *q = find(p, who);
    if (!q || q->going != id) return;
    q->going = 0;
    if (q->count == 0) drop(p, q);
}

static void make_room(struct pairs *p)
{
    struct pair *soonest = p->first;
    for (struct pair *q = p->first; q; q = q->next)
        if (q->until_ms < soonest->until_ms) soonest = q;
    if (p->count >= PAIRS_MAX) drop(p, soonest);
}

void pair_wait(struct pairs *p, uint64_t who, uint64_t id, int64_t until_ms)
{
    struct pair *q = find(p, who);
    if (who == 0) return;
    if (!q) {
        make_room(p);
        q = calloc(1, sizeof *q);
        if (!q) return; /* the other side will say it of each of them */
        *q = (struct pair){ .next = p->first, .who = who };
        p->first = q;
        p->count++;
    }
    if (q->going == id) q->going = 0;
    if (until_ms > q->until_ms) q->until_ms = until_ms;
    put_in(q, id, until_ms);
}

void pair_forget(struct pairs *p, uint64_t id)
{
    for (struct pair *q = p->first; q; q = q->next) take_id(q, id);
}

void pair_free(struct pairs *p)
{
    while (p->first) drop(p, p->first);
}
