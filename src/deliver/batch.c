/* batch.c: one outgoing request with its deliveries: chosen, admitted, rendered, sent, judged, settled. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "crypto/hash.h"
#include "deliver/loop.h"

enum {
    BATCH_ARENA_MAX = 24 * 1024 * 1024,
    LEASE_MARGIN_MS = 5000,
    FILE_WAIT_MAX_MS = 10 * 60 * 1000, /* then it asks once more for a file it waits for */
    FILE_AGAIN_MS = 1000 /* not at once: this must be on disk before it is claimed again */
};

struct batch {
    struct wire_call call; /* first: a call is its batch */
    struct batch *next, **link;
    struct deliver *loop;
    struct lane *lane;
    struct config *config; /* the settings it was rendered with */
    const struct destination *to;
    struct arena arena;
    struct leased **at;            /* count of them */
    struct outgoing_delivery *out; /* in the same order */
    size_t count;
    int64_t started_ms;
    uint64_t id;  /* with `who`: the delivery, which may be settled before the batch ends */
    uint64_t who; /* the recipient's hash; 0: of no one, or of many */
};

/* Uniform in 0..1: splitmix64; jitter needs no more. */
static double chance(struct deliver *d)
{
    uint64_t z = d->chance += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (double)((z ^ z >> 31) >> 11) / 9007199254740992.0;
}

static struct batch *batch_new(struct deliver *d, struct lane *lane, size_t max)
{
    struct batch *b = calloc(1, sizeof *b);
    CHECK(b);
    b->loop = d;
    b->lane = lane;
    b->config = config_share(d->config);
    b->to = lane->to;
    arena_init(&b->arena, BATCH_ARENA_MAX);
    b->at = arena_new(&b->arena, struct leased *, max);
    b->out = arena_new(&b->arena, struct outgoing_delivery, max);
    CHECK(b->at && b->out);
    return b;
}

static void batch_free(struct batch *b)
{
    arena_free(&b->arena);
    config_release(b->config);
    free(b);
}

static void dead(struct deliver *d, struct leased *l, const char *reason)
{
    metrics_add(d->o.metrics, METRIC_deliveries_dead, 1);
    LOG(d->o.log, LOG_WARN, "delivery.dead", log_id("delivery", ID_DELIVERY, l->id),
        log_cstr("why", reason));
    loop_settle(d, settlement_new(l, DELIVERY_DEAD, 0, reason));
}

static void describe(const struct batch *b, struct leased *l, struct outgoing_delivery *o,
                     struct arena *a)
{
    char id[ID_TEXT_MAX], own[ID_TEXT_MAX];
    const struct source *s = config_source_by_id(b->config, l->source_id);
    *o = (struct outgoing_delivery){
        .id = arena_dup(a, id_text(ID_DELIVERY, l->id, own)),
        .event = { arena_dup(a, id_text(ID_EVENT, l->event_id, id)), l->type,
                   s ? s->name : l->source, l->occurred_ms, l->received_ms, l->data },
        .key = l->key,
        .created_ms = l->created_ms,
        .first_attempt_ms = l->first_attempt_ms,
        .outcome_unknown = l->outcome_unknown,
        .asked_again = l->asked_again,
        .attempt = l->attempts + 1,
    };
    /* What the file is called at another number than the one we send from now is of no use. */
    const struct dest_messages *m = b->to->kind->messages;
    slice account = m ? m->account(&b->to->cfg) : (slice){ NULL, 0 };
    if (account.len && slice_starts(l->file, account) && l->file.len > account.len + 1 &&
        l->file.ptr[account.len] == '/')
        o->file = slice_sub(l->file, account.len + 1, l->file.len);
}

/* Takes the delivery into the batch, or settles it at once when it must not be sent. */
static void admit(struct batch *b, struct leased *l, int64_t now_ms)
{
    struct deliver *d = b->loop;
    struct outgoing_delivery *o = &b->out[b->count];
    if (now_ms + b->to->timeout_ms + LEASE_MARGIN_MS > l->lease_until_ms) {
        loop_settle(
            d, settlement_new(l, DELIVERY_WAITING, now_ms, "")); /* the lease would end under way */
        return;
    }
    if (b->to->deadline_ms > 0 && l->created_ms + b->to->deadline_ms <= now_ms) {
        dead(d, l, "the destination's deadline passed");
        return;
    }
    if (slice_starts(l->file, SLICE("!"))) {
        char reason[WHY_TEXT_MAX];
        (void)snprintf(reason, sizeof reason, "its file was refused: %.*s",
                       SLICE_ARG(slice_sub(l->file, 1, 200)));
        dead(d, l, reason);
        return;
    }
    describe(b, l, o, &b->arena);
    if (b->to->kind->admit) {
        struct verdict v = b->to->kind->admit(o, &b->to->cfg, now_ms, &b->arena);
        if (v.kind != VERDICT_DELIVERED) {
            dead(d, l, v.reason);
            return;
        }
    }
    b->at[b->count++] = l;
}

