/* lane.c: queue, limits and breaker of one destination. */
#include "deliver/lane.h"

void lane_init(struct lane *lane, uint64_t workspace_id, uint64_t id)
{
    *lane = (struct lane){ .id = id,
                           .workspace_id = workspace_id,
                           .breaker_wait_ms = BREAKER_WAIT_FIRST_MS,
                           .pause_wait_ms = PAUSE_WAIT_FIRST_MS };
    for (size_t i = 0; i < PRIORITY_COUNT; i++) lane->queue[i].tail = &lane->queue[i].head;
}

void lane_push(struct lane *lane, struct leased *d)
{
    CHECK((unsigned)d->priority < PRIORITY_COUNT);
    struct lane_queue *q = &lane->queue[d->priority];
    d->next = NULL;
    *q->tail = d;
    q->tail = &d->next;
    q->count++;
    lane->waiting++;
}

static struct leased *queue_pop(struct lane *lane, struct lane_queue *q)
{
    struct leased *d = q->head;
    q->head = d->next;
    if (!q->head) q->tail = &q->head;
    q->count--;
    lane->waiting--;
    d->next = NULL;
    return d;
}

struct leased *lane_pop(struct lane *lane)
{
    if (lane->waiting == 0) return NULL;
    /* Of 31 turns class 0 gets 16, class 1 gets 8, ...: the class is the number of trailing zeros of the turn. */
    lane->turn = lane->turn % 31 + 1;
    unsigned first = (unsigned)__builtin_ctz(lane->turn);
    if (lane->queue[first].head) return queue_pop(lane, &lane->queue[first]);
    for (size_t i = 0; i < PRIORITY_COUNT; i++)
        if (lane->queue[i].head) return queue_pop(lane, &lane->queue[i]);
    return NULL;
}

static struct leased *queue_remove(struct lane_queue *q, uint64_t id)
{
    struct leased **at = &q->head;
    while (*at && (*at)->id != id) at = &(*at)->next;
    struct leased *found = *at;
    if (!found) return NULL;
    *at = found->next;
    if (!*at) q->tail = at;
    q->count--;
    found->next = NULL;
    return found;
}

struct leased *lane_remove(struct lane *lane, uint64_t id)
{
    struct leased *found = NULL;
    for (size_t i = 0; i < PRIORITY_COUNT && !found; i++) found = queue_remove(&lane->queue[i], id);
    if (found) lane->waiting--;
    for (struct lane_queue *half = lane->halves; half && !found; half = half->more)
        found = queue_remove(half, id);
    return found;
}

struct lane_queue *lane_pop_half(struct lane *lane)
{
    struct lane_queue *half = lane->halves;
    if (half) lane->halves = half->more;
    return half;
}

int64_t lane_oldest_us(const struct lane *lane)
{
    int64_t oldest = INT64_MAX;
    for (size_t i = 0; i < PRIORITY_COUNT; i++)
        if (lane->queue[i].head && lane->queue[i].head->ready_us < oldest)
            oldest = lane->queue[i].head->ready_us;
    return oldest;
}

/* Tokens since the last look, at most one second's worth (and at least one). */
static void refill(struct lane *lane, int64_t now_ms)
{
    double per_ms = (double)lane->to->rate_per_min / 60000,
           most = per_ms * 1000 < 1 ? 1 : per_ms * 1000;
    if (lane->tokens_ms == 0)
        lane->tokens = most;
    else if (now_ms > lane->tokens_ms)
        lane->tokens += (double)(now_ms - lane->tokens_ms) * per_ms;
    if (lane->tokens > most) lane->tokens = most;
    lane->tokens_ms = now_ms;
}

