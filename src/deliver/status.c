/* status.c: what the delivery loop shows of itself, and the "test connection" request. */
#include <stdlib.h>

#include "base/clock.h"
#include "crypto/hash.h"
#include "deliver/loop.h"

enum { PROBE_ARENA_MAX = 1024 * 1024 };

static struct deliver_status status_of(struct lane *lane, int64_t now_ms)
{
    struct deliver_status s = { .in_memory = (uint32_t)lane->waiting,
                                .under_way = lane->under_way,
                                .state = "ok" };
    if (lane->to && !lane->to->enabled)
        s.state = "disabled";
    else if (lane->to && lane->to->hold.len)
        s.state = "held";
    else if (lane->paused_until_ms > now_ms)
        s.state = "paused", s.until_ms = lane->paused_until_ms;
    else if (lane->breaker == BREAKER_OPEN)
        s.state = "broken", s.until_ms = lane->open_until_ms;
    else if (lane->breaker == BREAKER_HALF_OPEN)
        s.state = "probing";
    else if (lane->slow_until_ms > now_ms)
        s.state = "slowed", s.until_ms = lane->slow_until_ms;
    return s;
}

void loop_publish(struct deliver *d)
{
    int64_t now_ms = clock_wall_ms();
    pthread_mutex_lock(&d->lock);
    d->view_count = 0;
    for (struct lane *lane = d->lanes; lane && d->view_count < LANE_VIEWS_MAX; lane = lane->next)
        d->views[d->view_count++] = (struct lane_view){ lane->id, status_of(lane, now_ms) };
    pthread_mutex_unlock(&d->lock);
}

struct deliver_status deliver_status_of(struct deliver *d, const struct destination *to)
{
    struct deliver_status s = { .state = "ok" };
    pthread_mutex_lock(&d->lock);
    for (size_t i = 0; i < d->view_count; i++)
        if (d->views[i].id == to->id) s = d->views[i].status;
    pthread_mutex_unlock(&d->lock);
    if (!to->enabled)
        s.state = "disabled"; /* the newest word, should the loop not have looked yet */
    else if (to->hold.len)
        s.state = "held";
    return s;
}

struct probe {
    struct wire_call call;
    bool ended;
};

static void probe_done(struct wire_call *call) { ((struct probe *)(void *)call)->ended = true; }

/* On a wire of its own: the loop's belongs to the loop's thread. */
enum err deliver_probe(struct deliver *d, const struct destination *to, struct probe_result *out,
                       struct why *why)
{
    *out = (struct probe_result){ .status = 0 };
    if (!to->kind->probe)
        return why_set(why, ERR_MISSING, "a destination of kind %s cannot be probed",
                       to->kind->name);
    struct wire *wire = NULL;
    struct arena arena;
    struct probe p = { .ended = false };
    uint64_t nonce;
    hash_random(&nonce, sizeof nonce);
    arena_init(&arena, PROBE_ARENA_MAX);
    p.call.arena = &arena;
    p.call.timeout_ms = to->timeout_ms;
    p.call.done = probe_done;
    enum err rc = wire_new(d->o.guard, d->o.metrics, d->o.ca_file, &wire, why);
    if (rc == OK) rc = to->kind->probe(&to->cfg, clock_wall_ms(), nonce, &arena, &p.call.out, why);
    if (rc == OK) rc = wire_send(wire, &p.call);
    while (rc == OK && !p.ended) wire_poll(wire, 1000);
    if (rc == OK) {
        const struct reply *r = &p.call.reply;
        hide_secrets(&p.call, &to->cfg);
        out->verdict = to->kind->judge(r, 1, &to->cfg, &arena);
        out->status = r->status;
        out->elapsed_ms = r->elapsed_ms;
        slice body = r->status ? r->body : r->error;
        out->body_len = body.len < sizeof out->body ? body.len : sizeof out->body;
        if (out->body_len) memcpy(out->body, body.ptr, out->body_len);
    }
    wire_free(wire);
    arena_free(&arena);
    return rc;
}