static void fill(struct batch *b, struct lane *lane, int64_t now_ms)
{
    struct lane_queue *half = lane_pop_half(lane);
    size_t max = b->to->batch_max;
    if (half) { /* a part of a batch that was refused as a whole: just these */
        for (struct leased *l = half->head, *next; l; l = next) {
            next = l->next;
            admit(b, l, now_ms);
        }
        free(half);
        return;
    }
    if (lane->breaker == BREAKER_HALF_OPEN) max = 1; /* risk one, not all */
    for (struct leased *l; b->count < max && (l = lane_pop(lane));) admit(b, l, now_ms);
}

/* The attempt's texts for people: secrets masked; personal data is masked where it is shown. */
static void write_texts(const struct batch *b, size_t i, const struct reply *r,
                        struct settlement *s)
{
    struct buf request = buf_in(&s->arena, ATTEMPT_TEXT_MAX),
               reply = buf_in(&s->arena, ATTEMPT_TEXT_MAX);
    json_begin_object(&request, NULL);
    json_put_str(&request, "method", b->call.out.method);
    json_put_str(&request, "url", b->call.out.url);
    json_begin_object(&request, "headers");
    for (size_t h = 0; h < b->call.out.header_count; h++) {
        const struct dest_header *header = &b->call.out.headers[h];
        slice name = arena_dup(&s->arena, header->name);
        if (name.ptr)
            json_put_str(&request, name.ptr, header->secret ? SLICE("***") : header->value);
    }
    json_end_object(&request);
    if (b->count > 1) json_put_i64(&request, "batch", (int64_t)b->count);
    slice part = b->out[i].part.len ? b->out[i].part : b->call.out.body;
    json_put_str(&request, "body", slice_sub(part, 0, ATTEMPT_TEXT_MAX / 2));
    json_end_object(&request);
    s->request = buf_slice(&request);
    json_begin_object(&reply, NULL);
    if (r->status) json_put_i64(&reply, "status", r->status);
    json_put_opt(&reply, "error", r->error);
    json_put_opt(&reply, "body", slice_sub(r->body, 0, ATTEMPT_TEXT_MAX / 4));
    json_end_object(&reply);
    s->reply = buf_slice(&reply);
}

/* May the other side have acted on it although we do not know? */
static bool unknown_outcome(const struct reply *r)
{
    return r->status == 0 ? r->sent : r->status == 408 || r->status >= 500;
}