enum lane_gate lane_gate(struct lane *lane, int64_t now_ms, int64_t *again_ms)
{
    *again_ms = INT64_MAX;
    if (!lane->to || !lane->to->enabled || lane->to->hold.len) return LANE_HELD;
    if (lane->paused_until_ms > now_ms) {
        *again_ms = lane->paused_until_ms;
        return LANE_PAUSED;
    }
    if (lane->breaker == BREAKER_OPEN && lane->open_until_ms > now_ms) {
        *again_ms = lane->open_until_ms;
        return LANE_BROKEN;
    }
    if (lane->slow_until_ms > now_ms) {
        *again_ms = lane->slow_until_ms;
        return LANE_FULL;
    }
    if (lane->breaker == BREAKER_OPEN) lane->breaker = BREAKER_HALF_OPEN;
    if (lane->breaker == BREAKER_HALF_OPEN && lane->under_way > 0) return LANE_FULL;
    if (lane->under_way >= lane->to->concurrency) return LANE_FULL;
    if (lane->to->rate_per_min > 0) {
        refill(lane, now_ms);
        if (lane->tokens < 1) {
            *again_ms = now_ms + 1 + (int64_t)((1 - lane->tokens) * 60000 / lane->to->rate_per_min);
            return LANE_FULL;
        }
    }
    return LANE_OPEN;
}

void lane_sent(struct lane *lane, int64_t now_ms)
{
    (void)now_ms;
    lane->under_way++;
    if (lane->to->rate_per_min > 0) lane->tokens -= 1;
}

void lane_unsent(struct lane *lane)
{
    lane->under_way--;
    if (lane->to && lane->to->rate_per_min > 0) lane->tokens += 1;
}

static void open_breaker(struct lane *lane, int64_t now_ms)
{
    if (lane->breaker == BREAKER_HALF_OPEN) {
        lane->breaker_wait_ms *= 2;
        if (lane->breaker_wait_ms > BREAKER_WAIT_MAX_MS)
            lane->breaker_wait_ms = BREAKER_WAIT_MAX_MS;
    }
    lane->breaker = BREAKER_OPEN;
    lane->open_until_ms = now_ms + lane->breaker_wait_ms;
}

static void slow_down(struct lane *lane, unsigned used_pct, int64_t now_ms)
{
    if (used_pct < SLOW_FROM_PCT) return;
    int64_t over = (used_pct < 100 ? used_pct : 100) - SLOW_FROM_PCT + 1;
    lane->slow_until_ms = now_ms + SLOW_WAIT_MAX_MS * over / (100 - SLOW_FROM_PCT + 1);
}

static bool failed(struct lane *lane, bool ordinary, int64_t now_ms)
{
    lane->failures++;
    lane->suffers = lane->suffers || ordinary;
    if (lane->breaker == BREAKER_CLOSED && lane->failures < BREAKER_FAILURES) return false;
    if (lane->breaker != BREAKER_OPEN) /* else an answer to a request sent before it opened */
        open_breaker(lane, now_ms);
    bool tell = lane->suffers && !lane->told;
    lane->told = lane->told || tell;
    return tell;
}

bool lane_verdict(struct lane *lane, const struct verdict *v, bool ordinary, int64_t now_ms)
{
    CHECK(lane->under_way > 0);
    lane->under_way--;
    slow_down(lane, v->used_pct, now_ms);
    if (v->kind == VERDICT_RETRY && !v->alone) return failed(lane, ordinary, now_ms);
    lane->failures = 0; /* the other side answers, whatever it says */
    lane->suffers = lane->told = false;
    lane->breaker = BREAKER_CLOSED;
    lane->breaker_wait_ms = BREAKER_WAIT_FIRST_MS;
    if (v->kind == VERDICT_PAUSE) {
        int64_t wait_ms = v->wait_ms > 0 ? v->wait_ms : lane->pause_wait_ms;
        if (v->wait_ms <= 0 && lane->pause_wait_ms <= BREAKER_WAIT_MAX_MS / 2)
            lane->pause_wait_ms *= 2;
        if (now_ms + wait_ms > lane->paused_until_ms) lane->paused_until_ms = now_ms + wait_ms;
    } else if (v->kind == VERDICT_DELIVERED) {
        lane->pause_wait_ms = PAUSE_WAIT_FIRST_MS;
    }
    return false;
}

int64_t lane_backoff_ms(const struct destination *to, uint32_t attempts, int64_t floor_ms,
                        double chance)
{
    CHECK(attempts >= 1);
    if (attempts > to->retry_count) return -1;
    int64_t base_ms = to->retry_ms[attempts - 1];
    int64_t wait_ms = base_ms + (int64_t)((double)base_ms * 0.2 * chance);
    return wait_ms > floor_ms ? wait_ms : floor_ms;
}