static void settle_one(struct batch *b, size_t i, const struct verdict *v, int64_t now_ms)
{
    struct deliver *d = b->loop;
    struct leased *l = b->at[i];
    const struct reply *r = &b->call.reply;
    bool counts =
        v->kind == VERDICT_RETRY || v->kind == VERDICT_DELIVERED || v->kind == VERDICT_DEAD;
    if (counts) l->attempts++;
    if (l->first_attempt_ms == 0) l->first_attempt_ms = b->started_ms;
    if ((v->kind == VERDICT_RETRY || v->kind == VERDICT_DEAD) && unknown_outcome(r) &&
        !v->refused) {
        l->outcome_unknown = true;
        l->asked_again = false; /* what a person knew is not this */
    }
    /* Once: what the other side cannot use is given anew, and sent with that. */
    bool again = v->kind == VERDICT_DEAD && v->file_gone && b->out[i].file.len > 0;
    bool first = l->attempts == 1;
    enum delivery_state state = again && first                 ? DELIVERY_WAITING
                                : v->kind == VERDICT_DELIVERED ? DELIVERY_DELIVERED
                                : v->kind == VERDICT_DEAD      ? DELIVERY_DEAD
                                                               : DELIVERY_WAITING;
    int64_t due_ms = now_ms;
    char gave_up[WHY_TEXT_MAX] = "";
    if (v->kind == VERDICT_RETRY) {
        int64_t wait_ms = lane_backoff_ms(b->to, l->attempts, v->wait_ms, chance(d));
        if (wait_ms < 0) {
            state = DELIVERY_DEAD;
            (void)snprintf(gave_up, sizeof gave_up, "given up after %u attempts: %.*s", l->attempts,
                           180, v->reason);
        }
        due_ms = now_ms + (wait_ms < 0 ? 0 : wait_ms);
        if (v->pair)
            pair_wait(&b->lane->pairs, b->who, l->id, wait_ms < 0 ? now_ms + v->wait_ms : due_ms);
    } /* PAUSE: due at once; the lane's gate keeps it until the pause ends, or a person ends it */
    if (again && first) due_ms = now_ms + FILE_AGAIN_MS;
    struct settlement *s = settlement_new(l, state, due_ms, gave_up[0] ? gave_up : v->reason);
    s->forget_file = again;
    s->attempted = true;
    s->at_ms = b->started_ms;
    s->elapsed_ms = r->elapsed_ms;
    s->status = r->status;
    s->verdict = v->kind;
    memcpy(s->remote_id, v->remote_id, sizeof s->remote_id);
    memcpy(s->wa_id, v->wa_id, sizeof s->wa_id);
    memcpy(s->user_id, v->user_id, sizeof s->user_id);
    write_texts(b, i, r, s);
    static const enum metric metric_of[DELIVERY_STATE_COUNT] = {
        [DELIVERY_WAITING] = METRIC_deliveries_retried,
        [DELIVERY_DELIVERED] = METRIC_deliveries_delivered,
        [DELIVERY_DEAD] = METRIC_deliveries_dead
    };
    metrics_add(d->o.metrics, metric_of[state], 1);
    if (state == DELIVERY_DEAD)
        LOG(d->o.log, LOG_WARN, "delivery.dead", log_id("delivery", ID_DELIVERY, l->id),
            log_cstr("why", s->reason));
    loop_settle(d, s);
}

static void add_half(struct batch *b, size_t from, size_t to)
{
    struct lane_queue *half = calloc(1, sizeof *half), **end = &b->lane->halves;
    CHECK(half);
    half->tail = &half->head;
    for (size_t i = from; i < to; i++) {
        b->at[i]->next = NULL;
        *half->tail = b->at[i];
        half->tail = &b->at[i]->next;
        half->count++;
    }
    while (*end) end = &(*end)->more;
    *end = half;
}

/* The destination refuses our credentials: nothing more goes out until a person has looked. */
static void hold(struct batch *b, const char *reason, int64_t now_ms)
{
    LOG(b->loop->o.log, LOG_ERROR, "destination.held", log_str("destination", b->to->name),
        log_cstr("why", reason));
    b->lane->paused_until_ms = now_ms + 60000; /* until the new configuration says held */
    alert_held(b->loop, b->config, b->to, reason, now_ms);
}

/* Does it carry anything but the hub's own alerts? */
static bool is_ordinary(const struct batch *b)
{
    size_t i = 0;
    while (i < b->count && event_is_own(b->at[i]->type)) i++;
    return i < b->count;
}

/* Its recipient has nothing under way any more. */
static void went(struct batch *b)
{
    if (b->who) pair_done(&b->lane->pairs, b->who, b->id);
}

static void judged(struct batch *b, const struct verdict *v)
{
    int64_t now_ms = clock_wall_ms();
    struct verdict single = *v;
    if (lane_verdict(b->lane, v, is_ordinary(b), now_ms)) {
        LOG(b->loop->o.log, LOG_WARN, "destination.broken", log_str("destination", b->to->name),
            log_cstr("why", v->reason));
        alert_broken(b->loop, b->config, b->to, v->reason, now_ms);
    }
    if (v->kind == VERDICT_SPLIT && b->count > 1) {
        add_half(b, 0, b->count / 2);
        add_half(b, b->count / 2, b->count);
    } else {
        if (v->kind == VERDICT_SPLIT) single.kind = VERDICT_DEAD;
        if (v->kind == VERDICT_UNAUTHORISED) hold(b, v->reason, now_ms);
        for (size_t i = 0; i < b->count; i++) settle_one(b, i, &single, now_ms);
    }
    went(b);
    batch_free(b);
}

static void unlink_batch(struct batch *b)
{
    *b->link = b->next;
    if (b->next) b->next->link = b->link;
    b->loop->under_way--;
}

static void batch_done(struct wire_call *call)
{
    struct batch *b = (struct batch *)(void *)call;
    unlink_batch(b);
    hide_secrets(call, &b->to->cfg);
    struct verdict v = b->to->kind->judge(&call->reply, b->count, &b->to->cfg, &b->arena);
    judged(b, &v);
}

/* It carries a file of ours that the other side does not have: it waits in the store until media/post.c has given it there. */
static void park(struct batch *b)
{
    uint64_t media_id = 0;
    struct leased *l = b->at[0];
    went(b);
    lane_unsent(b->lane);
    if (id_parse(ID_MEDIA, b->out[0].needs_file, &media_id) != OK) {
        dead(b->loop, l, "cannot be rendered: it names no file");
    } else {
        struct settlement *s = settlement_new(
            l, DELIVERY_WAITING, clock_wall_ms() + FILE_WAIT_MAX_MS, DELIVERY_WAITS_FOR_FILE);
        s->media_id = media_id;
        loop_settle(b->loop, s);
    }
    batch_free(b);
}

/* Its recipient was sent too many, or an older message for them waits: then it waits in the store. */
static bool must_wait(struct batch *b, int64_t now_ms)
{
    if (b->count != 1 || b->out[0].recipient.len == 0) return false;
    b->who = hash_u64(b->out[0].recipient);
    b->id = b->at[0]->id;
    int64_t due_ms = pair_ask(&b->lane->pairs, b->who, b->id, now_ms);
    if (due_ms == 0) return false;
    lane_unsent(b->lane);
    loop_settle(b->loop, settlement_new(b->at[0], DELIVERY_WAITING, due_ms,
                                        "waits: too many messages to this recipient"));
    batch_free(b);
    return true;
}

void batch_send(struct deliver *d, struct lane *lane, int64_t now_ms)
{
    size_t max = lane->to->batch_max;
    if (lane->halves && lane->halves->count > max)
        max = lane->halves->count; /* the setting may have shrunk */
    struct batch *b = batch_new(d, lane, max);
    struct why why = { .code = OK };
    fill(b, lane, now_ms);
    if (b->count == 0) {
        batch_free(b);
        return;
    }
    b->started_ms = now_ms;
    b->call.arena = &b->arena;
    b->call.timeout_ms = b->to->timeout_ms;
    b->call.done = batch_done;
    b->call.once = b->to->kind->messages != NULL; /* a person would get it twice */
    lane_sent(lane, now_ms);
    enum err rc =
        b->to->kind->render(b->out, b->count, &b->to->cfg, now_ms, &b->arena, &b->call.out, &why);
    if ((rc == OK || rc == ERR_BUSY) && must_wait(b, now_ms)) return;
    if (rc == ERR_BUSY && b->count == 1) {
        park(b);
        return;
    }
    if (rc == OK) rc = wire_send(d->wire, &b->call);
    if (rc != OK) { /* too large together, or this one cannot be rendered */
        struct verdict v =
            b->count > 1 ? verdict_of(VERDICT_SPLIT, 0, "%s", why.text)
                         : verdict_of(VERDICT_DEAD, 0, "cannot be rendered: %.*s", 200, why.text);
        judged(b, &v);
        return;
    }
    b->next = d->batches;
    b->link = &d->batches;
    if (b->next) b->next->link = &b->next;
    d->batches = b;
    d->under_way++;
}

void batch_cancel_all(struct deliver *d)
{
    for (struct batch *b = d->batches, *next; b; b = next) {
        next = b->next;
        wire_cancel(d->wire, &b->call);
        int64_t now_ms = clock_wall_ms();
        for (size_t i = 0; i < b->count;
             i++) { /* it may have arrived: the next attempt must know */
            b->at[i]->outcome_unknown = true;
            b->at[i]->asked_again = false;
            if (b->at[i]->first_attempt_ms == 0) b->at[i]->first_attempt_ms = b->started_ms;
            loop_settle(
                d, settlement_new(b->at[i], DELIVERY_WAITING, now_ms, "stopped while under way"));
        }
        went(b);
        unlink_batch(b);
        batch_free(b);
    }
}
